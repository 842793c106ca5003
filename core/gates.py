"""What is refused before it is read: forged forms; bodies, addresses and header lines too large."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect

from core import errors
from core.config import Settings

F = TypeVar("F", bound=Callable[..., Any])

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
# Where programs ask: who does is known by what they send on purpose, so that nothing can be forged.
PROGRAMS = ("/api/", "/oauth/")
# Bytes as sent; gunicorn.conf.py lets more through, so that these sentences are what people meet.
LONGEST_ADDRESS = 6_000
LARGEST_HEADERS = 12_000


csrf = CSRFProtect()


def accepts_files(view: F) -> F:
    """Mark a view whose body may be as large as an upload."""
    view.accepts_files = True  # type: ignore[attr-defined]
    return view


def init_gates(app: Flask, settings: Settings) -> None:
    """Check each request before anything of it is used."""
    app.before_request(_check_address)
    app.before_request(_check_headers)
    app.before_request(lambda: _check_body(app, settings))
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf.init_app(app)
    app.before_request(lambda: _check_form(app))


def _check_form(app: Flask) -> None:
    is_form = request.endpoint and not request.path.startswith(PROGRAMS)
    if is_form and app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()


def _check_address() -> None:
    length = len(request.environ["PATH_INFO"]) + len(request.environ.get("QUERY_STRING", ""))
    if length > LONGEST_ADDRESS:
        raise errors.AddressTooLong(
            f"アドレスの長さは{length:,}文字で、上限の{LONGEST_ADDRESS:,}文字をこえています。"
            "検索のことばを短くするか、指定を減らして、もう一度開いてください。"
        )


def _check_headers() -> None:
    size = sum(len(name) + len(value) for name, value in request.headers.items())
    if size > LARGEST_HEADERS:
        raise errors.HeadersTooLarge(
            f"ブラウザーの送る情報（ヘッダー）が{size:,}文字で、上限の{LARGEST_HEADERS:,}文字を"
            "こえています。このサイトのCookieを消してから、もう一度開いてください。"
        )


def _check_body(app: Flask, settings: Settings) -> None:
    if request.method not in BODY_METHODS:
        return
    if request.content_length is None or "chunked" in request.headers.get("Transfer-Encoding", ""):
        raise errors.LengthRequired("送る内容の長さ（Content-Length）を付けて送り直してください。")
    view = app.view_functions.get(request.endpoint or "")
    with_files = getattr(view, "accepts_files", False)
    limit = settings.upload_limit_bytes if with_files else settings.body_limit_bytes
    request.max_content_length = limit
    if request.content_length > limit:
        raise errors.TooLarge(
            f"送られた内容が大きすぎます（上限は{limit // 1024:,}キロバイトです）。"
            "ファイルを小さくするか、分けて送ってください。"
        )
