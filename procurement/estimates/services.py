"""Acts on an estimated price: name who reads it, enter it, fix it, compare once, hand it over.

No event and no refusal holds an amount.
"""

import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from core import audit
from core.db import narrow_attempt, now
from core.errors import GuardFailed, Invalid, NotFound, StaleVersion, WrongState
from procurement.estimates import queries, vault
from procurement.estimates.models import EstimateAction, EstimatedPrice, EstimatedPriceReader
from procurement.projects import queries as project_queries
from procurement.projects.models import EDITABLE_STATES, Project, ProjectState

_PREPARING = EDITABLE_STATES | {ProjectState.QUOTING}
_COMPARABLE = frozenset(
    {ProjectState.COMPARED, ProjectState.QUOTES_OPENED, ProjectState.SELECTION_PROPOSED}
)
_NOT_HERE = "見られる人は、同じ団体の担当者か決裁者から選択してください。"
_has_opened: Callable[[Session, uuid.UUID], bool] = lambda _session, _project_id: False  # noqa: E731


class Standing(StrEnum):
    """How an amount stands to the estimated price."""

    WITHIN = "within"
    ABOVE = "above"
    NOT_SET = "not_set"


def use_openings(has_opened: Callable[[Session, uuid.UUID], bool]) -> None:
    """Tell who knows whether any quote of a project was ever opened."""
    global _has_opened  # noqa: PLW0603 - set once by the application
    _has_opened = has_opened


def can_prepare(session: Session, project: Project) -> bool:
    """Tell whether the price may still be entered and fixed: nothing was opened or proposed."""
    return project.state in _PREPARING and not _has_opened(session, project.id)


def open_estimate(
    session: Session, actor: Actor, project: Project, *, reader_ids: Iterable[uuid.UUID]
) -> EstimatedPrice:
    """Begin the estimated price of a project: the actor and these people read it, nobody else."""
    actor = require(session, actor, Permission.ESTIMATED_PRICE_OPEN, project)
    if actor.person_id is None:
        raise NotFound
    _lock_preparing(session, project)
    if queries.state_of(session, project.id) is not None:
        raise WrongState("予定価格の作成は、もう始まっています。", state="begun")
    readers = {actor.person_id, *reader_ids}
    if not readers <= queries.list_live_people(session, project.owner_id).keys():
        raise Invalid({"reader_ids": _NOT_HERE})
    estimate = EstimatedPrice(
        project_id=project.id,
        owner_id=project.owner_id,
        created_by_id=actor.person_id,
        last_editor_id=actor.person_id,
    )
    session.add(estimate)
    session.flush()
    for person_id in sorted(readers):
        _add_reader(session, actor.person_id, estimate, person_id)
    _record(session, actor, estimate, "name", people=sorted(map(str, readers)))
    return estimate


def name_reader(
    session: Session, actor: Actor, estimate: EstimatedPrice, *, person_id: uuid.UUID
) -> None:
    """Let one more person of the body read it."""
    actor = require(session, actor, Permission.ESTIMATED_PRICE_EDIT, estimate)
    _name(session, actor, estimate, person_id)
    _record(session, actor, estimate, "name", people=[str(person_id)])


def strike_reader(
    session: Session, actor: Actor, estimate: EstimatedPrice, *, person_id: uuid.UUID
) -> None:
    """Take a person's right to read it away; one who works for the body always remains."""
    actor = require(session, actor, Permission.ESTIMATED_PRICE_EDIT, estimate)
    found = [
        each for each in estimate.namings if each.person_id == person_id and each.removed_at is None
    ]
    if not found:
        raise Invalid({"person_id": "この人は、もう見られる人ではありません。"})
    if not queries.list_live_readers(session, estimate).keys() - {person_id}:
        sentence = "見られる人がいなくなります。先に、ほかの人を加えてください。"
        raise GuardFailed([("f-person_id", sentence)])
    found[0].revise(removed_at=now(session), removed_by_id=actor.person_id)
    _record(session, actor, estimate, "strike", people=[str(person_id)])


def hand_over(
    session: Session,
    actor: Actor,
    estimate: EstimatedPrice,
    *,
    person_id: uuid.UUID,
    reason: str,
) -> None:
    """Name a reader when all named people have left; the approver who does so learns nothing."""
    actor = require(session, actor, Permission.ESTIMATED_PRICE_HAND_OVER, estimate)
    if queries.list_live_readers(session, estimate):
        raise WrongState(
            "見られる人が団体に残っています。その人が、次の人を加えてください。", state="held"
        )
    if person_id == actor.person_id:
        sentence = "引継ぎをする人は、自分を見られる人にできません。ほかの人を選択してください。"
        raise Invalid({"person_id": sentence})
    _name(session, actor, estimate, person_id)
    _record(session, actor, estimate, "hand_over", people=[str(person_id)], reason=reason)


