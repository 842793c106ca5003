"""The public market of before, and who else lives in it; what of it is no secret."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from accounts import models as accounts
from accounts.models import Person
from catalog.certification import models as reviews
from catalog.offerings.models import OfferingVersion
from catalog.specifications.queries import list_requirements
from core import db
from tests.isolation.planting import Ids, Planter
from tests.procurement.conftest import Market

# Tables that hold nothing private, or nothing that a page could tell.
PUBLIC = {
    "agreement_versions": "public from the issue on",
    "feed_state": "the epoch of the public feed",
    "public_changes": "the public feed",
    "public_records": "what the public feed says of each thing",
    "estimated_price_readers": "only ids",
    "memberships": "only ids and roles",
    "recusals": "only ids",
    "outbox_workers": "only a time",
    "access_tokens": "a sealed token, times and scopes; asked for with the client",
    "client_assertions": "a sealed number and a time",
    "throttles": "a sealed id, a time and a count",
    "evaluations": "only ids and states; the words are in criteria and scores",
    "project_bodies": "only ids and roles",
    "project_counters": "only numbers",
    "request_counters": "only numbers",
    "document_counters": "only numbers",
    "small_amount_ceilings": "public law; a body's own ceilings are on its own pages",
    "consultations": "shown with the version that is out for comments",
    "lifecycle_records": "shown with the specification",
    "listings": "only ids, and what is public",
    "quote_openings": "only ids and times; the hash of the opened set",
    "quotes": "only ids and times before the opening; what is sealed is in quote_revisions",
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
            made = all_of(session, reviews.Certification)
            members = all_of(session, accounts.Membership)
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


def all_of(session: Session, model: type[SQLModel]) -> list[Any]:
    return list(session.execute(sa.select(model)).scalars())
