"""The embedded engine's schema, and how a query plan becomes tantivy queries."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from tantivy import Document, FieldType, Occur, Query, Schema, SchemaBuilder, Searcher

from search.analysis import (
    GAP,
    ZONE_WEIGHTS,
    ZONES,
    Atom,
    QueryPlan,
    Term,
    Variant,
    Zone,
    read_zones,
)
from search.codes import mark_code
from search.engine import (
    FACETS,
    PART,
    REFERENCE_POPULATIONS,
    SEEDS,
    SOLO,
    TERMS_FACETS,
    WHOLE,
    PriceCap,
    SearchRecord,
    merge_texts,
    newest_first,
    shuffle_rank,
)
from search.prefixes import key_tokens
from search.sentences import ENOUGH_ROWS, Sentence

TOKENIZER = "blank"
COMPLETED = ("name", "maker")
MAKER_ID = "maker_id"
FINGERPRINT = "fingerprint"
PROFILES = "profiles"
"""What each seller of a whole software offers, by its terms: equal sets stand once."""
NO_COST = 2**53
"""Stands for a cost or a certificate that a listing does not have: such listings come last."""

_TEXT_FIELDS = tuple(f"{name}_{zone}" for name in ("bigrams", "words", "letters") for zone in ZONES)
_TIE = 0.02
"""Scores within two per cent are equal: the shuffle decides among them."""


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
    builder.add_unsigned_field("sellers", fast=True)
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_unsigned_field("profile_key", fast=True)
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
        (11, COMPLETED, ZONES, FACETS, REFERENCE_POPULATIONS, SEEDS, TOKENIZER, version("tantivy"))
    )
    return hashlib.sha256(shape.encode()).hexdigest()[:16]


def build_documents(records: Sequence[SearchRecord]) -> list[Document]:
    """Turn the listings of one software into documents; raises ValueError if a text is not analysed.

    One that several sell has a document for each listing and one for all of them: what any seller
    offers, and the lowest costs. It stands for the software where no condition is on a seller's terms.
    """
    if len(records) == 1:
        return [_document(_values(records[0]), SOLO)]
    values = [_values(record) for record in records]
    parts = [_document(each, PART) for each in values]
    whole = dict(values[0])
    whole["listing_id"] = [record.listing_id for record in records]
    whole["sellers"] = len(records)
    whole[PROFILES] = sorted({one["profile"] for one in values})
    for facet in FACETS:
        whole[facet] = sorted({each for one in values for each in one.get(facet, ())})
    for population in REFERENCE_POPULATIONS:
        name = f"cost_{population}"
        whole[name] = min(one[name] for one in values)
    for name in _TEXT_FIELDS:
        whole[name] = merge_texts([one[name] for one in values], GAP)
    return [*parts, _document(whole, WHOLE)]


def _document(values: dict[str, Any], kind: str) -> Document:
    return Document.from_dict(values | {"kind": kind}, build_schema())


def _values(record: SearchRecord) -> dict[str, Any]:
    terms = {name: sorted(record.facets.get(name, ())) for name in TERMS_FACETS}
    profile = json.dumps(terms, sort_keys=True)
    values: dict[str, Any] = {
        "listing_version_id": record.listing_version_id,
        "listing_id": record.listing_id,
        "offering_id": record.offering_id,
        MAKER_ID: record.maker_id,
        FINGERPRINT: record.fingerprint,
        "profile": profile,
        "profile_key": _key(profile),
        "group": _key(record.offering_id),
        "sellers": 1,
        "row": _key(record.listing_id),
    }
    for name, zone in read_zones(record.analysed).items():
        bigrams, ranked, letters = _zone_texts(zone)
        values[f"bigrams_{name}"] = bigrams
        values[f"words_{name}"] = zone.words
        values[f"rank_{name}"] = ranked
        values[f"letters_{name}"] = letters
    for field, name in zip(COMPLETED, (record.name, record.maker), strict=True):
        values[f"key_{field}"] = _key_text(name)
    for facet, entries in record.facets.items():
        values[facet] = sorted(entries)
    for population in REFERENCE_POPULATIONS:
        values[f"cost_{population}"] = record.yearly_costs.get(population, NO_COST)
    newest = newest_first(record)
    values["newest"] = NO_COST if newest is None else newest
    for seed in range(SEEDS):
        rank = shuffle_rank(record.offering_id, record.listing_id, seed)
        # The engine multiplies a score by log2(2 + field): this makes the factor 1 to 1.02.
        values[f"shuffle_{seed}"] = 2.0 ** (1.0 + _TIE * (1.0 - rank)) - 2.0
    return values


@lru_cache(maxsize=64)
def _zone_texts(zone: Zone) -> tuple[str, str, str]:
    """Give what is indexed of a zone; the sellers of one software share most of it."""
    ranked = " ".join(map(mark_code, zone.distinct_words.split()))
    return zone.bigrams, ranked, zone.letters


@lru_cache(maxsize=4096)
def _key_text(name: str) -> str:
    """Give the tokens of a name; a maker has many listings."""
    return " ".join(key_tokens(name))


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


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
    last = len(text) - 2
    offsets = sorted({*range(0, last, 2), last})
    return _phrase(f"bigrams_{zone}", [(at, text[at : at + 2]) for at in offsets])


def _phrase(field: str, words: list[tuple[int, str]]) -> Query:
    if len(words) == 1:
        return Query.term_query(build_schema(), field, words[0][1], index_option="basic")
    return Query.phrase_query(build_schema(), field, list(words))


def _all(queries: Iterable[Query]) -> Query:
    found = list(queries)
    return found[0] if len(found) == 1 else Query.boolean_query([(Occur.Must, q) for q in found])


def _best(queries: list[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)
