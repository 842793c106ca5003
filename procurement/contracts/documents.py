"""The 利用契約依頼書: its data, the same for page and PDF, and its bytes."""

import json
from datetime import date
from typing import Any

from catalog.price_plan import ComponentKind, TaxRounding
from catalog.terms import CertificationState
from core.clock import day_in_japan
from core.documents import canonical_json, render_pdf
from core.japanese import (
    format_amount,
    format_date,
    format_datetime,
    format_fiscal_year,
    format_formal_yen,
    format_yen,
)
from procurement.contracts.facts import Approval, MadeDocument, RequestFacts
from procurement.contracts.models import BidderList, UsageContractRequest
from procurement.projects.models import ContractTermBasis
from procurement.selection.models import Selection, SelectionMethod

FORMAT = "narabi-usage-contract-request-2"
TEMPLATE = "usage_contract_request"
_UNDECIDED = "決裁のときに付きます"
_REDUCTION = (
    "翌年度以降の歳出予算で、この契約の金額について減額又は削除があったときは、"
    "この契約を変更し、又は解除することができます（地方自治法第234条の3）。"
)


def make_document(facts: RequestFacts, approval: Approval) -> MadeDocument:
    """Return payload and PDF of an approved request; equal facts give equal bytes."""
    document = describe_document(facts, approval)
    payload = {"format": FORMAT, "references": _references(facts, approval), "document": document}
    rendered = render_pdf(TEMPLATE, document)
    return MadeDocument(
        payload=canonical_json(payload),
        content=rendered.content,
        filename=f"利用契約依頼書_{approval.number}.pdf",
    )


def read_document(request: UsageContractRequest) -> dict[str, Any]:
    """Return the document's data as approved, from the stored payload."""
    stored: dict[str, Any] = json.loads(request.payload)["document"]
    return stored


def _references(facts: RequestFacts, approval: Approval) -> dict[str, Any]:
    request, selection, version = facts.request, facts.request.selection, facts.version
    return {
        "request_id": str(request.id),
        "project_id": str(request.project_id),
        "selection_id": str(selection.id),
        "selection_sha256": approval.selection_sha256,
        "evidence_sha256": facts.pack.sha256,
        "listing_version_id": str(version.id),
        "listing_sha256": facts.hit["listing_sha256"],
        "offering_version_id": facts.hit["offering_version_id"],
        "offering_sha256": facts.hit["offering_sha256"],
        "body_code": request.project.owner.code,
        "seller_corporate_number": request.seller.corporate_number,
        "total_with_tax": selection.total_with_tax,
        "total_without_tax": selection.total_without_tax,
        "answer_due_at": request.answer_due_at.isoformat() if request.answer_due_at else None,
    }


def describe_document(facts: RequestFacts, approval: Approval | None) -> dict[str, Any]:
    """Return what the document says; before the decision the decision's own parts say so.

    Neither the candidates nor their number nor the reasons stand in it: the addressee reads it.
    """
    request, project = facts.request, facts.request.project
    day = format_date(day_in_japan(approval.decided_at)) if approval else _UNDECIDED
    return {
        "made_at": approval.decided_at.isoformat() if approval else "",
        "title": "利用契約依頼書",
        "number": approval.number if approval else _UNDECIDED,
        "date": day,
        "sample": request.seller.is_sample or facts.version.listing.offering.maker.is_sample,
        "evidence": {"label": "検索証跡 SHA-256", "hash": facts.pack.sha256},
        "subject": f"{project.title}に係る利用契約について",
        "addressee": {
            "name": request.seller.name,
            "representative": request.seller.representative,
        },
        "sender": {"body": project.owner.label, "approver": request.sender_name},
        "contact": _describe_contact(request),
        "service": _describe_service(facts),
        "term": _describe_term(facts),
        "method": {
            "name": _name_method(request.selection),
            "ground": f"{request.selection.ground_label}　{request.selection.category.label}",
            "reason": "",
        },
        "budget": f"{project.term_basis.label}　{project.budget_line}",
        "fees": _describe_fees(facts),
        "price": _describe_price(facts),
        "reduction": _REDUCTION if project.term_basis is ContractTermBasis.LONG_TERM else "",
        "conditions": _describe_conditions(facts),
        "search": {
            "locked_at": format_datetime(facts.pack.locked_at),
            "sequence": f"第{format_amount(facts.pack.catalog_sequence)}号",
            "hits": "",
            "hash": facts.pack.sha256,
        },
        "approval": _describe_approval(facts, approval, day),
        "reply_by": format_datetime(request.answer_due_at) if request.answer_due_at else "",
    }


