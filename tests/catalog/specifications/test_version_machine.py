"""The machine of specification versions, walked at random by its services and held against a small model.

The services run on SQLite; what the databases refuse by themselves stands in test_frozen.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import IntegrityError

from accounts.models import OrganisationKind, Role
from catalog.specifications import services as services_of_text
from catalog.specifications.consultation import queries as consultations
from catalog.specifications.consultation import services as consulting
from catalog.specifications.consultation.models import CommentState, Outcome, ProposalKind
from catalog.specifications.ending import VERSION_ENDED, end_version
from catalog.specifications.models import Requirement, SpecificationState, SpecificationVersion
from catalog.specifications.queries import get_version
from catalog.specifications.services import PUBLISHED
from catalog.terms import RequirementClass
from core import clock, db, outbox
from core.clock import day_in_japan
from core.errors import DomainError
from tests import factories

pytestmark = pytest.mark.sqlite_only
LIMITS = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
START = datetime(2026, 10, 1, 1, tzinfo=UTC)
TOLD = (
    PUBLISHED, VERSION_ENDED, "consultation.opened", "organisation.told", "search.listing_changed",
)  # fmt: skip


@dataclass
class Version:
    """What must be true of one version of a specification."""

    applies_on: int
    editor: int
    state: str = "draft"
    closes_on: int = -1
    undisposed: int = 0

    def may_publish(self, who: int, day: int) -> bool:
        """Somebody else edited it last, and a consultation is over and fully answered."""
        answered = self.state == "consultation" and day > self.closes_on and not self.undisposed
        return (self.state == "draft" or answered) and self.editor != who

    @property
    def is_public(self) -> bool:
        """Published and not taken back."""
        return self.state in {"scheduled", "effective", "superseded", "retired"}


class SpecificationMachine(RuleBasedStateMachine):
    """Versions of one specification are edited, published, overtaken and ended; days pass."""

    @initialize(is_asked=st.booleans())
    def begin(self, is_asked: bool) -> None:  # noqa: FBT001 - drawn
        """Add the specification and two people who are reviewer and lead at once.

        Sometimes one version has been out for comments already, and one comment has no disposition.
        """
        self.day = 0
        self.serial = itertools.count(1)
        self.versions: list[tuple[UUID, Version]] = []
        with db.transaction() as session:
            self.agency = factories.organisation(session, OrganisationKind.AGENCY)
            self.people = [factories.person(session, Role.REVIEWER, self.agency) for _ in range(2)]
            for person in self.people:
                factories.membership(session, person, Role.LEAD_REVIEWER, self.agency)
            town = factories.body(session)
            self.clerk = factories.actor(
                factories.person(session, Role.CLERK, town), Role.CLERK, town
            )
            made = factories.specification(session, 1, state=SpecificationState.WITHDRAWN)
            self.specification_id = made.specification_id
        for applies_in in (0, 2):
            self.add(applies_in, 0)
        if is_asked:
            self.consult(1, 0)
            self.comment(1)
            self.close_and_publish(1)

    def _actor(self, who: int, role: Role) -> Any:
        return factories.actor(self.people[who], role, self.agency, authenticated_at=self._moment())

    def _moment(self) -> datetime:
        return START + timedelta(days=self.day)

    @rule(applies_in=st.sampled_from([0, 2, 4]), editor=st.integers(0, 1))
    def add(self, applies_in: int, editor: int) -> None:
        """Draft one more version, up to four; each applies on a day of its own."""
        if len(self.versions) == 4:
            return
        applies_on = self.day + applies_in
        while any(each.applies_on == applies_on for _, each in self.versions):
            applies_on += 1
        day = (START + timedelta(days=applies_on)).date()
        with db.transaction() as session:
            made = SpecificationVersion(
                specification_id=self.specification_id,
                label=f"版{len(self.versions)}",
                applies_from=day,
                published_on=START.date(),
                source_name="見本の文書",
                source_url="https://www.example.jp/mihon.pdf",
                last_editor_id=self.people[editor].id,
            )
            session.add(made)
            session.flush()
            session.add(_one_requirement(made.id))
            self.versions.append((made.id, Version(applies_on, editor)))

    @rule(which=st.integers(0, 3), who=st.integers(0, 1))
    def edit(self, which: int, who: int) -> None:
        """Change the source: only of a draft, and whoever does it is the last editor."""

        def act(session: Any, row: SpecificationVersion) -> None:
            actor = self._actor(who, Role.REVIEWER)
            services_of_text.edit_version(
                session, actor, row, version=row.version, source_name=f"{row.source_name}2"
            )

        version = self._try(which, act, lambda each: each.state in {"draft", "consultation"})
        if version:
            version.editor = who

    @rule(which=st.integers(0, 3), days=st.integers(0, 2))
    def consult(self, which: int, days: int) -> None:
        """Put a draft out for comments for a few days."""

        def act(session: Any, row: SpecificationVersion) -> None:
            today = day_in_japan(self._moment())
            actor, closes = self._actor(0, Role.REVIEWER), today + timedelta(days=days)
            consulting.open_consultation(
                session, actor, row, version=row.version, opens_on=today, closes_on=closes
            )

        version = self._try(which, act, lambda each: each.state == "draft")
        if version:
            version.state, version.closes_on = "consultation", self.day + days

    @rule(which=st.integers(0, 3))
    def comment(self, which: int) -> None:
        """A body says something new, in time."""

        def act(session: Any, row: SpecificationVersion) -> None:
            said = consultations.find_consultation(session, row.id)
            consulting.comment(
                session,
                self.clerk,
                said.id if said else UUID(int=0),
                requirement_id="",
                kind=ProposalKind.CHANGE,
                text=f"意見{next(self.serial)}",
            )

        version = self._try(
            which, act, lambda each: each.state == "consultation" and self.day <= each.closes_on
        )
        if version:
            version.undisposed += 1

    @rule(which=st.integers(0, 3))
    def dispose(self, which: int) -> None:
        """Answer every open comment at once."""

        def act(session: Any, row: SpecificationVersion) -> None:
            said = consultations.find_consultation(session, row.id)
            said_all = consultations.list_comments(session, said.id) if said else []
            found = [each for each in said_all if each.state is CommentState.OPEN]
            consulting.dispose(
                session,
                self._actor(1, Role.REVIEWER),
                said.id if said else UUID(int=0),
                [each.number for each in found],
                consulting.Decision(Outcome.SUFFICIENT, reasoning="すでに書かれています。"),
                version=consulting.version_of(found),
            )

        version = self._try(
            which, act, lambda each: each.state == "consultation" and each.undisposed > 0
        )
        if version:
            version.undisposed = 0

    @rule(which=st.integers(0, 3), who=st.integers(0, 1))
    def publish(self, which: int, who: int) -> None:
        """Publish what somebody else edited last; nothing of a consultation may be open."""

        def act(session: Any, row: SpecificationVersion) -> None:
            actor = self._actor(who, Role.LEAD_REVIEWER)
            services_of_text.publish_version(session, actor, row, version=row.version)

        version = self._try(which, act, lambda each: each.may_publish(who, self.day))
        if version:
            version.state = "scheduled"
            if version.applies_on <= self.day:
                self._settle()

    @rule(which=st.integers(0, 3))
    def close_and_publish(self, which: int) -> None:
        """Wait for the end of a consultation; then whoever did not edit last publishes."""
        model = self.versions[which % len(self.versions)][1]
        if model.state == "consultation":
            self.wait(max(1, model.closes_on + 1 - self.day))
            self.publish(which, 1 - model.editor)

    @rule(which=st.integers(0, 3), who=st.integers(0, 1))
    def end(self, which: int, who: int) -> None:
        """End a version: retired once it counted, withdrawn before."""

        def act(session: Any, row: SpecificationVersion) -> None:
            actor = self._actor(who, Role.LEAD_REVIEWER)
            end_version(session, actor, row, version=row.version, reason="理由です。")

        ended = dict.fromkeys(("draft", "consultation", "scheduled"), "withdrawn")
        ended |= {"effective": "retired", "superseded": "retired"}
        version = self._try(which, act, lambda each: each.state in ended)
        if version:
            version.state = ended[version.state]

    @rule(days=st.integers(1, 3))
    def wait(self, days: int) -> None:
        """Let days pass; what is due is delivered."""
        self.day += days
        ignored = dict.fromkeys(TOLD, lambda _session, _payload: None)
        with clock.fixed_at(self._moment()):
            outbox.drain({**ignored, **services_of_text.HANDLERS})
        if any(e.state == "scheduled" and e.applies_on <= self.day for _, e in self.versions):
            self._settle()

    def _settle(self) -> None:
        """Let the scheduled ones whose day has come take effect; the latest stays in effect."""
        for _, each in self.versions:
            if each.state == "scheduled" and each.applies_on <= self.day:
                each.state = "effective"
        current = [each for _, each in self.versions if each.state == "effective"]
        for each in sorted(current, key=lambda version: version.applies_on)[:-1]:
            each.state = "superseded"

    def _try(self, which: int, act: Any, allows: Callable[[Version], bool]) -> Version | None:
        version_id, model = self.versions[which % len(self.versions)]
        try:
            with clock.fixed_at(self._moment()), db.transaction() as session:
                row = get_version(session, version_id)
                assert row is not None
                act(session, row)
        except DomainError as error:
            happened, cause = False, error.__cause__
        else:
            happened, cause = True, None
        # The services know it themselves; the databases' rules are the second lock.
        assert not isinstance(cause, IntegrityError), (which, model)
        assert happened is allows(model), (which, model)
        return model if happened else None

    @invariant()
    def agrees(self) -> None:
        """Every row stands where its model stands; never two in effect; no editor publishes."""
        with clock.fixed_at(self._moment()), db.reading() as session:
            for version_id, model in self.versions:
                row = session.get_one(SpecificationVersion, version_id)
                assert row.state.value == model.state
                assert row.is_published is model.is_public
                assert row.publisher_id is None or row.publisher_id != row.last_editor_id
        assert sum(each.state == "effective" for _, each in self.versions) <= 1


def _one_requirement(version_id: UUID) -> Requirement:
    return Requirement(
        specification_version_id=version_id,
        requirement_id="R-1",
        position=1,
        name="検索",
        text="検索できること。",
        class_designated_city=RequirementClass.MUST,
        class_core_city=RequirementClass.MUST,
        class_other=RequirementClass.MUST,
    )


@pytest.mark.timeout(60)
def test_specification_version_moves_as_the_reference_model(database) -> None:
    run_state_machine_as_test(SpecificationMachine, settings=LIMITS)
