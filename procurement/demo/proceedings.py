"""The conversation of a sample review, and what follows a sample decision."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import zip_longest

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries as reviews
from catalog.certification import services as certification
from catalog.certification.models import Certification, FindingAction
from catalog.certification.queries import proceedings
from catalog.specifications import queries as specifications
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from procurement.demo.reviewing import LEAD, ReviewActs
from procurement.demo.story import Act, Story
from procurement.demo.world import Row


class ProceedingActs(ReviewActs, ABC):
    """Findings with their answers, appeals, reports on conditions, proposals to revoke."""

    @abstractmethod
    def _maker(self, session: Session) -> Actor:
        """Return the administrator of the vendor that makes the reviewed software."""

    def _plan_conversation(self, story: Story) -> None:
        """Plan every turn: the first words of all findings, then all answers, and so on."""
        findings = self._review.get("findings", [])
        for number, turns in enumerate(zip_longest(*(each["turns"] for each in findings))):
            day = story.day + timedelta(days=1)
            for finding, words in enumerate(turns):
                if words is not None:
                    row = findings[finding]
                    story.then(day, self._take_turn(row, finding, words, is_first=number == 0))
        for finding, row in enumerate(findings):
            if row.get("settled"):
                story.then(None, self._settle(finding, FindingAction(row["settled"])))

    def _plan_aftermath(self, story: Story) -> None:
        """Plan what comes after the decision and after the end of the certificate."""
        for name, act in self._list_aftermath():
            row = self._review.get(name)
            if row is not None:
                on: date = row["on"]
                story.then(on, act(row))

    def _list_aftermath(self) -> Iterator[tuple[str, Callable[[Row], Act]]]:
        yield "report", self._report
        yield "proposal", self._propose_revocation
        yield "appeal", self._appeal

    def _take_turn(self, row: Row, finding: int, words: str, *, is_first: bool) -> Act:
        def act(session: Session) -> None:
            review = self._open_review(session)
            reviewer = self._world.actor(session, self._reviewers()[0])
            if is_first:
                wanted = self._find_requirement(session, review, row.get("requirement_id"))
                certification.raise_finding(
                    session, reviewer, review, requirement_id=wanted, words=words
                )
                return
            known = proceedings.list_findings(session, review.id)[finding]
            if known.state.value == "open":
                certification.reply(session, self._maker(session), review, known.id, words)
            else:
                certification.ask_again(session, reviewer, review, known.id, words)

        return act

    @staticmethod
    def _find_requirement(
        session: Session, review: Certification, code: str | None
    ) -> uuid.UUID | None:
        listed = specifications.list_requirements(session, review.specification_version_id)
        return next((each.id for each in listed if each.requirement_id == code), None)

    def _settle(self, finding: int, action: FindingAction) -> Act:
        def act(session: Session) -> None:
            review = self._open_review(session)
            known = proceedings.list_findings(session, review.id)[finding]
            reviewer = self._world.actor(session, self._reviewers()[0])
            certification.settle(session, reviewer, review, known.id, action=action)

        return act

    def _held(self, session: Session) -> Certification:
        """Return the certificate of the version, in force or not."""
        found = reviews.find_latest_certification(session, self._version(session).id)
        if found is None:
            raise NotFound
        return found

    def _report(self, row: Row) -> Act:
        def act(session: Session) -> None:
            certification.report_condition(
                session,
                self._maker(session),
                self._held(session),
                requirement_id=row["requirement_id"],
                met_on=min(row["on"], day_in_japan(now(session))),
                note=row["words"],
            )

        return act

    def _propose_revocation(self, row: Row) -> Act:
        def act(session: Session) -> None:
            held = self._held(session)
            self._measure(session, certification.propose_revocation, LEAD, held, row["words"])

        return act

    def _appeal(self, row: Row) -> Act:
        def act(session: Session) -> None:
            certification.file_appeal(
                session, self._maker(session), self._held(session), reason=row["words"]
            )

        return act
