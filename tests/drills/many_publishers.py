"""Fifty publish, correct and withdraw contract notices at once; a follower of the list misses nothing."""

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from sqlmodel import col, select

from accounts.identity import Actor
from accounts.models import Role
from bench.measures import measure
from core import db
from core.audit import AuditEvent
from core.clock import today_jst
from core.config import Settings
from core.errors import DomainError
from procurement.contracts.services.confirming import confirm_contract
from procurement.contracts.services.registering import register_contract
from procurement.notices import queries, services
from procurement.notices.models import ContractNotice, NoticeState
from tests.databases import DatabaseUnderTest
from tests.drills.both import Play, at_once, build_town, on_both, undrawn_papers
from tests.procurement.conftest import START, Market

PUBLISHERS = 50
CONTRACTS = 10
_STEPS = 2  # notices that each of them prepares and publishes
_PAGE = 7  # acts on a page of the follower: few, so that its place lies between theirs


@measure(
    "notices by many at once: rounds with a number lost, doubled or late",
    goal="== 0",
    unit="rounds",
    base=f"{PUBLISHERS} people, {CONTRACTS} contracts, 3 rounds on SQLite and as many on PostgreSQL",
)
@on_both(rounds=3, fresh=1)
def count_wrong(database: DatabaseUnderTest, settings: Settings) -> Play:
    """Let everybody publish at the same moment while somebody follows."""
    town = build_town(database, settings)
    contracts = record_contracts(town, range(CONTRACTS))
    return lambda _number: is_followed_whole(town, contracts, PUBLISHERS)


def record_contracts(town: Market, numbers: Iterable[int]) -> list[uuid.UUID]:
    """Buy once for each number, and record a contract each time, confirmed by an approver."""
    made = []
    with undrawn_papers():
        for number in numbers:
            town.reach_accepted()
            made.append(_record_contract(town, number))
    return made


def _record_contract(town: Market, number: int) -> uuid.UUID:
    clerk, approver = _people(town)
    with db.transaction() as session:
        request = town.load_request(session)
        made = register_contract(
            session,
            clerk,
            request,
            version=request.version,
            number=f"見本第{number}号",
            signed_on=today_jst(),
            starts_on=START,
            ends_on=date(START.year + 3, START.month, START.day) - timedelta(days=1),
            signed_record_sha256="0" * 64,
        )
    with db.transaction() as session:
        confirm_contract(session, approver, made, version=made.version)
    return made.id


def _people(town: Market) -> tuple[Actor, Actor]:
    return town.actor(town.clerk, Role.CLERK), town.actor(town.approver, Role.APPROVER)


def is_followed_whole(town: Market, contracts: list[uuid.UUID], publishers: int) -> bool:
    """Run one round; tells whether the numbers have no gap and who followed holds what is public.

    Who comes second to a contract is refused; a number given twice would be refused by the database.
    """
    held: dict[uuid.UUID, bool] = {}
    faults: list[str] = []
    over = threading.Event()
    follower = threading.Thread(target=_follow, args=(held, faults, over))
    follower.start()
    try:
        acts = [_act(town, contracts[n % len(contracts)], n) for n in range(publishers)]
        told = at_once(*acts)
    finally:
        over.set()
        follower.join()
    faults += [str(each) for each in told if isinstance(each, DomainError)]
    whole = held == _follow_anew() and len(held) >= len(contracts)
    return not faults and whole and _is_without_gap()


def _act(town: Market, contract_id: uuid.UUID, number: int) -> Callable[[], None]:
    """Return what one person does with a contract that others hold as well: every third withdraws."""

    def run() -> None:
        for step in range(_STEPS):
            with _second_come():
                _prepare(town, contract_id, amount=100 * number + step + 1)
            with _second_come():
                _publish(town, contract_id)
        if number % 3 == 0:
            with _second_come():
                _withdraw(town, contract_id)

    return run


@contextmanager
def _second_come() -> Iterator[None]:
    """Let somebody be told that others were faster; what the database itself refuses is a fault."""
    try:
        yield
    except DomainError as error:
        if error.__cause__ is not None:
            raise


def _prepare(town: Market, contract_id: uuid.UUID, *, amount: int) -> None:
    clerk, _ = _people(town)
    with db.transaction() as session:
        services.prepare_notice(
            session, clerk, contract_id, version=0, amount=amount, reason="桁を誤りました。"
        )


def _publish(town: Market, contract_id: uuid.UUID) -> None:
    _, approver = _people(town)
    with db.reading() as session:
        waiting, _ = queries.find_notices(session, contract_id)
    if waiting is not None:
        with db.transaction() as session:
            services.publish_notice(session, approver, contract_id, version=waiting.version)


def _withdraw(town: Market, contract_id: uuid.UUID) -> None:
    _, approver = _people(town)
    with db.reading() as session:
        found = queries.find_notices(session, contract_id)
    notice = found[0] or found[1]
    if notice is not None:
        with db.transaction() as session:
            services.withdraw_notice(
                session,
                approver,
                contract_id,
                notice_id=notice.id,
                version=notice.version,
                reason="相手方の求めによります。",
            )


def _follow(held: dict[uuid.UUID, bool], faults: list[str], over: threading.Event) -> None:
    """Read page after page until all is over and nothing new stands there; True: it may be read."""
    since = 0
    while True:
        last_look = over.is_set()
        with db.reading() as session:
            found = queries.list_acts(session, since, _PAGE)
        for each in found:
            if each.sequence is None or each.sequence <= since:
                faults.append(f"{each.sequence} after {since}")
                return
            since = each.sequence
            held[each.id] = each.state is not NoticeState.WITHDRAWN
        if last_look and not found:
            return


def _follow_anew() -> dict[uuid.UUID, bool]:
    held: dict[uuid.UUID, bool] = {}
    over = threading.Event()
    over.set()
    _follow(held, [], over)
    return held


def _is_without_gap() -> bool:
    """Tell whether each public act took one number: the last one is as large as there were acts."""
    with db.reading() as session:
        notices = session.exec(
            select(ContractNotice).where(col(ContractNotice.published_at).is_not(None))
        ).all()
        withdrawn = sum(each.state is NoticeState.WITHDRAWN for each in notices)
        events = session.exec(
            select(AuditEvent.action).where(
                col(AuditEvent.action).in_(("notice.publish", "notice.correct"))
            )
        ).all()
        return (
            len(events) == len(notices) > 0
            and len({each.sequence for each in notices}) == len(notices)
            and queries.count_acts(session) == len(notices) + withdrawn
        )
