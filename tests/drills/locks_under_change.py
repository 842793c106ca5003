"""Searches are locked while listings appear and vanish: each pack is what was public at its number.

Each lock begins at the same moment as one change of the catalog and of its index. What was public
at a number is told by what was changed, in the order of the public numbers, not by the code that locks.
"""

import uuid
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import click
from sqlmodel import Session, col, func, select

from accounts.identity import Actor
from accounts.models import Organisation, Person, Role
from bench.measures import measure
from catalog.offerings import queries as offering_queries
from catalog.offerings import services as offering_services
from catalog.offerings.models import ListingVersion, OfferState
from core import changes, db
from core.changes import PublicChange
from core.clock import today_jst
from core.config import Settings
from core.errors import DomainError
from procurement.projects import queries, services
from procurement.projects.evidence import content_of
from procurement.projects.models import EvidencePack
from procurement.projects.services import IndexBehind
from search.queries import get_engine
from tests import factories
from tests.drills.both import ROUNDS, at_once, open_both
from tests.procurement.conftest import PROJECT, START
from tests.search.market import index_all
from vendors.models import Vendor

_REASON = "提供の体制を保てなくなったため、新しい利用の受付を終えます。"
_SHOWN = 40  # listings that are found at first; a lock takes at most 100


@dataclass
class Shelf:
    """Listings of one vendor that come and go, who changes them, and what was public when."""

    settings: Settings
    clerk: Person
    body: Organisation
    vendor: Vendor
    admin: Actor
    shown: list[ListingVersion]
    waiting: list[ListingVersion]
    first: frozenset[uuid.UUID] = frozenset()
    numbers: list[int] = field(default_factory=list)
    found: list[frozenset[uuid.UUID]] = field(default_factory=list)

    def public_at(self, number: int) -> frozenset[uuid.UUID]:
        """Return the listing versions that were public at a number of the feed."""
        place = bisect_right(self.numbers, number)
        return self.found[place - 1] if place else self.first

    def withdraw_one(self) -> ListingVersion:
        """End the listing that is shown longest, as its vendor does, and mend the index."""
        version = self.shown.pop(0)
        with db.transaction() as session:
            listing = offering_queries.get_listing(session, version.listing_id)
            assert listing is not None
            ends_on = today_jst() + timedelta(days=400)
            offering_services.withdraw_listing(
                session, self.admin, listing, reason=_REASON, ends_on=ends_on
            )
        return self._note(version)

    def publish_one(self) -> ListingVersion:
        """Publish one that waits, as its vendor does, and let the index know."""
        version = self.waiting.pop(0)
        with db.transaction() as session:
            row = offering_queries.get_offering_version(session, version.offering_version_id)
            assert row is not None
            offering_services.publish_version(session, self.admin, row)
        self.shown.append(version)
        return self._note(version)

    def _note(self, version: ListingVersion) -> ListingVersion:
        with db.reading() as session:
            asked = select(func.max(col(PublicChange.sequence))).where(
                PublicChange.subject_id == version.listing_id
            )
            number = session.exec(asked).one()
        assert number > max(self.numbers, default=0)
        self.numbers.append(number)
        self.found.append(frozenset(each.id for each in self.shown))
        index_all(self.settings, version)
        return version

    def open_project(self) -> uuid.UUID:
        """Begin a purchase whose search finds everything that is public."""
        clerk = factories.actor(self.clerk, Role.CLERK, self.body)
        with db.transaction() as session:
            made = services.create_project(session, clerk, **{**PROJECT, "starts_on": START})
            query = {"text": "", "filters": {}, "sort": "relevance", "seed": 7}
            services.save_search(session, clerk, made, version=made.version, query=query)
            return made.id

    def lock(self, project_id: uuid.UUID) -> EvidencePack:
        """Lock the search of a purchase."""
        clerk = factories.actor(self.clerk, Role.CLERK, self.body)
        with db.transaction() as session:
            project = queries.get_project(session, project_id)
            assert project is not None
            engine = get_engine(self.settings)
            pack = services.lock_evidence(session, clerk, project, engine, version=project.version)
            session.expunge(pack)
            return pack

    def is_true(self, pack: EvidencePack) -> bool:
        """Tell whether a pack holds exactly what was public at its number, as it was then."""
        hits = content_of(pack)["hits"]
        found = {uuid.UUID(hit["listing_version_id"]) for hit in hits}
        states = {hit["state"] for hit in hits}
        return found == self.public_at(pack.catalog_sequence) and states <= {"published"}


def stock(settings: Settings, shown: int, waiting: int) -> Shelf:
    """Put so many published listings on the shelf, and so many that wait to be published."""
    with db.transaction() as session:
        body = factories.body(session)
        clerk = factories.person(session, Role.CLERK, body)
        vendor, specification = factories.vendor(session), factories.specification(session)
        home = session.get_one(Organisation, vendor.owner_id)
        admin = factories.person(session, Role.VENDOR_ADMIN, home)
        states = [OfferState.PUBLISHED] * shown + [OfferState.APPROVED] * waiting
        made = [factories.offering(session, vendor, specification, state) for state in states]
        for each in made[:shown]:
            announce(session, each)
        actor = factories.actor(admin, Role.VENDOR_ADMIN, home)
    index_all(settings, *made)
    first = frozenset(each.id for each in made[:shown])
    return Shelf(settings, clerk, body, vendor, actor, made[:shown], made[shown:], first)


def announce(session: Session, version: ListingVersion) -> None:
    """Tell the feed of a listing that nobody published: only what it knows can vanish from it."""
    changes.append(session, "listing", version.listing_id)


@dataclass(frozen=True, slots=True)
class Told:
    """How the locks of one database ended."""

    locked: int
    refused: int
    mismatches: int


def rehearse_on(settings: Settings, locks: int, shown: int = _SHOWN) -> Told:
    """Lock so often while as many listings change, half of them vanishing, on the configured database."""
    shelf = stock(settings, shown, locks // 2)
    locked = refused = mismatches = 0
    for number in range(locks):
        project_id = shelf.open_project()
        change: Callable[[], object] = shelf.publish_one if number % 2 else shelf.withdraw_one
        told, changed = at_once(lambda: shelf.lock(project_id), change)  # noqa: B023 - ends here
        if isinstance(changed, DomainError):
            raise changed
        if isinstance(told, IndexBehind):
            refused += 1
        elif isinstance(told, EvidencePack):
            locked += 1
            mismatches += not shelf.is_true(told)
        else:
            mismatches += 1
    return Told(locked, refused, mismatches)


@measure(
    "evidence under change: packs that differ from what was public at their number",
    goal="== 0",
    unit="packs",
    base=f"{ROUNDS} locks while {ROUNDS} listings change, on SQLite and on PostgreSQL",
)
def count_mismatches() -> float:
    """Return how many packs were wrong; prints how many locks were refused with 409."""
    (wrong,) = rehearse(ROUNDS)
    return wrong


def rehearse(locks: int) -> tuple[int]:
    """Rehearse on both databases, and say how the locks ended."""
    wrong = 0
    for database, settings in open_both():
        told = rehearse_on(settings, locks)
        # Where every lock was refused, nothing was shown.
        wrong += told.mismatches + (told.locked == 0)
        click.echo(
            f"evidence under change, {database.kind}: {told.locked} locked, "
            f"{told.refused} refused with 409, {told.mismatches} wrong",
            err=True,
        )
    return (wrong,)
