"""A body's own requests and contracts for its programs, to read; no program sends or decides."""

import uuid
from typing import Any

from flask import Blueprint, Response, url_for

from accounts.auth import access, actor
from accounts.identity import Scope
from accounts.permissions import Permission, require
from catalog.api_filters import ServerFilter
from catalog.api_values import read_place, show
from core import api, web
from core.errors import NotFound
from procurement.contracts import queries
from procurement.contracts.api_schemas import (
    ContractPageSchema,
    ContractSchema,
    RequestPageSchema,
    RequestSchema,
)
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.contracts.views.frame import read_request
from procurement.projects.api import acting_body, answer_page
from procurement.projects.api_schemas import PageQuerySchema

blueprint = Blueprint("contracts_api", __name__, url_prefix="/api/v1")
_P = Permission
_OUTLINE = ("id", "project_id", "number", "state", "sent_at", "answer_due_at", "answered_at")
_DECIDED = ("payload_sha256", "approved_at", "return_reason", "answer_reason", "withdrawn_at", "withdrawal_reason")  # fmt: skip
_CHOICE = ("listing_version_id", "method", "ground", "price_source", "total_with_tax", "total_without_tax", "decided_at")  # fmt: skip
_CONTRACT = ("id", "request_id", "number", "state", "listing_version_id", "signed_on", "starts_on", "ends_on", "signed_record_sha256", "confirmed_at")  # fmt: skip


@blueprint.get("/requests")
@access(_P.REQUEST_READ)
@api.endpoint(
    "自団体の利用契約の依頼の一覧",
    query=PageQuerySchema,
    answer=RequestPageSchema,
    adds=(ServerFilter.OWN_ORGANISATION,),
    problems=(401, 403),
    needs=Scope.PROJECT_READ,
)
def list_requests(query: dict[str, Any]) -> Response:
    """Answer a page of the body's requests, in the order of their ids."""
    after, limit = read_place(query["cursor"]), query["limit"]
    session = web.read_session()
    found = queries.list_requests_after(session, acting_body(), after=after, limit=limit + 1)
    return answer_page(found, [_outline(each) for each in found], limit)


@blueprint.get("/requests/<uuid:request_id>")
@access(_P.REQUEST_READ)
@api.endpoint(
    "自団体の利用契約の依頼1件",
    answer=RequestSchema,
    problems=(401, 403, 404),
    needs=Scope.PROJECT_READ,
)
def show_request(request_id: uuid.UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer a request with the choice that it rests on."""
    del query
    found = read_request(request_id)
    contract = queries.find_contract_of(web.read_session(), found.id)
    return {
        **_outline(found),
        "choice": show(found.selection, _CHOICE),
        **show(found, _DECIDED),
        "contract_id": str(contract.id) if contract else None,
        "page": url_for("requests.show", request_id=found.id),
    }


@blueprint.get("/contracts")
@access(_P.CONTRACT_READ)
@api.endpoint(
    "自団体の契約の一覧",
    query=PageQuerySchema,
    answer=ContractPageSchema,
    adds=(ServerFilter.OWN_ORGANISATION,),
    problems=(401, 403),
    needs=Scope.PROJECT_READ,
)
def list_contracts(query: dict[str, Any]) -> Response:
    """Answer a page of the body's contracts, in the order of their ids."""
    after, limit = read_place(query["cursor"]), query["limit"]
    session = web.read_session()
    found = queries.list_contracts_after(session, acting_body(), after=after, limit=limit + 1)
    rows = [contract for contract, _ in found]
    return answer_page(rows, [_show_contract(*each) for each in found], limit)


@blueprint.get("/contracts/<uuid:contract_id>")
@access(_P.CONTRACT_READ)
@api.endpoint(
    "自団体の契約1件",
    answer=ContractSchema,
    problems=(401, 403, 404),
    needs=Scope.PROJECT_READ,
)
def show_contract(contract_id: uuid.UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one contract."""
    del query
    session = web.read_session()
    contract = queries.get_contract(session, contract_id)
    if contract is None:
        raise NotFound
    require(session, actor(), _P.CONTRACT_READ, contract)
    request = queries.get_request(session, contract.request_id)
    if request is None:
        raise NotFound
    return _show_contract(contract, request)


def _outline(found: UsageContractRequest) -> dict[str, Any]:
    return {**show(found, _OUTLINE), "seller": _seller(found)}


def _seller(found: UsageContractRequest) -> dict[str, Any]:
    return show(found.seller, ("id", "name", "corporate_number"))


def _show_contract(contract: Contract, request: UsageContractRequest) -> dict[str, Any]:
    return {
        **show(contract, _CONTRACT),
        "project_id": str(request.project_id),
        "seller": _seller(request),
        "page": url_for("contracts.show", contract_id=contract.id),
    }
