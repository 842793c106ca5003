"""Race 1: two leads decide differently at the same moment; one decision, and the loser is told whose."""

from collections import Counter
from uuid import UUID

from sqlmodel import Session, col, select

from bench.measures import measure
from catalog.certification import queries
from catalog.certification.models import Certification, Opinion
from core import audit, db
from core.config import Settings
from core.errors import DomainError, StaleVersion
from tests.catalog.certification.conftest import Stage, decide, make_recommended, set_stage
from tests.databases import DatabaseUnderTest
from tests.drills.both import RACES, Play, at_once, on_both


@measure("race 1, two leads: rounds with another outcome", goal="== 0", unit="rounds", base=RACES)
@on_both(fresh=1)
def count_wrong(_database: DatabaseUnderTest, _settings: Settings) -> Play:
    """Let two leads decide differently on one review, as it was before each round."""
    stage = _new_stage()
    certification_id = make_recommended(stage)

    def play(_number: int) -> bool:
        return is_decided_once(stage, certification_id)

    return play


def _new_stage() -> Stage:
    with db.transaction() as session:
        return set_stage(session)


def is_one_decision(stage: Stage) -> bool:
    """Run one round from the draft on; tells whether one lead won and the other was told who."""
    return is_decided_once(stage, make_recommended(stage))


def is_decided_once(stage: Stage, certification_id: UUID) -> bool:
    """Run one round on a review with two opinions; tells whether one lead won, the other was told."""
    results = decide_at_once(stage, certification_id)
    if results.count(None) != 1:
        return False
    winner = results.index(None)
    loser = results[1 - winner]
    if not isinstance(loser, StaleVersion) or stage.leads[winner].name not in loser.message:
        return False
    with db.reading() as session:
        return is_recorded_once(session, certification_id, stage, winner)


def is_recorded_once(session: Session, certification_id: UUID, stage: Stage, winner: int) -> bool:
    """Tell whether row and trail hold the winner's decision and the loser's attempt."""
    rows = session.exec(
        select(Certification).where(col(Certification.id) == certification_id)
    ).all()
    outcomes = Counter(
        (event.person_id, event.outcome)
        for event, _, _ in queries.list_events(session, certification_id)
        if event.action == "certification.decide"
    )
    expected = {
        (stage.leads[winner].id, audit.Outcome.DONE): 1,
        (stage.leads[1 - winner].id, audit.Outcome.CONFLICT): 1,
    }
    return [row.decided_by_id for row in rows] == [stage.leads[winner].id] and outcomes == expected


def decide_at_once(stage: Stage, certification_id: UUID) -> list[DomainError | None]:
    """Let both leads decide differently at the same moment; returns what each was told."""

    def act(number: int) -> None:
        decision = (Opinion.CERTIFY, Opinion.REFUSE)[number]
        decide(stage.lead(number), certification_id, decision, reason="同時に決定する。")

    return at_once(lambda: act(0), lambda: act(1))
