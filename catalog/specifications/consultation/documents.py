"""All comments of a consultation as workbook and CSV."""

import uuid
from collections.abc import Mapping, Sequence

from catalog.specifications.consultation.models import Consultation, ConsultationComment
from catalog.specifications.consultation.tally import tally
from core.documents import Cell, Row, Sheet, write_csv, write_xlsx

HEADER = (
    "意見番号",
    "意見のID",
    "要件ID",
    "要件名",
    "意見を受けた時の要件の本文",
    "組織",
    "組織の種別",
    "受付日時",
    "提案の種類",
    "意見と理由",
    "提案する文言",
    "状態",
    "処理",
    "分類",
    "修正する箇所",
    "修正する要件のID",
    "修正の内容",
    "理由の説明",
    "処理した日時",
)
_DECIDED_BY = "処理した人"


def comments_csv(
    comments: Sequence[ConsultationComment], people: Mapping[uuid.UUID, str] | None = None
) -> bytes:
    """Return the comments as CSV; `people` (id to name) adds who disposed, for reviewers."""
    return write_csv([_header(people), *(_row(each, people) for each in comments)])


def comments_xlsx(
    consultation: Consultation,
    comments: Sequence[ConsultationComment],
    people: Mapping[uuid.UUID, str] | None = None,
) -> bytes:
    """Return the comments as a workbook with a sheet of counts."""
    return write_xlsx(
        [
            Sheet("意見", _header(people), [_row(each, people) for each in comments]),
            Sheet("件数", ("区分", "項目", "件数"), _counts(consultation, comments)),
        ]
    )


def _header(people: Mapping[uuid.UUID, str] | None) -> tuple[str, ...]:
    return HEADER if people is None else (*HEADER, _DECIDED_BY)


def _row(comment: ConsultationComment, people: Mapping[uuid.UUID, str] | None) -> Row:
    given = comment.disposition
    cells: list[Cell] = [
        comment.number,
        str(comment.id),
        comment.requirement_id or "（全体）",
        comment.requirement_name,
        comment.requirement_text,
        comment.organisation_name,
        comment.organisation_kind.label,
        comment.received_at,
        comment.kind.label,
        comment.text,
        comment.suggestion,
        comment.state.label,
    ]
    if given is None:
        cells += [None] * (len(HEADER) - len(cells))
    else:
        cells += [
            given.outcome.label,
            given.category.label if given.category else None,
            given.place,
            given.requirement_id,
            given.text,
            given.reasoning,
            given.decided_at,
        ]
    if people is not None:
        cells.append(people.get(given.decided_by_id, "") if given else None)
    return cells


def _counts(consultation: Consultation, comments: Sequence[ConsultationComment]) -> list[Row]:
    counted = tally(comments)
    version = consultation.specification_version
    return [
        ("対象", f"{version.specification.name} {version.title}", None),
        (
            "期間",
            f"{consultation.opens_on.isoformat()}／{consultation.closes_on.isoformat()}",
            None,
        ),
        ("合計", "意見（取下げを除く）", counted.standing),
        ("合計", "未処理", counted.undisposed),
        ("合計", "取下げ", counted.withdrawn),
        *(("処理と分類", label, count) for label, count in counted.by_outcome),
        *(("組織の種別", label, count) for label, count in counted.by_kind),
        *(("要件", label, count) for label, count in counted.by_requirement),
    ]
