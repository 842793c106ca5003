"""One analysis of Japanese for both engines: documents, queries, the check at evidence lock."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import add
from typing import Literal

from core.errors import BadRequest
from search.clauses import count_words
from search.codes import is_code
from search.equal_words import load_synonyms, synonyms_hash
from search.sentences import Sentence, read_sentence
from search.spelling import normalise
from search.words import (
    JAPANESE,
    KANJI,
    KATAKANA,
    LATIN,
    MAX_TOKEN,
    RUN,
    SUBRUN,
    list_forms,
    segment,
    segmenter_name,
)

ZONES = ("hi", "lo", "ft")
ZONE_WEIGHTS = {"hi": 8.0, "lo": 2.0, "ft": 1.0}
SYNONYM_WEIGHT = 0.8
MAX_WORDS = 10  # the server reads no more of a query
MAX_COMBINATIONS = 64
GAP = "|"

_RULES_VERSION = 6

_MIXED_LATIN = re.compile(f"[^\\W_{JAPANESE}]+")
_LETTERS_AND_DIGITS = re.compile(r"[0-9]+|[^0-9]+")
_JOINED_LATIN = re.compile(r"[a-z0-9]+(?:[-./_&][a-z0-9]+)+")
_KATAKANA_RUN = re.compile(f"[{KATAKANA}]{{2,}}")
_ONLY_HIRAGANA = re.compile("[ぁ-ゖ][ぁ-ゖー]{2,}")
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_SHORT_KANJI = re.compile(f"[{KANJI}]{{2,3}}")
_FUZZY = re.compile(f"[a-z0-9]{{2,}}|[{KATAKANA}]{{2,}}")


# --- documents -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zone:
    """One analysed zone: runs of letters joined by blanks, and its stream of words with gaps."""

    runs: str
    words: str

    @property
    def bigrams(self) -> str:
        """Give overlapping pairs of letters; two gaps keep a covering phrase inside one run."""
        runs = [run for run in self.runs.split() if len(run) > 1]
        return f" {GAP} {GAP} ".join([" ".join(map(add, run, run[1:])) for run in runs])

    @property
    def distinct_words(self) -> list[str]:
        """Give each word once, and once more for each other whole clause that holds it.

        Repeating a word or a clause counts nothing, nor do a clause in nearly the same words and a list.
        """
        return count_words(self.words.split(GAP))

    @property
    def letters(self) -> str:
        """Give each letter once, for queries of one character."""
        return " ".join(dict.fromkeys(self.runs.replace(" ", "")))

    def contains(self, atom: "Atom") -> bool:
        """Say whether the atom stands in this zone."""
        if atom.kind == "words":
            return f" {atom.text} " in f" {self.words} "
        return atom.text in self.runs


def searchable_text(hi: str, lo: str, ft: str) -> str:
    """Analyse the three zones into the one string that is stored, indexed and verified."""
    return "\n".join(map(_analyse_zone, (hi, lo, ft)))


def searchable_texts(texts: Sequence[tuple[str, str, str]]) -> list[str]:
    """Analyse the zones of many listings, each text once: sellers of one software say mostly the same."""
    analysed = {text: _analyse_zone(text) for text in dict.fromkeys(chain.from_iterable(texts))}
    return ["\n".join(analysed[zone] for zone in zones) for zones in texts]


def read_zones(analysed: str) -> dict[str, Zone]:
    """Read back what `searchable_text` wrote; raises ValueError for anything else."""
    lines = [line.split("\t") for line in analysed.split("\n")]
    if len(lines) != len(ZONES) or any(len(line) != 2 for line in lines):
        raise ValueError("not an analysed text")
    return {name: Zone(runs, words) for name, (runs, words) in zip(ZONES, lines, strict=True)}


def _analyse_zone(text: str) -> str:
    text = normalise(text)
    # What is said twice is kept once: nobody is found better for repeating himself.
    runs = list(dict.fromkeys(RUN.findall(text)))
    stream: list[str] = []
    for run in runs:
        stream += [*_words_of(run), GAP]
    extras = dict.fromkeys(extra[:MAX_TOKEN] for extra, _, _ in _extra_words(text))
    for extra in extras:
        if extra not in stream:
            stream += [extra, GAP]
    return f"{' '.join(runs)}\t{' '.join(stream)}"


def locate_words(normalised: str, letters: str = "") -> list[tuple[str, int, int]]:
    """Give each word of the zone's stream with its place in the text, a gap after each run.

    With `letters`, runs that hold none of them are left out: a quick look for some words only.
    """
    found: list[tuple[str, int, int]] = []
    wanted = set(letters)
    for run in RUN.finditer(normalised):
        if wanted and wanted.isdisjoint(run[0]):
            continue
        at = run.start()
        for surface, form in _cut_run(run[0]):
            found.append((form[:MAX_TOKEN], at, at + len(surface)))
            at += len(surface)
        found.append((GAP, at, at))
    for extra, start, end in _extra_words(normalised):
        found += [(extra[:MAX_TOKEN], start, end), (GAP, end, end)]
    return found


def _words_of(run: str) -> list[str]:
    return [form[:MAX_TOKEN] for _, form in _cut_run(run)]


def _cut_run(run: str) -> Iterator[tuple[str, str]]:
    """Cut a run of letters into its words: as written, in their normalised form."""
    for part in SUBRUN.findall(run):
        if LATIN.fullmatch(part):
            yield part, part
        else:
            yield from list_forms(part)


def _extra_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Give whole katakana runs, joined Latin words (AI-OCR: aiocr) and letters beside digits."""
    for found in _KATAKANA_RUN.finditer(text):
        yield found[0], *found.span()
    for found in _JOINED_LATIN.finditer(text):
        yield join_letters(found[0]), *found.span()
    for found in _MIXED_LATIN.finditer(text):
        pieces = list(_LETTERS_AND_DIGITS.finditer(found[0]))
        if len(pieces) > 1:
            for piece in pieces:
                yield piece[0], found.start() + piece.start(), found.start() + piece.end()


