"""What can be asked about quote rounds, invitations, questions and quotes."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, ListingVersion
from core.db import now
from procurement.projects.models import Candidate, Project, ProjectState
from procurement.projects.paper_models import PaperFile, PaperKind, ProjectPaper
from procurement.quoting.content import read_json
from procurement.quoting.models import (
    LIVE_STATES,
    Question,
    Quote,
    QuoteExtension,
    QuoteInvitation,
    QuoteOpening,
    QuoteRevision,
    QuoteRound,
    RoundState,
)

MAXIMUM_ROUNDS = 200
MAXIMUM_QUESTIONS = 500
MARK_MINUTES = 10  # how long the first opener's mark lives
_PROJECT: Any = joinedload(QuoteRound.project, innerjoin=True).joinedload(  # type: ignore[arg-type]
    Project.owner,  # type: ignore[arg-type]
    innerjoin=True,
)


@dataclass(frozen=True, slots=True)
class OpenedQuote:
    """A quote that two people opened; `basis` has the shape of `costs.describe_basis`."""

    quote_id: uuid.UUID
    listing_version_id: uuid.UUID
    offering_id: uuid.UUID
    seller_id: uuid.UUID
    total: int
    tax: int
    basis: dict[str, Any]
    receipt: str
    content: dict[str, Any]


def get_round(
    session: Session, round_id: uuid.UUID, *, lock: str | None = None
) -> QuoteRound | None:
    """Return a round with its project and body; held for the act with lock `update` or `share`."""
    statement = (
        select(QuoteRound)
        .where(QuoteRound.id == round_id)
        .options(_PROJECT)
        .execution_options(populate_existing=lock is not None)
    )
    if lock is not None:
        statement = statement.with_for_update(of=QuoteRound, read=lock == "share")
    return session.exec(statement).first()


def list_rounds(session: Session, project_id: uuid.UUID) -> list[QuoteRound]:
    """Return the rounds of a project, the newest first."""
    statement = (
        select(QuoteRound)
        .where(QuoteRound.project_id == project_id)
        .options(_PROJECT)
        .order_by(col(QuoteRound.ordinal).desc())
        .limit(MAXIMUM_ROUNDS)
    )
    return list(session.exec(statement))


def live_round(session: Session, project_id: uuid.UUID) -> QuoteRound | None:
    """Return the round of a project that is drafted, decided on or awaits quotes."""
    statement = (
        select(QuoteRound)
        .where(QuoteRound.project_id == project_id, col(QuoteRound.state).in_(LIVE_STATES))
        .options(_PROJECT)
    )
    return session.exec(statement).first()


def has_live_round(session: Session, project_id: uuid.UUID) -> bool:
    """Tell whether a round stands in the way of a choice."""
    return live_round(session, project_id) is not None


def last_ordinal(session: Session, project_id: uuid.UUID) -> int:
    """Return the ordinal of the newest round of a project, 0 without any."""
    statement = select(func.coalesce(func.max(QuoteRound.ordinal), 0))
    return session.exec(statement.where(QuoteRound.project_id == project_id)).one()


def list_invitations(session: Session, round_id: uuid.UUID) -> list[QuoteInvitation]:
    """Return who is asked, in the order of the candidates (never of arrival)."""
    statement = (
        select(QuoteInvitation)
        .join(
            Candidate,
            (col(Candidate.pack_id) == QuoteInvitation.pack_id)
            & (col(Candidate.listing_version_id) == QuoteInvitation.listing_version_id),
        )
        .where(QuoteInvitation.round_id == round_id)
        .options(
            joinedload(QuoteInvitation.seller, innerjoin=True),  # type: ignore[arg-type]
            joinedload(QuoteInvitation.round, innerjoin=True),  # type: ignore[arg-type]
        )
        .order_by(col(Candidate.rank))
    )
    return list(session.exec(statement))


def get_invitation(
    session: Session, invitation_id: uuid.UUID, *, for_update: bool = False
) -> QuoteInvitation | None:
    """Return an invitation with its round, project, body and seller."""
    statement = (
        select(QuoteInvitation)
        .where(QuoteInvitation.id == invitation_id)
        .options(
            joinedload(QuoteInvitation.round, innerjoin=True)  # type: ignore[arg-type]
            .joinedload(QuoteRound.project, innerjoin=True)  # type: ignore[arg-type]
            .joinedload(Project.owner, innerjoin=True),  # type: ignore[arg-type]
            joinedload(QuoteInvitation.seller, innerjoin=True),  # type: ignore[arg-type]
        )
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update(of=QuoteInvitation)
    return session.exec(statement).first()


def list_received(session: Session, organisation_id: uuid.UUID) -> list[QuoteInvitation]:
    """Return the requests that were sent to a vendor, the newest first."""
    statement = (
        select(QuoteInvitation)
        .join(QuoteRound, col(QuoteRound.id) == QuoteInvitation.round_id)
        .where(
            QuoteInvitation.addressee_id == organisation_id, col(QuoteRound.sent_at).is_not(None)
        )
        .options(
            joinedload(QuoteInvitation.round, innerjoin=True)  # type: ignore[arg-type]
            .joinedload(QuoteRound.project, innerjoin=True)  # type: ignore[arg-type]
            .joinedload(Project.owner, innerjoin=True),  # type: ignore[arg-type]
        )
        .order_by(col(QuoteRound.sent_at).desc(), col(QuoteInvitation.id))
        .limit(MAXIMUM_ROUNDS)
    )
    return list(session.exec(statement))


def find_quote(session: Session, invitation_id: uuid.UUID) -> Quote | None:
    """Return the quote of an invitation, withdrawn ones too."""
    return session.exec(select(Quote).where(Quote.invitation_id == invitation_id)).first()


def list_own_quotes(
    session: Session, organisation_id: uuid.UUID, round_ids: list[uuid.UUID]
) -> dict[uuid.UUID, Quote]:
    """Return the quotes that a vendor handed in to these rounds, by invitation."""
    statement = select(Quote).where(
        Quote.owner_id == organisation_id, col(Quote.round_id).in_(round_ids)
    )
    return {each.invitation_id: each for each in session.exec(statement)}


def list_quotes(session: Session, round_id: uuid.UUID) -> list[Quote]:
    """Return the quotes of a round, withdrawn ones too; only the opening and what follows asks so."""
    statement = select(Quote).where(Quote.round_id == round_id).order_by(col(Quote.id))
    return list(session.exec(statement))


def find_revision(session: Session, quote: Quote) -> QuoteRevision | None:
    """Return the sealed revision of a quote that counts."""
    statement = select(QuoteRevision).where(
        QuoteRevision.quote_id == quote.id, QuoteRevision.revision == quote.current_revision
    )
    return session.exec(statement).first()


def list_current_revisions(session: Session, round_id: uuid.UUID) -> dict[uuid.UUID, QuoteRevision]:
    """Return the revision that counts of every quote of a round, by quote."""
    statement = (
        select(QuoteRevision)
        .join(Quote, col(Quote.id) == QuoteRevision.quote_id)
        .where(Quote.round_id == round_id, QuoteRevision.revision == Quote.current_revision)
    )
    return {each.quote_id: each for each in session.exec(statement)}


def find_opening(session: Session, round_id: uuid.UUID) -> QuoteOpening | None:
    """Return the opening of a round, half or whole."""
    return session.exec(select(QuoteOpening).where(QuoteOpening.round_id == round_id)).first()


def live_mark(session: Session, opening: QuoteOpening | None) -> QuoteOpening | None:
    """Return the first opener's mark while it lives."""
    if opening is None or opening.second_by_id is not None:
        return None
    return opening if now(session) - opening.first_at <= timedelta(minutes=MARK_MINUTES) else None


