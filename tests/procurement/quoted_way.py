"""The way of a purchase from opened quotes to its contract, by the services, after the deadline."""

from datetime import date, timedelta

from accounts.models import Role
from core import db
from core.clock import day_in_japan
from core.db import now
from procurement.bodies.methods import Ground
from procurement.bodies.models import ContractCategory
from procurement.contracts import services as request_services
from procurement.contracts.documents import make_document
from procurement.contracts.services.registering import register_contract
from procurement.selection import services as selection_services
from procurement.selection.models import SelectionMethod
from tests.procurement import conftest
from tests.procurement.conftest import START, Market, request_values
from tests.procurement.quoting import Quoting

_LATER = "認証の期限のあとも、同じ版を使うため。"
_DUE = date(2099, 5, 29)


def propose(market: Market) -> None:
    """Propose the quote of the cheap service, which its company alone can meet."""
    clerk = market.actor(market.clerk, Role.CLERK)
    with db.transaction() as session:
        project = market._load(session)
        selection_services.propose_selection(
            session,
            clerk,
            project,
            version=project.version,
            candidate_id=market.candidate(market.cheap).id,
            method=SelectionMethod.SINGLE_QUOTE,
            ground=Ground.SOLE_SUPPLIER,
            grounds_text="夜間の受付が条例で要るため。",
            category=ContractCategory.SERVICES,
            reason=conftest.SELECTION["reason"],
            sole_source_reason=conftest.SELECTION["sole_source_reason"],
            splitting_note="前の回とは別の施設で使うため。",
            change_note=_LATER,
        )


def approve(market: Market) -> None:
    """Let another person approve the choice; every company hears of its own outcome."""
    approver = market.actor(market.approver, Role.APPROVER)
    with db.transaction() as session:
        project = market._load(session)
        selection_services.approve_selection(
            session,
            approver,
            project,
            version=project.version,
            change_note=_LATER,
            sole_acknowledgement="ほかの2者では夜間の受付ができないため。",
        )


def draw_up(market: Market) -> None:
    """Draw the request up, and let another person approve it."""
    clerk = market.actor(market.clerk, Role.CLERK)
    approver = market.actor(market.approver, Role.APPROVER)
    values = {**request_values(), "answer_due_on": _DUE}
    with db.transaction() as session:
        made = request_services.create_request(session, clerk, market._load(session), **values)
        request_services.submit_request(session, clerk, made, version=made.version)
    with db.transaction() as session:
        made = market.load_request(session)
        request_services.approve_request(
            session, approver, made, make_document, version=made.version
        )


def send(market: Market) -> None:
    """Send the approved request."""
    approver = market.actor(market.approver, Role.APPROVER)
    with db.transaction() as session:
        made = market.load_request(session)
        request_services.send_request(
            session, approver, market.settings, made, version=made.version
        )


def accept(market: Market) -> None:
    """Let the company accept."""
    seller = Quoting(market).seller
    with db.transaction() as session:
        made = market.load_request(session)
        request_services.accept_request(session, seller, made, version=made.version)


def register(market: Market) -> None:
    """Register the contract, which closes the purchase."""
    clerk = market.actor(market.clerk, Role.CLERK)
    with db.transaction() as session:
        request = market.load_request(session)
        register_contract(
            session,
            clerk,
            request,
            version=request.version,
            number="契約第1号",
            signed_on=day_in_japan(now(session)),
            starts_on=START,
            ends_on=date(START.year + 3, START.month, START.day) - timedelta(days=1),
            signed_record_sha256="a" * 64,
        )
