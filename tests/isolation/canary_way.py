"""The way of the watched purchase after its quotes were opened: chosen, decided, asked for, accepted.

Amounts stay with the body, and with the company whose own they are; an auditor reads the request.
"""

from datetime import date, timedelta

from accounts.identity import Actor
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
from tests.isolation.canary_town import BODY_PROGRAM, QUOTES, SELLER, CanaryTown
from tests.procurement.conftest import SELECTION, START, request_values
from tests.procurement.quoting import Quoting

_LATER = "認証の期限のあとも、同じ版を使うため。"
_DUE = date(2099, 5, 29)


def propose(town: CanaryTown) -> None:
    """Propose the cheaper opened quote, which one company alone can meet."""
    market = town.market
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
            reason=SELECTION["reason"],
            sole_source_reason=SELECTION["sole_source_reason"],
            splitting_note="前の回とは別の施設で使うため。",
            change_note=_LATER,
        )


def approve(town: CanaryTown) -> None:
    """Let another person approve the choice; every company hears of its own outcome."""
    market = town.market
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


def send(town: CanaryTown) -> None:
    """Draw the request up, approve it and send it; rules.md lets an auditor read it with its price."""
    town.let_read((f"quote of {SELLER}",), {"auditor", BODY_PROGRAM})
    market = town.market
    clerk = market.actor(market.clerk, Role.CLERK)
    approver = market.actor(market.approver, Role.APPROVER)
    with db.transaction() as session:
        made = request_services.create_request(
            session, clerk, market._load(session), **{**request_values(), "answer_due_on": _DUE}
        )
        request_services.submit_request(session, clerk, made, version=made.version)
    with db.transaction() as session:
        made = market.load_request(session)
        request_services.approve_request(
            session, approver, made, make_document, version=made.version
        )
    with db.transaction() as session:
        made = market.load_request(session)
        request_services.send_request(
            session, approver, market.settings, made, version=made.version
        )


def accept(town: CanaryTown) -> None:
    """Let the company accept."""
    market = town.market
    seller: Actor = Quoting(market).seller
    with db.transaction() as session:
        made = market.load_request(session)
        request_services.accept_request(session, seller, made, version=made.version)


def end(town: CanaryTown) -> None:
    """Register the contract, which closes the purchase: an auditor may read price and quotes now."""
    market = town.market
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
    town.let_read(("estimated price", "basis of the price", *QUOTES), {"auditor"})


WAY = (propose, approve, send, accept, end)
