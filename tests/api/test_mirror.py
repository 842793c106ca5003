"""The example client against the site over real HTTP: killed, lied to, cut off, it never is wrong in silence.

What it asks is the same on both databases.
"""

import csv
import json
import sqlite3
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from werkzeug.serving import make_server

from catalog import feed_upkeep, mirror
from core import changes, db
from tests import factories
from tests.api.world import START, withdraw
from vendors.models import Vendor

pytestmark = pytest.mark.sqlite_only


class Middle:
    """The site as a client meets it: what is planted here happens to the next answers."""

    def __init__(self, app):
        self.app = app
        self.address = ""
        self.asked = []
        self.planted = []

    def __call__(self, environ, start_response):
        """Answer, and let what is planted change the answer."""
        self.asked.append(environ["PATH_INFO"].rpartition("/")[2])
        answered = {}

        def keep(status, headers, exc_info=None):
            answered.update(status=status, headers=dict(headers))

        parts = self.app(environ, keep)
        body = b"".join(parts)
        parts.close()
        if self.planted:
            body = self.planted.pop(0)(answered, body)
        start_response(answered["status"], list(answered["headers"].items()))
        return [body]


@pytest.fixture
def site(app, market, monkeypatch):
    """A served site; gives what stands in the middle and its address."""
    monkeypatch.setattr("catalog.mirror.time.sleep", lambda _seconds: None)
    middle = Middle(app)
    server = make_server("127.0.0.1", 0, middle, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    middle.address = f"http://127.0.0.1:{server.server_port}"
    yield middle
    server.shutdown()
    thread.join()
    server.server_close()


def rename(market, name):
    with db.transaction() as session:
        session.get_one(Vendor, market.makers[0].id).revise(kana=name)
        changes.append(session, "vendor", market.makers[0].id)


def held(path):
    with sqlite3.connect(path) as base:
        found = base.execute("SELECT kind, id, content FROM records").fetchall()
    base.close()
    return {(kind, key): json.loads(content) for kind, key, content in found}


def test_copy_follows_the_site_and_is_written_in_three_forms(site, market, api, tmp_path, capsys):
    path = tmp_path / "catalog.sqlite"
    arguments = ["--from", site.address, "--to", str(path)]
    assert mirror.main(arguments) == 0
    assert held(path) == api.records(api.get("/snapshot"))
    assert "ハッシュはサーバーと同じです" in capsys.readouterr().err
    withdraw(market, market.second)
    rename(market, "アタラシイ")
    site.asked.clear()
    assert mirror.main([*arguments, "--verify"]) == 0
    assert site.asked == ["changes"]
    assert held(path) == api.records(api.get("/snapshot"))
    for name in ("catalog.ndjson", "catalog.csv"):
        assert mirror.main(["--from", site.address, "--to", str(tmp_path / name)]) == 0
    lines = [json.loads(line) for line in (tmp_path / "catalog.ndjson").read_text().splitlines()]
    assert {(each["kind"], each["id"]): each["data"] for each in lines} == held(path)
    with (tmp_path / "catalog.csv").open(newline="") as file:
        table = {(row["kind"], row["id"]): json.loads(row["data"]) for row in csv.DictReader(file)}
    assert table == held(path)


@pytest.mark.acceptance(31)
def test_copy_goes_on_after_a_kill_and_starts_again_when_told_to(
    site, market, api, tmp_path, settings, hold_clock, monkeypatch
):
    path = tmp_path / "catalog.sqlite"
    arguments = ["--from", site.address, "--to", str(path)]
    assert mirror.main(arguments) == 0
    for number in range(4):
        rename(market, f"ミホン{number}")
    monkeypatch.setattr(mirror, "PAGE", 1)

    class KilledError(BaseException):
        pass

    put = mirror.Copy._put
    for round_ in range(4):  # each time, one page further, in the middle of the next

        def die(copy, line, left=[round_ % 2]):  # noqa: B006 - counts down by itself
            found = put(copy, line)
            if not left[0]:
                raise KilledError
            left[0] -= 1
            return found

        monkeypatch.setattr(mirror.Copy, "_put", die)
        with pytest.raises(KilledError):
            mirror.main(arguments)
    monkeypatch.setattr(mirror.Copy, "_put", put)
    assert mirror.main(arguments) == 0
    assert held(path) == api.records(api.get("/snapshot"))
    # Too old: the changes it lacks are forgotten. Then the server begins a new epoch.
    rename(market, "アト")
    hold_clock(START + timedelta(days=settings.feed_keep_days + 1))
    assert feed_upkeep.prune(settings) > 4
    site.asked.clear()
    assert mirror.main(arguments) == 0
    assert site.asked == ["changes", "snapshot", "changes"]
    with db.transaction() as session:
        changes.begin_epoch(session)
    site.asked.clear()
    assert mirror.main(arguments) == 0
    assert site.asked == ["changes", "snapshot", "changes"]
    assert held(path) == api.records(api.get("/snapshot"))


def page_with(**values):
    def alter(_answered, body):
        return json.dumps({**json.loads(body), **values}).encode()

    return alter


def cut(_answered, body):
    _answered["headers"]["Content-Length"] = str(len(body))
    return body[: len(body) // 2]


def busy(answered, _body):
    answered.update(status="503 Busy")
    answered["headers"] = {"Retry-After": "1", "Content-Length": "2"}
    return b"{}"


def test_in_doubt_it_ends_with_two_and_keeps_nothing_of_it(site, market, tmp_path, capsys):
    path = tmp_path / "catalog.sqlite"
    arguments = ["--from", site.address, "--to", str(path)]
    # Cut off and turned away, it asks again; a snapshot that is not what it says is not kept.
    site.planted = [cut, busy]
    assert mirror.main(arguments) == 0
    assert site.asked == ["snapshot", "snapshot", "snapshot", "changes"]
    before = held(path)
    rename(market, "ベツ")
    lies = [
        {"content_hash": "0" * 64},
        {"count": 1},
        {"epoch": "another"},
        {"next_since": 99},
        {"changes": []},
        {"head": 1},
    ]
    for lie in lies:
        site.planted = [
            lambda answered, body, lie=lie: fit(answered, page_with(**lie)(answered, body))
        ]
        assert mirror.main(arguments) == 2, lie
        assert held(path) == before, lie
    assert "写しを確かめられません" in capsys.readouterr().err
    with db.transaction() as session:  # a server that lost commits without saying so
        session.execute(text("UPDATE feed_state SET head = 3"))
    assert mirror.main(arguments) == 2
    with sqlite3.connect(path) as base:
        base.execute("UPDATE records SET content = '{}' WHERE kind = 'vendor'")
    base.close()
    assert mirror.main([*arguments, "--verify"]) == 2
    fresh = ["--from", site.address, "--to", str(tmp_path / "other.sqlite")]
    site.planted = [lambda answered, body: fit(answered, body.replace(b'"id":"', b'"id":"0', 1))]
    assert mirror.main(fresh) == 2
    assert held(tmp_path / "other.sqlite") == {}
    assert mirror.main(["--from", "http://127.0.0.1:9", "--to", str(tmp_path / "x.sqlite")]) == 1
    assert (
        mirror.main(["--from", site.address + "/nowhere", "--to", str(tmp_path / "x.sqlite")]) == 1
    )
    assert mirror.main(["--from", site.address + "/nowhere", "--to", str(path)]) == 1
    assert "のものです" in capsys.readouterr().err
    for wrong in (["--to", "x.sqlite"], ["--from", site.address, "--to", "x.xml"]):
        with pytest.raises(SystemExit) as ended:
            mirror.main(wrong)
        assert ended.value.code == 1


def fit(answered, body):
    answered["headers"]["Content-Length"] = str(len(body))
    return body


def test_names_of_any_kind_hash_as_the_server_hashes_them(site, market, api, tmp_path):
    names = ['"\\/\b\f\n\r\t', "\x7f\u2028\u2029€𠮷😀", "ｱ é é", "</script>&"]
    with db.transaction() as session:
        for name in names:
            changes.append(session, "vendor", factories.vendor(session, name=name).id)
    path = tmp_path / "catalog.sqlite"
    assert mirror.main(["--from", site.address, "--to", str(path), "--verify"]) == 0
    assert {each["name"] for (kind, _), each in held(path).items() if kind == "vendor"} > set(names)
