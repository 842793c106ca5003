"""What can be asked about the filings of vendors."""

import uuid

from sqlmodel import Session, col, select

from vendors.filing_models import OPEN_STATES, Filing
from vendors.models import PUBLIC_STATES, Vendor


def find_open(session: Session, model: type[Filing], vendor_id: uuid.UUID) -> Filing | None:
    """Return the filing of a kind by which a vendor waits for the agency."""
    statement = select(model).where(model.vendor_id == vendor_id, col(model.state).in_(OPEN_STATES))
    return session.exec(statement).first()


def get_filing(session: Session, model: type[Filing], filing_id: uuid.UUID) -> Filing | None:
    """Return a filing as the database holds it now."""
    return session.get(model, filing_id, populate_existing=True)


def list_filings(session: Session, model: type[Filing], vendor_id: uuid.UUID) -> list[Filing]:
    """Return every filing of a kind that a vendor handed in, the latest first."""
    statement = (
        select(model)
        .where(model.vendor_id == vendor_id)
        .order_by(col(model.submitted_at).desc(), col(model.id))
    )
    return list(session.exec(statement).all())


def list_waiting(
    session: Session, model: type[Filing], *, reviewer_id: uuid.UUID | None, limit: int = 100
) -> list[tuple[Filing, Vendor]]:
    """Return the filings of a kind that wait for the agency, with their vendors, the oldest first.

    With `reviewer_id`, only those assigned to that person.
    """
    statement = (
        select(model, Vendor)
        .join(Vendor, col(Vendor.id) == col(model.vendor_id))
        .where(col(model.state).in_(OPEN_STATES), col(Vendor.state).in_(PUBLIC_STATES))
        .order_by(col(model.submitted_at), col(model.id))
        .limit(limit)
    )
    if reviewer_id is not None:
        statement = statement.where(model.assigned_reviewer_id == reviewer_id)
    return [(filing, vendor) for filing, vendor in session.exec(statement).all()]
