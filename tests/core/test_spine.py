"""Transaction, audit chain, change log, outbox and state machines, seen through the tables."""

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from accounts.models import Person
from core import audit, audit_checkpoints, changes, outbox
from core.cli import Operation, audit_group
from core.clock import fixed_at
from core.db import now, reading, transaction
from core.errors import Conflict, StaleVersion, WrongState
from tests import factories
from vendors.models import Vendor, VendorAction, VendorState

SEED = bytes(range(32))


def record(count, **detail):
    for number in range(count):
        with transaction() as session:
            audit.record(
                session, audit.SYSTEM, "test.act", "Thing", uuid.uuid4(), n=number, **detail
            )


def rewrite(statement, **values):
    """Change the trail as somebody with the database's own rights could: triggers switched off."""
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text(statement), values)
            return
        names = session.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        ).all()
        for name, _ in names:
            session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(text(statement), values)
        for _, sql in names:
            session.execute(text(sql))


def test_everything_of_an_act_commits_together_or_not_at_all(database):
    with pytest.raises(RuntimeError), transaction() as session:
        factories.person(session)
        audit.record(session, audit.SYSTEM, "test.act", "Thing", None)
        changes.append(session, "probe", uuid.uuid4())
        outbox.publish(session, "test", {})
        raise RuntimeError
    with reading() as session:
        counts = [
            session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("people", "audit_events", "public_changes", "outbox_messages")
        ]
    assert counts == [0, 0, 0, 0]


def test_verify_accepts_an_untouched_chain_and_counts_it(database):
    record(5)
    with reading() as session:
        result = audit_checkpoints.verify(session)
    assert (result.events, result.problems) == (5, ())


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_events SET action = 'x' WHERE sequence = 3",
        "DELETE FROM audit_events WHERE sequence = 3",
        "UPDATE audit_details SET salt = 'x' WHERE sequence = 3",
    ],
)
def test_verify_names_the_event_that_was_changed(database, tampering):
    record(5)
    if tampering.startswith("DELETE"):
        rewrite("DELETE FROM audit_details WHERE sequence = 3")
    rewrite(tampering)
    with reading() as session:
        problems = audit_checkpoints.verify(session).problems
    assert problems
    assert "3番" in problems[0]


def test_a_missing_detail_is_named_unless_it_was_erased_by_law(database, settings):
    record(3, name="見本 太郎")
    with transaction() as session:
        session.execute(text("DELETE FROM audit_details WHERE sequence IN (2, 3)"))
    with reading() as session:
        lost = "番の記録の詳細がありません。消されています。"
        assert audit_checkpoints.verify(session).problems == (f"2{lost}", f"3{lost}")
        assert audit_checkpoints.verify(session, erased=[2]).problems == (f"3{lost}",)
    seen = run_verify(settings, "--erased", "2")
    assert (seen.exit_code, f"3{lost}" in seen.output, f"2{lost}" in seen.output) == (
        1,
        True,
        False,
    )
    assert run_verify(settings, "--erased", "2", "--erased", "3").exit_code == 0


def test_a_broken_checkpoint_file_is_refused_in_a_sentence(database, settings, tmp_path):
    record(2)
    file = tmp_path / "checkpoint.json"
    with reading() as session:
        good = audit_checkpoints.make_checkpoint(
            session, settings.effective_audit_seed, now(session)
        ).to_json()
    file.write_text(good, "utf-8")
    assert run_verify(settings, "--checkpoint", str(file)).exit_code == 0
    values = json.loads(good)
    broken = [b"", b"\xff\xfe\x00", b"[]", b"3", b"null", b"[" * 100_000, good[:-1].encode()]
    broken += [
        json.dumps({**values, name: value}).encode()
        for name in values
        for value in (None, "x", 1.5, -1, True, 10**30, [], {}, "Z" * 64)
        if name != "made_at" or not isinstance(value, str)
    ]
    for content in broken:
        file.write_bytes(content)
        refused = run_verify(settings, "--checkpoint", str(file))
        assert refused.exit_code == 1, content
        assert isinstance(refused.exception, SystemExit), content
        assert "確認点のファイルではありません" in refused.output, content


def run_verify(settings, *arguments):
    operation = Operation(settings, {}, {})
    return CliRunner().invoke(audit_group, ["verify", *arguments], obj=operation)


