"""The decision on a quote round: approving it sends it; and giving it up again."""

import uuid
from collections.abc import Callable

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from accounts.services import require_recent_sign_in
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import is_listed, load_listing_versions
from core.config import Settings
from core.db import now
from core.documents import sha256_hex
from core.errors import Forbidden, GuardFailed, NotFound
from procurement.bodies.numbering import take_number
from procurement.projects import queries as project_queries
from procurement.projects import services as project_services
from procurement.projects.letterhead import letterhead_of, seals_of
from procurement.projects.models import Project, ProjectAction, ProjectState
from procurement.projects.paper_models import PaperKind
from procurement.projects.papers import keep_paper
from procurement.projects.record_paper import is_sample
from procurement.projects.services.cases import record as record_project
from procurement.quoting import queries
from procurement.quoting.letters import describe_letter, make_letter
from procurement.quoting.models import QuoteInvitation, QuoteRound, RoundAction
from procurement.quoting.services.frame import hold_round, record, tell_invited
from procurement.quoting.services.opening import announce_outcomes
from procurement.quoting.services.preparing import check_ready, rules_of
from vendors.models import VendorState


def keep_letter(session: Session, actor: Actor, round_: QuoteRound, sample: bool) -> None:  # noqa: FBT001 - as every maker of the letter takes it
    """Make the 見積依頼書 and keep it with the papers of the case."""
    letterhead = letterhead_of(session, round_.project)
    seals = seals_of(session, round_.project)
    paper = describe_letter(round_, letterhead, seals, sample=sample, sha256=round_.payload_sha256)
    kind = PaperKind.QUOTE_REQUEST
    keep_paper(session, actor, round_.project, kind, paper, subject_id=round_.id)


def approve_round(
    session: Session,
    actor: Actor,
    settings: Settings,
    round_: QuoteRound,
    *,
    version: int,
    keep: Callable[[Session, Actor, QuoteRound, bool], None] = keep_letter,
) -> bool:
    """Approve as another person, which sends the same letter to everybody; False when it is sent already.

    Needs a recent sign-in. One transaction gives the number, fixes the letter by its hash, moves the
    project to quoting and tells all addressees.
    """
    held, actor = _begin_decision(session, actor, round_)
    require_recent_sign_in(session, settings, actor)
    if held.is_sent:
        return False
    held.expect(RoundAction.APPROVE)
    check_ready(session, held)
    invitations = queries.list_invitations(session, held.id)
    versions = _check_offered(session, invitations)
    project = _hold_project(session, held)
    number = take_number(session, "quote", held.owner_id, rules_of(session, project)).text
    letter = make_letter(held, number, now(session))
    held.apply(
        RoundAction.APPROVE,
        version,
        number=number,
        payload=letter.decode(),
        payload_sha256=sha256_hex(letter),
        approved_by_id=actor.person_id,
        sent_at=now(session),
    )
    project.apply(ProjectAction.REQUEST_QUOTES)
    keep(session, actor, held, is_sample(versions))
    tell_invited(session, invitations, "見積の依頼が届きました", held.deadline_at)
    record(session, actor, held, "quote_round.send", number=number, sha256=held.payload_sha256)
    return True


def return_round(
    session: Session, actor: Actor, round_: QuoteRound, *, version: int, reason: str
) -> QuoteRound:
    """Return the round to the clerk, with the reason."""
    held, actor = _begin_decision(session, actor, round_)
    held.apply(RoundAction.RETURN, version, return_reason=reason)
    record(session, actor, held, "quote_round.return", reason=reason)
    return held


def withdraw_round(
    session: Session, actor: Actor, round_: QuoteRound, *, version: int, reason: str
) -> QuoteRound:
    """Give a round up with a reason: the clerk before the sending, an approver after; quotes stay sealed."""
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_WITHDRAW, held)
    was_sent = held.is_sent
    held.apply(
        RoundAction.WITHDRAW,
        version,
        withdrawn_at=now(session),
        withdrawn_by_id=actor.person_id,
        withdrawal_reason=reason,
    )
    if was_sent:
        _hold_project(session, held).apply(ProjectAction.ABANDON_QUOTES)
        invitations = queries.list_invitations(session, held.id)
        tell_invited(session, invitations, "見積の依頼が取りやめになりました", None)
    record(session, actor, held, "quote_round.withdraw", reason=reason)
    return held


def abandon_quotes(
    session: Session, actor: Actor, project: Project, *, version: int, reason: str
) -> Project:
    """Leave opened quotes unused and go back to the comparison, with the reason."""
    locked = project_queries.get_project(session, project.id, for_update=True)
    if locked is None:
        raise NotFound
    actor = require(session, actor, Permission.QUOTE_ROUND_EDIT, locked)
    if locked.state is ProjectState.QUOTING or queries.has_live_round(session, locked.id):
        sentence = "見積を依頼している間は、先に見積依頼を取りやめてください。"
        raise GuardFailed([("main", sentence)])
    locked.apply(ProjectAction.ABANDON_QUOTES, version, last_editor_id=actor.person_id)
    announce_outcomes(session, locked, None)
    record_project(session, actor, locked, "project.abandon_quotes", reason=reason)
    return locked


def _begin_decision(session: Session, actor: Actor, round_: QuoteRound) -> tuple[QuoteRound, Actor]:
    held = hold_round(session, round_.id)
    actor = require(session, actor, Permission.QUOTE_ROUND_DECIDE, held)
    if actor.person_id in {held.submitted_by_id, held.last_editor_id}:
        raise Forbidden(
            "見積依頼を作った人と提出した人は決裁できません。別の決裁者に頼んでください。"
        )
    return held, actor


def _hold_project(session: Session, round_: QuoteRound) -> Project:
    project = project_queries.get_project(session, round_.project_id, for_update=True)
    if project is None:
        raise NotFound
    return project


def _check_offered(
    session: Session, invitations: list[QuoteInvitation]
) -> dict[uuid.UUID, ListingVersion]:
    """Hold what is asked for until the commit; refuse what is no longer offered."""
    ids = [each.listing_version_id for each in invitations]
    for version_id in sorted(ids, key=str):
        project_services.lock_listing(session, version_id)
    loaded = load_listing_versions(session, ids)
    reasons = []
    for each in invitations:
        version = loaded[each.listing_version_id]
        name = version.offering_version.name
        if version.listing.seller.state is not VendorState.ACTIVE:
            sentence = f"「{name}」の事業者の登録は停止中か終わっているため、依頼できません。"
            reasons.append(("main", sentence))
        elif not is_listed(version):
            sentence = f"「{name}」のこの販売条件は提供が終わったか、新しい版に変わったため、依頼できません。"
            reasons.append(("main", sentence))
    if reasons:
        raise GuardFailed(reasons)
    return loaded
