"""What people type about quote rounds, questions and quotes."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from catalog.price_plan import ComponentKind, Interval, Unit
from core.errors import Invalid
from core.fields import FormSchema, checked, choice, day, line, lines, option, row, whole, yen
from procurement.projects.schemas import (
    DecisionSchema,
    ReasonedDecisionSchema,
    VersionSchema,
    reason_field,
)
from procurement.quoting.content import LONGEST_NAME, LineState, QuoteLine, Written
from procurement.quoting.models import QuoteKind

EXTRA_LINES = 2
STEPS = ("check", "edit", "submit")
_INTERVALS = (Interval.ONCE, Interval.MONTH, Interval.YEAR)


class RoundSchema(FormSchema):
    """How, whom and until when a body asks for quotes."""

    kind = choice("見積の求めかた", QuoteKind)
    candidates = fields.List(
        fields.UUID(error_messages={"invalid_uuid": "依頼先は一覧から選択してください。"}),
        load_default=list,
        metadata={"label": "依頼先"},
    )
    deadline_on = day("見積の締切")
    questions_on = day("質問の受付")
    contact = line("問い合わせ先", maximum=300)
    message = lines("そのほかの条件", maximum=2_000, required=False)
    sole_reason = lines("一者だけに依頼する理由", maximum=2_000, required=False)


class RoundEditSchema(VersionSchema, RoundSchema):
    """The same, over a version that was read."""


class SendSchema(DecisionSchema):
    """An approver's decision: approving sends, which is a legal act; returning needs a reason."""

    password = fields.String(load_default="", metadata={"label": "パスワード"})


class ConfirmSchema(VersionSchema):
    """A confirm page."""

    confirmed = checked()


class ReasonSchema(ConfirmSchema):
    """An act that needs a reason."""

    reason = reason_field()


class OpenSchema(FormSchema):
    """The confirm page of the opening; the password when the sign-in is older than ten minutes."""

    confirmed = checked("開封する見積依頼を確認しました")
    password = fields.String(load_default="", metadata={"label": "パスワード"})


class PlainConfirmSchema(FormSchema):
    """A confirm page of an act without a version of its own."""

    confirmed = checked()


class ExtensionSchema(FormSchema):
    """A later deadline for everybody."""

    deadline_on = day("新しい締切")
    reason = reason_field()


class QuestionSchema(FormSchema):
    """What a vendor asks."""

    question = lines("質問", maximum=2_000)


class ExtensionDecisionSchema(ReasonedDecisionSchema):
    """An approver's decision on the later deadline that was read."""

    extension_id = row("締切を延ばす案")


class AnswerSchema(VersionSchema):
    """The question as everybody may read it, and the answer."""

    published_text = lines("公開する質問", maximum=2_000)
    answer = lines("答え", maximum=4_000)


class RevisionSchema(FormSchema):
    """Taking a quote back: the revision that was seen."""

    revision = whole("版", minimum=1)
    confirmed = checked()


def quote_schema(asked: Sequence[QuoteLine]) -> FormSchema:
    """Return the form of a quote: state and unit price of each line, lines of one's own, validity."""
    declared: dict[str, Any] = {
        "step": option("手順", STEPS),
        "revision": whole("版"),
        "confirmed": fields.Boolean(load_default=False, metadata={"label": "確認"}),
    }
    for index, each in enumerate(asked):
        declared[f"state_{index}"] = choice(f"「{each.name}」の費用", LineState)
        declared[f"price_{index}"] = yen(f"「{each.name}」の単価", required=False)
    for index in range(EXTRA_LINES):
        label = f"追加の項目{index + 1}"
        declared[f"extra_name_{index}"] = line(
            f"{label}の名前", maximum=LONGEST_NAME, required=False
        )
        codes = [each.value for each in _INTERVALS]
        declared[f"extra_interval_{index}"] = option(f"{label}の回数", codes, required=False)
        declared[f"extra_price_{index}"] = yen(f"{label}の金額", required=False)
    declared["valid_until"] = day("見積の有効期限")
    declared["notes"] = lines("備考", maximum=1_000, required=False)
    made: FormSchema = FormSchema.from_dict(declared, name="QuoteSchema")()  # type: ignore[assignment]
    return made


INTERVALS = tuple((each.value, each.label) for each in _INTERVALS)


def first_values(
    asked: Sequence[QuoteLine], extra: Sequence[QuoteLine], revision: int
) -> dict[str, Any]:
    """Return what the form of a quote shows first."""
    values: dict[str, Any] = {"revision": revision}
    for index, each in enumerate(asked):
        values[f"state_{index}"], values[f"price_{index}"] = each.state, each.unit_price
    for index, each in enumerate(extra):
        values[f"extra_name_{index}"] = each.name
        values[f"extra_interval_{index}"] = each.interval
        values[f"extra_price_{index}"] = each.unit_price
    return values


def read_written(asked: Sequence[QuoteLine], data: Mapping[str, Any]) -> Written:
    """Return what a vendor wrote; Invalid where a line has no answer, for a blank is never zero yen."""
    errors: dict[str, str] = {}
    found = []
    for index, each in enumerate(asked):
        state, price = data[f"state_{index}"], data[f"price_{index}"]
        if state is LineState.PRICED and price is None:
            errors[f"price_{index}"] = (
                f"「{each.name}」の単価を入力してください。費用がかからないときは、"
                "「費用はかからない」か「ほかの項目に含む」を選択してください。"
            )
        elif state is not LineState.PRICED and price is not None:
            errors[f"price_{index}"] = (
                f"「{each.name}」に「{state.label}」を選んだときは、単価を消してください。"
            )
        line_ = QuoteLine(each.kind, each.name, each.unit, each.interval, state, price)
        found.append(line_)
    found += _read_extra(data, errors)
    if errors:
        raise Invalid(errors)
    return Written(tuple(found), data["valid_until"], data["notes"])


def _read_extra(data: Mapping[str, Any], errors: dict[str, str]) -> list[QuoteLine]:
    found = []
    for index in range(EXTRA_LINES):
        name, price = data[f"extra_name_{index}"], data[f"extra_price_{index}"]
        code = data[f"extra_interval_{index}"]
        if not name and price is None:
            continue
        if not name:
            errors[f"extra_name_{index}"] = f"追加の項目{index + 1}の名前を入力してください。"
        if price is None:
            errors[f"extra_price_{index}"] = f"追加の項目{index + 1}の金額を入力してください。"
        if not code:
            errors[f"extra_interval_{index}"] = f"追加の項目{index + 1}の回数を選択してください。"
        if name and price is not None and code:
            interval = Interval(code)
            kind = ComponentKind.INITIAL if interval is Interval.ONCE else ComponentKind.BASE
            found.append(QuoteLine(kind, name, Unit.LUMP, interval, LineState.PRICED, price))
    return found
