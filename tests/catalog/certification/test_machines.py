"""The machine of reviews, walked at random by its services and held against a small reference model.

Two versions of an offering go through review, conditions, surveillance, measures, appeals and time. The
services run on SQLite; what the databases refuse by themselves stands in test_four_eyes.
"""

import json
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4

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
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from accounts.models import Role
from catalog.certification import queries, services
from catalog.certification.models import (
    SETTLED,
    Certification,
    Finding,
    FindingAction,
    FindingState,
    Opinion,
)
from catalog.certification.queries import proceedings
from catalog.offerings import services as offerings
from catalog.offerings.models import OfferingVersion
from catalog.terms import Answer
from core import clock, db, outbox
from core.clock import day_in_japan
from core.config import Settings
from core.errors import DomainError
from tests import factories
from tests.catalog.certification.conftest import Stage, load, load_version
from tests.catalog.certification.reference import (
    APPEAL_DAYS,
    DUE_IN,
    VALID_FOR,
    Reference,
    S,
)
from tests.catalog.certification.test_services import change_answer

pytestmark = pytest.mark.sqlite_only
LIMITS = settings(
    max_examples=2,
    stateful_step_count=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a failing walk is short enough to read as it is
    database=None,
    suppress_health_check=list(HealthCheck),
)
START = datetime(2026, 10, 1, 1, tzinfo=UTC)
SETTINGS = Settings(env="development", appeal_days=APPEAL_DAYS)
CONDITION = "R-001"
TOLD = ("organisation.told", "person.told", "search.listing_changed", "certification.changed")
HANDLERS = {**dict.fromkeys(TOLD, lambda _session, _payload: None), **services.HANDLERS}
COUNTED = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM {table} WHERE certification_id = :id AND state = '{state}')"
    for table, state in (("appeals", "filed"), ("findings", "open"), ("findings", "answered"))
)
KINDS = ("open", "open", "open", "barred", "barred", "barred", "closed", "wait")
# The ways to where walks begin, each a stretch further than another one.
REVIEWED = ((0, "assign", 0), (0, "raise", 0), (0, "favour", 0), (0, "reply", 0), (0, "accept", 0), (0, "favour", 1))  # fmt: skip
STRETCHES: dict[str, tuple[str, tuple[tuple[int, str, int], ...]]] = {
    "submitted": ("", ()),
    "argued": ("submitted", ((0, "assign", 0), (0, "raise", 0), (0, "favour", 0), (0, "favour", 1))),
    "reviewed": ("submitted", REVIEWED),
    "certified": ("reviewed", ((0, "certify", 0),)),
    "refused": ("reviewed", ((0, "refuse", 0),)),
    "overturned": ("refused", ((0, "appeal", 0), (0, "uphold", 1), (0, "submit", 0), (0, "favour", 0), (0, "favour", 1))),
    "sold": ("reviewed", ((0, "conditionally", 0), (0, "publish", 0))),
    "renewed": ("sold", ((0, "renew", 0), (1, "assign", 0), (1, "favour", 0))),
    "contested": ("renewed", ((1, "raise", 0),)),
    "rejected": ("sold", ((0, "renew", 0), (1, "assign", 0), (1, "object", 0))),
    "paused": ("renewed", ((0, "suspend", 0), (0, "propose", 1))),
    "covered": ("renewed", ((1, "cover", 1),)),
    "apart": ("covered", ((1, "suspend", 0), (0, "suspend", 0), (0, "resume", 0))),
    "fallen": ("covered", ((0, "propose", 0), (0, "confirm", 1), (0, "appeal", 0), (0, "uphold", 2))),
    "met": ("sold", ((0, "report", 0), (0, "judge_met", 0), (0, "wait", 4))),
    "late": ("sold", ((0, "wait", 4), (0, "suspend", 0), (0, "appeal", 0), (0, "resume", 1), (0, "suspend", 1))),
    "replaced": ("covered", ((1, "publish", 0),)),
}  # fmt: skip


