"""Acts over the API: JSON in by schema, one transaction, If-Match, and one effect for one key."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from flask import Response, current_app, g, request
from marshmallow import Schema, ValidationError
from sqlmodel import Session
from werkzeug.exceptions import UnsupportedMediaType

from core import api, web
from core.config import Settings
from core.db import transaction
from core.errors import BadRequest, Invalid, PreconditionRequired, StaleVersion, TooLarge
from core.forms import first_sentence
from core.gates import accepts_files
from core.idempotency import Kept, act_once, is_known

_CREATED, _NO_CONTENT = 201, 204
_ALWAYS = (400, 401, 403, 404, 406)
_WITH_BODY = (411, 413, 415, 422)
_WITH_MATCH = (412, 428)
_KEY_LENGTHS = range(8, 201)
_LONG = 1 << 20  # bytes


class IdempotencyKeyMissing(BadRequest):
    """A POST came without a key, or with one that cannot be used."""

    code = "idempotency_key_missing"
    title = "Idempotency-Keyヘッダーが必要です"
    meaning = "POSTには、同じ操作を2回しないための値（Idempotency-Key）が必要です。"
    remedy = "操作ごとに新しい値（UUIDなど、8文字以上200文字まで）をヘッダーに付けてください。"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an act tells: content (none: 204), and the address of what it made."""

    content: Mapping[str, Any] | None
    location: str = ""


@dataclass(frozen=True, slots=True)
class FileBody:
    """A body that is a file: its media types, its largest size in bytes, and how it is prepared.

    `prepare` gets a reading session, the content as a stream, the path and the query, and `is_known`: whether
    this request was done already, so that conditions of the act are not asked again. It keeps the file.
    """

    media_types: tuple[str, ...]
    largest: int
    prepare: Callable[..., Any]


def acting(
    summary: str,
    *,
    needs: str,
    body: type[Schema] | None = None,
    answer: type[Schema] | None = None,
    query: type[Schema] = api.NoQuerySchema,
    status: int = 200,
    problems: tuple[int, ...] = (),
    deprecated: api.Deprecation | None = None,
    file: FileBody | None = None,
) -> Callable[[Callable[..., Answer]], Callable[..., Response]]:
    """Make a view an act of the API: one transaction, which the view gets as `session`.

    The view gets `session`, the path, `query` and, with a `body` schema, `body`; it returns Answer.
    POST needs an Idempotency-Key: the answer is kept in the same transaction and told again for 24
    hours. PUT, PATCH and DELETE need If-Match (428); the view calls check_match.
    With a `file` the body is one, and the view gets as `file` what was prepared of it before the transaction.
    """

    def decorate(view: Callable[..., Answer]) -> Callable[..., Response]:
        schema, parameters = (body() if body else None), query()

        @wraps(view)
        def answer_request(**path: Any) -> Response:
            api.check_accept(api.JSON_TYPE)
            given: dict[str, Any] = {**path, "query": api.read_query(parameters)}
            if schema is not None:
                given["body"] = read_body(schema)
            if file is not None:
                given["file"] = _prepare_file(file, given)
            with transaction() as session:
                return _act(session, status, lambda: view(session=session, **given))

        found = (*_ALWAYS, *(_WITH_BODY if body or file else ()), *problems)
        answer_request.operation = api.Operation(  # type: ignore[attr-defined]
            summary,
            answer,
            query,
            found,
            needs=needs,
            body=body,
            status=status,
            deprecated=deprecated,
            files=file.media_types if file else (),
        )
        return answer_request if file is None else accepts_files(answer_request)

    return decorate


def _prepare_file(file: FileBody, given: Mapping[str, Any]) -> Any:
    """Check and keep a file; what was done under this key before is not judged anew.

    Raises TooLarge (413), UnsupportedMediaType (415) and what `file.prepare` raises.
    """
    if (request.content_length or 0) > file.largest:
        raise TooLarge(
            f"ファイルが大きすぎます（上限は{file.largest:,}バイトです）。"
            "小さくするか、分けて送ってください。"
        )
    if request.mimetype not in file.media_types:
        raise UnsupportedMediaType
    known = is_known(web.read_session(), (_caller(), _read_key()), _hash_request())
    content = io.BytesIO(request.get_data(cache=True))
    return file.prepare(web.read_session(), content, is_known=known, **given)


