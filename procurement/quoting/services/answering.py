"""What an invited vendor does: hand in a quote, replace or withdraw it, decline, ask."""

import uuid
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Role
from accounts.notices import tell_organisation
from accounts.permissions import Permission, require
from catalog.offerings.queries import load_listing_versions
from core import sealing
from core.config import Settings
from core.db import now
from core.documents import canonical_json
from core.errors import Conflict, Invalid, NotFound, StaleVersion, WrongState
from core.japanese import format_date, format_datetime
from procurement.quoting import queries
from procurement.quoting.content import (
    About,
    Written,
    build_quote,
    conditions_from,
    first_valid_day,
    read_json,
)
from procurement.quoting.models import (
    Question,
    Quote,
    QuoteInvitation,
    QuoteRevision,
    QuoteRound,
    RoundState,
)
from procurement.quoting.services.frame import hold_round, record_apart
from vendors.models import Vendor
from vendors.queries.agreements import require_selling

PURPOSE = "quote"
_LARGEST_TOTAL = 10**12
_BLOCK = 4_096  # bytes: neither digits nor a line more or less show in what is sealed


def submit_quote(
    session: Session,
    actor: Actor,
    settings: Settings,
    invitation: QuoteInvitation,
    *,
    written: Written,
    revision: int,
) -> QuoteRevision:
    """Hand in a quote or replace the one before, sealed; `revision` is the one the writer saw (0: none).

    Before the deadline by this transaction's clock; Conflict (409) after it or after the opening.
    """
    held, actor = _begin(session, actor, invitation, Permission.QUOTE_EDIT)
    require_open(session, held.round)
    if held.declined_at is not None:
        raise Conflict("この見積依頼は辞退済みです。見積は提出できません。")
    require_selling(session, session.get_one(Vendor, held.seller_id))
    content = _compute(session, held, written)
    quote = queries.find_quote(session, held.id)
    current = 0 if quote is None else quote.current_revision
    if revision != current:
        raise StaleVersion(
            "この見積は、同じ事業者のほかの人が先に提出し直しています。控えを確かめてから、出し直してください。"
        )
    if quote is None:
        quote = Quote(invitation_id=held.id, round_id=held.round_id, owner_id=held.addressee_id)
        session.add(quote)
        session.flush()
    else:
        quote.revise(current_revision=current + 1, withdrawn_at=None, withdrawn_by_id=None)
    made = _seal(session, actor, settings, quote, content)
    action = "quote.replace" if current else "quote.submit"
    record_apart(session, actor, action, quote, sha256=made.receipt_sha256, revision=made.revision)
    return made


def withdraw_quote(
    session: Session, actor: Actor, invitation: QuoteInvitation, *, revision: int
) -> Quote:
    """Take a quote back before the deadline; it stays sealed for good."""
    held, actor = _begin(session, actor, invitation, Permission.QUOTE_EDIT)
    require_open(session, held.round)
    quote = queries.find_quote(session, held.id)
    if quote is None or quote.withdrawn_at is not None:
        raise Conflict("取り下げる見積がありません。")
    if quote.current_revision != revision:
        raise StaleVersion(
            "この見積は、同じ事業者のほかの人が先に提出し直しています。控えを確かめてください。"
        )
    quote.revise(withdrawn_at=now(session), withdrawn_by_id=actor.person_id)
    record_apart(session, actor, "quote.withdraw", quote, revision=revision)
    return quote


def decline_invitation(
    session: Session, actor: Actor, invitation: QuoteInvitation, *, reason: str
) -> QuoteInvitation:
    """Decline to quote, with a reason that the body reads with the opening; nobody else is told."""
    held, actor = _begin(session, actor, invitation, Permission.QUOTE_REQUEST_DECLINE)
    require_open(session, held.round)
    quote = queries.find_quote(session, held.id)
    if quote is not None and quote.withdrawn_at is None:
        raise Conflict("見積を提出しています。辞退するときは、先に見積を取り下げてください。")
    if held.declined_at is not None:
        raise Conflict("この見積依頼は、すでに辞退しています。")
    held.revise(declined_at=now(session), declined_by_id=actor.person_id, decline_reason=reason)
    record_apart(session, actor, "quote.decline", held, reason=reason)
    return held


