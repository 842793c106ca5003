"""Three rounds of the races that the drills run 200 times on both databases.

Only on PostgreSQL, where transactions run side by side: SQLite lets them in one after the other.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.models import Role
from core import db
from procurement.selection.services import return_selection
from tests.drills import many_publishers, race_decisions, race_requests
from tests.drills.both import NOTE, Walking, undrawn_papers

ROUNDS = 3


@pytest.mark.postgres_only
@pytest.mark.parametrize("race", ["sent", "revoked", "removed"])
def test_one_outcome_of_two_acts_at_once(market, race):
    with undrawn_papers():
        run_rounds(market, race)


@pytest.mark.postgres_only
def test_who_follows_the_notices_misses_none_of_many_published_at_once(market, database, settings):
    walking = Walking(database, settings.data_dir, settings.data_dir / "stages")
    town = replace(market, stages=walking, splitting_note=NOTE)
    contracts = many_publishers.record_contracts(market, [1])
    contracts += many_publishers.record_contracts(town, [2])
    assert many_publishers.is_followed_whole(town, contracts, 6)


def run_rounds(market, race):
    """Begin each round at the town as it was built."""
    for _ in range(ROUNDS):
        market.stages.start_over("market")
        if race == "sent":
            market.reach_approved()
            assert race_requests.is_sent_or_refused(market)
            continue
        market.reach_proposed()
        if race == "removed":
            assert race_decisions.is_right_of_the_moment(market)
        else:
            proposed = race_decisions.propose_revocation(market)
            assert race_decisions.is_checked_again(market, *proposed)


def test_the_later_of_two_proposals_of_one_instant_counts(market, hold_clock):
    hold_clock(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    with undrawn_papers():
        market.reach_proposed()
        for _ in range(ROUNDS):
            first = market.selection()
            with db.transaction() as session:
                project = market._load(session)
                approver = market.actor(market.approver, Role.APPROVER)
                return_selection(
                    session, approver, project, version=project.version, reason="書き直す。"
                )
            market.propose_cheap()
            assert market.selection().id != first.id
            assert market.selection().is_approved is None
