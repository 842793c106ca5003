"""The audit trail forged in six ways by somebody who holds the database, against a checkpoint kept outside.

Half of the forgers mend every hash after their change, so that the chain alone speaks for them. Each
round begins with the same true chain, and is rolled back.
"""

import random
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, text
from sqlmodel import Session, select

from bench.measures import measure
from core import audit, audit_checkpoints, db
from core.audit import GENESIS, AuditDetail, AuditEvent, event_hash
from core.audit_checkpoints import Checkpoint
from tests.databases import SqliteDatabase, make_run_folder

ROUNDS = 400
EVENTS = 24
SEED = bytes(range(32))
_FIELDS = ("action", "subject_kind", "request_id", "commitment")
_IDS = ("person_id", "organisation_id", "subject_id", "owner_id", "case_id")


@dataclass(frozen=True)
class Link:
    """One event and its detail, as rows."""

    event: dict[str, Any]
    detail: dict[str, Any]


Chain = list[Link]
Forge = Callable[[Chain, random.Random], Chain]


@dataclass(frozen=True)
class Result:
    """How many forgeries of each kind were found, with the checkpoint and without it."""

    found: dict[str, int]
    found_alone: dict[str, int]


def edit(chain: Chain, chance: random.Random) -> Chain:
    """Change one value of one event or of its detail."""
    place = chance.randrange(len(chain))
    event, detail = dict(chain[place].event), dict(chain[place].detail)
    name = chance.choice([*_FIELDS, *_IDS, "occurred_at", "outcome", "detail", "salt"])
    if name in _FIELDS:
        event[name] = f"{event[name]}x"[-64:]
    elif name in _IDS:
        event[name] = uuid.UUID(int=chance.getrandbits(128))
    elif name == "occurred_at":
        event[name] += timedelta(microseconds=1)
    elif name == "outcome":
        event[name] = audit.Outcome.REFUSED
    else:
        detail[name] = "x" * 32 if name == "salt" else {"n": -1}
    return _mend(_put(chain, place, 1, [Link(event, detail)]), place, chance)


def remove(chain: Chain, chance: random.Random) -> Chain:
    """Take out one event before the last."""
    place = chance.randrange(len(chain) - 1)
    return _mend(_put(chain, place, 1, []), place, chance)


def swap(chain: Chain, chance: random.Random) -> Chain:
    """Let two events change places."""
    first, second = sorted(chance.sample(range(len(chain)), 2))
    changed = list(chain)
    for to, whence in ((first, second), (second, first)):
        event = {**chain[whence].event, "sequence": chain[to].event["sequence"]}
        changed[to] = Link(event, chain[whence].detail)
    return _mend(changed, first, chance)


def add(chain: Chain, chance: random.Random) -> Chain:
    """Put an event in that never happened; what follows moves on by one number."""
    place = chance.randrange(len(chain))
    forged = {**chain[place].event, "action": "forged", "hash": "f" * 64}
    later = [
        Link({**link.event, "sequence": link.event["sequence"] + 1}, link.detail)
        for link in chain[place:]
    ]
    return _mend([*chain[:place], Link(forged, chain[place].detail), *later], place, chance)


def truncate(chain: Chain, chance: random.Random) -> Chain:
    """Cut off the end."""
    return chain[: -chance.randint(1, len(chain) - 1)]


def rewrite(chain: Chain, chance: random.Random) -> Chain:
    """Tell everything anew from some event on, with right hashes."""
    place = chance.randrange(len(chain))
    later = [Link({**link.event, "action": "rewritten"}, link.detail) for link in chain[place:]]
    return _chained([*chain[:place], *later], place)


FORGERIES: dict[str, Forge] = {
    "edit": edit,
    "delete": remove,
    "swap": swap,
    "insert": add,
    "truncate": truncate,
    "rewrite": rewrite,
}


