"""The conventions of the API: JSON out, problems out, named refusals, cursors, ETag.

Errors become problem+json (RFC 9457) in core.problems; core.api_delivery sends the answers. What a route accepts and answers is declared once,
on the view, and the description is generated from that.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, g, request, url_for
from marshmallow import Schema, ValidationError, fields
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import generate_etag

from core import web
from core.errors import BadRequest, DomainError, StaleVersion
from core.fields import FormSchema
from core.forms import first_sentence
from core.state_machine import LabelledCode

PREFIX = "/api/"
JSON_TYPE = "application/json"
IDEMPOTENCY_KEY = "Idempotency-Key"
# Public reads are the same for everyone; a copy may be kept but must be checked before use.
CACHE_CONTROL = "public, no-cache"
_OTHER_WORDS = (
    "この表に種類のない誤りです。状態の番号の意味は、HTTPの決まりのとおりです。",
    "送り方を確かめてください。",
)
_LAST = 600

F = TypeVar("F", bound=Callable[..., Any])


class BadParameters(BadRequest):
    """Query parameters that cannot be used; `reasons` names each with a sentence."""

    code = "bad_parameters"
    title = "指定できない検索条件があります"
    meaning = "知らない指定、2回書いた指定、値の合わない指定があります。"
    remedy = "errors に挙げた名前の指定を直してください。"

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__(reasons[0][1])
        self.reasons = reasons


class ProblemFieldSchema(FormSchema):
    """One field or parameter and what is wrong with it."""

    field = fields.String(required=True)
    message = fields.String(required=True)
    code = fields.String(metadata={"description": "誤りの種類。回答を送ったときにある"})


class ProblemSchema(FormSchema):
    """An error (RFC 9457)."""

    type = fields.String(
        required=True, metadata={"description": "/docs/problems#種類の名前。種類の名前は変わらない"}
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemFieldSchema))
    current = fields.Dict(metadata={"description": "412のときの、今の内容"})


class NoQuerySchema(FormSchema):
    """Routes without query parameters refuse every one."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when something is no longer to be used, the day it ends, and the path of its successor."""

    since: date
    sunset: date
    successor: str

    @property
    def sentence(self) -> str:
        """Say until when it is answered, and what to use instead."""
        return f"{self.sunset}まで。後継：{self.successor}"


def deprecated(deprecation: Deprecation, **more: Any) -> dict[str, Any]:
    """Return the metadata of a field or parameter that is on its way out."""
    return {"deprecated": True, "deprecation": deprecation, **more}


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route accepts and answers, for the description; `needs` is the scope of the token."""

    summary: str
    answer: type[Schema] | None
    query: type[Schema]
    problems: tuple[int, ...]
    media_type: str = JSON_TYPE
    needs: str | None = None
    body: type[Schema] | None = None
    status: int = 200
    deprecated: Deprecation | None = None
    files: tuple[str, ...] = ()  # media types of a body that is a file itself


def endpoint(
    summary: str,
    *,
    answer: type[Schema] | None = None,
    query: type[Schema] = NoQuerySchema,
    problems: tuple[int, ...] = (),
    media_type: str = JSON_TYPE,
    needs: str | None = None,
    deprecated: Deprecation | None = None,
    adds: tuple[LabelledCode, ...] | None = None,
) -> Callable[[F], F]:
    """Make a view that reads a described route of the API; `core.api_writes.acting` is for the others.

    `needs` names the scope without which nobody is answered; the permission table refuses. Its query parameters are loaded by `query` and passed as the argument `query`; a mapping that it
    returns becomes the JSON answer with an ETag. Raises BadParameters (400) and answers 406. `adds` are the conditions
    that a list has without being asked; the answer names them (`server_filters`).
    """
    if answer is not None and adds is not None:
        answer = _with_filters(answer, adds)

    def decorate(view: F) -> F:
        schema = query()

        @wraps(view)
        def answer_request(**path: Any) -> Response:
            check_accept(media_type)
            g.server_filters = adds
            result = view(**path, query=read_query(schema))
            response = result if isinstance(result, Response) else json_response(result)
            return with_etag(response)

        answer_request.operation = Operation(  # type: ignore[attr-defined]
            summary,
            answer,
            query,
            (400, 406, *problems),
            media_type,
            needs,
            deprecated=deprecated,
        )
        return answer_request  # type: ignore[return-value]

    return decorate


class ServerFilterSchema(FormSchema):
    """A condition that nobody asked for."""

    name = fields.String(required=True, metadata={"description": "条件の名前（変わらない）"})
    meaning = fields.String(required=True, metadata={"description": "条件の意味"})


@cache
def _with_filters(answer: type[Schema], adds: tuple[LabelledCode, ...]) -> type[Schema]:
    """Return the shape with the conditions that the list adds by itself, each with its meaning."""
    said = "、".join(f"{each}は{each.label}" for each in adds) or "この一覧にはない"
    told = fields.List(
        fields.Nested(ServerFilterSchema),
        required=True,
        metadata={"description": f"求めなくてもいつもかかっている条件。{said}"},
    )
    made = answer.from_dict({"server_filters": told}, name=answer.__name__)
    made.__module__ = answer.__module__
    return made


def check_accept(media_type: str) -> None:
    """Refuse a caller that does not take what this address answers (406)."""
    wanted = request.accept_mimetypes
    if wanted and not wanted.best_match([media_type]):
        raise NotAcceptable(f"このアドレスは{media_type}で答えます。")


def read_query(schema: Schema) -> dict[str, Any]:
    """Load the query parameters; BadParameters names every one that is unknown, doubled or wrong."""
    declared = {field.data_key or name: field for name, field in schema.fields.items()}
    raw: dict[str, str | list[str]] = {}
    reasons: list[tuple[str, str]] = []
    for name, values in request.args.lists():
        takes_many = isinstance(declared.get(name), fields.List)
        if name not in declared:
            known = "、".join(declared) or "ありません"
            reasons.append((name, f"「{name}」は指定できません。指定できるもの：{known}。"))
        elif len(values) > 1 and not takes_many:
            reasons.append((name, f"「{name}」は1回だけ指定してください。"))
        elif any("\x00" in value for value in values):
            reasons.append((name, f"「{name}」に使えない文字があります。"))
        else:
            raw[name] = values if takes_many else values[0]
    try:
        loaded: dict[str, Any] = schema.load(raw)
    except ValidationError as error:
        reasons += [
            (name, f"{name}：{first_sentence(message)}")
            for name, message in error.messages_dict.items()
        ]
    if reasons:
        raise BadParameters(reasons)
    return loaded


def json_response(content: Mapping[str, Any]) -> Response:
    """Answer JSON in UTF-8, compact, keys in their declared order; a list names what it leaves out."""
    adds: tuple[LabelledCode, ...] | None = g.get("server_filters")
    if adds is not None:
        told = [{"name": each.value, "meaning": each.label} for each in adds]
        content = {**content, "server_filters": told}
    return Response(dump_json(content) + "\n", content_type=JSON_TYPE)


def dump_json(content: Any) -> str:
    """Return compact JSON with Japanese text as it is; ValueError for NaN."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def etag_of(content: Mapping[str, Any]) -> str:
    """Return the ETag, without quotes, that a reader of this content is given."""
    return generate_etag((dump_json(content) + "\n").encode())


