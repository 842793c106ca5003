"""What keeps a search server that is ill from making the site ill: breaker and bulkhead."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from meilisearch.errors import MeilisearchApiError, MeilisearchError
from requests.exceptions import RequestException

from search.deadline import within
from search.engine import IndexMissing, SearchUnavailable

_FAILURES_TO_OPEN = 3
_OPEN_SECONDS = 10.0
_PARALLEL = 4
_WAIT_SECONDS = 0.05
_NOT_AN_ANSWER = (ValueError, LookupError, TypeError, AttributeError)
"""What reading an answer raises that is not what a search server gives."""


class CircuitBreaker:
    """Stops asking a server that does not answer, and lets few ask at once.

    A hanging server would otherwise hold every thread of every page for the whole timeout: no more
    than _PARALLEL threads of a process wait for it, and the others are told so at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_PARALLEL)
        self._failures = 0
        self._open_until = 0.0

    @contextmanager
    def guard(self, seconds: float | None = None) -> Iterator[None]:
        """Pass on, or raise SearchUnavailable at once while the server is given a rest.

        All that is asked inside has `seconds` together: what takes longer is cut off and a failure.
        """
        with self._lock:
            if time.monotonic() < self._open_until:
                raise SearchUnavailable
            if self._failures >= _FAILURES_TO_OPEN:
                # One question tries whether the server is back; the others wait for its result.
                self._open_until = time.monotonic() + _OPEN_SECONDS
        if not self._room.acquire(timeout=_WAIT_SECONDS):
            raise SearchUnavailable
        try:
            with within(seconds):
                yield
        except (MeilisearchError, RequestException, *_NOT_AN_ANSWER) as error:
            self._note(failed=_is_failure(error))
            raise _mapped(error) from error
        else:
            self._note(failed=False)
        finally:
            self._room.release()

    def _note(self, *, failed: bool) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            is_open = self._failures >= _FAILURES_TO_OPEN
            self._open_until = time.monotonic() + _OPEN_SECONDS if is_open else 0.0


def _is_failure(error: Exception) -> bool:
    """Say whether the server failed, and did not merely refuse this request."""
    if isinstance(error, MeilisearchApiError):
        return error.status_code >= 500 or error.status_code == 429
    return True


def _mapped(error: Exception) -> SearchUnavailable:
    code = error.code if isinstance(error, MeilisearchApiError) else None
    if code == "index_not_found":
        return IndexMissing("検索の索引がまだありません。索引を作り直してください。")
    if code in {"invalid_api_key", "missing_authorization_header"}:
        return SearchUnavailable("検索サーバーの鍵が正しくありません。")
    return SearchUnavailable()
