"""The 選定調書, with the 随意契約理由書 as its second part where the contract is direct."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.queries import list_people
from catalog.offerings.queries import load_listing_versions
from catalog.price_plan import ComponentKind, TaxRounding
from core.clock import day_in_japan
from core.db import now
from core.japanese import (
    format_date,
    format_datetime,
    format_fiscal_year,
    format_formal_yen,
    format_yen,
)
from core.paper import Amounts, Block, Facts, Lines, Listing, Paper, Price, Seals
from procurement.projects import queries as project_queries
from procurement.projects.evidence import content_of, standing_of_hit
from procurement.projects.letterhead import letterhead_of, seals_of
from procurement.projects.models import Candidate, ContractTermBasis, EvidencePack, Project
from procurement.projects.paper_models import PaperKind
from procurement.projects.record_paper import EVIDENCE_LABEL, is_sample
from procurement.quoting.queries import opened_quotes
from procurement.selection.models import ExternalDecision, PriceSource, Selection
from procurement.selection.queries import find_external_decision

_REDUCTION = (
    "翌年度以降の歳出予算で、この契約の金額について減額又は削除があったときは、"
    "契約を変更し、又は解除することができる旨を契約に定めます（地方自治法第234条の3）。"
)
_DIRECT = "随意契約理由書（地方自治法施行令第167条の2第1項）"
_TENDER = "契約の方法"


def make_selection_paper(
    session: Session, project: Project, selection: Selection, *, change_note: str = ""
) -> Paper:
    """Return the paper of a choice, decided or not; `change_note` is what its approver acknowledged.

    Before the decision it is what a body decides on outside: it prints the hash of the proposal.
    """
    pack = session.get_one(EvidencePack, selection.pack_id)
    candidates = project_queries.list_candidates(session, pack.id)
    hits = {hit["rank"]: hit for hit in content_of(pack)["hits"]}
    chosen = next(
        each for each in candidates if each.listing_version_id == selection.listing_version_id
    )
    basis = json.loads(selection.cost_basis)
    return Paper(
        kind=PaperKind.SELECTION_RECORD,
        title=PaperKind.SELECTION_RECORD.label,
        number=project.number,
        date=format_date(day_in_japan(now(session))),
        letterhead=letterhead_of(session, project),
        blocks=(
            Facts("1　案件", _list_case(project, basis)),
            Lines("2　必要なこと", [project.need]),
            Facts("3　選んだサービス", _list_service(hits[chosen.rank])),
            *_list_price(basis),
            Lines("5　選んだ理由", [selection.reason]),
            _list_candidates(candidates, hits, chosen),
            *_list_quotes(session, project, selection),
            *_list_grounds(session, selection, change_note),
            _draw_seals(session, project, selection),
        ),
        notes=(_REDUCTION,) if project.term_basis is ContractTermBasis.LONG_TERM else (),
        evidence_label=EVIDENCE_LABEL,
        evidence_hash=pack.sha256,
        references={**_references(selection), "evidence_sha256": pack.sha256},
        made_at=now(session),
        sample=is_sample(load_listing_versions(session, [selection.listing_version_id])),
    )


def _references(selection: Selection) -> dict[str, str | int | None]:
    return {
        "selection_id": str(selection.id),
        "pack_id": str(selection.pack_id),
        "listing_version_id": str(selection.listing_version_id),
        "total_with_tax": selection.total_with_tax,
        "total_without_tax": selection.total_without_tax,
    }


def _draw_seals(session: Session, project: Project, selection: Selection) -> Seals:
    acted = (
        (selection.proposed_by_id, selection.created_at),
        (selection.decided_by_id, selection.decided_at),
    )
    people = list_people(session, [person_id for person_id, _ in acted if person_id])
    prepared, decided = (
        (people[person_id].name, format_date(day_in_japan(moment)))
        if person_id and moment
        else ("", "")
        for person_id, moment in acted
    )
    external = find_external_decision(session, selection.id)
    if external is not None:
        decided = (external.decider_name, format_date(external.decided_on))
    amount = selection.total_with_tax
    return seals_of(session, project, amount, prepared=prepared, decided=decided)


def _list_case(project: Project, basis: Mapping[str, Any]) -> list[tuple[str, str]]:
    first, last = date.fromisoformat(basis["starts_on"]), date.fromisoformat(basis["ends_on"])
    return [
        ("件名", project.title),
        ("利用期間", f"{format_date(first)}から{format_date(last)}まで（{basis['months']}か月）"),
        ("予算上の根拠", f"{project.term_basis.label}　{project.budget_line}"),
    ]


def _list_service(hit: Mapping[str, Any]) -> list[tuple[str, str]]:
    standing = standing_of_hit(hit)
    number = hit["certification"].get("number")
    return [
        ("サービス", hit["name"]),
        ("開発者", hit["maker"]),
        ("契約の相手方", hit["seller"]),
        ("標準仕様書", f"{hit['specification']['code']}　{hit['specification']['version']}"),
        (
            "版",
            f"サービス 第{hit['offering_number']}版、販売条件 第{hit['listing_number']}版",
        ),
        ("認証の状態", f"{standing.state.label}　{number}" if number else standing.state.label),
        ("販売条件のハッシュ", hit["listing_sha256"]),
    ]


def _list_price(basis: Mapping[str, Any]) -> list[Block]:
    rate = basis["tax_basis_points"] // 100
    rule = TaxRounding(basis["rounding"]).label
    price = Price(
        "利用期間の合計",
        format_formal_yen(basis["total"]),
        format_yen(basis["tax"]),
        f"消費税及び地方消費税（{rate}%）は、{rule}ます。",
    )
    kinds = basis["kinds"]

    def row(name: str, line: Mapping[str, Any]) -> list[str | int]:
        sums = [*(line["amounts"][k] for k in kinds), line["subtotal"], line["tax"], line["total"]]
        return [name, *("" if n is None else n for n in sums)]

    head = (
        "会計年度",
        *(ComponentKind(kind).label for kind in kinds),
        "税抜計",
        "消費税",
        "税込計",
    )
    rows = [row(format_fiscal_year(year["fiscal_year"]), year) for year in basis["years"]]
    found: list[Block] = [price, Amounts("4　金額の内訳", head, rows, row("合計", basis))]
    if basis["components"]:
        how = ("費用", "算定の方法（税抜）")
        found.append(Listing("算定の方法", how, basis["components"], (1, 3)))
    return found


def _list_candidates(
    candidates: Sequence[Candidate], hits: Mapping[int, Mapping[str, Any]], chosen: Candidate
) -> Listing:
    rows = []
    for each in candidates:
        hit = hits[each.rank]
        outcome = "選定" if each.id == chosen.id else "除外" if each.is_excluded else "候補"
        state = standing_of_hit(hit).state.label
        rows.append((str(each.rank), hit["name"], hit["seller"], state, outcome))
    head = ("順", "サービス", "販売者", "認証の状態", "結果")
    return Listing("6　検索で見つかったサービス", head, rows, (6, 32, 32, 18, 12))


def _list_quotes(session: Session, project: Project, selection: Selection) -> list[Block]:
    """Return the opened quotes, in the order of the candidates, where the price comes from one."""
    if selection.price_source is not PriceSource.QUOTE:
        return []
    opened = opened_quotes(session, project.id)
    versions = load_listing_versions(session, [each.listing_version_id for each in opened])
    rows: list[Sequence[str | int]] = []
    for each in opened:
        version = versions[each.listing_version_id]
        name = f"{version.offering_version.name}（{version.listing.seller.name}）"
        chosen = "採用" if each.quote_id == selection.quote_id else "不採用"
        rows.append((name, each.total - each.tax, each.tax, each.total, chosen))
    head = ("サービス（販売者）", "税抜計", "消費税", "税込計", "結果")
    return [Amounts("7　開封した見積", head, rows)]


def _list_grounds(session: Session, selection: Selection, change_note: str) -> list[Block]:
    """Return method and grounds: the 随意契約理由書 where the contract is direct."""
    rows = [
        ("契約の方法", selection.method.label),
        ("金額のもと", selection.price_source.label),
        ("契約の種類", selection.category.label),
        ("提案した時", format_datetime(selection.created_at)),
    ]
    if selection.ground is not None:
        rows.insert(0, ("根拠となる条文", selection.ground.label))
    if selection.ceiling_amount is not None:
        ceiling = f"{format_yen(selection.ceiling_amount)}（税込）　{selection.ceiling_source}"
        rows.append(("少額の契約の限度額", ceiling))
    if selection.proposal_sha256:
        rows.append(("選定の案のハッシュ", selection.proposal_sha256))
    told = [
        ("根拠となる事実", selection.grounds_text),
        ("1者だけに依頼する理由", selection.sole_source_reason),
        ("最も低い見積を選ばなかった理由", selection.not_lowest_reason),
        ("ほかにも適合するサービスがあることについて（決裁者）", selection.sole_acknowledgement),
        ("分けて発注していない理由", selection.splitting_note),
        ("確定したあとの変更を確かめた結果（担当者）", selection.change_note),
        ("確定したあとの変更を確かめた結果（決裁者）", change_note),
    ]
    title = _DIRECT if selection.ground is not None else _TENDER
    external = find_external_decision(session, selection.id)
    outside = [Facts("庁外決裁", _say_external(external))] if external else []
    return [
        Facts(title, rows),
        *(Lines(name, [words]) for name, words in told if words),
        *outside,
    ]


def _say_external(external: ExternalDecision) -> list[tuple[str, str]]:
    return [
        ("文書番号", external.document_number),
        ("決裁した人", f"{external.decider_title}　{external.decider_name}"),
        ("決裁した日", format_date(external.decided_on)),
        ("決裁した書類のハッシュ", external.document_sha256),
        ("決裁の写しのハッシュ", external.file_sha256),
    ]
