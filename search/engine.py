"""What a search engine promises: its values, and the Protocol that both engines satisfy."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from itertools import groupby
from struct import unpack
from typing import Protocol

from core.errors import BadRequest, Unavailable

FACETS = (
    "specification",
    "certification",
    "size_class",
    "body_kind",
    "price_band",
    "hosting",
    "region",
    "network",
    "accreditation",
    "authentication",
    "language",
    "export_format",
    "exit_charge",
    "exit_transition",
    "exit_retrieval",
    "exit_notice",
    "exit_deletion",
    "exit_parallel",
    "exit_escrow",
    "seller_kind",
    "maker",
)
"""Facet names; several values of one are alternatives (OR), different facets narrow (AND)."""

TERMS_FACETS = (
    "price_band",
    "exit_charge",
    "exit_transition",
    "exit_retrieval",
    "exit_notice",
    "exit_deletion",
    "exit_parallel",
    "exit_escrow",
    "seller_kind",
)
"""The facets in which the sellers of one software may differ."""

SOLO, PART, WHOLE = "solo", "part", "whole"
"""Documents: the only listing of its software, one of several, all of several together."""

REFERENCE_POPULATIONS = (
    1_000,
    5_000,
    10_000,
    30_000,
    50_000,
    100_000,
    300_000,
    1_000_000,
)
"""Populations for which each record carries its cost of the first twelve months."""

SORTS = (
    "relevance",
    "newest",
    *(f"cost_{population}" for population in REFERENCE_POPULATIONS),
)
SEEDS = 31
MAX_QUERY_CHARS = 300
MAX_PER_PAGE = 200
MAX_YEN = 10**12

Filters = Mapping[str, frozenset[str]]


class SearchUnavailable(Unavailable):
    """The engine cannot answer now; nothing wider or narrower was answered instead."""

    code = "search_unavailable"
    title = "検索が使えません"
    meaning = "検索のしくみが今は答えられません。ほかの条件の答えで代えることはありません。"
    remedy = "しばらくしてから、もう一度送ってください。"

    def __init__(
        self, message: str = "検索がいま使えません。しばらくしてから、もう一度お試しください。"
    ) -> None:
        super().__init__(message)


class IndexMissing(SearchUnavailable):
    """There is no index that this program can read: `rebuild` makes one."""

    code = "search_index_missing"
    meaning = "検索の索引がないか、読める形ではありません。"
    remedy = "運用者が索引を作り直すまで待ってください。"


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One published listing; `analysed` is what `analysis.searchable_text` gave for it.

    `yearly_costs` maps a reference population to yen without tax for the first twelve months, the
    initial charge apart; a population that the price plan does not serve is left out. `certified_on`
    is the day of the certificate that stands now, if one does. `name` and `maker` complete what a
    reader types.
    """

    listing_version_id: str
    listing_id: str
    offering_id: str
    analysed: str
    facets: Filters = field(default_factory=dict)
    yearly_costs: Mapping[int, int] = field(default_factory=dict)
    name: str = ""
    maker: str = ""
    maker_id: str = ""
    certified_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse a facet or a population that the engines would silently drop."""
        if unknown := set(self.facets) - set(FACETS):
            raise ValueError(f"unknown facets: {sorted(unknown)}")
        if odd := set(self.yearly_costs) - set(REFERENCE_POPULATIONS):
            raise ValueError(f"unknown reference populations: {sorted(odd)}")
        if any(cost < 0 for cost in self.yearly_costs.values()):
            raise ValueError("a yearly cost cannot be negative")

    @property
    def fingerprint(self) -> str:
        """Give what tells whether an index holds exactly this: a digest of every value."""
        held = {name: getattr(self, name) for name in _FIELDS if name != "analysed"}
        # One spelling, whatever the order of what is held; the long text as it is.
        held["facets"] = sorted((name, sorted(values)) for name, values in self.facets.items())
        held["yearly_costs"] = sorted(self.yearly_costs.items())
        digest = hashlib.blake2b(repr([*held.values()]).encode(), digest_size=16)
        digest.update(self.analysed.encode())
        return digest.hexdigest()


_FIELDS = tuple(each.name for each in fields(SearchRecord))


Changes = tuple[list[SearchRecord], list[str]]
"""Records to put in, all listings of their software together, and listing ids to take out."""
CatchUp = Callable[[], Changes]
"""Gives what changed since it was made or last called."""


def no_changes() -> Changes:
    """Say that nothing changed."""
    return [], []


@dataclass(frozen=True, slots=True)
class PriceCap:
    """The dearest that a reader would pay: yen without tax for twelve months at a reference population.

    Of the listings in `judged` the exact cost is known; of those, only the ones in `within` pass.
    """

    population: int
    yen: int
    judged: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what no engine holds."""
        if self.population not in REFERENCE_POPULATIONS:
            raise BadRequest(f"人口{self.population}人の費用は計算していません。")
        if not 0 <= self.yen < MAX_YEN:
            raise BadRequest(f"費用の上限は0円以上{MAX_YEN:,}円未満です。")

    def allows(self, listing_id: str, yearly_costs: Mapping[int, int]) -> bool:
        """Tell whether a listing with these costs passes."""
        if listing_id in self.judged:
            return listing_id in self.within
        cost = yearly_costs.get(self.population)
        return cost is not None and cost <= self.yen


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a reader asks; raises BadRequest for a filter, sort, seed or page that cannot be.

    `counted` are the facets of which the embedded engine has to count the values.
    """

    text: str = ""
    filters: Filters = field(default_factory=dict)
    sort: str = "relevance"
    seed: int = 0
    page: int = 1
    per_page: int = 20
    price_cap: PriceCap | None = None
    counted: tuple[str, ...] = FACETS

    def __post_init__(self) -> None:
        """Refuse what no engine may guess about."""
        if unknown := set(self.filters) - set(FACETS):
            raise BadRequest(f"絞り込みの項目「{'、'.join(sorted(unknown))}」はありません。")
        if self.sort not in SORTS:
            raise BadRequest(f"並べ替え「{self.sort}」はありません。")
        if not 0 <= self.seed < SEEDS:
            raise BadRequest(f"並び順の番号は0から{SEEDS - 1}までです。")
        if self.page < 1 or not 1 <= self.per_page <= MAX_PER_PAGE:
            raise BadRequest(f"ページは1から、件数は{MAX_PER_PAGE}件までです。")
        if len(self.text) > MAX_QUERY_CHARS:
            raise BadRequest(f"検索語は{MAX_QUERY_CHARS}文字までです。")

    @property
    def active_filters(self) -> dict[str, frozenset[str]]:
        """Give the filters that hold at least one value, in the order of FACETS."""
        return {name: self.filters[name] for name in FACETS if self.filters.get(name)}

    @property
    def cost_population(self) -> int | None:
        """Give the reference population whose cost sorts the rows, if a cost does."""
        is_cost = self.sort.startswith("cost_")
        return int(self.sort.removeprefix("cost_")) if is_cost else None

    @property
    def sort_field(self) -> str:
        """Give the field whose value sorts the rows, upwards; empty for relevance."""
        return "" if self.sort == "relevance" else self.sort


@dataclass(frozen=True, slots=True)
class Hit:
    """One row: the three ids under which the database knows it."""

    listing_version_id: str
    listing_id: str
    offering_id: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """An ordered answer; `facets` counts each facet under all filters but its own.

    `relaxed` says that nothing matched as written and that these rows come from one wider reading
    of the text; the filters hold all the same.
    """

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]]
    relaxed: bool
    seed: int
    engine: str
    engine_version: str
    generation: str
    fallback: bool = False
    """The search server could not answer: the reserve did, under every condition."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Give the listing version ids in order."""
        return tuple(hit.listing_version_id for hit in self.hits)


