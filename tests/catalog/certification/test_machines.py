"""The machine of reviews, walked at random by its services and held against a small reference model.

The services run on SQLite; what the databases refuse by themselves stands in test_four_eyes.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Role
from catalog.certification import services
from catalog.certification.models import Opinion, ReviewState
from catalog.certification.queries import proceedings
from catalog.specifications.ending import VERSION_ENDED
from catalog.specifications.services import PUBLISHED
from catalog.terms import CertificationState
from core import db
from core.clock import today_jst
from core.errors import DomainError
from tests import factories
from tests.catalog.certification.conftest import (
    SETTINGS,
    Stage,
    assign,
    decide,
    load,
    recommend,
    set_stage,
    submit,
)

pytestmark = pytest.mark.sqlite_only
S = ReviewState
LIMITS = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a failing walk is short enough to read as it is
    database=None,
    suppress_health_check=list(HealthCheck),
)
START = datetime(2026, 10, 1, 1, tzinfo=UTC)
TOLD = (PUBLISHED, VERSION_ENDED, "organisation.told", "search.listing_changed")


class Reference:
    """What must be true of one certification, in a few lines: states, opinions, proposals, appeals."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Stand where a first submission stands."""
        self.state = S.SUBMITTED
        self.filed: set[int] = set()
        self.proposer: int | None = None
        self.decider: int | None = None
        self.deciders: set[int] = set()  # of the decision that may be disputed
        self.disputed_deciders: set[int] = set()
        self.overturned: set[int] = set()
        self.appealed: bool = False
        self.disputed: set[tuple[str, int]] = set()
        self.turn = 0

    def allows(self, act: str, who: int) -> bool:
        """Tell whether an act succeeds now for lead or reviewer number `who`."""
        live = self.state in {S.CERTIFIED, S.SUSPENDED}
        rules = {
            "submit": self.state is S.INFO_REQUESTED
            or (self.state is S.REFUSED and not self.appealed),
            "assign": self.state is S.SUBMITTED,
            "recommend": self.state in {S.ASSIGNED, S.UNDER_REVIEW} and who not in self.filed,
            "ask": self.state in {S.ASSIGNED, S.UNDER_REVIEW},
            "certify": self.state is S.RECOMMENDED and who not in self.overturned,
            "refuse": self.state is S.RECOMMENDED and who not in self.overturned,
            "suspend": self.state is S.CERTIFIED,
            "resume": self.state is S.SUSPENDED and self.proposer is None,
            "propose": live and self.proposer is None,
            "confirm": live and self.proposer is not None and who != self.proposer,
            "drop": live and self.proposer is not None,
            "appeal": self.state in {S.REFUSED, S.SUSPENDED, S.REVOKED}
            and not self.appealed
            and (self.state.value, self.turn) not in self.disputed,
            "uphold": self.appealed and who not in self.disputed_deciders,
            "dismiss": self.appealed and who not in self.disputed_deciders,
        }
        return rules[act]

    def move(self, act: str, who: int) -> None:
        """Change as the act does."""
        if act == "recommend":
            self.filed.add(who)
            self.state = S.RECOMMENDED if len(self.filed) == 2 else S.UNDER_REVIEW
        elif act == "propose":
            self.proposer = who
        elif act == "drop":
            self.proposer = None
        elif act == "appeal":
            self.appealed = True
            self.disputed.add((self.state.value, self.turn))
            self.appealed_in = (self.state, self.turn)
            self.disputed_deciders = set(self.deciders)
        elif act in {"uphold", "dismiss"}:
            self._close_appeal(act, who)
        else:
            self._go(act, who)

    def _go(self, act: str, who: int) -> None:
        if act == "submit" and self.state is S.REFUSED:
            self.begin()  # a new review of the same version
            return
        targets = {
            "submit": S.UNDER_REVIEW,
            "assign": S.ASSIGNED,
            "ask": S.INFO_REQUESTED,
            "certify": S.CERTIFIED,
            "refuse": S.REFUSED,
            "suspend": S.SUSPENDED,
            "resume": S.CERTIFIED,
            "confirm": S.REVOKED,
        }
        self.state = targets[act]
        if act == "submit":
            self.filed = set()
        if act in {"refuse", "suspend", "confirm"}:
            self.turn += 1
            self.deciders = {who, self.proposer} - {None} if act == "confirm" else {who}  # type: ignore[assignment]

    def _close_appeal(self, act: str, who: int) -> None:
        del who
        self.appealed = False
        if act == "dismiss" or self.appealed_in != (self.state, self.turn):
            return
        if self.state is S.REFUSED:
            self.overturned |= self.deciders
            self.filed = set()
            self.state = S.INFO_REQUESTED
        else:
            self.proposer = None if self.state is S.REVOKED else self.proposer
            self.state = S.CERTIFIED


