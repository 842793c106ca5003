"""Canary crawl: 予定価格, sealed quotes and the candidates are told to nobody outside their list.

The short version; `make drills` crawls everything for everybody. Only on SQLite: pages are read here.
"""

import pytest

from tests.isolation.canary_town import BODY_PROGRAM, RIVAL, SELLER, CanaryTown

pytestmark = [pytest.mark.sqlite_only, pytest.mark.timeout(300)]


@pytest.fixture
def town(app, market) -> CanaryTown:
    app.config["WTF_CSRF_ENABLED"] = False
    return CanaryTown(app, market).build()


def test_no_canary_is_met_outside_its_list(town, capsys, monkeypatch):
    town.ask_as("unnamed clerk", "auditor", RIVAL)
    town.break_down(monkeypatch)
    town.look_into_the_house(capsys.readouterr().out)
    assert town.watch.leaks == []
    # What finds nothing proves something only if it finds what is there.
    town.ask_as("named clerk")
    assert town.watch.leaks == []
    met = town.watch.met["named clerk: estimated price"]
    assert {place.split()[0] for place in met} >= {"text/html", "application/pdf"}
    assert town.compare_rounds() == []
    assert town.watch.leaks == []
    assert f"{SELLER}: quote of {SELLER}" in town.watch.met
    town.ask_as(BODY_PROGRAM, "program of another body")
    assert town.watch.leaks == []
    assert f"{BODY_PROGRAM}: exclusion" in town.watch.met  # its token opens its own purchases
    town.plant_a_leak()
    town.ask_as("unnamed clerk", BODY_PROGRAM, only=("/<uuid:project_id>", "/pack"))
    town.look_into_the_house(capsys.readouterr().out)
    kinds = {leak.split(": ")[1].split()[0] for leak in town.watch.leaks}
    assert kinds >= {"text/html", "application/zip", "application/json", "log", "table"}
