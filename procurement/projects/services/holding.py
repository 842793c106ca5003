"""Hold what an act of a project depends on until its commit."""

import uuid
from typing import TypeVar

from sqlmodel import Session

from catalog.certification.queries import hold_certificates
from catalog.offerings.models import Listing, ListingVersion, OfferingVersion
from core.models import Model
from vendors.models import Vendor

Row = TypeVar("Row", bound=Model)


def lock_listing(session: Session, listing_version_id: uuid.UUID) -> ListingVersion:
    """Hold a listing version, what it offers, its certificate and its seller until the commit.

    The certificate comes first, as in the acts of the agency.
    """
    known = session.get_one(ListingVersion, listing_version_id)
    hold_certificates(session, known.offering_version_id)
    version = _hold(session, ListingVersion, listing_version_id)
    _hold(session, OfferingVersion, version.offering_version_id)
    _hold(session, Vendor, session.get_one(Listing, version.listing_id).seller_id)
    return version


def _hold(session: Session, model: type[Row], row_id: uuid.UUID) -> Row:
    return session.get_one(model, row_id, with_for_update={"read": True}, populate_existing=True)
