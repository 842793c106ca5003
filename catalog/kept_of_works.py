"""A comparison over several works: what is kept for one of them counts for none of the others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import url_for

from catalog.columns import Column, Comparison
from catalog.comparison_frame import address, parts_of
from catalog.kept.remembering import find_words, list_codes, own_conditions
from catalog.kept.words import work_words
from core import web

_FOR_ALL = (
    "業務の違うサービスを並べています。入力した数量とオプションを、どのサービスの費用にも使っています。"
    "業務によって違うときは、「1件ずつの内訳」から、業務ごとの数量で計算してください。"
)
_FOR_NONE = (
    "業務の違うサービスを並べています。業務ごとに覚えた数量とオプションは、この比較では使っていません。"
    "「1件ずつの内訳」は、業務ごとに覚えたもので計算します。"
)


def several_works_remark(found: Comparison) -> str:
    """Say by whose quantities services of different works are counted; empty for one work."""
    codes = _codes_of(found)
    if len(codes) == 1:
        return ""
    if _counts_quantities(found):
        return _FOR_ALL
    return _FOR_NONE if codes & {*list_codes()} and _is_own(found) else ""


def address_for_work(found: Comparison, columns: Sequence[Column], target: str) -> str:
    """Return where services of one work are shown by themselves, then by what is kept for it."""
    conditions, ids = found.conditions, [column.version.id for column in columns]
    if len(_codes_of(found)) == 1 and target != "show":
        return address(target, ids, conditions)
    plain = replace(
        conditions,
        only_differences=False,
        only_must=False,
        only_used=False,
        only_gaps=False,
        shown=(),
    )
    parts: dict[str, Any] = parts_of(target, ids, plain)
    if len(_codes_of(found)) > 1 and not _counts_quantities(found) and _is_own(found):
        code = columns[0].specification_version.specification.code
        parts |= work_words(find_words(code))
    return url_for(f"comparison.{target}", **parts)


def _is_own(found: Comparison) -> bool:
    """Tell whether costs are for the body whose quantities this reader keeps."""
    return own_conditions(web.read_session()).body_code == found.conditions.body_code


def _counts_quantities(found: Comparison) -> bool:
    """Tell whether the address itself says quantities or options."""
    return bool(work_words(found.conditions.parts()).keys() - {"use"})


def _codes_of(found: Comparison) -> set[str]:
    return {column.specification_version.specification.code for column in found.columns}
