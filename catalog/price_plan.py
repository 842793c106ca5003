"""The values that a price is made of: components, tiers, plans, volumes and terms. Pure."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise

from catalog.terms import SizeClass, size_class_for
from core.japanese import format_amount, format_yen
from core.state_machine import LabelledCode

QUOTE_LABEL = "見積が必要"
MAXIMUM_TERM_MONTHS = 600


class ComponentKind(LabelledCode):
    """What a component of a price plan pays for."""

    INITIAL = "initial", "初期"
    BASE = "base", "月額基本"
    USAGE = "usage", "従量"
    OPTION = "option", "オプション"
    CLOUD = "cloud", "クラウド利用料"
    MIGRATION = "migration", "データ移行"
    TRAINING = "training", "研修"
    EXIT = "exit", "解約・データ返還"


class Unit(LabelledCode):
    """What a unit price multiplies."""

    LUMP = "lump", "一式"
    ID = "id", "ID"
    PERSON = "person", "人口1人"
    HOUSEHOLD = "household", "世帯"
    CASE = "case", "件"
    COUNTER = "counter", "窓口"
    GIGABYTE = "gigabyte", "GB"
    HOUR = "hour", "時間"


class Interval(LabelledCode):
    """How often a component is charged; usage is charged every month by that month's quantity."""

    ONCE = "once", "1回"
    MONTH = "month", "毎月"
    YEAR = "year", "毎年"
    USAGE = "usage", "使った月ごと"


class TierMode(LabelledCode):
    """How tiers apply: each part at its own price, or the whole at the price of its tier."""

    GRADUATED = "graduated", "段階（超えた部分ごとの単価）"
    VOLUME = "volume", "一律（全体に1つの単価）"


class TaxRounding(LabelledCode):
    """On what the consumption tax is computed before fractions of a yen are dropped."""

    PER_MONTH = "per_month", "月ごとに計算し、1円未満を切り捨て"
    PER_YEAR = "per_year", "会計年度ごとに計算し、1円未満を切り捨て"
    WHOLE = "whole", "全期間の合計で計算し、1円未満を切り捨て"


class PartMonth(LabelledCode):
    """What a month costs that a contract from the middle of a month uses in part."""

    WHOLE = "whole", "契約の1か月ごとに1か月分"
    DAYS = "days", "暦の月ごとに日割り"


class Currency(LabelledCode):
    """In what a price is published; its numbers count the smallest unit: yen, or cents."""

    JPY = "JPY", "円"
    USD = "USD", "米ドル（金額はセントで書く）"

    def show(self, amount: int) -> str:
        """Return an amount as it is read: 1,200円, 0.45米ドル."""
        if self is Currency.JPY:
            return format_yen(amount)
        return f"{format_amount(amount // 100)}.{amount % 100:02d}米ドル"


class QuoteReason(LabelledCode):
    """Why an amount cannot be computed from the published prices."""

    NO_PRICE = "no_price", "単価が公表されていません"
    UNKNOWN_VOLUME = "unknown_volume", "数量がわかりません"
    OUTSIDE_SIZE = "outside_size", "この料金の対象となる人口ではありません"
    BELOW_MINIMUM_TERM = "below_minimum_term", "最低利用期間より短い期間です"
    OUTSIDE_PERIOD = "outside_period", "その時期の料金が公表されていません"
    NO_EXCHANGE_RATE = "no_exchange_rate", "外貨の料金で、円に換える率がわかりません"


ALLOWED_INTERVALS: Mapping[ComponentKind, tuple[Interval, ...]] = {
    **{kind: tuple(Interval) for kind in ComponentKind},
    ComponentKind.INITIAL: (Interval.ONCE,),
    ComponentKind.BASE: (Interval.MONTH, Interval.YEAR),
    ComponentKind.USAGE: (Interval.MONTH, Interval.YEAR, Interval.USAGE),
    ComponentKind.EXIT: (Interval.ONCE,),
}


