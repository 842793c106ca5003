"""What can be asked about changes of companies' facts."""

import uuid

from sqlmodel import Session, col, select

from vendors.change_models import CompanyChange
from vendors.models import PUBLIC_STATES, Vendor
from vendors.renewal_models import OPEN_RENEWALS


def find_open(session: Session, vendor_id: uuid.UUID) -> CompanyChange | None:
    """Return the change of a vendor's facts that waits for the agency."""
    statement = select(CompanyChange).where(
        CompanyChange.vendor_id == vendor_id, col(CompanyChange.state).in_(OPEN_RENEWALS)
    )
    return session.exec(statement).first()


def get_change(session: Session, change_id: uuid.UUID) -> CompanyChange | None:
    """Return a change as the database holds it now."""
    return session.get(CompanyChange, change_id, populate_existing=True)


def list_changes(session: Session, vendor_id: uuid.UUID) -> list[CompanyChange]:
    """Return every change of a vendor's facts that was handed in, the latest first."""
    statement = (
        select(CompanyChange)
        .where(CompanyChange.vendor_id == vendor_id)
        .order_by(col(CompanyChange.submitted_at).desc(), col(CompanyChange.id))
    )
    return list(session.exec(statement).all())


def list_waiting(
    session: Session, *, reviewer_id: uuid.UUID | None, limit: int = 100
) -> list[tuple[CompanyChange, Vendor]]:
    """Return the changes that wait for the agency, with their vendors, the oldest first.

    With `reviewer_id`, only those assigned to that person.
    """
    statement = (
        select(CompanyChange, Vendor)
        .join(Vendor, col(Vendor.id) == col(CompanyChange.vendor_id))
        .where(col(CompanyChange.state).in_(OPEN_RENEWALS), col(Vendor.state).in_(PUBLIC_STATES))
        .order_by(col(CompanyChange.submitted_at), col(CompanyChange.id))
        .limit(limit)
    )
    if reviewer_id is not None:
        statement = statement.where(CompanyChange.assigned_reviewer_id == reviewer_id)
    return [(change, vendor) for change, vendor in session.exec(statement).all()]
