"""Requests made from the description, by schemathesis, and what of their answers it does not tell.

A part of them asks as somebody who knows the way: for rows that are there, with the ETag that a change
needs, a key of its own for each POST, and a content that is accepted.
"""

import itertools
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis import Case, GenerationMode, Response, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.core.failures import Failure, FailureGroup, ServerError
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from catalog.offerings.evidence_check import MEDIA_TYPES
from tests.api.known_rows import KnownRows

PATH = "/api/v1/openapi.json"
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_DRAWN, _NAMED, _ASKED, _RIGHT = range(4)  # how much of a request comes from what is known
# Each is refused in a way of its own: 406, 412, 415, 400 and 431.
_WRONG_HEADERS = (
    {"Accept": "image/png"},
    {"If-Match": '"of-before"'},
    {"Content-Type": "text/plain"},
    {"Idempotency-Key": "-"},
    {"X-Long": "x" * 20_000},
)
_keys = itertools.count(1)
# What a client sends as a file: hardly ever one, and only the application can tell.
for _kind in (*MEDIA_TYPES.values(), "application/octet-stream"):
    openapi.media_type(_kind, strategies.binary(max_size=200))


@dataclass(frozen=True)
class Asker:
    """One kind of client: what it is called, its token, and the organisation whose rows it holds.

    It draws `share` times as much as one that is refused nearly everything.
    """

    name: str
    token: str | None = None
    owner_id: uuid.UUID | None = None
    share: int = 1


