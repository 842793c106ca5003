"""Comments against approval: races, the database's own guards, the machine; on both databases."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from catalog.specifications import queries as specifications
from catalog.specifications import services as versions
from catalog.specifications.consultation import queries, services
from catalog.specifications.consultation.models import (
    COMMENT_MACHINE,
    CommentAction,
    CommentState,
    Outcome,
    Phase,
    ProposalKind,
)
from catalog.specifications.models import SpecificationState
from core import audit_checkpoints, db
from core.errors import Conflict, DomainError, GuardFailed, NotFound, StaleVersion, WrongState
from tests.catalog.specifications.consulting import CLOSED, NOON, Scene, make_scene

S, A = CommentState, CommentAction


@pytest.fixture
def opened(database, new_client, hold_clock) -> Scene:
    hold_clock(NOON)
    scene = make_scene(new_client)
    scene.open()
    return scene


def no_wait() -> None:
    """Commit at once."""


def say(scene: Scene, before_commit: Callable[[], object] = no_wait) -> int:
    """Comment a moment before the period ends, whatever the clock of the others says."""
    with db.transaction() as session:
        session.info["now"] = CLOSED - timedelta(seconds=1)
        said = services.comment(
            session,
            scene.actor("clerk"),
            scene.id,
            requirement_id="R-002",
            kind=ProposalKind.CHANGE,
            text="間際の意見",
        )
        before_commit()
        return said.number


def approve(scene: Scene, before_commit: Callable[[], object] = no_wait) -> SpecificationState:
    """Publish the version a moment after the period."""
    with db.transaction() as session:
        session.info["now"] = CLOSED
        version = specifications.get_version(session, scene.version.id)
        assert version is not None
        lead = scene.actor("lead")
        versions.publish_version(session, lead, version, version=version.version)
        before_commit()
        return version.state


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that start together; return results or domain errors in order."""
    gate = threading.Barrier(len(acts))
    outcomes: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        gate.wait()
        try:
            outcomes[index] = acts[index]()
        except DomainError as error:
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def check_promise(scene: Scene) -> tuple[SpecificationState, int]:
    """No approved version holds a comment without a disposition; give state and open comments."""
    with db.reading() as session:
        version = specifications.get_version(session, scene.version.id)
        assert version is not None
        waiting = len(queries.find_waiting(session, scene.version.id)[1])
        assert audit_checkpoints.verify(session).problems == ()
    assert not (waiting and version.state is not SpecificationState.CONSULTATION)
    return version.state, waiting


@pytest.mark.parametrize("round_number", range(3))
def test_a_comment_that_arrives_while_the_version_is_approved(opened, round_number):
    said, approved = at_once(lambda: say(opened), lambda: approve(opened))
    state, waiting = check_promise(opened)
    if state is SpecificationState.CONSULTATION:
        assert waiting == 1
        assert said == 1
        assert isinstance(approved, GuardFailed)
        assert [anchor for anchor, _ in approved.reasons] == ["comment-1"]
    else:
        assert waiting == 0
        assert isinstance(said, GuardFailed)
        assert approved in {SpecificationState.SCHEDULED, SpecificationState.EFFECTIVE}


@pytest.mark.parametrize("comment_first", [True, False])
def test_whoever_comes_first_wins_and_the_other_is_told(opened, comment_first):
    """The second begins when the first has done its work and not yet committed."""
    worked, second_began = threading.Event(), threading.Event()

    def linger() -> None:
        worked.set()
        assert second_began.wait(30)
        time.sleep(0.2)  # the second waits for the lock meanwhile

    def begin_second(act: Callable[[Scene], object]) -> object:
        assert worked.wait(30)
        second_began.set()
        return act(opened)

    if comment_first:
        said, approved = at_once(lambda: say(opened, linger), lambda: begin_second(approve))
        assert said == 1
        assert isinstance(approved, GuardFailed)
        assert check_promise(opened) == (SpecificationState.CONSULTATION, 1)
    else:
        approved, said = at_once(lambda: approve(opened, linger), lambda: begin_second(say))
        assert approved is SpecificationState.SCHEDULED
        assert isinstance(said, GuardFailed)
        assert check_promise(opened) == (SpecificationState.SCHEDULED, 0)


