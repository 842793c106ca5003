"""Outbound HTTP cannot be turned inward, led on, fed without end or kept waiting."""

import socket
import threading
from contextlib import contextmanager

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from core.http import Limits, OutboundError, guard, is_outward, origin_of


@contextmanager
def serving(answer):
    """Serve one answer on loopback; yields its origin."""
    server = make_server("127.0.0.1", 0, Request.application(answer), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(address, *inward, limits=None):
    session = requests.Session()
    guard(session, inward=frozenset(inward), limits=limits)
    with session:
        return session.get(address)


def reason_of(address, *inward, limits=None):
    with pytest.raises(OutboundError) as refused:
        ask(address, *inward, limits=limits)
    return refused.value.reason


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:a9fe:a9fe::1",
        "2001:0:53aa:64c:0:0:5601:5601",
    ],
)
def test_address_inside_is_known_in_every_disguise(address):
    assert not is_outward(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_address_is_outward(address):
    assert is_outward(address)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://127.0.0.1/", "inward"),
        ("https://localhost/", "inward"),
        ("https://[::1]/", "inward"),
        ("https://0x7f.1/", "inward"),
        ("https://user:word@example.com/", "inward"),
        ("http://example.com/", "plain"),
    ],
)
def test_inward_and_unencrypted_addresses_are_not_asked(address, reason):
    assert reason_of(address) == reason


def test_name_is_judged_by_every_address_that_it_has(monkeypatch):
    """A name whose second answer points inward would be asked there at the next attempt."""
    found = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
    assert reason_of("https://two-faced.example/") == "inward"


def test_named_origin_is_asked_and_only_that_one():
    with serving(lambda _: Response("{}")) as here, serving(lambda _: Response("{}")) as there:
        assert ask(f"{here}/x", here).text == "{}"
        assert reason_of(f"{there}/x", here) == "plain"
        assert reason_of(there.replace("http:", "https:"), here) == "inward"


def test_nothing_is_followed_and_nothing_is_endless():
    answers = {
        "/on": lambda: Response(status=302, headers={"Location": "/x"}),
        "/large": lambda: Response(b"x" * 2_001),
        "/fits": lambda: Response(b"x" * 2_000),
        "/broken": lambda: Response(status=200, headers={"Content-Length": "9"}),
    }
    limits = Limits(seconds=2, body_bytes=2_000)
    with serving(lambda request: answers[request.path]()) as origin:
        assert reason_of(f"{origin}/on", origin, limits=limits) == "redirect"
        assert reason_of(f"{origin}/large", origin, limits=limits) == "large"
        assert len(ask(f"{origin}/fits", origin, limits=limits).content) == 2_000
        assert reason_of(f"{origin}/broken", origin, limits=limits) in {"unreachable", "slow"}
    assert reason_of(f"{origin}/", origin, limits=limits) == "unreachable"


def test_origins_have_one_form():
    assert origin_of("https://a.example:443/x?y") == "https://a.example"
    assert origin_of("http://[::1]:9000/") == "http://[::1]:9000"
