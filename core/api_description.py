"""The description of the API (OpenAPI 3.1), generated from what each route declares."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from core.api import IDEMPOTENCY_KEY, Deprecation, Operation, ProblemSchema
from core.problems import PROBLEM_TYPE
from core.state_machine import LabelledCode

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
# And what the way of asking adds: a body without length or too large, a key used twice, a tag of before.
_BY_METHOD = {
    "GET": (412,),
    "POST": (411, 413, 422),
    "PUT": (411, 412, 413, 428),
    "PATCH": (411, 412, 413, 428),
    "DELETE": (412, 428),
}
_UNSAID = frozenset({"HEAD", "OPTIONS"})
_STATUS_WORDS = {
    200: "答え",
    201: "作ったもの。アドレスはLocationヘッダー",
    202: "受け付けた。結果はあとで記録に出る",
    204: "終わった。内容はない",
    304: "If-None-Matchと同じ内容",
    400: "指定か本文を読めない。errorsが名前を挙げる",
    401: "トークンがないか、使えない",
    403: "トークンに範囲（scope）が足りない",
    404: "ないか、読めない",
    406: "このアドレスの形式を受け取れないと言われた",
    409: "今の状態ではできない",
    410: "あったが、終わった",
    411: "Content-Lengthがない",
    412: "If-Matchの内容から変わった。変更と削除では、currentに今の内容がある",
    413: "本文が大きすぎる",
    414: "アドレスが長すぎる",
    415: "本文の形式（Content-Type）が、ここで受け取れるものではない",
    422: "項目の値が決まりに合わない。errorsが場所を挙げる",
    428: "If-Matchヘッダーがない",
    429: "回数の上限を超えた。Retry-Afterの秒数を待つ",
    431: "ヘッダーが大きすぎる",
    503: "今は答えられない。Retry-Afterの秒数を待つ",
}
_NULL = "情報がないときはnull"
_ENDING = "x-ending"
_CONVENTIONS = (
    "金額は円の整数（ほかの通貨は、その通貨のいちばん小さい単位）で、税抜か税込かを項目ごとに書きます。"
    "率は万分率（1000は10%）、日付はISO 8601（2026-10-01）、時刻はUTCです。"
    "nullは、だれも知らせていないことです。0や「いいえ」の意味にはなりません。"
)
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


@dataclass(frozen=True, slots=True)
class Words:
    """What names, parameters and codes mean, and by which first word of the address routes are grouped.

    `fields` are told of a name wherever it stands, `of_one` of `Shape.name`; a field's own words go before.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    of_one: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def describe_api(
    app: Flask,
    *,
    title: str,
    version: str,
    prefix: str,
    shapes: Mapping[str, type[Schema]],
    scopes: Mapping[str, str] | None = None,
    token_url: str = "/oauth/token",  # noqa: S107 - an address
    words: Words | None = None,
    examples: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of all described routes below a prefix.

    `shapes` are schemas by name that answers refer to by `any_of` only; `scopes` say what a token may;
    `examples` have by operation (`get /path`) its `request` (path, query, body), `status` and `answer`.
    """
    words = words or Words()
    plugin = MarshmallowPlugin()
    spec = APISpec(
        title=title,
        version=version,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": _CONVENTIONS},
        tags=[{"name": name, "description": told} for name, told in words.groups.values()],
    )
    if plugin.converter is not None:
        for tell in (_say_label, _say_end):
            plugin.converter.add_attribute_function(tell)  # type: ignore[no-untyped-call]
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
    told: dict[str, Any] = spec.to_dict()
    for name, shape in told["components"]["schemas"].items():
        _tell_shape(name, shape, words)
    for path, described in told["paths"].items():
        group = words.groups.get(path.removeprefix(f"{prefix}/").partition("/")[0])
        for method, operation in described.items():
            if group:
                operation["tags"] = [group[0]]
            for parameter in operation["parameters"]:
                _tell_parameter(parameter, words)
            _add_example(operation, (examples or {}).get(f"{method} {path}", {}))
    return told


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


def _add_example(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    request: Mapping[str, Any] = example.get("request", {})
    for parameter in operation["parameters"]:
        given = request.get(parameter["in"], {})
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    if "body" in request:
        operation["requestBody"]["content"]["application/json"]["example"] = request["body"]
    if "file" in request:
        sent = request["file"]
        operation["requestBody"]["content"][sent["media_type"]]["example"] = sent["text"]
    if example.get("answer") is not None:
        (content,) = operation["responses"][str(example["status"])]["content"].values()
        content["example"] = example["answer"]


# --- in words ------------------------------------------------------------------------------------


def _tell_shape(shape_name: str, shape: dict[str, Any], words: Words) -> None:
    for name, told in shape.get("properties", {}).items():
        known = words.of_one.get(f"{shape_name}.{name}") or words.fields.get(name, "")
        _tell(told, _say_first(known, told), words.codes)


def _say_first(known: str, told: Mapping[str, Any]) -> str:
    """Put what a name means before words that tell only its codes or when it is null."""
    said: str = told.get("description", "")
    codes = told.get("enum", ())
    is_bare = said == _NULL or any(each and said.startswith(f"{each}は") for each in codes)
    return "。".join(each for each in (known, said) if each) if is_bare or not said else said


def _tell_parameter(told: dict[str, Any], words: Words) -> None:
    name = told["name"]
    said = told.get("description") or told["schema"].pop("description", "")
    known = words.parameters.get(name) or words.fields.get(name, "")
    shape = {**told["schema"], "description": said or known}
    _tell(shape, shape["description"], words.codes, is_answer=False)
    told["description"] = shape["description"]


def _tell(
    told: dict[str, Any], description: str, codes: Mapping[str, str], *, is_answer: bool = True
) -> None:
    """Say what a value is, what each of its codes means, and what null means of it."""
    items = told.get("items", {})
    allowed = told.get("enum", items.get("enum", ()))
    said = description + items.get("description", "")
    meanings = _explain([str(each) for each in allowed if each and isinstance(each, str)], codes)
    left = [f"{code}は{meaning}" for code, meaning in meanings.items() if f"{code}は" not in said]
    parts = [description, "、".join(left)]
    if is_answer and _may_be_null(told) and "null" not in said:
        parts.append(_NULL)
    parts.append(told.pop(_ENDING, ""))
    if found := "。".join(part for part in parts if part):
        told["description"] = found


def _explain(codes: list[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return what codes mean: in the words of the enumeration that has just these, else as told."""
    for each in _enumerations(LabelledCode):
        labels = dict(each.choices())
        if codes and set(codes) == set(labels):
            return labels
    return {code: known[code] for code in codes if code in known}


