"""A contract notice as a release of the Open Contracting Data Standard 1.1. Pure.

https://standard.open-contracting.org/1.1/en/schema/release/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from procurement.bodies.methods import Ground, Method

VERSION = "1.1"
CURRENCY = "JPY"
_FIRST, _UPDATE = ("award", "contract"), ("awardUpdate", "contractUpdate")
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


@dataclass(frozen=True, slots=True)
class Told:
    """A published notice: `process` is the same for all notices of a contract, `at` is RFC 3339."""

    notice_id: str
    process: str
    at: str
    facts: Mapping[str, Any]
    correction: str = ""  # why it replaces the release before; empty for the first one


def make_ocid(prefix: str, process: str) -> str:
    """Return the id that all releases about one contract carry."""
    return f"{prefix}-{process}"


def make_release_id(notice_id: str) -> str:
    """Return the id of the one release of a notice."""
    return f"{notice_id}-1"


def make_release(told: Told, *, prefix: str) -> dict[str, Any]:
    """Return the release of a notice; amounts in yen with tax.

    A correction is a whole release with a new id under the same ocid, tagged as an update.
    """
    facts, process = told.facts, told.process
    buyer = {"id": f"JP-LG-{facts['body_code']}", "name": facts["body_name"]}
    supplier = {"id": f"{_CORPORATE_NUMBER}-{facts['supplier_number']}", "name": _supplier(facts)}
    return {
        "ocid": make_ocid(prefix, process),
        "id": make_release_id(told.notice_id),
        "date": told.at,
        "tag": list(_UPDATE if told.correction else _FIRST),
        "initiationType": "tender",
        "language": "ja",
        "parties": [
            {**buyer, "roles": ["buyer", "procuringEntity"]},
            {**supplier, "identifier": _identifier(facts), "roles": ["supplier"]},
        ],
        "buyer": buyer,
        "tender": _tender(process, facts, buyer),
        "awards": [_award(told, supplier)],
        "contracts": [_contract(told)],
    }


def _identifier(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        "scheme": _CORPORATE_NUMBER,
        "id": facts["supplier_number"],
        "legalName": facts["supplier_name"],
    }


def _award(told: Told, supplier: Mapping[str, str]) -> dict[str, Any]:
    facts = told.facts
    return {
        "id": f"{told.process}-award",
        "title": facts["title"],
        "status": "active",
        **_value(told),
        "suppliers": [dict(supplier)],
        "items": [_item(facts)],
    }


def _contract(told: Told) -> dict[str, Any]:
    facts = told.facts
    return {
        "id": f"{told.process}-contract",
        "awardID": f"{told.process}-award",
        "title": facts["title"],
        "description": _describe(told),
        "status": "active",
        "period": {
            "startDate": _day(facts["starts_on"]),
            "endDate": f"{facts['ends_on']}T23:59:59+09:00",
        },
        **_value(told),
        "items": [_item(facts)],
        "dateSigned": _day(facts["signed_on"]),
    }


def _value(told: Told) -> dict[str, Any]:
    amount = told.facts["amount"]
    if amount is not None:
        return {"value": {"amount": amount, "currency": CURRENCY}}
    # Whoever merges releases keeps what a later one leaves out; null is what takes it away.
    return {"value": {"amount": None, "currency": None}} if told.correction else {}


def _tender(process: str, facts: Mapping[str, Any], buyer: Mapping[str, str]) -> dict[str, Any]:
    method = Method(facts["method"])
    ground = Ground(facts["ground"]).label if facts["ground"] else ""
    return {
        "id": f"{process}-tender",
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


def _describe(told: Told) -> str:
    facts = told.facts
    why = f"訂正の理由：{told.correction}" if told.correction else ""
    amount = "金額は公表していません" if facts["amount"] is None else "金額は税込"
    return f"契約番号 {facts['number']}。{amount}。{why}"


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
