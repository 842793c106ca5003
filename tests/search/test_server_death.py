"""The search server dies in every way there is: the reserve keeps every filter, or nobody answers."""

import shutil
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from click.testing import CliRunner

from app import cli, outbox_handlers
from catalog.offerings.models import ListingVersion, OfferAction
from core import clock, db, outbox
from search import deadline
from search.cli import report_at_start
from search.engine import SearchQuery
from search.queries import get_engine
from search.reserve import EngineWithReserve
from search.server_setup import SettingsWatch
from tests.page_checks import text_of
from tests.search.market import index_all, open_listing

# What a page says is the same on both databases.
pytestmark = pytest.mark.sqlite_only

AWS = {"hosting": frozenset({"aws"})}
NOTICE = "予備の索引で探した結果です"


def both(settings):
    """Give the engine of these settings, which is the server with the reserve."""
    engine: Any = get_engine(settings)
    assert isinstance(engine, EngineWithReserve)
    return engine


GARBAGE = cycle([b"<html>not what was asked</html>", b"null", b"[]"])
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"


class Illness:
    """Keeps every question waiting, or answers nonsense, until the server is well again."""

    def __init__(self, kind):
        self.kind, self.over, self.waiting, self.most = kind, threading.Event(), 0, 0

    def __call__(self, request):
        if self.kind == "garbage":
            request.send_response(200)
            request.send_header("Content-Type", "application/json")
            request.end_headers()
            request.wfile.write(next(GARBAGE))
        elif self.kind in {"trickles", "trickles the head"}:
            # Byte by byte, each long before the timeout of a single read.
            told = HEAD + (b"\r\n" if self.kind == "trickles" else b"") + b"X-Long: " * 100
            at = len(HEAD) + 2 if self.kind == "trickles" else 5
            with suppress(OSError):
                request.wfile.write(told[:at])
                while not self.over.wait(0.05):
                    request.wfile.write(told[at : at + 1])
                    at += 1
        else:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            self.over.wait(30)
            self.waiting -= 1
        request.close_connection = True
        return False


@pytest.fixture
def server(fake_server):
    fake, _ = fake_server
    fake.failing = fake.failing_tasks = fake.illness = None
    fake.indexes.clear()
    yield fake
    if isinstance(fake.illness, Illness):
        fake.illness.over.set()
    fake.failing = fake.illness = None


@pytest.fixture
def served(app, settings, fake_server, server):
    """Serve the site with the search server, both indexes holding three listings."""
    served = settings.model_copy(update={"search_url": fake_server[1]})
    both(served).server._timeout = 0.3
    app.config["NARABI"] = served
    with db.transaction() as session:
        versions = [
            open_listing(session, name="へや予約イ号"),
            open_listing(session, name="へや予約ロ号", hosting_provider="sakura"),
            open_listing(session, name="ごみ分別"),
        ]
    outbox.drain(outbox_handlers(served))
    index_all(served, *versions)
    return served


def make_ill(server, served, app, kind):
    """Let the server fall ill in one way."""
    if kind in {"hangs", "garbage", "trickles"}:
        server.illness = Illness(kind)
    elif kind == "refuses":
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        app.config["NARABI"] = served.model_copy(update={"search_url": url})
    elif kind == "loses its index":
        server.indexes.clear()
    elif kind == "would hide rows":
        server.indexes["listings"]["settings"]["pagination"] = {"maxTotalHits": 2}
        both(served).server._settings = SettingsWatch("listings")  # half a minute later
    else:
        server.failing = kind


ILLNESSES = [
    "hangs",
    "trickles",
    "refuses",
    "garbage",
    "loses its index",
    "would hide rows",
    (500, "internal"),
    (401, "missing_authorization_header"),
    (503, "too_many_search_requests"),
]


@pytest.mark.acceptance(14)
@pytest.mark.parametrize("kind", ILLNESSES, ids=str)
def test_a_dead_server_widens_nothing(client, app, served, server, kind):
    asked = "/search?q=へや予約&hosting=aws"
    healthy = client.page(asked)
    assert NOTICE not in text_of(healthy)
    make_ill(server, served, app, kind)
    page = client.page(asked)
    names = [text_of(each) for each in page.findall(".//ol[@class='results']//h2")]
    assert [name for name in names if "へや予約イ号" in name] == names != []
    assert NOTICE in text_of(page)
    assert "絞り込みの条件は、すべて守っています" in text_of(page)
    data = client.get(f"/api/v1{asked}").json
    assert (data["fallback"], data["total"]) == (True, 1)
    assert [item["name"] for item in data["items"]] == ["へや予約イ号"]
    # Without an index on this machine either, it says so and lists nothing.
    shutil.rmtree(served.data_dir / "search")
    refused = client.page(asked, status=503)
    assert "検索" in text_of(refused)
    assert not refused.findall(".//ol[@class='results']")
    problem = client.get(f"/api/v1{asked}")
    assert problem.status_code == 503
    assert "items" not in problem.json


