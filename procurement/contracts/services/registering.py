"""The act of registering a contract that both sides settled outside this product."""

import re
from datetime import date

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed, Invalid, NotFound
from core.japanese import format_date
from procurement.bodies.queries import limits_for
from procurement.contracts import queries
from procurement.contracts.models import Contract, RequestAction, UsageContractRequest
from procurement.projects import queries as project_queries
from procurement.projects.costs import term_of
from procurement.projects.models import ProjectAction
from procurement.projects.terms import burden_of, months_between, term_refusals

_SHA256 = re.compile(r"[0-9a-f]{64}")


def register_contract(
    session: Session,
    actor: Actor,
    request: UsageContractRequest,
    *,
    version: int,
    number: str,
    signed_on: date,
    starts_on: date,
    ends_on: date,
    signed_record_sha256: str,
    signed_record_name: str = "",
    term_note: str = "",
) -> Contract:
    """Record number, dates and the hash of the signed record; the project is then complete.

    A contract is settled by seal or qualified e-signature of both sides (地方自治法 234条 ⑤), never
    by this record. Raises Invalid for dates that cannot be, and for a term that
    the body's rules of today do not allow, unless `term_note` says what came of checking it.
    """
    locked = queries.get_request(session, request.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.CONTRACT_REGISTER, locked)
    if actor.person_id is None:
        raise NotFound
    locked.expect(RequestAction.REGISTER_CONTRACT)
    errors = _check_dates(session, locked, signed_on, starts_on, ends_on)
    errors |= {} if errors or term_note else _check_term(session, locked, starts_on, ends_on)
    _refuse(session, locked, number, signed_record_sha256, errors)
    contract = Contract(
        request_id=locked.id,
        owner_id=locked.owner_id,
        addressee_id=locked.addressee_id,
        listing_version_id=locked.selection.listing_version_id,
        number=number,
        signed_on=signed_on,
        starts_on=starts_on,
        ends_on=ends_on,
        signed_record_sha256=signed_record_sha256,
        signed_record_name=signed_record_name,
        registered_by_id=actor.person_id,
    )
    session.add(contract)
    session.flush()
    locked.apply(RequestAction.REGISTER_CONTRACT, version)
    _close_project(session, locked)
    _record(session, actor, locked, contract, term_note)
    return contract


def _record(
    session: Session,
    actor: Actor,
    request: UsageContractRequest,
    contract: Contract,
    term_note: str,
) -> None:
    audit.record(
        session,
        actor,
        "contract.register",
        "Contract",
        contract.id,
        owner_id=request.owner_id,
        case_id=request.project_id,
        number=contract.number,
        sha256=contract.signed_record_sha256,
        term_note=term_note,
    )


def _check_term(
    session: Session,
    request: UsageContractRequest,
    starts_on: date,
    ends_on: date,
) -> dict[str, str]:
    """Ask for a note where the rules changed since the decision and bar the settled term."""
    project = request.project
    months = months_between(starts_on, ends_on)
    rules = limits_for(session, project.owner, day_in_japan(now(session)))
    burden = burden_of(project)
    found = term_refusals(rules, project.term_basis, months, starts_on, burden)
    if not found:
        return {}
    ask = "このまま記録するときは、確かめた結果を入力してください。"
    return {"term_note": "".join(found.values()) + ask}


def _close_project(session: Session, request: UsageContractRequest) -> None:
    project = project_queries.get_project(session, request.project_id, for_update=True)
    if project is None:
        raise NotFound
    project.apply(ProjectAction.CLOSE)


def _refuse(
    session: Session,
    request: UsageContractRequest,
    number: str,
    signed_record_sha256: str,
    errors: dict[str, str],
) -> None:
    if not _SHA256.fullmatch(signed_record_sha256):
        errors["signed_record_sha256"] = "SHA-256は0から9とaからfの64文字で入力してください。"
    if queries.find_contract_by_number(session, request.owner_id, number) is not None:
        errors["number"] = f"契約番号「{number}」はすでに使われています。番号を確かめてください。"
    if errors:
        raise Invalid(errors)


def _check_dates(
    session: Session,
    request: UsageContractRequest,
    signed_on: date,
    starts_on: date,
    ends_on: date,
) -> dict[str, str]:
    errors = {}
    if request.sent_at is None:
        raise GuardFailed([("main", "依頼はまだ送信されていません。")])
    sent_on, today = day_in_japan(request.sent_at), day_in_japan(now(session))
    if signed_on > today:
        errors["signed_on"] = f"契約日は今日（{format_date(today)}）以前の日付にしてください。"
    elif signed_on < sent_on:
        errors["signed_on"] = (
            f"契約日は依頼を送信した日（{format_date(sent_on)}）以後の日付にしてください。"
        )
    term = term_of(request.project)
    if starts_on < term.start:
        errors["starts_on"] = (
            f"利用の始まりは、決裁した始まり（{format_date(term.start)}）以後の日付にしてください。"
        )
    if ends_on < starts_on:
        errors["ends_on"] = "利用の終わりは、利用の始まり以後の日付にしてください。"
    elif ends_on > term.end:
        errors["ends_on"] = (
            f"利用の終わりは、決裁した終わり（{format_date(term.end)}）以前の日付にしてください。"
        )
    return errors