def forge_all(rounds: int) -> Result:
    """Forge so often in each way on the configured database, and count what is found."""
    checkpoint = _make_chain()
    key = audit_checkpoints.public_key(SEED)
    found, alone = dict.fromkeys(FORGERIES, 0), dict.fromkeys(FORGERIES, 0)
    chance = random.Random(20_261_122)
    with _without_triggers() as session:
        true = _read(session)
        assert audit_checkpoints.verify(session, checkpoint, key).problems == ()
        for name, forge in FORGERIES.items():
            for _ in range(rounds):
                held = session.begin_nested()
                _store(session, forge(true, chance))
                found[name] += bool(audit_checkpoints.verify(session, checkpoint, key).problems)
                alone[name] += bool(audit_checkpoints.verify(session).problems)
                held.rollback()
                session.expunge_all()
        assert audit_checkpoints.verify(session, checkpoint, key).problems == ()
    return Result(found, alone)


@measure(
    "tampering with the audit trail: forgeries not found against a checkpoint",
    goal="== 0",
    unit="forgeries",
    base=f"edit, delete, swap, insert, truncate, rewrite x {ROUNDS}; half mend every hash",
)
def count_missed() -> float:
    """Return how many of the forgeries passed; a truncation passes each time without a checkpoint."""
    result = rehearse(ROUNDS)
    assert (result.found_alone["truncate"], result.found_alone["rewrite"]) == (0, 0)
    return sum(ROUNDS - found for found in result.found.values())


def rehearse(rounds: int) -> Result:
    """Forge on a database of its own, and remove it."""
    folder = make_run_folder()
    try:
        database = SqliteDatabase(folder, "drill")
        database.reset()
        db.configure(database.url)
        result = forge_all(rounds)
        db.current().dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _make_chain() -> Checkpoint:
    with db.transaction() as session:
        for number in range(EVENTS):
            ids = [uuid.uuid4() for _ in range(3)]
            person, owner = audit.System(ids[0], ids[1]), {"owner_id": ids[1], "case_id": ids[2]}
            action = ("project.edit", "request.approve", "evidence.lock")[number % 3]
            audit.record(session, person, action, "Project", ids[2], n=number, **owner)
    with db.reading() as session:
        return audit_checkpoints.make_checkpoint(session, SEED, db.now(session))


@contextmanager
def _without_triggers() -> Iterator[Session]:
    session = db.open_session(writes=True)
    try:
        if db.current().is_sqlite:
            held = (
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'"
            )
            for name in session.execute(text(held)).scalars().all():
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session
    finally:
        session.rollback()
        session.close()


def _read(session: Session) -> Chain:
    rows = session.exec(
        select(AuditEvent, AuditDetail)
        .join(AuditDetail, AuditDetail.sequence == AuditEvent.sequence)
        .order_by(AuditEvent.sequence)
    ).all()
    found = [Link(event.model_dump(), detail.model_dump()) for event, detail in rows]
    session.expunge_all()
    return found


def _store(session: Session, chain: Chain) -> None:
    session.execute(delete(AuditDetail))
    session.execute(delete(AuditEvent))
    numbers = [link.event["sequence"] for link in chain]
    session.execute(insert(AuditEvent), [link.event for link in chain])
    details = [
        {**link.detail, "sequence": number} for link, number in zip(chain, numbers, strict=True)
    ]
    session.execute(insert(AuditDetail), details)


def _put(chain: Chain, place: int, count: int, links: Chain) -> Chain:
    return [*chain[:place], *links, *chain[place + count :]]


def _mend(chain: Chain, place: int, chance: random.Random) -> Chain:
    return _chained(chain, place) if chance.random() < 0.5 else chain


def _chained(chain: Chain, place: int) -> Chain:
    """Number and hash everything from a place on as if it had been so from the beginning."""
    previous = chain[place - 1].event["hash"] if place else GENESIS
    made = chain[:place]
    for number, link in enumerate(chain[place:], start=place + 1):
        event = {**link.event, "sequence": number, "previous_hash": previous}
        previous = event["hash"] = event_hash(AuditEvent(**event))
        made = [*made, replace(link, event=event)]
    return made
