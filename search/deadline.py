"""The official client of the search server with a clock: an answer is whole in time, or is none.

The timeout of `requests` holds for each read from the socket, so a server that sends one byte after
another is never late. Here every read, of the head and of the body, gets only what time is left.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from socket import socket
from typing import Any
from urllib.parse import urlencode

from meilisearch import Client
from meilisearch._httprequests import HttpRequests
from meilisearch.index import Index
from meilisearch.models.task import TaskInfo
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_MOST_BYTES = 128 * 1024 * 1024

_until: ContextVar[float] = ContextVar("until", default=float("inf"))


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Let all that is asked inside take so long together; None sets no limit of its own."""
    end = float("inf") if seconds is None else time.monotonic() + seconds
    token = _until.set(min(end, _until.get()))
    try:
        yield
    finally:
        _until.reset(token)


def _left() -> float:
    return _until.get() - time.monotonic()


class TimedClient(Client):
    """The official client; its timeout is that of a whole answer, `within` that of several."""

    def __init__(self, url: str, api_key: str | None = None, *, timeout: int) -> None:
        super().__init__(url, api_key, timeout=timeout)
        self.http = self.task_handler.http = _TimedRequests(self.config)

    def index(self, uid: str) -> Index:
        """Give a reference to an index, without asking the server."""
        found = super().index(uid)
        found.http = self.http
        return found

    def create_index(
        self, uid: str, options: Mapping[str, Any] | None = None, *, metadata: str | None = None
    ) -> TaskInfo:
        """Create an index; the client's own way would ask without the clock."""
        path = self.config.paths.index
        if metadata is not None:
            path += f"?{urlencode({'customMetadata': metadata})}"
        return TaskInfo(**self.http.post(path, {**(options or {}), "uid": uid}))


class _TimedRequests(HttpRequests):
    def send_request(self, http_method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Send by the method of the same name of a session with the clock."""
        with within(self.config.timeout), Session() as session:
            session.mount("http://", _TimedAdapter())
            session.mount("https://", _TimedAdapter())
            method = getattr(session, http_method.__name__)
            return super().send_request(method, *arguments, **options)


class _TimedReader(io.RawIOBase):
    """Reads a socket as long as there is time, and no more than an answer may have."""

    def __init__(self, source: io.RawIOBase, connection: socket) -> None:
        self._source = source
        self._connection = connection
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _left()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        self._connection.settimeout(left if left < float("inf") else None)
        size: int | None = self._source.readinto(buffer)
        self._size += size or 0
        if self._size > _MOST_BYTES:
            raise OSError("the answer is too large")
        return size

    def close(self) -> None:
        self._source.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        source = self.fp.detach()
        self.fp = io.BufferedReader(_TimedReader(source, sock))


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _TimedAdapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        """Send with what time is left; also where the server sent the question elsewhere."""
        left = _left()
        if left <= 0:
            raise ReadTimeout("no time is left", request=request)
        return super().send(request, *arguments, **options | {"timeout": left})
