"""What can be asked about estimated prices; never the price."""

import uuid

from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Session, select

from accounts.models import Role
from accounts.queries import list_members
from procurement.estimates.models import EstimatedPrice, EstimateState
from procurement.projects.models import Project

ROLES = (Role.CLERK, Role.APPROVER)


def get_estimate(
    session: Session, project_id: uuid.UUID, *, for_update: bool = False
) -> EstimatedPrice | None:
    """Return the estimated price of a project with its readers; locked for the rest of the act when asked."""
    statement = (
        select(EstimatedPrice)
        .where(EstimatedPrice.project_id == project_id)
        .options(
            joinedload(EstimatedPrice.project, innerjoin=True).joinedload(  # type: ignore[arg-type]
                Project.owner,  # type: ignore[arg-type]
                innerjoin=True,
            ),
            selectinload(EstimatedPrice.namings),  # type: ignore[arg-type]
        )
        .execution_options(populate_existing=for_update)
    )
    if for_update:
        statement = statement.with_for_update(of=EstimatedPrice)
    return session.exec(statement).first()


def state_of(session: Session, project_id: uuid.UUID) -> EstimateState | None:
    """Return how far the estimated price of a project is; None when nobody has begun."""
    statement = select(EstimatedPrice.state).where(EstimatedPrice.project_id == project_id)
    found: EstimateState | None = session.exec(statement).first()  # type: ignore[assignment]
    return found


def list_live_people(session: Session, owner_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return the clerks and approvers of a body by name: whom it may name as readers."""
    members = list_members(session, owner_id, *ROLES)
    return {each.person_id: each.person.name for each in members}


def list_choosable(session: Session, owner_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return the same people with their roles, to be told apart in a list to choose from."""
    members = list_members(session, owner_id, *ROLES)
    held = {(each.person_id, each.role) for each in members}
    roles = {
        each.person_id: [role.label for role in ROLES if (each.person_id, role) in held]
        for each in members
    }
    return {
        each.person_id: f"{each.person.name}（{'・'.join(roles[each.person_id])}）"
        for each in members
    }


def list_live_readers(session: Session, estimate: EstimatedPrice) -> dict[uuid.UUID, str]:
    """Return the named people who still work for the body as clerk or approver, with their names."""
    people = list_live_people(session, estimate.owner_id)
    return {key: name for key, name in people.items() if key in estimate.reader_ids}
