"""What a company keeps of its services, and the agency of its registration."""

import uuid
from datetime import date

from sqlmodel import Session

from accounts.models import Organisation, OrganisationKind
from catalog.offerings import models as offers
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.offerings.reference_models import AdoptionReference, ReferenceState
from catalog.price_plan import ComponentKind
from catalog.specifications.queries import list_requirements
from search.synonyms.models import SynonymChange
from tests import factories
from tests.isolation.planting import Planter
from tests.isolation.world import World
from vendors.filing_models import CompanyChange, QualificationRenewal
from vendors.member_models import Invitation
from vendors.models import ExclusionPeriod, FrameworkAgreement, Vendor, VendorState
from vendors.succession_models import Succession


def plant_offers(world: World, session: Session) -> None:
    """Plant pending versions of what is published, and an offering that nobody knows, in each state."""
    town, planter = world.market, world.planter
    published = session.get_one(ListingVersion, town.cheap.id)
    covered = session.get_one(OfferingVersion, published.offering_version_id)
    owner = {"owner_id": town.seller.owner_id}
    specification = {"specification_version_id": covered.specification_version_id}
    fresh = planter.plant(session, offers.Offering, maker_id=town.seller.id, **owner)
    shelf = planter.plant(
        session, offers.Listing, offering_id=fresh.id, seller_id=town.seller.id, **owner
    )
    planter.plant(
        session,
        AdoptionReference,
        listing_id=published.listing_id,
        body_id=town.body.id,
        asked_by_id=town.seller_admin.id,
        state=ReferenceState.ASKED,
        **owner,
    )
    _plant_coming_price(planter, session, published.id)
    hidden = (OfferState.DRAFT, OfferState.SUBMITTED, OfferState.RETURNED, OfferState.APPROVED)
    for number, state in enumerate(hidden, start=2):
        for offering_id, listing_id in (
            (covered.offering_id, published.listing_id),
            (fresh.id, shelf.id),
        ):
            named = {"number": number, "state": state, **owner}
            of = {"offering_id": offering_id, **specification}
            version = planter.plant(session, OfferingVersion, **of, **named)
            # The terms of a published offering change without a new version of it.
            of_version = covered.id if offering_id == covered.offering_id else version.id
            _plant_answers(planter, session, version, town.seller_admin.id)
            of = {"listing_id": listing_id, "offering_version_id": of_version}
            terms = planter.plant(session, ListingVersion, **of, **named)
            price = planter.amount("price_components.tiers")
            of = {"listing_version_id": terms.id, "tiers": [[0, price]]}
            planter.plant(session, offers.PriceComponentRow, **of)


def _plant_coming_price(planter: Planter, session: Session, terms_id: uuid.UUID) -> None:
    """Plant a price in public terms that counts only years from now: its name and amount are secret."""
    planter.plant(
        session,
        offers.PriceComponentRow,
        listing_version_id=terms_id,
        position=90,
        kind=ComponentKind.OPTION,
        tiers=[[0, planter.amount("price_components.tiers")]],
        size_classes=[],
        valid_from=date(2099, 4, 1),
    )


def _plant_answers(
    planter: Planter, session: Session, version: OfferingVersion, person_id: uuid.UUID
) -> None:
    by, owner = {"person_id": person_id}, {"owner_id": version.owner_id}
    for requirement in list_requirements(session, version.specification_version_id)[:2]:
        of = {"offering_version_id": version.id, "requirement_id": requirement.id}
        answer = planter.plant(session, offers.ConformanceAnswer, **of)
        planter.plant(session, offers.AnswerDraft, **of, **by)
        file = planter.plant(session, offers.EvidenceFile, uploaded_by_id=person_id, **owner)
        shown = {"answer_id": answer.id, "file_id": file.id}
        planter.plant(session, offers.AnswerEvidence, **shown)
    planter.plant(session, offers.AnswerUpload, offering_version_id=version.id, **by)
    planter.plant(session, offers.OfferingUpload, **owner, **by)


def plant_company(world: World, session: Session) -> None:
    """Plant the file of the known company, and companies that are not registered yet."""
    town, planter = world.market, world.planter
    known = session.get_one(Vendor, town.seller.id)
    known.decision_reason = planter.word("vendors.decision_reason")
    known.look_alike_of = planter.word("vendors.look_alike_of")
    known.findings = {"company": planter.word("vendors.findings")}
    session.flush()
    known_to, admin = {"vendor_id": known.id}, town.seller_admin.id
    planter.plant(session, ExclusionPeriod, recorded_by_id=world.reviewer.id, **known_to)
    planter.plant(session, Invitation, invited_by_id=admin, **known_to)
    handed_in = {"submitted_by_id": admin, "owner_id": known.owner_id, **known_to}
    planter.plant(session, QualificationRenewal, **handed_in)
    facts = {name: getattr(known, name) for name in CompanyChange.KIND.fields}
    facts["representative"] = planter.word("company_changes.proposed")
    planter.plant(session, CompanyChange, proposed=facts, **handed_in)
    given = {"from_vendor_id": known.id, "proposed_by_id": world.reviewer.id}
    heir = factories.vendor(session, name=planter.word("vendors.name"), state=VendorState.DRAFT)
    planter.plant(session, Succession, to_vendor_id=heir.id, **given)
    equal = [planter.word("synonym_changes.after"), "見本"]
    planter.plant(session, SynonymChange, after=equal, proposed_by_id=world.reviewer.id)
    for state in (VendorState.DRAFT, VendorState.CHECKING, VendorState.REFUSED):
        home = planter.plant(session, Organisation, kind=OrganisationKind.VENDOR)
        days = {"starts_on": "2026-04-01", "ends_on": "2026-05-01"}
        words = ("authority", "reason", "reference")
        declared = {name: planter.word(f"vendors.exclusions.{name}") for name in words}
        of = {"owner_id": home.id, "exclusions": [declared | days]}
        vendor = planter.plant(session, Vendor, state=state, **of)
        agreed = {"vendor_id": vendor.id, "accepted_by_id": town.seller_admin.id}
        planter.plant(session, FrameworkAgreement, **agreed)
