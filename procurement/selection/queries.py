"""What can be asked about selections."""

import uuid
from collections.abc import Collection

from sqlmodel import Session, col, or_, select

from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from catalog.specifications.models import SpecificationVersion
from core.japanese import fiscal_year, fiscal_year_bounds
from procurement.projects.models import Project, ProjectState
from procurement.selection.models import Selection

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
