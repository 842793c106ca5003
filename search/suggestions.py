"""What completes the letters that a reader types: published names and reviewed words only.

Nothing of other people's queries and nothing unpublished goes in: specifications and affairs come
from published versions, names and makers from the index and, each, confirmed by the database.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Literal

from sqlmodel import Session

from catalog.offerings.queries.names import list_listed_makers, list_listed_names
from catalog.specifications.queries import list_versions
from core.errors import BadRequest
from search.analysis import plan_query
from search.engine import Completions, SearchEngine, SearchUnavailable, choose_seed
from search.equal_words import list_synonym_groups
from search.prefixes import MAX_KEY, fold_key
from search.synonyms.queries import refresh
from search.words import read_aloud

LIMIT = 8

_CANDIDATES = 24
_ROOM = {"specification": 2, "affair": 1, "synonym": 1, "name": 3, "maker": 1}
"""How many of each kind stand in a full list; what one leaves free the others take."""

Kind = Literal["specification", "affair", "synonym", "name", "maker"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to search for, and what it names."""

    text: str
    kind: Kind


def suggest(
    session: Session, engine: SearchEngine, typed: str, *, day: date, limit: int = LIMIT
) -> tuple[Suggestion, ...]:
    """Complete what is typed, in kana or kanji: at most 4 statements.

    Names and makers stand in the day's shuffled order, so that no place can be bought or earned;
    without an engine that answers they are left out.
    """
    key = fold_key(typed[:MAX_KEY])
    if not key:
        return ()
    refresh(session)
    found = list(_words(session, key))
    found += _names(session, engine, key, choose_seed(day, typed))
    return _choose(found, limit)


def _words(session: Session, key: str) -> Iterator[Suggestion]:
    """Give specifications, affairs and reviewed words, those first that begin with the key."""
    specifications = [version.specification for version in list_versions(session)]
    names = _completing(key, (each.name for each in specifications))
    fields = _completing(key, (each.field for each in specifications))
    groups = (member for group in list_synonym_groups() for member in group)
    yield from (Suggestion(text, "specification") for text in names)
    yield from (Suggestion(text, "affair") for text in fields)
    yield from (Suggestion(text, "synonym") for text in _completing(key, groups, inside=False))


def _completing(key: str, texts: Iterable[str], *, inside: bool = True) -> list[str]:
    distinct = list(dict.fromkeys(texts))
    first = [text for text in distinct if any(each.startswith(key) for each in _keys(text))]
    if not inside or len(key) < 2:
        return first
    return first + [text for text in distinct if text not in first and key in _keys(text)[0]]


@lru_cache(maxsize=4096)
def _keys(text: str) -> tuple[str, ...]:
    """Give the key of a word as it is written and as it is read: 住民記録 by じゅうみん."""
    return tuple(dict.fromkeys((fold_key(text), fold_key(read_aloud(text)))))


def _names(session: Session, engine: SearchEngine, key: str, seed: int) -> Iterator[Suggestion]:
    completions = Completions()
    with suppress(SearchUnavailable):
        completions = engine.complete(key, seed=seed, limit=_CANDIDATES)
    listings = [uuid.UUID(hit.listing_id) for hit in completions.names]
    makers = [uuid.UUID(maker_id) for maker_id in completions.makers]
    yield from _confirmed(listings, list_listed_names(session, listings), key, "name")
    yield from _confirmed(makers, list_listed_makers(session, makers), key, "maker")


def _confirmed(
    ids: list[uuid.UUID], names: dict[uuid.UUID, str], key: str, kind: Kind
) -> Iterator[Suggestion]:
    """Keep what the database still lists under a name that holds the key."""
    for each in ids:
        if key in fold_key(names.get(each, "")):
            yield Suggestion(names[each], kind)


def _choose(found: Iterable[Suggestion], limit: int) -> tuple[Suggestion, ...]:
    """Take each text once and of each kind its room, then fill up; kinds stay together."""
    distinct: dict[str, Suggestion] = {}
    for each in found:
        if _can_be_asked(each.text):
            distinct.setdefault(fold_key(each.text), each)
    chosen: list[Suggestion] = []
    for room in (_ROOM, dict.fromkeys(_ROOM, limit)):
        for kind, number in room.items():
            left = (each for each in distinct.values() if each.kind == kind and each not in chosen)
            chosen += islice(left, min(number, limit - len(chosen)))
    return tuple(sorted(chosen, key=lambda each: list(_ROOM).index(each.kind)))


def _can_be_asked(text: str) -> bool:
    try:
        return bool(plan_query(text).terms)
    except BadRequest:
        return False
