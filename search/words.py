"""Japanese text to words: Sudachi's short units, or a small lexicon without a dictionary."""

import csv
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"

KANJI = "々〆㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff"
KATAKANA = "ァ-ヺー"
JAPANESE = f"ぁ-ゖゝゞヽヾ{KATAKANA}{KANJI}"

RUN = re.compile(r"[^\W_]+")
"""A stretch of letters between marks and blanks."""
SUBRUN = re.compile(f"[{JAPANESE}]+|[^{JAPANESE}]+")
LATIN = re.compile(f"[^{JAPANESE}]+")
MAX_TOKEN = 100

_CLASSES = re.compile(f"[{KANJI}]+|[{KATAKANA}]+|[^{KANJI}{KATAKANA}]+")
_NO_WORD = re.compile(r"[\s|]+")
_CONTENT = frozenset({"名詞", "動詞", "形容詞", "形状詞"})
# Sudachi refuses more than 49,149 bytes at once.
_CHUNK = 10_000

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as written, in its normalised form, and what the dictionary knows of it."""

    surface: str
    form: str
    known: bool
    place: bool
    content: bool


@lru_cache(maxsize=1)
def load_dictionary() -> Any | None:
    """Load Sudachi's small dictionary once per process; None where it is not installed."""
    try:
        import sudachipy

        return sudachipy.Dictionary(dict="small")
    except (ImportError, sudachipy_error()):
        return None


def sudachipy_error() -> type[Exception]:
    """Give the error that Sudachi raises without a dictionary, or one that nothing raises."""
    try:
        from sudachipy.errors import SudachiError
    except ImportError:
        return ModuleNotFoundError
    return SudachiError  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def load_lexicon() -> dict[str, str]:
    """Load the fallback's words: prefectures, municipalities, their affairs, with their kind."""
    with (DATA / "lexicon.csv").open(encoding="utf-8", newline="") as file:
        return {row["word"]: row["kind"] for row in csv.DictReader(file)}


@lru_cache(maxsize=1)
def _longest_word() -> int:
    return max(map(len, load_lexicon()))


def segmenter_name() -> str:
    """Name the segmenter and its data: texts analysed by different ones are not comparable."""
    if load_dictionary() is None:
        return "lexicon-2"
    try:
        data = version("sudachidict_small")
    except PackageNotFoundError:
        data = "local"
    return f"sudachi-{version('sudachipy')}-small-{data}"


def segment(text: str) -> list[Word]:
    """Split one run of Japanese (no blanks, no Latin) into words."""
    if load_dictionary() is None:
        return _segment_by_lexicon(text)
    return [_word(morpheme) for morpheme in _tokenize(text)]


def list_forms(text: str) -> list[tuple[str, str]]:
    """Split as `segment` does, into words as written and their forms alone: in half the time."""
    if load_dictionary() is None:
        return [(word.surface, word.form) for word in _segment_by_lexicon(text)]
    return [(each.surface(), _form(each)) for each in _tokenize(text)]


def read_aloud(text: str) -> str:
    """Give the katakana reading of a text; empty without a dictionary."""
    if load_dictionary() is None:
        return ""
    return "".join(morpheme.reading_form() for morpheme in _tokenize(text))


def _tokenize(text: str) -> Iterator[Any]:
    """Tokenize with this thread's tokenizer: one refuses two threads, the dictionary is shared."""
    dictionary = load_dictionary()
    if getattr(_local, "dictionary", None) is not dictionary:
        _local.dictionary = dictionary
        _local.tokenizer = dictionary.tokenizer("A") if dictionary else None
    for start in range(0, len(text), _CHUNK):
        yield from _local.tokenizer.tokenize(text[start : start + _CHUNK])


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """Load the words of asking (教える, 方法, 何処), by their dictionary form: they tell nothing."""
    return frozenset((DATA / "stop_words.csv").read_text(encoding="utf-8").split())


def _word(morpheme: Any) -> Word:
    surface = morpheme.surface()
    pos = morpheme.part_of_speech()
    form = _form(morpheme)
    content = pos[0] in _CONTENT and pos[1] not in {"数詞", "非自立可能"}
    return Word(
        surface=surface,
        form=form,
        known=not morpheme.is_oov(),
        place=pos[2] == "地名",
        content=content and form not in stop_words(),
    )


def _form(morpheme: Any) -> str:
    form: str = morpheme.normalized_form()
    return form if form.isalnum() else _NO_WORD.sub("", form) or morpheme.surface()


def _segment_by_lexicon(text: str) -> list[Word]:
    words: list[Word] = []
    for run in _CLASSES.findall(text):
        words += _longest_matches(run)
    return words


def _longest_matches(run: str) -> list[Word]:
    lexicon, longest = load_lexicon(), _longest_word()
    words: list[Word] = []
    unknown = ""
    at = 0
    while at < len(run):
        ends = range(min(len(run), at + longest), at, -1)
        end = next((end for end in ends if run[at:end] in lexicon), None)
        if end is None:
            unknown += run[at]
            at += 1
            continue
        words += _unknown(unknown)
        unknown = ""
        found = run[at:end]
        kind = lexicon[found]
        words.append(Word(found, found, known=True, place=kind == "place", content=kind != "unit"))
        at = end
    return words + _unknown(unknown)


def _unknown(text: str) -> list[Word]:
    is_content = len(text) > 1 and not re.fullmatch("[ぁ-ゖ]+", text) and text not in stop_words()
    return [Word(text, text, known=False, place=False, content=is_content)] if text else []
