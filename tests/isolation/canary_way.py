"""The way of the canary's purchase behind the opening of its quotes: choice, request, contract."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from accounts.models import Organisation, Role
from core import db
from core.clock import day_in_japan
from procurement.bodies.methods import Ground
from procurement.bodies.models import ContractCategory
from procurement.contracts import services as request_services
from procurement.contracts.documents import make_document
from procurement.contracts.services.registering import register_contract
from procurement.selection import services as selection_services
from procurement.selection.models import SelectionMethod
from tests import factories
from tests.procurement.conftest import PROJECT, SELECTION, START, Market, request_values

MONTHS = 36
TITLED = 1_911_733_461  # stands in the title, and so in every paper
FACTS = "夜間の受付が条例で要るため。"


def watched() -> AbstractContextManager[Any]:
    """Let a purchase have a number in its title, and a budget for amounts that occur nowhere else."""
    title = f"{PROJECT['title']} {TITLED:,}"
    return patch.dict(PROJECT, {"burden_limit": 2_000_000_000, "title": title})


def propose(town: Market) -> None:
    """Propose the opened quote of the cheap service."""
    with db.transaction() as session:
        project, clerk = town._load(session), town.actor(town.clerk, Role.CLERK)
        selection_services.propose_selection(
            session, clerk, project,
            version=project.version,
            candidate_id=town.candidate(town.cheap).id,
            method=SelectionMethod.SINGLE_QUOTE,
            ground=Ground.SOLE_SUPPLIER,
            grounds_text=FACTS,
            category=ContractCategory.SERVICES,
            reason=SELECTION["reason"],
            sole_source_reason=SELECTION["sole_source_reason"],
            splitting_note=town.splitting_note,
        )  # fmt: skip


def approve(town: Market) -> None:
    """Approve the choice; every company that quoted is told its outcome."""
    with db.transaction() as session:
        project, approver = town._load(session), town.actor(town.approver, Role.APPROVER)
        selection_services.approve_selection(
            session, approver, project, version=project.version, sole_acknowledgement=FACTS
        )


def send(town: Market) -> None:
    """Draw the request up, approve and send it."""
    clerk, approver = town.actor(town.clerk, Role.CLERK), town.actor(town.approver, Role.APPROVER)
    with db.transaction() as session:
        made = request_services.create_request(
            session, clerk, town._load(session), **request_values()
        )
        request_services.submit_request(session, clerk, made, version=made.version)
    with db.transaction() as session:
        made = town.load_request(session)
        request_services.approve_request(
            session, approver, made, make_document, version=made.version
        )
    with db.transaction() as session:
        made = town.load_request(session)
        request_services.send_request(session, approver, town.settings, made, version=made.version)


def accept(town: Market) -> None:
    """Accept it as the company does."""
    with db.transaction() as session:
        made = town.load_request(session)
        home = session.get_one(Organisation, made.addressee_id)
        admin = factories.actor(town.seller_admin, Role.VENDOR_ADMIN, home)
        request_services.accept_request(session, admin, made, version=made.version)


def register(town: Market) -> None:
    """Register the contract: the purchase is over."""
    with db.transaction() as session:
        made = town.load_request(session)
        assert made.sent_at is not None
        register_contract(
            session, town.actor(town.clerk, Role.CLERK), made,
            version=made.version,
            number="契約第99号",
            signed_on=day_in_japan(made.sent_at),
            starts_on=START,
            ends_on=date(START.year + MONTHS // 12, START.month, 1) - timedelta(days=1),
            signed_record_sha256="b" * 64,
        )  # fmt: skip


# What follows the opening, in order: the state that a purchase reaches, and how.
ACTS: dict[str, Callable[[Market], None]] = {
    "proposed": propose,
    "approved": approve,
    "sent": send,
    "accepted": accept,
    "ended": register,
}
