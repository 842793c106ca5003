"""What the public API asks across offerings, listings, certificates, vendors and specifications."""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased, joinedload
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from catalog.certification.models import DECIDED_STATES, Certification, ReviewState
from catalog.certification.queries import is_over
from catalog.conformance import AnswerEntry, RequirementEntry
from catalog.offerings.models import (
    ConformanceAnswer,
    Listing,
    Offering,
    OfferingVersion,
    OfferState,
)
from catalog.specifications.models import (
    PUBLISHED_STATES,
    Requirement,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.terms import BodyClass, CertificationState
from core.changes import PublicRecord
from core.db import now
from vendors.models import Vendor, VendorState

CERTIFICATE_STATES = DECIDED_STATES - {ReviewState.REFUSED}
KINDS = ("specification_version", "vendor", "offering", "listing", "certificate")
_FACTS = ("requirement_id", "position", "chapter", "section", "name", "text", "conformity_date")
_CLASS_COLUMNS = {
    BodyClass.DESIGNATED_CITY: "class_designated_city",
    BodyClass.CORE_CITY: "class_core_city",
    BodyClass.OTHER: "class_other",
}
_ROWS: dict[str, Any] = {
    "specification_version": SpecificationVersion,
    "vendor": Vendor,
    "offering": Offering,
    "listing": Listing,
    "certificate": Certification,
}


def list_ids(session: Session, kind: str, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """Return ids of a kind in order, public or not, after one of them; KeyError for another kind."""
    row = _ROWS[kind]
    statement = select(row.id).order_by(row.id).limit(limit)
    if after is not None:
        statement = statement.where(row.id > after)
    return list(session.exec(statement))


def list_public_specification_versions(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> list[SpecificationVersion]:
    """Return those of the versions that everyone may read, with their specifications."""
    statement = (
        select(SpecificationVersion)
        .where(
            col(SpecificationVersion.id).in_(version_ids),
            col(SpecificationVersion.state).in_(PUBLISHED_STATES),
        )
        .options(joinedload(SpecificationVersion.specification))  # type: ignore[arg-type]
        .order_by(col(SpecificationVersion.id))
    )
    return list(session.exec(statement))


def list_active_vendors(session: Session, vendor_ids: Sequence[uuid.UUID]) -> list[Vendor]:
    """Return those of the vendors whose registration is in force."""
    statement = (
        select(Vendor)
        .where(col(Vendor.id).in_(vendor_ids), Vendor.state == VendorState.ACTIVE)
        .order_by(col(Vendor.id))
    )
    return list(session.exec(statement))


def find_vendors(
    session: Session, *, after: uuid.UUID | None, limit: int, corporate_number: str | None = None
) -> list[Vendor]:
    """Return vendors whose registration is in force in the order of their ids, after one of them."""
    statement = select(Vendor).where(Vendor.state == VendorState.ACTIVE)
    if after is not None:
        statement = statement.where(col(Vendor.id) > after)
    if corporate_number is not None:
        statement = statement.where(Vendor.corporate_number == corporate_number)
    return list(session.exec(statement.order_by(col(Vendor.id)).limit(limit)))


def list_certificate_ids_of(session: Session, offering_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the public certificates of all versions of an offering."""
    statement = (
        select(Certification.id)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(
            OfferingVersion.offering_id == offering_id,
            col(Certification.state).in_(CERTIFICATE_STATES),
            col(OfferingVersion.published_at).is_not(None),
        )
        .order_by(col(Certification.id))
    )
    return list(session.exec(statement))


def list_certificates(
    session: Session, certification_ids: Sequence[uuid.UUID]
) -> list[Certification]:
    """Return those that were decided and not refused, of offering versions that were published."""
    statement = (
        select(Certification)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .where(
            col(Certification.id).in_(certification_ids),
            col(Certification.state).in_(CERTIFICATE_STATES),
            col(OfferingVersion.published_at).is_not(None),
        )
        .options(joinedload(Certification.offering_version))  # type: ignore[arg-type]
        .order_by(col(Certification.id))
    )
    return list(session.exec(statement))


def list_certificate_ids_beside(
    session: Session, specification_version_ids: Sequence[uuid.UUID]
) -> list[uuid.UUID]:
    """Return the public certificates for all versions of the specifications of these versions."""
    mine = aliased(SpecificationVersion)
    specification_ids = select(mine.specification_id).where(mine.id.in_(specification_version_ids))  # type: ignore[attr-defined]
    statement = (
        select(Certification.id)
        .join(OfferingVersion, col(OfferingVersion.id) == Certification.offering_version_id)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == Certification.specification_version_id,
        )
        .where(
            col(SpecificationVersion.specification_id).in_(specification_ids),
            col(Certification.state).in_(CERTIFICATE_STATES),
            col(OfferingVersion.published_at).is_not(None),
        )
        .order_by(col(Certification.id))
    )
    return list(session.exec(statement))


def list_public_offerings(
    session: Session, offering_ids: Sequence[uuid.UUID]
) -> list[OfferingVersion]:
    """Return the published versions of those of the offerings whose maker is active."""
    statement = _public_offerings().where(col(OfferingVersion.offering_id).in_(offering_ids))
    return list(session.exec(statement))


def find_offerings(
    session: Session,
    *,
    after: uuid.UUID | None,
    limit: int,
    specification: str | None = None,
    specification_version: str | None = None,
    certification: CertificationState | None = None,
) -> list[OfferingVersion]:
    """Return published offering versions in the order of their offerings' ids, after one of them."""
    statement = _public_offerings().limit(limit)
    if after is not None:
        statement = statement.where(col(OfferingVersion.offering_id) > after)
    if specification is not None:
        statement = statement.where(col(StandardSpecification.code) == specification)
    if specification_version is not None:
        statement = statement.where(col(SpecificationVersion.label) == specification_version)
    if certification is not None:
        newest = aliased(Certification)
        statement = statement.outerjoin(newest, newest.id == _newest_certificate_id()).where(
            _stands(session, newest, certification)
        )
    return list(session.exec(statement))


def was_withdrawn(session: Session, offering_id: uuid.UUID) -> bool:
    """Tell whether this was offered once and has ended, by its maker or together with its maker."""
    statement = (
        select(OfferingVersion.id)
        .join(Offering, col(Offering.id) == OfferingVersion.offering_id)
        .join(Vendor, col(Vendor.id) == Offering.maker_id)
        .where(
            OfferingVersion.offering_id == offering_id,
            OfferingVersion.state == OfferState.WITHDRAWN,
            col(OfferingVersion.published_at).is_not(None),
            Vendor.state != VendorState.SUSPENDED,
        )
        .limit(1)
    )
    return session.exec(statement).first() is not None


def list_answered_requirements(
    session: Session, specification_version_id: uuid.UUID, version_ids: Sequence[uuid.UUID]
) -> tuple[list[RequirementEntry], dict[uuid.UUID, dict[str, AnswerEntry]]]:
    """Return a specification version's requirements in order, and answers by offering version and id.

    One statement that gives values, not rows: a comparison reads 500 requirements five times over.
    """
    requirements: list[RequirementEntry] = []
    answers: dict[uuid.UUID, dict[str, AnswerEntry]] = {each: {} for each in version_ids}
    entries: dict[Any, AnswerEntry] = {}
    first = len(_FACTS) + len(_CLASS_COLUMNS)
    asked = {f"offering_{number}": each for number, each in enumerate(version_ids)}
    asked["specification"] = specification_version_id
    for row in session.execute(_answered_requirements(len(version_ids)), asked):
        requirement_id, position, chapter, section, name, text, counts_from = row[: len(_FACTS)]
        classes = dict(zip(_CLASS_COLUMNS, row[len(_FACTS) : first], strict=True))
        requirements.append(
            RequirementEntry(
                requirement_id, position, chapter, section, name, text, classes, counts_from
            )
        )
        for number, version_id in enumerate(version_ids):
            told = row[first + 3 * number : first + 3 * number + 3]
            if told[0] is not None:
                entry = entries.get(told)
                if entry is None:
                    entry = entries[told] = AnswerEntry(*told)
                answers[version_id][requirement_id] = entry
    return requirements, answers


@cache
def _answered_requirements(offerings: int) -> Select[Any]:
    """Return facts, classes, and per offering version answer, note and day of each requirement."""
    joined = [aliased(ConformanceAnswer) for _ in range(offerings)]
    statement = select_columns(
        *(getattr(Requirement, name) for name in (*_FACTS, *_CLASS_COLUMNS.values())),
        *(each for answer in joined for each in (answer.answer, answer.note, answer.due_on)),
    )
    for number, answer in enumerate(joined):
        is_mine = and_(
            col(answer.requirement_id) == Requirement.id,
            col(answer.offering_version_id) == bindparam(f"offering_{number}"),
        )
        statement = statement.outerjoin(answer, is_mine)
    return statement.where(
        col(Requirement.specification_version_id) == bindparam("specification")
    ).order_by(col(Requirement.position), col(Requirement.id))


def answered_version_ids(session: Session, version_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the offering versions whose vendor answered at least one requirement."""
    statement = (
        select(ConformanceAnswer.offering_version_id)
        .where(col(ConformanceAnswer.offering_version_id).in_(version_ids))
        .distinct()
    )
    return set(session.exec(statement))


def list_listing_ids_of(
    session: Session, vendor_ids: Sequence[uuid.UUID], offering_ids: Sequence[uuid.UUID]
) -> list[uuid.UUID]:
    """Return the listings of all that these vendors make or sell, and of these offerings."""
    statement = (
        select(Listing.id)
        .join(Offering, col(Offering.id) == Listing.offering_id)
        .where(
            or_(
                col(Listing.seller_id).in_(vendor_ids),
                col(Offering.maker_id).in_(vendor_ids),
                col(Offering.id).in_(offering_ids),
            )
        )
        .order_by(col(Listing.id))
    )
    return list(session.exec(statement))


def list_offering_ids_of(session: Session, vendor_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the offerings that these vendors make."""
    statement = (
        select(Offering.id).where(col(Offering.maker_id).in_(vendor_ids)).order_by(col(Offering.id))
    )
    return list(session.exec(statement))


def list_left_behind(session: Session, kind: str) -> list[uuid.UUID]:
    """Return the ids of public records whose thing is no longer in the database."""
    statement = select(PublicRecord.subject_id).where(
        PublicRecord.kind == kind, col(PublicRecord.subject_id).not_in(select(_ROWS[kind].id))
    )
    return list(session.exec(statement))


def _public_offerings() -> SelectOfScalar[OfferingVersion]:
    return (
        select(OfferingVersion)
        .join(Offering, col(Offering.id) == OfferingVersion.offering_id)
        .join(Vendor, col(Vendor.id) == Offering.maker_id)
        .join(
            SpecificationVersion,
            col(SpecificationVersion.id) == OfferingVersion.specification_version_id,
        )
        .join(
            StandardSpecification,
            col(StandardSpecification.id) == SpecificationVersion.specification_id,
        )
        .where(
            OfferingVersion.state == OfferState.PUBLISHED,
            Vendor.state == VendorState.ACTIVE,
        )
        .options(
            joinedload(OfferingVersion.offering).joinedload(Offering.maker),  # type: ignore[arg-type]
            joinedload(OfferingVersion.specification_version).joinedload(  # type: ignore[arg-type]
                SpecificationVersion.specification  # type: ignore[arg-type]
            ),
        )
        .order_by(col(OfferingVersion.offering_id))
    )


def _newest_certificate_id() -> Any:
    """Return the certificate that `current_certifications` would choose, for one row in SQL."""
    candidate = aliased(Certification)
    return (
        select(candidate.id)
        .where(
            candidate.offering_version_id == OfferingVersion.id,
            col(candidate.state).in_(CERTIFICATE_STATES),
        )
        .order_by(col(candidate.decided_at).desc(), col(candidate.id).desc())
        .limit(1)
        .correlate(OfferingVersion)
        .scalar_subquery()
    )


def _stands(session: Session, newest: Any, wanted: CertificationState) -> ColumnElement[bool]:
    """Return the rule of `standing_of` in SQL."""
    decided = newest.state.in_((ReviewState.CERTIFIED, ReviewState.CONDITIONAL))
    has_ended = and_(decided, is_over(newest, now(session)))
    has_answers = exists().where(col(ConformanceAnswer.offering_version_id) == OfferingVersion.id)
    rules: dict[CertificationState, ColumnElement[bool]] = {
        CertificationState.CERTIFIED: and_(newest.state == ReviewState.CERTIFIED, ~has_ended),
        CertificationState.CONDITIONAL: and_(newest.state == ReviewState.CONDITIONAL, ~has_ended),
        CertificationState.EXPIRED: has_ended,
        CertificationState.SUSPENDED: newest.state == ReviewState.SUSPENDED,
        CertificationState.REVOKED: newest.state == ReviewState.REVOKED,
        CertificationState.CLAIMED: or_(
            newest.state == ReviewState.SUPERSEDED, and_(newest.id.is_(None), has_answers)
        ),
        CertificationState.UNKNOWN: and_(newest.id.is_(None), ~has_answers),
    }
    return rules[wanted]
