"""Pages of contract notices: the body's own acts, and what everyone reads."""

import uuid
from datetime import date
from functools import partial
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, require
from core import paging, web
from core.clock import day_in_japan
from core.errors import Gone, NotFound
from core.forms import Form
from core.japanese import format_date
from procurement.bodies.methods import Ground, Method
from procurement.contracts.models import Contract
from procurement.contracts.queries import get_contract
from procurement.contracts.schemas import ConfirmSchema
from procurement.notices import queries, services
from procurement.notices.models import ContractNotice, NoticeState
from procurement.notices.schemas import PrepareSchema, WithdrawSchema

blueprint = Blueprint("notices", __name__)
_P = Permission


@blueprint.route("/contracts/<uuid:contract_id>/notice", methods=["GET", "POST"])
@access(_P.CONTRACT_PREPARE_NOTICE, write=_P.CONTRACT_PREPARE_NOTICE)
def prepare(contract_id: uuid.UUID) -> ResponseReturnValue:
    """Show what would be published of a contract, and ask an approver to publish it."""
    contract, notice = _load(contract_id, _P.CONTRACT_PREPARE_NOTICE)
    session = web.read_session()
    told = notice.facts["amount"] if notice else services.suggest_amount(session, contract)
    initial = {"version": notice.version if notice else 0, "amount": told}
    form = Form(PrepareSchema(), web.posted_form(), initial)
    done = _act(form, contract_id, services.prepare_notice, "公表の案を作りました")
    return done or web.render_page(
        "notices/prepare.html",
        form.status,
        form=form,
        contract=contract,
        notice=notice,
        facts=_shown(services.gather_facts(session, contract, told)),
        **_words(),
    )


@blueprint.route("/contracts/<uuid:contract_id>/notice/publish", methods=["GET", "POST"])
@access(_P.CONTRACT_DECIDE_NOTICE, write=_P.CONTRACT_DECIDE_NOTICE)
def publish(contract_id: uuid.UUID) -> ResponseReturnValue:
    """Decide as an approver that everyone may read the notice."""
    return _decide(contract_id, ConfirmSchema(), "publish", "契約を公表しました")


@blueprint.route("/contracts/<uuid:contract_id>/notice/withdraw", methods=["GET", "POST"])
@access(_P.CONTRACT_DECIDE_NOTICE, write=_P.CONTRACT_DECIDE_NOTICE)
def withdraw(contract_id: uuid.UUID) -> ResponseReturnValue:
    """Take the notice back with a reason that everyone reads."""
    return _decide(contract_id, WithdrawSchema(), "withdraw", "公表を取り下げました")


def _decide(
    contract_id: uuid.UUID, schema: Schema, name: str, notice_words: str
) -> ResponseReturnValue:
    contract, notice = _load(contract_id, _P.CONTRACT_DECIDE_NOTICE)
    form = Form(schema, web.posted_form(), {"version": notice.version if notice else 0})
    service = {"publish": services.publish_notice, "withdraw": services.withdraw_notice}[name]
    done = _act(form, contract_id, service, notice_words)
    return done or web.render_page(
        f"notices/{name}.html",
        form.status,
        form=form,
        contract=contract,
        notice=notice,
        facts=_shown(notice.facts) if notice else None,
        is_own=notice is not None and notice.prepared_by_id == actor().person_id,
        **_words(),
    )


def _act(form: Form, contract_id: uuid.UUID, service: Any, words: str) -> Any:
    def act(session: Session, **said: Any) -> None:
        service(session, actor(), contract_id, **said)

    target = url_for("contracts.show", contract_id=contract_id)
    return web.complete(form, act, notice=(words,), target=target)


def _load(contract_id: uuid.UUID, permission: Permission) -> tuple[Contract, ContractNotice | None]:
    session = web.read_session()
    contract = get_contract(session, contract_id)
    if contract is None:
        raise NotFound
    require(session, actor(), permission, contract)
    return contract, queries.find_live_notice(session, contract_id)


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    days = ("signed_on", "starts_on", "ends_on")
    return {**facts, **{name: date.fromisoformat(facts[name]) for name in days}}


def _words() -> dict[str, Any]:
    return {"methods": dict(Method.choices()), "grounds": dict(Ground.choices())}


@blueprint.get("/notices")
@access(_P.CATALOG_READ)
def index() -> ResponseReturnValue:
    """List the notices that bodies published, the first one first."""
    session = web.read_session()
    page = paging.fetch(queries.count_published(session), partial(queries.list_published, session))
    return web.render_page("notices/index.html", page=page, shown=_shown)


@blueprint.get("/notices/<uuid:notice_id>")
@access(_P.CATALOG_READ)
def show(notice_id: uuid.UUID) -> ResponseReturnValue:
    """Show a notice; a withdrawn one answers 410 with day and reason."""
    notice = find_public_notice(web.read_session(), notice_id)
    return web.render_page(
        "notices/show.html", notice=notice, facts=_shown(notice.facts), **_words()
    )


def find_public_notice(session: Session, notice_id: uuid.UUID) -> ContractNotice:
    """Return a published notice; raises Gone for one that was published once, else NotFound."""
    notice = queries.get_notice(session, notice_id)
    if notice is None or notice.published_at is None:
        raise NotFound
    if notice.state is NoticeState.WITHDRAWN and notice.withdrawn_at is not None:
        day = format_date(day_in_japan(notice.withdrawn_at))
        raise Gone(f"この公表は{day}に取り下げられました。理由：{notice.withdrawal_reason}")
    return notice
