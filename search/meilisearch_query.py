"""The search server's settings, documents and requests: our analysis in tokens it cannot misread.

The server cuts Japanese before it normalises, so half-width kana and old forms would be cut raw. It
is therefore given each of our tokens spelled in the letters a to p: one word to any tokenizer.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import Any
from urllib.parse import unquote

from core.errors import BadRequest
from search.analysis import GAP, ZONES, Atom, QueryPlan, Zone, read_zones
from search.codes import is_code, load_codes
from search.engine import (
    FACETS,
    PART,
    REFERENCE_POPULATIONS,
    SEEDS,
    SOLO,
    TERMS_FACETS,
    WHOLE,
    Filters,
    PriceCap,
    SearchQuery,
    SearchRecord,
    iterate_groups,
    newest_first,
    shuffle_ranks,
)
from search.merging import merge_texts
from search.prefixes import key_tokens
from search.sentences import ENOUGH_ROWS

SCHEMA_VERSION = 4
MAX_HITS = 1_000_000
MAX_FACET_VALUES = MAX_HITS
MAX_FILTER_BYTES = 468
MAX_PAIRED_WORDS = 6

BY_ZONE = tuple(f"s_{zone}" for zone in ZONES)
ANYWHERE = ("s_all",)
NEARLY = ("s_all", "r_all", "c_all")
COMPLETED = ("k_name", "k_maker")
"""Attributes for the ranked, the unranked and the wider reading, and for names while they are typed;
only the wider reading allows for typos, and not of codes (c_all)."""

SETTINGS: dict[str, Any] = {
    "searchableAttributes": [*BY_ZONE, *NEARLY, *COMPLETED],
    "displayedAttributes": ["listing_version_id", "listing_id", "offering_id", "fingerprint"],
    "filterableAttributes": [
        *FACETS,
        "id",
        "kind",
        "listing_id",
        "maker_id",
        "offering_id",
        "sellers",
        *(f"cost_{population}" for population in REFERENCE_POPULATIONS),
    ],
    "sortableAttributes": [
        "newest",
        *(f"cost_{population}" for population in REFERENCE_POPULATIONS),
        *(f"shuffle_{seed}" for seed in range(SEEDS)),
    ],
    "rankingRules": ["words", "typo", "attributeRank", "sort"],
    "stopWords": [],
    # Equal words are asked for as alternatives (`read_strictly`): no new index when they change.
    "synonyms": {},
    "proximityPrecision": "byWord",
    "prefixSearch": "indexingTime",
    "typoTolerance": {
        "enabled": True,
        "minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 8},
        "disableOnAttributes": [*BY_ZONE, *ANYWHERE, "c_all", *COMPLETED],
        "disableOnWords": sorted(load_codes()),
        "disableOnNumbers": True,
    },
    "faceting": {"maxValuesPerFacet": MAX_FACET_VALUES},
    "pagination": {"maxTotalHits": MAX_HITS},
    "searchCutoffMs": 1500,
    "localizedAttributes": [
        {"attributePatterns": ["s_*", "r_*", "c_*", "k_*"], "locales": ["jpn"]}
    ],
}

_GAP_WORD = "z"
_MAX_LETTERS = 200
_LETTERS = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")
_KATAKANA = re.compile("[ァ-ヺー]{2,}")
_LATIN = re.compile("[a-z0-9]{2,}")
_PLAIN_MARKS = "-_.:"


def encode(kind: str, text: str) -> str:
    """Spell a token in plain letters; long ones by their digest."""
    letters = text.encode().hex().encode().translate(_LETTERS).decode()
    if len(letters) > _MAX_LETTERS:
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        letters = "q" + digest.encode().translate(_LETTERS).decode()
    return kind + letters


def build_documents(records: Sequence[SearchRecord]) -> list[dict[str, Any]]:
    """Turn the listings of one software into what the server stores; ValueError if not analysed.

    One that several sell has a document for each listing and one for all of them: what any seller
    offers, and the lowest costs. It stands for the software where no condition is on a seller's terms.
    """
    if len(records) == 1:
        return [_document(records[0]) | {"kind": SOLO}]
    parts = [_document(record) | {"kind": PART} for record in records]
    whole = parts[0] | {"id": f"whole-{records[0].offering_id}", "kind": WHOLE}
    whole["sellers"] = [str(len(records))]
    for facet in FACETS:
        whole[facet] = sorted({each for part in parts for each in part.get(facet, ())})
    for population in REFERENCE_POPULATIONS:
        name = f"cost_{population}"
        if known := [part[name] for part in parts if name in part]:
            whole[name] = min(known)
    for name in (*BY_ZONE, *ANYWHERE):
        whole[name] = merge_texts([part[name] for part in parts], _GAP_WORD)
    for name in ("r_all", "c_all"):
        words = (word for part in parts for word in part[name].split())
        whole[name] = " ".join(dict.fromkeys(words))
    return [*parts, whole]


def prepare_documents(records: Iterable[SearchRecord]) -> list[dict[str, Any]]:
    """Give the documents of some software, each one's listings after another's."""
    return [each for group in iterate_groups(records) for each in build_documents(group)]


def _document(record: SearchRecord) -> dict[str, Any]:
    zones = read_zones(record.analysed)
    streams = {name: " ".join(_stream(zone)) for name, zone in zones.items()}
    words = {word for zone in zones.values() for word in zone.words.split()}
    codes = set(filter(is_code, words))
    document: dict[str, Any] = {
        "id": record.listing_id,
        "listing_id": record.listing_id,
        "listing_version_id": record.listing_version_id,
        "offering_id": record.offering_id,
        "fingerprint": record.fingerprint,
        "maker_id": [record.maker_id],
        "s_all": f" {_GAP_WORD} {_GAP_WORD} ".join(streams.values()),
        "r_all": " ".join(_near_words(words - codes)),
        "c_all": " ".join(_near_words(codes)),
    }
    for attribute, name in zip(COMPLETED, (record.name, record.maker), strict=True):
        document[attribute] = " ".join(encode("k", token) for token in key_tokens(name))
    document |= {f"s_{name}": stream for name, stream in streams.items()}
    for facet, values in record.facets.items():
        document[facet] = sorted(map(spell_value, values))
    document |= {f"cost_{size}": cost for size, cost in record.yearly_costs.items()}
    if (newest := newest_first(record)) is not None:
        document["newest"] = newest
    ranks = shuffle_ranks(record.offering_id, record.listing_id)
    document |= {f"shuffle_{seed}": rank for seed, rank in enumerate(ranks)}
    return document


def _stream(zone: Zone) -> Iterator[str]:
    letters = " ".join(sorted(zone.letters.split()))  # the same for all sellers: it merges into one
    for kind, tokens in (("b", zone.bigrams), ("w", zone.words), ("l", letters)):
        for token in tokens.split():
            yield _GAP_WORD if token == GAP else encode(kind, token)
        yield _GAP_WORD


def _near_words(words: Iterable[str]) -> list[str]:
    return [found for word in sorted(words) if (found := _near_word(word))]


def _near_word(word: str) -> str:
    """Latin as it is, so that typos can be forgiven; katakana in letters, so that prefixes work."""
    if _LATIN.fullmatch(word):
        return word
    return encode("k", word) if _KATAKANA.fullmatch(word) else ""


# --- requests ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """One question to the server: its words, and the attributes that they are sought in."""

    words: str
    attributes: tuple[str, ...]
    weight: float = 1.0


def read_strictly(plan: QueryPlan, query: SearchQuery) -> list[Reading]:
    """Give the questions whose answers together are exactly what is written."""
    attributes = ANYWHERE if query.sort_field else BY_ZONE
    choices = product(*(term.variants for term in plan.terms))
    words = (
        " ".join(_phrase(atom) for variant in choice for atom in variant.atoms)
        for choice in choices
    )
    return [Reading(found, attributes) for found in dict.fromkeys(words)]


def read_widely(plan: QueryPlan) -> Iterator[tuple[int, list[Reading]]]:
    """Give wider readings, each with how many rows make it an answer.

    Prefix and typos; then two words of a sentence; then any word of it.
    """
    first = [_read_nearly(plan)] if any(term.fuzzy for term in plan.terms) else []
    if first:
        yield 1, first
    words = [[_words_phrase(way) for way in ways[:2]] for ways in plan.sentence.words]
    words = words[:MAX_PAIRED_WORDS]
    asked: list[Reading] = []
    for least in plan.sentence.least:
        # Rows that hold two words stay before those that hold one.
        asked += [
            Reading(" ".join(choice), ANYWHERE, weight=least / plan.sentence.least[0])
            for several in combinations(words, least)
            for choice in product(*several)
        ]
        yield ENOUGH_ROWS if least > 1 else 1, asked


def _read_nearly(plan: QueryPlan) -> Reading:
    exact = [
        _phrase(atom) for term in plan.terms if not term.fuzzy for atom in term.variants[0].atoms
    ]
    near = [_near_word(term.fuzzy) for term in plan.terms if term.fuzzy]
    # The server completes only the last word that is not quoted.
    return Reading(" ".join([*exact, *near]), NEARLY)


def _words_phrase(words: str) -> str:
    tokens = " ".join(encode("w", word) for word in words.split(" "))
    return f'"{tokens}"'


def _phrase(atom: Atom) -> str:
    if atom.kind == "letter":
        tokens = [encode("l", atom.text)]
    elif atom.kind == "words":
        tokens = [encode("w", word) for word in atom.text.split(" ")]
    else:
        pairs = range(len(atom.text) - 1)
        tokens = [encode("b", atom.text[at : at + 2]) for at in pairs]
    return f'"{" ".join(tokens)}"'


def build_search(
    index: str, reading: Reading, filters: Filters, query: SearchQuery, kinds: Sequence[str]
) -> dict[str, Any]:
    """Build one question of a multi-search, without pages or facets, for documents of some kinds."""
    order = [f"shuffle_{query.seed}:asc"]
    if query.sort_field:
        order.insert(0, f"{query.sort_field}:asc")
    question: dict[str, Any] = {
        "indexUid": index,
        "q": reading.words,
        "sort": order,
        "matchingStrategy": "all",
        "locales": ["jpn"],
    }
    if reading.words:
        question["attributesToSearchOn"] = list(reading.attributes)
    if reading.weight != 1.0 and not query.sort_field:
        question["federationOptions"] = {"weight": reading.weight}
    kept = {"kind": frozenset(kinds), **filters}
    question["filter"] = [*build_filter(kept), *build_cap(query.price_cap)]
    return question


def build_completion(index: str, attribute: str, tokens: list[str], seed: int) -> dict[str, Any]:
    """Build the question for names by the tokens of a key, in their order."""
    words = " ".join(encode("k", token) for token in tokens)
    reading = Reading(f'"{words}"', (attribute,))
    return build_search(index, reading, {}, SearchQuery(seed=seed), (SOLO, WHOLE))


def is_by_seller(filters: Filters, cap: PriceCap | None) -> bool:
    """Tell whether a condition is on the terms of sellers, which one of them must meet together."""
    return cap is not None or not frozenset(TERMS_FACETS).isdisjoint(filters)


def build_stale(offering_id: str, ids: frozenset[str]) -> list[list[str]]:
    """Find what the server still holds of a software besides these documents."""
    return [
        [f"offering_id = {quote_value(offering_id)}"],
        [f"NOT {_any_of('id', ids)[0]}"],
    ]


def build_filter(filters: Filters) -> list[list[str]]:
    """Narrow by every facet (AND), any of its values (OR)."""
    return [
        [f"{facet} = {quote_value(spell_value(value))}" for value in sorted(values)]
        for facet, values in filters.items()
    ]


def build_cap(cap: PriceCap | None) -> list[list[str]]:
    """Narrow to what costs no more: by the exact cost where it is known, else by the reference's."""
    if cap is None:
        return []
    below = f"cost_{cap.population} <= {cap.yen}"
    if not cap.judged:
        return [[below]]
    known = _any_of("listing_id", cap.within)
    return [[*known, below], [*known, f"NOT {_any_of('listing_id', cap.judged)[0]}"]]


