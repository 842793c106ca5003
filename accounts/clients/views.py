"""Pages of an organisation's own API clients: list, add, another secret or key, revoke."""

import uuid
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import queries as people
from accounts.auth import access, actor, confirm_password, needs_password, settings
from accounts.clients import queries, services, standing
from accounts.clients.keys import list_names
from accounts.clients.models import ApiClient, AuthMethod
from accounts.clients.schemas import (
    ChangedClientSchema,
    Ending,
    KeysSchema,
    NewClientSchema,
    RevokeSchema,
    SecretSchema,
)
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.permissions import Permission
from core import web
from core.errors import Conflict, Invalid, NotFound, WrongState
from core.forms import Form

blueprint = Blueprint("clients", __name__)
_READ, _MANAGE = Permission.CLIENT_READ, Permission.CLIENT_MANAGE
_METHODS = [
    (
        AuthMethod.CLIENT_SECRET.value,
        AuthMethod.CLIENT_SECRET.label,
        "登録すると一度だけ表示します。プログラムの設定に入れます。",
    ),
    (
        AuthMethod.PRIVATE_KEY_JWT.value,
        AuthMethod.PRIVATE_KEY_JWT.label,
        "秘密の鍵を外に出しません。公開鍵を登録し、プログラムが署名して確かめます。",
    ),
]
_ENDINGS = [
    (Ending.OVERLAP.value, Ending.OVERLAP.label, "そのあいだに、プログラムの設定を替えます。"),
    (
        Ending.AT_ONCE.value,
        Ending.AT_ONCE.label,
        "外に漏れたおそれがあるときに選びます。渡したトークンもすべて終わります。",
    ),
]

_WHEN_SCOPES_COUNT = (
    "外した範囲は、渡したトークンでも次の呼び出しから使えません。加えた範囲は、新しいトークンから使えます。",
)


@blueprint.get("/clients")
@access(_READ)
def index() -> ResponseReturnValue:
    """List the programs of the organisation."""
    session, organisation_id = web.read_session(), actor().organisation_id
    return web.render_page(
        "accounts/clients/index.html",
        clients=queries.list_own(session, organisation_id),
        gone=_list_gone(session, organisation_id),
        is_shut_out=bool(organisation_id and standing.is_shut_out(session, organisation_id)),
        most=services.MOST_CLIENTS,
    )


