"""A round of quotes on the town's market: everybody who takes part, and the stretches of its way."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from accounts.identity import Actor
from accounts.models import Person, Role
from catalog.price_plan import ComponentKind, Interval, Unit
from core import db
from core.clock import utcnow
from procurement.projects import queries as project_queries
from procurement.quoting import queries, services
from procurement.quoting.content import LineState, QuoteLine, Written
from procurement.quoting.models import Quote, QuoteInvitation, QuoteKind, QuoteRevision, QuoteRound
from tests import factories
from tests.procurement.conftest import Market
from vendors.models import Vendor

DEADLINE = datetime(2099, 3, 31, 8, 0, tzinfo=UTC)  # 17:00 in Japan
AFTER = DEADLINE + timedelta(seconds=1)
VALID_UNTIL = date(2099, 6, 30)
ROUND: dict[str, Any] = {
    "kind": QuoteKind.COMPARISON,
    "deadline_on": date(2099, 3, 31),
    "questions_on": date(2099, 3, 20),
    "message": "消耗品の費用も含めてください。",
    "contact": "総務課　見本 花子　0277-00-0000",
    "sole_reason": "",
}


def written(unit_price: int, notes: str = "") -> Written:
    """Give a quote of one monthly line."""
    line = QuoteLine(
        ComponentKind.BASE, "月額基本", Unit.LUMP, Interval.MONTH, LineState.PRICED, unit_price
    )
    return Written((line,), VALID_UNTIL, notes)


def _keep_nothing(*_given: object) -> None:
    """Make no paper: what it says is read where the pages are walked."""


@dataclass
class Quoting:
    """The round of the town's project, acted on by the services."""

    market: Market

    @property
    def clerk(self) -> Actor:
        """The clerk, just signed in."""
        return self.market.actor(self.market.clerk, Role.CLERK)

    @property
    def approver(self) -> Actor:
        """The approver, just signed in."""
        return self.market.actor(self.market.approver, Role.APPROVER)

    def vendor(self, person: Person, vendor: Vendor) -> Actor:
        """Somebody of a vendor."""
        with db.reading() as session:
            home = session.get_one(Vendor, vendor.id).owner_id
            from accounts.models import Organisation

            at = session.get_one(Organisation, home)
        return factories.actor(person, Role.VENDOR_ADMIN, at, authenticated_at=utcnow())

    @property
    def seller(self) -> Actor:
        """The seller of the cheap service."""
        return self.vendor(self.market.seller_admin, self.market.seller)

    @property
    def rival(self) -> Actor:
        """The seller of the other two."""
        return self.vendor(self.market.rival_admin, self.market.rival)

    def round(self, session: Session) -> QuoteRound:
        """Load the newest round."""
        return queries.list_rounds(session, self.market.project().id)[0]

    def invitation(self, session: Session, version_id: uuid.UUID) -> QuoteInvitation:
        """Load the invitation for a listing version."""
        statement = select(QuoteInvitation.id).where(
            QuoteInvitation.round_id == self.round(session).id,
            QuoteInvitation.listing_version_id == version_id,
        )
        found = queries.get_invitation(session, session.exec(statement).one())
        assert found is not None
        return found

    def draft(self, **values: Any) -> None:
        """Draft a round to the cheap and the other service."""
        asked = [self.market.cheap.id, self.market.other.id]
        with db.transaction() as session:
            project = project_queries.get_project(session, self.market.project().id)
            assert project is not None
            given = {**ROUND, "candidates": asked, **values}
            services.create_round(session, self.clerk, project, **given)

    def submit(self) -> None:
        """Hand the draft to the approver."""
        with db.transaction() as session:
            found = self.round(session)
            services.submit_round(session, self.clerk, found, version=found.version)

    def approve(
        self, actor: Actor | None = None, keep: Callable[..., None] = _keep_nothing
    ) -> bool:
        """Approve, which sends."""
        with db.transaction() as session:
            found = self.round(session)
            who, version = actor or self.approver, found.version
            return services.approve_round(
                session, who, self.market.settings, found, version=version, keep=keep
            )

    def extend(self, days: int) -> None:
        """Move the deadline: the clerk proposes it, the approver decides."""
        later = DEADLINE.date() + timedelta(days=days)
        with db.transaction() as session:
            found, reason = self.round(session), "質問への答えを読む時間のため"
            services.propose_extension(session, self.clerk, found, deadline_on=later, reason=reason)
        with db.transaction() as session:
            found = self.round(session)
            (proposed,) = queries.list_extensions(session, found.id)
            services.approve_extension(session, self.approver, found, extension_id=proposed.id)

    def send(self) -> "Quoting":
        """Draft, submit and send."""
        self.draft()
        self.submit()
        self.approve()
        return self

    def quote(
        self, actor: Actor, version_id: uuid.UUID, price: int, revision: int = 0, notes: str = ""
    ) -> QuoteRevision:
        """Hand in a quote."""
        with db.transaction() as session:
            return services.submit_quote(
                session,
                actor,
                self.market.settings,
                self.invitation(session, version_id),
                written=written(price, notes),
                revision=revision,
            )

    def open(self, actor: Actor) -> bool:
        """Open as the first or the second."""
        with db.transaction() as session:
            return services.open_round(session, actor, self.market.settings, self.round(session))

    def quotes(self) -> list[Quote]:
        """Read the rows of the quotes."""
        with db.reading() as session:
            return queries.list_quotes(session, self.round(session).id)
