"""Request numbers without a gap: fifty approvals at once, and over the turn of the fiscal year."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlmodel import select

from accounts.identity import Actor
from accounts.models import Role
from bench.measures import measure
from core import clock, db
from core.documents import canonical_json
from procurement.contracts import services
from procurement.contracts.documents import FORMAT, describe_document
from procurement.contracts.facts import Approval, MadeDocument, RequestFacts
from procurement.contracts.models import UsageContractRequest
from procurement.contracts.queries import get_request
from tests.drills.both import at_once, build_town, open_both, undrawn_papers
from tests.procurement.conftest import Market

MANY = 50
_BOTH = f"{MANY} requests of one body on SQLite and as many on PostgreSQL"
TURN = datetime(2027, 3, 31, 15, 0, tzinfo=UTC)  # 1 April 2027, 0:00 in Japan


def describe_only(facts: RequestFacts, approval: Approval) -> MadeDocument:
    """Say all that the document says, without drawing its PDF: the number is what is rehearsed."""
    said = {"format": FORMAT, "references": {}, "document": describe_document(facts, approval)}
    return MadeDocument(canonical_json(said), approval.number.encode(), f"{approval.number}.pdf")


def _submit_many(town: Market, count: int) -> tuple[list[UUID], Actor]:
    with undrawn_papers():
        for _ in range(count):
            town.reach_submitted()
    with db.reading() as session:
        ids = list(session.exec(select(UsageContractRequest.id)))
    return ids, town.actor(town.approver, Role.APPROVER)


def _approve(request_id: UUID, who: Actor) -> str:
    with db.transaction() as session:
        found = get_request(session, request_id)
        assert found is not None
        services.approve_request(session, who, found, describe_only, version=found.version)
        return str(found.number)


def _count_faults(given: dict[int, list[int]], told: list[object], count: int) -> int:
    """Count numbers that are missing or double, and approvals that were refused."""
    refused = sum(1 for each in told if not isinstance(each, str))
    faults = refused + abs(count - sum(len(numbers) for numbers in given.values()))
    for numbers in given.values():
        faults += len(set(range(1, len(numbers) + 1)) ^ set(numbers))
        faults += len(numbers) - len(set(numbers))
    return faults


def _numbers() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    with db.reading() as session:
        for each in session.exec(select(UsageContractRequest)):
            if each.fiscal_year is not None and each.ordinal is not None:
                found.setdefault(each.fiscal_year, []).append(each.ordinal)
    return found


@measure("50 approvals at once: numbers missing or double", goal="== 0", unit="numbers", base=_BOTH)
def count_gaps() -> float:
    """Approve fifty requests of one body at the same moment."""
    faults = 0
    for database, settings in open_both():
        town = build_town(database, settings)
        ids, who = _submit_many(town, MANY)
        with undrawn_papers():
            told = at_once(*(partial(_approve, each, who) for each in ids))
        faults += _count_faults(_numbers(), list(told), MANY)
    return faults


@measure(
    "25 + 25 approvals over the turn of the year: missing or double",
    goal="== 0", unit="numbers", base=_BOTH,
)  # fmt: skip
def count_gaps_over_the_turn() -> float:
    """Approve half at once on 31 March, 23:59:59, the other half at once a second later."""
    faults = 0
    for database, settings in open_both():
        town = build_town(database, settings)
        ids, who = _submit_many(town, MANY)
        half = MANY // 2
        told: list[object] = []
        for moment, chosen in (
            (TURN - timedelta(seconds=1), ids[:half]),
            (TURN, ids[half:]),
        ):
            with undrawn_papers(), clock.fixed_at(moment):
                told += at_once(*(partial(_approve, each, who) for each in chosen))
        given = _numbers()
        faults += _count_faults(given, told, MANY)
        faults += sum(len(given.get(year, ())) != half for year in (2026, 2027))
    return faults