def _enumerations(base: type[LabelledCode]) -> Iterator[type[LabelledCode]]:
    for each in base.__subclasses__():
        yield each
        yield from _enumerations(each)


def _may_be_null(told: Mapping[str, Any]) -> bool:
    kind = told.get("type", ())
    return "null" in kind if isinstance(kind, list) else {"type": "null"} in told.get("anyOf", ())


def _say_end(_: object, declared: fields.Field[Any], **_more: Any) -> dict[str, str]:
    """Tell until when a field that is on its way out is there, for `_tell` to say last."""
    ending = declared.metadata.get("deprecation")
    return {_ENDING: ending.sentence} if isinstance(ending, Deprecation) else {}


def _say_label(_: object, declared: fields.Field[Any], **_more: Any) -> dict[str, str]:
    """Tell the label of a form's field, where nothing more is said."""
    label = declared.metadata.get("label")
    return {"description": label} if label and "description" not in declared.metadata else {}


# --- routes --------------------------------------------------------------------------------------


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
        told["description"] = operation.deprecated.sentence
    if operation.body:
        content = {"application/json": {"schema": operation.body}}
        told["requestBody"] = {"required": True, "content": content}
    if operation.files:
        raw = {"schema": {"type": "string", "format": "binary"}}
        told["requestBody"] = {
            "required": True,
            "content": {each: {**raw} for each in operation.files},
            "description": "ファイルの中身そのもの",
        }
    return told


def _describe_answers(method: str, operation: Operation) -> dict[str, Any]:
    content = {operation.media_type: {"schema": operation.answer} if operation.answer else {}}
    done: dict[str, Any] = {"description": _say_status(operation.status)}
    if operation.status != HTTPStatus.NO_CONTENT:
        done |= {"content": content, "headers": _TOLD}
    responses = {str(operation.status): done}
    if method == "GET":
        responses["304"] = {"description": _say_status(304)}
    problem = {PROBLEM_TYPE: {"schema": ProblemSchema}}
    for status in sorted({*_ALWAYS, *_BY_METHOD.get(method, ()), *operation.problems}):
        responses[str(status)] = {"description": _say_status(status), "content": problem}
    return responses


def _say_status(status: int) -> str:
    return _STATUS_WORDS.get(status, HTTPStatus(status).phrase)


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
