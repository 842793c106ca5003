"""Addresses that a stranger may name, and servers that a stranger may keep: none is led inward or waited for."""

import gzip
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest
import requests
from urllib3.util import connection

from core.http import Limits, OutboundError, guard, is_outward, post

PUBLIC = "8.8.8.8"
# What the resolver of this test knows; every other name is absent.
NAMES: dict[str, list[str] | Callable[[str], list[str]]] = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "inside.example": ["10.0.0.5"],
    "inside.example.": ["10.0.0.5"],
    "xn--eckwd4c7c.example": ["192.168.0.9"],
    "mixed.example": [PUBLIC, "10.0.0.1"],
    "mixed6.example": ["2606:4700::1111", "::ffff:169.254.169.254"],
    "last.example": [PUBLIC, "1.1.1.1", "9.9.9.9", "127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "nat64.example": ["64:ff9b::a00:1"],
    "user": ["127.0.0.1"],
    "127.0.0.1.": ["127.0.0.1"],
}
HOSTILE = [
    # this machine
    *("https://127.0.0.1/", "https://127.0.0.1:8443/", "https://127.8.9.10/", "https://0.0.0.0/"),
    *("https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://127.0.0.1./"),
    *("https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::1%25lo]/"),
    # IPv4 in other clothes
    *("https://2130706433/", "https://0x7f000001/", "https://0x7f.0x0.0x0.0x1/"),
    *("https://017700000001/", "https://0177.0.0.1/", "https://0177.0x0.0.1/", "https://127.1/"),
    *("https://0/", "https://127.0.1/", "https://167772161/", "https://0xa9fea9fe/"),
    *("https://2852039166/", "https://0251.0376.0251.0376/", "https://169.16689662/"),
    # networks that are not the internet
    *("https://10.0.0.1/", "https://10.255.255.254/", "https://172.16.0.1/", "https://172.31.9.9/"),
    *("https://192.168.1.1/", "https://169.254.169.254/latest/", "https://100.64.0.1/"),
    *(
        "https://100.127.255.254/",
        "https://192.0.0.9/",
        "https://192.0.2.1/",
        "https://192.88.99.1/",
    ),
    *("https://198.18.0.1/", "https://198.51.100.7/", "https://203.0.113.9/", "https://224.0.0.1/"),
    *("https://240.0.0.1/", "https://255.255.255.255/"),
    *("https://[fc00::1]/", "https://[fd12:3456::1]/", "https://[fe80::1]/", "https://[fec0::1]/"),
    *("https://[ff02::1]/", "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[100::1]/"),
    # an IPv4 address inside an IPv6 one
    *("https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:10.0.0.1]/"),
    *("https://[::127.0.0.1]/", "https://[::ffff:0:127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/"),
    *("https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::a00:1]/", "https://[2002:7f00:1::]/"),
    *("https://[2002:a9fe:a9fe::1]/", "https://[2002:a00:1::1]/"),
    *("https://[2001:0:53aa:64c:0:0:5601:5601]/", "https://[2001:0:808:808::f5ff:fffe]/"),
    *("https://[2606:4700::5efe:10.0.0.1]/", "https://[2606:4700::200:5efe:127.0.0.1]/"),
    # names of inner addresses, alone and among public ones
    *("https://inside.example/", "https://inside.example./", "https://metadata.example/"),
    *("https://mixed.example/", "https://mixed6.example/", "https://last.example/"),
    *("https://nat64.example/", "https://サービス.example/", "https://xn--eckwd4c7c.example/"),
    # one address for the eye, another for the program
    *("https://①②⑦.⓪.⓪.①/", "https://１２７。０。０。１/", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/"),
    *("https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/"),
    *("https://user:word@8.8.8.8/", "https://127.0.0.1\\@example.com/", "https://@127.0.0.1/"),
    *("https://127.0.0.1#@example.com/", "https://127.0.0.1?@example.com/", "https://user/"),
    *("https:127.0.0.1/", "https:/127.0.0.1/", "https:///127.0.0.1/", "https://[::1/"),
    *("https://127.0.0.1:99999/", "https://a..b/", "https://" + "a" * 64 + ".example/", "https://"),
    # other ways than https
    *("http://8.8.8.8/", "http://127.0.0.1/", "HTTP://example.com/", "ftp://8.8.8.8/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "data:text/plain,x", "//8.8.8.8/"),
]


@pytest.fixture
def dialled(monkeypatch):
    """Answer names from the list above, and note whom the program wanted to reach instead of it."""
    real, wanted, asked = socket.getaddrinfo, [], []

    def resolve(host, port, *args, **kwargs):
        asked.append(host)
        try:
            numeric = real(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
        except (OSError, UnicodeError):
            found = NAMES.get(str(host).lower(), [])
            found = found(host) if callable(found) else found
        else:
            return numeric
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(2, 1, 6, "", (each, port)) for each in found]

    def dial(address, *_args, **_kwargs):
        wanted.append(address[0])
        raise OSError("nobody is called in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(connection, "create_connection", dial)
    return wanted, asked


def reason_of(address, *inward, limits=None):
    with pytest.raises(OutboundError) as refused:
        post(address, b"{}", {}, inward=frozenset(inward), limits=limits)
    return refused.value.reason


@pytest.mark.acceptance(35)
def test_hostile_addresses_are_at_least_sixty():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.acceptance(35)
@pytest.mark.parametrize("address", HOSTILE)
def test_hostile_address_is_refused_and_nobody_is_called(dialled, address):
    assert reason_of(address) in {"inward", "plain", "unreachable"}
    assert dialled[0] == []


def test_public_addresses_are_called_under_their_number(dialled):
    """The list above would mean nothing if every address were refused."""
    NAMES["outside.example"] = [PUBLIC, "2606:4700::1111"]
    assert reason_of("https://outside.example/") == "unreachable"
    assert reason_of("https://1.1.1.1/") == "unreachable"
    assert reason_of("https://134744072/") == "unreachable"
    assert dialled[0] == [PUBLIC, "2606:4700::1111", "1.1.1.1", PUBLIC]


def test_name_that_turns_inward_at_the_second_question_is_asked_only_once(dialled):
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    NAMES["rebinding.example"] = lambda _host: next(answers)
    assert reason_of("https://rebinding.example/") == "unreachable"
    wanted, asked = dialled
    assert (wanted, asked.count("rebinding.example")) == ([PUBLIC], 1)
    assert reason_of("https://rebinding.example/") == "inward"
    assert wanted == [PUBLIC]


def test_resolver_that_keeps_silent_is_not_waited_for(dialled, monkeypatch):
    silent = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: silent.wait(20) and [])
    begun = time.monotonic()
    assert reason_of("https://silent.example/", limits=Limits(seconds=0.3)) == "slow"
    assert time.monotonic() - begun < 5
    silent.set()


@pytest.mark.parametrize(
    "address",
    ["192.0.0.9", "192.88.99.1", "3fff::1", "2606:4700::5efe:a00:1", "2606:4700::200:5efe:7f00:1"],
)
def test_address_that_python_calls_global_is_known(address):
    assert not is_outward(address)


# --- servers -------------------------------------------------------------------------------------


@contextmanager
def babbling(head, drip=b"x", *, pause=0.05, times=400):
    """Send a beginning and then drops, with raw sockets; yields the origin and how many came."""
    listener = socket.create_server(("127.0.0.1", 0))
    visitors, over = [], threading.Event()

    def babble():
        while not over.is_set():
            try:
                visitor, _ = listener.accept()
            except OSError:
                return
            visitors.append(visitor)
            with visitor, suppress(OSError):  # the caller has had enough
                visitor.recv(65_536)
                visitor.sendall(head)
                for _ in range(times):
                    if over.wait(pause):
                        break
                    visitor.sendall(drip)

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", visitors
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.acceptance(35)
@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", b"x"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200", b" "),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_answer_that_drips_is_cut(head, drip):
    begun = time.monotonic()
    with babbling(head, drip) as (origin, _):
        assert reason_of(origin, origin, limits=Limits(seconds=0.5)) in {"slow", "unreachable"}
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(50_000_000)),
    ],
)
def test_answer_without_end_is_left_after_its_measure(head):
    limits = Limits(seconds=20, body_bytes=65_536)
    with babbling(head, b"x" * 16_384, pause=0.001) as (origin, _):
        assert reason_of(origin, origin, limits=limits) == "large"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_answered_by_nothing(status):
    with babbling(b"", times=0) as (inner, visitors):
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {inner}/\r\nContent-Length: 0\r\n\r\n"
        with babbling(moved.encode(), times=0) as (origin, _):
            assert reason_of(f"{origin}/", origin, inner) == "redirect"
        assert visitors == []


def test_connection_of_one_exchange_is_not_used_for_the_next():
    """A kept line would go on without its own time limit."""
    answer = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
    with babbling(answer, times=0) as (origin, visitors), requests.Session() as session:
        guard(session, inward=frozenset({origin}))
        assert [session.get(origin).status_code for _ in range(2)] == [200, 200]
        assert len(visitors) == 2
