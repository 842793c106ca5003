"""What is typed in a consultation."""

from typing import Any

from marshmallow import ValidationError, validates_schema

from catalog.specifications.consultation.models import KeepCategory, Outcome, ProposalKind
from core.fields import FormSchema, checked, choice, day, line, lines, whole

_LONGEST = 5_000
_REQUIREMENT = "要件ID"


class PeriodSchema(FormSchema):
    """From when till when people may comment, and on what."""

    opens_on = day("募集の始まる日")
    closes_on = day("締切りの日")
    about = lines("募集の説明", maximum=2_000, required=False)
    version = whole("版番号", minimum=1)

    @validates_schema(skip_on_field_errors=False)
    def _check_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        start, end = data.get("opens_on"), data.get("closes_on")
        if start and end and end < start:
            raise ValidationError("締切りの日は、始まる日以後の日付にしてください。", "closes_on")


class CommentSchema(FormSchema):
    """A comment on one requirement or, without its id, on the whole."""

    requirement_id = line(_REQUIREMENT, maximum=60, required=False)
    kind = choice("提案の種類", ProposalKind)
    text = lines("意見と理由", maximum=_LONGEST)
    suggestion = lines("提案する文言", maximum=_LONGEST, required=False)


class RevisionSchema(CommentSchema):
    """The same, changed."""

    version = whole("版番号", minimum=1)


class WithdrawalSchema(FormSchema):
    """The word that a comment is taken back."""

    confirmed = checked("取り下げると元に戻せないことを確かめました")
    version = whole("版番号", minimum=1)


class DispositionSchema(FormSchema):
    """The answer to one or several comments, in the order of the flowchart."""

    outcome = choice("処理", Outcome)
    place = line("修正する箇所", maximum=300, required=False)
    requirement_id = line("修正する要件のID", maximum=60, required=False)
    text = lines("修正の内容", maximum=_LONGEST, required=False)
    category = choice("修正しない理由の分類", KeepCategory, required=False)
    reasoning = lines("理由の説明", maximum=_LONGEST, required=False)
    version = whole("版番号", minimum=1)


class PublicationSchema(FormSchema):
    """The lead's word that the dispositions may be read by everyone."""

    confirmed = checked("すべての意見と処理を確かめました")
    version = whole("版番号", minimum=1)
