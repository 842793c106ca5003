"""Pages of contract notices: the body's own acts, and what everyone reads."""

import uuid
from datetime import date
from functools import partial
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from core import paging, web
from core.clock import day_in_japan
from core.errors import Gone, NotFound
from core.forms import Form
from core.japanese import format_date
from procurement.bodies.methods import Ground, Method
from procurement.contracts.models import Contract
from procurement.contracts.schemas import ConfirmSchema
from procurement.contracts.views import contracts_blueprint
from procurement.contracts.views.register import read_contract, render_contract
from procurement.notices import queries, services
from procurement.notices.models import ContractNotice, NoticeState
from procurement.notices.schemas import PrepareSchema, WithdrawSchema

blueprint = Blueprint("notices", __name__)
_P = Permission
_NEXT = "案を作った人とは別の決裁者が決裁すると、公表されます。"


@contracts_blueprint.get("/contracts/<uuid:contract_id>", endpoint="show")
@access(_P.CONTRACT_READ)
def show_contract(contract_id: uuid.UUID) -> ResponseReturnValue:
    """Show one contract record, and where its notice stands: each reader what it may do next."""
    contract = read_contract(contract_id, _P.CONTRACT_READ)
    session = web.read_session()
    waiting, public = queries.find_notices(session, contract_id)
    return render_contract(
        contract,
        "contracts/show.html",
        waiting=waiting,
        public=public,
        withdrawn=None if public else queries.find_withdrawn(session, contract_id),
        is_own_notice=waiting is not None and waiting.prepared_by_id == actor().person_id,
    )


@blueprint.route("/contracts/<uuid:contract_id>/notice", methods=["GET", "POST"])
@access(_P.CONTRACT_PREPARE_NOTICE, write=_P.CONTRACT_PREPARE_NOTICE)
def prepare(contract_id: uuid.UUID) -> ResponseReturnValue:
    """Show what would be published of a contract, and ask an approver to publish it."""
    contract, waiting, public = _load(contract_id, _P.CONTRACT_PREPARE_NOTICE)
    session = web.read_session()
    held = waiting or public
    told = held.facts["amount"] if held else services.suggest_amount(session, contract)
    reason = waiting.correction_reason if waiting else ""
    version = waiting.version if waiting else 0
    initial = {"version": version, "amount": told, "reason": reason}
    form = Form(PrepareSchema(), web.posted_form(), initial)
    done = _act(form, contract_id, services.prepare_notice, "公表の案を作りました", _NEXT)
    return done or web.render_page(
        "notices/prepare.html",
        form.status,
        form=form,
        contract=contract,
        subject=waiting,
        public=public,
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
    contract, waiting, public = _load(contract_id, _P.CONTRACT_DECIDE_NOTICE)
    notice = waiting or public
    initial = {"version": notice.version, "notice_id": notice.id} if notice else {"version": 0}
    form = Form(schema, web.posted_form(), initial)
    service = {"publish": services.publish_notice, "withdraw": services.withdraw_notice}[name]
    if waiting and name == "withdraw":
        notice_words = "公表の案を取り下げました"
    done = _act(form, contract_id, service, notice_words)
    return done or web.render_page(
        f"notices/{name}.html",
        form.status,
        form=form,
        contract=contract,
        subject=notice,
        public=public,
        public_facts=_shown(public.facts) if public else None,
        facts=_shown(notice.facts) if notice else None,
        is_own=notice is not None and notice.prepared_by_id == actor().person_id,
        **_words(),
    )


def _act(form: Form, contract_id: uuid.UUID, service: Any, *words: str) -> Any:
    def act(session: Session, **said: Any) -> None:
        service(session, actor(), contract_id, **said)

    target = url_for("contracts.show", contract_id=contract_id)
    return web.complete(form, act, notice=words, target=target)


def _load(
    contract_id: uuid.UUID, permission: Permission
) -> tuple[Contract, ContractNotice | None, ContractNotice | None]:
    contract = read_contract(contract_id, permission)
    return contract, *queries.find_notices(web.read_session(), contract_id)


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    days = ("signed_on", "starts_on", "ends_on")
    return {**facts, **{name: date.fromisoformat(facts[name]) for name in days}}


def _words() -> dict[str, Any]:
    return {"methods": dict(Method.choices()), "grounds": dict(Ground.choices())}


@blueprint.get("/notices")
@access(_P.CATALOG_READ)
def index() -> ResponseReturnValue:
    """List the notices that bodies published, also those of one software, the newest first."""
    session = web.read_session()
    of = _asked_offering()
    count = queries.count_published(session, of)
    page = paging.fetch(count, partial(queries.list_published, session, offering_id=of))
    return web.render_page("notices/index.html", page=page, shown=_shown, offering_id=of)


def _asked_offering() -> uuid.UUID | None:
    asked = request.args.get("offering")
    try:
        return uuid.UUID(asked) if asked else None
    except ValueError:
        raise NotFound from None


@blueprint.get("/notices/<uuid:notice_id>")
@access(_P.CATALOG_READ)
def show(notice_id: uuid.UUID) -> ResponseReturnValue:
    """Show a notice with its corrections; a withdrawn one answers 410 with day and reason."""
    session = web.read_session()
    notice = find_public_notice(session, notice_id)
    return web.render_page(
        "notices/show.html",
        subject=notice,
        facts=_shown(notice.facts),
        told=queries.list_told(session, notice.contract_id),
        **_words(),
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
