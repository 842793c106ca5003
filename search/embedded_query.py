"""The embedded engine's schema, and how a query plan becomes tantivy queries."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version

from tantivy import FieldType, Occur, Query, Schema, SchemaBuilder, Searcher

from search.analysis import (
    ZONE_WEIGHTS,
    ZONES,
    Atom,
    QueryPlan,
    Term,
    Variant,
)
from search.codes import mark_code
from search.engine import (
    FACETS,
    REFERENCE_POPULATIONS,
    SEEDS,
    PriceCap,
)
from search.sentences import ENOUGH_ROWS, Sentence

TOKENIZER = "blank"
COMPLETED = ("name", "maker")
MAKER_ID = "maker_id"
FINGERPRINT = "fingerprint"
PROFILES = "profiles"
"""What each seller of a whole software offers, by its terms: equal sets stand once."""
OWN_WORDS = "own_words"
"""What the texts of some of its sellers hold and not those of all, as the fields' tokens."""
NO_COST = 2**53
"""Stands for a cost or a certificate that a listing does not have: such listings come last."""


_SENTENCE_WEIGHTS = {"hi": 1.2, "lo": 1.2, "ft": 1.0}
"""A sentence is asked of what a row says: its name leads less than for a term."""

_OTHER_ZONES = 0.1
_PAIR_WEIGHT = 0.1


