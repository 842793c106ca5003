"""Canary crawl: 予定価格, sealed quotes and the candidates are told to nobody outside their list.

The short version; `make drills` crawls everything for everybody, in every state and on both databases.
"""

import pytest

from tests.isolation.canary_plants import found_classes, plant
from tests.isolation.canary_programs import ask_as_programs, list_programs
from tests.isolation.canary_town import OF_BODY, RIVAL, SELLER, CanaryTown

pytestmark = [pytest.mark.sqlite_only, pytest.mark.timeout(300)]


@pytest.fixture
def town(app, market) -> CanaryTown:
    app.config["WTF_CSRF_ENABLED"] = False
    made = CanaryTown(app, market).build()
    made.programs = list_programs(made)
    return made


def test_no_canary_is_met_outside_its_list(town, capsys, monkeypatch):
    town.ask_as("unnamed clerk", "auditor", RIVAL)
    ask_as_programs(town, OF_BODY, under="/api/v1/projects")
    town.break_down(monkeypatch)
    town.look_into_the_house(capsys.readouterr().out)
    assert town.watch.leaks == []
    # What finds nothing proves something only if it finds what is there.
    town.ask_as("named clerk")
    assert town.watch.leaks == []
    met = town.watch.met["named clerk: estimated price"]
    assert {place.split()[0] for place in met} >= {"text/html", "application/pdf"}
    assert f"{OF_BODY}: exclusion" in town.watch.met
    assert town.compare_rounds() == []
    assert town.watch.leaks == []
    assert f"{SELLER}: quote of {SELLER}" in town.watch.met
    plant(town, "title", "letter", "log")
    town.ask_as("unnamed clerk", only=("/<uuid:project_id>", "/pack"))
    ask_as_programs(town, OF_BODY, under="/api/v1/projects")
    town.read_what_left(capsys.readouterr().out)
    assert found_classes(town) == {"page", "ZIP", "API", "mail", "log"}
