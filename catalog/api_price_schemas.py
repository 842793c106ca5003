"""The public record of a price list: its lines, discounts and support by the State."""

from marshmallow import fields

from catalog import api_fields as f
from catalog.price_plan import ComponentKind, Currency, Interval, TierMode, Unit
from catalog.terms import SizeClass
from core.fields import FormSchema


class TierSchema(FormSchema):
    """A unit price in yen from a quantity on (inclusive)."""

    lower = fields.Integer(required=True, data_key="from")
    unit_price = f.number("円・税抜")


class PriceComponentSchema(FormSchema):
    """One line of a price list; no tiers: no price is published."""

    name = f.text()
    kind = f.code(ComponentKind)
    unit = f.code(Unit)
    interval = f.code(Interval)
    tier_mode = f.code(TierMode, "graduatedは超えた部分ごと、volumeは全体に一つの単価")
    tiers = fields.List(fields.Nested(TierSchema), required=True)
    minimum = f.number("円・税抜", nullable=True)
    maximum = f.number("円・税抜", nullable=True)
    valid_from = f.day()
    valid_to = f.day()
    size_classes = fields.List(
        f.code(SizeClass), required=True, metadata=f.about("対象の人口。空ならすべての団体")
    )
    currency = f.code(Currency, "USDの金額はセント")


class DiscountSchema(FormSchema):
    """What is taken off the running charges from a number of adopting bodies on."""

    from_bodies = f.number("採用する団体の数（以上）")
    basis_points = f.number("割引率。500は5%")


class StateSupportSchema(FormSchema):
    """What the State pays of the initial cost; nulls where there is none."""

    amount = f.number("円・税抜", nullable=True)
    until = f.day()
    note = f.optional()