def list_questions(session: Session, round_id: uuid.UUID) -> list[Question]:
    """Return the questions of a round, the oldest first."""
    statement = (
        select(Question)
        .where(Question.round_id == round_id)
        .order_by(col(Question.created_at), col(Question.id))
        .limit(MAXIMUM_QUESTIONS)
    )
    return list(session.exec(statement))


def get_question(session: Session, question_id: uuid.UUID) -> Question | None:
    """Return a question."""
    return session.get(Question, question_id)


def list_extensions(session: Session, round_id: uuid.UUID) -> list[QuoteExtension]:
    """Return the extensions of a round, the newest first."""
    statement = (
        select(QuoteExtension)
        .where(QuoteExtension.round_id == round_id)
        .order_by(col(QuoteExtension.created_at).desc())
        .limit(MAXIMUM_ROUNDS)
    )
    return list(session.exec(statement))


def open_extension(session: Session, round_: QuoteRound) -> QuoteExtension | None:
    """Return the extension that waits for an approver."""
    found = _of_this_deadline(session, round_)
    return found if found is not None and found.returned_at is None else None


def returned_extension(session: Session, round_: QuoteRound) -> QuoteExtension | None:
    """Return the extension that an approver returned last, as long as none was proposed after it."""
    found = _of_this_deadline(session, round_)
    return found if found is not None and found.returned_at is not None else None


