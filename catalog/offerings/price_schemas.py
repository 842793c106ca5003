"""The price page: numbered rows of components, checked so that a price plan can always be made."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from marshmallow import ValidationError, post_load, validates_schema

from catalog.offerings.models import ListingVersion, PriceComponentRow
from catalog.offerings.price_variants import Variant, check_variants
from catalog.offerings.schemas import GroupSchema
from catalog.price_plan import (
    ALLOWED_INTERVALS,
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.terms import SizeClass
from core.fields import (
    choice,
    day,
    line,
    options,
    whole,
    yen,
)
from core.japanese import format_date

MAXIMUM_ROWS = 40
MAXIMUM_TIERS = 5
BLANK_ROWS = 3
_CORE = ("kind", "unit", "interval", "name", "price")
_LABELS = {
    "kind": "種類",
    "name": "名前",
    "unit": "単位",
    "interval": "回数",
    "price": "単価（税抜）",
    "mode": "段階の数え方",
    "minimum": "1回の最低額（税抜）",
    "maximum": "1回の最高額（税抜）",
    "sizes": "対象の人口",
    "valid_from": "料金の始まる日",
    "valid_to": "料金の終わる日",
    "currency": "通貨",
}


class PriceSchema(GroupSchema):
    """What stands beside the rows; `price_schema` adds the rows."""

    rows = whole("行の数", minimum=1, maximum=MAXIMUM_ROWS)
    minimum_term_months = whole("最低利用期間", required=False, maximum=600)
    tax_rounding = choice("消費税の計算", TaxRounding, required=False)
    part_month = choice("月の一部を使うときの料金", PartMonth, required=False)

    @validates_schema
    def check_rows(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse every row that no price plan could hold, each beside its field."""
        errors: dict[str, str] = {}
        for number in row_numbers(self):
            if not _is_blank(data, number):
                errors.update(_check_row(data, number))
        if not errors:
            used = [number for number in row_numbers(self) if not _is_blank(data, number)]
            errors = check_variants([_variant(data, number) for number in used])
        if errors:
            raise ValidationError({name: [sentence] for name, sentence in errors.items()})

    @post_load
    def collect(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Gather the rows as components in their order."""
        data["components"] = [
            _component(data, number) for number in row_numbers(self) if not _is_blank(data, number)
        ]
        return data


def price_schema(rows: int) -> PriceSchema:
    """Return a schema with so many rows."""
    declared: dict[str, Any] = {}
    for number in range(1, rows + 1):
        declared.update(_declare_row(number))
    return cast("PriceSchema", type("PriceSchema", (PriceSchema,), declared)())


def row_numbers(schema: PriceSchema) -> range:
    """Give the numbers of the rows that a schema has."""
    return range(1, sum(name.startswith("kind_") for name in schema.fields) + 1)


def rows_asked(posted: str | None, stored: int) -> int:
    """Return how many rows to show: as posted, within bounds, never fewer than stored ones."""
    asked = (
        int(posted) if posted and posted.isascii() and posted.isdigit() and len(posted) < 4 else 0
    )
    return max(1, min(max(asked, stored), MAXIMUM_ROWS))


def price_values(row: ListingVersion) -> dict[str, Any]:
    """Return what the price page shows of a stored listing version."""
    values: dict[str, Any] = {
        "version": row.version,
        "minimum_term_months": row.minimum_term_months,
        "tax_rounding": [row.tax_rounding.value],
        "part_month": [row.part_month.value],
    }
    for number, component in enumerate(row.components, start=1):
        values.update(_row_values(component, number))
    return values


def as_rows(components: Sequence[dict[str, Any]]) -> list[PriceComponentRow]:
    """Return components that are not stored, for a preview."""
    return [
        PriceComponentRow(position=position, **component)
        for position, component in enumerate(components, start=1)
    ]


def _declare_row(number: int) -> dict[str, Any]:
    def label(name: str) -> str:
        return f"{number}行目の{_LABELS[name]}"

    declared: dict[str, Any] = {
        f"kind_{number}": choice(label("kind"), ComponentKind, required=False),
        f"name_{number}": line(label("name"), maximum=100, required=False),
        f"unit_{number}": choice(label("unit"), Unit, required=False),
        f"interval_{number}": choice(label("interval"), Interval, required=False),
        f"price_{number}": yen(label("price"), required=False),
        f"mode_{number}": choice(label("mode"), TierMode, required=False),
        f"minimum_{number}": yen(label("minimum"), required=False),
        f"maximum_{number}": yen(label("maximum"), required=False, minimum=1),
        f"sizes_{number}": options(label("sizes"), list(SizeClass), required=False),
        f"valid_from_{number}": day(label("valid_from"), required=False),
        f"valid_to_{number}": day(label("valid_to"), required=False),
        f"currency_{number}": choice(label("currency"), Currency, required=False),
    }
    for tier in range(2, MAXIMUM_TIERS + 1):
        declared[f"lower{tier}_{number}"] = whole(
            f"{number}行目の段階{tier}の始まり", required=False, minimum=1
        )
        declared[f"price{tier}_{number}"] = yen(
            f"{number}行目の段階{tier}の単価（税抜）", required=False
        )
    return declared


def _is_blank(data: dict[str, Any], number: int) -> bool:
    names = (*_CORE, "minimum", "maximum", "sizes", "valid_from", "valid_to")
    values = [data.get(f"{name}_{number}") for name in names]
    tiers = [
        data.get(f"{part}{tier}_{number}")
        for tier in range(2, MAXIMUM_TIERS + 1)
        for part in ("lower", "price")
    ]
    return all(value in (None, "", []) for value in [*values, *tiers])


def _check_row(data: dict[str, Any], number: int) -> dict[str, str]:
    errors = {
        f"{name}_{number}": f"{number}行目の{_LABELS[name]}を選択してください。"
        for name in ("kind", "unit", "interval")
        if data.get(f"{name}_{number}") is None
    }
    kind, interval = data.get(f"kind_{number}"), data.get(f"interval_{number}")
    if kind is not None and interval is not None and interval not in ALLOWED_INTERVALS[kind]:
        words = "か".join(f"「{each.label}」" for each in ALLOWED_INTERVALS[kind])
        errors[f"interval_{number}"] = (
            f"{number}行目の種類が「{kind.label}」のときは、回数に{words}を選択してください。"
        )
    if kind is ComponentKind.OPTION and not data.get(f"name_{number}"):
        errors[f"name_{number}"] = f"{number}行目のオプションの名前を入力してください。"
    currency = data.get(f"currency_{number}") or Currency.JPY
    if currency is not Currency.JPY and kind is not ComponentKind.CLOUD:
        errors[f"currency_{number}"] = (
            f"{number}行目の通貨は「{Currency.JPY.label}」を選択してください。"
            f"ほかの通貨を選べるのは「{ComponentKind.CLOUD.label}」だけです。"
        )
    errors.update(_check_tiers(data, number))
    bounds = data.get(f"minimum_{number}"), data.get(f"maximum_{number}")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        errors[f"maximum_{number}"] = f"{number}行目の最高額は最低額以上にしてください。"
    first, last = data.get(f"valid_from_{number}"), data.get(f"valid_to_{number}")
    if first is not None and last is not None and last < first:
        errors[f"valid_to_{number}"] = (
            f"{number}行目の料金の終わる日は{format_date(first)}以後の日付にしてください。"
        )
    return errors


def _variant(data: dict[str, Any], number: int) -> Variant:
    return Variant(
        row=number,
        kind=data[f"kind_{number}"],
        name=data.get(f"name_{number}") or data[f"kind_{number}"].label,
        interval=data[f"interval_{number}"],
        sizes=frozenset(SizeClass(each) for each in data.get(f"sizes_{number}") or ()),
        valid_from=data.get(f"valid_from_{number}"),
        valid_to=data.get(f"valid_to_{number}"),
    )


def _check_tiers(data: dict[str, Any], number: int) -> dict[str, str]:
    errors: dict[str, str] = {}
    before, has_price = 0, data.get(f"price_{number}") is not None
    for tier, lower, price in _further_tiers(data, number):
        if lower is None and price is None:
            continue
        lower_field, price_field = f"lower{tier}_{number}", f"price{tier}_{number}"
        if not has_price:
            errors[f"price_{number}"] = f"{number}行目は、0からの単価を入力してください。"
        if lower is None:
            errors[lower_field] = f"{number}行目の段階{tier}の始まりを入力してください。"
        elif lower <= before:
            errors[lower_field] = (
                f"{number}行目の段階{tier}の始まりは{before:,}より大きい数字にしてください。"
            )
        if price is None:
            errors[price_field] = f"{number}行目の段階{tier}の単価を入力してください。"
        before = max(before, lower or 0)
    return errors


def _further_tiers(
    data: dict[str, Any], number: int
) -> Iterator[tuple[int, int | None, int | None]]:
    for tier in range(2, MAXIMUM_TIERS + 1):
        yield tier, data.get(f"lower{tier}_{number}"), data.get(f"price{tier}_{number}")


def _component(data: dict[str, Any], number: int) -> dict[str, Any]:
    price = data.get(f"price_{number}")
    tiers = [] if price is None else [[0, price]]
    tiers += [
        [lower, each]
        for _, lower, each in _further_tiers(data, number)
        if lower is not None and each is not None
    ]
    return {
        "kind": data[f"kind_{number}"],
        "name": data.get(f"name_{number}") or data[f"kind_{number}"].label,
        "unit": data[f"unit_{number}"],
        "interval": data[f"interval_{number}"],
        "tier_mode": data.get(f"mode_{number}") or TierMode.GRADUATED,
        "tiers": tiers,
        "minimum": data.get(f"minimum_{number}"),
        "maximum": data.get(f"maximum_{number}"),
        "size_classes": [
            each.value for each in SizeClass if each in (data.get(f"sizes_{number}") or ())
        ],
        "valid_from": data.get(f"valid_from_{number}"),
        "valid_to": data.get(f"valid_to_{number}"),
        "currency": data.get(f"currency_{number}") or Currency.JPY,
    }


def _row_values(row: PriceComponentRow, number: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        f"kind_{number}": row.kind,
        f"name_{number}": row.name,
        f"unit_{number}": row.unit,
        f"interval_{number}": row.interval,
        f"mode_{number}": row.tier_mode,
        f"minimum_{number}": row.minimum,
        f"maximum_{number}": row.maximum,
        f"sizes_{number}": list(row.size_classes),
        f"valid_from_{number}": row.valid_from,
        f"valid_to_{number}": row.valid_to,
        f"currency_{number}": [row.currency.value],
    }
    for tier, (lower, price) in enumerate(row.tiers, start=1):
        if tier == 1:
            values[f"price_{number}"] = price
        else:
            values[f"lower{tier}_{number}"] = lower
            values[f"price{tier}_{number}"] = price
    return values
