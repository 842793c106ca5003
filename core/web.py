"""The web frame: error answers, CSRF, headers, request id, body-size gate, reading sessions."""

import re
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import structlog
from flask import (
    Flask,
    Response,
    g,
    has_request_context,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import session as flask_session
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlmodel import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from core import clock, db, errors, forms, gates, japanese, problems
from core.config import Settings
from core.forms import Form

F = TypeVar("F", bound=Callable[..., Any])

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_STATUS: dict[type[errors.DomainError], int] = {
    errors.BadRequest: 400,
    errors.SignInRequired: 401,
    errors.ReauthenticationRequired: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.WrongState: 409,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.LengthRequired: 411,
    errors.StaleVersion: 412,
    errors.TooLarge: 413,
    errors.AddressTooLong: 414,
    errors.HeadersTooLarge: 431,
    errors.PreconditionRequired: 428,
    errors.Invalid: 422,
    errors.GuardFailed: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
HTTP_SENTENCES = {
    400: (
        "この指定は使えません",
        "送られた内容を読み取れませんでした。前の画面に戻ってやり直してください。",
    ),
    404: ("ページが見つかりません", "このページは存在しないか、見る権限がありません。"),
    405: (
        "この操作はできません",
        "このページはその方法では開けません。前の画面に戻ってやり直してください。",
    ),
    406: (
        "求められた形式では答えられません",
        "案内された形式をAcceptヘッダーに書いて、送り直してください。",
    ),
    411: ("長さの指定が必要です", "送る内容の長さ（Content-Length）を付けて送り直してください。"),
    413: ("大きすぎます", "送られた内容が大きすぎます。ファイルを小さくして送り直してください。"),
    415: (
        "この形式は使えません",
        "送られた形式は受け付けていません。案内された形式で送り直してください。",
    ),
}
# Errors of the framework carry the code of the house's own for the same status, else http_NNN.
HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "http_405",
    406: "http_406",
    411: "length_required",
    413: "too_large",
    415: "http_415",
}
OTHER_STATUS = "http_error"
OWN_PROBLEMS: dict[str, tuple[int, str, str, str]] = {
    "csrf": (
        400,
        "ページを開いてから時間がたちました",
        "安全のため、送信を受け付けませんでした。何も変わっていません。",
        "ページを開き直して、もう一度送ってください。",
    ),
    "server_error": (
        500,
        "こちらの不具合で処理できませんでした",
        "何も保存されていません。",
        "少し待ってからもう一度お試しください。続くときは、受付番号を添えてお知らせください。",
    ),
}
REPEATED = (
    "この画面からの送信は1回だけ受け付けました",
    "2回届いたため、2回目では何も変えていません。",
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,40}")
_SERVER_ERROR = 500
_UNREAD = frozenset({400, 411, 413, 414, 431})  # the body was refused before it was read
_STATIC_AGE, _DEMO_AGE = 604_800, 60  # seconds; addresses of our own files carry the version
_log = structlog.get_logger()

accepts_files = gates.accepts_files


def init_logs(settings: Settings) -> None:
    """Log JSON lines in production; never the values of variables, which may be personal."""
    shown: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if settings.is_development
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if settings.is_development else [structlog.processors.format_exc_info]),
            shown,
        ]
    )


def init_web(app: Flask, settings: Settings) -> None:
    """Fit the application with everything that each request passes through."""
    init_logs(settings)
    app.config.update(
        SECRET_KEY=settings.effective_secret_key,
        MAX_CONTENT_LENGTH=settings.upload_limit_bytes,
        MAX_FORM_MEMORY_SIZE=settings.body_limit_bytes,
        MAX_FORM_PARTS=10_000,
        SEND_FILE_MAX_AGE_DEFAULT=_DEMO_AGE if settings.is_development else _STATIC_AGE,
        SESSION_COOKIE_NAME="narabi_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.is_development,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=not settings.is_development,
    )
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, count, count, count, count)  # type: ignore[method-assign]
    db.set_request_id_source(current_request_id)
    app.before_request(_start_request)
    gates.init_gates(app, settings)
    app.after_request(_add_headers)
    app.teardown_request(_close_session)
    app.register_error_handler(errors.DomainError, answer_domain_error)
    app.register_error_handler(CSRFError, _answer_csrf_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_server_error)
    _add_filters(app)


def current_request_id() -> str:
    """Return the id of this request, empty outside of one."""
    return str(g.get("request_id", "")) if has_request_context() else ""


def read_session() -> Session:
    """Return this request's consistent read-only view of the database."""
    if "read_session" not in g:
        g.read_session = db.open_session(writes=False)
    session: Session = g.read_session
    return session


def release_read_session() -> None:
    """Give this request's connection back before a wait for somebody else's server."""
    _close_session()


def refresh_read_session() -> Session:
    """Return a new view that shows what this request has just committed."""
    _close_session()
    return read_session()


def wants_json() -> bool:
    """Tell whether the caller is a program of the API."""
    return request.path.startswith(gates.PROGRAMS)


def render_page(template: str, status: int = 200, **context: Any) -> ResponseReturnValue:
    """Render a page with a status."""
    return render_template(template, **context), status