def _of_this_deadline(session: Session, round_: QuoteRound) -> QuoteExtension | None:
    """Return the newest extension of the deadline that holds, if it was not approved."""
    for each in list_extensions(session, round_.id):
        if each.approved_by_id is None and each.previous_deadline_at == round_.deadline_at:
            return each
    return None


def opened_quotes(session: Session, project_id: uuid.UUID) -> tuple[OpenedQuote, ...]:
    """Return the opened quotes of a project's newest round, in the order of the candidates.

    Empty before the opening, after a withdrawal, where nobody quoted, and once the body left the
    quotes unused: what is asked may change after that.
    """
    round_ = opened_round(session, project_id)
    return () if round_ is None else list_opened(session, round_)


def opened_round(session: Session, project_id: uuid.UUID) -> QuoteRound | None:
    """Return the newest round of a project, if its quotes were opened and may still be used."""
    rounds = [each for each in list_rounds(session, project_id) if each.is_sent]
    rounds = [each for each in rounds if each.state is not RoundState.WITHDRAWN]
    if not rounds or not rounds[0].is_opened or rounds[0].project.state is ProjectState.COMPARED:
        return None
    return rounds[0]


def list_opened(session: Session, round_: QuoteRound) -> tuple[OpenedQuote, ...]:
    """Return the opened quotes of one round, in the order of the candidates."""
    revisions = list_current_revisions(session, round_.id)
    quotes = {each.invitation_id: each for each in list_quotes(session, round_.id)}
    invitations = list_invitations(session, round_.id)
    offerings = _offerings_of(session, [each.listing_version_id for each in invitations])
    found = []
    for each in invitations:
        quote = quotes.get(each.id)
        if quote is None or quote.content is None or quote.total is None or quote.tax is None:
            continue
        content = read_json(quote.content)["content"]
        found.append(
            OpenedQuote(
                quote_id=quote.id,
                listing_version_id=each.listing_version_id,
                offering_id=offerings[each.listing_version_id],
                seller_id=each.seller_id,
                total=quote.total,
                tax=quote.tax,
                basis=content["basis"],
                receipt=revisions[quote.id].receipt_sha256,
                content=content,
            )
        )
    return tuple(found)


def _offerings_of(session: Session, version_ids: list[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    statement = (
        select(ListingVersion.id, Listing.offering_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(col(ListingVersion.id).in_(version_ids))
    )
    return dict(session.exec(statement).all())


def has_opened(session: Session, project_id: uuid.UUID) -> bool:
    """Tell whether quotes of a project were ever opened."""
    statement = select(QuoteRound.id).where(
        QuoteRound.project_id == project_id, col(QuoteRound.opened_at).is_not(None)
    )
    return session.exec(statement.limit(1)).first() is not None


def count_answers(session: Session, round_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Count the published answers of rounds; everybody who is asked reads the same ones."""
    statement = (
        select(Question.round_id, func.count(col(Question.id)))
        .where(col(Question.round_id).in_(round_ids), col(Question.published_at).is_not(None))
        .group_by(col(Question.round_id))
    )
    return dict(session.exec(statement).all())


def find_letter(session: Session, round_id: uuid.UUID) -> PaperFile | None:
    """Return the PDF of a round's letter."""
    statement = (
        select(PaperFile)
        .join(ProjectPaper, col(ProjectPaper.id) == PaperFile.paper_id)
        .where(
            ProjectPaper.subject_id == round_id,
            ProjectPaper.kind == PaperKind.QUOTE_REQUEST,
            PaperFile.format == "pdf",
        )
    )
    return session.exec(statement).first()
