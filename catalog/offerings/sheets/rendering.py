"""A stored offering as the texts of its row and of its price rows, by target."""

from typing import Any

from catalog.offerings.content import LISTING_FIELDS, OFFERING_FIELDS
from catalog.offerings.models import OfferState, PriceComponentRow
from catalog.offerings.queries import OPEN_STATES
from catalog.offerings.sheets.columns import HIGHEST_TIER, in_words
from catalog.offerings.sheets.queries import OwnOffering
from catalog.offerings.words import show_percent
from catalog.specifications.models import SpecificationVersion


def render_offering(own: OwnOffering) -> dict[str, str]:
    """Return what the row of an offering shows, without the key.

    Of another company's software only name and standard stand beside the vendor's own terms.
    """
    version, terms = own.version, own.terms
    cells = {
        "version_id": str(own.id),
        "versions": mark_versions(own),
        "specification": name_specification(version.specification_version),
        "standing": _say_standing(own),
    }
    told = ("name",) if own.is_resold else OFFERING_FIELDS
    cells |= dict.fromkeys(OFFERING_FIELDS, "")
    cells |= {name: in_words(name, getattr(version, name)) for name in told}
    cells |= {name: in_words(name, getattr(terms, name)) for name in LISTING_FIELDS}
    cells["availability_basis_points"] = show_percent(terms.availability_basis_points)
    return {name: _as_read(text) for name, text in cells.items()}


def mark_versions(own: OwnOffering) -> str:
    """Return the mark by which an import knows that nobody changed a row since its export.

    No spreadsheet reads it as a number or a day.
    """
    terms = f"t{own.terms.number}-{own.terms.version}"
    return terms if own.is_resold else f"s{own.version.number}-{own.version.version}-{terms}"


def _say_standing(own: OwnOffering) -> str:
    if own.is_resold:
        maker = own.terms.listing.offering.maker.label
        return f"ほかの会社のサービス（{maker}）の販売条件：{own.terms.state.label}"
    state = f"第{own.version.number}版：{own.version.state.label}"
    is_apart = own.version.state is OfferState.PUBLISHED and own.terms.state in OPEN_STATES
    return state + (f"（料金・条件の変更：{own.terms.state.label}）" if is_apart else "")


def render_component(row: PriceComponentRow) -> dict[str, str]:
    """Return what one price row shows, without the key."""
    values: dict[str, Any] = {
        "component_kind": row.kind.value,
        "component_name": row.name,
        "component_unit": row.unit.value,
        "component_interval": row.interval.value,
        "component_mode": row.tier_mode.value,
        "component_minimum": row.minimum,
        "component_maximum": row.maximum,
        "component_sizes": list(row.size_classes),
        "component_valid_from": row.valid_from,
        "component_valid_to": row.valid_to,
        "component_currency": row.currency.value,
        "component_price": row.tiers[0][1] if row.tiers else None,
    }
    for tier in range(2, HIGHEST_TIER + 1):
        lower, price = row.tiers[tier - 1] if len(row.tiers) >= tier else (None, None)
        values[f"component_lower{tier}"], values[f"component_price{tier}"] = lower, price
    return {name: _as_read(in_words(name, value)) for name, value in values.items()}


def name_specification(version: SpecificationVersion) -> str:
    """Return how the sheets name a version of a specification: code and label."""
    return f"{version.specification.code} {version.label}"


def _as_read(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
