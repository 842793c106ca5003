"""Acts on a table of offerings: kept between its pages, mapped, imported in one transaction."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.offerings.models import (
    EDITABLE_STATES,
    Listing,
    ListingVersion,
    Offering,
    OfferingUpload,
    OfferingVersion,
    PriceComponentRow,
)
from catalog.offerings.services.drafts import find_preparing_vendor, lock_open_specification
from catalog.offerings.sheets import queries
from catalog.offerings.sheets.acts import Act
from catalog.offerings.sheets.opening import OpenedRow, open_terms, open_versions
from core import audit
from core.db import now
from core.documents import sha256_hex
from core.errors import NotFound
from vendors.models import Vendor

_KEPT = timedelta(days=7)


class ImportRow(OpenedRow, Protocol):
    """One checked row: a new offering (nothing stored), or new values for a stored one."""

    @property
    def act(self) -> Act:
        """What importing it makes."""

    @property
    def specification_id(self) -> uuid.UUID:
        """The version of the standard."""


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
    """Make and change drafts of the actor's company, beside what is public; returns how many rows.

    Raises GuardFailed when the company may not prepare offerings or a standard takes none, and
    StaleVersion when somebody else changed something first; nothing is imported then.
    """
    actor = require(session, actor, Permission.OFFERING_CREATE)
    maker = find_preparing_vendor(session, actor)
    found = list(rows)
    by_act: dict[Act, list[ImportRow]] = {act: [] for act in Act}
    for each in found:
        by_act[each.act].append(each)
        if each.stored is not None:
            mine = each.stored.terms if each.stored.is_resold else each.stored.version
            require(session, actor, Permission.OFFERING_EDIT, mine)
    new = by_act[Act.NEW]
    for specification_id in sorted({each.specification_id for each in new}):
        lock_open_specification(session, specification_id)
    made = [_make(session, actor, maker, each) for each in new]
    opened = open_versions(session, by_act[Act.VERSION]) if by_act[Act.VERSION] else []
    opened_terms = open_terms(session, by_act[Act.TERMS]) if by_act[Act.TERMS] else []
    changed = _change(session, [*by_act[Act.DRAFT], *by_act[Act.VERSION]])
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
        opened=[str(each) for each in opened],
        opened_terms=[str(each) for each in opened_terms],
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


def _change(session: Session, rows: Sequence[ImportRow]) -> list[uuid.UUID]:
    """Change drafts by the versions that were read; returns what was changed.

    Terms on their way of a public software change with it, whatever else the row opens.
    """
    changed = []
    replaced = []
    for row in rows:
        if row.stored is None:
            continue
        version, terms = row.stored.version, row.stored.terms
        if row.offering and row.act is Act.DRAFT:
            version.revise(version.version, **row.offering)
            changed.append(version.id)
        if (row.listing or row.components is not None) and terms.state in EDITABLE_STATES:
            old = list(terms.components)
            terms.revise(terms.version, **row.listing)
            changed.append(terms.id)
            if row.components is not None:
                replaced.append((terms.id, row))
                for component in old:
                    session.delete(component)
    session.flush()
    for terms_id, row in replaced:
        _add_components(session, terms_id, row)
    return changed


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
