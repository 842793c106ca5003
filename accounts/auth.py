"""The gate of the web: who asks, and whether the route is open to them at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from accounts import queries, resubmission, services
from accounts.clients import bearer, limits
from accounts.identity import ANONYMOUS, Actor
from accounts.models import Membership, SignIn
from accounts.oauth import list_providers
from accounts.permissions import (
    JUDGES,
    Permission,
    can,
    may_see_noun,
    may_somewhere,
    require_scope,
)
from accounts.resubmission import is_local_path
from accounts.schemas import SignInSchema
from core import audit, gates, web
from core.config import Settings
from core.db import now, transaction
from core.errors import (
    Forbidden,
    InsufficientScope,
    Invalid,
    NotFound,
    ReauthenticationRequired,
    SignInRequired,
)
from core.forms import Form

__all__ = ["is_local_path"]

F = TypeVar("F", bound=Callable[..., Any])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOUCH_EVERY = timedelta(minutes=1)


def access(read: Permission, write: Permission | None = None) -> Callable[[F], F]:
    """State which permission a route needs; unsafe methods need `write`.

    The gate checks that some role of the actor has it; the service checks it for the subject.
    """

    def mark(view: F) -> F:
        view.access = (read, write)  # type: ignore[attr-defined]
        return view

    return mark


def settings() -> Settings:
    """Return the settings of the running application."""
    return cast("Settings", current_app.config["NARABI"])


def actor() -> Actor:
    """Return who makes this request."""
    return cast("Actor", g.get("actor", ANONYMOUS))


def init_auth(app: Flask) -> None:
    """Load the actor before each request and guard every route."""
    app.before_request(load_actor)
    app.before_request(limits.count_request)
    app.before_request(lambda: _guard(app))
    app.after_request(bearer.keep_apart)
    app.after_request(limits.tell_limits)
    app.register_error_handler(SignInRequired, answer_sign_in_required)
    app.register_error_handler(InsufficientScope, bearer.answer_no_scope)
    app.register_error_handler(ReauthenticationRequired, answer_old_sign_in)
    app.register_error_handler(CSRFError, answer_expired_form)
    app.context_processor(
        lambda: {
            "actor": _shown_actor(),
            "can": _can,
            "sign_in_providers": list(list_providers(settings()).values()),
        }
    )


def cookie_name() -> str:
    """Return the name of the session cookie; host-bound outside development."""
    return "narabi_session" if settings().is_development else "__Host-narabi_session"


def set_cookie(response: Response, token: str) -> None:
    """Hand the session token to the browser."""
    response.set_cookie(
        cookie_name(),
        token,
        httponly=True,
        samesite="Lax",
        secure=not settings().is_development,
        path="/",
    )


def load_actor() -> None:
    """Find the actor of this request: of the API by its token, else by the session cookie.

    Programs are known by what they send on purpose, never by a cookie that a browser adds.
    """
    g.actor = ANONYMOUS
    if request.path.startswith(gates.PROGRAMS):
        if request.path.startswith(bearer.PREFIX):
            bearer.load_client()
        return
    token = request.cookies.get(cookie_name())
    if token and request.endpoint != "static":
        resume(token)


def resume(token: str) -> None:
    """Make the holder of a session token the actor of this request, unless it has ended."""
    session = web.read_session()
    row = queries.find_sign_in(session, services.hash_token(token))
    if row is None or _has_ended(row):
        return
    g.actor = _make_actor(row, queries.list_live_memberships(session, row.person_id))
    if now(session) - row.seen_at > _TOUCH_EVERY:
        with transaction() as writing:
            services.touch_sign_in(writing, row.id)


def _has_ended(row: SignIn) -> bool:
    moment = now(web.read_session())
    idle = timedelta(minutes=settings().session_idle_minutes)
    absolute = timedelta(hours=settings().session_absolute_hours)
    return moment - row.seen_at > idle or moment - row.created_at > absolute


def _make_actor(row: SignIn, memberships: list[Membership]) -> Actor:
    acting = [m for m in memberships if m.organisation_id == row.organisation_id]
    if not acting and memberships:
        acting = [m for m in memberships if m.organisation_id == memberships[0].organisation_id]
    organisation = acting[0].organisation if acting else None
    # Whoever has lost every role still reads what everyone reads, and can sign out.
    grantees = frozenset(m.role for m in acting) or ANONYMOUS.grantees
    judges = not grantees.isdisjoint(JUDGES)
    return Actor(
        grantees=grantees,
        person_id=row.person_id,
        person_name=row.person.name,
        organisation_id=organisation.id if organisation else None,
        organisation_kind=organisation.kind if organisation else None,
        organisation_label=organisation.label if organisation else "所属なし",
        organisation_ids=frozenset(m.organisation_id for m in memberships),
        recused_from=queries.list_recusals(web.read_session(), row.person_id)
        if judges
        else frozenset(),
        sign_in_id=row.id,
        authenticated_at=row.authenticated_at,
        signed_in_by=row.identity.provider if row.identity else "",
    )


def _guard(app: Flask) -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    rule = route_access(app, request.endpoint)
    if rule is None:
        raise NotFound
    read, write = rule
    needed = read if request.method in _SAFE else write
    if needed is None:
        raise Forbidden("このページからは変更できません。")
    if may_somewhere(actor(), needed):
        return None
    if not actor().is_signed_in and not actor().is_client:
        raise SignInRequired
    _record_refusal(needed)
    require_scope(actor(), needed)
    if may_see_noun(actor(), needed):
        raise Forbidden("このページは、今の役割では使えません。役割の切り替えを確かめてください。")
    raise NotFound


def _record_refusal(needed: Permission) -> None:
    if request.method in _SAFE:
        return
    with transaction() as session:
        audit.record(
            session,
            actor(),
            needed.value,
            "",
            None,
            outcome=audit.Outcome.REFUSED,
            path=request.path,
        )


def answer_sign_in_required(error: SignInRequired) -> ResponseReturnValue:
    """Ask for the sign-in: a page to read is returned to, a form that was sent is carried along."""
    if web.wants_json():
        return bearer.answer_no_token(error)
    if request.method in _SAFE:
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")), 303)
    carried = resubmission.pack_request()
    form = Form(SignInSchema(), None, {"carried": carried, "next": "" if carried else _way_back()})
    return web.render_page("accounts/sign_in.html", 401, form=form, interrupted=True)


def answer_old_sign_in(error: ReauthenticationRequired) -> ResponseReturnValue:
    """Send whoever came by an identity provider back there; what was typed is carried along."""
    provider = list_providers(settings()).get(actor().signed_in_by)
    if provider is None or web.wants_json():
        return web.answer_domain_error(error)
    return web.render_page(
        "accounts/confirm_again.html",
        401,
        provider=provider,
        carried=resubmission.pack_request(),
        wanted=_way_back(),
    )


def answer_expired_form(_error: CSRFError) -> ResponseReturnValue:
    """Show what was typed in a form whose token is too old; only if our own page has sent it."""
    load_actor()
    typed = resubmission.unpack(resubmission.pack_request()) if _is_from_here() else None
    if typed is None:
        return web.render_page("accounts/expired_form.html", 400, back=_way_back())
    rule = route_access(current_app, request.endpoint or "")
    needed = rule[1] if rule else None
    if not actor().is_signed_in and needed and not may_somewhere(actor(), needed):
        return answer_sign_in_required(SignInRequired())
    return web.render_page("accounts/resend.html", 400, typed=typed, expired=True)


def _is_from_here() -> bool:
    """Tell by the header that only the browser sets whether a page of this site sent the form."""
    origin = urlsplit(request.headers.get("Origin", ""))
    return origin.netloc == request.host and origin.scheme == request.scheme


def _way_back() -> str:
    """Return the page from which the form came, else the front page."""
    referrer = urlsplit(request.referrer or "")
    if referrer.netloc == request.host and is_local_path(referrer.path):
        return referrer.path + (f"?{referrer.query}" if referrer.query else "")
    return url_for("home.index")


def route_access(app: Flask, endpoint: str) -> tuple[Permission, Permission | None] | None:
    """Return the permissions that a route states, None when it states none (it is then closed)."""
    view = app.view_functions.get(endpoint)
    found = getattr(view, "access", None) or getattr(
        getattr(view, "view_class", None), "access", None
    )
    return cast("tuple[Permission, Permission | None] | None", found)


def _shown_actor() -> Actor | None:
    return actor() if actor().is_signed_in else None


def _can(permission: str, subject: object = None) -> bool:
    return can(actor(), permission, subject)


def needs_password() -> bool:
    """Tell whether a legal act needs the password on its confirm page.

    Whoever came by an identity provider is sent back there by the act itself (answer_old_sign_in).
    """
    if actor().signed_in_by:
        return False
    return not services.is_recent(web.read_session(), settings(), actor())


def is_confirmed(form: Form) -> bool:
    """Tell whether the confirm page of a legal act is in order, with the password when it is needed."""
    if not form.validate():
        return False
    refusal = confirm_password(form.data["password"]) if needs_password() else None
    if refusal:
        form.refuse(Invalid({"password": refusal}))
    return refusal is None


def confirm_password(password: str) -> str | None:
    """Renew the sign-in with a password; returns the sentence of a refusal, None when renewed."""
    with transaction() as session:
        outcome = services.reauthenticate(session, settings(), actor(), password)
    if outcome is services.SignInOutcome.SIGNED_IN:
        web.refresh_read_session()
        load_actor()
        return None
    return refusal_sentence(outcome)


def refusal_sentence(outcome: services.SignInOutcome) -> str:
    """Return what a signed-in person reads after a wrong password."""
    if outcome is services.SignInOutcome.LOCKED:
        return (
            f"続けて間違えたため、{settings().sign_in_lock_minutes}分間パスワードの確認を止めています。"
            "時間をおいてからやり直してください。"
        )
    return "パスワードが違います。確かめて、もう一度入力してください。"


def sign_in_refusal() -> str:
    """Return what a person reads who could not sign in; the same whether the account exists or not."""
    return (
        "メールアドレスかパスワードが違います。確かめて、もう一度入力してください。"
        f"{settings().sign_in_attempts}回続けて間違えたときは、"
        f"{settings().sign_in_lock_minutes}分たってからやり直してください。"
    )
