"""The drills of the search in short; in a process of their own, since they fork and serve."""

import subprocess
import sys

import pytest

from tests.drills.stage import ROOT

# The drills make their own databases.
pytestmark = pytest.mark.sqlite_only


def test_nothing_is_lost_by_ten_kills_and_other_pages_go_on_beside_a_hanging_server():
    command = [sys.executable, "-m", "tests.drills", "killed_indexer=10", "hanging_search=2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    killed, hanging = (list(map(float, line.split())) for line in done.stdout.splitlines()[-2:])
    lost, wrong, midway = killed
    assert (lost, wrong) == (0, 0)
    assert midway >= 4, "too few kills came between the begin and the end of a write"
    share, wrong = hanging
    assert wrong == 0
    assert share >= 0.5, "two seconds on a busy machine; the drill measures sixty against 0.8"
