"""The sample cases that ask for quotes: one awaits them, in the other two people have opened them."""

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from accounts.identity import Actor
from catalog.offerings.prices import plan_of
from catalog.offerings.queries import load_listing_versions
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from procurement.demo.world import Row, World
from procurement.projects import queries as projects
from procurement.quoting import queries, services
from procurement.quoting.content import (
    QuoteLine,
    Written,
    conditions_from,
    first_lines,
    first_valid_day,
    read_json,
)
from procurement.quoting.models import QuoteInvitation, QuoteKind, QuoteRound

OPEN_DAYS, OPENED_DAYS = 60, 5  # from the letter to the deadline
_PRICE = 50_000  # of a line whose price is not published


@dataclass(frozen=True, slots=True)
class Asking:
    """One case with the people who ask and are asked."""

    world: World
    row: Row
    project_id: uuid.UUID

    @property
    def days(self) -> int:
        """How long quotes are awaited."""
        return OPENED_DAYS if self.row["state"] == "quotes_opened" else OPEN_DAYS

    def ask(self, session: Session) -> None:
        """Draft a round for all candidates that are left and hand it to the approver."""
        project = projects.get_project(session, self.project_id)
        if project is None:
            raise NotFound
        pack = projects.latest_pack(session, project.id)
        left = projects.list_candidates(session, pack.id) if pack else []
        today, clerk = day_in_japan(now(session)), self._clerk(session)
        made = services.create_round(
            session,
            clerk,
            project,
            kind=QuoteKind.COMPARISON,
            candidates=[each.listing_version_id for each in left if not each.is_excluded],
            deadline_on=today + timedelta(days=self.days),
            questions_on=today + timedelta(days=self.days - 2),
            message="導入の日程の見込みを備考に書いてください。",
            contact=f"施設管理の担当　{clerk.person_name}",
            sole_reason="",
        )
        services.submit_round(session, clerk, made, version=made.version)

    def send(self, session: Session) -> None:
        """Approve as another person, which sends."""
        found = self._round(session)
        approver, version = self._approver(session), found.version
        services.approve_round(session, approver, self.world.settings, found, version=version)

    def quote(self, session: Session) -> None:
        """Let all quote but the last, who declines an opened round and asks in an open one."""
        *quoting, last = queries.list_invitations(session, self._round(session).id)
        for each in quoting:
            found = self._load(session, each)
            services.submit_quote(
                session,
                self._vendor(session, found),
                self.world.settings,
                found,
                written=_write(session, found),
                revision=0,
            )
        found = self._load(session, last)
        vendor = self._vendor(session, found)
        if self.row["state"] == "quotes_opened":
            reason = "導入の担当者をこの時期に出せないため。"
            services.decline_invitation(session, vendor, found, reason=reason)
        else:
            question = "職員が使う端末の台数を教えてください。"
            services.ask_question(session, vendor, found, question=question)

    def mark(self, session: Session) -> None:
        """Open as the first."""
        services.open_round(
            session, self._clerk(session), self.world.settings, self._round(session)
        )

    def open(self, session: Session) -> None:
        """Open as the second."""
        services.open_round(
            session, self._approver(session), self.world.settings, self._round(session)
        )

    def _clerk(self, session: Session) -> Actor:
        return self.world.actor(session, self.row["clerk"], f"body:{self.row['body']}")

    def _approver(self, session: Session) -> Actor:
        return self.world.actor(session, self.row["approver"], f"body:{self.row['body']}")

    def _vendor(self, session: Session, found: QuoteInvitation) -> Actor:
        key = next(key for key, each in self.world.vendors.items() if each == found.seller_id)
        return self.world.actor(session, f"admin@{key}.example.jp")

    def _round(self, session: Session) -> QuoteRound:
        found = queries.live_round(session, self.project_id)
        if found is None:
            raise NotFound
        return found

    def _load(self, session: Session, each: QuoteInvitation) -> QuoteInvitation:
        found = queries.get_invitation(session, each.id)
        if found is None:
            raise NotFound
        return found


def _write(session: Session, found: QuoteInvitation) -> Written:
    """Write the own published prices, and one for what is not published."""
    version = load_listing_versions(session, [found.listing_version_id])[found.listing_version_id]
    conditions = conditions_from(read_json(found.round.conditions), found.round.project.owner)
    lines = first_lines(plan_of(version, day_in_japan(now(session))), conditions)
    return Written(
        tuple(_priced(each) for each in lines),
        first_valid_day(found.round.deadline_at),
        "導入まで2か月の見込みです。",
    )


def _priced(line: QuoteLine) -> QuoteLine:
    return line if line.unit_price is not None else replace(line, unit_price=_PRICE)
