"""Acts on a usage-contract request before its decision: begin, change, submit."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings.queries import load_listing_versions
from core.clock import JST, day_in_japan
from core.db import now
from core.errors import Invalid, NotFound, WrongState
from procurement.contracts.models import BidderList, RequestAction, UsageContractRequest
from procurement.contracts.services.frame import check_due, record
from procurement.projects import queries as project_queries
from procurement.projects.models import Project, ProjectState
from procurement.selection import queries as selection_queries

ANSWER_HOUR = time(17, 0)


def create_request(
    session: Session, actor: Actor, project: Project, **values: Any
) -> UsageContractRequest:
    """Begin the request that an approved selection allows; one live request per project.

    `values` are those of `edit_request`.
    """
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.REQUEST_EDIT, locked)
    if actor.person_id is None:
        raise NotFound
    selection = selection_queries.latest_selection(session, locked.id)
    if (
        locked.state is not ProjectState.SELECTION_APPROVED
        or selection is None
        or not selection.is_approved
    ):
        raise WrongState(
            locked.MACHINE.wrong_state_sentence(locked.state), state=locked.state.value
        )
    version_id = selection.listing_version_id
    listing = load_listing_versions(session, [version_id])[version_id].listing
    request = UsageContractRequest(
        project_id=locked.id,
        selection_id=selection.id,
        owner_id=locked.owner_id,
        addressee_id=listing.owner_id,
        seller_id=listing.seller_id,
        last_editor_id=actor.person_id,
        **_checked(session, values),
    )
    session.add(request)
    session.flush()
    record(session, actor, request, "request.create")
    return request


def edit_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int, **values: Any
) -> UsageContractRequest:
    """Change contact, message, list of bidders or the day of answer, before submission only."""
    actor = require(session, actor, Permission.REQUEST_EDIT, request)
    request.expect(RequestAction.SUBMIT)
    request.revise(version, **_checked(session, values), last_editor_id=actor.person_id)
    record(session, actor, request, "request.edit")
    return request


def _checked(session: Session, values: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse an exception without reason and a day of answer that has passed."""
    checked, errors = dict(values), {}
    due: date = checked.pop("answer_due_on")
    if due <= day_in_japan(now(session)):
        errors["answer_due_on"] = "回答の期限は明日以後の日付にしてください。"
    needs_note = checked["bidder_list"] in {BidderList.EXCEPTION, BidderList.NOT_LISTED}
    if needs_note and not checked["bidder_list_note"]:
        sentence = "名簿に載っていない事業者に依頼する理由を入力してください。"
        errors["bidder_list_note"] = sentence
    if errors:
        raise Invalid(errors)
    local = datetime.combine(due, ANSWER_HOUR, tzinfo=JST)
    checked["answer_due_at"] = local.astimezone(UTC)
    return checked


def submit_request(
    session: Session, actor: Actor, request: UsageContractRequest, *, version: int
) -> UsageContractRequest:
    """Hand the request to an approver."""
    actor = require(session, actor, Permission.REQUEST_EDIT, request)
    check_due(session, request)
    request.apply(RequestAction.SUBMIT, version, submitted_by_id=actor.person_id)
    record(session, actor, request, "request.submit")
    return request
