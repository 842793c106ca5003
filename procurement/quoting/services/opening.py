"""The opening by two people, and what every invited vendor is told of its own quote afterwards."""

import uuid
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Role
from accounts.permissions import Permission, require
from accounts.queries import lock_live_roles
from accounts.services import require_recent_sign_in
from catalog.offerings.queries import load_listing_versions
from core.config import Settings
from core.db import now
from core.documents import canonical_json, sha256_hex
from core.errors import Conflict, Forbidden, GuardFailed, NotFound
from core.japanese import format_datetime
from core.sealing import SealBrokenError, commit
from procurement.estimates import queries as estimate_queries
from procurement.estimates.models import EstimateState
from procurement.projects import queries as project_queries
from procurement.projects.costs import estimate_cost
from procurement.projects.models import Project, ProjectAction
from procurement.quoting import queries
from procurement.quoting.models import (
    QuoteOpening,
    QuoteOutcome,
    QuoteRevision,
    QuoteRound,
    RoundAction,
)
from procurement.quoting.services.answering import read_quote
from procurement.quoting.services.frame import hold_round, record, tell_invited
from procurement.quoting.services.preparing import rules_of

_PAIR = frozenset({Role.CLERK, Role.APPROVER})


def open_round(session: Session, actor: Actor, settings: Settings, round_: QuoteRound) -> bool:
    """Mark the opening as the first of two people, or open everything as the second; True when opened.

    After the deadline by this transaction's clock, both recently signed in, one a clerk and the other an
    approver at this moment. The opened set is what was committed before; who comes later meets 409.
    """
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_OPEN, held)
    require_recent_sign_in(session, settings, actor)
    if actor.person_id is None:
        raise NotFound
    held.expect(RoundAction.OPEN)
    if now(session) <= held.deadline_at:
        raise Conflict(f"締切（{format_datetime(held.deadline_at)}）の前は、だれも開封できません。")
    opening = queries.find_opening(session, held.id)
    first = queries.live_mark(session, opening)
    if first is None:
        _mark(session, actor.person_id, held, opening)
        record(session, actor, held, "quote_round.mark_opening")
        return False
    _check_pair(session, actor, held, first)
    _open_all(session, actor, settings, held, first)
    return True


def lacks_sheet(session: Session, round_: QuoteRound) -> bool:
    """Tell whether the body's rules ask for an estimated price on paper and none is fixed here.

    They go by the lowest published total of who was asked. A body may hold its sheet on paper: it is
    reminded, not stopped.
    """
    project = round_.project
    if estimate_queries.state_of(session, project.id) is EstimateState.FIXED:
        return False
    limit = rules_of(session, project).sheet_omitted_up_to
    asked = [each.listing_version_id for each in queries.list_invitations(session, round_.id)]
    versions = load_listing_versions(session, asked).values()
    totals = [estimate_cost(each, project, project.owner).total for each in versions]
    known = [total for total in totals if total is not None]
    return limit is None or not known or min(known) > limit


def _mark(
    session: Session, person_id: uuid.UUID, round_: QuoteRound, opening: QuoteOpening | None
) -> None:
    if opening is not None:  # a mark that is too old: the first begins anew
        opening.revise(first_by_id=person_id, first_at=now(session))
        return
    session.add(
        QuoteOpening(
            round_id=round_.id,
            owner_id=round_.owner_id,
            first_by_id=person_id,
            first_at=now(session),
        )
    )


def _check_pair(session: Session, actor: Actor, round_: QuoteRound, first: QuoteOpening) -> None:
    if first.first_by_id == actor.person_id:
        until = format_datetime(first.first_at + timedelta(minutes=queries.MARK_MINUTES))
        raise Forbidden(f"あなたは1人目です。{until}までに、もう1人が開封してください。")
    ours = lock_live_roles(session, first.first_by_id, round_.owner_id) & _PAIR
    mine = frozenset(role for role in actor.grantees if role in _PAIR)
    if not (ours and mine and len(ours | mine) == len(_PAIR)):
        raise Forbidden(
            "開封は、担当者と決裁者の2人で行います。1人目と違う役割の人が開封してください。"
        )


def _open_all(
    session: Session, actor: Actor, settings: Settings, round_: QuoteRound, first: QuoteOpening
) -> None:
    revisions = queries.list_current_revisions(session, round_.id)
    opened: list[tuple[Any, QuoteRevision, dict[str, Any]]] = []
    for quote in queries.list_quotes(session, round_.id):
        if quote.withdrawn_at is None:
            revision = revisions[quote.id]
            opened.append((quote, revision, _unseal(settings, revision)))
    told = sorted([str(quote.invitation_id), r.receipt_sha256] for quote, r, _ in opened)
    sha256 = sha256_hex(canonical_json(told))
    first.revise(second_by_id=actor.person_id, second_at=now(session), opened_set_sha256=sha256)
    for quote, _, envelope in opened:
        content = envelope["content"]
        quote.revise(
            opened_at=now(session),
            total=content["total"],
            tax=content["tax"],
            content=canonical_json(envelope).decode(),
        )
    round_.apply(RoundAction.OPEN, opened_at=now(session))
    project = project_queries.get_project(session, round_.project_id, for_update=True)
    if project is None:
        raise NotFound
    project.apply(ProjectAction.OPEN_QUOTES)
    record(
        session,
        actor,
        round_,
        "quote_round.open",
        first_by=first.first_by_id,
        second_by=actor.person_id,
        deadline_at=round_.deadline_at.isoformat(),
        opened_set_sha256=sha256,
        receipts=[receipt for _, receipt in told],
    )


def _unseal(settings: Settings, revision: QuoteRevision) -> dict[str, Any]:
    try:
        envelope = read_quote(settings, revision)
        is_same = commit(envelope["content"], bytes.fromhex(envelope["nonce"]))
    except (SealBrokenError, ValueError):
        is_same = ""
    if is_same != revision.receipt_sha256:
        sentence = (
            "封をした見積のうち、開かないか、控えのハッシュと合わないものがあります。何も開封していません。"
            "運用者に、封の鍵（NARABI_SEAL_KEY）を確かめるよう伝えてください。"
        )
        raise GuardFailed([("main", sentence)])
    return envelope


def announce_outcomes(session: Session, project: Project, chosen: uuid.UUID | None) -> None:
    """Tell every invited vendor, at one moment, whether its own quote was chosen, and nothing else.

    `chosen` is the listing version of the choice, made at a quote of the newest opened round, None
    where the body chose no quote at all. The caller has checked the right and records the act.
    """
    others = QuoteOutcome.NO_CHOICE if chosen is None else QuoteOutcome.NOT_CHOSEN
    for round_ in queries.list_rounds(session, project.id):
        if not round_.is_opened:
            continue
        invitations = queries.list_invitations(session, round_.id)
        untold = [each for each in invitations if each.outcome is None]
        for each in untold:
            is_chosen = each.listing_version_id == chosen
            outcome = QuoteOutcome.CHOSEN if is_chosen else others
            each.revise(outcome=outcome, outcome_at=now(session))
        tell_invited(session, untold, "見積の結果をお知らせします", None)
        chosen = None  # what was quoted in an earlier round was not chosen, whoever quoted it
