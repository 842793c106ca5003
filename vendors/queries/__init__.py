"""What can be asked about vendors."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import ExternalIdentity, Membership, Person
from accounts.queries import is_live
from core.db import now
from vendors.likeness import is_alike
from vendors.member_models import Invitation
from vendors.models import (
    LIVE_STATES,
    ExclusionPeriod,
    Vendor,
    VendorState,
)
from vendors.succession_models import Succession, SuccessionState

QUEUE_PAGE_SIZE = 50


BEGUN_STATES = (VendorState.DRAFT,)
OPEN_STATES = (VendorState.SUBMITTED, VendorState.CHECKING, VendorState.RETURNED)
DECIDED_STATES = (
    VendorState.ACTIVE,
    VendorState.SUSPENDED,
    VendorState.REFUSED,
    VendorState.WITHDRAWN,
    VendorState.TERMINATED,
)


def get_vendor(session: Session, vendor_id: uuid.UUID) -> Vendor | None:
    """Return a vendor."""
    return session.get(Vendor, vendor_id)


def lock_vendor(session: Session, vendor_id: uuid.UUID) -> Vendor | None:
    """Return a vendor as it is now, and keep everyone else from changing it before the commit."""
    return session.get(Vendor, vendor_id, with_for_update=True, populate_existing=True)


def find_vendor_of(session: Session, organisation_id: uuid.UUID) -> Vendor | None:
    """Return the vendor whose members belong to this organisation."""
    return session.exec(select(Vendor).where(Vendor.owner_id == organisation_id)).first()


def is_shut_out(session: Session, organisation_id: uuid.UUID) -> bool:
    """Tell whether the organisation's registration is suspended or has ended: its programs rest."""
    state = session.exec(select(Vendor.state).where(Vendor.owner_id == organisation_id)).first()
    return state is not None and (state not in LIVE_STATES or state is VendorState.SUSPENDED)


def find_live_by_number(session: Session, corporate_number: str) -> Vendor | None:
    """Return the live registration of a 法人番号."""
    statement = select(Vendor).where(
        Vendor.corporate_number == corporate_number, col(Vendor.state).in_(LIVE_STATES)
    )
    return session.exec(statement).first()


def is_proven(session: Session, vendor: Vendor) -> bool:
    """Tell whether GビズID vouches for the 法人番号: for a person of this registration."""
    statement = (
        select(ExternalIdentity.id)
        .join(Membership, col(Membership.person_id) == col(ExternalIdentity.person_id))
        .where(
            Membership.organisation_id == vendor.owner_id,
            is_live(session),
            ExternalIdentity.corporate_number == vendor.corporate_number,
            col(ExternalIdentity.ended_at).is_(None),
        )
        .limit(1)
    )
    return session.exec(statement).first() is not None


def list_look_alikes(
    session: Session, skeleton: str, corporate_number: str, limit: int = 20
) -> list[Vendor]:
    """Return other companies' live registrations whose names can be taken for this one, oldest first."""
    length = func.length(Vendor.name_skeleton)
    statement = (
        select(Vendor.id, Vendor.name_skeleton)
        .where(
            length.between(len(skeleton) - 1, len(skeleton) + 1),
            Vendor.corporate_number != corporate_number,
            col(Vendor.state).in_(LIVE_STATES),
        )
        .order_by(col(Vendor.created_at), col(Vendor.id))
    )
    rows = session.exec(statement).all()
    alike = [vendor_id for vendor_id, other in rows if is_alike(skeleton, other)][:limit]
    if not alike:
        return []
    found = session.exec(select(Vendor).where(col(Vendor.id).in_(alike))).all()
    return sorted(found, key=lambda vendor: alike.index(vendor.id))


