"""Reads a market: what stands under one version of a specification now, as catalog.market takes it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlmodel import Session

from catalog.certification.queries import Standing, read_standings
from catalog.certification.queries.market import list_held_spans
from catalog.charges import price_now, sum_known
from catalog.conformance import AnswerEntry, Outcome, RequirementEntry, judge_answer
from catalog.market import ENTRY_KINDS, RequirementSet, SellerTerms, Service, spread
from catalog.market_history import MonthCount, count_months
from catalog.offerings.listed import ListedPrice
from catalog.offerings.prices import plan_of_rows
from catalog.offerings.queries import CompetingTerms, list_competing, read_prices
from catalog.offerings.queries.market import AskedRequirement, list_asked, list_given
from catalog.offerings.rows import read_categories
from catalog.price_bands import REFERENCE_VOLUMES, first_year_cost
from catalog.price_plan import ComponentKind, PricePlan, Volumes
from catalog.specifications.models import SpecificationVersion
from catalog.terms import (
    Answer,
    BodyClass,
    CertificationState,
    RequirementClass,
    SizeClass,
    size_class_for,
)
from catalog.yardsticks import switching_charge
from core.clock import day_in_japan
from core.db import now
from vendors.models import label_of

# The reference of all other estimates (catalog.price_bands).
REFERENCE_POPULATION = REFERENCE_VOLUMES.population or 0
# What a reader may choose from: at least one of each size class.
POPULATIONS = (5_000, REFERENCE_POPULATION, 30_000, 100_000, 300_000, 1_000_000)

_MEETS = {
    (each, answer): judge_answer(each, AnswerEntry(answer, "told")) is Outcome.MET
    for each in RequirementClass
    for answer in Answer
}
# What published answers meet never changes: by offering version and the hash of its content.
_known_met: dict[tuple[uuid.UUID, str], int | None] = {}
_MOST_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class Market:
    """A version of a specification with its services at one moment, costs for one population."""

    version: SpecificationVersion
    moment: datetime
    population: int
    services: tuple[Service, ...]
    standings: Mapping[uuid.UUID, Standing]
    asked: RequirementSet
    months: tuple[MonthCount, ...]

    @property
    def day(self) -> date:
        """The day whose price lists count."""
        return day_in_japan(self.moment)

    @property
    def size(self) -> SizeClass:
        """The class of the population."""
        return size_class_for(self.population)


def read_market(session: Session, version: SpecificationVersion, population: int) -> Market:
    """Return the market of a version now (6 statements, 5 when its answers were read before)."""
    moment = now(session)
    terms = list_competing(session, version.id)
    prices = read_prices(session, [each.id for each in terms])
    standings = read_standings(session, {each.offering_version_id for each in terms})
    requirements = list_asked(session, version.id)
    asked = _number(requirements)
    met = _read_met(session, terms, requirements, asked)
    body, day = Volumes(population=population), day_in_japan(moment)
    services = [
        _service(
            mine[0],
            tuple(_seller(each, prices.get(each.id, ()), body, day) for each in mine),
            standings[mine[0].offering_version_id].state,
            met[mine[0].offering_version_id],
        )
        for _, group in groupby(terms, key=lambda each: each.offering_id)
        if (mine := list(group))
    ]
    trusted = {each.offering_id for each in services if each.is_trusted}
    spans = list_held_spans(session, version.specification_id)
    return Market(
        version=version,
        moment=moment,
        population=population,
        services=tuple(services),
        standings=standings,
        asked=asked,
        months=tuple(count_months(spans, version.id, moment, trusted)),
    )


def _service(
    first: CompetingTerms,
    sellers: tuple[SellerTerms, ...],
    state: CertificationState,
    met: int | None,
) -> Service:
    return Service(
        offering_id=first.offering_id,
        version_id=first.offering_version_id,
        name=first.name,
        maker_id=first.maker_id,
        maker=label_of(first.maker_name, is_sample=first.maker_is_sample),
        state=state,
        sizes=frozenset(map(SizeClass, first.size_classes)),
        kinds=frozenset(first.body_kinds),
        categories=tuple(read_categories(first.data_categories)),
        met=met,
        sellers=sellers,
        running=spread(each.running for each in sellers),
        entry=spread(each.entry for each in sellers),
        leaving=spread(each.leaving for each in sellers),
    )


def _seller(
    terms: CompetingTerms, rows: Sequence[ListedPrice], body: Volumes, day: date
) -> SellerTerms:
    plan = plan_of_rows(rows, day, terms.minimum_term_months, terms.part_month) if rows else None
    running, entry, leaving = _price(plan, terms.export_charge_yen, body)
    return SellerTerms(
        listing_id=terms.listing_id,
        listing_version_id=terms.id,
        seller_id=terms.seller_id,
        seller=label_of(terms.seller_name, is_sample=terms.seller_is_sample),
        running=running,
        entry=entry,
        leaving=leaving,
        unlisted=tuple(each for each in ENTRY_KINDS if plan and each in plan.kinds_unlisted),
        retrieval_days=terms.retrieval_days,
        notice_months=terms.notice_months,
        transition_days=terms.transition_days,
        deletion_certificate=terms.deletion_certificate,
        parallel_running=terms.parallel_running,
        escrow=terms.escrow,
    )


def _price(
    plan: PricePlan | None, told: int | None, body: Volumes
) -> tuple[int | None, int | None, int | None]:
    """Return the first year, what is paid once to begin, and to leave; a silent list is not free."""
    if plan is None:
        return None, None, told
    first = first_year_cost(plan, body)
    listed = [each for each in plan.components if each.kind is ComponentKind.EXIT]
    says_entry = not set(ENTRY_KINDS).issubset(plan.kinds_unlisted)
    if not listed:
        return first.running, first.initial if says_entry else None, told
    (charges,) = price_now(listed, (body,), plan.as_of)
    charge = sum_known(each.amount for each in charges) if plan.covers(body.sized_by) else None
    return first.running, first.initial if says_entry else None, switching_charge(told, charge)


# --- answers --------------------------------------------------------------------------------------


def _number(requirements: Sequence[AskedRequirement]) -> RequirementSet:
    """Give every requirement a bit; its class is the strictest of all kinds of body, as on the pages."""
    bits = dict.fromkeys(RequirementClass, 0)
    for place, each in enumerate(requirements):
        bits[_strictest(each)] |= 1 << place
    return RequirementSet(tuple((each.requirement_id, each.name) for each in requirements), bits)


def _strictest(row: AskedRequirement) -> RequirementClass:
    classes = dict(
        zip(
            (BodyClass.DESIGNATED_CITY, BodyClass.CORE_CITY, BodyClass.OTHER),
            row.classes,
            strict=True,
        )
    )
    entry = RequirementEntry(row.requirement_id, 0, "", "", row.name, "", classes)
    return entry.class_for(None) or RequirementClass.MAY


def _read_met(
    session: Session,
    terms: Iterable[CompetingTerms],
    requirements: Sequence[AskedRequirement],
    asked: RequirementSet,
) -> dict[uuid.UUID, int | None]:
    """Return by offering version the bits of what it meets, None where nothing was answered."""
    wanted = {each.offering_version_id: each.offering_sha256 for each in terms}
    new = [each for each, sha in wanted.items() if (each, sha) not in _known_met]
    if new:
        if len(_known_met) > _MOST_KNOWN:
            _known_met.clear()
        for version_id, bits in _count_met(session, new, requirements, asked).items():
            _known_met[version_id, wanted[version_id]] = bits
    return {each: _known_met[each, sha] for each, sha in wanted.items()}


def _count_met(
    session: Session,
    version_ids: Sequence[uuid.UUID],
    requirements: Sequence[AskedRequirement],
    asked: RequirementSet,
) -> dict[uuid.UUID, int | None]:
    places = {each.key: 1 << place for place, each in enumerate(requirements)}
    class_of = {
        bit: code for code, bits in asked.bits.items() for bit in places.values() if bits & bit
    }
    found: dict[uuid.UUID, int | None] = dict.fromkeys(version_ids)
    for each in list_given(session, version_ids):
        bit = places[each.key]
        told = each.answer is not Answer.ALTERNATIVE or each.note.strip()
        meets = told and _MEETS[class_of[bit], each.answer]
        found[each.version_id] = (found[each.version_id] or 0) | (bit if meets else 0)
    return found
