"""Requests made from the description alone, by schemathesis, and what of their answers it does not tell."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup, ServerError
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PATH = "/api/v1/openapi.json"
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass
class Tally:
    """How many requests were sent, by status, and the faults of their answers in words."""

    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    server_errors: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)


def try_out(
    app: Flask,
    tally: Tally,
    *,
    token: str | None,
    each: int,
    known: Mapping[str, Sequence[str]],
    number: int = 1,
) -> Tally:
    """Ask every operation so often with what fits its description and so often with what does not.

    `known` are values of path parameters that are there; every other request uses one of them.
    """
    headers = {"Accept-Encoding": "identity"}  # the transport for WSGI does not decompress
    if token:
        headers["Authorization"] = f"Bearer {token}"
    schema = openapi.from_wsgi(PATH, app)
    for found in schema.get_all_operations():
        for mode in GenerationMode:
            _try_operation(found.ok(), mode, tally, headers, each, known, number)
    return tally


def _try_operation(
    operation: APIOperation,
    mode: GenerationMode,
    tally: Tally,
    headers: dict[str, str],
    each: int,
    known: Mapping[str, Sequence[str]],
    number: int,
) -> None:
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
        tally.cases += 1
        if tally.cases % 2 and isinstance(case.path_parameters, dict):
            for name in set(known) & set(case.path_parameters):
                case.path_parameters[name] = known[name][tally.cases % len(known[name])]
        response = case.call(headers=headers)
        tally.statuses[response.status_code] = tally.statuses.get(response.status_code, 0) + 1
        _judge(case, response, tally)

    with suppress(Unsatisfiable):  # an operation that takes nothing cannot be asked wrongly
        ask()


def _judge(case: Case, response: schemathesis.Response, tally: Tally) -> None:
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