def with_etag(response: Response) -> Response:
    """Let a caller that holds the same answer get 304 (If-None-Match); raises StaleVersion (If-Match)."""
    response.headers.setdefault("Cache-Control", CACHE_CONTROL)
    if not response.headers.get("ETag"):
        response.add_etag()
    response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.close()  # a stream that nobody will read
        raise StaleVersion(
            "If-Matchに付けたETagの内容は、もう今の内容ではありません。If-Matchを付けずに読み直してください。"
        )
    return response


# --- what can go wrong ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """One code that an error answer can carry, explained to whoever reads it."""

    code: str
    status: int | None
    title: str
    meaning: str
    remedy: str


def list_problems() -> list[Problem]:
    """Return every code that the loaded program can answer, by status; `type` points to them."""
    found = {
        kind.code: Problem(kind.code, web.status_of(kind), kind.title, kind.meaning, kind.remedy)
        for kind in _kinds(DomainError)
    }
    for status, code in web.HTTP_CODES.items():
        title, remedy = web.HTTP_SENTENCES[status]
        found.setdefault(code, Problem(code, status, title, "", remedy))
    for code, words in web.OWN_PROBLEMS.items():
        found[code] = Problem(code, *words)
    other = web.OTHER_STATUS
    found[other] = Problem(other, None, "そのほかの誤り", *_OTHER_WORDS)
    return sorted(found.values(), key=lambda each: (each.status or _LAST, each.code))


def _kinds(base: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in base.__subclasses__():
        yield from _kinds(each)
        yield each


# --- cursors -------------------------------------------------------------------------------------


def make_cursor(*keys: str) -> str:
    """Return the opaque place after a row, from the values of the sort key."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def read_cursor(text: str, count: int = 1) -> tuple[str, ...]:
    """Return the values of a cursor; BadParameters when it is not one of ours."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        found = None
    is_ours = isinstance(found, list) and len(found) == count
    if not is_ours or not all(isinstance(value, str) for value in found):
        raise BadParameters(
            [("cursor", "cursorには、前の答えのnextにある値をそのまま指定してください。")]
        )
    return tuple(found)


def link_next(response: Response, **changes: Any) -> Response:
    """Point to the next page (RFC 8288): the same request with changed parameters."""
    parameters = {**request.args.to_dict(), **changes}
    address = url_for(
        request.endpoint or "", **(request.view_args or {}), **parameters, _external=True
    )
    response.headers["Link"] = f'<{address}>; rel="next"'
    return response
