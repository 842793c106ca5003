"""What a person typed before a sign-in stopped the sending, carried through the sign-in page, signed."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.exceptions import HTTPException

_LARGEST = 512 * 1024  # characters of the signed text; it must fit the body limit once more
_NEVER = ("csrf_token", "carried")
_UNTOLD = "password"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_OWN = "accounts."


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form that was not accepted, and the path on this site that they were for."""

    path: str
    fields: tuple[tuple[str, str], ...]
    had_files: bool


def pack_request() -> str:
    """Return this request's typed fields as signed text; empty when they cannot be sent again.

    Passwords and files are left out; forms of the account itself are never carried.
    """
    if request.method != "POST" or request.mimetype not in _FORMS:
        return ""
    if (request.endpoint or _OWN).startswith(_OWN):
        return ""
    fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in _NEVER and _UNTOLD not in name
    ]
    had_files = any(file.filename for file in request.files.values())
    path = request.full_path.rstrip("?")
    packed = str(_serializer().dumps({"path": path, "fields": fields, "files": had_files}))
    return packed if len(packed) <= _LARGEST else ""


def unpack(text: str) -> Typed | None:
    """Return what pack_request() signed; None when there is nothing or it is not ours."""
    if not text:
        return None
    try:
        value = _serializer().loads(text)
    except BadData:
        return None
    path = str(value["path"])
    if not is_local_path(path) or not _takes_posts(path):
        return None
    fields = tuple((str(name), str(typed)) for name, typed in value["fields"])
    return Typed(path, fields, bool(value["files"]))


def is_local_path(path: str) -> bool:
    """Tell whether an address stays on this site, as a browser would read it."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        return False
    if any(character <= " " or character in "\\\x7f" for character in path):
        return False
    return not urlsplit(path).netloc


def _takes_posts(path: str) -> bool:
    try:
        endpoint, _ = current_app.url_map.bind("").match(urlsplit(path).path, method="POST")
    except HTTPException:
        return False
    return not str(endpoint).startswith(_OWN)


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="narabi.resubmission")
