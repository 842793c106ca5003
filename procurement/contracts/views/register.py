"""Pages of the contract register."""

import uuid
from functools import partial
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import OrganisationKind
from accounts.permissions import Permission, require
from accounts.queries import list_people
from core import paging, web
from core.documents import sha256_hex
from core.errors import NotFound
from core.forms import Form
from procurement.contracts import queries, services
from procurement.contracts.models import Contract, RequestAction
from procurement.contracts.schemas import ConfirmSchema, ContractSchema
from procurement.contracts.views.frame import contracts_blueprint as blueprint
from procurement.contracts.views.frame import load_request, read_request
from procurement.projects.costs import term_of

_P = Permission
_FILE = "signed_record"


@blueprint.get("/contracts")
@access(_P.CONTRACT_READ)
def index() -> ResponseReturnValue:
    """List the contracts of the acting organisation; an auditor sees all."""
    who, session = actor(), web.read_session()
    is_body = who.organisation_kind is OrganisationKind.BODY
    is_vendor = who.organisation_kind is OrganisationKind.VENDOR
    owner_id = who.organisation_id if is_body else None
    addressee_id = who.organisation_id if is_vendor else None
    page = paging.fetch(
        queries.count_contracts(session, owner_id=owner_id, addressee_id=addressee_id),
        partial(queries.list_contracts, session, owner_id=owner_id, addressee_id=addressee_id),
    )
    return web.render_page("contracts/index.html", page=page)


def read_contract(contract_id: uuid.UUID, permission: Permission) -> Contract:
    """Return a contract for a page; raises NotFound for strangers."""
    session = web.read_session()
    contract = queries.get_contract(session, contract_id)
    if contract is None:
        raise NotFound
    require(session, actor(), permission, contract)
    return contract


def render_contract(
    contract: Contract, template: str, form: Form | None = None, **more: object
) -> ResponseReturnValue:
    """Show the record to both sides; who recorded and confirmed it only to its own."""
    session = web.read_session()
    is_vendor = actor().organisation_kind is OrganisationKind.VENDOR
    known = [] if is_vendor else [contract.registered_by_id, contract.confirmed_by_id]
    return web.render_page(
        template,
        form.status if form else 200,
        form=form,
        contract=contract,
        request_row=load_request(session, contract.request_id),
        people=list_people(session, [each for each in known if each]),
        is_vendor=is_vendor,
        is_own=contract.registered_by_id == actor().person_id,
        **more,
    )


@blueprint.route("/contracts/<uuid:contract_id>/confirm", methods=["GET", "POST"])
@access(_P.CONTRACT_CONFIRM, write=_P.CONTRACT_CONFIRM)
def confirm(contract_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm as an approver that the record is what both sides signed."""
    contract = read_contract(contract_id, _P.CONTRACT_CONFIRM)
    form = Form(ConfirmSchema(), web.posted_form(), {"version": contract.version})

    def act(session: Session, *, version: int, **_said: Any) -> None:
        found = queries.get_contract(session, contract_id)
        if found is None:
            raise NotFound
        services.confirm_contract(session, actor(), found, version=version)

    target = _contract_url(contract_id)
    if contract.confirmed_at is not None:
        web.leave_notice("info", "契約の記録はすでに確かめられています")
        return web.see_other(target)
    done = web.complete(form, act, notice=("契約の記録を確かめました",), target=target)
    return done or render_contract(contract, "contracts/confirm.html", form)


@blueprint.route("/requests/<uuid:request_id>/contract", methods=["GET", "POST"])
@access(_P.CONTRACT_REGISTER, write=_P.CONTRACT_REGISTER)
@web.accepts_files
def register(request_id: uuid.UUID) -> ResponseReturnValue:
    """Record a contract; an uploaded record is hashed here and not kept."""
    found = read_request(request_id)
    term = term_of(found.project)
    initial = {"version": found.version, "starts_on": term.start, "ends_on": term.end}
    form = Form(ContractSchema(), web.posted_form(), initial)
    if form.is_posted and form.validate():
        record = _read_record(form)
        contract = record and form.submit(
            lambda session, data: services.register_contract(
                session, actor(), load_request(session, request_id), **{**data, **record}
            )
        )
        if contract:
            web.leave_notice("done", "契約を記録しました")
            return web.see_other(_contract_url(contract.id))
    return web.render_page(
        "contracts/register.html",
        form.status,
        form=form,
        request_row=found,
        term=term,
        open=found.can_apply(RequestAction.REGISTER_CONTRACT),
    )


def _contract_url(contract_id: uuid.UUID) -> str:
    return url_for("contracts.show", contract_id=contract_id)


def _read_record(form: Form) -> dict[str, Any] | None:
    """Return hash and name of the signed record: of the file, or as typed; both must agree."""
    typed = form.data["signed_record_sha256"].replace(" ", "").lower()
    file = request.files.get(_FILE)
    content = file.read() if file is not None and file.filename else None
    sentence = None
    if content is None and not typed:
        sentence = "署名済みの契約書のファイルを選択するか、SHA-256を入力してください。"
    elif content == b"":
        sentence = "選択したファイルは空です。署名済みの契約書のファイルを選択してください。"
    elif content is not None and typed and sha256_hex(content) != typed:
        sentence = "入力したSHA-256が、選択したファイルと合いません。どちらかを確かめてください。"
    if sentence is not None:
        form.errors["signed_record_sha256"], form.status = sentence, 422
        return None
    if content is None:
        return {"signed_record_sha256": typed, "signed_record_name": ""}
    name = (file.filename or "")[:200] if file is not None else ""
    return {"signed_record_sha256": sha256_hex(content), "signed_record_name": name}