@dataclass
class Tally:
    """What was answered to whom, and the faults of the answers in words."""

    by_asker: dict[str, Counter[int]] = field(default_factory=dict)
    described: dict[str, set[int]] = field(default_factory=dict)
    seen: dict[str, set[int]] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    server_errors: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int]:
        """How many answers had each status."""
        return sum(self.by_asker.values(), Counter())

    @property
    def cases(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()

    def unseen(self) -> list[str]:
        """Return what the description promises to those who ask rightly, and nobody was ever answered."""
        return [
            f"{label} {status}"
            for label, statuses in sorted(self.described.items())
            for status in sorted(statuses - self.seen.get(label, set()))
            if status < 400
        ]

    def lines(self) -> Iterator[str]:
        """Word the counts by kind of client, and how often each class of status was met."""
        for name, statuses in self.by_asker.items():
            classes = Counter(f"{status // 100}xx" for status in statuses.elements())
            yield f"{name}: {statuses.total()} {dict(sorted(classes.items()))}"


def load_operations(app: Flask) -> list[APIOperation]:
    """Return every operation of the description."""
    return [each.ok() for each in openapi.from_wsgi(PATH, app).get_all_operations()]


class Asking:
    """Asks every operation of the description as one client."""

    def __init__(
        self,
        app: Flask,
        operations: list[APIOperation],
        rows: KnownRows,
        tally: Tally,
        asker: Asker,
    ) -> None:
        self._browser, self._rows, self._tally, self._asker = app.test_client(), rows, tally, asker
        self._operations = operations
        # The transport for WSGI does not decompress.
        self._headers = {"Accept-Encoding": "identity"}
        if asker.token:
            self._headers["Authorization"] = f"Bearer {asker.token}"
        self._counts = tally.by_asker.setdefault(asker.name, Counter())
        for each in self._operations:
            promised = {int(status) for status in each.definition.raw["responses"]}
            tally.described[each.label] = promised

    def walk(self) -> None:
        """Ask every operation rightly, with each known query, and once more with the ETag that came."""
        for operation in self._operations:
            for number, _ in enumerate(self._rows.list_queries(operation.path, operation.method)):
                case = operation.Case()
                response = self._send(self._fill(case, _RIGHT, number))
                if response and response.status_code == 200 and operation.method == "get":
                    self._send(case, {"If-None-Match": response.headers.get("etag", ["*"])[0]})

    def provoke(self) -> None:
        """Ask every operation rightly but for one header, and once more what was done already."""
        for operation in self._operations:
            for more in _WRONG_HEADERS:
                self._send(self._fill(operation.Case(), _RIGHT, 0), more)
            if operation.method != "get":
                case = self._fill(operation.Case(), _RIGHT, 0)
                self._send(case)
                self._send(case, {"Idempotency-Key": f"made-up-{next(_keys)}"})

    def draw(self, each: int, number: int) -> None:
        """Ask every operation so often with what fits its description and so often with what does not."""
        for operation in self._operations:
            self._draw(operation, GenerationMode.POSITIVE, each, number)
            if _can_be_asked_wrongly(operation):
                self._draw(operation, GenerationMode.NEGATIVE, each, number)

    def _draw(self, operation: APIOperation, mode: GenerationMode, each: int, number: int) -> None:
        counter = itertools.count(number)
        # What is drawn wrongly stays as it is drawn, but for the row and the headers.
        ways = (
            (_RIGHT, _NAMED, _ASKED, _DRAWN)
            if mode is GenerationMode.POSITIVE
            else (_NAMED, _DRAWN)
        )

        @seed(number)
        @settings(
            max_examples=each,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            turn = next(counter)
            self._send(self._fill(case, ways[turn % len(ways)], turn))

        ask()

    def _fill(self, case: Case, way: int, turn: int) -> Case:
        """Put what is known into a request; the headers of a change are right but where all is drawn."""
        operation, label = case.operation, case.operation.label
        if way == _DRAWN:
            return case
        ready = self._rows.make_ready(label, self._asker.owner_id)
        places = self._rows.name_places(operation.path, self._asker.owner_id, turn)
        case.path_parameters = {**places, **ready}
        if way >= _ASKED:
            queries = self._rows.list_queries(operation.path, operation.method)
            case.query = {**queries[turn % len(queries)]}
            if label in self._tally.cursors and turn % 3 == 2:
                case.query |= {"cursor": self._tally.cursors[label]}
        content = self._rows.make_body(label) if way == _RIGHT else None
        if content is not None:
            is_file = isinstance(content, bytes)
            case.body, case.media_type = content, "text/csv" if is_file else "application/json"
        if case.method != "GET" and isinstance(case.body, NotSet):
            case.headers["Content-Length"] = "0"
        self._add_headers(case)
        return case

    def _add_headers(self, case: Case) -> None:
        names = {each.name for each in case.operation.headers}
        if "Idempotency-Key" in names:
            case.headers["Idempotency-Key"] = f"made-up-{next(_keys)}"
        if "If-Match" in names:
            read = self._browser.get(case.formatted_path, headers=self._headers)
            case.headers["If-Match"] = read.headers.get("ETag", '"none"')

    def _send(self, case: Case, more: dict[str, str] | None = None) -> Response | None:
        label = case.operation.label
        # The client for WSGI forgets a length that it has not counted.
        length = 0 if isinstance(case.body, NotSet) and "Content-Length" in case.headers else None
        headers = {**self._headers, **(more or {})}
        try:
            response = case.call(headers=headers, content_length=length)
        except Exception as error:  # noqa: BLE001 - whatever the application did not catch is its fault
            self._counts[500] += 1
            self._tally.server_errors.append(f"{label}: {error!r}"[:1_500])
            return None
        self._counts[response.status_code] += 1
        self._tally.seen.setdefault(label, set()).add(response.status_code)
        if response.status_code == 200 and b'"next":' in response.content:
            following: Any = response.json().get("next")
            if isinstance(following, str):
                self._tally.cursors[label] = following
        _judge(case, response, self._tally)
        return response


def _can_be_asked_wrongly(operation: APIOperation) -> bool:
    """Tell whether anything can be drawn that does not fit: any text may be a code."""
    shapes = [each.definition["schema"] for each in operation.path_parameters]
    names_ids = any("format" in each or each["type"] != "string" for each in shapes)
    return bool(names_ids or operation.query or operation.headers or operation.body)


def _judge(case: Case, response: Response, tally: Tally) -> None:
    try:
        case.validate_response(response, checks=_CHECKS)
    except FailureGroup as group:
        failures: list[Any] = list(group.exceptions)
    except Failure as alone:
        failures = [alone]
    else:
        return
    for failure in failures:
        words = f"{case.operation.label} {response.status_code}: {failure}"[:1_500]
        found = tally.server_errors if isinstance(failure, ServerError) else tally.undocumented
        found.append(words)
