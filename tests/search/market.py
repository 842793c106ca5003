"""A few listings of factory people, indexed as the worker would."""

from typing import Any

from sqlmodel import Session

from catalog.offerings.models import ListingVersion
from core import db, outbox
from core.config import Settings
from search.indexer import index_listings
from search.queries import get_engine
from tests import factories


def open_listing(session: Session, **values: Any) -> ListingVersion:
    """Publish an offering of a new maker against a new specification unless told otherwise."""
    maker = values.pop("maker", None) or factories.vendor(session)
    version = values.pop("specification", None) or factories.specification(session)
    return factories.offering(session, maker, version, **values)


def index_all(settings: Settings, *versions: ListingVersion) -> None:
    """Index these listings directly."""
    index_listings(get_engine(settings), [each.listing_id for each in versions])


def publish(topic: str, **payload: Any) -> None:
    """Send one outbox message."""
    with db.transaction() as session:
        outbox.publish(session, topic, payload)
