"""What a version on its way changes of the published one, word by word, for vendor and agency."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from catalog.offerings import queries
from catalog.offerings.content import listing_content, offering_content
from catalog.offerings.differences import Change, compare_listings, compare_offerings
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.offerings.queries import history
from catalog.offerings.views.frame import (
    blueprint,
    home_of,
    offering_for,
    terms_for,
)
from core import web
from core.errors import NotFound

_READ = Permission.OFFERING_READ_DRAFT


@dataclass(frozen=True, slots=True)
class Changes:
    """The version that buyers see or saw, and what the later one says otherwise; no base: all is new."""

    base: OfferingVersion | ListingVersion | None
    rows: Sequence[Change]


def changes_of(session: Session, row: OfferingVersion) -> Changes:
    """Return what an offering version changes of the one published before it."""
    base = history.find_published_before(session, row)
    if base is None:
        return Changes(None, ())
    answers = queries.list_answers(session, [base.id, row.id])
    before, after = (offering_content(each, answers[each.id]) for each in (base, row))
    return Changes(base, compare_offerings(before, after))


def changes_of_terms(session: Session, terms: ListingVersion) -> Changes:
    """Return what a listing version changes of the one published before it."""
    base = history.find_terms_before(session, terms)
    if base is None:
        return Changes(None, ())
    return Changes(base, compare_listings(listing_content(base), listing_content(terms)))


def show_changes_of(
    session: Session, version: OfferingVersion, home_href: str = ""
) -> ResponseReturnValue:
    """Return the page of what a version changes of the software and of the maker's terms.

    `home_href` leads back; without it, to the vendor's page of the version.
    """
    terms = queries.find_own_listing_version(session, version)
    if terms is None:
        raise NotFound
    return _page(session, terms, version, home_href or home_of(terms))


def _page(
    session: Session, terms: ListingVersion, row: OfferingVersion | ListingVersion, home_href: str
) -> ResponseReturnValue:
    return web.render_page(
        "offerings/changes.html",
        version=terms.offering_version,
        terms=terms,
        row=row,
        software=changes_of(session, row) if isinstance(row, OfferingVersion) else None,
        conditions=changes_of_terms(session, terms),
        home_href=home_href,
    )


@blueprint.get("/offerings/<uuid:offering_version_id>/changes")
@access(_READ)
def show_changes(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a version changes of the software and of the maker's terms."""
    session = web.read_session()
    return show_changes_of(session, offering_for(session, offering_version_id, _READ))


@blueprint.get("/listings/<uuid:listing_version_id>/changes")
@access(_READ)
def show_terms_changes(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a change of price or terms changes."""
    session = web.read_session()
    terms = terms_for(session, listing_version_id, _READ)
    return _page(session, terms, terms, home_of(terms))