def list_registrations(
    session: Session,
    states: Sequence[VendorState],
    *,
    reviewer_id: uuid.UUID | None,
    page: int,
    corporate_number: str = "",
) -> tuple[list[Vendor], int]:
    """Return one page of registrations in these states, oldest submission first, and the total.

    With `reviewer_id`, only those assigned to that person; with a 法人番号, those of that company in
    every state.
    """
    wanted: list[ColumnElement[bool]] = [col(Vendor.state).in_(states)]
    if corporate_number:
        wanted = [col(Vendor.corporate_number) == corporate_number]
    if reviewer_id is not None:
        wanted.append(col(Vendor.assigned_reviewer_id) == reviewer_id)
    total = session.exec(select(func.count()).select_from(Vendor).where(*wanted)).one()
    statement = (
        select(Vendor)
        .where(*wanted)
        .order_by(col(Vendor.submitted_at), col(Vendor.created_at), col(Vendor.id))
        .offset((page - 1) * QUEUE_PAGE_SIZE)
        .limit(QUEUE_PAGE_SIZE)
    )
    return list(session.exec(statement).all()), total


def list_names(session: Session, person_ids: Sequence[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Return the names of people by id."""
    wanted = [person_id for person_id in person_ids if person_id is not None]
    if not wanted:
        return {}
    return dict(
        session.exec(select(Person.id, Person.name).where(col(Person.id).in_(wanted))).all()
    )


def list_vendor_ids(session: Session, state: VendorState) -> list[uuid.UUID]:
    """Return all vendors in a state."""
    statement = select(Vendor.id).where(Vendor.state == state).order_by(col(Vendor.id))
    return list(session.exec(statement).all())


def list_open_invitations(session: Session, vendor_id: uuid.UUID) -> list[Invitation]:
    """Return the invitations into a vendor that still work, the newest first."""
    statement = (
        select(Invitation)
        .where(
            Invitation.vendor_id == vendor_id,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.revoked_at).is_(None),
            Invitation.expires_at > now(session),
        )
        .order_by(col(Invitation.created_at).desc(), col(Invitation.id))
    )
    return list(session.exec(statement).all())


def find_invitation(session: Session, token_hash: str) -> Invitation | None:
    """Return the invitation of a link, whether or not it still works."""
    statement = select(Invitation).where(Invitation.token_hash == token_hash)
    return session.exec(statement).first()


def get_invitation(session: Session, invitation_id: uuid.UUID) -> Invitation | None:
    """Return an invitation as the database holds it now."""
    return session.get(Invitation, invitation_id, populate_existing=True)


def get_membership(session: Session, membership_id: uuid.UUID) -> Membership | None:
    """Return a live membership with its person."""
    statement = (
        select(Membership)
        .where(Membership.id == membership_id, is_live(session))
        .options(joinedload(Membership.person))  # type: ignore[arg-type]
    )
    return session.exec(statement).first()


def list_exclusions(session: Session, vendor_id: uuid.UUID) -> list[ExclusionPeriod]:
    """Return every exclusion period that was recorded for a vendor, the latest first."""
    statement = (
        select(ExclusionPeriod)
        .where(ExclusionPeriod.vendor_id == vendor_id)
        .order_by(col(ExclusionPeriod.starts_on).desc(), col(ExclusionPeriod.id))
    )
    return list(session.exec(statement).all())


def list_exclusions_in_force(
    session: Session, vendor_id: uuid.UUID, today: date
) -> list[ExclusionPeriod]:
    """Return the exclusion periods of a vendor that count on a Japanese day."""
    return [each for each in list_exclusions(session, vendor_id) if each.is_in_force(today)]


def get_exclusion(session: Session, exclusion_id: uuid.UUID) -> ExclusionPeriod | None:
    """Return an exclusion period and keep everyone else from changing it before the commit."""
    return session.get(ExclusionPeriod, exclusion_id, with_for_update=True)


def list_successions(
    session: Session, vendor_id: uuid.UUID, *states: SuccessionState
) -> list[Succession]:
    """Return what a vendor handed over or took over, with both vendors, the newest first."""
    statement = (
        select(Succession)
        .where(
            or_(
                col(Succession.from_vendor_id) == vendor_id,
                col(Succession.to_vendor_id) == vendor_id,
            ),
            col(Succession.state).in_(states),
        )
        .options(joinedload(Succession.giver), joinedload(Succession.heir))  # type: ignore[arg-type]
        .order_by(col(Succession.created_at).desc(), col(Succession.id))
    )
    return list(session.exec(statement).all())
