"""The commands of the runbook do what it says, in its order, on one instance."""

import re

import pytest

from accounts.models import Role
from catalog import feed_upkeep
from core import audit_checkpoints, db
from tests import factories
from tests.core.test_backup import note, run
from tests.test_migrations import ROOT

_COMMAND = re.compile(r"^narabi (.+?)  # → (\d)$", re.MULTILINE)


@pytest.mark.sqlite_only
@pytest.mark.timeout(300)
def test_commands_of_the_runbook_end_as_it_says(database, settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.data_dir.mkdir(parents=True)
    with db.transaction() as session:
        factories.offering(session, factories.vendor(session), factories.specification(session))
        factories.person(session, Role.CLERK, email="clerk@example.jp")
        note(session, 3)
    feed_upkeep.reconcile()
    runbook = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    commands = _COMMAND.findall(runbook)
    assert len(commands) == len(re.findall(r"^narabi ", runbook, re.MULTILINE)) > 25
    public = audit_checkpoints.public_key(settings.effective_audit_seed).hex()
    for words, code in commands:
        done = run(settings, *words.replace("PUBLIC_KEY", public).split())
        assert done.exit_code == int(code), f"narabi {words}: {done.output}"
    with db.reading() as session:
        assert audit_checkpoints.verify(session).problems == ()


@pytest.mark.sqlite_only
def test_a_checkpoint_of_a_former_key_is_verified_by_naming_it(database, settings, tmp_path):
    with db.transaction() as session:
        note(session, 2)
    file = str(tmp_path / "old.json")
    assert run(settings, "audit", "checkpoint", "--out", file).exit_code == 0
    rotated = {"NARABI_AUDIT_KEY": "cd" * 32}
    former = audit_checkpoints.public_key(settings.effective_audit_seed).hex()
    verify = ("audit", "verify", "--checkpoint", file)
    assert run(settings, *verify, **rotated).exit_code == 1
    assert run(settings, *verify, "--signed-by", former, **rotated).exit_code == 0
    refused = run(settings, *verify, "--signed-by", "ab", **rotated)
    assert (refused.exit_code, "16進数64桁" in refused.output) == (1, True)
