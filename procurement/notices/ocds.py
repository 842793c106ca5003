"""A contract notice as a release of the Open Contracting Data Standard 1.1. Pure.

https://standard.open-contracting.org/1.1/en/schema/release/
"""

from collections.abc import Mapping
from typing import Any

from procurement.bodies.methods import Ground, Method

VERSION = "1.1"
CURRENCY = "JPY"
# The corporate number in the list of identifiers that OCDS points to (org-id.guide). Codes of local
# governments have none there: the party then goes without an identifier, and its code is in its id.
_CORPORATE_NUMBER = "JP-JCN"
_METHODS = {
    Method.LIST_PRICE: "direct",
    Method.SINGLE_QUOTE: "direct",
    Method.QUOTES: "limited",
    Method.PROPOSAL: "limited",
    Method.DESIGNATED: "selective",
}


def make_release(
    notice_id: str, moment: str, facts: Mapping[str, Any], *, prefix: str
) -> dict[str, Any]:
    """Return the release of a notice published at a moment (RFC 3339); amounts in yen with tax."""
    buyer = {"id": f"JP-LG-{facts['body_code']}", "name": facts["body_name"]}
    supplier = {"id": f"{_CORPORATE_NUMBER}-{facts['supplier_number']}", "name": _supplier(facts)}
    return {
        "ocid": f"{prefix}-{notice_id}",
        "id": f"{notice_id}-1",
        "date": moment,
        "tag": ["award", "contract"],
        "initiationType": "tender",
        "language": "ja",
        "parties": [
            {**buyer, "roles": ["buyer", "procuringEntity"]},
            {**supplier, "identifier": _identifier(facts), "roles": ["supplier"]},
        ],
        "buyer": buyer,
        "tender": _tender(notice_id, facts, buyer),
        "awards": [_award(notice_id, facts, supplier)],
        "contracts": [_contract(notice_id, facts)],
    }


def _identifier(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        "scheme": _CORPORATE_NUMBER,
        "id": facts["supplier_number"],
        "legalName": facts["supplier_name"],
    }


def _award(notice_id: str, facts: Mapping[str, Any], supplier: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": f"{notice_id}-award",
        "title": facts["title"],
        "status": "active",
        **_value(facts),
        "suppliers": [dict(supplier)],
        "items": [_item(facts)],
    }


def _contract(notice_id: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{notice_id}-contract",
        "awardID": f"{notice_id}-award",
        "title": facts["title"],
        "description": _describe(facts),
        "status": "active",
        "period": {
            "startDate": _day(facts["starts_on"]),
            "endDate": f"{facts['ends_on']}T23:59:59+09:00",
        },
        **_value(facts),
        "items": [_item(facts)],
        "dateSigned": _day(facts["signed_on"]),
    }


def _value(facts: Mapping[str, Any]) -> dict[str, Any]:
    if facts["amount"] is None:
        return {}
    return {"value": {"amount": facts["amount"], "currency": CURRENCY}}


def _tender(notice_id: str, facts: Mapping[str, Any], buyer: Mapping[str, str]) -> dict[str, Any]:
    method = Method(facts["method"])
    ground = Ground(facts["ground"]).label if facts["ground"] else ""
    return {
        "id": f"{notice_id}-tender",
        "title": facts["title"],
        "status": "complete",
        "procuringEntity": dict(buyer),
        "procurementMethod": _METHODS[method],
        "procurementMethodDetails": "　".join(each for each in (method.label, ground) if each),
        "mainProcurementCategory": "services",
    }


def _item(facts: Mapping[str, Any]) -> dict[str, Any]:
    standard = f"{facts['specification_name']} {facts['specification_version']}"
    return {"id": facts["listing_id"], "description": f"{facts['service']}（{standard}）"}


def _describe(facts: Mapping[str, Any]) -> str:
    amount = "金額は公表していません" if facts["amount"] is None else "金額は税込"
    return f"契約番号 {facts['number']}。{amount}。"


def _supplier(facts: Mapping[str, Any]) -> str:
    name: str = facts["supplier_name"]
    return f"{name}（見本）" if facts["is_sample"] and "見本" not in name else name


def _day(day: str) -> str:
    return f"{day}T00:00:00+09:00"


def make_package(
    releases: list[dict[str, Any]], *, address: str, moment: str, publisher: str
) -> dict[str, Any]:
    """Return a release package; `moment` is that of its newest release."""
    return {
        "uri": address,
        "version": VERSION,
        "publishedDate": moment,
        "publisher": {"name": publisher},
        "releases": releases,
    }
