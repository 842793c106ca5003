"""The agency's side of a sample service: assignment, opinions, decision, end of a certificate."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries as reviews
from catalog.certification import services as certification
from catalog.certification.models import Certification, Opinion, ReviewAction
from catalog.certification.services import Condition
from catalog.offerings import queries
from catalog.offerings.models import OfferingVersion
from core import audit, changes
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from procurement.demo.world import Row, World

_READERS = ("reviewer1@agency.example.jp", "reviewer2@agency.example.jp")
LEAD = "lead1@agency.example.jp"
_OTHER_LEAD = "lead2@agency.example.jp"
_REASONS = {
    Opinion.CERTIFY: "回答と資料を要件ごとに確かめ、実装必須の要件を満たすと判断しました。",
    Opinion.CONDITIONAL: "期限までに満たす要件を除き、実装必須の要件を満たすと判断しました。",
    Opinion.REFUSE: "実装不可の要件に抵触する動作があり、認証できないと判断しました。",
}


class ReviewActs:
    """What reviewers and leads do with the newest version of one service."""

    def __init__(self, world: World, row: Row) -> None:
        self._world, self._row = world, row
        self._version_id: uuid.UUID | None = None
        self._review: Row = row.get("certification", {})

    def _version(self, session: Session) -> OfferingVersion:
        if self._version_id is None:
            raise NotFound
        found = queries.get_offering_version(session, self._version_id)
        if found is None:
            raise NotFound
        return found

    def _reviewers(self) -> tuple[str, str]:
        first = self._review.get("first_reviewer", _READERS[0])
        return first, self._review.get("second_reviewer", _READERS[1])

    def _lead(self, session: Session) -> Actor:
        return self._world.actor(session, self._review.get("decided_by", LEAD))

    def _open_review(self, session: Session) -> Certification:
        version_id = self._version(session).id
        found = reviews.lock_open_certification(session, version_id)
        if found is None:
            raise NotFound
        return found

    def _assign(self, session: Session) -> None:
        first, second = (self._world.people[email] for email in self._reviewers())
        certification.assign(
            session, self._lead(session), self._open_review(session), first, second
        )
        for email in self._reviewers():
            certification.declare(
                session,
                self._world.actor(session, email),
                self._open_review(session),
                has_conflict=False,
                words="",
            )

    def _recommend(self, index: int, opinion: Opinion) -> Callable[[Session], None]:
        def act(session: Session) -> None:
            certification.recommend(
                session,
                self._world.actor(session, self._reviewers()[index]),
                self._open_review(session),
                opinion=opinion,
                reason=_REASONS[opinion],
            )

        return act

    def _ask(self, session: Session) -> None:
        certification.request_info(
            session,
            self._world.actor(session, self._reviewers()[0]),
            self._open_review(session),
            reason=self._review.get("finding") or self._row["return_reason"],
            due_on=day_in_japan(now(session)) + timedelta(days=30),
        )

    def _approve_claim(self, session: Session) -> None:
        certification.approve_claim(session, self._lead(session), self._open_review(session))

    def _decide(self, decision: Opinion, valid_until: date | None) -> Callable[[Session], None]:
        def act(session: Session) -> None:
            review = self._open_review(session)
            latest = certification.last_possible_day(day_in_japan(now(session)))
            until = latest if decision is Opinion.CERTIFY and valid_until is None else valid_until
            if until is not None and until <= day_in_japan(now(session)):
                until = latest
            certification.decide(
                session,
                self._lead(session),
                self._world.settings,
                review,
                decision=decision,
                reason=self._review.get("decision_reason") or _REASONS[decision],
                conditions=[
                    Condition(each["requirement_id"], each["due_on"])
                    for each in self._review.get("conditions", [])
                ],
                valid_until=min(until, latest) if until else None,
                version=review.version,
            )

        return act

    def _supersede_certificate(self, session: Session, version_id: uuid.UUID) -> None:
        for each in reviews.current_certifications(session, [version_id]).values():
            each.apply(ReviewAction.SUPERSEDE)
            _record_certificate(session, each, "supersede")

    def _end_certificate(self, session: Session) -> None:
        held = reviews.current_certifications(session, [self._version(session).id])
        for each in held.values():
            reason = self._review.get("end_reason") or self._review["decision_reason"]
            if self._review["state"] == "suspended":
                self._measure(session, certification.suspend, LEAD, each, reason)
                continue
            self._measure(session, certification.propose_revocation, LEAD, each, reason)
            self._measure(session, certification.confirm_revocation, _OTHER_LEAD, each, "")

    def _measure(
        self,
        session: Session,
        act: Callable[..., Certification],
        email: str,
        held: Certification,
        reason: str,
    ) -> None:
        act(
            session,
            self._world.actor(session, email),
            self._world.settings,
            held,
            reason=reason,
            version=held.version,
        )


def _record_certificate(session: Session, review: Certification, name: str) -> None:
    audit.record(
        session,
        audit.SYSTEM,
        f"certification.{name}",
        "Certification",
        review.id,
        owner_id=review.owner_id,
    )
    changes.append(session, "certificate", review.id)
