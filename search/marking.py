"""Why a row was found: what the query found in the texts that the row shows, and where. Pure.

All texts are those that the database says are published now; nothing is asked of the index, and
nothing here has to do with the order of rows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from search.engine import SearchQuery
from search.equal_words import synonyms_hash
from search.highlight import Span, excerpt, highlight, may_hold
from search.results import FoundListing

EXCERPT_LENGTH = 90
_MOST_TRIES = 6
"""Of so many stretches of a row the first that holds what was sought is shown."""

_SENTENCE = re.compile(r"[^。\n]+。?")


@dataclass(frozen=True, slots=True)
class Marks:
    """The texts of a row cut into spans; `excerpt` is empty when no sentence of it was found."""

    name: tuple[Span, ...]
    maker: tuple[Span, ...]
    specification: tuple[Span, ...]
    place: str
    excerpt: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """Marks the rows of one answer; an empty text marks nothing."""

    query: SearchQuery
    relaxed: bool

    def mark(self, row: FoundListing) -> Marks:
        """Cut the shown texts of a row at what the query found."""
        place, shown = next(self._excerpts(row), ("", ()))
        return Marks(
            name=self._cut(row.name),
            maker=self._cut(row.maker),
            specification=self._cut(row.specification),
            place=place,
            excerpt=shown,
        )

    def _cut(self, text: str) -> tuple[Span, ...]:
        return _cut(text, self.query.text, relaxed=self.relaxed, _equal_words=synonyms_hash())

    def _excerpts(self, row: FoundListing) -> Iterator[tuple[str, tuple[Span, ...]]]:
        wanted = self.query.text
        likely = (
            (place, sentence)
            for place, text in (_texts(row) if wanted else ())
            if may_hold(text, wanted)
            for sentence in _sentences(text)
            if may_hold(sentence, wanted)
        )
        for place, sentence in islice(likely, _MOST_TRIES):
            found = _excerpt(
                sentence, self.query.text, relaxed=self.relaxed, _equal_words=synonyms_hash()
            )
            if found:
                yield place, found


# Whoever sets one filter after the other sees the same rows again and again.
@lru_cache(maxsize=1024)
def _cut(text: str, wanted: str, *, relaxed: bool, _equal_words: str) -> tuple[Span, ...]:
    if not may_hold(text, wanted):
        return (Span(text),) if text else ()
    return highlight(text, wanted, relaxed=relaxed)


@lru_cache(maxsize=1024)
def _excerpt(text: str, wanted: str, *, relaxed: bool, _equal_words: str) -> tuple[Span, ...]:
    return excerpt(text, wanted, length=EXCERPT_LENGTH, relaxed=relaxed)


def _texts(row: FoundListing) -> Iterator[tuple[str, str]]:
    """Give what the row's software says of itself, in the order of its page."""
    software = row.version
    yield "概要", software.summary
    yield from (("機能", feature) for feature in software.features)
    yield "説明", software.description


def _sentences(text: str) -> Iterator[str]:
    return (found for each in _SENTENCE.findall(text) if (found := each.strip()))
