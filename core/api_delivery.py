"""How answers of the API are sent: to pages of other sites, compressed, and with what is on its way out."""

import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from functools import cache

from flask import Flask, Response, current_app, request
from marshmallow import Schema, fields
from werkzeug.http import http_date

from core.api import PREFIX, Deprecation, Operation

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Language, Deprecation, ETag, Link, RateLimit, "
    "RateLimit-Policy, Retry-After, Sunset, X-Request-ID",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_COMPRESSED = frozenset({"application/json", "application/x-ndjson", "text/csv"})
_WORTH_IT = 1_000  # bytes; below, the frame of gzip eats what is saved
_LEVEL, _GZIP_FRAME = 5, 31  # 16 + 15: zlib writes gzip, without a time in it


def init_delivery(app: Flask) -> None:
    """Fit all answers below /api/ with what each of them carries."""
    app.after_request(_deliver)


def _deliver(response: Response) -> Response:
    if not request.path.startswith(PREFIX):
        return response
    view = current_app.view_functions.get(request.endpoint or "")
    operation: Operation | None = getattr(view, "operation", None)
    if operation is not None:
        _announce_ends(response, operation)
    # Only what everyone may read: what needs a token is nobody's to read from another site, and
    # a secret is never compressed beside words of whoever asks (BREACH).
    if operation is None or operation.needs is None:
        _allow_origins(response)
        _compress(response)
    return response


def _allow_origins(response: Response) -> None:
    if request.method not in _READS:
        return
    response.headers.update(_CORS)
    if request.method == "OPTIONS":
        response.headers.update(_PREFLIGHT)
        response.headers.remove("Content-Type")
        response.status_code = 204


# --- what is on its way out (RFC 9745, RFC 8594) ----------------------------------------------------


def _announce_ends(response: Response, operation: Operation) -> None:
    found = list_deprecations(operation, request.args)
    if not found:
        return
    since = datetime.combine(min(each.since for each in found), time(), UTC)
    sunset = datetime.combine(min(each.sunset for each in found), time(), UTC)
    response.headers["Deprecation"] = f"@{int(since.timestamp())}"
    response.headers["Sunset"] = http_date(sunset)
    for successor in dict.fromkeys(each.successor for each in found):
        response.headers.add("Link", f'<{successor}>; rel="successor-version"')


def list_deprecations(operation: Operation, asked: Iterable[str]) -> list[Deprecation]:
    """Return what is on its way out: the route, a field of its answer, a parameter that was used."""
    found = [operation.deprecated] if operation.deprecated else []
    found += _deprecated_fields(operation.answer) if operation.answer else ()
    given = operation.query().fields
    declared = {field.data_key or name: field for name, field in given.items()}
    metadata = [declared[name].metadata for name in asked if name in declared]
    return found + [each["deprecation"] for each in metadata if "deprecation" in each]


@cache
def _deprecated_fields(schema: type[Schema]) -> tuple[Deprecation, ...]:
    return tuple(_walk(schema, set()))


def _walk(schema: type[Schema], seen: set[type[Schema]]) -> Iterator[Deprecation]:
    if schema in seen:
        return
    seen.add(schema)
    for declared in schema().fields.values():
        if "deprecation" in declared.metadata:
            yield declared.metadata["deprecation"]
        inner = declared.inner if isinstance(declared, fields.List) else declared
        if isinstance(inner, fields.Nested):
            yield from _walk(type(inner.schema), seen)


# --- gzip -----------------------------------------------------------------------------------------


def _compress(response: Response) -> None:
    if response.status_code != 200 or response.mimetype not in _COMPRESSED:
        return
    response.vary.add("Accept-Encoding")
    wanted = request.accept_encodings
    if wanted.quality("gzip") <= 0 or wanted.quality("identity") > wanted.quality("gzip"):
        return
    if response.is_streamed:
        response.response = _press(response.iter_encoded())
        response.headers.pop("Content-Length", None)
    elif len(content := response.get_data()) > _WORTH_IT:
        response.set_data(b"".join(_press([content])))
    else:
        return
    response.headers["Content-Encoding"] = "gzip"
    tag, is_weak = response.get_etag()
    if tag and not is_weak:  # these are not the same bytes as those without compression
        response.headers.remove("ETag")
        response.set_etag(tag, weak=True)


def _press(chunks: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_FRAME)
    for chunk in chunks:
        if ready := press.compress(chunk):
            yield ready
    yield press.flush()
