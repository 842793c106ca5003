"""What can be asked about selections."""

import uuid
from collections.abc import Collection

from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, or_, select

from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from catalog.specifications.models import SpecificationVersion
from core.japanese import fiscal_year, fiscal_year_bounds
from procurement.projects.models import Project, ProjectState
from procurement.quoting.models import Quote, QuoteRound
from procurement.selection.models import ExternalDecision, Selection

_NEVER_BOUGHT = (ProjectState.CANCELLED, ProjectState.NONE_SUITABLE)


def latest_selection(session: Session, project_id: uuid.UUID) -> Selection | None:
    """Return the newest proposal of a project, decided or not."""
    statement = (
        select(Selection)
        .where(Selection.project_id == project_id)
        .order_by(col(Selection.created_at).desc(), col(Selection.id))
        .limit(1)
    )
    return session.exec(statement).first()


def approved_selection(session: Session, project_id: uuid.UUID) -> Selection | None:
    """Return the choice that stands: the newest, when it is approved."""
    found = latest_selection(session, project_id)
    return found if found is not None and found.is_approved else None


def find_quoted_rounds(
    session: Session, project_id: uuid.UUID
) -> dict[uuid.UUID | None, QuoteRound]:
    """Return, by choice, the round whose opened quotes the choice and its paper tell.

    Whoever may not read those quotes may not read that paper either (rules.md, section 1).
    """
    statement = (
        select(Selection.id, QuoteRound)
        .join(Quote, col(Quote.id) == Selection.quote_id)
        .join(QuoteRound, col(QuoteRound.id) == Quote.round_id)
        .where(Selection.project_id == project_id)
        .options(joinedload(QuoteRound.project, innerjoin=True))  # type: ignore[arg-type]
    )
    return dict(session.exec(statement).all())


def find_external_decision(session: Session, selection_id: uuid.UUID) -> ExternalDecision | None:
    """Return the decision on paper (庁外決裁) of a choice, if it was decided so."""
    statement = select(ExternalDecision).where(ExternalDecision.selection_id == selection_id)
    return session.exec(statement).first()


def get_external_decision(
    session: Session, project_id: uuid.UUID, decision_id: uuid.UUID
) -> ExternalDecision | None:
    """Return a decision on paper, if it belongs to the project."""
    statement = select(ExternalDecision).where(
        ExternalDecision.id == decision_id, ExternalDecision.project_id == project_id
    )
    return session.exec(statement).first()


def list_external_decisions(session: Session, project_id: uuid.UUID) -> list[ExternalDecision]:
    """Return the decisions on paper of a project, oldest first."""
    statement = (
        select(ExternalDecision)
        .where(ExternalDecision.project_id == project_id)
        .order_by(col(ExternalDecision.created_at), col(ExternalDecision.id))
    )
    return list(session.exec(statement))


def list_scans(session: Session) -> list[tuple[str, int]]:
    """Return hash and bytes of the scan of every decision on paper of every body."""
    rows = session.exec(select(ExternalDecision.file_sha256, ExternalDecision.file_size))
    return [(sha256, size) for sha256, size in rows]


def list_related_orders(
    session: Session,
    project: Project,
    seller_ids: Collection[uuid.UUID],
    specification_ids: Collection[uuid.UUID],
) -> list[tuple[Project, Selection, uuid.UUID, uuid.UUID]]:
    """Return other live choices of the body for these sellers or specifications, with the two ids.

    Those of projects whose use begins in the same fiscal year; the newest selection of each counts.
    """
    statement = (
        select(Project, Selection, Listing.seller_id, SpecificationVersion.specification_id)
        .join(Selection, col(Selection.project_id) == Project.id)
        .join(ListingVersion, col(ListingVersion.id) == Selection.listing_version_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .where(
            Project.owner_id == project.owner_id,
            Project.id != project.id,
            col(Project.starts_on).between(*fiscal_year_bounds(fiscal_year(project.starts_on))),
            col(Project.state).not_in(_NEVER_BOUGHT),
            or_(col(Selection.is_approved).is_(None), col(Selection.is_approved).is_(True)),
            or_(
                col(Listing.seller_id).in_(seller_ids),
                col(SpecificationVersion.specification_id).in_(specification_ids),
            ),
        )
        .order_by(col(Project.number), col(Selection.created_at))
    )
    newest = {
        other.id: (other, selection, seller_id, specification_id)
        for other, selection, seller_id, specification_id in session.exec(statement)
    }
    return list(newest.values())


def list_open_kin(
    session: Session, project: Project, specification_ids: Collection[uuid.UUID]
) -> list[Project]:
    """Return other live projects of the body's year for the same work (as named) without a live choice."""
    chosen = select(Selection.project_id).where(
        or_(col(Selection.is_approved).is_(None), col(Selection.is_approved).is_(True))
    )
    statement = (
        select(Project)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == col(Project.specification_version_id),
        )
        .where(
            Project.owner_id == project.owner_id,
            Project.id != project.id,
            col(Project.starts_on).between(*fiscal_year_bounds(fiscal_year(project.starts_on))),
            col(Project.state).not_in(_NEVER_BOUGHT),
            col(Project.id).not_in(chosen),
            col(SpecificationVersion.specification_id).in_(specification_ids),
        )
        .order_by(col(Project.number))
    )
    return list(session.exec(statement))
