"""Spelling: fold what means the same into one form, and know where each letter came from."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from search.words import DATA, KATAKANA

_PASSES = 10

_DASH_IN_KATAKANA = re.compile(f"(?<=[{KATAKANA}])[-‐‑‒–—―−─━](?=[ァ-ヺ]|\\s|$)")
_DASH = re.compile("[‐‑‒–—―−─━]")
_LONE_LONG_MARK = re.compile(f"(?<![ぁ-ゖ{KATAKANA}])ー+")
_FINAL_LONG_MARKS = tuple(
    re.compile(f"(?<![{kana}])([{kana}]{{3,}}?)ー+(?![{kana}])") for kana in (KATAKANA, "ぁ-ゖー")
)
_VU = {"ヴァ": "バ", "ヴィ": "ビ", "ヴェ": "ベ", "ヴォ": "ボ", "ヴ": "ブ"}
_KANA = dict(zip("ァィゥェォヵヶヂヅぁぃぅぇぉ", "アイウエオカケジズあいうえお", strict=True))
# Selectors of a letter's shape (辻󠄀), zero-width marks and the soft hyphen: seen by nobody.
_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]+")


def normalise(text: str) -> str:
    """Fold spellings that mean the same into one; pure, and a second pass changes nothing."""
    for _ in range(_PASSES):
        folded = _fold(text)
        if folded == text:
            break
        text = folded
    return text


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    text = _DASH.sub("-", _DASH_IN_KATAKANA.sub("ー", text))
    text = _LONE_LONG_MARK.sub(lambda found: "-" * len(found[0]), text).lower()
    for old, new in _VU.items():
        text = text.replace(old, new)
    text = text.translate(_letters())
    for final in _FINAL_LONG_MARKS:
        text = final.sub(r"\1", text)
    for old, new in spellings():
        text = text.replace(old, new)
    return text


@lru_cache(maxsize=1)
def spellings() -> tuple[tuple[str, str], ...]:
    """Load the okurigana rules: what is written, and what it is folded to."""
    return _pairs("spellings.csv")


@lru_cache(maxsize=1)
def _letters() -> dict[int, str]:
    """Give single letters and what they are folded to: small kana, old forms of kanji."""
    return str.maketrans({**_KANA, **dict(_pairs("old_forms.csv"))})


def _pairs(name: str) -> tuple[tuple[str, str], ...]:
    rows = csv.reader((DATA / name).read_text(encoding="utf-8").splitlines())
    return tuple((old, new) for old, new in rows)


# --- where each letter came from -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Folded:
    """A normalised text; letter `at` came from `original[starts[at]:ends[at]]`.

    Where several letters became one, or one several, each of them came from the whole of it.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def normalise_with_origin(text: str) -> Folded:
    """Give `normalise(text)` and, for each letter of it, the stretch of the text it came from."""
    folded = normalise(text)
    if len(folded) == len(text) and all(map(_folds_to, text, folded)):
        return Folded(folded, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    traced = _Traced(text)
    for _ in range(_PASSES):
        before = traced.text
        _fold_traced(traced)
        if traced.text == before:
            break
    starts, ends = zip(*traced.origins, strict=True) if traced.origins else ((), ())
    return Folded(traced.text, starts, ends)


def fold_letters(text: str) -> str:
    """Fold each letter by itself, without its neighbours: for a quick first look."""
    return text.translate(_ALONE)


class _Alone(dict[int, str]):
    """What each letter folds to by itself, found when first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = normalise(chr(code))
        return folded


_ALONE = _Alone()


def _folds_to(letter: str, folded: str) -> bool:
    return _ALONE[ord(letter)] == folded


class _Traced:
    """A text under change that remembers the origin of each letter."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.origins = [(at, at + 1) for at in range(len(text))]

    def rewrite(self, pieces: list[tuple[int, int, str]]) -> None:
        """Put others in place of these stretches, which are in order and do not overlap."""
        if not pieces:
            return
        text, origins, done = [], [], 0
        for start, end, new in pieces:
            text += [self.text[done:start], new]
            origins += self.origins[done:start]
            if len(new) == end - start:
                origins += self.origins[start:end]
            else:
                origins += [(self.origins[start][0], self.origins[end - 1][1])] * len(new)
            done = end
        self.text = "".join([*text, self.text[done:]])
        self.origins = origins + self.origins[done:]

    def replace(self, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> None:
        """Replace what a pattern finds, as `re.sub` does."""
        self.rewrite([(*found.span(), new(found)) for found in pattern.finditer(self.text)])


def _fold_traced(traced: _Traced) -> None:
    """Do what `_fold` does, step by step."""
    traced.replace(_UNSEEN, lambda _: "")
    traced.rewrite(
        [
            (start, end, unicodedata.normalize("NFKC", traced.text[start:end]))
            for start, end in _clusters(traced.text)
        ]
    )
    traced.replace(_DASH_IN_KATAKANA, lambda _: "ー")
    traced.replace(_DASH, lambda _: "-")
    traced.replace(_LONE_LONG_MARK, lambda found: "-" * len(found[0]))
    lowered = traced.text.lower()
    if len(lowered) != len(traced.text):
        traced.rewrite([(at, at + 1, letter.lower()) for at, letter in enumerate(traced.text)])
    # Only the Greek sigma is lowered by its place in the word; its length stays.
    traced.text = lowered
    for old, new in _VU.items():
        if old in traced.text:
            traced.replace(re.compile(old), lambda _, new=new: new)  # type: ignore[misc]
    traced.text = traced.text.translate(_letters())
    for final in _FINAL_LONG_MARKS:
        marks = final.finditer(traced.text)
        traced.rewrite([(found.end(1), found.end(), "") for found in marks])
    for old, new in spellings():
        if old in traced.text:
            traced.replace(re.compile(old), lambda _, new=new: new)  # type: ignore[misc]


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text where no letter is composed with the one before: ｶ and ﾞ stay together."""
    if unicodedata.is_normalized("NFKC", text):
        return iter(())
    cuts = [at for at, letter in enumerate(text) if at == 0 or not _joins(letter)]
    clusters = list(zip(cuts, [*cuts[1:], len(text)], strict=True))
    if _composed(text, clusters) != unicodedata.normalize("NFKC", text):
        # A script whose letters join in other ways: its words are kept whole.
        clusters = [found.span() for found in re.finditer(r"\s+|\S+", text)]
    if _composed(text, clusters) != unicodedata.normalize("NFKC", text):
        clusters = [(0, len(text))]
    return iter(clusters)


def _joins(letter: str) -> bool:
    first = unicodedata.normalize("NFKD", letter)[:1]
    return bool(unicodedata.combining(first)) or "\u1160" <= first <= "\u11ff"


def _composed(text: str, clusters: list[tuple[int, int]]) -> str:
    return "".join(unicodedata.normalize("NFKC", text[start:end]) for start, end in clusters)
