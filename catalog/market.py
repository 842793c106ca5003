"""Competition and replaceability under one specification version, from plain values. Pure.

One software is one competitor, however many sell it. What nobody told is unknown: it is counted as
such, and never as a yes, a no or 0. Amounts are yen without tax.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.offerings.rows import DataCategory
from catalog.price_plan import ComponentKind
from catalog.terms import CertificationState, RequirementClass, SizeClass
from core.state_machine import LabelledCode

# Who could be chosen instead: somebody other than the vendor has looked, for this very version.
TRUSTED = frozenset({CertificationState.CERTIFIED, CertificationState.CONDITIONAL})
# What is paid once to begin: of these a price list should speak.
ENTRY_KINDS = (ComponentKind.INITIAL, ComponentKind.MIGRATION, ComponentKind.TRAINING)

# The name of the one category of who tells formats for all data together.
ALL_DATA = ""


class Verdict(LabelledCode):
    """Whether there is a choice between makers."""

    NONE = "none", "ありません"
    ONE = "one", "1社だけ"
    SEVERAL = "several", "選べます"
    UNKNOWN = "unknown", "情報なし"


@dataclass(frozen=True, slots=True)
class Spread:
    """The least and the most of some amounts in yen, and of how many it is not known."""

    low: int
    high: int
    untold: int = 0

    def __add__(self, other: "Spread") -> "Spread":
        """Return the spread of sums of one of each."""
        return Spread(self.low + other.low, self.high + other.high, self.untold + other.untold)

    def beyond(self, other: "Spread") -> "Spread":
        """Return the spread of how much more one of these is than one of the others."""
        return Spread(self.low - other.high, self.high - other.low, self.untold + other.untold)


def spread(amounts: Iterable[int | None]) -> Spread | None:
    """Return the spread of amounts, None where none is known."""
    told = list(amounts)
    known = [each for each in told if each is not None]
    return Spread(min(known), max(known), len(told) - len(known)) if known else None


def join(spreads: Iterable[Spread | None]) -> Spread | None:
    """Return what holds all of some spreads; one that is not known counts as one amount untold."""
    told = list(spreads)
    known = [each for each in told if each is not None]
    if not known:
        return None
    untold = len(told) - len(known) + sum(each.untold for each in known)
    return Spread(min(each.low for each in known), max(each.high for each in known), untold)


@dataclass(frozen=True, slots=True)
class SellerTerms:
    """What one seller asks and grants; None is not told, or only a quote can tell.

    `entry` is what is paid once to begin, `running` the first twelve months, `leaving` what is paid
    to end and take the data along; `unlisted` are the kinds of charge of which the list is silent.
    """

    listing_id: uuid.UUID
    listing_version_id: uuid.UUID
    seller_id: uuid.UUID
    seller: str
    running: int | None = None
    entry: int | None = None
    leaving: int | None = None
    unlisted: tuple[ComponentKind, ...] = ()
    retrieval_days: int | None = None
    notice_months: int | None = None
    transition_days: int | None = None
    deletion_certificate: bool | None = None
    parallel_running: bool | None = None
    escrow: bool | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One software with its sellers; `met` are the requirements it meets, a bit each (None: no answers).

    No sizes, no kinds of body and no categories of data: the vendor told nothing of them.
    """

    offering_id: uuid.UUID
    version_id: uuid.UUID
    name: str
    maker_id: uuid.UUID
    maker: str
    state: CertificationState
    sizes: frozenset[SizeClass]
    kinds: frozenset[str]
    categories: tuple[DataCategory, ...]
    met: int | None
    sellers: tuple[SellerTerms, ...]
    running: Spread | None = None
    entry: Spread | None = None
    leaving: Spread | None = None

    @property
    def is_trusted(self) -> bool:
        """Tell whether it is certified, fully or on conditions."""
        return self.state in TRUSTED


@dataclass(frozen=True, slots=True)
class Supply:
    """How many software, makers and sellers; a reseller sells only what others make."""

    services: int
    makers: int
    sellers: int
    resellers: int


def count_supply(services: Iterable[Service]) -> Supply:
    """Count the supply; several sellers of one software are one service."""
    counted = list(services)
    makers = {each.maker_id for each in counted}
    sellers = {terms.seller_id for each in counted for terms in each.sellers}
    return Supply(len(counted), len(makers), len(sellers), len(sellers - makers))