def test_changes_made_while_the_server_is_dead_reach_the_reserve_now_and_the_server_after(
    client, served, server, hold_clock
):
    engine, handlers = both(served), outbox_handlers(served)
    moment = clock.utcnow()
    hold_clock(moment)
    server.failing = (500, "internal")
    with db.transaction() as session:
        new = open_listing(session, name="へや予約ハ号")
        outbox.publish(session, "search.listing_changed", {"listing_id": new.listing_id})
    for _ in range(outbox.MAXIMUM_ATTEMPTS + 3):  # a night long: no message is given up for it
        outbox.drain(handlers)
        moment += timedelta(minutes=10)
        hold_clock(moment)
    assert engine.search(SearchQuery(text="へや予約ハ号")).fallback
    assert engine.search(SearchQuery(text="へや予約ハ号")).total == 1
    with db.reading() as session:
        assert outbox.count_waiting(session) == (1, 0)
    server.failing = None
    engine.server._breaker = type(engine.server._breaker)()
    outbox.drain(handlers)
    answer = engine.search(SearchQuery(text="へや予約ハ号"))
    assert (answer.total, answer.fallback) == (1, False)
    with db.transaction() as session:
        session.get(ListingVersion, new.id).apply(OfferAction.WITHDRAW)
        outbox.publish(session, "search.listing_changed", {"listing_id": new.listing_id})
    outbox.drain(handlers)
    assert engine.reserve.search(SearchQuery()).total == engine.server.search(SearchQuery()).total


def test_few_threads_wait_for_a_hanging_server_and_the_others_answer_at_once(served, server):
    engine = both(served)
    engine.server._timeout = 1
    server.illness = Illness("hangs")
    took, wrong = [], []

    def ask():
        began = time.monotonic()
        answer = engine.search(SearchQuery(filters=AWS))
        took.append(time.monotonic() - began)
        if not answer.fallback or answer.total != 2:
            wrong.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert server.illness.most <= 4
    assert len([each for each in took if each >= 1]) <= 4
    began = time.monotonic()
    assert engine.search(SearchQuery(filters=AWS)).fallback
    assert time.monotonic() - began < 0.5


def dawdle(_request):
    """Answer rightly, each question in time, and all that a search needs too late."""
    time.sleep(0.25)
    return True


def test_no_search_outlasts_its_time_however_the_server_spends_it(served, server, monkeypatch):
    engine = both(served)
    engine.server._timeout = 0.4
    assert not engine.search(SearchQuery()).fallback
    breaker = type(engine.server._breaker)
    for illness in (Illness("trickles"), Illness("trickles the head"), dawdle):
        engine.server._breaker, server.illness = breaker(), illness
        for _ in range(3):
            began = time.monotonic()
            assert engine.search(SearchQuery()).fallback
            assert 0.2 < time.monotonic() - began < 1.4
        asked = len(server.requests)
        assert engine.search(SearchQuery()).fallback
        assert len(server.requests) == asked, "after three failures it is given a rest"
        if isinstance(illness, Illness):
            illness.over.set()
    engine.server._breaker, server.illness = breaker(), None
    assert not engine.search(SearchQuery()).fallback
    # Nor does an answer grow without end.
    monkeypatch.setattr(deadline, "_MOST_BYTES", 300)
    assert engine.search(SearchQuery()).fallback


@pytest.fixture
def run(served, monkeypatch):
    """Run a command as an operator does, with the settings of the site."""
    monkeypatch.setenv("NARABI_DATABASE_URL", served.effective_database_url)
    monkeypatch.setenv("NARABI_DATA_DIR", str(served.data_dir))
    monkeypatch.setenv("NARABI_SEARCH_URL", served.search_url)
    return lambda *words: CliRunner().invoke(cli, words)


@pytest.mark.parametrize("kind", ["refuses", (500, "internal"), (403, "invalid_api_key")], ids=str)
def test_commands_say_in_one_sentence_that_the_server_is_away(
    run, app, served, server, kind, monkeypatch
):
    make_ill(server, served, app, kind)
    monkeypatch.setenv("NARABI_SEARCH_URL", app.config["NARABI"].search_url)
    # What can be mended is mended all the same: the reserve.
    reserve = both(served).reserve
    reserve.delete(list(reserve.fingerprints())[:2])
    assert run("search", "check").exit_code == 1
    assert reserve.search(SearchQuery()).total == 3
    for command in ("search rebuild", "search check", "search keys --master-key x"):
        done = run(*command.split())
        *_, said = done.output.splitlines()
        assert done.exit_code == 1, command
        assert isinstance(done.exception, SystemExit), command
        assert said.startswith("Error: 検索"), command
        assert "を確かめてください。" in said, command
    # A worker and the site start all the same, and say what they found.
    monkeypatch.setattr(outbox, "run_forever", lambda _handlers, _stop: None)
    started = run("outbox", "run")
    assert started.exit_code == 0
    assert "要確認　検索：検索" in started.stderr
    said = run("doctor").output
    assert "予備の索引は使えます（3件）" in said
    assert "作り直せます" not in said
    report_at_start(app.config["NARABI"])


def test_commands_make_the_index_that_the_server_lacks(run, server, served, monkeypatch):
    server.indexes.clear()
    assert "narabi search rebuild で作り直せます" in run("doctor").output
    made = run("search", "check")
    assert (made.exit_code, made.exception.__class__) == (1, SystemExit)
    assert "索引がなかったため、3件で作りました。" in made.output
    assert run("search", "check").exit_code == 0
    server.indexes.clear()
    assert run("search", "rebuild").exit_code == 0
    assert "よい　　検索：meilisearch" in run("doctor").output
    shutil.rmtree(served.data_dir / "search")
    assert "要確認　検索：予備の索引が使えません" in run("doctor").output
    monkeypatch.setenv("NARABI_SEARCH_URL", "not a url")
    assert "NARABI_SEARCH_URL は http:// か https://" in run("doctor").output
