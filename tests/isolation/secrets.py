"""Everything that a company, a body and the agency hold privately, beside what everyone sees."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from accounts import models as accounts
from accounts.models import Organisation, OrganisationKind, Person, Role
from catalog.certification import after_models as after
from catalog.certification import models as reviews
from catalog.certification.models import ReviewState
from catalog.kept.models import CostProfile
from catalog.offerings import models as offers
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.offerings.reference_models import AdoptionReference, ReferenceState
from catalog.price_plan import ComponentKind
from catalog.specifications import models as specifications
from catalog.specifications.consultation import models as consultations
from catalog.specifications.models import SpecificationState
from catalog.specifications.queries import list_requirements
from core import audit, db, form_drafts, form_keys, outbox
from core.clock import utcnow
from core.db import now
from procurement.contracts import models as contracts
from procurement.contracts.models import RequestState
from procurement.contracts.services import registering
from procurement.projects import models as projects
from procurement.selection.models import Selection
from search.saved.models import SavedSearch
from search.synonyms.models import SynonymChange
from tests import factories
from tests.isolation.planting import Ids, Planter
from tests.procurement import conftest as purchase
from tests.procurement.conftest import Market
from vendors.filing_models import CompanyChange, QualificationRenewal
from vendors.member_models import Invitation
from vendors.models import ExclusionPeriod, FrameworkAgreement, Vendor, VendorState
from vendors.succession_models import Succession

# Tables that hold nothing private, or nothing that a page could tell.
PUBLIC = {
    "agreement_versions": "public from the issue on",
    "feed_state": "the epoch of the public feed",
    "public_changes": "the public feed",
    "memberships": "only ids and roles",
    "recusals": "only ids",
    "outbox_workers": "only a time",
    "throttles": "a sealed id, a time and a count",
    "project_counters": "only numbers",
    "request_counters": "only numbers",
    "small_amount_ceilings": "public law; a body's own ceilings are on its own pages",
    "consultations": "shown with the version that is out for comments",
    "lifecycle_records": "shown with the specification",
    "listings": "only ids, and what is public",
    "offerings": "only ids",
    "specification_version_ends": "shown with the version",
    "findings": "only ids and numbers; the words are in finding_messages",
}
# Private rows that are asked for behind public ones.
BEHIND = (
    "answer_evidence",
    "answer_uploads",
    "condition_reports",
    "exclusion_periods",
    "findings",
    "offering_uploads",
)


class Straight:
    """Stages that are always walked: this story is told once."""

    def reach(self, _stage: str, walk: Any) -> None:
        """Walk."""
        walk()


@dataclass
class World:
    """The public market of before, and who else lives in it."""

    market: Market
    planter: Planter
    reviewer: Person
    history: str = ""

    @property
    def known(self) -> Ids:
        """Public rows with private pages behind them; a stranger's own review with a rival's finding."""
        town, planted = self.market, self.planter.ids
        terms = [town.cheap, town.other]
        with db.reading() as session:
            made = _all(session, reviews.Certification)
            members = _all(session, accounts.Membership)
            offered = session.get_one(OfferingVersion, town.cheap.offering_version_id)
            asked = list_requirements(session, offered.specification_version_id)
        planted_reviews = planted.get("certifications", [])
        return {
            **{name: planted.get(name, []) for name in BEHIND},
            "certifications": [each.id for each in made if each.id not in planted_reviews],
            "consultations": [],
            "listing_versions": [each.id for each in terms],
            "listings": [each.listing_id for each in terms],
            "offering_versions": [each.offering_version_id for each in terms],
            "memberships": [m.id for m in members if m.person_id == town.seller_admin.id],
            "requirements": [asked[0].id],
            "vendors": [town.seller.id],
        }

    @property
    def members(self) -> tuple[Person, ...]:
        """The people of the company and the body whose secrets these are."""
        town = self.market
        return town.clerk, town.second_clerk, town.approver, town.both, town.seller_admin


def hide_people(world: World) -> None:
    """Name the people of the company and the body by markers: no page tells outsiders a name."""
    with db.transaction() as session:
        ids = [each.id for each in world.members]
        world.planter.mark(session, Person, ids)
        world.planter.keep("people", *ids)


def plant_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide something in every table that has private words."""
    _purchase(world, monkeypatch)
    with db.transaction() as session:
        _plant_offers(world, session)
        _plant_company(world, session)
        _plant_reviews(world, session)
        _plant_specifications(world, session)
        _plant_purchases(world, session)
        _plant_accounts(world, session)