def count_states(services: Iterable[Service]) -> dict[CertificationState, int]:
    """Count services by state of the certificate; states are never merged."""
    counts = dict.fromkeys(CertificationState, 0)
    for each in services:
        counts[each.state] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Choice:
    """What bodies of one class can choose from: all that serve it, the certified, and their makers.

    `unsure` certified services do not say whom they serve: where nobody else is, nobody knows.
    """

    code: LabelledCode
    services: int
    trusted: int
    makers: int
    unsure: int

    @property
    def verdict(self) -> Verdict:
        """Whether bodies of this class have a choice."""
        if self.makers:
            return Verdict.ONE if self.makers == 1 else Verdict.SEVERAL
        return Verdict.UNKNOWN if self.unsure else Verdict.NONE


def count_choices(
    services: Sequence[Service],
    codes: Iterable[LabelledCode],
    told: Callable[[Service], frozenset[SizeClass] | frozenset[str]],
) -> list[Choice]:
    """Count by class of body; `told` gives the classes that the vendor says it serves."""
    unsure = sum(each.is_trusted and not told(each) for each in services)
    return [
        _choice(code, [each for each in services if code in told(each)], unsure) for code in codes
    ]


def _choice(code: LabelledCode, serving: Sequence[Service], unsure: int) -> Choice:
    trusted = [each for each in serving if each.is_trusted]
    makers = {each.maker_id for each in trusted}
    return Choice(code, len(serving), len(trusted), len(makers), unsure)


# --- requirements ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """The requirements of a version in their order, a bit each; (id, name) and the bits of each class."""

    names: tuple[tuple[str, str], ...]
    bits: Mapping[RequirementClass, int]


@dataclass(frozen=True, slots=True)
class ClassCoverage:
    """Of a class of requirements, how many certified services of several makers meet, of one, none.

    The three add up to `total`; `every` of them are met by each certified service.
    """

    requirement_class: RequirementClass
    total: int
    several: int
    one: int
    none: int
    every: int


@dataclass(frozen=True, slots=True)
class Scarce:
    """A requirement that the certified services of one maker or of none meet; `maker_id` is that one."""

    requirement_id: str
    name: str
    requirement_class: RequirementClass
    maker_id: uuid.UUID | None


def measure_coverage(services: Iterable[Service], asked: RequirementSet) -> list[ClassCoverage]:
    """Measure what the certified services meet of the requirements, by class."""
    trusted = [each for each in services if each.is_trusted]
    once, twice = _met_by_makers(trusted)
    every = -1 if trusted else 0
    for each in trusted:
        every &= each.met or 0
    return [
        ClassCoverage(
            requirement_class=each,
            total=bits.bit_count(),
            several=(bits & twice).bit_count(),
            one=(bits & once & ~twice).bit_count(),
            none=(bits & ~once).bit_count(),
            every=(bits & every).bit_count(),
        )
        for each, bits in asked.bits.items()
    ]


def list_scarce(services: Iterable[Service], asked: RequirementSet) -> list[Scarce]:
    """Return the requirements that at most one maker meets, in the order of the specification."""
    trusted = [each for each in services if each.is_trusted]
    _, twice = _met_by_makers(trusted)
    holders = _bits_by_maker(trusted)
    found = []
    for place, (requirement_id, name) in enumerate(asked.names):
        bit = 1 << place
        code = next((code for code, bits in asked.bits.items() if bits & bit), None)
        if code is None or twice & bit:
            continue
        maker_id = next((maker for maker, met in holders.items() if met & bit), None)
        found.append(Scarce(requirement_id, name, code, maker_id))
    return found


def _bits_by_maker(services: Iterable[Service]) -> dict[uuid.UUID, int]:
    found: dict[uuid.UUID, int] = {}
    for each in services:
        found[each.maker_id] = found.get(each.maker_id, 0) | (each.met or 0)
    return found


def _met_by_makers(services: Iterable[Service]) -> tuple[int, int]:
    """Return the bits that at least one maker meets, and those that at least two do."""
    once = twice = 0
    for met in _bits_by_maker(services).values():
        twice |= once & met
        once |= met
    return once, twice
