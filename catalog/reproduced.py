"""The address that brings a comparison back: what it pins, and what has changed since it was made."""

import json
import re
from dataclasses import astuple, replace
from datetime import date
from typing import Any

from catalog.columns import Column, Comparison
from catalog.conditions import Conditions
from catalog.offerings.content import LISTING_FIELDS, OFFERING_FIELDS
from catalog.offerings.models import ListingVersion
from catalog.offerings.rows import read_accreditations
from core.clock import today_jst
from core.documents import sha256_hex
from core.errors import Invalid
from core.japanese import format_amount
from vendors.models import VendorState

_LETTERS = 6
_SIGNS = {
    "body": "団体の種類・人口",
    "listing": "掲載の状態・名称・事業者",
    "certification": "認証の状態",
    "functions": "標準仕様書・機能の回答",
    "terms": "条件",
    "costs": "料金・費用",
}
# What a listing says of itself that no row compares, and what stands among the costs.
_UNCOMPARED = {"name", "kana", "summary", "description", "features", "accessibility_statement"}
_OF_COSTS = {
    "tax_rounding",
    "part_month",
    "discounts",
    "state_support_yen",
    "state_support_until",
    "state_support_note",
}
_LONGEST_SOURCE = 100  # of a population, in an address
_SIGNATURE = re.compile(rf"[0-9a-f]{{{_LETTERS}}}(?:\.[0-9a-f]{{{_LETTERS}}}){{{len(_SIGNS) - 1}}}")


def pin(conditions: Conditions, today: date) -> Conditions:
    """Return conditions that give the same figures later: price lists of a day, the population of now.

    A population without day or source stays that of the register.
    """
    pinned = replace(conditions, priced_on=conditions.priced_on or today)
    body = conditions.body
    if body is None or body.population is None or conditions.entered.population is not None:
        return pinned
    source = body.population_source
    if body.population_date is None or not source or len(source) > _LONGEST_SOURCE:
        return pinned
    return replace(
        pinned,
        entered=replace(conditions.entered, population=body.population),
        entered_on=body.population_date,
        entered_from=source,
    )


def sign(found: Comparison) -> str:
    """Return a short mark of each part of what a comparison shows."""
    signs = _read_parts(found)
    return ".".join(_digest(signs[name]) for name in _SIGNS)


def list_changes(signature: str, found: Comparison) -> list[str]:
    """Return in words which parts differ from those of a mark; Invalid for what is no mark."""
    if not _SIGNATURE.fullmatch(signature):
        raise Invalid(
            {"sha": "アドレスの「sha」を読み取れません。この部分を消すと、今の内容を表示できます。"}
        )
    pairs = zip(_SIGNS.values(), signature.split("."), sign(found).split("."), strict=True)
    return [words for words, before, after in pairs if before != after]


def population_remark(conditions: Conditions) -> str:
    """Say that the register has another population than the pinned or entered one; else empty."""
    body = conditions.body
    if body is None or body.population is None:
        return ""
    if conditions.entered.population in {None, body.population}:
        return ""
    return (
        f"アドレスにある人口{format_amount(conditions.population or 0)}人で計算しています。"
        f"登録されている{body.label}の人口は{format_amount(body.population)}人です。"
    )


def _read_parts(found: Comparison) -> dict[str, Any]:
    """Return what a comparison shows as values and codes: other words for the same are no change."""
    conditions, columns, whole = found.conditions, found.columns, found.whole
    today = today_jst()
    return {
        "body": [
            conditions.body_code,
            conditions.body.label if conditions.body else None,
            conditions.body_class,
            conditions.population,
            conditions.population_on,
            conditions.population_from,
        ],
        "listing": [_read_listing(column.version) for column in columns],
        "certification": [
            [c.standing.tag, c.standing.number, c.standing.valid_until, c.standing.due_on]
            for c in columns
        ],
        "functions": [
            *(c.version.offering_version.content_sha256 for c in columns),
            *(c.specification_version.id for c in columns),
            *((whole.total, whole.differing, whole.with_gaps) if whole else ()),
        ],
        "terms": [_read_terms(column.version, today) for column in columns],
        "costs": [_read_costs(column, today) for column in columns],
    }


def _read_listing(version: ListingVersion) -> list[Any]:
    offering, vendors = (
        version.offering_version,
        (version.listing.seller, version.listing.offering.maker),
    )
    return [
        offering.name,
        *((row.state, row.service_ends_on, row.withdrawn_at) for row in (version, offering)),
        *((vendor.id, vendor.name, vendor.state is VendorState.ACTIVE) for vendor in vendors),
    ]


def _read_terms(version: ListingVersion, today: date) -> list[Any]:
    offering = version.offering_version
    return [
        *(getattr(offering, name) for name in OFFERING_FIELDS if name not in _UNCOMPARED),
        *(getattr(version, name) for name in LISTING_FIELDS if name not in _OF_COSTS),
        [each.is_held_on(today) for each in read_accreditations(offering.accreditations)],
    ]


def _read_costs(column: Column, today: date) -> list[Any]:
    statement, version = column.cost, column.version
    until = version.state_support_until
    return [
        *(
            [line.fiscal_year, line.months, line.days, line.amounts, line.subtotal, line.tax]
            for line in statement.lines
        ),
        [statement.monthly, statement.monthly_with_tax, statement.subtotal, statement.tax],
        [astuple(need) for need in (*statement.needs_quote, *statement.exit_needs_quote)],
        [statement.exit_charge, statement.exit_included, statement.tax_basis_points],
        [statement.options_left_out, statement.options_absent, column.plan.kinds_unlisted],
        [statement.rounding, statement.part_month, *map(astuple, statement.rates_used)],
        [version.discounts, version.state_support_yen, version.state_support_note],
        [until, until is not None and until < today],
    ]


def _digest(part: Any) -> str:
    return sha256_hex(json.dumps(part, ensure_ascii=False, default=str).encode())[:_LETTERS]