def join_letters(text: str) -> str:
    """Give the letters of a text, without marks and blanks."""
    return "".join(RUN.findall(text))


# --- queries -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Atom:
    """One thing to find: a letter, a stretch of letters, or words next to each other.

    `words` of a stretch are its words: where they match as well, the place counts double.
    """

    kind: Literal["letter", "phrase", "words"]
    text: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to satisfy a term: every atom, in any zone."""

    atoms: tuple[Atom, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Term:
    """One blank-separated term: any of its variants; `fuzzy` is its wider reading, if any."""

    variants: tuple[Variant, ...]
    fuzzy: str = ""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A query: every term must match. No terms: everything matches if blank, else nothing.

    `sentence` is the wider reading of the whole text.
    """

    blank: bool
    terms: tuple[Term, ...]
    sentence: Sentence

    def accepts(self, zones: dict[str, Zone]) -> bool:
        """Evaluate the strict pass on one analysed text."""
        if not self.terms:
            return self.blank
        return all(
            any(
                all(any(zone.contains(atom) for zone in zones.values()) for atom in variant.atoms)
                for variant in term.variants
            )
            for term in self.terms
        )


def matches(query: str, analysed: str) -> bool:
    """Say whether the strict pass of an engine finds this text; raises as plan_query does."""
    return plan_query(query).accepts(read_zones(analysed))


def plan_query(text: str) -> QueryPlan:
    """Analyse a query by the words that are equal now; raises BadRequest for more than ten words."""
    return plan_with(text, synonyms_hash())


@lru_cache(maxsize=1024)
def plan_with(text: str, _equal_words: str) -> QueryPlan:
    """Analyse a query once for each set of equal words, which its SHA-256 names."""
    normalised = normalise(text)
    pieces = _split_pieces(normalised)
    terms = [term for piece in pieces if (term := _read_term(piece))]
    if sum(len(term.variants[0].atoms) for term in terms) > MAX_WORDS:
        raise BadRequest(f"検索語は{MAX_WORDS}個までです。")
    return QueryPlan(
        blank=not normalised.strip(),
        terms=tuple(_bound_variants(terms)),
        # Half of a code (L-ALERT, ISO 27002) is another code, not a word of a sentence.
        sentence=Sentence()
        if all(_is_code(piece) for piece in pieces)
        else read_sentence(normalised, load_synonyms()),
    )


def _is_code(piece: str) -> bool:
    joined = join_letters(piece)
    return LATIN.fullmatch(joined) is not None and is_code(joined)


def _split_pieces(text: str) -> list[str]:
    """Split at blanks, keeping together what the synonyms know as one term (generative ai)."""
    words = text.split()
    pieces: list[str] = []
    while words:
        size = next(
            (size for size in (3, 2) if " ".join(words[:size]) in load_synonyms()),
            1,
        )
        pieces.append(" ".join(words[:size]))
        words = words[size:]
    return pieces


