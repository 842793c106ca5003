"""Ids of requirements as tables write them: over several columns, before the text, in levels."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from core.tables import TableRow

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_LEADING = re.compile(
    r"\s*(?:(?:Requirement|Control|Section|Chapter)\s+)?"
    r"(?P<id>(?=[^\s:：]*[0-9])[A-Za-z0-9][A-Za-z0-9._()\-]*?)"
    r"(?:[.)]?[:：、]\s*|[.)]?\s+)(?P<rest>\S.*)",
    re.DOTALL,
)
_MOSTLY = 0.8
_ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9._()\- ]{1,30}")


def like_ids(texts: Sequence[str]) -> bool:
    """Tell whether the texts of a column look like ids, each of them another."""
    return len(texts) > 1 and len(set(texts)) == len(texts) and all(map(_ID.fullmatch, texts))


def plain_id(text: str) -> str:
    """Return an id without blanks at its ends, its full-width letters and digits half-width."""
    return text.strip().translate(_WIDE)


def id_parts(text: str) -> tuple[str, ...]:
    """Return the parts of a hierarchical id: 1.2.3, AC-2(1), １－１."""
    return tuple(re.findall(r"[0-9]+|[^\W\d_]+", unicodedata.normalize("NFKC", text)))


def split_id(text: str) -> tuple[str, str]:
    """Part the id before a text from it: `ID.AM-1: Physical devices …`; empty where there is none."""
    match = _LEADING.match(text.translate(_WIDE) if text[:1] > "\uff00" else text)
    return (match["id"], match["rest"]) if match else ("", text)


def begin_with_ids(texts: Sequence[str]) -> str:
    """Return the first id before the texts of a column; empty unless nearly all have one of their own."""
    ids = {found for text in texts if (found := split_id(text)[0])}
    if len(texts) < 2 or len(ids) < _MOSTLY * len(set(texts)):
        return ""
    return split_id(texts[0])[0]


def ids_of_rows(
    rows: Sequence[TableRow], columns: Sequence[int], *, before_text: bool, constant: str = ""
) -> Mapping[int, str]:
    """Return the ids by row number; a part that is blank before another goes on from the row above."""
    found: dict[int, str] = {}
    above: list[str] = []
    for row in rows:
        parts = [row.cells[i].strip() if i < len(row.cells) else "" for i in columns]
        if before_text:
            parts = [split_id(part)[0] for part in parts]
        if any(parts):
            first = next(index for index, part in enumerate(parts) if part)
            parts[:first] = above[:first]
            above = parts
        found[row.number] = plain_id("-".join(part for part in parts if part) or constant)
    return found
