"""The page about discounts by number of adopting bodies, and about what the State pays at the start."""

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from catalog.offerings.models import ListingVersion
from catalog.offerings.row_schemas import SEPARATOR
from catalog.offerings.schemas import WHOLE_PERCENT, GroupSchema, percent
from catalog.offerings.words import show_percent
from core.fields import day, lines, whole, yen

MAXIMUM_DISCOUNTS = 5


class DiscountsSchema(GroupSchema):
    """割引と国の支援."""

    bodies_1 = whole("1行目の団体の数", required=False, minimum=2, maximum=2_000)
    percent_1 = percent("1行目の割引率")
    bodies_2 = whole("2行目の団体の数", required=False, minimum=2, maximum=2_000)
    percent_2 = percent("2行目の割引率")
    bodies_3 = whole("3行目の団体の数", required=False, minimum=2, maximum=2_000)
    percent_3 = percent("3行目の割引率")
    bodies_4 = whole("4行目の団体の数", required=False, minimum=2, maximum=2_000)
    percent_4 = percent("4行目の割引率")
    bodies_5 = whole("5行目の団体の数", required=False, minimum=2, maximum=2_000)
    percent_5 = percent("5行目の割引率")
    state_support_yen = yen("国の支援の額（税抜）", required=False, minimum=1)
    state_support_until = day("支援の期限", required=False)
    state_support_note = lines("支援の説明", maximum=500, required=False)

    @validates_schema
    def check_rows(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse half a row, a discount of nothing, and rows that do not rise in both."""
        errors: dict[str, list[str]] = {}
        before = rate = 0
        for number in range(1, MAXIMUM_DISCOUNTS + 1):
            bodies, points = data.get(f"bodies_{number}"), data.get(f"percent_{number}")
            if bodies is None and points is None:
                continue
            if bodies is None:
                errors[f"bodies_{number}"] = [f"{number}行目の団体の数を入力してください。"]
            elif bodies <= before:
                sentence = f"{number}行目の団体の数は{before}より大きい数字にしてください。"
                errors[f"bodies_{number}"] = [sentence]
            if not points:
                errors[f"percent_{number}"] = [f"{number}行目の割引率を入力してください。例：5"]
            elif points >= WHOLE_PERCENT:
                sentence = f"{number}行目の割引率は100%より小さくしてください。"
                errors[f"percent_{number}"] = [sentence]
            elif points <= rate:
                sentence = (
                    f"{number}行目の割引率は、団体の数が少ない行の{show_percent(rate)}%より"
                    "大きくしてください。"
                )
                errors[f"percent_{number}"] = [sentence]
            before, rate = max(before, bodies or 0), max(rate, points or 0)
        if errors:
            raise ValidationError(errors)

    @validates_schema
    def check_support(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse an amount without its last day, and a day without an amount."""
        amount, until = data.get("state_support_yen"), data.get("state_support_until")
        if amount is not None and until is None:
            raise ValidationError("支援の期限を入力してください。", "state_support_until")
        if amount is None and (until is not None or data.get("state_support_note")):
            raise ValidationError("国の支援の額を入力してください。", "state_support_yen")

    @post_load
    def collect(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Gather the discounts as they are stored."""
        rows = [
            (data.pop(f"bodies_{number}"), data.pop(f"percent_{number}"))
            for number in range(1, MAXIMUM_DISCOUNTS + 1)
        ]
        data["discounts"] = [[bodies, points] for bodies, points in rows if bodies is not None]
        return data


def discount_values(row: ListingVersion) -> dict[str, Any]:
    """Return what the page shows of a stored row."""
    values = row.model_dump()
    for number, (bodies, points) in enumerate(row.discounts, start=1):
        values[f"bodies_{number}"] = bodies
        values[f"percent_{number}"] = show_percent(points)
    return values


def write_discounts(rows: Sequence[Sequence[int]]) -> str:
    """Return stored discounts as the text of a cell: one line each, number of bodies and per cent."""
    return "\n".join(f"{bodies}{SEPARATOR}{show_percent(points)}" for bodies, points in rows)


def split_discounts(text: str) -> dict[str, str]:
    """Return a cell as the fields of the page; raises ValidationError with one sentence."""
    lines = [each for each in text.splitlines() if each.strip()]
    if len(lines) > MAXIMUM_DISCOUNTS:
        raise ValidationError(f"{MAXIMUM_DISCOUNTS}行までです。今は{len(lines)}行です。")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        cells = [each.strip() for each in line.replace("|", SEPARATOR).split(SEPARATOR)]
        if len(cells) != 2:
            sentence = f"{number}行目は「団体の数{SEPARATOR}割引率」の順に書いてください。例：5{SEPARATOR}5"
            raise ValidationError(sentence)
        fields[f"bodies_{number}"], fields[f"percent_{number}"] = cells
    return {name: cell for name, cell in fields.items() if cell}
