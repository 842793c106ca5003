"""Between the JSON of a group and the numbered fields of its page, in both directions."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.api_values import plain
from catalog.offerings.api.frame import Content
from catalog.offerings.discount_schemas import MAXIMUM_DISCOUNTS
from catalog.offerings.models import ListingVersion, PriceComponentRow
from catalog.offerings.price_schemas import MAXIMUM_ROWS, MAXIMUM_TIERS
from catalog.offerings.row_schemas import RowKind
from catalog.offerings.words import show_percent
from core.errors import Invalid

_COMPONENT_FIELDS = {
    "kind": "kind",
    "name": "name",
    "unit": "unit",
    "interval": "interval",
    "tier_mode": "mode",
    "minimum": "minimum",
    "maximum": "maximum",
    "size_classes": "sizes",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "currency": "currency",
}
_PAGE_FIELDS = {field: name for name, field in _COMPONENT_FIELDS.items()}


def check_count(name: str, rows: Sequence[object], maximum: int) -> None:
    """Refuse more rows than a page takes."""
    if len(rows) > maximum:
        raise Invalid({name: f"{name}は{maximum}件までです。今は{len(rows)}件です。"})


# --- rows of one kind: accreditations, categories of data ------------------------------------------


def rows_to_form(kind: RowKind, rows: Sequence[Mapping[str, Any]]) -> Content:
    """Return rows as the numbered fields of their page."""
    check_count(kind.target, rows, kind.maximum)
    blank = [place for place, row in enumerate(rows) if not any(row.values())]
    if blank:
        sentence = "空の行です。内容を入れるか、行を消してください。"
        raise Invalid({f"{kind.target}.{place}": sentence for place in blank})
    return {
        f"{part.name}_{number}": row[part.name]
        for number, row in enumerate(rows, start=1)
        for part in kind.parts
        if row[part.name] is not None
    }


def place_in_rows(kind: RowKind, field: str) -> str:
    """Return where in the JSON a field of the page stands."""
    name, _, number = field.rpartition("_")
    return f"{kind.target}.{int(number) - 1}.{name}" if number.isdigit() else field


def show_rows(kind: RowKind, rows: Sequence[Mapping[str, Any]]) -> Content:
    """Return stored rows as JSON."""
    parts = [part.name for part in kind.parts]
    return {kind.target: [{name: plain(row[name]) for name in parts} for row in rows]}


# --- prices ----------------------------------------------------------------------------------------


def prices_to_form(body: Mapping[str, Any]) -> Content:
    """Return a price plan as the numbered fields of the price page; Invalid where it has no place."""
    rows = body["components"]
    check_count("components", rows, MAXIMUM_ROWS)
    errors: dict[str, str] = {}
    form = {name: value for name, value in body.items() if name != "components"}
    form["rows"] = max(len(rows), 1)
    for number, row in enumerate(rows, start=1):
        for name, field in _COMPONENT_FIELDS.items():
            form[f"{field}_{number}"] = row[name]
        errors |= _put_tiers(form, number, row["tiers"])
    if errors:
        raise Invalid(errors)
    return form


def _put_tiers(form: Content, number: int, tiers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    place = f"components.{number - 1}.tiers"
    if len(tiers) > MAXIMUM_TIERS:
        return {place: f"段階は{MAXIMUM_TIERS}つまでです。今は{len(tiers)}つです。"}
    if tiers and tiers[0]["from"] != 0:
        return {f"{place}.0.from": "最初の段階は0から始めてください。"}
    for tier, each in enumerate(tiers, start=1):
        if tier == 1:
            form[f"price_{number}"] = each["unit_price"]
        else:
            form[f"lower{tier}_{number}"] = each["from"]
            form[f"price{tier}_{number}"] = each["unit_price"]
    return {}


def place_in_prices(field: str) -> str:
    """Return where in the JSON a field of the price page stands."""
    name, _, number = field.rpartition("_")
    if not number.isdigit():
        return field
    row = f"components.{int(number) - 1}"
    for part, told in (("lower", "from"), ("price", "unit_price")):
        if name == part or name.removeprefix(part).isdigit():
            return f"{row}.tiers.{int(name.removeprefix(part) or 1) - 1}.{told}"
    return f"{row}.{_PAGE_FIELDS.get(name, name)}"


def show_prices(row: ListingVersion) -> Content:
    """Return a stored price plan as JSON; amounts in yen without tax (cents where USD)."""
    rows = sorted(row.components, key=lambda each: each.position)
    return {
        "minimum_term_months": row.minimum_term_months,
        "tax_rounding": row.tax_rounding.value,
        "part_month": row.part_month.value,
        "components": [_show_component(each) for each in rows],
    }


def _show_component(row: PriceComponentRow) -> Content:
    told = {name: plain(getattr(row, name)) for name in _COMPONENT_FIELDS}
    return {**told, "tiers": [{"from": lower, "unit_price": price} for lower, price in row.tiers]}


# --- discounts -------------------------------------------------------------------------------------


def discounts_to_form(body: Mapping[str, Any]) -> Content:
    """Return discounts and the State's support as the fields of their page."""
    rows = body["discounts"]
    check_count("discounts", rows, MAXIMUM_DISCOUNTS)
    form = {name: value for name, value in body.items() if name != "discounts"}
    for number, row in enumerate(rows, start=1):
        form[f"bodies_{number}"] = row["from_bodies"]
        form[f"percent_{number}"] = show_percent(row["basis_points"])
    return form


def place_in_discounts(field: str) -> str:
    """Return where in the JSON a field of the page about discounts stands."""
    name, _, number = field.rpartition("_")
    known = {"bodies": "from_bodies", "percent": "basis_points"}
    return f"discounts.{int(number) - 1}.{known[name]}" if name in known else field


def show_discounts(row: ListingVersion) -> Content:
    """Return stored discounts and support as JSON."""
    names = ("state_support_yen", "state_support_until", "state_support_note")
    return {
        "discounts": [
            {"from_bodies": bodies, "basis_points": points} for bodies, points in row.discounts
        ],
        **{name: plain(getattr(row, name)) for name in names},
    }
