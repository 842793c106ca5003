"""Reads a market: what stands under one version of a specification now, as catalog.market takes it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import TypeVar, cast

from sqlmodel import Session

from catalog.certification.queries import Standing, read_standings
from catalog.certification.queries.market import list_held_spans
from catalog.charges import price_now, sum_known
from catalog.conformance import AnswerEntry, Outcome, RequirementEntry, judge_answer
from catalog.market import ALL_DATA, ENTRY_KINDS, RequirementSet, SellerTerms, Service, spread
from catalog.market_history import MonthCount, count_months
from catalog.offerings.listed import ListedPrice
from catalog.offerings.prices import plan_of_rows
from catalog.offerings.queries import CompetingTerms, list_competing, read_prices
from catalog.offerings.queries.market import AskedRequirement, list_asked, list_given
from catalog.offerings.rows import DataCategory, read_categories
from catalog.price_bands import REFERENCE_VOLUMES, first_year_cost
from catalog.price_plan import ComponentKind, Volumes
from catalog.specifications.models import SpecificationVersion
from catalog.terms import (
    Answer,
    BodyClass,
    CertificationState,
    DataConformity,
    RequirementClass,
    SizeClass,
    size_class_for,
)
from catalog.yardsticks import switching_charge
from core.clock import day_in_japan
from core.db import now
from vendors.models import label_of

K = TypeVar("K")
V = TypeVar("V")

# The reference of all other estimates (catalog.price_bands).
REFERENCE_POPULATION = REFERENCE_VOLUMES.population or 0
# What a reader may choose from: at least one of each size class.
POPULATIONS = (5_000, REFERENCE_POPULATION, 30_000, 100_000, 300_000, 1_000_000)

_MEETS = {
    (each, answer): judge_answer(each, AnswerEntry(answer, "told")) is Outcome.MET
    for each in RequirementClass
    for answer in Answer
}
# What is published never changes, so that this is read and counted once: what answers meet, by
# offering version; what terms cost a body on a day, by listing version. Hashes fix the content.
_known_met: dict[tuple[uuid.UUID, str], int | None] = {}
_known_prices: dict[tuple[uuid.UUID, str, int, date], "Priced"] = {}
_MOST_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class Priced:
    """What one seller's terms cost a body on a day, in yen without tax; None is not known."""

    running: int | None
    entry: int | None
    leaving: int | None
    unlisted: tuple[ComponentKind, ...]


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
    """Return the market of a version now (6 statements, 4 when all in it was read before)."""
    moment = now(session)
    terms = list_competing(session, version.id)
    prices = _read_prices(session, terms, population, day_in_japan(moment))
    standings = read_standings(session, {each.offering_version_id for each in terms})
    requirements = list_asked(session, version.id)
    asked = _number(requirements)
    met = _read_met(session, terms, requirements, asked)
    services = [
        _service(
            mine[0],
            tuple(_seller(each, prices[each.id]) for each in mine),
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
        sizes=_read_sizes(tuple(first.size_classes)),
        kinds=frozenset(first.body_kinds),
        categories=tuple(read_categories(first.data_categories)) or _all_data(first),
        met=met,
        sellers=sellers,
        running=spread(each.running for each in sellers),
        entry=spread(each.entry for each in sellers),
        leaving=spread(each.leaving for each in sellers),
    )


def _seller(terms: CompetingTerms, priced: Priced) -> SellerTerms:
    return SellerTerms(
        listing_id=terms.listing_id,
        listing_version_id=terms.id,
        seller_id=terms.seller_id,
        seller=label_of(terms.seller_name, is_sample=terms.seller_is_sample),
        running=priced.running,
        entry=priced.entry,
        leaving=priced.leaving,
        unlisted=priced.unlisted,
        retrieval_days=terms.retrieval_days,
        notice_months=terms.notice_months,
        transition_days=terms.transition_days,
        deletion_certificate=terms.deletion_certificate,
        parallel_running=terms.parallel_running,
        escrow=terms.escrow,
    )


def _all_data(terms: CompetingTerms) -> tuple[DataCategory, ...]:
    """Return all data as one category where formats are told for the whole alone."""
    if not terms.export_formats:
        return ()
    imports, exports = terms.import_formats, terms.export_formats
    return (DataCategory(ALL_DATA, imports, exports, DataConformity.NONE),)


@lru_cache(maxsize=256)
def _read_sizes(codes: tuple[str, ...]) -> frozenset[SizeClass]:
    return frozenset(map(SizeClass, codes))


# --- prices ---------------------------------------------------------------------------------------


def _read_prices(
    session: Session, terms: Sequence[CompetingTerms], population: int, day: date
) -> dict[uuid.UUID, Priced]:
    """Return what each seller's terms cost a body of so many people on a day."""
    keys = {each.id: (each.id, each.content_sha256, population, day) for each in terms}
    found = _look_up(_known_prices, keys)
    new = [each for each in terms if each.id not in found]
    if new:
        rows = read_prices(session, [each.id for each in new])
        body = Volumes(population=population)
        priced = {each.id: _price(each, rows.get(each.id, ()), body, day) for each in new}
        _keep(_known_prices, {keys[each]: price for each, price in priced.items()})
        found |= priced
    return found


def _look_up(kept: Mapping[K, V], keys: Mapping[uuid.UUID, K]) -> dict[uuid.UUID, V]:
    """Return what is kept; another thread may empty it meanwhile."""
    missing = object()
    looked = ((each, kept.get(key, missing)) for each, key in keys.items())
    return {each: cast("V", value) for each, value in looked if value is not missing}


def _keep(kept: dict[K, V], new: Mapping[K, V]) -> None:
    if len(kept) > _MOST_KNOWN:
        kept.clear()
    kept.update(new)


def _price(terms: CompetingTerms, rows: Sequence[ListedPrice], body: Volumes, day: date) -> Priced:
    """Return the first year, what is paid once to begin, and to leave; a silent list is not free."""
    told = terms.export_charge_yen
    if not rows:
        return Priced(None, None, told, ())
    plan = plan_of_rows(rows, day, terms.minimum_term_months, terms.part_month)
    first = first_year_cost(plan, body)
    unlisted = tuple(each for each in ENTRY_KINDS if each in plan.kinds_unlisted)
    entry = None if len(unlisted) == len(ENTRY_KINDS) else first.initial
    listed = [each for each in plan.components if each.kind is ComponentKind.EXIT]
    if not listed:
        return Priced(first.running, entry, told, unlisted)
    (charges,) = price_now(listed, (body,), plan.as_of)
    charge = sum_known(each.amount for each in charges) if plan.covers(body.sized_by) else None
    return Priced(first.running, entry, switching_charge(told, charge), unlisted)


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
    found = _look_up(_known_met, {each: (each, sha) for each, sha in wanted.items()})
    new = [each for each in wanted if each not in found]
    if new:
        counted = _count_met(session, new, requirements, asked)
        _keep(_known_met, {(each, wanted[each]): bits for each, bits in counted.items()})
        found |= counted
    return found


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
