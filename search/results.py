"""What a search page shows: plain values over rows that the database confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from catalog.certification.queries import Standing
from catalog.cost_rules import compute_tax
from catalog.offerings.listed import Listed
from catalog.offerings.prices import plan_of
from catalog.price_bands import ReferencePrice
from catalog.price_plan import Volumes
from catalog.terms import HOSTING_CODES, SIZE_LOWER_BOUNDS, hosting_label
from search.costing import Costing
from search.engine import REFERENCE_POPULATIONS, SearchQuery

DEFAULT_POPULATION = 10_000
UNKNOWN = "情報なし"
MOST_EXACT = 500
"""Up to so many hits the exact costs decide; above, the costs at the next reference population."""


@dataclass(frozen=True, slots=True)
class FirstYear:
    """The first twelve months for one population in yen with tax; None: only a quote can tell."""

    running: int | None
    initial: int | None
    before_tax: ReferencePrice


@dataclass(frozen=True)
class Seller:
    """One seller's terms inside a row, and whether they meet every condition."""

    version: Listed
    matches: bool
    costing: Costing
    day: date

    @cached_property
    def cost(self) -> FirstYear:
        """What this seller asks; computed when it is looked at."""
        plan = plan_of(self.version, self.day)
        price = self.costing.first_year(plan, self.version.specification_code)
        return FirstYear(_with_tax(price.running), _with_tax(price.initial), price)


@dataclass(frozen=True, slots=True)
class FoundListing:
    """One row: what the database says of a software now by one seller's terms, and who else sells it."""

    version: Listed
    standing: Standing
    cost: FirstYear
    others: tuple[Seller, ...]

    @property
    def name(self) -> str:
        """The name of the software."""
        return self.version.name

    @property
    def maker(self) -> str:
        """The maker, marked when invented."""
        return self.version.maker

    @property
    def seller(self) -> str:
        """The seller, marked when invented."""
        return self.version.seller

    @property
    def is_sample(self) -> bool:
        """Tell whether the sign 見本 has to stand after the name."""
        return self.version.maker_is_sample and "見本" not in self.name

    @property
    def specification(self) -> str:
        """The name of the specification."""
        return self.version.specification_name

    @property
    def specification_version(self) -> str:
        """The version of the specification as it is read: 第1.0版."""
        return self.version.specification_title

    @property
    def hosting(self) -> str:
        """Where the service runs: AWS（東京）."""
        offering = self.version
        if offering.hosting_provider not in HOSTING_CODES:
            return UNKNOWN
        region = f"（{offering.hosting_region}）" if offering.hosting_region else ""
        return f"{hosting_label(offering.hosting_provider)}{region}"

    @property
    def sizes(self) -> str:
        """The populations that the software serves, in words."""
        return size_words(self.version.size_classes)


@dataclass(frozen=True, slots=True)
class FoundPage:
    """One page of an answer: software, not listings; `withheld` was in the index but no longer holds."""

    rows: tuple[FoundListing, ...]
    total: int
    withheld: int
    page_count: int
    facets: Mapping[str, Mapping[str, int]]
    relaxed: bool
    seed: int
    engine: str
    engine_version: str
    cost_basis: str = ""
    """For which population costs filter and sort, in a sentence; empty when they do neither."""
    fallback: bool = False
    """The search server could not answer: the reserve did, under every condition."""


@lru_cache(maxsize=64)
def volumes_of(population: int) -> Volumes:
    """Return what a search knows of a body."""
    return Volumes(population=population)


def _with_tax(amount: int | None) -> int | None:
    return None if amount is None else amount + compute_tax(amount)


def next_reference(population: int) -> int:
    """Return the reference population at or above a body's, the largest for larger ones."""
    above = [each for each in REFERENCE_POPULATIONS if each >= population]
    return above[0] if above else REFERENCE_POPULATIONS[-1]


def describe_basis(query: SearchQuery, costing: Costing, *, is_exact: bool) -> str:
    """Say by whose costs rows are filtered and sorted; empty when they are neither."""
    cap, sorted_by = query.price_cap, query.cost_population
    reference = sorted_by or (cap and cap.population)
    if not reference:
        return ""
    population = costing.population
    acts = "絞り込み、並べて" if cap and sorted_by else "絞り込んで" if cap else "並べて"
    own = f"人口{population:,}人の団体の費用"
    exact = f"{own}（{costing.words}）" if costing.words else own
    if is_exact:
        return f"{exact}で{acts}います。"
    base = f"人口{reference:,}人の団体の費用で{acts}います。"
    if reference == population and costing.is_plain:
        return base
    why = f"{MOST_EXACT}件を超えるため、" if reference == next_reference(population) else ""
    return f"{why}{base}各行の年額は、{exact}です。"


def size_words(classes: list[str]) -> str:
    """Say which populations a set of size classes covers, neighbours joined: 5万人未満."""
    order = [size for size, _ in SIZE_LOWER_BOUNDS]
    chosen = [position for position, size in enumerate(order) if size.value in classes]
    if not chosen:
        return UNKNOWN
    if len(chosen) == len(order):
        return "すべての規模"
    if chosen != list(range(chosen[0], chosen[-1] + 1)):
        return "、".join(order[position].label for position in chosen)
    return _range_words(chosen[0], chosen[-1])


def population_words(population: int) -> str:
    """Say a round population: 1万人, 5,000人."""
    return f"{population // 10_000}万人" if population % 10_000 == 0 else f"{population:,}人"


def _range_words(first: int, last: int) -> str:
    from_words = f"{population_words(SIZE_LOWER_BOUNDS[first][1])}以上" if first else ""
    if last + 1 == len(SIZE_LOWER_BOUNDS):
        return from_words
    return f"{from_words}{population_words(SIZE_LOWER_BOUNDS[last + 1][1])}未満"
