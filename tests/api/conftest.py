"""The market and the client of the API, for all its tests."""

import pytest

from tests.api.world import START, Api, make_market
from tests.stages import Stages


@pytest.fixture
def market(database, hold_clock, tmp_path, run_folder, worker_id):
    """The market of START; made once per worker, then brought back."""
    folder = run_folder / f"{worker_id}-{database.kind}-stages"
    with Stages(database, tmp_path / "data", folder) as stages:
        made = stages.build("api", make_market)
    hold_clock(START)
    return made


@pytest.fixture
def api(client):
    """Fetch from the API and hold what comes back against the description."""
    return Api(client)