def test_truncation_passes_without_a_checkpoint_and_is_found_with_one(database):
    record(5)
    with reading() as session:
        checkpoint = audit_checkpoints.make_checkpoint(session, SEED, now(session))
    for table in ("audit_details", "audit_events"):
        rewrite(f"DELETE FROM {table} WHERE sequence > 3")
    key = audit_checkpoints.public_key(SEED)
    with reading() as session:
        assert audit_checkpoints.verify(session).problems == ()
        found = audit_checkpoints.verify(session, checkpoint, key).problems
    assert found == ("確認点では5番までありましたが、今は3番までです。",)


def test_a_checkpoint_signed_by_another_key_is_refused(database):
    record(1)
    with reading() as session:
        checkpoint = audit_checkpoints.make_checkpoint(session, bytes(32), now(session))
        found = audit_checkpoints.verify(
            session, checkpoint, audit_checkpoints.public_key(SEED)
        ).problems
    assert found == ("確認点の署名が合いません。",)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'x'",
        "DELETE FROM audit_events",
        "UPDATE public_changes SET kind = 'x'",
        "DELETE FROM public_changes",
        "UPDATE audit_details SET salt = 'x'",
    ],
)
def test_the_database_refuses_to_change_the_trail(database, statement):
    record(1)
    with transaction() as session:
        changes.append(session, "probe", uuid.uuid4())
    with pytest.raises((DBAPIError, Conflict)), transaction() as session:
        session.execute(text(statement))


def test_chain_and_feed_have_no_gap_under_parallel_writers(database):
    def write():
        for _ in range(10):
            with transaction() as session:
                audit.record(session, audit.SYSTEM, "test.act", "Thing", None)
                changes.append(session, "probe", uuid.uuid4())

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading() as session:
        assert audit_checkpoints.verify(session).problems == ()
        sequences = [change.sequence for change in changes.list_changes(session, 0, 100)]
    assert sequences == list(range(1, 41))


def test_the_last_word_on_a_subject_counts_once_per_act(database):
    subject = uuid.uuid4()
    with transaction() as session:
        changes.append(session, "probe", subject)
        changes.append(session, "probe", subject, changes.Operation.DELETE)
    with reading() as session:
        (change,) = changes.list_changes(session, 0, 10)
    assert change.operation is changes.Operation.DELETE


def make_vendor():
    with transaction() as session:
        return factories.vendor(session, VendorState.SUBMITTED).id


def test_a_transition_outside_the_table_is_refused_naming_the_state(database):
    vendor_id = make_vendor()
    with pytest.raises(WrongState, match="提出済み"), transaction() as session:
        session.get_one(Vendor, vendor_id).apply(VendorAction.APPROVE)


