"""A sentence as a query: its telling words with other ways to say them, its pairs of letters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from search.words import LATIN, MAX_TOKEN, RUN, SUBRUN, Word, segment, stop_words

ENOUGH_ROWS = 50
"""So many rows that hold two telling words are an answer; with fewer, any one word counts."""

_MAX_WORDS = 24
_MAX_PAIRS = 80
_MAX_WAYS = 6
_LONGEST_SPAN = 6


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the wider reading looks for.

    Each of `words` is one telling word: the ways to say it, each of word forms joined by blanks,
    the reader's own first. `pairs` are the pairs of letters of the whole text.
    """

    words: tuple[tuple[str, ...], ...] = ()
    pairs: tuple[str, ...] = ()

    @property
    def least(self) -> tuple[int, ...]:
        """Give how many words a row must hold: two; any one where that leaves too few rows."""
        return (2, 1) if len(self.words) > 1 else (1,) if self.words else ()


def read_sentence(text: str, synonyms: Mapping[str, tuple[str, ...]]) -> Sentence:
    """Read a normalised text; empty where the strict pass has already asked all there is."""
    runs = RUN.findall(text)
    cut = [word for run in runs for word in [*_cut(run), None]]
    found: dict[str, tuple[str, ...]] = {}
    for word in cut:
        if word and word.content:
            form = word.form[:MAX_TOKEN]
            found[form] = _ways(form, [word.surface, form], synonyms)
    if not found or (len(found) == 1 and not re.search("[ぁ-ゖ]", text)):
        return Sentence()
    words = [*found.values(), *_spans(cut, synonyms)]
    pairs = (run[at : at + 2] for run in runs for at in range(len(run) - 1))
    return Sentence(tuple(words[:_MAX_WORDS]), tuple(dict.fromkeys(pairs))[:_MAX_PAIRS])


def _cut(run: str) -> list[Word]:
    words: list[Word] = []
    for part in SUBRUN.findall(run):
        if LATIN.fullmatch(part):
            words.append(
                Word(part, part, known=True, place=False, content=part not in stop_words())
            )
        else:
            words += segment(part)
    return words


def _spans(
    words: list[Word | None], synonyms: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Give other ways to say several words together: 住民基本台帳 as 住基."""
    found: dict[tuple[str, ...], None] = {}
    for start in range(len(words)):
        for end in range(start + 2, min(start + _LONGEST_SPAN, len(words)) + 1):
            span = words[start:end]
            if span[-1] is None:
                break
            surface = "".join(word.surface for word in span if word)
            if surface in synonyms and (ways := _ways("", [surface], synonyms)):
                found[ways] = None
    return list(found)


def _ways(
    own: str, surfaces: list[str], synonyms: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    ways = dict.fromkeys([own] if own else [])
    for surface in surfaces:
        for other in synonyms.get(surface, ()):
            ways[" ".join(word.form for part in RUN.findall(other) for word in _cut(part))] = None
    return tuple(ways)[:_MAX_WAYS]