def write_estimate(
    session: Session,
    actor: Actor,
    estimate: EstimatedPrice,
    *,
    version: int,
    amount: int,
    basis: str,
) -> EstimatedPrice:
    """Enter the amount with tax over the whole term, and how it was found; both are sealed.

    Raises StaleVersion, with what the other named person entered, for this person alone.
    """
    actor = require(session, actor, Permission.ESTIMATED_PRICE_EDIT, estimate)
    _lock_preparing(session, estimate.project)
    estimate.expect(EstimateAction.FIX)
    sealed = vault.lock(estimate.id, amount, basis)
    try:
        estimate.revise(version, sealed=sealed, last_editor_id=actor.person_id)
    except StaleVersion as error:
        raise StaleVersion(current=_content_of(estimate)) from error
    _record(session, actor, estimate, "edit")
    return estimate


def fix_estimate(
    session: Session, actor: Actor, estimate: EstimatedPrice, *, version: int
) -> EstimatedPrice:
    """Fix it for good, before anything is opened; from here on only its commitment is told."""
    actor = require(session, actor, Permission.ESTIMATED_PRICE_EDIT, estimate)
    _lock_preparing(session, estimate.project)
    content = vault.unlock(estimate)
    if content is None:
        raise GuardFailed([("main", "先に、予定価格と算定の根拠を保存してください。")])
    estimate.apply(
        EstimateAction.FIX,
        version,
        commitment=content.commitment,
        fixed_by_id=actor.person_id,
        fixed_at=now(session),
    )
    _record(session, actor, estimate, "fix", sha256=estimate.commitment)
    return estimate


def note_print(session: Session, actor: Actor, estimate: EstimatedPrice, *, kind: str) -> None:
    """Note that a named person took the sheet out of the system."""
    actor = require(session, actor, Permission.ESTIMATED_PRICE_PRINT, estimate)
    if not estimate.is_fixed:
        raise WrongState("予定価格調書は、予定価格を確定すると作れます。", state=estimate.state)
    _record(session, actor, estimate, "print", kind=kind)


def estimate_standing(
    session: Session, actor: audit.Acting, project: Project, amount: int
) -> Standing:
    """Tell whether an amount with tax is within the estimated price, and log who asked.

    Only for an opened quote or a locked list price, when a choice is proposed or decided: whoever
    could try amounts at will would learn the price. It never leaves this function. What refuses the
    act is written to the trail as a comparison too, though the act itself is undone.
    """
    estimate = queries.get_estimate(session, project.id)
    if estimate is None or not estimate.is_fixed:
        return Standing.NOT_SET
    if project.state not in _COMPARABLE:
        raise WrongState("予定価格と比べるのは、選定のときだけです。", state=project.state.value)
    content = vault.unlock(estimate)
    if content is None:
        return Standing.NOT_SET
    standing = Standing.WITHIN if amount <= content.amount else Standing.ABOVE
    _record(session, actor, estimate, "compare", standing=standing.value)
    if standing is Standing.ABOVE:
        owner_id, case_id = estimate.owner_id, estimate.project_id
        about = ("estimated_price.compare", "EstimatedPrice", estimate.id, owner_id, case_id)
        narrow_attempt(session, audit.Draft(actor, *about))
    return standing


def is_listed_probe(session: Session, project: Project) -> bool:
    """Tell whether one more published price would probe a fixed price: the search was locked twice since.

    Each lock may carry another term and other quantities, and with them other amounts to compare.
    """
    estimate = queries.get_estimate(session, project.id)
    fixed_at = estimate.fixed_at if estimate is not None else None
    if fixed_at is None:
        return False
    packs = project_queries.list_packs(session, project.id)
    return sum(each.locked_at > fixed_at for each in packs) > 1


def _content_of(estimate: EstimatedPrice) -> dict[str, Any]:
    content = vault.unlock(estimate)
    known = {"amount": content.amount, "basis": content.basis} if content else {}
    return {**known, "version": estimate.version}


def _lock_preparing(session: Session, project: Project) -> None:
    """Hold the project against an opening at the same moment; refuse when it is too late."""
    fresh = project_queries.get_project(session, project.id, for_update=True)
    if fresh is None:
        raise NotFound
    if not can_prepare(session, fresh):
        raise WrongState(
            "予定価格は、見積の開封や選定の案の提出より前に定めます。"
            "この案件では、もう変えられません。",
            state=fresh.state.value,
        )


def _name(session: Session, actor: Actor, estimate: EstimatedPrice, person_id: uuid.UUID) -> None:
    if person_id not in queries.list_live_people(session, estimate.owner_id):
        raise Invalid({"person_id": _NOT_HERE})
    if person_id in estimate.reader_ids:
        raise Invalid({"person_id": "この人は、すでに見られる人です。"})
    if actor.person_id is None:
        raise NotFound
    _add_reader(session, actor.person_id, estimate, person_id)


def _add_reader(
    session: Session, named_by_id: uuid.UUID, estimate: EstimatedPrice, person_id: uuid.UUID
) -> None:
    session.add(
        EstimatedPriceReader(
            estimated_price_id=estimate.id, person_id=person_id, named_by_id=named_by_id
        )
    )
    session.flush()


def _record(
    session: Session, actor: audit.Acting, estimate: EstimatedPrice, act: str, **detail: Any
) -> None:
    audit.record(
        session,
        actor,
        f"estimated_price.{act}",
        "EstimatedPrice",
        estimate.id,
        owner_id=estimate.owner_id,
        case_id=estimate.project_id,
        **detail,
    )