def test_every_undisposed_comment_is_named_and_the_rest_is_free(opened, hold_clock):
    for number in range(1, 5):
        opened.say("clerk", f"意見その{number}")
    opened.dispose(2)
    hold_clock(CLOSED)
    with pytest.raises(GuardFailed) as refused:
        approve(opened)
    assert [anchor for anchor, _ in refused.value.reasons] == [
        "comment-1",
        "comment-3",
        "comment-4",
    ]
    opened.dispose(1, 3, 4)
    assert approve(opened) is SpecificationState.SCHEDULED
    with db.reading() as session:
        consultation = queries.get_consultation(session, opened.id)
        assert consultation is not None
        assert consultation.phase_at(db.now(session)) is Phase.PUBLISHED
        assert consultation.dispositions_published_by_id == opened.people["lead"][0].id
    with pytest.raises(Conflict, match="終わっています"):
        opened.dispose(1)


def test_the_database_refuses_what_the_services_refuse(opened):
    opened.say("clerk", "意見")
    for statement in (
        "UPDATE specification_versions SET state = 'approved' WHERE state = 'consultation'",
        "UPDATE specification_versions SET state = 'effective' WHERE state = 'consultation'",
        "UPDATE consultation_comments SET state = 'disposed'",
        "UPDATE consultations SET closes_on = '2026-09-01'",
        "UPDATE consultations SET dispositions_published_at = '2026-11-01'",
    ):
        with pytest.raises(IntegrityError), db.open_session(writes=True) as session:
            session.execute(text(statement))
    opened.dispose(1)
    for statement in (
        "UPDATE dispositions SET outcome = 'keep'",
        "UPDATE dispositions SET category = 'a'",
        "UPDATE dispositions SET outcome = 'modify'",
        "UPDATE dispositions SET reasoning = ''",
        "UPDATE consultation_comments SET state = 'open'",
    ):
        with pytest.raises(IntegrityError), db.open_session(writes=True) as session:
            session.execute(text(statement))
    with db.transaction() as session:
        session.execute(
            text(
                "UPDATE specification_versions SET state = 'withdrawn' WHERE state = 'consultation'"
            )
        )
    late = "UPDATE consultation_comments SET state = 'open', disposition_id = NULL"
    with pytest.raises(IntegrityError), db.open_session(writes=True) as session:
        session.execute(text(late))
    with pytest.raises(GuardFailed):
        opened.say("clerk", "遅い意見")


def test_the_machine_of_a_comment():
    allowed = {
        (S.OPEN, A.REVISE): S.OPEN,
        (S.OPEN, A.DISPOSE): S.DISPOSED,
        (S.OPEN, A.WITHDRAW): S.WITHDRAWN,
        (S.DISPOSED, A.REVISE): S.OPEN,
        (S.DISPOSED, A.DISPOSE): S.DISPOSED,
        (S.DISPOSED, A.WITHDRAW): S.WITHDRAWN,
    }
    for state, action in product(S, A):
        if (state, action) in allowed:
            assert COMMENT_MACHINE.target(state, action) is allowed[state, action]
        else:
            with pytest.raises(WrongState, match="提出意見は今「取下げ」です"):
                COMMENT_MACHINE.target(state, action)


def test_dispositions_of_a_group_are_all_or_nothing(opened):
    for number in range(1, 4):
        opened.say("clerk", f"意見その{number}")
    with db.transaction() as session:
        services.withdraw_comment(session, opened.actor("approver"), opened.id, 3, version=1)
    decision = services.Decision(Outcome.SUFFICIENT, reasoning="記載済みです。")

    def dispose(numbers: list[int], version: int) -> None:
        with db.transaction() as session:
            actor = opened.actor("reviewer")
            services.dispose(session, actor, opened.id, numbers, decision, version=version)

    with pytest.raises(WrongState):
        dispose([1, 2, 3], 4)
    with pytest.raises(StaleVersion):
        dispose([1, 2], 3)
    with pytest.raises(NotFound):
        dispose([1, 9], 2)
    assert opened.comment(1).state is S.OPEN
    dispose([1, 2], 2)
    assert opened.comment(1).disposition_id == opened.comment(2).disposition_id
    winner, loser = at_once(lambda: dispose([1], 2), lambda: dispose([1, 2], 4))
    assert [winner, loser].count(None) == 1
    assert sum(isinstance(each, StaleVersion) for each in (winner, loser)) == 1
