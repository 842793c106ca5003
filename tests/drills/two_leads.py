"""Two leads decide at the same moment on PostgreSQL: one decision each time, never two."""

import os
import shutil
import threading
from collections import Counter
from uuid import UUID

from sqlmodel import Session, col, select

from bench.measures import measure
from catalog.certification import queries
from catalog.certification.models import Certification, Opinion
from core import audit, db
from core.errors import DomainError, StaleVersion
from tests.catalog.certification.conftest import Stage, decide, make_recommended, set_stage
from tests.databases import PostgresDatabase, make_run_folder

ROUNDS = 200


@measure(
    "two leads at once: rounds without exactly one decision",
    goal="== 0",
    unit="rounds",
    base=f"{ROUNDS} rounds, PostgreSQL, opposite decisions",
)
def count_doubles() -> float:
    """Return in how many rounds anything but one decision and one named conflict came out."""
    folder = make_run_folder()
    os.environ["NARABI_TEST_OWNER"] = str(os.getpid())
    database = PostgresDatabase(folder, "drill")
    try:
        database.reset()
        db.configure(database.url)
        wrong = sum(not is_one_decision(_new_stage()) for _ in range(ROUNDS))
        db.current().dispose()
        database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return wrong


def _new_stage() -> Stage:
    with db.transaction() as session:
        return set_stage(session)


def is_one_decision(stage: Stage) -> bool:
    """Run one round from the draft on; tells whether one lead won and the other was told who."""
    certification_id = make_recommended(stage)
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
    gate = threading.Barrier(2)
    results: list[DomainError | None] = [None, None]

    def act(number: int) -> None:
        decision = (Opinion.CERTIFY, Opinion.REFUSE)[number]
        gate.wait()
        try:
            decide(stage.lead(number), certification_id, decision, reason="同時に決定する。")
        except DomainError as error:
            results[number] = error

    threads = [threading.Thread(target=act, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
