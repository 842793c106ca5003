"""What the agency keeps of its reviews and of standards that are not public."""

import uuid
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.models import OrganisationKind, Person
from catalog.certification import after_models as after
from catalog.certification import models as reviews
from catalog.certification.models import ReviewState
from catalog.offerings.models import OfferingVersion, OfferState
from catalog.specifications import models as specifications
from catalog.specifications.consultation import models as consultations
from catalog.specifications.models import SpecificationState
from core.clock import utcnow
from tests import factories
from tests.isolation.world import World, all_of


def plant_reviews(world: World, session: Session) -> None:
    """Plant a review under way, and what lies behind the published certificate."""
    planter = world.planter
    factories.thaw(session)  # one reviewer has a part in all of them
    drafts = [
        row
        for each in planter.ids["offering_versions"]
        if (row := session.get_one(OfferingVersion, each)).state is not OfferState.DRAFT
    ]
    states = (ReviewState.UNDER_REVIEW, ReviewState.CERTIFIED, ReviewState.REFUSED)
    for row, state in zip(drafts, states, strict=False):
        secret: dict[str, Any] = {
            name: planter.word(f"certifications.{name}")
            for name in ("number", "decision_reason", "suspension_reason", "revocation_reason")
        }
        secret["conditions"] = [{"requirement_id": planter.word("certifications.conditions")}]
        made = factories.certification(session, row, state, **secret)
        planter.keep("certifications", made.id)
        _plant_proceedings(world, session, made)
    published = [
        row
        for row in all_of(session, reviews.Certification)
        if row.owner_id == world.market.seller.owner_id
        and row.id not in planter.ids["certifications"]
    ]
    _plant_proceedings(world, session, published[0])


def _plant_proceedings(world: World, session: Session, made: reviews.Certification) -> None:
    planter, reviewer = world.planter, world.reviewer
    of: dict[str, Any] = {"certification_id": made.id}
    vendor = {"owner_id": made.owner_id, **of}
    admin = world.market.seller_admin.id
    planter.plant(session, reviews.Recommendation, reviewer_id=reviewer.id, **of)
    planter.plant(session, reviews.ConflictDeclaration, person_id=reviewer.id, **of)
    planter.plant(session, reviews.ReviewSubmission, **of)
    finding = planter.plant(session, reviews.Finding, raised_by_id=reviewer.id, **of)
    said = {"finding_id": finding.id, "author_id": reviewer.id}
    planter.plant(session, reviews.FindingMessage, **said)
    by = {"filed_by_id": admin, "first_decider_id": reviewer.id}
    planter.plant(session, after.Appeal, **vendor, **by)
    planter.plant(session, after.ConditionReport, reported_by_id=admin, **vendor)


def plant_specifications(world: World, session: Session) -> None:
    """Plant a draft nobody was asked about, and the comments of others on one that is out."""
    planter, reviewer = world.planter, world.reviewer
    asked = all_of(session, consultations.Consultation)[0]
    known = session.get_one(specifications.SpecificationVersion, asked.specification_version_id)
    family = {"specification_id": known.specification_id}
    draft = planter.plant(session, specifications.SpecificationVersion, **family)
    of = {"specification_version_id": draft.id}
    planter.plant(session, specifications.Requirement, **of)
    planter.plant(session, specifications.SpecificationSource, **of)
    other = planter.plant(session, specifications.StandardSpecification)
    family = {"specification_id": other.id}
    planter.plant(session, specifications.SpecificationVersion, **family)
    upload = {"person_id": reviewer.id}
    planter.plant(session, specifications.SpecificationUpload, **upload)
    planter.plant(session, specifications.SavedMapping, **upload)
    heard = {"consultation_id": asked.id}
    decided = planter.plant(
        session, consultations.Disposition, decided_by_id=reviewer.id, outcome="keep", **heard
    )
    author = world.market.seller_admin.id
    for number, disposed in ((1, None), (2, decided.id)):
        planter.plant(
            session,
            consultations.ConsultationComment,
            number=number,
            state="disposed" if disposed else "open",
            disposition_id=disposed,
            organisation_id=world.market.seller.owner_id,
            organisation_kind=OrganisationKind.VENDOR,
            author_id=author,
            last_editor_id=author,
            **heard,
        )


def add_consultation(session: Session, version_id: uuid.UUID, opener: Person) -> None:
    """Put a draft version out for comments: the draft is public, what others say on it is not yet."""
    draft = factories.specification(session, state=SpecificationState.DRAFT, label="第2.0版")
    known = session.get_one(specifications.SpecificationVersion, version_id)
    draft.specification_id = known.specification_id
    draft.state = SpecificationState.CONSULTATION
    session.flush()
    today = utcnow().date()
    session.add(
        consultations.Consultation(
            specification_version_id=draft.id,
            opens_on=today - timedelta(days=2),
            closes_on=today + timedelta(days=20),
            opened_by_id=opener.id,
        )
    )
    session.flush()
