"""The way to an identity provider and back: starting it, and what its answer leads to."""

import secrets
from collections.abc import Mapping

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue

from accounts import oauth, oidc_services, resubmission
from accounts.auth import (
    access,
    actor,
    confirm_password,
    load_actor,
    needs_password,
    settings,
)
from accounts.models import AttemptPurpose
from accounts.oidc_services import GBIZ, Attempt
from accounts.permissions import Permission
from accounts.resubmission import is_local_path
from accounts.schemas import SignInSchema
from accounts.views import blueprint, lead_on
from core import clock, web
from core.db import transaction
from core.errors import NotFound
from core.forms import Form

_ARRIVAL_COOKIE = "narabi_arrival"
_STATE_SHOWN = 12  # characters of the state that name its cookie: tabs do not disturb each other

_AGAIN = "もう一度はじめからお試しください。"
_SENTENCES: Mapping[str, str] = {
    "state": f"この画面から始めたサインインではないか、{oidc_services.ATTEMPT_MINUTES}分を過ぎたため、受け付けませんでした。{_AGAIN}",
    "cancelled": "サインインは取り消されました。続けるときは、もう一度ボタンを押してください。",
    "account_type": "GビズIDエントリーではサインインできません。GビズIDのサイトでプライムを取得するか、会社のプライムの方からメンバーのアカウントを受け取って、もう一度お試しください。",
    "no_corporate_number": "法人番号のないGビズIDではサインインできません。法人のプライムかメンバーのアカウントでお試しください。個人事業主の方は、問い合わせ先に連絡してください。",
    "corporate_number": "GビズIDの法人番号が正しくないため、サインインできません。GビズIDの登録内容を確かめてください。",
    "company_changed": "GビズIDの法人番号が、はじめにサインインしたときの会社と違います。今の会社の管理者か、問い合わせ先に連絡してください。",
    "told.missing": "GビズIDから氏名、メールアドレス、会社名を受け取れませんでした。GビズIDに登録してから、もう一度お試しください。",
    "email_taken": "同じメールアドレスのアカウントがすでにあります。これまでの方法でサインインし、「サインインの方法」の画面からGビズIDを結び付けてください。",
    "unbound": "この利用者は、まだアカウントに結び付いていません。これまでの方法でサインインして「サインインの方法」の画面から結び付けるか、組織の管理者に頼んでください。",
    "bound_already": "この利用者は、すでにアカウントに結び付いています。別の利用者で試すか、そのままサインインしてください。",
    "locked": "続けて間違えたため、このアカウントのサインインを止めています。時間をおいてからやり直してください。",
    "other_person": "サインインしている方とは別の方の確認だったため、受け付けませんでした。サインインしている方でもう一度確かめてください。",
    "other_session": f"はじめたときのサインインが終わっているため、受け付けませんでした。{_AGAIN}",
    "auth_time": "いま確かめたことを示す情報が届かなかったため、受け付けませんでした。一度サインアウトしてサインインし直すか、問い合わせ先に連絡してください。",
}
_DOUBTFUL = f"届いた応答を正しいものと確かめられなかったため、サインインしませんでした。{_AGAIN}続くときは、問い合わせ先に受付番号を知らせてください。"
_SILENT = "いま相手のサイトから正しい応答がありません。少し待ってから、もう一度お試しください。ほかの方法でもサインインできます。"


def provider_of(code: str) -> oauth.Provider:
    """Return a configured provider; raises NotFound."""
    provider = oauth.list_providers(settings()).get(code)
    if provider is None:
        raise NotFound
    return provider


@blueprint.post("/sign-in/<provider>")
@access(Permission.SIGN_IN, write=Permission.SIGN_IN)
def start_provider(provider: str) -> ResponseReturnValue:
    """Begin a sign-in, or the fresh confirmation of one, and show the way to the provider."""
    chosen = provider_of(provider)
    wanted, carried = request.form.get("next", ""), request.form.get("carried", "")
    is_again = actor().is_signed_in
    attempt = Attempt(
        chosen.code,
        AttemptPurpose.CONFIRM if is_again else AttemptPurpose.SIGN_IN,
        actor().sign_in_id,
        clock.utcnow(),
        wanted if is_local_path(wanted) else "",
        carried if resubmission.unpack(carried) else "",
    )
    return _leave(chosen, attempt)


@blueprint.post("/account/identities/<provider>")
@access(Permission.ACCOUNT_CHANGE, write=Permission.ACCOUNT_CHANGE)
def start_link(provider: str) -> ResponseReturnValue:
    """Begin the link of an identity to one's own account."""
    chosen = provider_of(provider)
    if needs_password() and (refusal := confirm_password(request.form.get("password", ""))):
        web.leave_notice("problem", "結び付けを始めませんでした", refusal)
        return web.see_other(url_for("accounts.identities"))
    attempt = Attempt(
        chosen.code,
        AttemptPurpose.LINK,
        actor().sign_in_id,
        clock.utcnow(),
        url_for("accounts.identities"),
    )
    return _leave(chosen, attempt)