ACTS = (
    "submit", "assign", "recommend", "ask", "certify", "refuse", "suspend", "resume",
    "propose", "confirm", "drop", "appeal", "uphold", "dismiss",
)  # fmt: skip


CERTIFYING = (("assign", 0), ("recommend", 0), ("recommend", 1), ("certify", 0))


class CertificationMachine(RuleBasedStateMachine):
    """Leads, reviewers and the vendor act at random."""

    stage: Stage

    @initialize(is_decided=st.booleans())
    def begin(self, is_decided: bool) -> None:  # noqa: FBT001 - drawn
        """Submit a complete draft; sometimes begin where it has been certified."""
        with db.transaction() as session:
            self.stage = set_stage(session)
            self.third = factories.person(session, Role.LEAD_REVIEWER, self.stage.agency)
        self.review_id: UUID = submit(self.stage)
        self.model, self.taken = Reference(), 0
        for act, who in CERTIFYING if is_decided else ():
            self.try_act(act, who)

    @rule(act=st.sampled_from(ACTS), who=st.integers(0, 2))
    def try_act(self, act: str, who: int) -> None:
        """Try any act by anybody: the services and the model must agree on whether it is possible."""
        who = who % 2 if act == "recommend" else who
        expected = self.model.allows(act, who)
        try:
            self._do(act, who)
        except DomainError:
            happened = False
        else:
            happened = True
        assert happened is expected, (act, who, self.model.state)
        if happened:
            self.model.move(act, who)

    @rule(index=st.integers(0, 999))
    def take_an_open_way(self, index: int) -> None:
        """Take one of the acts that are possible now, so that late states are reached often."""
        ways = [
            (act, who)
            for act in ACTS
            for who in range(2 if act == "recommend" else 3)
            if self.model.allows(act, who)
        ]
        if ways:
            self.taken += 1
            self.try_act(*ways[(index + 5 * self.taken) % len(ways)])

    def _lead(self, who: int) -> Any:
        person = self.third if who == 2 else self.stage.leads[who]
        return factories.actor(person, Role.LEAD_REVIEWER, self.stage.agency)

    def _do(self, act: str, who: int) -> None:
        simple = {
            "submit": self._submit,
            "assign": lambda: assign(self.stage, self.review_id),
            "recommend": lambda: recommend(self.stage, self.review_id, who),
            "certify": lambda: decide(self._lead(who), self.review_id),
            "refuse": lambda: decide(
                self._lead(who), self.review_id, Opinion.REFUSE, reason="認めない。"
            ),
        }
        if act in simple:
            simple[act]()
            return
        with db.transaction() as session:
            review = load(session, self.review_id)
            self._measure(session, act, who, review)

    def _measure(self, session: Any, act: str, who: int, review: Any) -> None:
        vendor, reason = self.stage.company.acts(), "理由です。"
        measures = {
            "suspend": services.suspend,
            "resume": services.resume,
            "propose": services.propose_revocation,
            "confirm": services.confirm_revocation,
            "drop": services.drop_revocation,
        }
        if act in measures:
            said = {"reason": reason, "version": review.version}
            measures[act](session, self._lead(who), SETTINGS, review, **said)
        elif act == "ask":
            due_on = today_jst() + timedelta(days=9)
            reviewer = self.stage.reviewer(who % 2)
            services.request_info(session, reviewer, review, reason=reason, due_on=due_on)
        elif act == "appeal":
            services.file_appeal(session, vendor, review, reason=reason)
        else:
            lead, upheld = self._lead(who), act == "uphold"
            services.decide_appeal(session, lead, SETTINGS, review, upheld=upheld, reason=reason)

    def _submit(self) -> None:
        self.review_id = submit(self.stage)

    @invariant()
    def agrees(self) -> None:
        """The row stands where the model stands, and a reader is told nothing else."""
        with db.reading() as session:
            review = load(session, self.review_id)
            assert review.state is self.model.state
            told = review.public_state(db.now(session))
            assert (told is CertificationState.CERTIFIED) is (self.model.state is S.CERTIFIED)
            assert bool(proceedings.find_open_appeal(session, review.id)) is self.model.appealed
            people = [review.submitted_by_id, *review.assigned_ids, review.decided_by_id]
            named = [each for each in people if each]
            assert len(named) == len(set(named))


@pytest.mark.timeout(60)
def test_certification_moves_as_the_reference_model(database) -> None:
    run_state_machine_as_test(CertificationMachine, settings=LIMITS)