class CertificationMachine(RuleBasedStateMachine):
    """Leads, reviewers and the vendor act at random, and days pass."""

    def __init__(self, stage: Stage, beginning: str) -> None:
        super().__init__()
        self.stage, self.beginning = stage, beginning

    @initialize(turn=st.integers(0, 999))
    def begin(self, turn: int) -> None:
        """Submit a draft with an answer that may become a condition, and go on from there."""
        self.turn, self.steps = turn, 0
        assert self.stage.stages is not None
        self.stage.stages.start_over("draft")
        self.model, self.ticks, self.taken = Reference(), 0, Counter[Any]()
        self.told: Counter[tuple[UUID, str]] = Counter()
        self._go_to(self.beginning)

    def _go_to(self, beginning: str) -> None:
        """Walk to a beginning, stretch by stretch, and knock at each of its guards; once each.

        What has been walked before is brought back.
        """
        before, steps = STRETCHES[beginning]
        if before:
            self._go_to(before)

        def walk() -> tuple[list[UUID], list[UUID], Any, int, Counter[tuple[UUID, str]]]:
            if not before:
                self._prepare()
            model = deepcopy(self.model)
            for step in steps:
                self.try_way(*step)
            for way in self.model.barred().values():
                self.try_way(*way)
            self.model = model
            return self.versions[:], self.reviews[:], self.third, self.ticks, self.told.copy()

        kept = self.stage.kept(f"walked-{beginning}", walk)
        versions, reviews, self.third, self.ticks, told = kept
        self.versions, self.reviews, self.told = versions[:], reviews[:], told.copy()
        for step in steps:
            self.model.move(*step)

    def _prepare(self) -> None:
        change_answer(self.stage, Answer.ALTERNATIVE, conformity_date=None)
        with db.transaction() as session:
            session.execute(text("UPDATE conformance_answers SET note = '別の画面で行います。'"))
            self.third = factories.person(session, Role.LEAD_REVIEWER, self.stage.agency)
        self.versions, self.reviews = [self.stage.version_id], []
        with clock.fixed_at(self._moment()):
            self._submit(0)

    def _moment(self) -> datetime:
        return START + timedelta(days=self.model.day, seconds=self.ticks)

    @rule(drawn=st.integers(0, 2**16))
    def step(self, drawn: int) -> None:
        """Do what is possible, run against a guard, act out of turn, or let days pass.

        One rule, since a walk of few rules would leave the others out: each kind of act comes in its
        turn, so that late states and rare guards are reached in walks that are short enough.
        """
        self.steps += 1
        chance = Random(f"{self.beginning} {self.turn} {self.steps} {drawn}")
        kind = chance.choice(KINDS)
        if kind == "wait":
            self.try_way(0, "wait", chance.choice((1, 2, 4)))
            return
        ways: dict[tuple[int, str, int], tuple[str, ...]]
        if kind == "barred":
            ways = {way: guard for guard, way in self.model.barred().items()}
        else:
            found = self.model.ways() if kind == "open" else self.model.closed()
            ways = {way: (way[1],) for way in found}
        if ways:
            fewest = min(self.taken[kind, key] for key in ways.values())
            way = chance.choice([w for w, key in ways.items() if self.taken[kind, key] == fewest])
            self.taken[kind, ways[way]] += 1
            self.try_way(*way)

    def try_way(self, number: int, act: str, who: int) -> None:
        """Do an act by the services; they and the model must agree on whether it is possible."""
        self.ticks += 1
        if act == "wait":
            self.model.move(number, act, who)
            self._deliver()
            return
        expected = self.model.allows(number, act, who)
        try:
            with clock.fixed_at(self._moment()):
                self._do(number, act, who)
        except DomainError as error:
            happened, cause = False, error.__cause__
        else:
            happened, cause = True, None
        # The services know it themselves; the databases' rules are the second lock.
        assert not isinstance(cause, IntegrityError), (act, who)
        assert happened is expected, (number, act, who, self.model.lines)
        if happened:
            self.model.move(number, act, who)
        if happened and act == "publish":
            self._deliver()

    def _do(self, number: int, act: str, who: int) -> None:
        if act == "submit":
            self._submit(number)
        elif act == "renew":
            self._renew()
        else:
            with db.transaction() as session:
                review = load(session, self.reviews[number])
                for part in (self._review, self._find, self._decide, self._measure):
                    if part(session, act, who, review):
                        return
                self._dispute(session, act, who, review)

    def _submit(self, number: int) -> None:
        with db.transaction() as session:
            row = load_version(session, self.versions[number])
            made = services.submit_offering(session, self.stage.company.acts(), row).id
        self.reviews[number:] = [made, *self.reviews[number + 1 :]]

    def _renew(self) -> None:
        with db.transaction() as session:
            row = load_version(session, self.versions[0])
            made = offerings.start_new_version(session, self.stage.company.acts(), row.offering)
            session.flush()
            self.versions[1:] = [made.id]
        self._submit(1)

    def _lead(self, who: int) -> Any:
        person = self.third if who == 2 else self.stage.leads[who]
        return factories.actor(person, Role.LEAD_REVIEWER, self.stage.agency)

    def _review(self, session: Any, act: str, who: int, review: Any) -> bool:
        reviewer, day = self.stage.reviewer(who % 2), day_in_japan(self._moment())
        if act == "assign":
            first, second = self.stage.reviewers
            services.assign(session, self._lead(who), review, first.id, second.id)
            for each in range(2):
                reviewer = self.stage.reviewer(each)
                services.declare(session, reviewer, review, has_conflict=False, words="")
        elif act in {"favour", "object"}:
            opinion = Opinion.CERTIFY if act == "favour" else Opinion.REFUSE
            services.recommend(session, reviewer, review, opinion=opinion, reason="理由です。")
        elif act == "ask":
            due_on = day + timedelta(days=9)
            services.request_info(session, reviewer, review, reason="理由です。", due_on=due_on)
        elif act == "publish":
            vendor = self.stage.company.acts()
            services.publish_offering(session, vendor, review.offering_version)
        else:
            return False
        return True

    def _find(self, session: Any, act: str, who: int, review: Any) -> bool:
        if act not in {"raise", "reply", "ask_again", "accept", "withdraw"}:
            return False
        reviewer, vendor = self.stage.reviewer(who % 2), self.stage.company.acts()
        found = proceedings.list_findings(session, review.id)
        if act == "raise":
            services.raise_finding(session, reviewer, review, requirement_id=None, words="指摘。")
        elif act == "reply":
            services.reply(session, vendor, review, _first(found, FindingState.OPEN), "直した。")
        elif act == "ask_again":
            answered = _first(found, FindingState.ANSWERED)
            services.ask_again(session, reviewer, review, answered, "まだです。")
        else:
            chosen = _first(found, FindingState.ANSWERED, FindingState.OPEN)
            services.settle(session, reviewer, review, chosen, action=FindingAction(act))
        return True

    def _decide(self, session: Any, act: str, who: int, review: Any) -> bool:
        lead, day = self._lead(who), day_in_japan(self._moment())
        seen = {"reason": "理由です。", "version": review.version}
        decisions = {
            "certify": Opinion.CERTIFY,
            "conditionally": Opinion.CONDITIONAL,
            "refuse": Opinion.REFUSE,
        }
        if act == "cover":
            services.cover(session, lead, SETTINGS, review, **seen)
        elif act in decisions:
            due_on = day + timedelta(days=DUE_IN)
            asked = [services.Condition(CONDITION, due_on)] if act == "conditionally" else []
            until = None if act == "refuse" else day + timedelta(days=VALID_FOR)
            services.decide(
                session, lead, SETTINGS, review, decision=decisions[act], conditions=asked,
                valid_until=until, **seen,
            )  # fmt: skip
        else:
            return False
        return True

    def _measure(self, session: Any, act: str, who: int, review: Any) -> bool:
        measures = {
            "suspend": services.suspend,
            "resume": services.resume,
            "propose": services.propose_revocation,
            "confirm": services.confirm_revocation,
            "drop": services.drop_revocation,
        }
        if act in measures:
            said = {"reason": "理由です。", "version": review.version}
            measures[act](session, self._lead(who), SETTINGS, review, **said)
        elif act == "report":
            services.report_condition(
                session, self.stage.company.acts(), review, requirement_id=CONDITION,
                met_on=day_in_japan(self._moment()), note="満たした。",
            )  # fmt: skip
        elif act in {"judge_met", "judge_back"}:
            reports = proceedings.list_reports(session, review.id)
            report_id, is_met = reports[-1].id if reports else uuid4(), act == "judge_met"
            reviewer = self.stage.reviewer(who % 2)
            services.judge_report(
                session, reviewer, review, report_id, is_met=is_met, note="確認。"
            )
        else:
            return False
        return True

    def _dispute(self, session: Any, act: str, who: int, review: Any) -> None:
        if act == "appeal":
            services.file_appeal(session, self.stage.company.acts(), review, reason="不服です。")
            return
        upheld, lead = act == "uphold", self._lead(who)
        services.decide_appeal(session, lead, SETTINGS, review, upheld=upheld, reason="理由です。")

    def _deliver(self) -> None:
        """Note what the vendor is told, and deliver what time and publication bring."""
        with clock.fixed_at(self._moment()):
            self._collect()
            outbox.drain(HANDLERS)
            self._collect()

    def _collect(self) -> None:
        with db.transaction() as session:
            asked = "SELECT payload FROM outbox_messages WHERE topic = 'organisation.told'"
            for said in map(json.loads, session.execute(text(asked)).scalars()):
                kind = said["kind"].removeprefix("certification.")
                self.told[UUID(said["path"].rpartition("/")[2]), kind] += 1
            # Nothing here looks at the other messages; delivering them would take most of the time.
            names = ", ".join(f"'{each}'" for each in TOLD)
            session.execute(text(f"DELETE FROM outbox_messages WHERE topic IN ({names})"))

    @invariant()
    def agrees(self) -> None:
        """Every row stands where the model stands, and a reader is told nothing else."""
        with clock.fixed_at(self._moment()), db.reading() as session:
            for review_id, line in zip(self.reviews, self.model.lines, strict=True):
                review = session.get_one(Certification, review_id)
                version = session.get_one(OfferingVersion, review.offering_version_id)
                assert review.state is line.state
                assert review.public_state(db.now(session)) is self.model.public(line)
                offer = {"in_review": "submitted"}.get(state := version.state, state)
                assert offer == line.offer
                counted = session.execute(text(COUNTED), {"id": review_id.hex}).one()
                assert counted == (bool(line.appeal), line.open, line.answered)
                standing = queries.standing_of(review, db.now(session), has_answers=True)
                if line.state is S.CONDITIONAL:
                    assert standing.due_on == (START + timedelta(days=line.due)).date()
                people = [review.submitted_by_id, *review.assigned_ids, review.decided_by_id]
                named = [each for each in people if each]
                assert len(named) == len(set(named))
                for kind in ("expired", "condition_due"):
                    assert self.told[review_id, kind] == line.told[kind], kind


def _first(findings: list[Finding], *states: FindingState) -> UUID:
    """Give the first finding in the first of these states, else one that is settled, or none at all."""
    for state in states:
        for each in findings:
            if each.state is state:
                return each.id
    return next((each.id for each in findings if each.state in SETTLED), uuid4())


@pytest.mark.timeout(120)
def test_certification_moves_as_the_reference_model(stage: Stage) -> None:
    for beginning in STRETCHES:
        run_state_machine_as_test(partial(CertificationMachine, stage, beginning), settings=LIMITS)
