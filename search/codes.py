"""Codes: names and numbers of which one other letter makes another one, so no slip is forgiven."""

import csv
import re
from collections.abc import Iterator
from functools import lru_cache

from search.words import DATA

_LEAST = 4
"""Of a shorter code nearly any other is one letter away."""

_DIGIT = re.compile(r"\d")
_MARK = "###"


@lru_cache(maxsize=1)
def load_codes() -> dict[str, str]:
    """Load the reviewed codes, folded and joined (ismapliu), with the way they are written."""
    rows = csv.reader((DATA / "codes.csv").read_text(encoding="utf-8").splitlines())
    return {row[0]: row[1] for row in rows}


@lru_cache(maxsize=50_000)
def is_code(word: str) -> bool:
    """Say whether a folded word is a code: one of the list, or anything with a digit."""
    return word in load_codes() or _DIGIT.search(word) is not None


@lru_cache(maxsize=50_000)
def mark_code(word: str) -> str:
    """Give a word so that no word of up to two slips is near to it, if it is a code."""
    return _MARK + word if is_code(word) else word


def list_near_codes(word: str) -> list[str]:
    """Give the codes, as written, that one slip in a folded word could have meant."""
    if len(word) < _LEAST or word in load_codes():
        return []
    return [name for code, name in load_codes().items() if code in set(_one_slip_from(word))]


def _one_slip_from(word: str) -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        yield head + tail[1:]
        yield head + tail[1:2] + tail[:1] + tail[2:]
        yield from (head + letter + rest for letter in letters for rest in (tail, tail[1:]))