@dataclass(frozen=True, slots=True)
class Tier:
    """A unit price without tax, from a quantity on (the lower bound is inclusive)."""

    lower: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """One line of a price list; no tiers: price not published; ValueError if contradictory.

    Amounts are without tax in the smallest unit of the currency; only cloud charges that are passed
    on may be in another one than yen. `minimum` and `maximum` bound each charge; the minimum is
    owed for a quantity of zero too. It counts for months of use from `valid_from` to `valid_to` (both
    included) and for bodies of these size classes; none: always, and for all.
    """

    name: str
    kind: ComponentKind
    unit: Unit
    interval: Interval
    tiers: tuple[Tier, ...]
    tier_mode: TierMode = TierMode.VOLUME
    minimum: int | None = None
    maximum: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    sizes: frozenset[SizeClass] = frozenset()
    currency: Currency = Currency.JPY

    def __post_init__(self) -> None:
        """Refuse a component whose amount would not be defined."""
        if self.currency is not Currency.JPY and self.kind is not ComponentKind.CLOUD:
            raise ValueError(f"{self.kind.value} is not priced in another currency than yen")
        if self.interval not in ALLOWED_INTERVALS[self.kind]:
            raise ValueError(f"{self.kind.value} is not charged per {self.interval.value}")
        if self.tiers and self.tiers[0].lower != 0:
            raise ValueError("the first tier must begin at 0")
        tiers, prices = self.tiers, [tier.unit_price for tier in self.tiers]
        if len(tiers) > 1 and any(one.lower >= two.lower for one, two in pairwise(tiers)):
            raise ValueError("the lower bounds of tiers must rise")
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if min(bounds + prices, default=0) < 0:
            raise ValueError("prices must not be negative")
        if bounds != sorted(bounds):
            raise ValueError("the minimum must not exceed the maximum")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("the validity ends before it begins")

    @property
    def is_bounded(self) -> bool:
        """Tell whether it counts for some bodies or some time only."""
        return bool(self.sizes or self.valid_from or self.valid_to)

    def fits(self, population: int | None) -> bool:
        """Tell whether it is for bodies of this population; an unknown one fits only without bounds."""
        if not self.sizes:
            return True
        return population is not None and size_class_for(population) in self.sizes

    def is_valid_on(self, day: date | None) -> bool:
        """Tell whether it counts on a day; without a day, whether it counts at all."""
        if day is None:
            return True
        after_start = self.valid_from is None or self.valid_from <= day
        return after_start and (self.valid_to is None or day <= self.valid_to)

    def overlaps(self, other: "PriceComponent") -> bool:
        """Tell whether both count for the same body at the same time."""
        sizes = self.sizes & other.sizes if self.sizes and other.sizes else True
        latest = max(self.valid_from or date.min, other.valid_from or date.min)
        return bool(sizes) and latest <= min(self.valid_to or date.max, other.valid_to or date.max)

    @property
    def is_option(self) -> bool:
        """Tell whether the body chooses this component by name."""
        return self.kind is ComponentKind.OPTION


def list_variants(components: Iterable[PriceComponent]) -> list[tuple[PriceComponent, ...]]:
    """Give what stands for one another: components of one kind and name where one is bounded.

    Components of one kind and name without any bounds are all owed, each for itself.
    """
    listed = tuple(components)
    if len({each.name for each in listed}) == len(listed):
        return [(each,) for each in listed]
    groups: dict[tuple[ComponentKind, str], list[PriceComponent]] = {}
    for each in listed:
        groups.setdefault((each.kind, each.name), []).append(each)
    found: list[tuple[PriceComponent, ...]] = []
    for group in groups.values():
        if len(group) == 1 or any(each.is_bounded for each in group):
            found.append(tuple(group))
        else:
            found += [(each,) for each in group]
    return found


def list_owed(
    components: Iterable[PriceComponent], population: int | None
) -> list[tuple[PriceComponent, ...]]:
    """Give of `list_variants` what a body of this population owes, or needs a quote for.

    Components of one kind that no body could owe together are plans that share the bodies out: a
    body owes its own. What others owe beside the same plan has no price for this body.
    """
    return choose_owed(list_variants(components), population)


def choose_owed(
    variants: list[tuple[PriceComponent, ...]], population: int | None
) -> list[tuple[PriceComponent, ...]]:
    """Give the same of variants that are known already."""
    if population is None or not any(each.sizes for group in variants for each in group):
        return variants
    mine = [group for group in variants if any(each.fits(population) for each in group)]
    return [
        group
        for group in variants
        if group in mine or not any(_are_plans(group, each) for each in mine)
    ]


def _are_plans(one: Sequence[PriceComponent], other: Sequence[PriceComponent]) -> bool:
    kind = one[0].kind
    if kind is not other[0].kind or kind is ComponentKind.OPTION:
        return False
    return all(
        first.sizes and second.sizes and not first.sizes & second.sizes
        for first in one
        for second in other
    )


