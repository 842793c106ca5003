"""What can be asked about usage-contract requests, their documents and contracts."""

import uuid
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from procurement.contracts.models import (
    Contract,
    RequestDocument,
    RequestState,
    UsageContractRequest,
)
from procurement.projects.models import Project

MAXIMUM_ROWS = 1_000
ENDED_STATES = (RequestState.DECLINED, RequestState.WITHDRAWN, RequestState.LAPSED)


def get_request(
    session: Session, request_id: uuid.UUID, *, for_update: bool = False
) -> UsageContractRequest | None:
    """Return a request with project, body, selection and seller; locked when asked."""
    statement = (
        select(UsageContractRequest)
        .where(UsageContractRequest.id == request_id)
        .options(
            joinedload(UsageContractRequest.project, innerjoin=True).joinedload(  # type: ignore[arg-type]
                Project.owner,  # type: ignore[arg-type]
                innerjoin=True,
            ),
            joinedload(UsageContractRequest.selection, innerjoin=True),  # type: ignore[arg-type]
            joinedload(UsageContractRequest.seller, innerjoin=True),  # type: ignore[arg-type]
        )
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update(of=UsageContractRequest)
    return session.exec(statement).first()


def find_live_request(session: Session, project_id: uuid.UUID) -> UsageContractRequest | None:
    """Return the request of a project that was not declined, withdrawn or left to lapse."""
    statement = select(UsageContractRequest).where(
        UsageContractRequest.project_id == project_id,
        col(UsageContractRequest.state).not_in(ENDED_STATES),
    )
    return session.exec(statement).first()


def latest_request(session: Session, project_id: uuid.UUID) -> UsageContractRequest | None:
    """Return the newest request of a project in any state."""
    statement = (
        select(UsageContractRequest)
        .where(UsageContractRequest.project_id == project_id)
        .order_by(col(UsageContractRequest.created_at).desc(), col(UsageContractRequest.id))
        .limit(1)
    )
    return session.exec(statement).first()


def count_requests(session: Session, owner_id: uuid.UUID | None) -> int:
    """Count the requests of a body (of all bodies for None)."""
    statement = select(func.count(col(UsageContractRequest.id)))
    if owner_id is not None:
        statement = statement.where(UsageContractRequest.owner_id == owner_id)
    return session.exec(statement).one()


def list_requests(
    session: Session, owner_id: uuid.UUID | None, *, limit: int = MAXIMUM_ROWS, offset: int = 0
) -> list[UsageContractRequest]:
    """Return the requests of a body (of all bodies for None), the last changed first."""
    statement = (
        select(UsageContractRequest)
        .options(*_with_names())
        .order_by(col(UsageContractRequest.updated_at).desc(), col(UsageContractRequest.id))
        .limit(limit)
        .offset(offset)
    )
    if owner_id is not None:
        statement = statement.where(UsageContractRequest.owner_id == owner_id)
    return list(session.exec(statement))


def list_requests_after(
    session: Session, owner_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> list[UsageContractRequest]:
    """Return requests of a body by id, after one of them."""
    statement = (
        select(UsageContractRequest)
        .where(UsageContractRequest.owner_id == owner_id)
        .options(*_with_names())
        .order_by(col(UsageContractRequest.id))
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(col(UsageContractRequest.id) > after)
    return list(session.exec(statement))


def count_received(session: Session, addressee_id: uuid.UUID) -> int:
    """Count the requests that were sent to an organisation."""
    statement = select(func.count(col(UsageContractRequest.id))).where(
        UsageContractRequest.addressee_id == addressee_id,
        col(UsageContractRequest.sent_at).is_not(None),
    )
    return session.exec(statement).one()


def list_received(
    session: Session, addressee_id: uuid.UUID, *, limit: int = MAXIMUM_ROWS, offset: int = 0
) -> list[UsageContractRequest]:
    """Return the requests that were sent to an organisation, the newest first."""
    statement = (
        select(UsageContractRequest)
        .where(
            UsageContractRequest.addressee_id == addressee_id,
            col(UsageContractRequest.sent_at).is_not(None),
        )
        .options(*_with_names())
        .order_by(col(UsageContractRequest.sent_at).desc(), col(UsageContractRequest.id))
        .limit(limit)
        .offset(offset)
    )
    return list(session.exec(statement))


def list_to_settle(session: Session, addressee_id: uuid.UUID) -> list[UsageContractRequest]:
    """Return the requests to an organisation that wait for an answer or a contract, the oldest first."""
    statement = (
        select(UsageContractRequest)
        .where(
            UsageContractRequest.addressee_id == addressee_id,
            col(UsageContractRequest.state).in_((RequestState.SENT, RequestState.ACCEPTED)),
        )
        .options(*_with_names())
        .order_by(col(UsageContractRequest.sent_at), col(UsageContractRequest.id))
        .limit(MAXIMUM_ROWS)
    )
    return list(session.exec(statement))


def find_document(session: Session, request_id: uuid.UUID, kind: str) -> RequestDocument | None:
    """Return a stored document of a request."""
    statement = select(RequestDocument).where(
        RequestDocument.request_id == request_id, RequestDocument.kind == kind
    )
    return session.exec(statement).first()


def get_contract(
    session: Session, contract_id: uuid.UUID, *, for_update: bool = False
) -> Contract | None:
    """Return a contract record; locked and read anew when asked."""
    return session.get(
        Contract, contract_id, with_for_update=for_update or None, populate_existing=for_update
    )


def find_contract_of(session: Session, request_id: uuid.UUID) -> Contract | None:
    """Return the contract record of a request."""
    return session.exec(select(Contract).where(Contract.request_id == request_id)).first()


def find_contract_by_number(session: Session, owner_id: uuid.UUID, number: str) -> Contract | None:
    """Return the contract of a body with this number."""
    statement = select(Contract).where(Contract.owner_id == owner_id, Contract.number == number)
    return session.exec(statement).first()


def count_contracts(
    session: Session, *, owner_id: uuid.UUID | None = None, addressee_id: uuid.UUID | None = None
) -> int:
    """Count the contracts of one side or of all."""
    statement = select(func.count(col(Contract.id)))
    if owner_id is not None:
        statement = statement.where(Contract.owner_id == owner_id)
    if addressee_id is not None:
        statement = statement.where(Contract.addressee_id == addressee_id)
    return session.exec(statement).one()


def list_contracts(
    session: Session,
    *,
    owner_id: uuid.UUID | None = None,
    addressee_id: uuid.UUID | None = None,
    limit: int = MAXIMUM_ROWS,
    offset: int = 0,
) -> list[tuple[Contract, UsageContractRequest]]:
    """Return contracts with their requests, of one side or of all, the first to end first."""
    statement = (
        select(Contract, UsageContractRequest)
        .join(UsageContractRequest, col(UsageContractRequest.id) == Contract.request_id)
        .options(*_with_names())
        .order_by(col(Contract.ends_on), col(Contract.id))
        .limit(limit)
        .offset(offset)
    )
    if owner_id is not None:
        statement = statement.where(Contract.owner_id == owner_id)
    if addressee_id is not None:
        statement = statement.where(Contract.addressee_id == addressee_id)
    return [(contract, request) for contract, request in session.exec(statement)]


def list_contracts_after(
    session: Session, owner_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> list[tuple[Contract, UsageContractRequest]]:
    """Return contracts of a body with their requests by id, after one of them."""
    statement = (
        select(Contract, UsageContractRequest)
        .join(UsageContractRequest, col(UsageContractRequest.id) == Contract.request_id)
        .where(Contract.owner_id == owner_id)
        .options(*_with_names())
        .order_by(col(Contract.id))
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(col(Contract.id) > after)
    return [(contract, request) for contract, request in session.exec(statement)]


def list_to_confirm(session: Session, owner_id: uuid.UUID) -> list[tuple[Contract, Project]]:
    """Return the contracts of a body that no approver has confirmed, with their projects."""
    statement = (
        select(Contract, Project)
        .join(UsageContractRequest, col(UsageContractRequest.id) == Contract.request_id)
        .join(Project, col(Project.id) == UsageContractRequest.project_id)
        .where(Contract.owner_id == owner_id, col(Contract.confirmed_at).is_(None))
        .order_by(col(Contract.created_at), col(Contract.id))
        .limit(MAXIMUM_ROWS)
    )
    return [(contract, project) for contract, project in session.exec(statement)]


def _with_names() -> tuple[Any, ...]:
    return (
        joinedload(UsageContractRequest.project, innerjoin=True).joinedload(  # type: ignore[arg-type]
            Project.owner,  # type: ignore[arg-type]
            innerjoin=True,
        ),
        joinedload(UsageContractRequest.seller, innerjoin=True),  # type: ignore[arg-type]
    )
