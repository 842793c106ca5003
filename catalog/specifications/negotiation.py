"""One address, several forms: page, JSON, CSV or workbook, as Accept or ?format= asks."""

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotAcceptable

from core import api
from core.documents import CSV_TYPE, XLSX_TYPE, attachment
from core.errors import BadRequest

MEDIA_TYPES = {
    "html": "text/html",
    "json": api.JSON_TYPE,
    "csv": "text/csv",
    "xlsx": XLSX_TYPE,
}
_CONTENT_TYPES = {"json": api.JSON_TYPE, "csv": CSV_TYPE, "xlsx": XLSX_TYPE}


def wanted_format(*offered: str) -> str:
    """Return the form that was asked for; ?format= is for people and goes before Accept.

    Raises BadRequest for a format that is not offered, NotAcceptable when nothing offered fits.
    """
    given = request.args.get("format")
    if given is not None:
        if given not in offered:
            known = "、".join(offered)
            raise BadRequest(f"formatは{known}のどれかを指定してください。")
        return given
    if not request.accept_mimetypes:
        return offered[0]
    types = {MEDIA_TYPES[name]: name for name in offered}
    best = request.accept_mimetypes.best_match(list(types))
    if best is None:
        raise NotAcceptable(f"このアドレスは{'、'.join(types)}で答えます。")
    return types[best]


def answer_page(page: ResponseReturnValue) -> Response:
    """Answer a page that has other forms."""
    response = make_response(page)
    response.vary.add("Accept")
    return response


def answer_data(kind: str, content: bytes, *, filename: str = "", is_public: bool) -> Response:
    """Answer data with an ETag; what only reviewers may see is kept nowhere."""
    response = make_response(content)
    response.content_type = _CONTENT_TYPES[kind]
    response.vary.add("Accept")
    if filename:
        response.headers["Content-Disposition"] = attachment(filename)
    if not is_public:
        response.headers["Cache-Control"] = "private, no-store"
    return api.with_etag(response)


def answer_file(content: bytes, media_type: str, filename: str) -> Response:
    """Answer a stored file to be saved, never to be shown by the browser."""
    response = make_response(content)
    response.content_type = media_type
    response.headers["Content-Disposition"] = attachment(filename)
    return response
