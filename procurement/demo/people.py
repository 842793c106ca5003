"""Bodies, organisations, accounts and vendors of the sample world."""

from datetime import date
from typing import Any

from sqlmodel import Session

from accounts import address_services
from accounts import queries as people
from accounts import services as accounts
from accounts.body_table import read_bodies
from accounts.identity import ANONYMOUS, CONSOLE
from accounts.models import OrganisationKind, Person, Role
from core.db import now
from core.documents import sha256_hex
from core.errors import NotFound
from procurement.demo.story import Story, Timeline
from procurement.demo.world import BEGINNING, BODIES, Row, World, read_file, read_rows
from vendors import agreement, agreement_services, standing_services
from vendors import queries as vendor_queries
from vendors import services as vendors
from vendors.models import Vendor
from vendors.schemas import SECTION_SCHEMAS

_AGENCY_DAY = date(2024, 3, 4)
_REGISTRATION_OPENS = date(2025, 4, 1)


def plan_people(timeline: Timeline, world: World) -> None:
    """Plan all bodies of the country, and the people of bodies, agency and audit."""
    timeline.plan(BEGINNING, lambda session: _import_bodies(session, world))
    file = read_file("demo_accounts.toml")

    def add_accounts(session: Session) -> None:
        for row in file["organisations"]:
            made = accounts.create_organisation(
                session,
                kind=OrganisationKind(row["kind"]),
                name=row["name"],
                is_sample=row["is_sample"],
            )
            world.organisations[row["key"]] = made.id
        # One hash for all: they share the password, and each hash is meant to take long.
        world.password_hash = accounts.hash_password(file["password"])
        for row in file["accounts"]:
            if not _belongs_to_vendor(row):
                _add_account(session, world, row)

    timeline.plan(_AGENCY_DAY, add_accounts)


def _import_bodies(session: Session, world: World) -> None:
    content = BODIES.read_bytes()
    accounts.import_bodies(
        session, CONSOLE, read_bodies(content, BODIES.name), file_sha256=sha256_hex(content)
    )
    session.flush()
    for body in people.list_bodies(session):
        world.organisations[f"body:{body.code}"] = body.id


def _belongs_to_vendor(row: Row) -> bool:
    return any(m["organisation"].startswith("vendor:") for m in row["memberships"])


def _add_account(session: Session, world: World, row: Row) -> None:
    person = Person(
        email=row["email"],
        name=row["name"],
        password_hash=world.password_hash,
        is_sample=True,
        created_at=now(session),
    )
    session.add(person)
    session.flush()
    world.people[row["email"]] = person.id
    for membership in row["memberships"]:
        home = people.get_organisation(session, world.organisations[membership["organisation"]])
        if home is None:
            raise NotFound
        accounts.add_membership(session, person, home, Role(membership["role"]))


def plan_vendors(timeline: Timeline, world: World) -> None:
    """Plan the registrations of the sample vendors, each as far as its state says."""
    for row in read_rows("demo_vendors.toml", "vendors"):
        _VendorStory(world, row).plan(timeline)


class _VendorStory:
    """One company: registered, checked, approved, in agreement, suspended."""

    def __init__(self, world: World, row: Row) -> None:
        self._world, self._row = world, row

    def plan(self, timeline: Timeline) -> None:
        row = self._row
        story = Story(timeline, _REGISTRATION_OPENS)
        story.then(row.get("submitted_on"), self._register)
        story.then(None, self._edit)
        if row["state"] == "draft":
            return
        story.then(None, self._submit)
        if row["state"] == "submitted":
            return
        story.then(None, self._assign)
        story.then(row["decided_on"], self._decide)
        story.then(row.get("agreement_accepted_on"), self._accept)
        if row.get("suspended_on"):
            story.then(row["suspended_on"], self._suspend)

    def _vendor(self, session: Session) -> Vendor:
        found = vendor_queries.lock_vendor(session, self._world.vendors[self._row["key"]])
        if found is None:
            raise NotFound
        return found

    def _register(self, session: Session) -> None:
        row, world = self._row, self._world
        file = read_file("demo_accounts.toml")
        by_email = {each["email"]: each for each in file["accounts"]}
        vendor = vendors.register(
            session,
            ANONYMOUS,
            world.settings,
            corporate_number=row["corporate_number"],
            name=row["name"],
            kana=row["kana"],
            person_name=by_email[row["admin"]]["name"],
            email=row["admin"],
            password=file["password"],
        )
        if vendor is None:
            raise NotFound
        self._mark_as_sample(session, vendor, row["admin"])
        world.vendors[row["key"]] = vendor.id
        world.organisations[f"vendor:{row['key']}"] = vendor.owner_id
        for email in row.get("members", []):
            _add_account(session, world, by_email[email])

    def _mark_as_sample(self, session: Session, vendor: Vendor, email: str) -> None:
        vendor.is_sample = True
        home = people.get_organisation(session, vendor.owner_id)
        person = people.find_person_by_email(session, email)
        if home is None or person is None:
            raise NotFound
        home.is_sample = person.is_sample = True
        session.flush()
        address_services.settle(session, person, "sample")  # nobody opens letters in a story
        self._world.people[email] = person.id

    def _edit(self, session: Session) -> None:
        actor = self._world.actor(session, self._row["admin"])
        for section, schema in SECTION_SCHEMAS.items():
            values: dict[str, Any] = {
                name: self._row[name]
                for name in schema().fields
                if name in self._row and name != "version"
            }
            vendor = self._vendor(session)
            if values:
                vendors.edit(
                    session,
                    actor,
                    vendor,
                    section=section,
                    version=vendor.version,
                    values=values,
                )

    def _submit(self, session: Session) -> None:
        vendor = self._vendor(session)
        actor = self._world.actor(session, self._row["admin"])
        vendors.submit(session, actor, vendor, version=vendor.version)

    def _assign(self, session: Session) -> None:
        vendor = self._vendor(session)
        reviewer = self._world.people[self._row["reviewer"]]
        lead = self._world.actor(session, self._row["decided_by"])
        vendors.assign(session, lead, vendor, reviewer_id=reviewer, version=vendor.version)

    def _decide(self, session: Session) -> None:
        vendor = self._vendor(session)
        vendors.decide(
            session,
            self._world.actor(session, self._row["decided_by"]),
            vendor,
            decision=vendors.Decision.APPROVE,
            reason="",
            findings={},
            version=vendor.version,
        )

    def _accept(self, session: Session) -> None:
        actor = self._world.actor(session, self._row["admin"])
        agreement_services.accept(
            session, actor, self._vendor(session), text_sha256=agreement.SHA256
        )

    def _suspend(self, session: Session) -> None:
        vendor = self._vendor(session)
        standing_services.suspend(
            session,
            self._world.actor(session, self._row["decided_by"]),
            self._world.settings,
            vendor,
            reason=self._row["suspension_reason"],
            version=vendor.version,
        )
