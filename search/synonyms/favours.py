"""Whether a proposed equal word would lead to one maker only: pure, from the names that are listed.

A word that everybody uses stands in specifications, in reviewed words, in the dictionary, or in the
names of several makers; a word that stands in one maker's names alone is his.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.equal_words import read_groups
from search.prefixes import fold_key
from search.spelling import normalise
from search.words import JAPANESE, RUN, load_lexicon, segment

_SHORTEST = 4
"""So many letters of a name inside a longer word are no chance."""

_REMARK = re.compile(r"[(（][^()（）]*[)）]")
_LEGAL = re.compile(
    "株式会社|有限会社|合同会社|合資会社|合名会社|(?:一般|公益)(?:社団|財団)法人|[(（][株有][)）]|[㈱㈲]"
)


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name that buyers see, what it names, and the maker or seller whom it would help."""

    text: str
    kind: str
    owner: str


def judge_words(words: Iterable[str], names: Sequence[ListedName], common: Iterable[str]) -> str:
    """Say which word is a name of one maker, and how to mend that; empty for words of everybody.

    `common` are texts that belong to nobody: the names and fields of specifications.
    """
    known = [(name, keys) for name in names if (keys := _keys(name))]
    everybody = {*_reviewed(), *map(fold_key, common)}
    for word in words:
        for name in _held_by_one(fold_key(word), known, everybody):
            return (
                f"「{word}」は、公開中の{name.kind}「{name.text}」の名前、またはその一部です。"
                "特定の事業者だけが前に出る組は作れません。だれもが使うことばにしてください。"
            )
    return ""


def _held_by_one(
    key: str, known: Sequence[tuple[ListedName, tuple[str, ...]]], everybody: set[str]
) -> Iterable[ListedName]:
    """Give the names of one maker that a word holds or is part of."""
    if len(key) < 2:
        return
    whole = [name for name, keys in known if key == keys[0]]
    inside = [name for name, keys in known if key in keys[0]]
    if _is_owned(key, inside, everybody, is_whole=bool(whole)):
        yield (whole or inside)[0]
    for name, keys in known:
        for part in keys:
            if len(part) >= _SHORTEST and part != key and part in key:
                holders = [other for other, theirs in known if part in theirs[0]]
                if _is_owned(part, holders, everybody, is_whole=part == keys[0]):
                    yield name


def _is_owned(
    key: str, holders: Sequence[ListedName], everybody: set[str], *, is_whole: bool
) -> bool:
    """Say whether a key stands in the names of one owner alone, and is no word of everybody."""
    return (
        len({name.owner for name in holders}) == 1
        and not any(key in each for each in everybody)
        and (is_whole or not _is_one_word(key))
    )


def _keys(name: ListedName) -> tuple[str, ...]:
    """Give the key of a name without legal form and remarks, and those of its parts."""
    bare = _LEGAL.sub("", _REMARK.sub("", _LEGAL.sub("", name.text)))
    keys = [fold_key(bare), *map(fold_key, RUN.findall(bare))]
    return tuple(dict.fromkeys(filter(None, keys)))


def _is_one_word(key: str) -> bool:
    """Say whether a key is one word of the dictionary, which nobody owns."""
    words = segment(key) if re.fullmatch(f"[{JAPANESE}]+", key) else []
    return len(words) == 1 and words[0].known


@lru_cache(maxsize=1)
def _reviewed() -> frozenset[str]:
    """Give the keys of the words of the program: reviewed as words of everybody."""
    groups = (word for group in read_groups() for word in group)
    return frozenset(fold_key(normalise(word)) for word in (*groups, *load_lexicon()))