def _start_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if "\x00" in request.path:  # PostgreSQL has no such text, so nothing can be there
        raise errors.NotFound


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = current_request_id()
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "private, no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def _close_session(_error: BaseException | None = None) -> None:
    session: Session | None = g.pop("read_session", None)
    if session is not None:
        session.close()


def status_of(error: type[errors.DomainError]) -> int:
    """Return the HTTP status of a kind of domain error."""
    for kind in error.__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return 400


def answer_domain_error(error: errors.DomainError) -> ResponseReturnValue:
    """Answer a domain error as a page or as problem+json."""
    details = [*getattr(error, "reasons", ()), *getattr(error, "errors", {}).items()]
    told = answer(status_of(type(error)), error.code, error.title, error.message, details)
    response = make_response(told)
    if wants_json():
        problems.tell_more(response, error)
    if seconds := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(seconds)
    return response


def answer(
    status: int, code: str, title: str, message: str, details: list[tuple[str, str]] | None = None
) -> ResponseReturnValue:
    """Answer an error once for all: problem+json (RFC 9457) under /api/, else a page."""
    if wants_json():
        return problems.make_problem(
            status, code, (title, message), current_request_id(), details or []
        )
    page = render_template(
        "errors/error.html",
        code=status,
        title=title,
        happened=message,
        safe="何も変わっていません。" if request.method in gates.BODY_METHODS else None,
        details=details or [],
        typed=typed_texts() if status not in _UNREAD else [],
        request_id=current_request_id(),
    )
    return page, status


def typed_texts() -> list[str]:
    """Return what a refused form held in words, so that it can be copied; never a password."""
    return forms.list_typed(request.form) if request.method in gates.BODY_METHODS else []


def _answer_csrf_error(_error: CSRFError) -> ResponseReturnValue:
    return _answer_own("csrf", 400)


def _answer_http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or _SERVER_ERROR
    if status < 400 or error.response is not None:
        return error
    title, message = HTTP_SENTENCES.get(status, (error.name, error.description or error.name))
    return answer(status, HTTP_CODES.get(status, OTHER_STATUS), title, message)


def _answer_server_error(error: Exception) -> ResponseReturnValue:
    _log.exception("web.failed", path=request.path, error=repr(error))
    return _answer_own("server_error", _SERVER_ERROR)


def _answer_own(code: str, status: int) -> ResponseReturnValue:
    _, title, meaning, remedy = OWN_PROBLEMS[code]
    return answer(status, code, title, meaning + remedy)


def _add_filters(app: Flask) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        jdate=lambda value: "" if value is None else japanese.format_date_weekday(value),
        jiso=lambda value: japanese.format_date(date.fromisoformat(value)) if value else "",
        jday=lambda value: "" if value is None else japanese.format_date(value),
        jdatetime=lambda value: "" if value is None else japanese.format_datetime(value),
        jdayof=lambda value: (
            "" if value is None else japanese.format_date(clock.day_in_japan(value))
        ),
        yen=lambda value: "" if value is None else japanese.format_yen(value),
        amount=lambda value: "" if value is None else japanese.format_amount(value),
        fiscal_year=japanese.format_fiscal_year,
        count=lambda value: f"{value:,}",
    )


def posted_form() -> MultiDict[str, str] | None:
    """Return what was sent, None for a page that is only opened."""
    return request.form if request.method == "POST" else None


def complete(
    form: Form, act: Callable[..., object], *, notice: tuple[str, ...], target: str
) -> ResponseReturnValue | None:
    """Do what was sent, leave the notice and lead on; None while the form has to be shown.

    `act` gets the session and the values by name, without the tick of a confirm page.
    """

    def do(session: Session, data: dict[str, Any]) -> bool:
        act(session, **{name: value for name, value in data.items() if name != "confirmed"})
        return True

    if not form.is_posted or not form.submit(do):
        return None
    leave_notice("done", *notice)
    return see_other(target)


def create_once(
    form: Form, person_id: uuid.UUID | None, act: Callable[..., tuple[str, ...]]
) -> ResponseReturnValue | None:
    """Make what was sent and lead to it; a double click leads there too, with a plain notice.

    `act` gets the session and the values by name; it returns the address of what it made and the
    words of the notice. None while the form has to be shown; the form carries `forms.once(form)`.
    """
    if not form.is_posted:
        return None
    made = form.submit_once(person_id, lambda session, data: act(session, **data))
    if made is None:
        return None
    if made.is_repeat:
        leave_notice("info", *REPEATED)
    else:
        leave_notice("done", *made.notice)
    return see_other(made.location)


def leave_notice(
    kind: str, title: str, text: str = "", *, link_href: str = "", link_label: str = ""
) -> None:
    """Leave a notice (done, info, warn, problem) for the next page."""
    flask_session["notice"] = {
        "kind": kind,
        "title": title,
        "text": text,
        "link_href": link_href,
        "link_label": link_label,
    }


def take_notice() -> dict[str, str] | None:
    """Take the notice left by the request before."""
    if "notice" not in flask_session:
        return None
    notice: dict[str, str] = flask_session.pop("notice")
    return notice


def see_other(url: str) -> ResponseReturnValue:
    """Answer a POST that worked: go and look there."""
    return redirect(url, 303)
