"""The drills of operation in short; in a process of their own, since they serve, kill and start databases."""

import subprocess
import sys

import pytest

from tests.drills.stage import ROOT


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_when_workers_or_the_database_are_killed():
    """How soon all is well again is measured by the drills: this machine is shared."""
    command = [sys.executable, "-m", "tests.drills", "killed_web_workers=3", "killed_postgresql=2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for line in done.stdout.splitlines()[-2:]:
        lost, doubled, _late, acts, _cut = map(int, line.split())
        assert (lost, doubled) == (0, 0), done.stderr[-3000:]
        assert acts >= 2


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_two_nodes_behave_as_one():
    """Sessions, limit of sign-ins, files on a shared store, letters and one-time keys."""
    command = [sys.executable, "-m", "tests.drills", "two_nodes=8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "0", done.stderr[-3000:]