@dataclass(frozen=True, slots=True)
class PricePlan:
    """The published price list of a listing version; ValueError if it contradicts itself.

    It is open to populations from `population_from` (inclusive) to `population_to` (exclusive).
    `as_of` is the day of which it is the list: what counts later is not in it. `part_month` says
    what a month costs that is used in part.
    """

    components: tuple[PriceComponent, ...]
    minimum_term_months: int = 0
    population_from: int | None = None
    population_to: int | None = None
    as_of: date | None = None
    part_month: PartMonth = PartMonth.WHOLE

    def __post_init__(self) -> None:
        """Refuse a plan without components, two prices for one case and impossible bounds."""
        if not self.components:
            raise ValueError("a price plan needs a component")
        for group in list_variants(self.components):
            if len(group) == 1:
                continue
            if any(one.overlaps(other) for one, other in combinations(group, 2)):
                raise ValueError("two prices of one component count for the same case")
            if len({each.interval for each in group}) > 1:
                raise ValueError("prices that stand for one another are charged equally often")
        options = [each for each in self.components if each.kind is ComponentKind.OPTION]
        plain = [each.name for each in options if not each.is_bounded]
        if len(set(plain)) != len(plain):
            raise ValueError("options must have different names")
        if self.minimum_term_months < 0:
            raise ValueError("the minimum term must not be negative")
        if self.population_to is not None and (self.population_from or 0) >= self.population_to:
            raise ValueError("the population range is empty")

    @property
    def kinds_unlisted(self) -> tuple[ComponentKind, ...]:
        """Give the kinds that the list says nothing of, which does not make them free."""
        listed = {each.kind for each in self.components}
        return tuple(kind for kind in ComponentKind if kind not in listed)

    def covers(self, population: int | None) -> bool:
        """Tell whether the plan is open to a population; unknown fits only without bounds."""
        if population is None:
            return self.population_from is None and self.population_to is None
        from_start = self.population_from is None or population >= self.population_from
        return from_start and (self.population_to is None or population < self.population_to)


_QUANTITIES: Mapping[Unit, str] = {
    Unit.ID: "ids",
    Unit.PERSON: "population",
    Unit.HOUSEHOLD: "households",
    Unit.CASE: "cases_per_month",
    Unit.COUNTER: "counters",
    Unit.GIGABYTE: "gigabytes",
    Unit.HOUR: "hours_per_month",
}


_VOLUMES = (*_QUANTITIES.values(), "size_population")


@dataclass(frozen=True, slots=True)
class Volumes:
    """A body's quantities; cases and hours are per month; None is unknown, which is not zero.

    `size_population` is the population that decides which prices are for the body, where another
    one is multiplied: a what-if changes quantities, not who the body is.
    """

    population: int | None = None
    households: int | None = None
    ids: int | None = None
    counters: int | None = None
    gigabytes: int | None = None
    cases_per_month: int | None = None
    hours_per_month: int | None = None
    size_population: int | None = None

    def __post_init__(self) -> None:
        """Refuse negative quantities."""
        if min(getattr(self, name) or 0 for name in _VOLUMES) < 0:
            raise ValueError("volumes must not be negative")

    @property
    def sized_by(self) -> int | None:
        """Give the population by which prices are chosen."""
        return self.population if self.size_population is None else self.size_population

    def get(self, unit: Unit) -> int | None:
        """Give the quantity of a unit, None if unknown; a lump sum is one."""
        if unit is Unit.LUMP:
            return 1
        quantity: int | None = getattr(self, _QUANTITIES[unit])
        return quantity


@dataclass(frozen=True, slots=True)
class Term:
    """A contract's first day and length in months (1 to 600)."""

    start: date
    months: int

    def __post_init__(self) -> None:
        """Refuse lengths that no contract has."""
        if not 1 <= self.months <= MAXIMUM_TERM_MONTHS:
            raise ValueError(f"a term has 1 to {MAXIMUM_TERM_MONTHS} months: {self.months}")

    @property
    def end(self) -> date:
        """Give the last day: the eve of the corresponding day, else the month's end (民法143条)."""
        begin = _shift_months(self.start, self.months)
        return begin - timedelta(days=1) if begin.day == self.start.day else begin

    def month_starts(self) -> tuple[date, ...]:
        """Give the first day of each contract month."""
        return tuple(_shift_months(self.start, month) for month in range(self.months))


@dataclass(frozen=True, slots=True)
class QuoteNeed:
    """Something that only a quote can price: a component by name, or the whole plan (no name)."""

    reason: QuoteReason
    name: str | None = None
    kind: ComponentKind | None = None
    unit: Unit | None = None
    interval: Interval | None = None


def _shift_months(day: date, months: int) -> date:
    """Give the corresponding day some months on, or the last day of that month if it has none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
