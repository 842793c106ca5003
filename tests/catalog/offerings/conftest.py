"""People and drafts that the tests of offerings share."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Organisation, OrganisationKind, Person, Role
from catalog.offerings import queries, services
from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.price_plan import ComponentKind, Interval, TierMode, Unit
from catalog.specifications.queries import list_requirements
from catalog.terms import Answer, RequirementClass
from core import db
from tests import factories
from vendors.models import Vendor

OVERVIEW: dict[str, Any] = {
    "name": "見本の窓口予約",
    "summary": "窓口の予約を受け付けます。",
    "description": "住民が窓口を予約し、職員が順番を管理します。",
    "features": ["予約の受付", "順番の案内"],
    "hosting_provider": "aws",
    "hosting_region": "東京",
    "networks": ["lgwan"],
    "size_classes": ["under_10k", "10k"],
    "import_formats": "CSV（文字コードはUTF-8）",
    "export_formats": "CSV、JSON",
}
TERMS: dict[str, Any] = {
    "support_hours": "平日9時から17時まで",
    "planned_service_hours": "毎日0時から24時まで",
    "availability_basis_points": 9_950,
    "notice_months": 6,
    "transition_days": 30,
    "retrieval_days": 60,
    "deletion_certificate": True,
}
BASE_PRICE: dict[str, Any] = {
    "kind": ComponentKind.BASE,
    "name": "月額基本",
    "unit": Unit.LUMP,
    "interval": Interval.MONTH,
    "tier_mode": TierMode.VOLUME,
    "tiers": [[0, 20_000]],
    "minimum": None,
    "maximum": None,
}


@dataclass(frozen=True, slots=True)
class Company:
    """A vendor with its two people."""

    vendor: Vendor
    home: Organisation
    admin: Person
    member: Person

    def acts(self, role: Role = Role.VENDOR_ADMIN) -> Actor:
        """Return the administrator (or the member) as an actor."""
        someone = self.admin if role is Role.VENDOR_ADMIN else self.member
        return factories.actor(someone, role, self.home)


def make_company(session: Session) -> Company:
    """Add an active vendor that may sell."""
    vendor = factories.vendor(session)
    home = session.get(Organisation, vendor.owner_id)
    assert home is not None
    people = [
        factories.person(session, role, home) for role in (Role.VENDOR_ADMIN, Role.VENDOR_MEMBER)
    ]
    return Company(vendor, home, *people)


def make_lead(session: Session) -> Actor:
    """Add a lead reviewer."""
    agency = factories.organisation(session, OrganisationKind.AGENCY)
    lead = factories.person(session, Role.LEAD_REVIEWER, agency)
    return factories.actor(lead, Role.LEAD_REVIEWER, agency)


@pytest.fixture
def company(database) -> Company:
    """A vendor that may sell."""
    with db.transaction() as session:
        return make_company(session)


@pytest.fixture
def lead(database) -> Actor:
    """Who approves."""
    with db.transaction() as session:
        return make_lead(session)


def make_draft(session: Session, company: Company, specification_version_id: UUID) -> UUID:
    """Prepare a complete draft through the services; returns the offering version's id."""
    actor = company.acts()
    terms = services.create_offering(
        session, actor, specification_version_id=specification_version_id, name="見本"
    )
    version_id = terms.offering_version_id
    # A page loads rows afresh; rows made in this session would keep unloaded relationships.
    session.expunge_all()
    row, terms = load(session, version_id)
    services.edit_offering_version(session, actor, row, version=row.version, **OVERVIEW)
    services.edit_listing_version(session, actor, terms, version=terms.version, **TERMS)
    services.save_prices(
        session,
        actor,
        terms,
        version=terms.version,
        components=[BASE_PRICE],
        minimum_term_months=12,
    )
    answers = {
        each.id: AnswerValues(
            Answer.NOT_IMPLEMENTED
            if each.class_other is RequirementClass.MUST_NOT
            else Answer.CONFORMS
        )
        for each in list_requirements(session, specification_version_id)
    }
    services.save_answers(session, actor, row, version=row.version, answers=answers)
    return row.id


def load(session: Session, version_id: UUID) -> tuple[OfferingVersion, ListingVersion]:
    """Return an offering version and the maker's terms for it, as pages load them."""
    row = queries.get_offering_version(session, version_id)
    assert row is not None
    terms = queries.find_own_listing_version(session, row)
    assert terms is not None
    return row, terms


def publish(company: Company, lead: Actor, version_id: UUID) -> ListingVersion:
    """Submit, approve and publish a draft, each in its own transaction."""
    for act, actor in (
        (services.submit_version, company.acts()),
        (services.approve_version, lead),
        (services.publish_version, company.acts()),
    ):
        with db.transaction() as session:
            row, _ = load(session, version_id)
            act(session, actor, row)
    with db.reading() as session:
        return load(session, version_id)[1]
