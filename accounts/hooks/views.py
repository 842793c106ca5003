"""Pages of an organisation's webhooks: list, add, change, keys, log, try, send again, stop, delete."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.hooks import queries, services
from accounts.hooks.models import Signature, Webhook
from accounts.hooks.schemas import (
    DeleteSchema,
    EmptySchema,
    NewWebhookSchema,
    RotateSchema,
    WebhookSchema,
)
from accounts.permissions import Permission, require
from core import changes, web
from core.errors import Conflict, NotFound, TooMany, WrongState
from core.forms import Form

blueprint = Blueprint("webhooks", __name__)
_READ, _MANAGE = Permission.WEBHOOK_READ, Permission.WEBHOOK_MANAGE
_SHOWN = 30
_SIGNATURES = [
    (
        Signature.ED25519.value,
        Signature.ED25519.label,
        "鍵を預かる必要がありません。公開鍵を受信側に設定します。",
    ),
    (
        Signature.HMAC.value,
        Signature.HMAC.label,
        "受信側の部品が公開鍵に対応していないときに選びます。鍵は一度だけ表示します。",
    ),
]


@blueprint.get("/webhooks")
@access(_READ)
def index() -> ResponseReturnValue:
    """List the webhooks of the organisation."""
    return web.render_page(
        "accounts/hooks/index.html",
        webhooks=queries.list_own(web.read_session(), actor().organisation_id),
        most=services.MOST_WEBHOOKS,
    )


@blueprint.route("/webhooks/new", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def create() -> ResponseReturnValue:
    """Add a webhook."""
    form = Form(NewWebhookSchema(), web.posted_form(), {"signature": Signature.ED25519})

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        made = services.create(session, actor(), settings(), **values)
        return url_for("webhooks.show", webhook_id=made.id), "通知先を登録しました"

    done = web.create_once(form, actor().person_id, act)
    return done or web.render_page(
        "accounts/hooks/create.html", form.status, form=form, signatures=_SIGNATURES
    )


@blueprint.get("/webhooks/<uuid:webhook_id>")
@access(_READ)
def show(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Show a webhook with its keys and what was sent lately."""
    return _render(webhook_id)


def _render(
    webhook_id: uuid.UUID, form: Form | None = None, secret: str = ""
) -> ResponseReturnValue:
    session = web.refresh_read_session()
    return web.render_page(
        "accounts/hooks/show.html",
        form.status if form else 200,
        form=form,
        webhook=_own(session, webhook_id),
        keys=queries.list_keys(session, webhook_id),
        messages=queries.list_messages(session, webhook_id, _SHOWN),
        head=changes.head(session),
        secret=secret,
        shown=_SHOWN,
    )


@blueprint.route("/webhooks/<uuid:webhook_id>/edit", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def edit(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Change name and address."""
    webhook = _own(web.read_session(), webhook_id)
    form = Form(
        WebhookSchema(), web.posted_form(), {"name": webhook.name, "address": webhook.address}
    )

    def act(session: Session, **values: Any) -> object:
        return services.edit(session, actor(), settings(), webhook_id, **values)

    done = web.complete(form, act, notice=("通知先を変えました",), target=_page(webhook_id))
    return done or web.render_page(
        "accounts/hooks/edit.html", form.status, form=form, webhook=webhook
    )


@blueprint.post("/webhooks/<uuid:webhook_id>/key")
@access(_READ, write=_MANAGE)
def reveal(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Show the shared key, this once."""
    form = Form(EmptySchema(), web.posted_form())
    try:
        secret = form.submit(
            lambda session, _: services.reveal(session, actor(), settings(), webhook_id)
        )
    except Conflict as error:
        form.refuse(error)
        secret = None
    return _render(webhook_id, form, secret or "")


@blueprint.route("/webhooks/<uuid:webhook_id>/rotate", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def rotate(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm a new key."""
    webhook = _own(web.read_session(), webhook_id)
    form = Form(RotateSchema(), web.posted_form())

    def act(session: Session) -> object:
        return services.rotate(session, actor(), settings(), webhook_id)

    done = web.complete(
        form,
        act,
        notice=("鍵を作り直しました", "前の鍵の署名は、24時間、新しい署名と並べて送ります。"),
        target=_page(webhook_id),
    )
    return done or web.render_page(
        "accounts/hooks/rotate.html",
        form.status,
        form=form,
        webhook=webhook,
        keys=queries.list_keys(web.read_session(), webhook_id),
    )


@blueprint.post("/webhooks/<uuid:webhook_id>/end-key")
@access(_READ, write=_MANAGE)
def end_former_key(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Let only the newest key sign."""
    return _press(webhook_id, services.end_former_key, "前の鍵の使用を終えました")


@blueprint.post("/webhooks/<uuid:webhook_id>/stop")
@access(_READ, write=_MANAGE)
def stop(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Send nothing more for now."""
    return _press(webhook_id, services.stop, "通知を止めました")


@blueprint.post("/webhooks/<uuid:webhook_id>/resume")
@access(_READ, write=_MANAGE)
def resume(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Send again."""
    return _press(webhook_id, services.resume, "通知を再開しました")


@blueprint.post("/webhooks/<uuid:webhook_id>/test")
@access(_READ, write=_MANAGE)
def send_test(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Send a message that only tests."""
    return _press(webhook_id, services.send_test, "試しの通知を送ります", *_SOON)


@blueprint.post("/webhooks/<uuid:webhook_id>/messages/<uuid:message_id>/resend")
@access(_READ, write=_MANAGE)
def resend(webhook_id: uuid.UUID, message_id: uuid.UUID) -> ResponseReturnValue:
    """Send a message once more."""

    def act(session: Session, who: Any, webhook_id: uuid.UUID) -> object:
        return services.resend(session, who, webhook_id, message_id)

    return _press(webhook_id, act, "通知をもう一度送ります", *_SOON)


_SOON = ("数秒で、送信の記録に結果が出ます。ページを開き直してください。",)


@blueprint.route("/webhooks/<uuid:webhook_id>/delete", methods=["GET", "POST"])
@access(_MANAGE, write=_MANAGE)
def delete(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm the end of a webhook."""
    webhook = _own(web.read_session(), webhook_id)
    form = Form(DeleteSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session: services.delete(session, actor(), webhook_id),
        notice=("通知先を削除しました", f"「{webhook.name}」を削除しました。"),
        target=url_for("webhooks.index"),
    )
    return done or web.render_page(
        "accounts/hooks/delete.html", form.status, form=form, webhook=webhook
    )


def _press(webhook_id: uuid.UUID, act: Callable[..., object], *notice: str) -> ResponseReturnValue:
    """Do what a button of the page says; a refusal is shown on the page itself."""
    form = Form(EmptySchema(), web.posted_form())
    try:
        done = web.complete(
            form,
            lambda session: act(session, actor(), webhook_id),
            notice=notice,
            target=_page(webhook_id),
        )
    except (Conflict, TooMany, WrongState) as error:
        form.refuse(error)
        done = None
    return done or _render(webhook_id, form)


def _page(webhook_id: uuid.UUID) -> str:
    return url_for("webhooks.show", webhook_id=webhook_id)


def _own(session: Session, webhook_id: uuid.UUID) -> Webhook:
    webhook = queries.get_webhook(session, webhook_id)
    if webhook is None:
        raise NotFound
    require(session, actor(), _READ, webhook)
    return webhook
