"""What a text finds: residents' questions over a city's answers, spellings, words that look alike.

Each measure asks the embedded engine as the site does; no query has a rule of its own.
"""

import json
import math
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from unittest import mock

from tantivy import Query

from bench.measures import measure
from search import analysis, embedded_page, embedded_query, spelling, words
from search.embedded import EmbeddedEngine
from search.engine import MAX_QUERY_CHARS, SEEDS, SearchQuery, SearchRecord
from tests.search.pairs import FALSE_FRIENDS, VARIANTS, make_pairs

RELEVANCE = Path(__file__).resolve().parents[2] / "shared" / "data" / "relevance"

_FIRST = (1, 3, 10)
_SOME_SEEDS = (0, SEEDS // 2)
_BASE = "284 questions; BM25 over words {}, E5-small {}"


@dataclass(frozen=True, slots=True)
class Scores:
    """How well the questions were answered, and the spellings and false friends kept apart."""

    hits: dict[int, float]
    ndcg: float
    identical: float
    precision: float

    def row(self, name: str) -> str:
        """Write a row of the table."""
        found = " | ".join(f"{self.hits[first]:.3f}" for first in _FIRST)
        return (
            f"| {name} | {found} | {self.ndcg:.3f} | {self.identical:.2f} | {self.precision:.3f} |"
        )


# --- with and without each part -------------------------------------------------------------------


def _fold_width_only(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _never(*_: object) -> bool:
    return False


def _nothing(*_: object) -> None:
    return None


def _no_readings(*_: object) -> tuple[()]:
    return ()


def _way_by_pairs(way: str, _searcher: object) -> Iterator[tuple[str, Query]]:
    letters = way.replace(" ", "")
    if len(letters) > 1:
        for zone in analysis.ZONES:
            yield zone, embedded_query._covering_phrase(zone, letters)  # noqa: SLF001


Change = tuple[ModuleType, str, object]

DOCUMENT_PARTS: dict[str, list[Change]] = {
    "folding (NFKC and case only)": [(spelling, "_fold", _fold_width_only)],
    "okurigana rules": [(spelling, "spellings", tuple)],
    "Sudachi's words (the lexicon instead)": [(words, "load_dictionary", _nothing)],
}
"""Parts without which the documents, too, are analysed otherwise."""

QUERY_PARTS: dict[str, list[Change]] = {
    "synonyms": [(analysis, "load_synonyms", dict)],
    "words (pairs of letters only)": [
        (analysis, "_is_word", _never),
        (embedded_query, "_way", _way_by_pairs),
    ],
    "pairs of letters": [(embedded_query, "_PAIR_WEIGHT", 0.0)],
    "short kanji by word": [(analysis, "_is_word", _never)],
    "stop words": [(words, "stop_words", frozenset)],
    "two words at least": [(embedded_query, "ENOUGH_ROWS", math.inf)],
    "a sentence's own zone weights": [(embedded_query, "_SENTENCE_WEIGHTS", analysis.ZONE_WEIGHTS)],
    "the wider reading": [(embedded_page, "build_relaxed", _no_readings)],
}


@contextmanager
def without(changes: list[Change]) -> Iterator[None]:
    """Take a part of the analysis away; plans made with it are forgotten before and after."""
    analysis.plan_with.cache_clear()
    try:
        with ExitStack() as stack:
            for module, name, other in changes:
                stack.enter_context(mock.patch.object(module, name, other))
            yield
    finally:
        analysis.plan_with.cache_clear()


# --- asking --------------------------------------------------------------------------------------


@cache
def _questions() -> tuple[tuple[str, dict[str, int]], ...]:
    """Give the questions that somebody judged to be answered, with all judgements."""
    texts = json.loads((RELEVANCE / "queries.json").read_text(encoding="utf-8"))
    judged = json.loads((RELEVANCE / "qrels.json").read_text(encoding="utf-8"))
    return tuple((texts[key], grades) for key, grades in judged.items() if 2 in grades.values())


def _answers() -> Iterator[SearchRecord]:
    """Give the city's answers as listings: the question sums up, the answer is the text."""
    corpus = json.loads((RELEVANCE / "corpus.json").read_text(encoding="utf-8"))
    for key, text in corpus.items():
        question, _, answer = text.removeprefix("Question: ").partition("\nAnswer: ")
        analysed = analysis.searchable_text("", question, answer)
        yield SearchRecord(
            listing_version_id=key, listing_id=key, offering_id=f"offering {key}", analysed=analysed
        )


@contextmanager
def built() -> Iterator[tuple[EmbeddedEngine, EmbeddedEngine, dict[str, str]]]:
    """Index the answers and the pairs by the analysis as it is now."""
    with tempfile.TemporaryDirectory() as folder:
        answers, pairs = EmbeddedEngine(Path(folder, "a")), EmbeddedEngine(Path(folder, "p"))
        answers.rebuild(_answers())
        records, texts = make_pairs()
        pairs.rebuild(records)
        yield answers, pairs, texts


def score(answers: EmbeddedEngine, pairs: EmbeddedEngine, texts: dict[str, str]) -> Scores:
    """Ask everything; the hits are the mean over several of the stored orders."""
    hits, gain = dict.fromkeys(_FIRST, 0.0), 0.0
    asked = [(text, grades, seed) for text, grades in _questions() for seed in _SOME_SEEDS]
    for text, grades, seed in asked:
        found = _ids(answers, text, seed)
        for first in _FIRST:
            hits[first] += any(grades.get(key) == 2 for key in found[:first]) / len(asked)
        gain += _discounted(grades.get(key, 0) for key in found) / len(asked) / _ideal(grades)
    return Scores(hits, gain, _share_identical(pairs), _precision(pairs, texts))


def _ids(engine: EmbeddedEngine, text: str, seed: int) -> list[str]:
    query = SearchQuery(text=text[:MAX_QUERY_CHARS], seed=seed, per_page=10)
    return [hit.listing_id for hit in engine.search(query).hits]


def _discounted(grades: Iterable[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def _ideal(grades: dict[str, int]) -> float:
    return _discounted(sorted(grades.values(), reverse=True)[:10])


def _share_identical(pairs: EmbeddedEngine) -> float:
    """Give the share of spelling groups whose every member finds the same ten rows."""
    same = sum(len({tuple(_ids(pairs, each, 5)) for each in group}) == 1 for group in VARIANTS)
    return same / len(VARIANTS)


def _precision(pairs: EmbeddedEngine, texts: dict[str, str]) -> float:
    """Give the share of the first ten rows of each query that are none of its false friends."""
    meant = [
        not any(look in texts[key] for look in looks)
        for query, _, looks in FALSE_FRIENDS
        for key in _ids(pairs, query, 5)
    ]
    return sum(meant) / len(meant)


# --- measures ------------------------------------------------------------------------------------


@cache
def all_scores() -> dict[str, Scores]:
    """Score everything with all parts ("") and without each in turn."""
    with built() as index:
        scores = {"": score(*index)}
        for name, changes in QUERY_PARTS.items():
            with without(changes):
                scores[name] = score(*index)
    for name, changes in DOCUMENT_PARTS.items():
        with without(changes), built() as index:
            scores[name] = score(*index)
    return scores


def table() -> str:
    """Write the ablation as a table, the whole first."""
    scores = all_scores()
    lines = [
        "| without | hit@1 | hit@3 | hit@10 | nDCG@10 | spellings alike | precision |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        scores[""].row("(nothing: as it is)"),
        *(scores[name].row(name) for name in (*DOCUMENT_PARTS, *QUERY_PARTS)),
    ]
    return "\n".join(lines)


@measure("retrieval_hit_1", goal=">= 0.43", unit="share", base=_BASE.format(".398", ".436"))
def measure_first() -> float:
    """Return the share of questions whose first row answers."""
    return all_scores()[""].hits[1]


@measure("retrieval_hit_3", goal=">= 0.61", unit="share", base=_BASE.format(".588", ".613"))
def measure_three() -> float:
    """Return the share of questions with an answer among the first three rows."""
    return all_scores()[""].hits[3]


@measure("retrieval_hit_10", goal=">= 0.78", unit="share", base=_BASE.format(".746", ".787"))
def measure_ten() -> float:
    """Return the share of questions with an answer among the first ten rows."""
    return all_scores()[""].hits[10]


@measure("search_variants_identical", goal=">= 1", unit="share", base="groups of spellings")
def measure_variants() -> float:
    """Return the share of spelling groups that find the same ten rows in the same order."""
    return all_scores()[""].identical


@measure("search_false_friend_precision", goal=">= 0.98", unit="share", base="first ten rows")
def measure_friends() -> float:
    """Return the share of rows that mean the query and do not only hold its letters."""
    return all_scores()[""].precision


@measure(
    "retrieval_ablation", goal="<= 0.01", unit="nDCG", base="most gained by leaving a part out"
)
def measure_ablation() -> float:
    """Print the table; returns how much the least useful part costs."""
    print(table())
    whole = all_scores()[""]
    return max(scores.ndcg - whole.ndcg for scores in all_scores().values())
