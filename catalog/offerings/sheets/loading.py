"""The texts of a row through the schemas of the forms: values, or the findings of every cell."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from marshmallow import ValidationError

from catalog.offerings.discount_schemas import DiscountsSchema, split_discounts
from catalog.offerings.price_schemas import MAXIMUM_ROWS, PriceSchema, price_schema
from catalog.offerings.row_schemas import ROW_KINDS, read_rows
from catalog.offerings.schemas import (
    ExitSchema,
    GroupSchema,
    HostingSchema,
    OperationSchema,
    OverviewSchema,
    UsersSchema,
    split_features,
)
from catalog.offerings.sheets.columns import BY_TARGET, NEEDED, Part, code_of
from catalog.offerings.sheets.findings import Finding, finding_at
from catalog.offerings.sheets.reading import Item
from catalog.price_plan import PartMonth, TaxRounding

_LIST_MARKS = re.compile(r"[、,，;；\n]")
_DISCOUNT_FIELD = re.compile(r"(bodies|percent)_[1-9]")
_PREFIX = "component_"
_OF_SOFTWARE = 3  # so many of the schemas below, the first, speak of the software


@lru_cache(maxsize=1)
def _schemas() -> tuple[GroupSchema, ...]:
    return (
        OverviewSchema(),
        HostingSchema(),
        UsersSchema(),
        OperationSchema(),
        ExitSchema(),
        DiscountsSchema(),
    )


@lru_cache(maxsize=4_000)
def _load_group(number: int, posted: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """Return what a question group says; many rows of a file say the same."""
    schema = (*_schemas(), _price_schema(0))[number]
    values = {name: list(each) if isinstance(each, tuple) else each for name, each in posted}
    loaded: dict[str, Any] = schema.load(values)
    return loaded


@lru_cache(maxsize=4_000)
def _load_prices(rows: int, posted: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """Return the components of one offering; many offerings of a file have the same."""
    loaded: list[dict[str, Any]] = _price_schema(rows).load(dict(posted))["components"]
    return loaded


@lru_cache(maxsize=MAXIMUM_ROWS + 1)
def _price_schema(rows: int) -> PriceSchema:
    return price_schema(rows)


def load_values(
    item: Item, cells: Mapping[str, str], *, terms_only: bool = False
) -> tuple[dict[str, Any], list[Finding]]:
    """Return what the columns of offering and listing say, by the schemas of the question groups.

    With `terms_only` what another company says of its software is not asked.
    """
    raw, findings = _coded(item, cells)
    try:
        raw |= split_discounts(cells.get("discounts", ""))
    except ValidationError as error:
        sentence = _first(error.messages)
        findings.append(_finding(item, "discounts", cells["discounts"], sentence))
    values: dict[str, Any] = {}
    known = {each.column for each in findings}
    skipped = _OF_SOFTWARE if terms_only else 0
    for number, schema in enumerate((*_schemas(), _price_schema(0))):
        if number < skipped:
            continue
        posted = [(name, raw[name]) for name in schema.fields if name in raw]
        posted += [("version", "1"), *([("rows", "1")] if "rows" in schema.fields else [])]
        try:
            values |= _load_group(number, tuple(posted))
        except ValidationError as error:
            for name, messages in cast("dict[str, Any]", error.messages).items():
                target = "discounts" if _DISCOUNT_FIELD.fullmatch(name) else name
                found = _finding(item, target, cells.get(target, ""), _first(messages))
                if found.column not in known:
                    findings.append(found)
    for target, kind in () if terms_only else ROW_KINDS.items():
        try:
            values[target] = read_rows(kind, cells.get(target, ""))
        except ValidationError as error:
            findings.append(_finding(item, target, cells.get(target, ""), _first(error.messages)))
    if not findings:
        values |= {n: list(each) for n, each in values.items() if isinstance(each, list)}
        values["features"] = split_features(values.get("features", ""))
        values["minimum_term_months"] = values["minimum_term_months"] or 0
        values["tax_rounding"] = values["tax_rounding"] or TaxRounding.WHOLE
        values["part_month"] = values["part_month"] or PartMonth.WHOLE
    return values, findings


def load_components(items: Sequence[Item]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the price components of one offering, by the schema of the price page."""
    if len(items) > MAXIMUM_ROWS:
        reason = f"料金は1つのサービスに{MAXIMUM_ROWS}行までです。行をまとめてください。"
        return [], [_finding(items[MAXIMUM_ROWS], "component_kind", "", reason)]
    posted: dict[str, Any] = {"version": "1", "rows": str(max(1, len(items)))}
    findings: list[Finding] = []
    for number, item in enumerate(items, start=1):
        cells = {t: text for t, text in item.cells.items() if t.startswith(_PREFIX)}
        raw, wrong = _coded(item, cells)
        findings += wrong
        posted |= {f"{name.removeprefix(_PREFIX)}_{number}": text for name, text in raw.items()}
    known = {each.place for each in findings}
    try:
        components = _load_prices(len(items), tuple(posted.items()))
    except ValidationError as error:
        for name, messages in cast("dict[str, Any]", error.messages).items():
            found = _price_finding(items, name, _first(messages))
            if found.place not in known:
                findings.append(found)
        return [], findings
    fresh = [{**each, "tiers": [list(tier) for tier in each["tiers"]]} for each in components]
    return fresh, findings


def _coded(item: Item, cells: Mapping[str, str]) -> tuple[dict[str, Any], list[Finding]]:
    """Return the cells that are not empty, words as codes; unknown words are findings."""
    raw: dict[str, Any] = {}
    findings = []
    for target, text in cells.items():
        column = BY_TARGET[target]
        if not text:
            continue
        if column.words is None:
            raw[target] = text
            continue
        words = _LIST_MARKS.split(text) if column.is_list else [text]
        codes = [(word.strip(), code_of(target, word)) for word in words if word.strip()]
        unknown = [word for word, code in codes if code is None]
        if unknown:
            choices = "、".join(column.words.values())
            reason = f"「{unknown[0]}」は選べません。{choices}から選んでください。"
            findings.append(_finding(item, target, text, reason))
            continue
        raw[target] = tuple(code for _, code in codes) if column.is_list else codes[0][1]
    return raw, findings


def _price_finding(items: Sequence[Item], name: str, sentence: str) -> Finding:
    part, _, number = name.rpartition("_")
    item = items[int(number) - 1]
    rows = {str(place): each.number for place, each in enumerate(items, start=1)}
    plain = re.sub(rf"^{number}行目(の|は、)", "", sentence)
    # The form counts its own rows; a spreadsheet shows others.
    plain = re.sub(r"(?<!\d)(\d+)行目", lambda m: f"{rows.get(m[1], m[1])}行目", plain)
    target = f"{_PREFIX}{part}"
    return _finding(item, target, item.cells.get(target, ""), plain)


def _finding(item: Item, target: str, value: str, reason: str) -> Finding:
    can_drop = target not in NEEDED and BY_TARGET[target].part is not Part.PRICE and bool(value)
    return finding_at(item, item.column(target), reason, value, target=target, can_drop=can_drop)


def _first(messages: Any) -> str:
    while isinstance(messages, dict | list):
        messages = next(iter(messages.values())) if isinstance(messages, dict) else messages[0]
    return str(messages)