@lru_cache(maxsize=1)
def build_schema() -> Schema:
    """Describe the index: three analyses per zone, facets, costs and the stored shuffle ranks."""
    builder = SchemaBuilder()
    for name in ("listing_version_id", "listing_id", "offering_id", "profile", FINGERPRINT):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field(PROFILES, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("group", fast=True)
    builder.add_integer_field("sellers", fast=True)
    builder.add_text_field(OWN_WORDS, tokenizer_name=TOKENIZER, index_option="basic")
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_unsigned_field("profile_key", indexed=True, fast=True)
    for zone in ZONES:
        builder.add_text_field(f"bigrams_{zone}", tokenizer_name=TOKENIZER)
        builder.add_text_field(f"words_{zone}", tokenizer_name=TOKENIZER)
        builder.add_text_field(f"rank_{zone}", tokenizer_name=TOKENIZER, index_option="freq")
        builder.add_text_field(f"letters_{zone}", tokenizer_name=TOKENIZER, index_option="basic")
    for field in COMPLETED:
        builder.add_text_field(f"key_{field}", tokenizer_name=TOKENIZER)
    for facet in (*FACETS, MAKER_ID):
        builder.add_text_field(facet, fast=True, tokenizer_name="raw", index_option="basic")
    for population in REFERENCE_POPULATIONS:
        builder.add_unsigned_field(f"cost_{population}", indexed=True, fast=True)
    builder.add_unsigned_field("newest", indexed=True, fast=True)
    for seed in range(SEEDS):
        builder.add_float_field(f"shuffle_{seed}", fast=True)
    return builder.build()


def schema_fingerprint() -> str:
    """Name the shape of the index: one of another shape is built again."""
    shape = repr(
        (16, COMPLETED, ZONES, FACETS, REFERENCE_POPULATIONS, SEEDS, TOKENIZER, version("tantivy"))
    )
    return hashlib.sha256(shape.encode()).hexdigest()[:16]


# --- queries -------------------------------------------------------------------------------------


def build_filter(filters: Mapping[str, frozenset[str]]) -> list[tuple[Occur, Query]]:
    """Narrow without touching the score: any value of a facet, every facet."""
    schema = build_schema()
    return [
        (
            Occur.Must,
            Query.const_score_query(Query.term_set_query(schema, facet, sorted(values)), 0),
        )
        for facet, values in filters.items()
    ]


def build_completion(field: str, tokens: list[str]) -> Query:
    """Find names by the tokens of a key, in their order."""
    return _phrase(f"key_{field}", list(enumerate(tokens)))


def build_cap(cap: PriceCap | None) -> list[tuple[Occur, Query]]:
    """Narrow to what costs no more: by the exact cost where it is known, else by the reference's."""
    if cap is None:
        return []
    schema = build_schema()
    within = Query.range_query(
        schema, f"cost_{cap.population}", FieldType.Unsigned, upper_bound=cap.yen
    )
    if cap.judged:
        judged = Query.term_set_query(schema, "listing_id", sorted(cap.judged))
        known = Query.term_set_query(schema, "listing_id", sorted(cap.within))
        other = Query.boolean_query([(Occur.Must, within), (Occur.MustNot, judged)])
        within = Query.boolean_query([(Occur.Should, known), (Occur.Should, other)])
    return [(Occur.Must, Query.const_score_query(within, 0))]


def of_kind(*kinds: str) -> tuple[Occur, Query]:
    """Narrow to documents of some kinds."""
    query = Query.term_set_query(build_schema(), "kind", list(kinds))
    return (Occur.Must, Query.const_score_query(query, 0))


def build_strict(plan: QueryPlan) -> Query:
    """Find what is written: every term, best of its variants and zones, each zone counting once."""
    if not plan.terms:
        return Query.all_query() if plan.blank else Query.empty_query()
    return _all(_term(term) for term in plan.terms)


def build_relaxed(plan: QueryPlan, searcher: Searcher) -> Iterator[tuple[int, Query]]:
    """Find what is nearly written, each reading wider, with how many rows make it an answer.

    Terms by prefix and with typing errors; then two words of a sentence; then any word of it.
    """
    if any(term.fuzzy for term in plan.terms):
        yield 1, _all(_near(term) for term in plan.terms)
    for least in plan.sentence.least:
        yield ENOUGH_ROWS if least > 1 else 1, _sentence(plan.sentence, searcher, least)


def _sentence(sentence: Sentence, searcher: Searcher, least: int) -> Query:
    """Find rows that hold at least so many telling words, best by BM25; pairs of letters help."""
    words = [
        _weighed(asked for way in ways for asked in _way(way, searcher)) for ways in sentence.words
    ]
    telling = Query.boolean_query(
        [(Occur.Should, word) for word in words], minimum_number_should_match=least
    )
    pairs = [_weighed(_pair(pair, searcher)) for pair in sentence.pairs]
    return Query.boolean_query([(Occur.Must, telling), *((Occur.Should, pair) for pair in pairs)])


def _way(way: str, searcher: Searcher) -> Iterator[tuple[str, Query]]:
    """Ask each zone for one way to say a word; several words together are as rare as the rarest.

    In names a word counts by its rarity alone: no name is better for being short.
    """
    words = way.split(" ")
    for zone in ZONES:
        if zone != "hi" and len(words) == 1:
            field = f"rank_{zone}"
            yield zone, Query.term_query(build_schema(), field, mark_code(way), index_option="freq")
        else:
            rarity = max(_rarity(f"rank_{zone}", mark_code(word), searcher) for word in words)
            yield zone, Query.const_score_query(_words(zone, way), rarity)


def _pair(pair: str, searcher: Searcher) -> Iterator[tuple[str, Query]]:
    """Ask for a pair of letters, weighed by how rare it is and not by how often a row says it.

    Not in names: a name with more letters would hold more pairs.
    """
    for zone in ZONES[1:]:
        field = f"bigrams_{zone}"
        asked = Query.term_query(build_schema(), field, pair, index_option="basic")
        weight = _PAIR_WEIGHT * _rarity(field, pair, searcher)
        yield zone, Query.const_score_query(asked, weight)


def _rarity(field: str, token: str, searcher: Searcher) -> float:
    """Give what BM25 weighs a token with: the fewer rows hold it, the more it tells."""
    holding = searcher.doc_freq(field, token)
    # Rows that a change has replaced may still be counted among the holding ones.
    return math.log(1 + (max(searcher.num_docs - holding, 0) + 0.5) / (holding + 0.5))


def _weighed(asked: Iterable[tuple[str, Query]]) -> Query:
    return Query.disjunction_max_query(
        [Query.boost_query(query, _SENTENCE_WEIGHTS[zone]) for zone, query in asked],
        tie_breaker=_OTHER_ZONES,
    )


def _near(term: Term) -> Query:
    if not term.fuzzy:
        return _term(term)
    distance = 2 if len(term.fuzzy) >= 8 else 1 if len(term.fuzzy) >= 4 else 0
    schema = build_schema()
    near = [
        Query.const_score_query(
            Query.fuzzy_term_query(schema, field, term.fuzzy, distance=slips, prefix=True),
            weight / 2,
        )
        for zone, weight in ZONE_WEIGHTS.items()
        # Codes are completed, and forgiven no slip: they stand marked among the words of a rank.
        for field, slips in ((f"words_{zone}", 0), (f"rank_{zone}", distance))
    ]
    return _best([_term(term), *near])


def _term(term: Term) -> Query:
    return _best([_variant(variant) for variant in term.variants])


def _variant(variant: Variant) -> Query:
    weight = variant.weight / len(variant.atoms)
    return _all(_atom(atom, weight) for atom in variant.atoms)


def _atom(atom: Atom, weight: float) -> Query:
    return _best([_in_zone(atom, zone, weight * ZONE_WEIGHTS[zone]) for zone in ZONES])


def _in_zone(atom: Atom, zone: str, weight: float) -> Query:
    schema = build_schema()
    if atom.kind == "letter":
        letter = Query.term_query(schema, f"letters_{zone}", atom.text, index_option="basic")
        return Query.const_score_query(letter, weight)
    if atom.kind == "words":
        return Query.const_score_query(_words(zone, atom.text), 2 * weight)
    letters = Query.const_score_query(_covering_phrase(zone, atom.text), weight)
    if not atom.words:
        return letters
    words = Query.const_score_query(_words(zone, atom.words), weight)
    return Query.boolean_query([(Occur.Must, letters), (Occur.Should, words)])


def _words(zone: str, words: str) -> Query:
    return _phrase(f"words_{zone}", list(enumerate(words.split(" "))))


def _covering_phrase(zone: str, text: str) -> Query:
    """Ask for every second pair and the last: the same places as all pairs, three times faster."""
    return _phrase(f"bigrams_{zone}", _covering_pairs(text))


def _covering_pairs(text: str) -> list[tuple[int, str]]:
    last = len(text) - 2
    return [(at, text[at : at + 2]) for at in sorted({*range(0, last, 2), last})]


def _phrase(field: str, words: list[tuple[int, str]]) -> Query:
    if len(words) == 1:
        return Query.term_query(build_schema(), field, words[0][1], index_option="basic")
    return Query.phrase_query(build_schema(), field, list(words))


def _all(queries: Iterable[Query]) -> Query:
    found = list(queries)
    return found[0] if len(found) == 1 else Query.boolean_query([(Occur.Must, q) for q in found])


def _best(queries: list[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)


def may_be_own(plan: QueryPlan, searcher: Searcher) -> bool:
    """Tell whether words that only some sellers of a software use may satisfy a part of a query."""
    atoms = (atom for term in plan.terms for variant in term.variants for atom in variant.atoms)
    return any(
        all(searcher.doc_freq(OWN_WORDS, token) for token in _tokens_of(atom)) for atom in atoms
    )


def _tokens_of(atom: Atom) -> Iterator[str]:
    if atom.kind == "letter":
        yield f"l{atom.text}"
    elif atom.kind == "words":
        yield from (f"w{word}" for word in atom.text.split(" "))
    else:
        yield from (f"b{pair}" for _, pair in _covering_pairs(atom.text))
