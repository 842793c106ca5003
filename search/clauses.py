"""How often a text says its words: repeating counts for nothing. Pure."""

from collections.abc import Iterable

_CLAUSE = 5
"""So many different words make a clause."""
_ALIKE = 0.7
"""More words than this share of the shorter of two clauses in both: they say the same."""


def count_words(stretches: Iterable[str]) -> list[str]:
    """Give each word once, and once more for each other whole clause that holds it.

    Words come in stretches that no phrase reaches over; a long one is a clause.
    """
    counted: list[str] = []
    bits: dict[str, int] = {}
    clauses: list[tuple[int, int]] = []
    for stretch in dict.fromkeys(stretches):
        words = dict.fromkeys(stretch.split())
        fresh = [word for word in words if word not in bits]
        for word in fresh:
            bits[word] = 1 << len(bits)
        if len(words) < _CLAUSE:
            counted += fresh
            continue
        # A clause is its words as the bits of a number, and how many they are.
        clause = (sum([bits[word] for word in words]), len(words))
        if _says_again(clause, len(fresh), clauses):
            counted += fresh
        else:
            counted += words
            clauses.append(clause)
    return counted


def _says_again(clause: tuple[int, int], fresh: int, clauses: list[tuple[int, int]]) -> bool:
    """Say whether a clause, so many words of which are fresh, is nearly one of the others.

    A clause is its words as the bits of a number, and how many they are.
    """
    words, size = clause
    if size - fresh <= _ALIKE * _CLAUSE:
        return False
    for other, length in clauses:
        shorter = min(size, length)
        if (other & words).bit_count() > _ALIKE * shorter:
            return True
    return False
