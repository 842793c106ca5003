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


@blueprint.get("/offerings/<uuid:offering_version_id>/changes")
@access(_READ)
def show_changes(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a version changes of the software and of the maker's terms."""
    session = web.read_session()
    version = offering_for(session, offering_version_id, _READ)
    terms = queries.find_own_listing_version(session, version)
    if terms is None:
        raise NotFound
    return web.render_page(
        "offerings/changes.html",
        version=version,
        terms=terms,
        row=version,
        software=changes_of(session, version),
        conditions=changes_of_terms(session, terms),
        home_href=home_of(terms),
    )


@blueprint.get("/listings/<uuid:listing_version_id>/changes")
@access(_READ)
def show_terms_changes(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a change of price or terms changes."""
    session = web.read_session()
    terms = terms_for(session, listing_version_id, _READ)
    return web.render_page(
        "offerings/changes.html",
        version=terms.offering_version,
        terms=terms,
        row=terms,
        software=None,
        conditions=changes_of_terms(session, terms),
        home_href=home_of(terms),
    )