def _bound_variants(terms: list[Term]) -> list[Term]:
    """Drop alternatives from the last term on until what the server must be asked is bounded."""
    bounded = list(terms)
    for at in reversed(range(len(bounded))):
        combinations = math.prod(len(term.variants) for term in bounded)
        words = sum(max(len(variant.atoms) for variant in term.variants) for term in bounded)
        if combinations <= MAX_COMBINATIONS and words <= MAX_WORDS:
            break
        bounded[at] = Term(bounded[at].variants[:1], bounded[at].fuzzy)
    return bounded


def _read_term(piece: str) -> Term | None:
    own = _read_variants(piece)
    if not own:
        return None
    variants = dict.fromkeys(own, 1.0)
    other = _in_other_kana(piece)
    for atoms in _read_variants(other):
        variants.setdefault(atoms, 1.0)
    for alternative in _equal_terms(piece) + _equal_terms(other):
        atoms = tuple(
            atom for part in alternative for found in _read_variants(part)[:1] for atom in found
        )
        if atoms:
            variants.setdefault(atoms, SYNONYM_WEIGHT)
    joined = join_letters(piece)
    return Term(
        variants=tuple(Variant(atoms, weight) for atoms, weight in variants.items()),
        fuzzy=joined if _FUZZY.fullmatch(joined) and not is_code(joined) else "",
    )


def _read_variants(piece: str) -> list[tuple[Atom, ...]]:
    """Read a piece as written; more than one way for AI-OCR (aiocr), ISO27001, コピー."""
    runs = RUN.findall(piece)
    variants = [tuple(_read_atom(run) for run in runs)] if runs else []
    if _JOINED_LATIN.fullmatch(piece):
        variants.insert(0, (Atom("words", join_letters(piece)[:MAX_TOKEN]),))
    if len(runs) == 1 and LATIN.fullmatch(runs[0]):
        parts = _LETTERS_AND_DIGITS.findall(runs[0])
        if 1 < len(parts) <= 3:
            variants.append(tuple(Atom("words", part[:MAX_TOKEN]) for part in parts))
    if len(piece) == 3 and _KATAKANA_RUN.fullmatch(piece) and piece.endswith("ー"):
        # In a longer word (カラーコピー) the final mark has been dropped.
        variants.append((Atom("phrase", piece[:-1]),))
    return variants


def _read_atom(run: str) -> Atom:
    if LATIN.fullmatch(run):
        return Atom("words", run[:MAX_TOKEN])
    if len(run) == 1:
        return Atom("letter", run)
    words = " ".join(_words_of(run))
    if _SHORT_KANJI.fullmatch(run) and _is_word(run):
        return Atom("words", words)
    return Atom("phrase", run, words)


def _is_word(run: str) -> bool:
    """Say whether two or three kanji are a word or a place: then 京都 must not mean 東京都."""
    words = segment(run)
    return all(word.known for word in words) and (
        len(words) == 1 or any(word.place for word in words)
    )


# --- synonyms ------------------------------------------------------------------------------------


def analysis_version() -> str:
    """Name the rules and the segmenter; stored texts of another version are analysed again."""
    return f"{_RULES_VERSION}+{segmenter_name()}"


def _in_other_kana(piece: str) -> str:
    """Write a term of one kana alone in the other (がばくら: ガバクラ); too short ones mislead."""
    if _ONLY_HIRAGANA.fullmatch(piece):
        return normalise(piece.translate(_TO_KATAKANA))
    if len(piece) > 2 and _KATAKANA_RUN.fullmatch(piece):
        return normalise(piece.translate(_TO_HIRAGANA))
    return ""


def _equal_terms(piece: str) -> list[list[str]]:
    """Give the synonyms of a term, or of its head or tail beside the rest (国保システム)."""
    synonyms = load_synonyms()
    if piece in synonyms:
        return [other.split() for other in synonyms[piece]]
    if not re.fullmatch(f"[{JAPANESE}]{{4,30}}", piece):
        return []
    surfaces = [word.surface for word in segment(piece)]
    for cut in range(len(surfaces) - 1, 0, -1):
        head, tail = "".join(surfaces[:cut]), "".join(surfaces[cut:])
        for member, rest in ((head, tail), (tail, head)):
            if member in synonyms and min(len(member), len(rest)) > 1:
                return [[*other.split(), rest] for other in synonyms[member]]
    return []
