"""The 比較表 of a case: what the remaining candidates cost this body and how they conform."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from accounts.queries import list_people
from catalog.condition_words import condition_rows
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import count_mandatory_answers, load_listing_versions
from catalog.price_plan import QUOTE_LABEL
from catalog.terms import Answer
from core.clock import day_in_japan
from core.db import now
from core.japanese import format_date, format_fiscal_year
from core.paper import Amounts, Facts, Lines, Listing, Paper
from procurement.projects.costs import Estimate, conditions_of, estimate_cost
from procurement.projects.evidence import content_of, standing_of_hit
from procurement.projects.letterhead import letterhead_of, seals_of
from procurement.projects.models import Candidate, EvidencePack, Project
from procurement.projects.paper_models import PaperKind
from procurement.projects.record_paper import EVIDENCE_LABEL, is_sample
from procurement.projects.weighing import EvaluationView, add_up, format_points

_RULE = (
    "費用は、同じ条件で、確定した日に公表されていた料金から計算しています。"
    "並び順は検索の結果の順で、優劣を表しません。"
)
_YEARS_BESIDE = 4  # fiscal years for which amounts fit on a page


def make_comparison_paper(
    session: Session,
    project: Project,
    pack: EvidencePack,
    remaining: Sequence[Candidate],
    evaluation: EvaluationView | None = None,
) -> Paper:
    """Return the paper of the candidates that remain, by the prices and versions of the lock."""
    versions = load_listing_versions(session, [each.listing_version_id for each in remaining])
    day = day_in_japan(pack.locked_at)
    conditions = conditions_of(project, project.owner, day)
    estimates = {key: estimate_cost(v, project, project.owner, day) for key, v in versions.items()}
    software = [each.offering_version_id for each in versions.values()]
    counts = count_mandatory_answers(session, software, conditions.body_class)
    hits = {hit["rank"]: hit for hit in content_of(pack)["hits"]}
    compared = [(each, hits[each.rank], versions[each.listing_version_id]) for each in remaining]
    people = list_people(session, [project.last_editor_id])
    prepared = (people[project.last_editor_id].name, "")
    return Paper(
        kind=PaperKind.COMPARISON_TABLE,
        title=PaperKind.COMPARISON_TABLE.label,
        number=f"{project.number}　第{pack.revision}回",
        date=format_date(day_in_japan(now(session))),
        letterhead=letterhead_of(session, project),
        blocks=(
            Facts("1　比べた条件", [("件名", project.title), *condition_rows(conditions)]),
            Lines("2　比べた方法", [_RULE]),
            _list_costs([(hit, estimates[version.id]) for _, hit, version in compared]),
            _list_conformity(compared, counts),
            _list_terms(compared),
            *_list_evaluation(evaluation, compared, estimates),
            seals_of(session, project, prepared=prepared),
        ),
        evidence_label=EVIDENCE_LABEL,
        evidence_hash=pack.sha256,
        references={"pack_id": str(pack.id), "evidence_sha256": pack.sha256},
        made_at=now(session),
        sample=is_sample(versions),
        landscape=True,
    )


def _name_of(hit: Mapping[str, Any]) -> str:
    return f"{hit['rank']}　{hit['name']}（{hit['seller']}）"


def _list_costs(rows: Sequence[tuple[Mapping[str, Any], Estimate]]) -> Amounts:
    lines = rows[0][1].statement.lines
    years = [line.fiscal_year for line in lines] if len(lines) <= _YEARS_BESIDE else []
    found = []
    for hit, estimate in rows:
        statement = estimate.statement
        sums = (statement.subtotal, statement.tax, statement.total)
        each = {line.fiscal_year: line.total for line in statement.lines}
        amounts = [*(each.get(year) for year in years), *sums]
        rounding = statement.rounding.label
        found.append([_name_of(hit), *(QUOTE_LABEL if n is None else n for n in amounts), rounding])
    head = [f"{format_fiscal_year(year)}（税込）" for year in years]
    columns = ("サービス（販売者）", *head, "税抜計", "消費税", "税込計", "端数の決まり")
    return Amounts("3　利用期間の費用", columns, found)


def _list_conformity(
    compared: Sequence[tuple[Candidate, Mapping[str, Any], ListingVersion]],
    counts: Mapping[uuid.UUID, Mapping[Answer | None, int]],
) -> Listing:
    kinds: tuple[Answer | None, ...] = (
        Answer.CONFORMS,
        Answer.CONDITIONAL,
        Answer.ALTERNATIVE,
        Answer.NOT_CONFORMING,
        None,
    )
    head = [answer.label if answer else "未回答" for answer in kinds]
    rows = []
    for _, hit, version in compared:
        found = counts[version.offering_version_id]
        state = standing_of_hit(hit).state.label
        numbers = [f"{found.get(answer, 0)}件" for answer in kinds]
        rows.append((_name_of(hit), state, *numbers, hit["listing_sha256"]))
    columns = ("サービス（販売者）", "認証の状態", *head, "販売条件のハッシュ")
    return Listing("4　認証と、実装必須の要件への回答", columns, rows, (28, 13, 9, 11, 9, 9, 9, 27))


def _list_terms(
    compared: Sequence[tuple[Candidate, Mapping[str, Any], ListingVersion]],
) -> Listing:
    head = ("サービス（販売者）", "サポートの時間", "稼働率の目標", "解約の予告", "データの返還")
    rows = [
        (
            _name_of(hit),
            version.support_hours or "記載なし",
            _percent(version.availability_basis_points),
            _number(version.notice_months, "か月前"),
            _number(version.retrieval_days, "日間"),
        )
        for _, hit, version in compared
    ]
    return Listing("5　提供の条件", head, rows, (30, 26, 15, 15, 15))


def _list_evaluation(
    view: EvaluationView | None,
    compared: Sequence[tuple[Candidate, Mapping[str, Any], ListingVersion]],
    estimates: Mapping[uuid.UUID, Estimate],
) -> list[Listing | Lines]:
    """Return weights, points and notes, where more than the price was weighed."""
    if view is None or not view.is_weighted:
        return [Lines("6　評価", ["公表された料金の合計（税込）だけで比べました。"])]
    weights = [(each.name, f"{each.weight}点", each.how or "―") for each in view.criteria]
    totals = {each.id: estimates[version.id].total for each, _, version in compared}
    results = {each.candidate_id: each for each in add_up(view, totals)}
    rows = []
    for candidate, hit, _ in compared:
        result = results[candidate.id]
        parts = ["見積のあと" if part is None else format_points(part) for part in result.parts]
        total = "見積のあと" if result.total is None else format_points(result.total)
        rows.append((_name_of(hit), *parts, total))
    notes = [
        f"{_name_of(hit)}　{each.name} {score.points}点　{score.note}".strip()
        for candidate, hit, _ in compared
        for each in view.typed_criteria
        if each.id and (score := view.scores.get((candidate.id, each.id)))
    ]
    head = (
        "サービス（販売者）",
        *(f"{each.name}（{each.weight}）" for each in view.criteria),
        "合計",
    )
    return [
        Listing("6　評価の項目と重み", ("項目", "重み", "見方"), weights, (30, 10, 60)),
        Listing("7　評価の結果（100点満点）", head, rows, (28, *(12 for _ in head[1:]))),
        Lines("8　付けた点（0から100）と理由", notes),
    ]


def _percent(basis_points: int | None) -> str:
    return "記載なし" if basis_points is None else f"{basis_points / 100:g}%"


def _number(value: int | None, unit: str) -> str:
    return "記載なし" if value is None else f"{value}{unit}"
