"""The figures of one market: who could replace whom, at what cost, joined with published contracts."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlmodel import Session

from accounts.models import BodyKind
from catalog.market import (
    Choice,
    ClassCoverage,
    Scarce,
    Service,
    Spread,
    Supply,
    count_choices,
    count_states,
    count_supply,
    join,
    list_scarce,
    measure_coverage,
)
from catalog.market_exit import ExitTally, tally_exit
from catalog.market_reading import Market, read_market
from catalog.offerings.queries.market import list_published_of
from catalog.replaceability import Pool, Tally, make_pool, tally_replaceability
from catalog.specifications.models import SpecificationState, SpecificationVersion
from catalog.specifications.outline import states_on
from catalog.terms import CertificationState, SizeClass
from core.db import now
from core.errors import NotFound
from procurement.notices.queries import count_by_software


@dataclass(frozen=True, slots=True)
class NoticeCount:
    """Contracts that bodies published, none that they did not: all, bodies, software, the most of one."""

    notices: int
    bodies: int
    services: int
    largest: int


class Figures:
    """What is told of a market; each figure is counted when it is asked for."""

    def __init__(self, market: Market, notices: NoticeCount) -> None:
        self.market = market
        self.services = market.services
        self.notices = notices

    @cached_property
    def trusted(self) -> list[Service]:
        """The services that somebody other than the vendor has looked at."""
        return [each for each in self.services if each.is_trusted]

    @cached_property
    def supply(self) -> Supply:
        """All that is listed."""
        return count_supply(self.services)

    @cached_property
    def trusted_supply(self) -> Supply:
        """What is certified, fully or on conditions."""
        return count_supply(self.trusted)

    @cached_property
    def states(self) -> dict[CertificationState, int]:
        """Services by state of the certificate."""
        return count_states(self.services)

    @cached_property
    def sizes(self) -> list[Choice]:
        """What bodies of each size can choose from."""
        return count_choices(self.services, SizeClass, lambda each: each.sizes)

    @cached_property
    def kinds(self) -> list[Choice]:
        """What each kind of body can choose from."""
        return count_choices(self.services, BodyKind, lambda each: each.kinds)

    @cached_property
    def sizes_untold(self) -> tuple[int, int]:
        """Services, and certified ones, whose vendor does not say which sizes they serve."""
        return self._untold(each for each in self.services if not each.sizes)

    @cached_property
    def kinds_untold(self) -> tuple[int, int]:
        """The same of kinds of body."""
        return self._untold(each for each in self.services if not each.kinds)

    def _untold(self, services: Iterable[Service]) -> tuple[int, int]:
        found = list(services)
        return len(found), sum(each.is_trusted for each in found)

    @cached_property
    def coverage(self) -> list[ClassCoverage]:
        """How far the certified services meet the requirements."""
        return measure_coverage(self.services, self.market.asked)

    @cached_property
    def unanswered(self) -> int:
        """Certified services whose answers nobody has: they meet nothing here."""
        return sum(each.met is None for each in self.trusted)

    @cached_property
    def scarce(self) -> list[Scarce]:
        """Requirements that at most one maker meets."""
        return list_scarce(self.services, self.market.asked)

    @cached_property
    def pool(self) -> Pool:
        """The certified services for bodies of the size asked about."""
        return make_pool(self.services, self.market.size, self.market.asked)

    @cached_property
    def tally(self) -> Tally:
        """How many services of that size could be replaced."""
        return tally_replaceability(self.pool, self.services)

    @cached_property
    def exits(self) -> list[ExitTally]:
        """What sellers grant to those who leave."""
        return tally_exit(self.services, self.market.day)

    @cached_property
    def entry(self) -> Spread | None:
        """What beginning with a certified service costs."""
        return join(each.entry for each in self.pool.services)

    @cached_property
    def running(self) -> Spread | None:
        """What the first year of a certified service costs."""
        return join(each.running for each in self.pool.services)

    def find_service(self, offering_id: uuid.UUID) -> Service | None:
        """Return a service of the market."""
        return next((each for each in self.services if each.offering_id == offering_id), None)


def read_figures(session: Session, version: SpecificationVersion, population: int) -> Figures:
    """Return the figures of a version now, costs for a body of so many people (5 to 7 statements)."""
    market = read_market(session, version, population)
    return Figures(market, _count_notices(session, version.id))


def _count_notices(session: Session, version_id: uuid.UUID) -> NoticeCount:
    rows = count_by_software(session, version_id)
    counts: Counter[uuid.UUID] = Counter()
    for offering_id, _, number in rows:
        counts[offering_id] += number
    return NoticeCount(
        notices=counts.total(),
        bodies=len({body for _, body, _ in rows}),
        services=len(counts),
        largest=max(counts.values(), default=0),
    )


def find_figures(
    session: Session, code: str, label: str | None, population: int
) -> tuple[Figures, SpecificationState]:
    """Return the figures of a specification with the state of the version (6 to 8 statements).

    That is the version of this label, without one the version in force; where none is in force yet,
    the newest published one stands for it. Raises NotFound; drafts have no market.
    """
    versions = list_published_of(session, code)
    states = states_on(versions, now(session))
    shown = [each for each in versions if label in {None, each.label}]
    in_force = [each for each in shown if states[each.id] is SpecificationState.EFFECTIVE]
    version = next(iter(in_force or shown), None)
    if version is None:
        raise NotFound("公表された版がありません。仕様書のコードと版を確かめてください。")
    return read_figures(session, version, population), states[version.id]
