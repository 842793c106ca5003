"""The description of the API (OpenAPI 3.1), generated from what each route declares."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from core.api import IDEMPOTENCY_KEY, Operation, ProblemSchema
from core.problems import PROBLEM_TYPE

_CONVERTED = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_PATH_PART = re.compile(r"<(?:([^:<>]+):)?([^<>]+)>")
_SHAPES: dict[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
    "path": {"type": "string", "minLength": 1, "pattern": "^[^/]"},
}
# What any route may answer: a token that is not good or lacks the scope, too many, too much to read.
_ALWAYS = (400, 401, 403, 404, 406, 414, 429, 431)
# And what the way of asking adds: a body without length or too large, a key used twice, a stale tag.
_BY_METHOD = {
    "POST": (411, 413, 422),
    "PUT": (411, 412, 413, 428),
    "PATCH": (411, 412, 413, 428),
    "DELETE": (412, 428),
}
_UNSAID = frozenset({"HEAD", "OPTIONS"})
_TOKEN = "token"  # noqa: S105 - the name of the scheme
_HEADER = {"in": "header", "required": True, "schema": {"type": "string"}}
_KEY_HEADER = {
    **_HEADER,
    "name": IDEMPOTENCY_KEY,
    "schema": {"type": "string", "minLength": 8, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "同じ操作を1回だけ行うための、利用者が決める値。同じ値で送り直すと前の答えが返る",
}
_TOLD = {
    name: {"schema": {"type": "string"}, "description": words}
    for name, words in (
        ("ETag", "内容の印。If-None-MatchとIf-Matchに使う"),
        ("RateLimit", "残りの回数（r）と、数え直すまでの秒数（t）"),
        ("RateLimit-Policy", "回数の上限（q）と、その秒数（w）"),
    )
}
_MATCH_HEADER = {
    **_HEADER,
    "name": "If-Match",
    "description": "読んだときのETag。その後に変わっていれば412",
}


def describe_api(
    app: Flask,
    *,
    title: str,
    version: str,
    prefix: str,
    shapes: Mapping[str, type[Schema]],
    scopes: Mapping[str, str] | None = None,
    token_url: str = "/oauth/token",  # noqa: S107 - an address
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of all described routes below a prefix.

    `shapes` are schemas by name that answers refer to by `any_of` only; `scopes` say what a token may.
    """
    spec = APISpec(
        title=title,
        version=version,
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"description": "金額は円（整数・税抜）、日付はISO 8601、時刻はUTCです。"},
    )
    flow = {"tokenUrl": token_url, "scopes": dict(scopes or {})}
    scheme = {"type": "oauth2", "flows": {"clientCredentials": flow}}
    spec.components.security_scheme(_TOKEN, scheme)
    for name, schema in {"Problem": ProblemSchema, **shapes}.items():
        spec.components.schema(name, schema=schema)
    for rule, operation in list_operations(app, prefix):
        path = _CONVERTED.sub(r"{\1}", rule.rule)
        methods = sorted((rule.methods or set()) - _UNSAID)
        spec.path(
            path=path,
            operations={each.lower(): _describe(rule, each, operation) for each in methods},
        )
    return spec.to_dict()


def list_operations(app: Flask, prefix: str) -> Iterator[tuple[Rule, Operation]]:
    """Give the described routes below a prefix, by address."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if rule.rule.startswith(prefix) and isinstance(operation, Operation):
            yield rule, operation


def any_of(*names: str, nullable: bool = False) -> fields.Raw:
    """Declare a value of one of several described shapes."""
    shapes = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return fields.Raw(
        required=True, metadata={"anyOf": [*shapes, *([{"type": "null"}] if nullable else [])]}
    )


def _describe(rule: Rule, method: str, operation: Operation) -> dict[str, Any]:
    headers = [
        *([_KEY_HEADER] if method == "POST" else []),
        *([_MATCH_HEADER] if method in {"PUT", "PATCH", "DELETE"} else []),
    ]
    query = {"in": "query", "schema": operation.query}
    told: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": operation.summary,
        "parameters": [*_path_parameters(rule), query, *headers],
        "responses": _describe_answers(method, operation),
        "security": [{_TOKEN: [operation.needs]}] if operation.needs else [{}, {_TOKEN: []}],
    }
    if operation.deprecated:
        told["deprecated"] = True
        told["description"] = (
            f"{operation.deprecated.sunset}まで。後継：{operation.deprecated.successor}"
        )
    if operation.body:
        content = {"application/json": {"schema": operation.body}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _describe_answers(method: str, operation: Operation) -> dict[str, Any]:
    content = {operation.media_type: {"schema": operation.answer} if operation.answer else {}}
    done: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.status != HTTPStatus.NO_CONTENT:
        done |= {"content": content, "headers": _TOLD}
    responses = {str(operation.status): done}
    if method == "GET":
        responses["304"] = {"description": "If-None-Matchと同じ内容"}
    problem = {PROBLEM_TYPE: {"schema": ProblemSchema}}
    for status in sorted({*_ALWAYS, *_BY_METHOD.get(method, ()), *operation.problems}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    kinds = {name: kind for kind, name in _PATH_PART.findall(rule.rule)}
    return [
        {
            "in": "path",
            "name": name,
            "required": True,
            "schema": _SHAPES[kinds[name].partition("(")[0]],
        }
        for name in sorted(rule.arguments)
    ]
