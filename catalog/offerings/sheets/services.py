"""Acts on a table of offerings: kept between its pages, mapped, imported in one transaction."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings.models import (
    Listing,
    ListingVersion,
    Offering,
    OfferingUpload,
    OfferingVersion,
    PriceComponentRow,
)
from catalog.offerings.services.drafts import find_preparing_vendor, lock_open_specification
from catalog.offerings.sheets import queries
from catalog.offerings.sheets.queries import OwnOffering
from core import audit
from core.db import now
from core.documents import sha256_hex
from core.errors import NotFound
from vendors.models import Vendor

_KEPT = timedelta(days=7)


class ImportRow(Protocol):
    """One checked row: a new offering, or new values for a stored draft."""

    @property
    def specification_id(self) -> uuid.UUID:
        """The version of the standard."""

    @property
    def stored(self) -> OwnOffering | None:
        """The draft that changes; None for a new offering."""

    @property
    def offering(self) -> Mapping[str, Any]:
        """Values of the offering version."""

    @property
    def listing(self) -> Mapping[str, Any]:
        """Values of the listing version."""

    @property
    def components(self) -> tuple[Mapping[str, Any], ...] | None:
        """The price components in their order; None leaves the stored ones."""


@dataclass(frozen=True, slots=True)
class ImportedSheet:
    """What the trail keeps of a file: name, hash, and what a person chose to leave out."""

    filename: str
    sha256: str
    dropped_cells: int = 0
    left_rows: int = 0


def keep_upload(session: Session, actor: Actor, *, filename: str, content: bytes) -> OfferingUpload:
    """Keep a file between the pages of an import; files left for a week are removed."""
    actor = require(session, actor, Permission.OFFERING_CREATE)
    if actor.person_id is None or actor.organisation_id is None:
        raise NotFound
    for forgotten in queries.list_uploads_before(session, now(session) - _KEPT):
        session.delete(forgotten)
    upload = OfferingUpload(
        owner_id=actor.organisation_id,
        person_id=actor.person_id,
        filename=filename,
        content=content,
        sha256=sha256_hex(content),
    )
    session.add(upload)
    session.flush()
    _record(session, actor, "offering.upload", upload)
    return upload


def map_upload(
    session: Session, actor: Actor, upload: OfferingUpload, *, mapping: Mapping[str, Any]
) -> None:
    """Remember how a person said the columns of a waiting file are to be read."""
    actor = require(session, actor, Permission.OFFERING_EDIT, upload)
    upload.revise(mapping=dict(mapping))
    _record(session, actor, "offering.map", upload, mapping=dict(mapping))


def finish_upload(session: Session, actor: Actor, upload: OfferingUpload) -> None:
    """Let the content of an imported file go; what stays answers a second press."""
    require(session, actor, Permission.OFFERING_EDIT, upload)
    upload.revise(upload.version, content=b"", is_imported=True)


def import_offerings(
    session: Session, actor: Actor, rows: Iterable[ImportRow], source: ImportedSheet
) -> int:
    """Make and change drafts of the actor's company; returns how many.

    Raises GuardFailed when the company may not prepare offerings or a standard takes none, and
    StaleVersion when somebody else changed a draft first; nothing is imported then.
    """
    actor = require(session, actor, Permission.OFFERING_CREATE)
    maker = find_preparing_vendor(session, actor)
    found = list(rows)
    new = [each for each in found if each.stored is None]
    for specification_id in sorted({each.specification_id for each in new}):
        lock_open_specification(session, specification_id)
    made = [_make(session, actor, maker, each) for each in new]
    changed = []
    for each in found:
        if each.stored is not None:
            _change(session, actor, each, each.stored)
            changed.append(each.stored.version.id)
    session.flush()
    audit.record(
        session,
        actor,
        "offering.import",
        "Vendor",
        maker.id,
        owner_id=maker.owner_id,
        file=source.filename,
        sha256=source.sha256,
        made=[str(each) for each in made],
        changed=[str(each) for each in changed],
        dropped_cells=source.dropped_cells,
        left_rows=source.left_rows,
    )
    return len(found)


def _make(session: Session, actor: Actor, maker: Vendor, row: ImportRow) -> uuid.UUID:
    """Add a new offering with its drafts; the flush of all rows writes them in a few statements."""
    offering = Offering(owner_id=maker.owner_id, maker_id=maker.id)
    version = OfferingVersion(
        offering_id=offering.id,
        owner_id=maker.owner_id,
        specification_version_id=row.specification_id,
        **row.offering,
    )
    listing = Listing(
        offering_id=offering.id,
        owner_id=maker.owner_id,
        seller_id=maker.id,
        confirmed_by_id=actor.person_id,
        confirmed_at=now(session),
    )
    terms = ListingVersion(
        listing_id=listing.id,
        owner_id=maker.owner_id,
        offering_version_id=version.id,
        **row.listing,
    )
    session.add_all([offering, version, listing, terms])
    _add_components(session, terms.id, row)
    return version.id


def _change(session: Session, actor: Actor, row: ImportRow, stored: OwnOffering) -> None:
    version, terms = stored.version, stored.terms
    require(session, actor, Permission.OFFERING_EDIT, version)
    if row.offering:
        version.revise(version.version, **row.offering)
    if row.listing or row.components is not None:
        old = list(terms.components)
        terms.revise(terms.version, **row.listing)
        if row.components is not None:
            for component in old:
                session.delete(component)
            session.flush()
            _add_components(session, terms.id, row)


def _add_components(session: Session, terms_id: uuid.UUID, row: ImportRow) -> None:
    for position, component in enumerate(row.components or (), start=1):
        session.add(PriceComponentRow(listing_version_id=terms_id, position=position, **component))


def _record(
    session: Session, actor: Actor, action: str, upload: OfferingUpload, **detail: Any
) -> None:
    audit.record(
        session,
        actor,
        action,
        "OfferingUpload",
        upload.id,
        owner_id=upload.owner_id,
        file=upload.filename,
        sha256=upload.sha256,
        **detail,
    )
