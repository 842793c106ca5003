"""The bench says the truth: goals met, missed and broken measures."""

import json
import subprocess
import sys

import pytest

from bench.measures import Measure, measure
from tests.test_migrations import ROOT

MODULE = """
from bench.measures import measure

@measure("planted: fast", goal="<= 2", unit="s", base="planted")
def take_fast():
    return 1.5

@measure("planted: slow", goal=">= 5", unit="x", base="planted")
def take_slow():
    return {slow}

@measure("planted: broken", goal="<= 1", unit="s", base="planted")
def take_broken():
    {broken}
"""


def run_bench(folder, slow, broken):
    package = folder / "planted"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "values.py").write_text(MODULE.format(slow=slow, broken=broken))
    output = folder / "out" / "bench.json"
    command = [sys.executable, "-m", "bench.run", "planted", str(output)]
    environment = {"PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done, json.loads(output.read_text())


def test_met_goals_end_well_and_are_written(tmp_path):
    done, values = run_bench(tmp_path, slow=6.2, broken="return 0.5")
    assert done.returncode == 0, done.stderr
    assert values["planted: slow"] == {"value": 6.2, "goal": ">= 5", "unit": "x"}
    assert "3 measures, 0 missed" in done.stdout


def test_missed_goal_and_broken_measure_end_badly(tmp_path):
    done, values = run_bench(tmp_path, slow=4.9, broken="raise OSError")
    assert done.returncode == 1
    assert set(values) == {"planted: fast", "planted: slow"}
    assert "✗ planted: slow" in done.stdout
    assert "✗ planted: broken" in done.stdout
    assert "✓ planted: fast" in done.stdout


@pytest.mark.parametrize("goal", ["fast", "~ 3", "<= soon"])
def test_goal_that_cannot_be_compared_is_refused(goal):
    with pytest.raises(ValueError, match=r"goal|float"):
        measure("planted", goal=goal, unit="s", base="planted")


def test_comparisons_include_their_limit():
    for goal, inside, outside in (("<= 2", 2, 2.1), (">= 2", 2, 1.9), ("< 2", 1.9, 2)):
        one = Measure("planted", goal, "s", "planted", lambda: 0)
        assert one.is_met_by(inside)
        assert not one.is_met_by(outside)