@blueprint.route("/clients/new", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def create() -> ResponseReturnValue:
    """Add a program; its secret stands on the answer and nowhere else."""
    form = Form(NewClientSchema(), web.posted_form(), {"auth_method": AuthMethod.CLIENT_SECRET})
    shown: dict[str, Any] = {}

    def act(session: Session, data: dict[str, Any]) -> tuple[str, ...]:
        values = {name: value for name, value in data.items() if name != "password"}
        client, secret = services.create(session, actor(), settings(), **values)
        shown.update(client_id=client.id, secret=secret)
        return _page(client.id), "APIクライアントを登録しました"

    made = form.submit_once(actor().person_id, act) if _is_confirmed(form) else None
    if made is not None and shown.get("secret"):
        return _show_secret(shown["client_id"], shown["secret"])
    if made is not None:
        notice = web.REPEATED if made.is_repeat else made.notice
        web.leave_notice("info" if made.is_repeat else "done", *notice)
        return web.see_other(made.location)
    return web.render_page(
        "accounts/clients/create.html",
        form.status,
        form=form,
        methods=_METHODS,
        scopes=_offered(),
        needs_password=needs_password(),
    )


def _offered() -> list[tuple[str, str, str]]:
    kind = actor().organisation_kind
    allowed = SCOPES_BY_KIND[kind] if kind else frozenset()
    return [(scope.value, scope.label, scope.value) for scope in Scope if scope in allowed]


@blueprint.get("/clients/<uuid:client_id>")
@access(_READ)
def show(client_id: uuid.UUID) -> ResponseReturnValue:
    """Show a program."""
    return _render(client_id)


def _render(client_id: uuid.UUID, secret: str = "") -> ResponseReturnValue:
    session = web.refresh_read_session()
    client = _own(client_id)
    return web.render_page(
        "accounts/clients/show.html",
        client=client,
        keys=list_names(client.jwks),
        tokens=queries.count_tokens(session, client.id),
        gone=_list_gone(session, client.owner_id),
        issuer=(settings().base_url or "").rstrip("/"),
        secret=secret,
    )


def _show_secret(client_id: uuid.UUID, secret: str) -> ResponseReturnValue:
    """Answer with the page itself and not with a way to it: the secret is kept nowhere."""
    return _render(client_id, secret)


@blueprint.route("/clients/<uuid:client_id>/edit", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def edit(client_id: uuid.UUID) -> ResponseReturnValue:
    """Change name and scopes."""
    client = _own(client_id)
    known = {"name": client.name, "scopes": client.scopes, "version": client.version}
    form = Form(ChangedClientSchema(), web.posted_form(), known)

    def act(session: Session, data: dict[str, Any]) -> ApiClient:
        values = {name: value for name, value in data.items() if name != "password"}
        return services.edit(session, actor(), settings(), client_id, **values)

    if _submit(form, act):
        web.leave_notice("done", "APIクライアントを変えました", *_WHEN_SCOPES_COUNT)
        return web.see_other(_page(client_id))
    return _ask("edit.html", form, client, scopes=_offered())


@blueprint.route("/clients/<uuid:client_id>/secret", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def renew_secret(client_id: uuid.UUID) -> ResponseReturnValue:
    """Make another secret."""
    client = _own(client_id)
    form = Form(SecretSchema(), web.posted_form(), {"ending": Ending.OVERLAP})

    def act(session: Session, data: dict[str, Any]) -> str:
        at_once = data["ending"] is Ending.AT_ONCE
        return services.renew_secret(session, actor(), settings(), client_id, at_once=at_once)

    secret = _submit(form, act)
    if secret:
        return _show_secret(client_id, secret)
    return _ask("secret.html", form, client, endings=_ENDINGS)


@blueprint.route("/clients/<uuid:client_id>/keys", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def replace_keys(client_id: uuid.UUID) -> ResponseReturnValue:
    """Put other public keys in place."""
    client = _own(client_id)
    form = Form(KeysSchema(), web.posted_form())

    def act(session: Session, data: dict[str, Any]) -> ApiClient:
        return services.replace_keys(session, actor(), settings(), client_id, jwks=data["jwks"])

    if _submit(form, act):
        web.leave_notice("done", "公開鍵を入れ替えました")
        return web.see_other(_page(client_id))
    return _ask("keys.html", form, client)


@blueprint.route("/clients/<uuid:client_id>/revoke", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def revoke(client_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm the end of a program."""
    client = _own(client_id)
    form = Form(RevokeSchema(), web.posted_form())

    def act(session: Session, _: dict[str, Any]) -> ApiClient:
        return services.revoke(session, actor(), settings(), client_id)

    if _submit(form, act):
        web.leave_notice(
            "done", "APIクライアントを取り消しました", f"「{client.name}」は使えません。"
        )
        return web.see_other(url_for("clients.index"))
    return _ask("revoke.html", form, client)


def _ask(template: str, form: Form, client: ApiClient, **context: Any) -> ResponseReturnValue:
    return web.render_page(
        f"accounts/clients/{template}",
        form.status,
        form=form,
        client=client,
        needs_password=needs_password(),
        **context,
    )


def _submit(form: Form, act: Any) -> Any:
    """Do what was sent when it is in order; a refusal is shown on the page, and None returned."""
    if not _is_confirmed(form):
        return None
    try:
        return form.submit(act)
    except (Conflict, WrongState) as error:
        form.refuse(error)
        return None


def _is_confirmed(form: Form) -> bool:
    """Tell whether something sound was sent, with the password when the sign-in is old."""
    if not form.is_posted or not form.validate():
        return False
    refusal = confirm_password(form.data["password"]) if needs_password() else None
    if refusal:
        form.refuse(Invalid({"password": refusal}))
    return refusal is None


def _list_gone(session: Session, organisation_id: uuid.UUID | None) -> set[uuid.UUID]:
    """Return who knows a secret of the organisation and is no longer one of its people."""
    if organisation_id is None:
        return set()
    here = {each.person_id for each in people.list_members(session, organisation_id)}
    clients = queries.list_own(session, organisation_id)
    return {c.secret_seen_by_id for c in clients if c.secret_seen_by_id} - here


def _page(client_id: uuid.UUID) -> str:
    return url_for("clients.show", client_id=client_id)


def _own(client_id: uuid.UUID) -> ApiClient:
    client = queries.get_own(web.read_session(), actor().organisation_id, client_id)
    if client is None:
        raise NotFound
    return client
