"""What an import is checked against, read in a few statements."""

from sqlmodel import Session

from accounts.identity import Actor
from catalog.offerings.sheets import queries
from catalog.offerings.sheets.checking import Known
from catalog.specifications.queries import list_versions
from core.clock import today_jst
from core.errors import NotFound
from vendors.queries import find_vendor_of


def load_known(session: Session, actor: Actor) -> Known:
    """Return all that the actor's company sells and the published standards; NotFound without a home."""
    home = actor.organisation_id
    if home is None:
        raise NotFound
    vendor = find_vendor_of(session, home)
    return Known(
        own={each.id: each for each in queries.list_own(session, home)},
        specifications=list_versions(session),
        corporate_number=vendor.corporate_number if vendor else "",
        company=vendor.name if vendor else "",
        today=today_jst(),
    )
