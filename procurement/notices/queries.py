"""What can be asked about contract notices."""

import uuid
from datetime import datetime

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from procurement.contracts.models import Contract
from procurement.notices.models import ContractNotice, NoticeState


def find_live_notice(
    session: Session, contract_id: uuid.UUID, *, for_update: bool = False
) -> ContractNotice | None:
    """Return the notice of a contract that was not withdrawn; locked and read anew when asked."""
    statement = (
        select(ContractNotice)
        .where(
            ContractNotice.contract_id == contract_id,
            ContractNotice.state != NoticeState.WITHDRAWN,
        )
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update()
    return session.exec(statement).first()


def get_notice(session: Session, notice_id: uuid.UUID) -> ContractNotice | None:
    """Return a notice."""
    return session.get(ContractNotice, notice_id)


def list_published(
    session: Session,
    *,
    limit: int,
    offset: int = 0,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> list[ContractNotice]:
    """Return published notices, the first published first, after one of them."""
    at, row = col(ContractNotice.published_at), col(ContractNotice.id)
    statement = (
        select(ContractNotice)
        .where(ContractNotice.state == NoticeState.PUBLISHED)
        .order_by(at, row)
        .limit(limit)
        .offset(offset)
    )
    if after is not None:
        moment, notice_id = after
        statement = statement.where(or_(at > moment, and_(at == moment, row > notice_id)))
    return list(session.exec(statement))


def count_published(session: Session) -> int:
    """Count the published notices."""
    statement = select(func.count(col(ContractNotice.id))).where(
        ContractNotice.state == NoticeState.PUBLISHED
    )
    return session.exec(statement).one()


def count_by_software(
    session: Session, specification_version_id: uuid.UUID
) -> list[tuple[uuid.UUID, uuid.UUID, int]]:
    """Return (software, body, published notices) of contracts under a version of a specification."""
    statement = (
        select(Listing.offering_id, ContractNotice.owner_id, func.count())
        .join(Contract, col(Contract.id) == ContractNotice.contract_id)
        .join(ListingVersion, col(ListingVersion.id) == Contract.listing_version_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ListingVersion.offering_version_id)
        .where(
            ContractNotice.state == NoticeState.PUBLISHED,
            OfferingVersion.specification_version_id == specification_version_id,
        )
        .group_by(col(Listing.offering_id), col(ContractNotice.owner_id))
        .order_by(col(Listing.offering_id), col(ContractNotice.owner_id))
    )
    return list(session.exec(statement))