def _purchase(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buy from need to contract by the services, each word typed on the way being a marker."""
    town, planter = world.market, world.planter
    for name in ("PROJECT", "SELECTION", "REQUEST"):
        typed = planter.filled(name.lower(), getattr(purchase, name))
        typed.update({"bidder_list": "listed"} if name == "REQUEST" else {})
        monkeypatch.setattr(purchase, name, typed)
    town.reach_accepted()
    with db.transaction() as session:
        request = town.load_request(session)
        registering.register_contract(
            session,
            town.actor(town.clerk, Role.CLERK),
            request,
            version=request.version,
            number=planter.word("contracts.number"),
            signed_on=date(2026, 11, 4),
            starts_on=date(2027, 4, 1),
            ends_on=date(2030, 3, 31),
            signed_record_sha256="5" * 64,
            signed_record_name=planter.word("contracts.signed_record_name"),
        )
    _keep_rows(world)


def _keep_rows(world: World) -> None:
    with db.reading() as session:
        for model in (
            projects.Project,
            projects.EvidencePack,
            projects.Candidate,
            Selection,
            contracts.UsageContractRequest,
            contracts.Contract,
        ):
            rows = _all(session, model)
            world.planter.keep(model.__tablename__, *(row.id for row in rows))


def _plant_offers(world: World, session: Session) -> None:
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


def _plant_company(world: World, session: Session) -> None:
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


def _plant_reviews(world: World, session: Session) -> None:
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
        for row in _all(session, reviews.Certification)
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


def _plant_specifications(world: World, session: Session) -> None:
    """Plant a draft nobody was asked about, and the comments of others on one that is out."""
    planter, reviewer = world.planter, world.reviewer
    asked = _all(session, consultations.Consultation)[0]
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


def _plant_purchases(world: World, session: Session) -> None:
    """Plant purchases at which the body still keeps its choice from the very company that is chosen."""
    town, planter = world.market, world.planter
    owner = {"owner_id": town.body.id}
    clerk, approver = town.clerk.id, town.approver.id
    for state in (RequestState.DRAFT, RequestState.SUBMITTED, RequestState.APPROVED):
        edited = {"created_by_id": clerk, "last_editor_id": clerk}
        project = planter.plant(session, projects.Project, **edited, **owner)
        of = {"project_id": project.id, **owner}
        pack = planter.plant(session, projects.EvidencePack, locked_by_id=clerk, **of)
        chosen = {"pack_id": pack.id, "listing_version_id": town.other.id}
        excluded = {"excluded_at": now(session), "excluded_by_id": clerk}
        planter.plant(session, projects.Candidate, **chosen, **excluded)
        proposed = {"proposed_by_id": clerk, "last_editor_id": clerk, "decided_by_id": approver}
        selection = planter.plant(session, Selection, **of, **chosen, **proposed)
        request = planter.plant(
            session,
            contracts.UsageContractRequest,
            selection_id=selection.id,
            addressee_id=town.rival.owner_id,
            seller_id=town.rival.id,
            state=state,
            last_editor_id=clerk,
            sent_sha256="",
            **of,
        )
        planter.plant(session, contracts.RequestDocument, request_id=request.id)


def _plant_accounts(world: World, session: Session) -> None:
    """Plant identities, journeys, notices, messages under way and the trail."""
    town, planter = world.market, world.planter
    admin, moment = town.seller_admin, now(session)
    bond = {"person_id": admin.id, "asked_organisation_id": town.seller.owner_id}
    identity = planter.plant(session, accounts.ExternalIdentity, **bond)
    of = {"person_id": admin.id, "organisation_id": town.seller.owner_id}
    signed_in = planter.plant(session, accounts.SignIn, identity_id=identity.id, **of)
    planter.plant(session, accounts.SignInAttempt, sign_in_id=signed_in.id)
    for told in (town.seller.owner_id, town.body.id):
        planter.plant(session, accounts.OrganisationNotice, organisation_id=told)
    planter.plant(session, outbox.OutboxMessage, created_at=moment, done_at=moment)
    planter.plant(session, form_keys.FormPosting, created_at=moment)
    planter.plant(session, form_drafts.FormDraft, person_id=admin.id)
    for seeker, home in ((admin, town.seller.owner_id), (town.clerk, town.body.id)):
        kept = {"person_id": seeker.id, "organisation_id": home, "match_count": 1}
        sought = [["q", word := planter.word("saved_searches.conditions"), f"キーワード：{word}"]]
        matches = [planter.word("saved_searches.matches")]
        planter.plant(session, SavedSearch, conditions=sought, matches=matches, **kept)
        entered = {"body": "reference", "population_from": planter.word("cost_profiles.conditions")}
        own = {"person_id": seeker.id, "organisation_id": home, "baseline_ends_on": moment.date()}
        planter.plant(session, CostProfile, conditions=entered, **own)
    words = {name: planter.word(f"audit_details.{name}") for name in ("reason", "title")}
    actor = factories.actor(town.clerk, Role.CLERK, town.body)
    case = planter.ids["projects"][0]
    act = planter.word("audit_events.action")
    audit.record(session, actor, act, "Project", case, owner_id=town.body.id, case_id=case, **words)


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


def _all(session: Session, model: type[SQLModel]) -> list[Any]:
    return list(session.execute(sa.select(model)).scalars())