def _act(session: Session, status: int, act: Callable[[], Answer]) -> Response:
    if request.method != "POST":
        if not request.if_match:
            raise PreconditionRequired(
                "変更と削除には、読んだときのETagをIf-Matchヘッダーに付けてください。"
            )
        return _respond(_keep(_tell_loser(session, act), status))
    settings = cast("Settings", current_app.config["NARABI"])
    caller = (_caller(), _read_key())
    return _respond(
        act_once(session, settings, caller, _hash_request(), lambda: _keep(act(), status))
    )


def _caller() -> str:
    """Say whose key it is: the client's, or the person's."""
    actor = g.get("actor")
    found = getattr(actor, "client_id", None) or getattr(actor, "person_id", None)
    return str(found or "")


def _read_key() -> str:
    key = request.headers.get(api.IDEMPOTENCY_KEY, "")
    if len(key) not in _KEY_LENGTHS or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyMissing(
            "POSTには、操作ごとに新しいIdempotency-Key（8文字以上200文字までの英数字と記号）を付けてください。"
        )
    return key


def _hash_request() -> str:
    content = request.get_data(cache=True)
    # Long ones are files, and go in by their own hash: in hexadecimal they would fill the memory.
    text = hashlib.sha256(content).hexdigest() if len(content) > _LONG else content.hex()
    told = [request.method, request.full_path, text]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _keep(answer: Answer, status: int) -> Kept:
    if answer.content is None:
        return Kept(_NO_CONTENT, answer.location, "", "")
    text = api.dump_json(answer.content) + "\n"
    return Kept(status, answer.location, api.etag_of(answer.content), text)


def _respond(kept: Kept) -> Response:
    response = Response(kept.body, kept.status, content_type=api.JSON_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if kept.etag:
        response.set_etag(kept.etag)
    if kept.location:
        response.headers["Location"] = kept.location
    if kept.is_repeat:
        response.headers["Idempotency-Replayed"] = "true"
    if kept.status == _NO_CONTENT:
        response.headers.remove("Content-Type")
    return response


def check_match(
    current: Mapping[str, Any], again: Callable[[], Mapping[str, Any]] | None = None
) -> None:
    """Refuse a change that was made from another text than the current one (412).

    Where the row is not held, `again` loads and tells it anew: somebody else may write between this check and the
    act's own writing, and the loser of such a race is told what stands there then.
    """
    g.show_current = again
    if not request.if_match.contains(api.etag_of(current)):
        raise _stale(current)


def _stale(current: Mapping[str, Any] | None) -> StaleVersion:
    return StaleVersion(
        "読んだあとに、ほかの人かプログラムが先に更新しました。currentの今の内容と見比べてから、"
        "読み直したときのETagを付けて送ってください。",
        shown=current,
    )


def _tell_loser(session: Session, act: Callable[[], Answer]) -> Answer:
    """Act; when another writer was faster than the act's compare-and-set, say what stands there now."""
    try:
        return act()
    except StaleVersion as error:
        show: Callable[[], Mapping[str, Any]] | None = g.get("show_current")
        if error.shown is not None or show is None:
            raise
        session.expire_all()
        raise _stale(show()) from error


def read_body(schema: Schema) -> dict[str, Any]:
    """Load a JSON object by its schema.

    Raises UnsupportedMediaType (415), BadRequest (400) for what is no JSON object or names a field
    twice, and Invalid (422) that names every field by its path.
    """
    if request.mimetype != api.JSON_TYPE:
        raise UnsupportedMediaType
    try:
        content = json.loads(
            request.get_data(cache=True).decode(),
            object_pairs_hook=_read_pairs,
            parse_constant=_refuse_constant,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadRequest(
            f"本文をJSONとして読めません（{error}）。UTF-8のJSONで送ってください。"
        ) from None
    if not isinstance(content, dict):
        raise BadRequest("本文はJSONのオブジェクト（{…}）にしてください。")
    _check_text(content)
    try:
        loaded: dict[str, Any] = schema.load(content)
    except ValidationError as error:
        raise Invalid(dict(_flatten(error.messages_dict))) from None
    return loaded


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"「{twice}」が2回書かれています。1回だけ書いてください。")
    return found


def _refuse_constant(text: str) -> Any:
    raise BadRequest(f"「{text}」はJSONの数ではありません。")


def _check_text(value: Any) -> None:
    """Refuse what no database can keep: NUL, and half of a surrogate pair."""
    if any("\x00" in text or not _is_unicode(text) for text in _texts(value)):
        raise BadRequest("使えない文字（NULか、片方だけのサロゲート）が含まれています。")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flatten(messages: Mapping[Any, Any], path: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, told in messages.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(told, Mapping):
            found += _flatten(told, here)
        else:
            found.append((here, first_sentence(told)))
    return found
