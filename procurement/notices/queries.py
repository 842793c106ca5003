"""What can be asked about contract notices."""

import uuid
from typing import Any

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.contracts.queries import MAXIMUM_ROWS
from procurement.notices.models import ContractNotice, NoticeState
from procurement.projects.models import Project

_PUBLIC = (NoticeState.PUBLISHED, NoticeState.SUPERSEDED)
_LOCK = 0x4E41_5205


def find_notices(
    session: Session, contract_id: uuid.UUID, *, for_update: bool = False
) -> tuple[ContractNotice | None, ContractNotice | None]:
    """Return the notice of a contract that waits for its decision, and the one that everyone reads."""
    statement = (
        select(ContractNotice)
        .where(
            ContractNotice.contract_id == contract_id,
            col(ContractNotice.state).in_((NoticeState.PREPARED, NoticeState.PUBLISHED)),
        )
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update()
    found = {each.state: each for each in session.exec(statement)}
    return found.get(NoticeState.PREPARED), found.get(NoticeState.PUBLISHED)


def find_withdrawn(session: Session, contract_id: uuid.UUID) -> ContractNotice | None:
    """Return the newest notice of a contract that was public once and was withdrawn."""
    statement = (
        select(ContractNotice)
        .where(
            ContractNotice.contract_id == contract_id,
            ContractNotice.state == NoticeState.WITHDRAWN,
            col(ContractNotice.published_at).is_not(None),
        )
        .order_by(col(ContractNotice.published_at).desc(), col(ContractNotice.id))
        .limit(1)
    )
    return session.exec(statement).first()


def take_number(session: Session) -> int:
    """Return the number of the next public act; nobody else takes one before this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.exec(select(func.pg_advisory_xact_lock(_LOCK)))
    return count_acts(session) + 1


def count_acts(session: Session) -> int:
    """Return the number of the last public act on a notice, 0 when there was none."""
    return session.exec(select(func.max(ContractNotice.sequence))).one() or 0


def get_notice(session: Session, notice_id: uuid.UUID) -> ContractNotice | None:
    """Return a notice."""
    return session.get(ContractNotice, notice_id)


def list_told(session: Session, contract_id: uuid.UUID) -> list[ContractNotice]:
    """Return what everyone may read of a contract, a notice and what it corrected; the newest first."""
    statement = (
        select(ContractNotice)
        .where(ContractNotice.contract_id == contract_id, col(ContractNotice.state).in_(_PUBLIC))
        .order_by(col(ContractNotice.published_at).desc(), col(ContractNotice.id))
    )
    return list(session.exec(statement))


def list_acts(session: Session, since: int, limit: int) -> list[ContractNotice]:
    """Return the notices of public acts after a number, in their order; withdrawn ones as well."""
    statement = (
        select(ContractNotice)
        .where(col(ContractNotice.sequence) > since)
        .order_by(col(ContractNotice.sequence))
        .limit(limit)
    )
    return list(session.exec(statement))


def list_published(
    session: Session, *, offering_id: uuid.UUID | None = None, limit: int, offset: int = 0
) -> list[ContractNotice]:
    """Return published notices, also of one software only, the last published first."""
    statement = (
        _of_software(select(ContractNotice), offering_id)
        .order_by(col(ContractNotice.published_at).desc(), col(ContractNotice.id))
        .limit(limit)
        .offset(offset)
    )
    return list(session.exec(statement))


def count_published(session: Session, offering_id: uuid.UUID | None = None) -> int:
    """Count the published notices, also of one software only."""
    statement = select(func.count(col(ContractNotice.id)))
    count: int = session.exec(_of_software(statement, offering_id)).one()
    return count


def _of_software(statement: Any, offering_id: uuid.UUID | None) -> Any:
    statement = statement.where(ContractNotice.state == NoticeState.PUBLISHED)
    if offering_id is None:
        return statement
    return (
        statement.join(Contract, col(Contract.id) == ContractNotice.contract_id)
        .join(ListingVersion, col(ListingVersion.id) == Contract.listing_version_id)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(Listing.offering_id == offering_id)
    )


def list_without_notice(
    session: Session, owner_id: uuid.UUID
) -> list[tuple[Contract, Project, ContractNotice | None]]:
    """Return a body's confirmed contracts about which nothing was published, with what waits.

    One whose notice was withdrawn is not asked for again; a correction that waits is.
    """
    published = select(ContractNotice.contract_id).where(
        col(ContractNotice.published_at).is_not(None), ContractNotice.owner_id == owner_id
    )
    waiting = and_(
        col(ContractNotice.contract_id) == Contract.id,
        col(ContractNotice.state) == NoticeState.PREPARED,
    )
    statement = (
        select(Contract, Project, ContractNotice)
        .join(UsageContractRequest, col(UsageContractRequest.id) == Contract.request_id)
        .join(Project, col(Project.id) == UsageContractRequest.project_id)
        .outerjoin(ContractNotice, waiting)
        .where(
            Contract.owner_id == owner_id,
            col(Contract.confirmed_at).is_not(None),
            or_(col(ContractNotice.id).is_not(None), col(Contract.id).not_in(published)),
        )
        .order_by(col(Contract.created_at), col(Contract.id))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


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
