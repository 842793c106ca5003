"""The receiver that docs/api.md gives as an example: what it misses, it catches up by the feed.

What it reads is the same on both databases.
"""

import json
import re
import sqlite3
import sys
import threading
import time
from datetime import timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
import requests
from sqlmodel import select
from standardwebhooks.webhooks import Webhook as StandardWebhook
from werkzeug.serving import make_server

from accounts.hooks import sending, services
from accounts.hooks.models import Signature, Webhook
from accounts.models import Organisation, Role
from catalog import mirror
from core import clock, db
from tests import factories
from tests.accounts.receiving import change, send_once

pytestmark = pytest.mark.sqlite_only
DOCS = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def example(monkeypatch):
    """The code of the documentation, not yet told where site, key and copy are."""
    _, section = DOCS.read_text().split("\n## Webhooks\n")
    (code,) = re.findall(r"```python\n(.+?)```", section, re.DOTALL)
    monkeypatch.setitem(sys.modules, "mirror", mirror)
    module = ModuleType("receiver_of_the_documentation")
    exec(compile(code, "receiver.py", "exec"), module.__dict__)  # noqa: S102 - it is our own
    return module


@pytest.fixture
def address(example):
    server = ThreadingHTTPServer(("127.0.0.1", 0), example.Receiver)
    example.Receiver.log_message = lambda *_args: None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def site(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def held(path):
    """Return what a copy holds; nothing while it is only being made."""
    with sqlite3.connect(path) as base:
        made = base.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchall()
        rows = base.execute("SELECT kind, id, content FROM records").fetchall() if made else []
    base.close()
    return {(kind, key): json.loads(content) for kind, key, content in rows}


def register(settings, market, address):
    """Add a webhook of a maker; returns its shared key."""
    maker = market.makers[0]
    with db.transaction() as session:
        home = session.get_one(Organisation, maker.owner_id)
        admin = factories.person(session, Role.VENDOR_ADMIN, home)
        actor = factories.actor(admin, Role.VENDOR_ADMIN, home)
        values = {"name": "写し", "address": address, "signature": Signature.HMAC}
        made = services.create(session, actor, settings, **values)
        return services.reveal(session, actor, settings, made.id)


@pytest.mark.acceptance(35)
def test_feed_repairs_what_a_receiver_has_missed(
    market, example, address, site, api, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(sending, "BETWEEN", timedelta())
    monkeypatch.setattr(clock, "_fixed", None)  # signatures are held against the clock of today
    served = settings.model_copy(update={"webhook_origins": [address]})
    example.SITE, example.COPY = site, str(tmp_path / "catalog.sqlite")
    example.SECRET = register(served, market, address)
    change(market.makers[0], "ハジメ")
    assert send_once(served) == 1
    assert example.told.is_set()
    passes = _count_passes(example)
    threading.Thread(target=example.keep_up, daemon=True).start()
    # It looks once when it begins and once for what it was told: only then does it wait.
    _wait_until(lambda: len(passes) == 2)
    _wait_for_equal(api, tmp_path)
    # One message is lost on its way for ever: the receiver believes that nothing has happened.
    change(market.makers[1], "キエタ")
    with db.transaction() as session:
        hook = session.exec(select(Webhook)).one()
        hook.told_sequence += 1
    assert send_once(served) == 0
    assert "キエタ" not in str(held(tmp_path / "catalog.sqlite"))
    change(market.makers[0], "ツギ")
    assert send_once(served) == 1
    _wait_for_equal(api, tmp_path)
    assert "キエタ" in str(held(tmp_path / "catalog.sqlite"))


def _count_passes(example):
    """Give a list that grows with every look of the example at the feed that has ended."""
    passes = []

    def look(arguments):
        mirror.main(arguments)
        passes.append(arguments)

    example.mirror = ModuleType("mirror")
    example.mirror.main = look
    return passes


def _wait_for_equal(api, folder):
    expected = api.records(api.get("/snapshot"))
    _wait_until(lambda: held(folder / "catalog.sqlite") == expected)


def _wait_until(holds):
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_example_refuses_what_is_not_ours(example, address):
    example.SECRET = "whsec_" + "A" * 43 + "="
    body, moment = b'{"type":"catalog.changed"}', clock.utcnow()
    signer = StandardWebhook(example.SECRET)

    def headers(when, signature):
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(when.timestamp())),
            "webhook-signature": signature,
        }

    good = signer.sign("msg_1", moment, body.decode())
    old = moment - timedelta(minutes=6)
    cases = [
        (body, headers(moment, good), 204),
        (body, headers(moment, f"v1,AAAA {good} v2,x"), 204),
        (body + b" ", headers(moment, good), 401),
        (body, headers(moment, "v1,AAAA"), 401),
        (body, headers(old, signer.sign("msg_1", old, body.decode())), 401),
        (body, {}, 401),
        (body, headers(moment, "v1,日本".encode().decode("latin-1")), 401),
        (b"x" * 70_000, headers(moment, good), 401),
    ]
    for content, sent, status in cases:
        assert requests.post(address, data=content, headers=sent, timeout=9).status_code == status
