"""From search records to the documents of the embedded index."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tantivy import Document

from search.analysis import GAP, ZONES, Zone, read_zones
from search.codes import mark_code
from search.embedded_query import (
    COMPLETED,
    FINGERPRINT,
    MAKER_ID,
    NO_COST,
    OWN_WORDS,
    PROFILES,
    build_schema,
)
from search.engine import (
    FACETS,
    PART,
    REFERENCE_POPULATIONS,
    SOLO,
    TERMS_FACETS,
    WHOLE,
    SearchRecord,
    iterate_groups,
    newest_first,
    shuffle_ranks,
)
from search.merging import merge_texts, split_runs
from search.prefixes import key_tokens

_TEXT_FIELDS = tuple(f"{name}_{zone}" for name in ("bigrams", "words", "letters") for zone in ZONES)
_TIE = 0.02
"""Scores within two per cent are equal: the shuffle decides among them."""


def build_documents(records: Sequence[SearchRecord]) -> list[Document]:
    """Turn the listings of one software into documents; raises ValueError if a text is not analysed."""
    return [make_document(each) for each in _prepare_group(records)]


def prepare_documents(records: Iterable[SearchRecord]) -> list[dict[str, Any]]:
    """Give the values of the documents of some software, each one's listings after another's.

    They are all that a document takes, and pass from one process to another as they are.
    """
    return [each for group in iterate_groups(records) for each in _prepare_group(group)]


def make_document(values: dict[str, Any]) -> Document:
    """Make a document of its values."""
    return Document.from_dict(values, build_schema())


def _prepare_group(records: Sequence[SearchRecord]) -> list[dict[str, Any]]:
    """Give the values of the documents of one software.

    One that several sell has a document for each listing and one for all of them: what any seller
    offers, and the lowest costs. It stands for the software where no condition is on a seller's terms.
    """
    if len(records) == 1:
        return [_values(records[0]) | {"kind": SOLO}]
    values = [_values(record) for record in records]
    parts = [each | {"kind": PART} for each in values]
    whole = values[0] | {"kind": WHOLE}
    whole["listing_id"] = [record.listing_id for record in records]
    # A text that finds all sellers of a software sums up to nothing.
    whole["sellers"] = -len(records)
    whole[PROFILES] = sorted({one["profile"][1:-1] for one in values})
    whole["profile"] = f"[{','.join(whole[PROFILES])}]"
    whole["profile_key"] = _key(whole["profile"])
    whole[OWN_WORDS] = " ".join(_own_tokens(values))
    for facet in FACETS:
        whole[facet] = sorted({each for one in values for each in one.get(facet, ())})
    for population in REFERENCE_POPULATIONS:
        name = f"cost_{population}"
        whole[name] = min(one[name] for one in values)
    for name in _TEXT_FIELDS:
        texts = [one[name] for one in values]
        if name.startswith("letters"):
            whole[name] = " ".join(dict.fromkeys(" ".join(texts).split()))
        else:
            whole[name] = merge_texts(texts, GAP)
    return [*parts, whole]


def _own_tokens(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the tokens of runs that only some of several texts hold, marked by their kind."""
    found: set[str] = set()
    for name in _TEXT_FIELDS:
        texts = {one[name] for one in values}
        if len(texts) == 1:  # all say the same, and nobody more
            continue
        runs = [
            set(text.split() if name.startswith("letters") else split_runs(text, GAP))
            for text in texts
        ]
        own = set.union(*runs) - set.intersection(*runs)
        found.update(f"{name[0]}{token}" for run in own for token in run.split())
    return sorted(found)


def _values(record: SearchRecord) -> dict[str, Any]:
    terms = {name: sorted(record.facets.get(name, ())) for name in TERMS_FACETS}
    profile = json.dumps(terms, sort_keys=True)
    offered = f"[{profile}]"
    values: dict[str, Any] = {
        "listing_version_id": record.listing_version_id,
        "listing_id": record.listing_id,
        "offering_id": record.offering_id,
        MAKER_ID: record.maker_id,
        FINGERPRINT: record.fingerprint,
        "profile": offered,
        "profile_key": _key(offered),
        "group": _key(record.offering_id),
        "sellers": 1,
        "row": _key(record.listing_id),
    }
    values.update(_text_values(record.analysed))
    for field, name in zip(COMPLETED, (record.name, record.maker), strict=True):
        values[f"key_{field}"] = _key_text(name)
    for facet, entries in record.facets.items():
        values[facet] = sorted(entries)
    for population in REFERENCE_POPULATIONS:
        values[f"cost_{population}"] = record.yearly_costs.get(population, NO_COST)
    newest = newest_first(record)
    values["newest"] = NO_COST if newest is None else newest
    for seed, rank in enumerate(shuffle_ranks(record.offering_id, record.listing_id)):
        # The engine multiplies a score by log2(2 + field): this makes the factor 1 to 1.02.
        values[f"shuffle_{seed}"] = 2.0 ** (1.0 + _TIE * (1.0 - rank)) - 2.0
    return values


def _text_values(analysed: str) -> dict[str, str]:
    values = {}
    for name, zone in read_zones(analysed).items():
        bigrams, ranked, letters = _zone_texts(zone)
        values[f"bigrams_{name}"] = bigrams
        values[f"words_{name}"] = zone.words
        values[f"rank_{name}"] = ranked
        values[f"letters_{name}"] = letters
    return values


@lru_cache(maxsize=64)
def _zone_texts(zone: Zone) -> tuple[str, str, str]:
    """Give what is indexed of a zone; the sellers of one software share most of it."""
    ranked = " ".join(map(mark_code, zone.distinct_words))
    return zone.bigrams, ranked, zone.letters


@lru_cache(maxsize=4096)
def _key_text(name: str) -> str:
    """Give the tokens of a name; a maker has many listings."""
    return " ".join(key_tokens(name))


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1
