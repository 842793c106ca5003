"""What can be asked about vendors."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, func, or_, text
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import Membership, Person
from accounts.queries import is_live
from core.clock import day_in_japan
from core.db import now
from core.errors import GuardFailed
from core.japanese import format_date
from vendors import agreement
from vendors.agreement import AgreementStanding, Edition
from vendors.agreement_models import AgreementVersion
from vendors.likeness import is_alike
from vendors.member_models import Invitation
from vendors.models import (
    LIVE_STATES,
    PUBLIC_STATES,
    ExclusionPeriod,
    FrameworkAgreement,
    Vendor,
    VendorState,
)
from vendors.renewal_models import OPEN_RENEWALS, QualificationRenewal
from vendors.succession_models import Succession, SuccessionState

QUEUE_PAGE_SIZE = 50
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
    """Return a vendor and keep everyone else from changing it before the commit."""
    return session.get(Vendor, vendor_id, with_for_update=True)


def find_vendor_of(session: Session, organisation_id: uuid.UUID) -> Vendor | None:
    """Return the vendor whose members belong to this organisation."""
    return session.exec(select(Vendor).where(Vendor.owner_id == organisation_id)).first()


def find_live_by_number(session: Session, corporate_number: str) -> Vendor | None:
    """Return the live registration of a 法人番号."""
    statement = select(Vendor).where(
        Vendor.corporate_number == corporate_number, col(Vendor.state).in_(LIVE_STATES)
    )
    return session.exec(statement).first()


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
    session: Session, states: Sequence[VendorState], *, reviewer_id: uuid.UUID | None, page: int
) -> tuple[list[Vendor], int]:
    """Return one page of registrations in these states, oldest submission first, and the total.

    With `reviewer_id`, only those assigned to that person.
    """
    wanted: list[ColumnElement[bool]] = [col(Vendor.state).in_(states)]
    if reviewer_id is not None:
        wanted.append(col(Vendor.assigned_reviewer_id) == reviewer_id)
    total = session.exec(select(func.count()).select_from(Vendor).where(*wanted)).one()
    statement = (
        select(Vendor)
        .where(*wanted)
        .order_by(col(Vendor.submitted_at), col(Vendor.id))
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


def current_agreement(session: Session, vendor_id: uuid.UUID) -> FrameworkAgreement | None:
    """Return the newest framework agreement in force of a vendor."""
    statement = (
        select(FrameworkAgreement)
        .where(
            FrameworkAgreement.vendor_id == vendor_id, col(FrameworkAgreement.ended_at).is_(None)
        )
        .order_by(col(FrameworkAgreement.accepted_at).desc(), col(FrameworkAgreement.id))
        .limit(1)
    )
    return session.exec(statement).first()


def list_acceptances(
    session: Session, vendor_id: uuid.UUID
) -> list[tuple[FrameworkAgreement, str]]:
    """Return what a vendor accepted and the name of who did, the latest first."""
    statement = (
        select(FrameworkAgreement, Person.name)
        .join(Person, col(Person.id) == col(FrameworkAgreement.accepted_by_id))
        .where(FrameworkAgreement.vendor_id == vendor_id)
        .order_by(col(FrameworkAgreement.accepted_at).desc(), col(FrameworkAgreement.id))
    )
    return [(row, name) for row, name in session.exec(statement).all()]


def find_agreement(session: Session, vendor_id: uuid.UUID, label: str) -> FrameworkAgreement | None:
    """Return a vendor's acceptance of one version of the framework agreement."""
    statement = select(FrameworkAgreement).where(
        FrameworkAgreement.vendor_id == vendor_id, FrameworkAgreement.label == label
    )
    return session.exec(statement).first()


def require_selling(session: Session, vendor: Vendor) -> None:
    """Refuse an act that only an active vendor with a framework agreement in force may do.

    Keeps the registration from being suspended before the commit. Raises GuardFailed, whose reasons
    lead to the page that mends them.
    """
    lock = None if session.info.get("read_only") else {"read": True}
    fresh = session.get(Vendor, vendor.id, with_for_update=lock, populate_existing=True)
    reasons = []
    if fresh is None or fresh.state is not VendorState.ACTIVE:
        label = fresh.state.label if fresh else "なし"
        sentence = (
            f"事業者の登録が「{label}」のため、この操作はできません。登録の状況を確かめてください。"
        )
        reasons.append(("main", sentence))
    if sentence := bar_of(judge_agreement(session, vendor.id)):
        reasons.append((f"/vendors/{vendor.id}/agreement", sentence))
    if reasons:
        raise GuardFailed(reasons)


