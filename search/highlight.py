"""Which letters of a shown text a query found: pure, through folding, synonyms and word forms.

A template writes the spans of `highlight` one after the other, each escaped by itself:

    {% for span in spans %}{% if span.marked %}<mark>{{ span.text }}</mark>{% else %}{{ span.text }}{% endif %}{% endfor %}

Only texts that the page shows anyway are given to it; it reads no index and no database.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from core.errors import BadRequest
from search.analysis import GAP, Atom, QueryPlan, Term, locate_words, plan_query
from search.equal_words import synonyms_hash
from search.spelling import Folded, fold_letters, normalise_with_origin

_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text as it was written, and whether the query found it."""

    text: str
    marked: bool = False


def highlight(text: str, query: str, *, relaxed: bool = False) -> tuple[Span, ...]:
    """Cut a text into spans: joined they are the text, the marked ones are what the query found.

    `relaxed` is the answer's own `relaxed`: then prefixes, typing errors and the single words of a
    sentence are marked too. A query that cannot be planned (too many words) marks nothing.
    """
    return _spans(text, _marks(text, query, relaxed=relaxed))


def excerpt(text: str, query: str, *, length: int = 120, relaxed: bool = False) -> tuple[Span, ...]:
    """Give about `length` letters around the first letters found, with … where it is cut.

    Empty when nothing was found: a caller then shows no excerpt.
    """
    marks = _marks(text, query, relaxed=relaxed)
    if not marks:
        return ()
    cuts = _letter_cuts(text)
    first = marks[0][0]
    wanted = max(0, min(first - length // 4, len(text) - length))
    start = max((cut for cut in cuts if cut <= wanted), default=0)
    end = min((cut for cut in cuts if cut >= start + length), default=len(text))
    inner = [(max(left, start), min(right, end)) for left, right in marks]
    shown = _spans(text[start:end], [(a - start, b - start) for a, b in inner if a < b])
    head = (Span(_ELLIPSIS),) if start else ()
    tail = (Span(_ELLIPSIS),) if end < len(text) else ()
    return (*head, *shown, *tail)


def may_hold(text: str, query: str) -> bool:
    """Say at once, by its letters alone, whether a text can hold what the query finds."""
    letters = set(fold_letters(text))
    return any(_is_half_in(wanted, letters) for wanted in _wanted_letters(query, synonyms_hash()))


def _is_half_in(wanted: frozenset[str], letters: set[str]) -> bool:
    return 2 * len(wanted & letters) >= len(wanted)


@lru_cache(maxsize=1024)
def _wanted_letters(query: str, _equal_words: str) -> tuple[frozenset[str], ...]:
    try:
        plan = plan_query(query)
    except BadRequest:
        return ()
    ways = [way for term in plan.terms for variant in term.variants for way in variant.atoms]
    near = [term.fuzzy for term in plan.terms if term.fuzzy]
    words = [each for several in plan.sentence.words for each in several]
    return tuple(dict.fromkeys(map(frozenset, [*(way.text for way in ways), *near, *words])))


def _spans(text: str, marks: list[tuple[int, int]]) -> tuple[Span, ...]:
    spans, done = [], 0
    for start, end in marks:
        spans += [Span(text[done:start]), Span(text[start:end], marked=True)]
        done = end
    return tuple(span for span in [*spans, Span(text[done:])] if span.text)


def _marks(text: str, query: str, *, relaxed: bool) -> list[tuple[int, int]]:
    """Give the found stretches of the text as written, in order, apart from each other."""
    try:
        plan = plan_query(query)
    except BadRequest:
        return []
    if not plan.terms or not text:
        return []
    reader = _Reader(normalise_with_origin(text), "" if relaxed else _letters_of(plan))
    found = [place for term in plan.terms for place in reader.find_term(term)]
    if relaxed:
        found += reader.find_nearly(plan)
    return _joined(_widened(text, reader.folded, found))


def _widened(
    text: str, folded: Folded, found: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Carry stretches of the normalised text back to whole letters of the text as written."""
    cuts = _letter_cuts(text)
    for start, end in found:
        left, right = min(folded.starts[start:end]), max(folded.ends[start:end])
        yield (
            max(cut for cut in cuts if cut <= left),
            min(cut for cut in cuts if cut >= right),
        )


def _letter_cuts(text: str) -> list[int]:
    """Give the places where a letter begins: ｶﾞ and a letter with its accents are not cut."""
    cuts = [at for at, letter in enumerate(text) if at == 0 or not _belongs_to_last(letter)]
    return [*cuts, len(text)]


@lru_cache(maxsize=4096)
def _belongs_to_last(letter: str) -> bool:
    first = unicodedata.normalize("NFKD", letter)[:1]
    return unicodedata.category(first) in {"Mn", "Me", "Cf"} or bool(unicodedata.combining(first))


def _joined(marks: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(marks):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _letters_of(plan: QueryPlan) -> str:
    """Give the letters of the words of a plan: a stretch of text with none of them holds no word."""
    return "".join(
        atom.text for term in plan.terms for variant in term.variants for atom in variant.atoms
    )


class _Reader:
    """Finds the parts of a plan in one normalised text, by the rules of the strict pass."""

    def __init__(self, folded: Folded, letters: str) -> None:
        self.folded = folded
        self._letters = letters

    @cached_property
    def _words(self) -> list[tuple[str, int, int]]:
        return locate_words(self.folded.text, self._letters)

    def find_term(self, term: Term) -> list[tuple[int, int]]:
        """Find the term as written; another way to say it only where all of that stands here."""
        found: list[tuple[int, int]] = []
        for number, variant in enumerate(term.variants):
            places = [self._find_atom(atom) for atom in variant.atoms]
            if number == 0 or all(places):
                found += [place for several in places for place in several]
        return found

    def find_nearly(self, plan: QueryPlan) -> list[tuple[int, int]]:
        """Find what the wider readings look for, word by word."""
        near = [
            (start, end)
            for form, start, end in self._words
            if any(term.fuzzy and is_near(term.fuzzy, form) for term in plan.terms)
        ]
        ways = [way for ways in plan.sentence.words for way in ways]
        return near + [place for way in ways for place in self._find_words(way.split(" "))]

    def _find_atom(self, atom: Atom) -> list[tuple[int, int]]:
        if atom.kind == "words":
            return self._find_words(atom.text.split(" "))
        pattern = re.escape(atom.text)
        return [found.span() for found in re.finditer(pattern, self.folded.text)]

    def _find_words(self, wanted: list[str]) -> list[tuple[int, int]]:
        size = len(wanted)
        runs = range(len(self._words) - size + 1)
        return [
            (self._words[at][1], self._words[at + size - 1][2])
            for at in runs
            if [form for form, _, _ in self._words[at : at + size]] == wanted
        ]


def is_near(wanted: str, word: str) -> bool:
    """Say whether the wider reading takes this word for the wanted one: a prefix or a slip."""
    slips = 2 if len(wanted) >= 8 else 1 if len(wanted) >= 4 else 0
    if word.startswith(wanted):
        return True
    return bool(slips) and word != GAP and _prefix_distance(wanted, word) <= slips


def _prefix_distance(wanted: str, word: str) -> int:
    """Count the slips between a word and the nearest beginning of another, swaps being one."""
    row = list(range(len(wanted) + 1))
    before: list[int] = []
    least = row[-1]
    for at, letter in enumerate(word):
        older, before, row = before, row, [at + 1]
        for place, other in enumerate(wanted):
            cost = min(before[place] + (letter != other), before[place + 1] + 1, row[-1] + 1)
            if at and place and letter == wanted[place - 1] and word[at - 1] == other:
                cost = min(cost, older[place - 1] + 1)
            row.append(cost)
        least = min(least, row[-1])
    return least