def test_of_two_who_saw_the_same_version_one_wins(database):
    vendor_id = make_vendor()
    barrier = threading.Barrier(2)
    outcomes = []

    def decide(action):
        try:
            with transaction() as session:
                vendor = session.get_one(Vendor, vendor_id)
                if session.get_bind().dialect.name == "postgresql":
                    barrier.wait(5)
                vendor.apply(action, 1)
        except (StaleVersion, WrongState) as error:
            outcomes.append(error.code)
        else:
            outcomes.append("done")

    actions = (VendorAction.START_CHECK, VendorAction.WITHDRAW)
    threads = [threading.Thread(target=decide, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["done", "stale_version"], ["done", "wrong_state"])
    with reading() as session:
        assert session.get_one(Vendor, vendor_id).version == 2


def test_a_stale_edit_changes_nothing_and_tells_what_stands_there(database):
    vendor_id = make_vendor()
    with transaction() as session:
        session.get_one(Vendor, vendor_id).revise(1, address="先の住所")
    with pytest.raises(StaleVersion) as caught, transaction() as session:
        session.get_one(Vendor, vendor_id).revise(1, address="後の住所")
    assert caught.value.current["address"] == "先の住所"
    with reading() as session:
        assert session.get_one(Vendor, vendor_id).address == "先の住所"


def test_a_message_is_delivered_once_and_only_when_it_is_due(database):
    start = datetime(2026, 10, 1, tzinfo=UTC)
    seen = []
    handlers = {"test": lambda _session, payload: seen.append(payload["n"])}
    with fixed_at(start), transaction() as session:
        outbox.publish(session, "test", {"n": 1})
        outbox.publish(session, "test", {"n": 2}, due_at=start + timedelta(hours=1))
    with fixed_at(start):
        outbox.drain(handlers)
        outbox.drain(handlers)
    assert seen == [1]
    with fixed_at(start + timedelta(hours=2)):
        outbox.drain(handlers)
    assert seen == [1, 2]


def test_a_failing_handler_is_tried_again_later_and_its_work_is_undone(database):
    start = datetime(2026, 10, 1, tzinfo=UTC)
    calls = []

    def fail_once(session, _payload):
        calls.append(1)
        factories.person(session)
        if len(calls) == 1:
            raise OSError

    with fixed_at(start):
        with transaction() as session:
            outbox.publish(session, "test", {})
        outbox.drain({"test": fail_once})
        assert len(calls) == 1
    with fixed_at(start + timedelta(seconds=10)):
        outbox.drain({"test": fail_once})
    with reading() as session:
        assert len(calls) == 2
        assert session.execute(text("SELECT count(*) FROM people")).scalar_one() == 1
        assert outbox.count_waiting(session) == (0, 0)


def test_messages_taken_together_survive_a_bad_one_and_a_kill(database):
    start = datetime(2026, 10, 1, tzinfo=UTC)
    acts, kept = [], []

    def act(payloads):
        found = [each["n"] for each in payloads]
        acts.append(found)
        if 2 in found:
            raise OSError
        return lambda _session: kept.extend(found)

    with fixed_at(start):
        with transaction() as session:
            for number in range(4):
                outbox.publish(session, "together", {"n": number})
                outbox.publish(session, "alone", {"n": number})
        handlers = {"together": outbox.Together(act), "alone": lambda _session, _payload: None}
        assert outbox.run_due(handlers) == 8
        with reading() as session:
            # The failed one waits for its turn; the others are delivered, each once.
            assert outbox.count_waiting(session) == (0, 0)
    assert sorted(acts.pop(0)) == [0, 1, 2, 3]
    assert sorted(acts) == [[0], [1], [2], [3]]
    assert sorted(kept) == [0, 1, 3]

    killed = []

    def die(payloads):
        killed.extend(each["n"] for each in payloads)
        return lambda _session: (_ for _ in ()).throw(SystemExit)

    later = start + timedelta(seconds=10)
    with fixed_at(later), pytest.raises(SystemExit):
        outbox.run_due({"together": outbox.Together(die)})
    with fixed_at(later + timedelta(seconds=outbox.CLAIM_SECONDS - 1)):
        assert outbox.run_due({"together": outbox.Together(die)}) == 0
    with fixed_at(later + timedelta(seconds=outbox.CLAIM_SECONDS + 1)):
        again = outbox.Together(
            lambda payloads: lambda _session: kept.extend(killed * len(payloads))
        )
        assert outbox.drain({"together": again}) == 1
    assert killed == [2]
    assert sorted(kept) == [0, 1, 2, 3]


def test_a_message_that_never_works_is_given_up_and_counted(database):
    moment = datetime(2026, 10, 1, tzinfo=UTC)
    with fixed_at(moment), transaction() as session:
        outbox.publish(session, "unknown topic", {})
    for day in range(1, outbox.MAXIMUM_ATTEMPTS + 1):
        with fixed_at(moment + timedelta(days=day)):
            outbox.run_due({})
    with reading() as session:
        assert outbox.count_waiting(session)[1] == 1


def test_worker_outlives_a_database_that_is_away(database, monkeypatch):
    stop, seen, ask = threading.Event(), [], outbox.run_due

    def fail_once(handlers):
        monkeypatch.setattr(outbox, "run_due", ask)
        raise OperationalError("SELECT 1", {}, OSError("away"))

    def handle(_session, _payload):
        seen.append(1)
        stop.set()

    monkeypatch.setattr(outbox, "run_due", fail_once)
    with transaction() as session:
        outbox.publish(session, "test", {})
    outbox.run_forever({"test": handle}, stop, pause_seconds=0)
    assert seen == [1]


def test_two_workers_share_the_messages_without_doubling(database):
    lock, seen = threading.Lock(), []

    def handle(_session, payload):
        with lock:
            seen.append(payload["n"])

    with transaction() as session:
        for number in range(30):
            outbox.publish(session, "test", {"n": number})
    workers = [threading.Thread(target=outbox.drain, args=({"test": handle},)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(seen) == list(range(30))


def test_a_time_without_zone_is_never_stored(database):
    with pytest.raises(Exception, match="without a zone"), transaction() as session:
        session.add(Person(email="a@example.jp", name="見本", locked_until=datetime(2026, 1, 1)))  # noqa: DTZ001
