"""What can be asked about contract notices."""

import uuid
from datetime import datetime

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

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
