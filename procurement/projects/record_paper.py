"""The 検索証跡・候補抽出調書: what was searched, what was found, why each was kept or left out."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from accounts.queries import list_people
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import load_listing_versions
from core.clock import day_in_japan
from core.db import now
from core.japanese import format_amount, format_date, format_datetime
from core.paper import Facts, Lines, Listing, Paper
from procurement.projects.evidence import content_of, standing_of_hit
from procurement.projects.letterhead import letterhead_of, seals_of
from procurement.projects.models import Candidate, EvidencePack, Project
from procurement.projects.paper_models import PaperKind
from procurement.projects.search_words import describe_query
from search import queries as search_queries

EVIDENCE_LABEL = "検索証跡 SHA-256"
_WAY = (
    "条件に合うサービスを、検索のしくみが返した順にすべて載せています。"
    "候補から外したものは、合わない条件と理由、外した人と時を書いています。"
)


def make_record_paper(
    session: Session, project: Project, pack: EvidencePack, candidates: Sequence[Candidate]
) -> Paper:
    """Return the paper of a locked search with the exclusions as they stand in this act."""
    search = content_of(pack)["search"]
    ids = {pack.locked_by_id, *(each.excluded_by_id for each in candidates if each.excluded_by_id)}
    versions = load_listing_versions(session, [each.listing_version_id for each in candidates])
    return describe_record(
        project,
        pack,
        candidates,
        made_at=now(session),
        letterhead=letterhead_of(session, project),
        seals=seals_of(session, project),
        chosen=describe_query(
            search, search_queries.list_facet_choices(session, search["filters"])
        ),
        people={key: person.name for key, person in list_people(session, list(ids)).items()},
        sample=is_sample(versions),
    )


def is_sample(versions: Mapping[uuid.UUID, ListingVersion]) -> bool:
    """Tell whether a fictitious company is among those who sell or make these."""
    return any(
        each.listing.seller.is_sample or each.listing.offering.maker.is_sample
        for each in versions.values()
    )


def describe_record(
    project: Project,
    pack: EvidencePack,
    candidates: Sequence[Candidate],
    *,
    made_at: datetime,
    letterhead: Sequence[str],
    seals: Any,
    chosen: Sequence[tuple[str, str]],
    people: Mapping[uuid.UUID, str],
    sample: bool,
) -> Paper:
    """Return the words of the paper; `chosen` are the conditions of the search."""
    content = content_of(pack)
    excluded = [each for each in candidates if each.is_excluded]
    ranks = {each.rank for each in excluded}
    facts = _list_facts(project, pack, content, excluded=len(excluded), people=people)
    return Paper(
        kind=PaperKind.SEARCH_RECORD,
        title=PaperKind.SEARCH_RECORD.label,
        number=f"{project.number}　第{pack.revision}回",
        date=format_date(day_in_japan(made_at)),
        letterhead=letterhead,
        blocks=(
            Facts("1　案件と検索の結果", facts),
            Lines("2　必要なこと", [project.need]),
            Facts("3　検索の条件", chosen),
            *_list_conditions(content),
            Lines("5　抽出の方法", [_WAY]),
            Listing(
                "6　見つかったサービス",
                ("順", "サービス", "販売者", "版", "認証の状態", "区分", "内容のハッシュ"),
                [_describe_hit(hit, is_out=hit["rank"] in ranks) for hit in content["hits"]],
                (5, 22, 18, 17, 18, 7, 29),
            ),
            *_list_exclusions(content, excluded, people),
            seals,
        ),
        evidence_label=EVIDENCE_LABEL,
        evidence_hash=pack.sha256,
        references={"pack_id": str(pack.id), "evidence_sha256": pack.sha256},
        made_at=made_at,
        sample=sample,
        landscape=True,
    )


def _list_facts(
    project: Project,
    pack: EvidencePack,
    content: Mapping[str, Any],
    *,
    excluded: int,
    people: Mapping[uuid.UUID, str],
) -> list[tuple[str, str]]:
    search, found = content["search"], len(content["hits"])
    return [
        ("件名", project.title),
        ("予算上の根拠", f"{project.term_basis.label}　{project.budget_line}"),
        ("検索を確定した時と人", when_and_who(pack.locked_at, pack.locked_by_id, people)),
        ("カタログの記録番号", f"第{format_amount(pack.catalog_sequence)}号"),
        ("見つかったサービス", f"{found}件（候補{found - excluded}件、除外{excluded}件）"),
        ("検索のしくみ", f"{search['engine']} {search['engine_version']}"),
        ("抽選の番号", f"{search['seed']}番"),
        ("同義語のハッシュ", search["synonyms_sha256"]),
    ]


def _list_conditions(content: Mapping[str, Any]) -> list[Facts]:
    """Return the conditions that were locked; packs of the first format have none."""
    rows = [(each["key"], each["text"]) for each in content.get("conditions", ())]
    return [Facts("4　検索結果と一緒に確定した条件", rows)] if rows else []


def _describe_hit(hit: Mapping[str, Any], *, is_out: bool) -> tuple[str, ...]:
    standing = standing_of_hit(hit)
    number = hit["certification"].get("number")
    return (
        str(hit["rank"]),
        hit["name"],
        hit["seller"],
        f"サービス 第{hit['offering_number']}版\n販売条件 第{hit['listing_number']}版",
        f"{standing.state.label}\n{number}" if number else standing.state.label,
        "除外" if is_out else "候補",
        f"サービス\n{hit['offering_sha256']}\n販売条件\n{hit['listing_sha256']}",
    )


def _list_exclusions(
    content: Mapping[str, Any],
    excluded: Sequence[Candidate],
    people: Mapping[uuid.UUID, str],
) -> list[Lines]:
    if not excluded:
        return [Lines("7　候補から外したもの", ["外したものはありません。"])]
    by_rank = {hit["rank"]: hit for hit in content["hits"]}
    words = {each["key"]: each["text"] for each in content.get("conditions", ())}
    return [
        Lines(
            f"7-{number}　候補から外したもの（順{each.rank}　{by_rank[each.rank]['name']}）",
            [
                *(
                    [f"合わない条件　{each.condition_key}　{words[each.condition_key]}"]
                    if each.condition_key
                    else []
                ),
                f"理由　{each.exclusion_reason}",
                "外した時と人　"
                + when_and_who(each.excluded_at or each.created_at, each.excluded_by_id, people),
            ],
        )
        for number, each in enumerate(excluded, 1)
    ]


def when_and_who(
    moment: datetime, person_id: uuid.UUID | None, people: Mapping[uuid.UUID, str]
) -> str:
    """Return a moment and who acted then."""
    return f"{format_datetime(moment)}　{people.get(person_id, '') if person_id else ''}".strip()
