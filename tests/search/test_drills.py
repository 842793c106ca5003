"""The drills of the search in short; each in a process of its own, since it forks and serves."""

import subprocess
import sys

import pytest

from tests.drills.stage import ROOT

# The drill makes its own database.
pytestmark = pytest.mark.sqlite_only


def rehearse(name: str, amount: int) -> list[float]:
    command = [sys.executable, "-m", f"tests.drills.{name}", str(amount)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [float(each) for each in done.stdout.splitlines()[-1].split()]


def test_an_indexer_killed_ten_times_in_mid_write_loses_nothing():
    lost, wrong, midway = rehearse("killed_indexer", 10)
    assert (lost, wrong) == (0, 0)
    assert midway >= 5, "the kills came too late to meet a write"


def test_other_pages_go_on_while_the_search_server_hangs():
    share, wrong = rehearse("hanging_search", 3)
    assert wrong == 0
    assert share >= 0.5, "three seconds on a busy machine; the drill measures sixty against 0.8"
