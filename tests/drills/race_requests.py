"""Races 3, 4 and 7 about one request: sent, withdrawn from under it, answered, or pressed twice.

Every round begins at the same rows; papers are not drawn, since none of these races is about them.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlmodel import col, select

from accounts.identity import Actor
from accounts.models import Organisation, Role
from bench.measures import measure
from catalog.offerings import queries as offering_queries
from catalog.offerings import services as offering_services
from catalog.offerings.models import ListingVersion, OfferState
from core import db
from core.audit import AuditEvent, Outcome
from core.clock import today_jst
from core.config import Settings
from core.errors import Conflict, DomainError, GuardFailed, StaleVersion, WrongState
from procurement.contracts import services
from procurement.contracts.models import RequestCounter, RequestState
from tests import factories
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, build_town, on_both, undrawn_papers
from tests.drills.gapless_numbers import describe_only
from tests.procurement.conftest import Market

CLICKS = 3


def list_acts(*actions: str) -> list[str]:
    """Return what was done of these acts, in the order of the trail."""
    statement = (
        select(AuditEvent.action)
        .where(col(AuditEvent.action).in_(actions), AuditEvent.outcome == Outcome.DONE)
        .order_by(col(AuditEvent.sequence))
    )
    with db.reading() as session:
        return list(session.exec(statement))


def approver_of(town: Market) -> Actor:
    """Give the approver, just signed in."""
    return town.actor(town.approver, Role.APPROVER)


def seller_of(town: Market) -> Actor:
    """Give the administrator of the addressee."""
    with db.reading() as session:
        home = session.get_one(Organisation, town.seller.owner_id)
    return factories.actor(town.seller_admin, Role.VENDOR_ADMIN, home)


@measure(
    "race 3, withdrawn while sent: rounds with another outcome",
    goal="== 0", unit="rounds", base=RACES,
)  # fmt: skip
@on_both(fresh=1)
def count_wrongly_sent(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let the vendor end its service while the body sends it a request."""
    town = build_town(database, settings)
    with undrawn_papers():
        town.reach_approved()
    return lambda _number: is_sent_or_refused(town)


def is_sent_or_refused(town: Market) -> bool:
    """Run one round; what was sent first stays valid, what was withdrawn first cannot be sent.

    The withdrawal is never held up; a request that was sent before it can still be accepted.
    """
    version = town.request().version
    sent, withdrawn = at_once(partial(_send, town, version), partial(_withdraw_service, town))
    order = list_acts("request.send", "listing.withdraw")
    state = town.request().state
    with db.reading() as session:
        shown = session.get_one(ListingVersion, town.cheap.id).state
    if withdrawn is not True or shown is not OfferState.WITHDRAWN:
        return False
    if isinstance(sent, DomainError):
        refused = isinstance(sent, GuardFailed) and "提供が終わった" in sent.message
        return refused and order == ["listing.withdraw"] and state is RequestState.APPROVED
    valid = order == ["request.send", "listing.withdraw"] and state is RequestState.SENT
    _accept(town, town.request().version)
    return sent and valid and town.request().state is RequestState.ACCEPTED


def _send(town: Market, version: int) -> bool:
    with db.transaction() as session:
        found = town.load_request(session)
        return services.send_request(
            session, approver_of(town), town.settings, found, version=version
        )


def _withdraw_service(town: Market) -> bool:
    with db.transaction() as session:
        listing = offering_queries.get_listing(session, town.cheap.listing_id)
        assert listing is not None
        ends_on = today_jst() + timedelta(days=400)
        offering_services.withdraw_listing(
            session, seller_of(town), listing, reason="後継に移るため。", ends_on=ends_on
        )
    return True


@measure(
    "race 4, accepted while withdrawn: rounds with another outcome",
    goal="== 0", unit="rounds", base=RACES,
)  # fmt: skip
@on_both(fresh=1)
def count_two_ends(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let the vendor accept a request while the body takes it back."""
    town = build_town(database, settings)
    with undrawn_papers():
        town.reach_sent()
    return lambda _number: is_ended_once(town)


def is_ended_once(town: Market) -> bool:
    """Run one round; tells whether one end holds in row and trail, and the other side learns of it."""
    version = town.request().version
    told = at_once(partial(_accept, town, version), partial(_take_back, town, version))
    refused = [each for each in told if isinstance(each, DomainError)]
    if len(refused) != 1 or not isinstance(refused[0], StaleVersion | WrongState):
        return False
    accepted = told[0] is True
    end = RequestState.ACCEPTED if accepted else RequestState.WITHDRAWN
    act = "request.accept" if accepted else "request.withdraw"
    request = town.request()
    answered = (request.answered_by_id is not None, request.withdrawn_by_id is not None)
    return (
        request.state is end
        and answered == (accepted, not accepted)
        and list_acts("request.accept", "request.withdraw") == [act]
    )


def _accept(town: Market, version: int) -> bool:
    with db.transaction() as session:
        services.accept_request(
            session, seller_of(town), town.load_request(session), version=version
        )
    return True


def _take_back(town: Market, version: int) -> bool:
    with db.transaction() as session:
        found = town.load_request(session)
        services.withdraw_request(
            session, approver_of(town), found, version=version, reason="予算が減りました。"
        )
    return True


@measure(
    "race 7, pressed thrice: rounds with another outcome", goal="== 0", unit="rounds", base=RACES
)
@on_both(fresh=1)
def count_doubles(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Press approve, then send, three times at once on one request."""
    town = build_town(database, settings)
    with undrawn_papers():
        town.reach_submitted()

    def play(_number: int) -> bool:
        with undrawn_papers():
            return is_one_number(town)

    return play


def is_one_number(town: Market) -> bool:
    """Run one round; tells whether three clicks on each button gave one number and one sending."""
    request = town.request()
    approve = partial(_approve, town, request.id, request.version)
    told = at_once(*[approve] * CLICKS)
    refused = [each for each in told if isinstance(each, Conflict | StaleVersion | WrongState)]
    approved = town.request()
    sent = at_once(*[partial(_send, town, approved.version)] * CLICKS)
    with db.reading() as session:
        counters = [each.last for each in session.exec(select(RequestCounter))]
    return (
        len(refused) == CLICKS - 1
        and counters == [1]
        and [each for each in told if each not in refused] == [approved.number]
        and sorted(map(str, sent)) == ["False", "False", "True"]
        and town.request().number == approved.number
        and list_acts("request.approve", "request.send") == ["request.approve", "request.send"]
    )


def _approve(town: Market, request_id: UUID, version: int) -> str:
    with db.transaction() as session:
        found = town.load_request(session)
        assert found.id == request_id
        services.approve_request(session, approver_of(town), found, describe_only, version=version)
        return str(found.number)
