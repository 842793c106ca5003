"""Every answer of the API is told by its description, whatever is asked."""

import pytest

from tests.drills.schemathesis_cases import rehearse

# The answers are the same on both; the drill asks ten thousand times.
pytestmark = pytest.mark.sqlite_only


@pytest.mark.timeout(300)
def test_answers_to_made_up_requests_are_all_described(database, settings):
    tally = rehearse(settings, 1, [])
    assert tally.cases > 80
    assert {200, 400, 401, 404} <= set(tally.statuses)
    assert tally.server_errors == []
    assert tally.undocumented == []