def bar_of(standing: AgreementStanding) -> str:
    """Return the sentence that says why a vendor may not sell now and what to do, or nothing."""
    if standing.accepted is None:
        return "基本契約に同意していないため、この操作はできません。先に基本契約の文面を確かめて同意してください。"
    if standing.is_held or standing.accept_by is None or standing.offered is None:
        return ""
    return (
        f"基本契約の第{standing.accepted.label}版で続けられるのは{format_date(standing.accept_by)}まででした。"
        f"第{standing.offered.label}版を読んで同意すると、公開と承諾を再開できます。"
    )


def find_bar(session: Session, vendor_id: uuid.UUID) -> str:
    """Return why the framework agreement keeps a vendor from selling now, or nothing."""
    return bar_of(judge_agreement(session, vendor_id))


def list_editions(session: Session) -> list[Edition]:
    """Return every version of the framework agreement, in the order in which they apply."""
    statement = select(AgreementVersion).order_by(col(AgreementVersion.applies_from))
    rows = session.exec(statement).all()
    return [agreement.ORIGINAL, *(row.as_edition() for row in rows)]


def judge_agreement(session: Session, vendor_id: uuid.UUID) -> AgreementStanding:
    """Return where a vendor stands today with the framework agreement."""
    accepted = select(FrameworkAgreement.label).where(
        FrameworkAgreement.vendor_id == vendor_id, col(FrameworkAgreement.ended_at).is_(None)
    )
    labels = set(session.exec(accepted).all())
    return agreement.judge(list_editions(session), labels, day_in_japan(now(session)))


def lock_agreements(session: Session) -> None:
    """Keep every other lead from issuing a version of the framework agreement before the commit.

    SQLite lets one writer in at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE agreement_versions IN SHARE ROW EXCLUSIVE MODE"))


def list_vendor_ids(session: Session, state: VendorState) -> list[uuid.UUID]:
    """Return all vendors in a state."""
    statement = select(Vendor.id).where(Vendor.state == state).order_by(col(Vendor.id))
    return list(session.exec(statement).all())


def count_accepted(session: Session) -> dict[str, int]:
    """Return how many active vendors accepted each version of the framework agreement."""
    statement = (
        select(FrameworkAgreement.label, func.count())
        .join(Vendor, col(Vendor.id) == col(FrameworkAgreement.vendor_id))
        .where(Vendor.state == VendorState.ACTIVE, col(FrameworkAgreement.ended_at).is_(None))
        .group_by(FrameworkAgreement.label)
    )
    return dict(session.exec(statement).all())


def find_open_renewal(session: Session, vendor_id: uuid.UUID) -> QualificationRenewal | None:
    """Return the renewal of a vendor's qualification that waits for the agency."""
    statement = select(QualificationRenewal).where(
        QualificationRenewal.vendor_id == vendor_id,
        col(QualificationRenewal.state).in_(OPEN_RENEWALS),
    )
    return session.exec(statement).first()


def get_renewal(session: Session, renewal_id: uuid.UUID) -> QualificationRenewal | None:
    """Return a renewal as the database holds it now."""
    return session.get(QualificationRenewal, renewal_id, populate_existing=True)


def list_renewals(session: Session, vendor_id: uuid.UUID) -> list[QualificationRenewal]:
    """Return every renewal of a vendor's qualification that was handed in, the latest first."""
    statement = (
        select(QualificationRenewal)
        .where(QualificationRenewal.vendor_id == vendor_id)
        .order_by(col(QualificationRenewal.submitted_at).desc(), col(QualificationRenewal.id))
    )
    return list(session.exec(statement).all())


def list_waiting_renewals(
    session: Session, *, reviewer_id: uuid.UUID | None, limit: int = 100
) -> list[tuple[QualificationRenewal, Vendor]]:
    """Return the renewals that wait for the agency, with their vendors, the oldest first.

    With `reviewer_id`, only those assigned to that person.
    """
    statement = (
        select(QualificationRenewal, Vendor)
        .join(Vendor, col(Vendor.id) == col(QualificationRenewal.vendor_id))
        .where(
            col(QualificationRenewal.state).in_(OPEN_RENEWALS),
            col(Vendor.state).in_(PUBLIC_STATES),
        )
        .order_by(col(QualificationRenewal.submitted_at), col(QualificationRenewal.id))
        .limit(limit)
    )
    if reviewer_id is not None:
        statement = statement.where(QualificationRenewal.assigned_reviewer_id == reviewer_id)
    return [(renewal, vendor) for renewal, vendor in session.exec(statement).all()]


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
