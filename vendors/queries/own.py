"""What a vendor's front page asks of its own registration, in one statement."""

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, true
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from core.clock import day_in_japan
from core.db import now
from vendors import agreement
from vendors.agreement import AgreementStanding
from vendors.agreement_models import AgreementVersion
from vendors.filing_models import FILINGS, OPEN_STATES, Filing
from vendors.models import FrameworkAgreement, Vendor


@dataclass(frozen=True, slots=True)
class OwnVendor:
    """A vendor with where it stands with the agreement, and the filings by which it waits."""

    vendor: Vendor
    standing: AgreementStanding
    filed: tuple[Filing, ...]


def find_own(session: Session, organisation_id: uuid.UUID) -> OwnVendor | None:
    """Return an organisation's vendor with its agreement and its open filings, one of a kind at most.

    The few versions of the agreement come with each row, for they belong to nobody.
    """
    accepted = and_(
        col(FrameworkAgreement.vendor_id) == Vendor.id, col(FrameworkAgreement.ended_at).is_(None)
    )
    statement = (
        select_columns(Vendor, col(FrameworkAgreement.label), AgreementVersion, *FILINGS)
        .outerjoin(FrameworkAgreement, accepted)
        .outerjoin(AgreementVersion, true())
        .where(col(Vendor.owner_id) == organisation_id)
        .order_by(col(AgreementVersion.applies_from))
    )
    for model in FILINGS:
        is_open = col(model.state).in_(OPEN_STATES)
        statement = statement.outerjoin(model, and_(col(model.vendor_id) == Vendor.id, is_open))
    rows = session.execute(statement).all()
    if not rows:
        return None
    labels = {row[1] for row in rows if row[1] is not None}
    issued = {row[2].id: row[2] for row in rows if row[2] is not None}  # in the order of the rows
    editions = [agreement.ORIGINAL, *(each.as_edition() for each in issued.values())]
    standing = agreement.judge(editions, labels, day_in_japan(now(session)))
    return OwnVendor(rows[0][0], standing, tuple(each for each in rows[0][3:] if each is not None))