def _name_method(selection: Selection) -> str:
    """Name the way to the contract: a tender is no direct contract."""
    if selection.method is SelectionMethod.DESIGNATED:
        return selection.method.label
    return "入札をしない契約（随意契約）"


def _describe_contact(request: UsageContractRequest) -> dict[str, str]:
    return {
        "department": request.contact_department,
        "person": request.contact_name,
        "phone": request.contact_phone,
        "mail": request.contact_email,
    }


def _describe_approval(facts: RequestFacts, approval: Approval | None, day: str) -> dict[str, Any]:
    approver = approval.approver_name if approval else ""
    return {
        "number": approval.number if approval else _UNDECIDED,
        "people": [
            {"role": "決裁者", "name": approver, "day": day},
            {"role": "担当者", "name": facts.clerk.name if facts.clerk else "", "day": ""},
        ],
    }


def _describe_service(facts: RequestFacts) -> dict[str, str]:
    hit, specification = facts.hit, facts.version.offering_version.specification_version
    state = CertificationState(hit["certification"]["state"])
    number = hit["certification"]["number"]
    return {
        "name": hit["name"],
        "version": f"サービス 第{hit['offering_number']}版、販売条件 第{hit['listing_number']}版",
        "specification": f"{specification.specification.name}　{specification.title}",
        "certification": f"{state.label}{f'（{number}）' if number else ''}、検索を確定した時点",
    }


def _describe_term(facts: RequestFacts) -> str:
    basis = facts.basis
    first, last = date.fromisoformat(basis["starts_on"]), date.fromisoformat(basis["ends_on"])
    return f"{format_date(first)}から{format_date(last)}まで（{basis['months']}か月）"


def _describe_fees(facts: RequestFacts) -> dict[str, Any]:
    basis, kinds = facts.basis, facts.basis["kinds"]

    def row(name: str, line: dict[str, Any]) -> list[str]:
        sums = [line["subtotal"], line["tax"], line["total"]]
        return [name, *(format_amount(n) for n in [*(line["amounts"][k] for k in kinds), *sums])]

    return {
        "head": [
            "会計年度",
            *(ComponentKind(kind).label for kind in kinds),
            *("税抜計", "消費税", "税込計"),
        ],
        "rows": [row(format_fiscal_year(y["fiscal_year"]), y) for y in basis["years"]],
        "total": row("合計", basis),
        "basis": basis["components"],
    }


def _describe_price(facts: RequestFacts) -> dict[str, str]:
    basis = facts.basis
    rate = basis["tax_basis_points"] // 100
    return {
        "formal": format_formal_yen(basis["total"]),
        "tax": format_yen(basis["tax"]),
        "rounding": f"消費税及び地方消費税（{rate}%）は、{TaxRounding(basis['rounding']).label}ます。",
    }


def _describe_conditions(facts: RequestFacts) -> list[str]:
    request, basis = facts.request, facts.basis
    found = []
    if basis["population"] is not None:
        dated = f"（{basis['population_source']}）" if basis["population_source"] else ""
        found.append(f"料金は、人口{format_amount(basis['population'])}人{dated}で計算しています。")
    if quantities := basis.get("quantities"):
        found.append(f"数量は、{quantities}で計算しています。")
    if chosen := basis.get("options"):
        found.append(f"オプション（{'、'.join(chosen)}）を含みます。")
    if exchange_rate := basis.get("exchange_rate"):
        found.append(f"外貨の料金は、{exchange_rate}で円に換えています。")
    if basis["options_left_out"]:
        found.append(f"オプション（{'、'.join(basis['options_left_out'])}）は含みません。")
    if request.bidder_list is not None:
        note = f"（{request.bidder_list_note}）" if request.bidder_list_note else ""
        found.append(f"入札参加資格者名簿：{BidderList(request.bidder_list).label}{note}。")
    return found + [line for line in request.message.splitlines() if line.strip()]
