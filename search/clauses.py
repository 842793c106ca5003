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
    places: dict[str, int] = {}
    again: list[str] = []
    clauses: list[tuple[int, float]] = []
    for stretch in dict.fromkeys(stretches):
        words, known = dict.fromkeys(stretch.split()), len(places)
        # A clause is its words as the bits of a number, and how many they share that say the same.
        held, bits = [], 0
        for word in words:
            place = places.setdefault(word, len(places))
            if place < known:
                held.append(word)
                bits |= 1 << place
        if len(words) < _CLAUSE:
            continue
        # What is new has the highest places, one after another.
        bits |= (1 << len(places)) - (1 << known)
        clause = (bits, _ALIKE * len(words))
        if not _says_again(clause, len(held), clauses):
            again += held
            clauses.append(clause)
    return [*places, *again]


def _says_again(clause: tuple[int, float], held: int, clauses: Iterable[tuple[int, float]]) -> bool:
    """Say whether a clause, so many words of which were said before, is nearly one of the others."""
    words, most = clause
    if held <= _ALIKE * _CLAUSE:
        return False
    for other, its_most in clauses:
        if (other & words).bit_count() > (most if most < its_most else its_most):  # noqa: FURB136 - min() takes thrice as long, a million times
            return True
    return False
