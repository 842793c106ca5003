"""Outbound HTTP that cannot be turned inward: no private address, no redirect, no endless answer."""

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

_CHUNK = 65_536
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# What `is_global` lets pass: PCP and TURN of the nearest router, relays of 6to4, documentation (RFC 9637).
_NOT_OUTWARD = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("3fff::/20"),
)
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}  # RFC 5214: the half that says an IPv4 address follows
_ADDRESSES_TRIED = 3

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundError(Exception):
    """Nothing usable came back; `reason` is inward, plain, redirect, large, slow or unreachable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one exchange may last (seconds, from the look-up of the name on), and how large it may get."""

    seconds: float = 10
    body_bytes: int = 1_048_576


def guard(
    session: requests.Session, *, inward: frozenset[str], limits: Limits | None = None
) -> None:
    """Let a session only reach public addresses over https, and the origins named in `inward`.

    Those (`https://idp.example.lg.jp`, `http://127.0.0.1:9000`) were written by the operator: an
    identity provider of a closed network has a private address. Every failure is an OutboundError.
    """
    adapter = GuardedAdapter(inward, limits or Limits())
    session.trust_env = False  # neither proxies nor a .netrc of the machine
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def post(
    address: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    inward: frozenset[str] = frozenset(),
    limits: Limits | None = None,
) -> requests.Response:
    """Send one message to an address that a stranger chose; raises OutboundError and nothing else."""
    with requests.Session() as session:
        guard(session, inward=inward, limits=limits)
        try:
            return session.post(address, data=content, headers=dict(headers))
        except (requests.RequestException, ValueError) as error:
            raise OutboundError("unreachable") from error  # no address at all: refused unsent


def origin_of(address: str) -> str:
    """Return scheme, host and port in one form: the default port is left out."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_outward(address: str) -> bool:
    """Tell whether an IP address, and every address it may stand for, is on the public internet."""
    return all(
        each.is_global and not each.is_multicast and not each.is_reserved and not _is_named(each)
        for each in _meant_by(ipaddress.ip_address(address.partition("%")[0]))
    )


def _is_named(address: Address) -> bool:
    is_site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return is_site or any(address in network for network in _NOT_OUTWARD)


def _meant_by(address: Address) -> Iterator[Address]:
    """Yield an address and the IPv4 addresses inside it, which `is_global` overlooks."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    yield address
    yield from filter(None, (address.sixtofour, *(address.teredo or ())))
    if address in _NAT64 or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


class _Exchange(threading.local):
    """The time of the one exchange that a thread is at, and the line that is cut when it is over.

    A timeout alone only bounds the pause between two bytes. The line is a second handle: TLS takes over
    the first one during its greeting, and an answer that ends its connection takes it along.
    """

    _deadline: float = 0
    _line: socket.socket | None = None
    _end: threading.Timer | None = None

    @contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """Let what happens inside last so long."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            if self._end is not None and self._line is not None:
                self._end.cancel()
                self._line.close()
            self._end = self._line = None

    def left(self) -> float:
        """Return the seconds that are left; raises OutboundError when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise OutboundError("slow")
        return left

    def hold(self, sock: socket.socket) -> socket.socket:
        """Cut this connection when time is up."""
        line = sock.dup()
        self._line = line
        self._end = threading.Timer(max(0, self._deadline - time.monotonic()), _cut, [line])
        self._end.daemon = True
        self._end.start()
        return sock


def _cut(line: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        line.shutdown(socket.SHUT_RDWR)


class _Guarded(HTTPConnection):
    """Resolves once, checks what it found, and connects to exactly that."""

    inward: ClassVar[frozenset[tuple[str, int]]]
    exchange: ClassVar[_Exchange]

    def _new_conn(self) -> socket.socket:
        host = self._dns_host
        failed: Exception | None = None
        for address in self._allowed_addresses(host):
            self._dns_host = address
            self.timeout = self.exchange.left()
            try:
                return self.exchange.hold(super()._new_conn())
            except NewConnectionError as error:
                failed = error
            finally:
                self._dns_host = host
        raise failed or OutboundError("unreachable")

    def _allowed_addresses(self, host: str) -> list[str]:
        port = self.port or _PORTS["https"]
        addresses = _resolve(host.strip("[]"), port, self.exchange.left())
        if (host.strip("[]").lower(), port) not in self.inward and not all(
            map(is_outward, addresses)
        ):
            raise OutboundError("inward")
        return addresses[:_ADDRESSES_TRIED]


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """Return the numeric addresses of a name; a resolver that keeps silent is not waited for."""
    answer: queue.Queue[list[str] | Exception] = queue.Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:  # UnicodeError: no name at all, such as a..b
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise OutboundError("slow") from None
    if isinstance(found, Exception):
        raise OutboundError("unreachable") from found
    return found


class _GuardedTls(_Guarded, HTTPSConnection):
    pass


class GuardedAdapter(HTTPAdapter):
    """The transport of a guarded session: one exchange per connection, read whole and bounded."""

    def __init__(self, inward: frozenset[str], limits: Limits) -> None:
        self._inward = inward
        self._limits = limits
        self._exchange = _Exchange()
        super().__init__(max_retries=0, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the connections of this adapter the guarded ones."""
        super().init_poolmanager(*args, **kwargs)
        parts = [urlsplit(origin) for origin in self._inward]
        named = {
            "inward": frozenset((str(p.hostname), p.port or _PORTS[p.scheme]) for p in parts),
            "exchange": self._exchange,
        }
        plain = {"ConnectionCls": type("GuardedConnection", (_Guarded,), named)}
        secure = {"ConnectionCls": type("GuardedTlsConnection", (_GuardedTls,), named)}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("GuardedPool", (HTTPConnectionPool,), plain),
            "https": type("GuardedTlsPool", (HTTPSConnectionPool,), secure),
        }

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send one request and read the whole answer; raises OutboundError."""
        self._check_address(request.url or "")
        request.headers["Accept-Encoding"] = "identity"
        request.headers["Connection"] = "close"
        begun = time.monotonic()
        kwargs |= {"stream": True, "timeout": self._limits.seconds}
        try:
            with (
                self._exchange.lasting(self._limits.seconds),
                super().send(request, **kwargs) as response,
            ):
                response._content = self._read(response)  # noqa: SLF001 - as requests itself does
                response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        except (requests.RequestException, HTTPError, OSError) as error:
            raise OutboundError(self._why(begun)) from error
        finally:
            self.poolmanager.clear()  # nothing is asked twice on one connection
        if time.monotonic() - begun >= self._limits.seconds:
            raise OutboundError("slow")
        if response.is_redirect:
            raise OutboundError("redirect")
        return response

    def _check_address(self, address: str) -> None:
        try:
            parts, origin = urlsplit(address), origin_of(address)
        except ValueError as error:
            raise OutboundError("inward") from error
        if parts.username is not None or parts.hostname is None:
            raise OutboundError("inward")
        if parts.scheme != "https" and origin not in self._inward:
            raise OutboundError("plain")

    def _read(self, response: requests.Response) -> bytes:
        content = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            content += chunk
            if len(content) > self._limits.body_bytes:
                raise OutboundError("large")
        return bytes(content)

    def _why(self, begun: float) -> str:
        return "slow" if time.monotonic() - begun >= self._limits.seconds else "unreachable"