def ask_question(
    session: Session, actor: Actor, invitation: QuoteInvitation, *, question: str
) -> Question:
    """Ask the body; neither it nor anybody else who is asked learns who asked."""
    held, actor = _begin(session, actor, invitation, Permission.QUESTION_ASK)
    require_open(session, held.round)
    if now(session) > held.round.questions_until:
        until = format_datetime(held.round.questions_until)
        raise Conflict(f"質問の受付は{until}に終わりました。")
    if actor.person_id is None:
        raise NotFound
    made = Question(
        round_id=held.round_id,
        owner_id=held.body_id,
        invitation_id=held.id,
        asked_by_id=actor.person_id,
        original=question,
    )
    session.add(made)
    session.flush()
    record_apart(session, actor, "question.ask", held)
    tell_organisation(
        session,
        held.body_id,
        "quote_question",
        "見積依頼に質問が届きました",
        f"/quote-rounds/{held.round_id}/questions",
        roles=(Role.CLERK,),
    )
    return made


def require_open(session: Session, round_: QuoteRound) -> None:
    """Refuse a vendor's act outside the time for quotes; whoever meets an opened round is late too."""
    if round_.state is not RoundState.SENT:
        raise WrongState(
            round_.MACHINE.wrong_state_sentence(round_.state), state=round_.state.value
        )
    if now(session) > round_.deadline_at:
        raise Conflict(
            f"締切（{format_datetime(round_.deadline_at)}）を過ぎています。見積の提出、差し替え、辞退はできません。"
        )


def read_quote(settings: Settings, revision: QuoteRevision) -> dict[str, Any]:
    """Return a sealed quote to its own vendor, or to the opening: content and nonce."""
    return read_json(sealing.unseal(settings, PURPOSE, revision.id, revision.sealed).decode())


def _begin(
    session: Session, actor: Actor, invitation: QuoteInvitation, permission: Permission
) -> tuple[QuoteInvitation, Actor]:
    # The share lock makes an opening wait for this commit, or this act see what it opened.
    hold_round(session, invitation.round_id, lock="share")
    held = queries.get_invitation(session, invitation.id, for_update=True)
    if held is None:
        raise NotFound
    return held, require(session, actor, permission, held)


def _compute(session: Session, held: QuoteInvitation, written: Written) -> dict[str, Any]:
    round_ = held.round
    check_validity(round_, written)
    version = load_listing_versions(session, [held.listing_version_id])[held.listing_version_id]
    about = About(
        round_id=round_.id,
        number=round_.number or "",
        conditions_sha256=round_.conditions_sha256,
        listing_version_id=version.id,
        listing_sha256=version.content_sha256,
        seller=held.seller.label,
        submitted_at=now(session),
    )
    conditions = conditions_from(read_json(round_.conditions), round_.project.owner)
    return checked_quote(about, written, conditions)


def check_validity(round_: QuoteRound, written: Written) -> None:
    """Refuse a quote that ends before the body can have decided; raises Invalid."""
    first = first_valid_day(round_.deadline_at)
    if written.valid_until < first:
        sentence = f"見積の有効期限は、{format_date(first)}以後の日付にしてください。"
        raise Invalid({"valid_until": sentence})


def checked_quote(about: About, written: Written, conditions: Any) -> dict[str, Any]:
    """Return the computed content; Invalid where it has no total or one that nobody could pay."""
    try:
        content = build_quote(about, written, conditions)
    except ValueError:
        sentence = "金額を入力した項目が一つもないか、同じ名前の項目が重なっています。項目を確かめてください。"
        raise Invalid({"main": sentence}) from None
    if content["total"] is None or content["total"] > _LARGEST_TOTAL:
        raise Invalid({"main": "合計が計算できないか、大きすぎます。単価を確かめてください。"})
    return content


def _seal(
    session: Session, actor: Actor, settings: Settings, quote: Quote, content: dict[str, Any]
) -> QuoteRevision:
    if actor.person_id is None:
        raise NotFound
    nonce, revision_id = sealing.new_nonce(), uuid.uuid4()
    plain = sealing.pad(canonical_json({"content": content, "nonce": nonce.hex()}), _BLOCK)
    made = QuoteRevision(
        id=revision_id,
        quote_id=quote.id,
        revision=quote.current_revision,
        sealed=sealing.seal(settings, PURPOSE, revision_id, plain),
        receipt_sha256=sealing.commit(content, nonce),
        submitted_by_id=actor.person_id,
        submitted_at=now(session),
    )
    session.add(made)
    session.flush()
    return made