@dataclass(frozen=True, slots=True)
class Completions:
    """What begins with, or holds, the typed letters: listings by name, makers by their id.

    Both in the shuffled order of the seed; the database says what of it may be shown.
    """

    names: tuple[Hit, ...] = ()
    makers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """What an engine says of itself; `detail` is a sentence for operators."""

    available: bool
    engine: str
    engine_version: str
    generation: str
    documents: int
    detail: str
    index_missing: bool = False


class SearchEngine(Protocol):
    """An index that can be thrown away and rebuilt; one document per listing."""

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer one page with facet counts, one hit for each software; raises SearchUnavailable.

        Conditions on the terms of sellers (TERMS_FACETS and the price cap) must be met by one seller
        together. Under a cost the software stands where the cheapest of those sellers would.
        """
        ...

    def search_all(self, query: SearchQuery) -> SearchResult:
        """Answer every listing that matches, in the same order, without page and facet counts."""
        ...

    def complete(self, key: str, *, seed: int, limit: int) -> Completions:
        """Give listings and makers whose name begins with or else holds a folded key."""
        ...

    def upsert(self, records: Iterable[SearchRecord]) -> None:
        """Add all listings of some software in place of what it had; visible when it returns."""
        ...

    def delete(self, listing_ids: Iterable[str]) -> None:
        """Remove listings; ids that the index does not hold are passed over."""
        ...

    def rebuild(self, records: Iterable[SearchRecord], catch_up: CatchUp = no_changes) -> int:
        """Build a new index and switch to it at once; gives the number of listings.

        The listings of one software come one after the other. Searches and writes go on with the
        old index meanwhile; `catch_up` is asked for what they changed, so that nothing is lost.
        """
        ...

    def fingerprints(self) -> dict[str, str]:
        """Give the fingerprint of every record by its listing id, to compare with the database."""
        ...

    def health(self) -> EngineHealth:
        """Say whether searches can be answered; never raises."""
        ...


def hit_of(record: SearchRecord) -> Hit:
    """Give the ids of a record."""
    return Hit(record.listing_version_id, record.listing_id, record.offering_id)


def shuffle_rank(offering_id: str, listing_id: str, seed: int) -> float:
    """Place a listing among its equals for one seed, in [0, 1), listings of one offering together."""
    high, low = _draw(offering_id, 4, seed + 1)[-4:], _draw(listing_id, 2, seed + 1)[-2:]
    return int.from_bytes(high + low) / 2.0**48


def shuffle_ranks(offering_id: str, listing_id: str) -> list[float]:
    """Place a listing among its equals for every seed, by hashes of the two ids.

    Ids are given by the system, so no vendor can choose a place; the rule itself is public.
    """
    highs = unpack(f">{SEEDS}I", _draw(offering_id, 4, SEEDS))
    lows = unpack(f">{SEEDS}H", _draw(listing_id, 2, SEEDS))
    return [(high * 2**16 + low) / 2.0**48 for high, low in zip(highs, lows, strict=True)]


def _draw(key: str, size: int, seeds: int) -> bytes:
    """Draw so many bytes for each of the first seeds: more of them begin alike."""
    return hashlib.shake_128(f"narabi order {key}".encode()).digest(size * seeds)


def shuffle_makers(maker_ids: Iterable[str], seed: int) -> list[str]:
    """Order makers for one seed, however much each of them sells."""
    key = f"narabi makers {seed}".encode()
    return sorted(
        maker_ids, key=lambda each: hashlib.blake2b(each.encode(), key=key, digest_size=8).digest()
    )


def newest_first(record: SearchRecord) -> int | None:
    """Give the number by which the newest certificate comes first; None without a certificate."""
    day = record.certified_on
    return None if day is None else date.max.toordinal() - day.toordinal()


def choose_seed(day: date, text: str) -> int:
    """Choose the day's order for a text, the same for every reader."""
    digest = hashlib.blake2b(f"{day.isoformat()}\n{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % SEEDS


def group_records(records: Iterable[SearchRecord]) -> dict[str, list[SearchRecord]]:
    """Put the listings of each software together, the last record of a listing counting."""
    groups: dict[str, dict[str, SearchRecord]] = {}
    for record in records:
        groups.setdefault(record.offering_id, {})[record.listing_id] = record
    return {
        offering_id: [found[key] for key in sorted(found)] for offering_id, found in groups.items()
    }


def iterate_groups(records: Iterable[SearchRecord]) -> Iterator[list[SearchRecord]]:
    """Give the listings of each software as they come, one software after the other.

    Raises ValueError for records out of that order.
    """
    seen: set[str] = set()
    for offering_id, group in groupby(records, key=lambda record: record.offering_id):
        if offering_id in seen:
            raise ValueError(f"the listings of {offering_id} came apart")
        seen.add(offering_id)
        yield group_records(group)[offering_id]
