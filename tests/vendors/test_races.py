"""Two at once: one outcome, and the other is told."""

import threading
from collections.abc import Callable

import pytest
from sqlmodel import select

import tests.factories as make
from accounts.identity import ANONYMOUS
from accounts.models import OrganisationKind, Person, Role
from accounts.queries import get_organisation
from core import db
from core.audit import AuditEvent
from core.audit_checkpoints import verify
from core.config import Settings
from core.errors import Conflict, DomainError, StaleVersion
from vendors import agreement, agreement_services, queries, services
from vendors.models import FrameworkAgreement, Vendor, VendorAction, VendorState


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that start together; return results or domain errors in order."""
    gate = threading.Barrier(len(acts))
    outcomes: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        gate.wait()
        try:
            outcomes[index] = acts[index]()
        except DomainError as error:
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def registration(email: str) -> Callable[[], object]:
    def act() -> object:
        with db.transaction() as session:
            begun = services.register(
                session,
                ANONYMOUS,
                Settings(env="development"),
                corporate_number="8000012010038",
                name="見本川ソフト株式会社",
                kana="みほんがわそふと",
                person_name="見本 花子",
                email=email,
                password="correct horse battery",
            )
            return begun.id if begun else None

    return act


@pytest.mark.parametrize("round_number", range(3))
def test_one_number_registered_at_once_makes_one_row(database, round_number):
    outcomes = at_once(*(registration(f"person{i}@example.jp") for i in range(4)))
    assert sorted(type(o).__name__ for o in outcomes) == [
        "Conflict",
        "Conflict",
        "Conflict",
        "UUID",
    ]
    with db.reading() as session:
        assert len(session.exec(select(Vendor)).all()) == 1
        assert len(session.exec(select(Person)).all()) == 1
        assert verify(session).problems == ()
        refused = session.exec(select(AuditEvent).where(AuditEvent.outcome == "conflict")).all()
        assert [event.action for event in refused] == ["vendor.register"] * 3


def test_one_address_registered_at_once_makes_one_account(database):
    first = registration("same@example.jp")
    outcomes = at_once(first, registration("same@example.jp"))
    assert sum(isinstance(o, Conflict) for o in outcomes) == 1


@pytest.mark.parametrize("round_number", range(3))
def test_two_leads_at_once_make_one_decision(database, round_number):
    with db.transaction() as session:
        vendor = make.vendor(session, VendorState.CHECKING)
        agency = make.organisation(session, OrganisationKind.AGENCY)
        leads = [make.person(session, Role.LEAD_REVIEWER, agency) for _ in range(2)]
        actors = [make.actor(lead, Role.LEAD_REVIEWER, agency) for lead in leads]

    def decision(index: int, kind: services.Decision) -> Callable[[], object]:
        def act() -> object:
            with db.transaction() as session:
                locked = queries.lock_vendor(session, vendor.id)
                assert locked is not None
                services.decide(
                    session,
                    actors[index],
                    locked,
                    decision=kind,
                    reason="理由です。",
                    findings={},
                    version=vendor.version,
                )
                return leads[index]

        return act

    outcomes = at_once(decision(0, services.Decision.REFUSE), decision(1, services.Decision.RETURN))
    winner = next(o for o in outcomes if isinstance(o, Person))
    loser = next(o for o in outcomes if isinstance(o, DomainError))
    assert isinstance(loser, StaleVersion)
    assert winner.name in loser.message
    with db.reading() as session:
        row = session.exec(select(Vendor)).one()
        assert row.decided_by_id == winner.id
        actions = [event.action for event in session.exec(select(AuditEvent))]
        assert sorted(a for a in actions if a in {"vendor.refuse", "vendor.return"}) == [
            f"vendor.{'refuse' if row.state is VendorState.REFUSED else 'return'}"
        ]


def test_double_click_accepts_the_agreement_once(database):
    with db.transaction() as session:
        vendor = make.vendor(session, VendorState.SUSPENDED)
        session.get_one(Vendor, vendor.id).apply(VendorAction.RESUME)
        at = get_organisation(session, vendor.owner_id)
        assert at is not None
        person = make.person(session, Role.VENDOR_ADMIN, at)
    actor = make.actor(person, Role.VENDOR_ADMIN, at)

    def act() -> object:
        with db.transaction() as session:
            locked = queries.lock_vendor(session, vendor.id)
            assert locked is not None
            agreement_services.accept(session, actor, locked, text_sha256=agreement.SHA256)
            return True

    assert at_once(act, act, act) == [True, True, True]
    with db.reading() as session:
        assert len(session.exec(select(FrameworkAgreement)).all()) == 1
