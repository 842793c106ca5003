"""Checkpoints of the audit trail: signed, kept, published once a day, and read in both formats."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import outbox_handlers
from core import audit_checkpoints, outbox
from core.audit_checkpoints import Checkpoint
from core.audit_tree import is_consistent
from core.cli import CheckFailedError, Operation, _check_checkpoints, audit_group
from core.clock import fixed_at
from core.db import now, reading, transaction
from core.errors import Conflict
from tests.core.test_spine import SEED, record
from tests.drills import tampering

NOON = datetime(2026, 11, 22, 3, tzinfo=UTC)
BEFORE_MIDNIGHT = datetime(2026, 11, 22, 14, 59, tzinfo=UTC)


def sign_first_format(sequence: int, head: str) -> str:
    """Make a checkpoint as it was made before there was a tree."""
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    signed = {"sequence": sequence, "hash": head, "made_at": "2026-11-01T00:00:00+00:00"}
    signature = key.sign(rfc8785.dumps(signed)).hex()
    public = key.public_key().public_bytes_raw().hex()
    return json.dumps({**signed, "public_key": public, "signature": signature})


def test_both_formats_are_read_and_verified_and_neither_passes_for_the_other(database):
    record(5)
    key = audit_checkpoints.public_key(SEED)
    with reading() as session:
        made = audit_checkpoints.make_checkpoint(session, SEED, now(session))
        tree, head = audit_checkpoints.read_tree(session)
        old = Checkpoint.from_json(sign_first_format(5, head))
        new = Checkpoint.from_json(made.to_json())
        assert (new, new.root, old.root) == (made, tree.root().hex(), None)
        for each in (old, new):
            assert audit_checkpoints.verify(session, each, key).problems == ()
        values = json.loads(made.to_json())
        for changed in ({"root": "0" * 64}, {"head": "0" * 64}, {"sequence": 4}):
            lying = Checkpoint.from_json(json.dumps({**values, **changed}))
            problems = audit_checkpoints.verify(session, lying, key).problems
            assert problems[0] == "確認点の署名が合いません。"
            assert len(problems) > 1
        for stripped in ("root", "format", "head"):
            with pytest.raises(ValueError, match="確認点のファイルではありません"):
                Checkpoint.from_json(json.dumps({k: values[k] for k in values if k != stripped}))


def test_the_day_has_one_published_checkpoint_and_the_next_day_continues_it(
    database, settings, client
):
    handlers = outbox_handlers(settings)
    with fixed_at(NOON):
        assert "確認点はまだありません" in client.get("/audit/checkpoints").get_data(as_text=True)
        with pytest.raises(CheckFailedError, match="確認点がまだありません"):
            _check_checkpoints(settings)
        record(3)
        for _ in range(2):  # a worker that starts twice
            with transaction() as session:
                audit_checkpoints.begin_publishing(session)
        outbox.run_due(handlers)
        with transaction() as session:
            audit_checkpoints.begin_publishing(session)
            outbox.publish(session, audit_checkpoints.TOPIC, {})  # delivered twice
        outbox.run_due(handlers)
        assert "3番までの確認点" in _check_checkpoints(settings)
    record(2)
    with fixed_at(BEFORE_MIDNIGHT):
        assert outbox.run_due(handlers) == 0
    with fixed_at(BEFORE_MIDNIGHT + timedelta(minutes=6)):
        assert outbox.run_due(handlers) == 1
        with reading() as session:
            newest, first = audit_checkpoints.list_published(session, limit=9)
            tree, _ = audit_checkpoints.read_tree(session)
            assert audit_checkpoints.count_published(session) == 2
        assert (first.sequence, newest.sequence) == (3, 5)
        assert (str(first.published_on), str(newest.published_on)) == ("2026-11-22", "2026-11-23")
        roots = (bytes.fromhex(first.root), bytes.fromhex(newest.root))
        assert is_consistent(3, 5, *roots, tree.consistency(3, 5))
        page = client.get("/audit/checkpoints").get_data(as_text=True)
        assert first.root in page
        assert newest.head in page
        told = client.get("/audit/checkpoints.json").get_json()
        assert told["next"] is None
        for row, value in zip((newest, first), told["checkpoints"], strict=True):
            assert value.pop("published_on") == str(row.published_on)
            read = Checkpoint.from_json(json.dumps(value))
            assert read == row.checkpoint
            assert audit_checkpoints.is_signed(
                read, audit_checkpoints.public_key(settings.effective_audit_seed)
            )
    with (
        fixed_at(BEFORE_MIDNIGHT + timedelta(days=4)),
        pytest.raises(CheckFailedError, match="11月23日のあと確認点が公開されていません"),
    ):
        _check_checkpoints(settings)


def test_a_kept_checkpoint_is_not_public_and_none_is_changed_or_removed(database, settings, client):
    record(2)
    operation = Operation(settings, {}, {})
    told = CliRunner().invoke(audit_group, ["checkpoint", "--keep"], obj=operation)
    made = Checkpoint.from_json(told.output)
    with reading() as session:
        kept = session.execute(text("SELECT sequence, root FROM audit_checkpoints")).all()
        assert [tuple(row) for row in kept] == [(2, made.root)]
        assert audit_checkpoints.count_published(session) == 0
    assert client.get("/audit/checkpoints.json").get_json()["checkpoints"] == []
    for statement in ("UPDATE audit_checkpoints SET sequence = 1", "DELETE FROM audit_checkpoints"):
        with pytest.raises((DBAPIError, Conflict)), transaction() as session:
            session.execute(text(statement))
    with reading() as session:
        held = session.execute(text("SELECT sequence FROM audit_checkpoints")).scalars().all()
    assert held == [2]


def test_every_forgery_is_found_against_a_checkpoint_and_a_cut_end_passes_without_one(database):
    """The drill forges each way 400 times; half of the forgers mend every hash."""
    result = tampering.forge_all(8)
    assert result.found == dict.fromkeys(tampering.FORGERIES, 8)
    assert (result.found_alone["truncate"], result.found_alone["rewrite"]) == (0, 0)
    assert 0 < result.found_alone["delete"] < 8  # who mends every hash is unseen without one