def _leave(provider: oauth.Provider, attempt: Attempt) -> ResponseReturnValue:
    """Note the attempt, bind it to this browser, and show the page that leads on.

    A redirect would do, were it not that browsers apply `form-action` to where a form is sent on.
    """
    browser_secret = secrets.token_urlsafe(32)
    sent = oauth.make_secrets(browser_secret)
    is_link = attempt.purpose is AttemptPurpose.LINK
    web.release_read_session()
    try:
        address = oauth.authorization_address(
            provider, sent, _return_address(provider), again=attempt.sign_in_id is not None
        )
    except oauth.Refused as error:
        return _refuse(provider, attempt, error.reason)
    with transaction() as session:
        if is_link:
            oidc_services.begin_link(session, settings(), actor(), attempt, state=sent.state)
        else:
            oidc_services.begin(session, actor(), attempt, state=sent.state)
    page = web.render_page("accounts/leave.html", provider=provider, address=address)
    response = make_response(page)
    response.headers["Refresh"] = f"0; url={address}"
    _keep_secret(response, _cookie(sent.state), browser_secret, oidc_services.ATTEMPT_MINUTES)
    return response


@blueprint.get("/sign-in/<provider>/callback")
@access(Permission.SIGN_IN)
def finish_provider(provider: str) -> ResponseReturnValue:
    """Take the browser's return, ask the provider, and do what the attempt was for."""
    chosen = provider_of(provider)
    state = request.args.get("state", "")
    browser_secret = request.cookies.get(_cookie(state), "")
    sent = oauth.make_secrets(browser_secret)
    attempt = None
    if browser_secret and secrets.compare_digest(sent.state.encode(), state.encode()):
        with transaction() as session:
            attempt = oidc_services.take(session, actor(), chosen.code, state=state)
    if attempt is None:
        return _refuse(chosen, None, "state")
    web.release_read_session()
    try:
        who = oauth.identify(
            chosen,
            sent,
            _return_address(chosen),
            request.args,
            moment=int(clock.utcnow().timestamp()),
        )
        response = make_response(_act(chosen, attempt, who))
    except oauth.Refused as error:
        response = make_response(_refuse(chosen, attempt, error.reason))
    _drop_secret(response, _cookie(state))
    return response


def _act(provider: oauth.Provider, attempt: Attempt, who: oauth.Identified) -> ResponseReturnValue:
    if attempt.purpose is AttemptPurpose.CONFIRM:
        return _confirm(attempt, who)
    if attempt.purpose is AttemptPurpose.LINK:
        return _link(provider, attempt, who)
    with transaction() as session:
        token = oidc_services.sign_in_with(session, provider.code, who)
    if token is not None:
        return lead_on(token, attempt.wanted, attempt.carried)
    if provider.code != GBIZ:
        raise oauth.Refused("unbound")
    return _receive(attempt, who)


def _confirm(attempt: Attempt, who: oauth.Identified) -> ResponseReturnValue:
    with transaction() as session:
        oidc_services.confirm(session, actor(), attempt, who)
    web.refresh_read_session()
    load_actor()
    return lead_on("", attempt.wanted, attempt.carried)


def _link(provider: oauth.Provider, attempt: Attempt, who: oauth.Identified) -> ResponseReturnValue:
    if attempt.sign_in_id != actor().sign_in_id:
        raise oauth.Refused("other_session")
    if provider.code == GBIZ:
        return _receive(attempt, who)
    with transaction() as session:
        oidc_services.link(session, actor(), provider.code, who)
    web.leave_notice("done", f"{provider.label}を結び付けました")
    return web.see_other(url_for("accounts.identities"))


def _receive(attempt: Attempt, who: oauth.Identified) -> ResponseReturnValue:
    """Keep what was told for the page of the vendors, which knows the company."""
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        oidc_services.receive(session, actor(), attempt, who, token=token)
    response = make_response(web.see_other(url_for("vendors.arrive")))
    _keep_secret(response, _prefixed(_ARRIVAL_COOKIE), token, oidc_services.ARRIVAL_MINUTES)
    return response


def _refuse(provider: oauth.Provider, attempt: Attempt | None, reason: str) -> ResponseReturnValue:
    """Write the refusal to the trail, and show the sign-in page again with the way to get on."""
    with transaction() as session:
        oidc_services.record_refusal(session, actor(), provider.code, reason)
    initial = {"next": attempt.wanted, "carried": attempt.carried} if attempt else {}
    return web.render_page(
        "accounts/refused.html",
        403,
        provider=provider,
        sentence=sentence_of(reason),
        form=Form(SignInSchema(), None, initial),
        request_id=web.current_request_id(),
    )


def sentence_of(reason: str) -> str:
    """Return what the reader is told about a refusal, and how to get on."""
    if reason in _SENTENCES:
        return _SENTENCES[reason]
    is_silent = reason.startswith("provider.") or reason.endswith((".slow", ".unreachable"))
    return _SILENT if is_silent else _DOUBTFUL


def arrival_token() -> str:
    """Return the secret of a newcomer's browser, empty when there is none."""
    return request.cookies.get(_prefixed(_ARRIVAL_COOKIE), "")


def drop_arrival(response: Response) -> Response:
    """Take the newcomer's secret out of the browser."""
    _drop_secret(response, _prefixed(_ARRIVAL_COOKIE))
    return response


def _return_address(provider: oauth.Provider) -> str:
    """Return this site's address for the provider's answer: each provider has its own."""
    path = url_for("accounts.finish_provider", provider=provider.code)
    base = settings().base_url or request.url_root
    return base.rstrip("/") + path


def _prefixed(name: str) -> str:
    return name if settings().is_development else f"__Host-{name}"


def _cookie(state: str) -> str:
    shown = "".join(c for c in state[:_STATE_SHOWN] if c.isascii() and (c.isalnum() or c in "-_"))
    return _prefixed(f"narabi_way_{shown}")


def _keep_secret(response: Response, name: str, value: str, minutes: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=minutes * 60,
        httponly=True,
        samesite="Lax",
        secure=not settings().is_development,
        path="/",
    )


def _drop_secret(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=not settings().is_development)
