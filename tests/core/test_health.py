"""What machines ask: alive, ready with the part that is ill, and figures that tell nothing of persons."""

import os
import re
import signal
import threading
import time
from datetime import timedelta

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import text

from core import audit, db, outbox
from core.cli import newest_revision
from core.clock import utcnow
from tests.drills.stage import open_stage, read, serve_node

PLAIN = "sample-token-sample-token-sample-token"


def ready(client, status=200):
    response = client.get("/readyz")
    assert response.status_code == status, response.text
    return response.json


def test_ready_names_what_is_ill_and_turns_nobody_away_for_what_pages_do_without(
    database, client, hold_clock
):
    assert client.get("/healthz").text == "ok\n"
    assert client.statements == []
    # Nothing is delivered and nothing is indexed yet: said, and no reason to send people elsewhere.
    assert ready(client)["degraded"] == ["outbox", "search"]
    outbox.drain({})
    with db.transaction() as session:
        outbox.publish(session, "none.such", {})
    assert ready(client)["degraded"] == ["search"]
    hold_clock(utcnow() + timedelta(minutes=16))
    with db.transaction() as session:
        outbox._mark_alive(session, db.now(session))
    assert ready(client)["degraded"] == ["outbox", "search"]
    be_at("0001")  # PostgreSQL's rows are brought back for the next test, but for this one
    try:
        told = ready(client, 503)
    finally:
        be_at(newest_revision())
    assert (told["ready"], told["degraded"]) == (False, ["outbox", "search"])
    assert (told["checks"]["database"], told["checks"]["audit"]) == ("failed", "ok")


def be_at(revision):
    with db.transaction() as session:
        statement = text("UPDATE alembic_version SET version_num = :revision")
        session.execute(statement, {"revision": revision})


def test_whoever_sits_on_the_lock_of_all_writers_makes_it_unready(database, client, monkeypatch):
    monkeypatch.setattr("core.health._WAIT_FOR_WRITING", 0.2)
    held, done = threading.Event(), threading.Event()

    def sit():
        with db.transaction() as session:
            audit.record(session, audit.SYSTEM, "vendor.note", "Vendor", None)
            audit.flush_events(session)
            held.set()
            done.wait(20)

    sitting = threading.Thread(target=sit)
    sitting.start()
    assert held.wait(10)
    try:
        assert ready(client, 503)["checks"]["audit"] == "failed"
    finally:
        done.set()
        sitting.join()
    assert ready(client)["checks"]["audit"] == "ok"


@pytest.mark.postgres_only
def test_database_that_is_away_is_not_ready_but_alive(database, client):
    with db.transaction():
        pass
    before = db.current().url
    db.configure(before.replace("?host=", "?host=/nowhere"))
    try:
        told = ready(client, 503)
        assert told["checks"]["database"] == told["checks"]["audit"] == "failed"
        assert client.get("/healthz").status_code == 200
    finally:
        db.configure(before)


def test_figures_are_for_the_holder_of_the_token_alone(database, app, client, settings):
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    app.config["NARABI"] = settings.model_copy(update={"metrics_token": SecretStr(PLAIN)})
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": PLAIN}):
        assert client.get("/metrics", headers=wrong).status_code == 404
    with db.transaction() as session:
        audit.record(session, audit.SYSTEM, "vendor.note", "Vendor", None)
        outbox.publish(session, "search.listing_changed", {})
        outbox.publish(session, "other.topic", {})
    client.get("/search?q=himitsu-no-kotoba")
    client.get("/no-such-page/himitsu")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {PLAIN}"})
    assert answer.status_code == 200
    assert "himitsu" not in answer.text
    assert "127.0.0.1" not in answer.text
    told = dict(re.findall(r"^(narabi_\w+) ([\d.]+)$", answer.text, re.MULTILINE))
    assert (told["narabi_outbox_waiting"], told["narabi_index_waiting"]) == ("2.0", "1.0")
    assert (told["narabi_audit_events"], told["narabi_feed_head"]) == ("1.0", "0.0")
    assert 'endpoint="none",method="GET",status="404"' in answer.text
    assert re.search(
        r'narabi_http_request_seconds_count\{endpoint="search.index"\} [1-9]', answer.text
    )


def test_short_token_is_refused_outside_development(settings):
    unsafe = settings.model_copy(update={"env": "production", "metrics_token": SecretStr("short")})
    assert [each for each in unsafe.problems() if "NARABI_METRICS_TOKEN" in each]


@pytest.mark.sqlite_only
def test_workers_count_together_and_a_killed_one_takes_no_count_with_it():
    with open_stage(0) as settings, serve_node(settings, NARABI_METRICS_TOKEN=PLAIN) as node:

        def count() -> int:
            headers = {"Authorization": f"Bearer {PLAIN}"}
            body = requests.get(f"{node.address}/metrics", headers=headers, timeout=30).text
            pattern = r'endpoint="health.show_alive",method="GET",status="200"\} (\d+)'
            (found,) = re.findall(pattern, body)
            return int(found)

        def ask(times: int) -> None:
            for _ in range(times):
                read(f"{node.address}/healthz")

        ask(40)
        assert count() == 40
        before = node.worker_pids()
        for each in before:
            os.kill(each, signal.SIGKILL)
        while len(set(node.worker_pids()) - set(before)) < len(before):
            time.sleep(0.05)
        ask(10)
        assert count() == 50
