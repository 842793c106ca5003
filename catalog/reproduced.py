"""The address that brings a comparison back: what it pins, and what has changed since it was made."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from catalog.columns import Comparison
from catalog.comparison_tables import Table, absence_words
from catalog.conditions import Conditions
from catalog.term_values import vendor_words
from core.documents import sha256_hex
from core.errors import Invalid
from core.japanese import format_amount

_LETTERS = 6
_SIGNS = {
    "body": "団体の種類・人口",
    "listing": "掲載の状態・名称・事業者",
    "certification": "認証の状態",
    "functions": "標準仕様書・機能の回答",
    "terms": "条件",
    "costs": "料金・費用",
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


def sign(found: Comparison, tables: Iterable[Table]) -> str:
    """Return a short mark of each part of what a comparison shows; `tables` are its terms and costs."""
    signs = _read_parts(found, tables)
    return ".".join(_digest(signs[name]) for name in _SIGNS)


def list_changes(signature: str, found: Comparison, tables: Iterable[Table]) -> list[str]:
    """Return in words which parts differ from those of a mark; Invalid for what is no mark."""
    if not _SIGNATURE.fullmatch(signature):
        raise Invalid(
            {"sha": "アドレスの「sha」を読み取れません。この部分を消すと、今の内容を表示できます。"}
        )
    pairs = zip(_SIGNS.values(), signature.split("."), sign(found, tables).split("."), strict=True)
    return [words for words, before, after in pairs if before != after]


def population_remark(conditions: Conditions) -> str:
    """Say that the register has another population than the pinned or entered one; else empty."""
    body = conditions.body
    if body is None or conditions.entered.population in {None, body.population}:
        return ""
    registered = (
        "登録されていません"
        if body.population is None
        else f"{format_amount(body.population)}人です"
    )
    return (
        f"アドレスにある人口{format_amount(conditions.population or 0)}人で計算しています。"
        f"登録されている{body.label}の人口は{registered}。"
    )


def _read_parts(found: Comparison, tables: Iterable[Table]) -> dict[str, Any]:
    conditions, columns, whole = found.conditions, found.columns, found.whole
    terms, costs = (_cells(table) for table in tables)
    return {
        "body": [
            conditions.body_label,
            conditions.body_class.value,
            conditions.population,
            str(conditions.population_on),
            conditions.population_from,
        ],
        "listing": [[absence_words(c.version), c.name, vendor_words(c.version)] for c in columns],
        "certification": [
            [c.standing.tag, c.standing.number, str(c.standing.valid_until), str(c.standing.due_on)]
            for c in columns
        ],
        "functions": [
            *(c.version.offering_version.content_sha256 for c in columns),
            *(str(c.specification_version.id) for c in columns),
            *((whole.total, whole.differing, whole.with_gaps) if whole else ()),
        ],
        "terms": terms,
        "costs": costs,
    }


def _cells(table: Table) -> list[Any]:
    return [
        [row["text"], *([cell.get("gap"), cell.get("text")] for cell in row["cells"])]
        for chapter in table["chapters"]
        for row in chapter["rows"]
    ]


def _digest(part: Any) -> str:
    return sha256_hex(json.dumps(part, ensure_ascii=False).encode())[:_LETTERS]