def _any_of(attribute: str, values: frozenset[str]) -> list[str]:
    if not values:
        return []
    return [f"{attribute} IN [{', '.join(quote_value(each) for each in sorted(values))}]"]


def quote_value(value: str) -> str:
    """Quote a value for the server's filter language; raises BadRequest for one it cannot hold.

    The language gives a quote back from behind a backslash, but no backslash itself.
    """
    if "\\" in value or len(value.encode(errors="replace")) > MAX_FILTER_BYTES:
        raise BadRequest("絞り込みの値が長すぎるか、使えない文字があります。")
    return '"' + value.replace('"', '\\"') + '"'


@lru_cache(maxsize=20_000)
def spell_value(value: str) -> str:
    """Spell a facet value so that the server holds it apart from every other, as an address would.

    It folds case and width where it compares, and cuts blanks off: such letters are spelled out.
    """
    return "".join(each if _is_plain(each) else _spell_out(each) for each in value)


def read_value(spelled: str) -> str:
    """Read a facet value back."""
    return unquote(spelled, errors="surrogatepass")


def _is_plain(letter: str) -> bool:
    folded = unicodedata.normalize("NFKC", letter).lower()
    return letter in _PLAIN_MARKS or (letter.isalnum() and folded == letter)


def _spell_out(letter: str) -> str:
    return "".join(f"%{byte:02x}" for byte in letter.encode(errors="surrogatepass"))


def group_facets(filters: Filters) -> list[tuple[list[str], Mapping[str, frozenset[str]]]]:
    """Pair facets with the filters they are counted under: all but their own."""
    free = [facet for facet in FACETS if facet not in filters]
    groups: list[tuple[list[str], Mapping[str, frozenset[str]]]] = [(free, filters)]
    for facet in filters:
        others = {name: values for name, values in filters.items() if name != facet}
        groups.append(([facet], others))
    return groups
