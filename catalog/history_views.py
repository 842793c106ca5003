"""The public history of a listing: every published version, its prices, and what changed when."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from catalog.listing_views import blueprint
from catalog.offerings import queries
from catalog.offerings.content import listing_content, offering_content
from catalog.offerings.differences import Change, compare_listings, compare_offerings
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.queries import history
from catalog.offerings.words import list_components
from core import web
from core.clock import day_in_japan, today_jst
from core.errors import NotFound

VERSIONS_PER_PAGE = 10


@dataclass(frozen=True, slots=True)
class Edition:
    """One published version: its price list in words, and what it changed of the one before."""

    version: ListingVersion
    is_first: bool
    prices: Sequence[str]
    terms: Sequence[Change]
    software: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Page:
    """Some editions, the newest first."""

    listing_id: uuid.UUID
    number: int
    page_count: int

    def href(self, number: int) -> str:
        """Return the address of a page."""
        asked = number if number > 1 else None
        return url_for("offerings.show_history", listing_id=self.listing_id, page=asked)


@blueprint.get("/listings/<uuid:listing_id>/history")
@access(Permission.CATALOG_READ)
def show_history(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a listing said from when on; open for listed and for withdrawn ones."""
    session = web.read_session()
    versions = history.list_public_history(session, listing_id)
    if not versions or not is_open(versions):
        raise NotFound
    page = _paged(listing_id, len(versions))
    first = (page.number - 1) * VERSIONS_PER_PAGE
    return web.render_page(
        "offerings/history.html",
        newest=versions[0],
        editions=_editions(session, versions[first : first + VERSIONS_PER_PAGE + 1], versions[-1]),
        page=page,
        day_of=day_in_japan,
    )


def is_open(versions: Sequence[ListingVersion]) -> bool:
    """Tell whether the listing's own page answers: now listed, or ended for everyone to see."""
    published = [each for each in versions if each.state is OfferState.PUBLISHED]
    if published:
        return queries.is_listed(published[0])
    return versions[0].state is OfferState.WITHDRAWN


def _paged(listing_id: uuid.UUID, count: int) -> Page:
    asked = request.args.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    page_count = max(1, -(-count // VERSIONS_PER_PAGE))
    if not 1 <= number <= page_count:
        raise NotFound
    return Page(listing_id, number, page_count)


def _editions(
    session: Session, versions: Sequence[ListingVersion], oldest: ListingVersion
) -> list[Edition]:
    """Return the editions of a page; the last version given only serves as what was before."""
    ids = list({each.offering_version_id for each in versions})
    answers = queries.list_answers(session, ids, with_evidence=False)
    shown = versions[:VERSIONS_PER_PAGE]
    before = [*versions[1:], None]
    return [
        _edition(row, old, answers, is_first=row.id == oldest.id)
        for row, old in zip(shown, before, strict=False)
    ]


def _edition(
    row: ListingVersion,
    old: ListingVersion | None,
    answers: Mapping[uuid.UUID, Any],
    *,
    is_first: bool,
) -> Edition:
    content = _public_content(row)
    prices = list_components(content["components"])
    if old is None:
        return Edition(row, is_first, prices, (), ())
    software: Sequence[Change] = ()
    if row.offering_version_id != old.offering_version_id:
        contents = [
            offering_content(
                each.offering_version, answers[each.offering_version_id], with_files=False
            )
            for each in (old, row)
        ]
        software = compare_offerings(*contents)
    terms = compare_listings(_public_content(old), content)
    return Edition(row, is_first, prices, terms, software)


def _public_content(row: ListingVersion) -> dict[str, Any]:
    """Return what a listing version says, without prices that begin later."""
    today = today_jst().isoformat()
    content = listing_content(row)
    shown = [e for e in content["components"] if e.get("valid_from", today) <= today]
    return {**content, "components": shown}
