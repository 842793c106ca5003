"""How often a program may ask: one count for all workers, told in each answer."""

import re

import pytest
from sqlmodel import select

from accounts import queries as people
from accounts import throttling
from accounts.clients import leases, limits
from accounts.models import Throttle
from core import db
from tests import factories

OFFERINGS = "/api/v1/offerings"


@pytest.fixture
def few(app, settings, hold_clock):
    """The application with 50 requests a minute, 100 with a token, at a clock that stands."""
    from tests.api.world import START

    limits.LEASES.forget()
    hold_clock(START)
    rates = {"api_anonymous_per_minute": 50, "api_client_per_minute": 100}
    app.config["NARABI"] = settings.model_copy(update=rates)
    yield app
    limits.LEASES.forget()


def ask(client, **headers):
    return client.get(OFFERINGS, headers=headers)


def left(answer):
    return int(re.search(r"r=(\d+)", answer.headers["RateLimit"])[1])


def rows():
    with db.reading() as session:
        return session.exec(select(Throttle)).all()


def test_a_network_is_told_what_is_left_and_then_how_long_to_wait(few, client, hold_clock):
    from datetime import timedelta

    from tests.api.world import START

    first = ask(client)
    assert first.headers["RateLimit-Policy"] == '"anonymous";q=50;w=60'
    assert first.headers["RateLimit"] == '"anonymous";r=49;t=60'
    seen = [left(ask(client)) for _ in range(49)]
    assert seen == list(range(48, -1, -1))
    hold_clock(START + timedelta(seconds=18))
    over = ask(client, **{"Accept-Language": "en"})
    assert (over.status_code, over.mimetype) == (429, "application/problem+json")
    assert over.json["type"] == "/docs/problems#too_many"
    assert (over.json["title"], over.headers["Retry-After"]) == ("Too many requests", "42")
    assert over.headers["RateLimit"] == '"anonymous";r=0;t=42'
    # Whoever goes on costs no writing; pages of people, preflights and other networks go on.
    client.statements.clear()
    assert ask(client).status_code == 429
    assert not [each for each in client.statements if "throttles" in each]
    assert client.get("/about").status_code == 200
    assert client.options(OFFERINGS).status_code == 204
    other = client.get(OFFERINGS, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert (other.status_code, left(other)) == (200, 49)
    hold_clock(START + timedelta(seconds=61))
    assert left(ask(client)) == 49


def test_a_program_has_a_higher_count_of_its_own_and_guessing_tokens_one_too(few, client):
    with db.transaction() as session:
        owner = people.get_organisation(session, factories.vendor(session).owner_id)
        made = [factories.api_client(session, owner)[1] for _ in range(2)]
    answer = ask(client, Authorization=f"Bearer {made[0]}")
    assert answer.headers["RateLimit-Policy"] == '"client";q=100;w=60'
    assert [left(answer), left(ask(client, Authorization=f"Bearer {made[1]}"))] == [99, 99]
    assert left(ask(client)) == 49
    wrong = [ask(client, Authorization=f"Bearer nrt_{number}") for number in range(51)]
    assert [each.status_code for each in wrong] == [401] * 50 + [429]
    assert ask(client, Authorization=f"Bearer {made[0]}").status_code == 200


def test_all_workers_together_let_through_no_more_than_the_limit(few, settings, client):
    """Three workers with shares of 4 of 200: at most 200 pass, and at most 2 × 3 are lost."""
    workers = [leases.Leases() for _ in range(3)]
    limit = throttling.Limit("anonymous", most=200, minutes=1)
    turns = [workers[number % 3].take(settings, limit, "a") for number in range(150)]
    turns += [workers[0].take(settings, limit, "a") for _ in range(100)]
    passed = sum(not each.is_over for each in turns)
    assert 200 - 2 * 3 <= passed <= 200
    assert [row.tries for row in rows()] == [200]
    assert "a" not in {str(row.id) for row in rows()}


def test_nobody_is_refused_because_the_count_cannot_be_kept(few, client, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def fail(*_given):
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(leases, "count", fail)
    answer = ask(client)
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
