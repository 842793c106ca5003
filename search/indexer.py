"""What feeds the index: outbox handlers, the rebuild from the database, and the search for drift."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from catalog.certification.queries import get_certification
from catalog.offerings.queries import find_listed
from catalog.offerings.services import ACCREDITATION_EXPIRED
from core import db, outbox
from core.config import Settings
from core.outbox import Handler
from search import engine as contract
from search.engine import IndexMissing, SearchEngine, SearchRecord
from search.projection import analyse, current_rules
from search.queries import (
    chunks,
    get_engine,
    list_listing_ids_of_offering,
    list_listing_ids_of_vendor,
    list_listing_ids_of_version,
    list_offering_ids,
    list_published_listing_ids,
    lock_listings,
    read_records,
)
from search.texts import refresh_texts

LISTING_CHANGED = "search.listing_changed"
VENDOR_CHANGED = "vendor.state_changed"
CERTIFICATION_EXPIRED = "certification.expired"
REBUILD = "search.rebuild"

Progress = Callable[[int, int], None]
"""Is told how many listings of how many are in the new index."""


def _of_listing(_session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    return [uuid.UUID(payload["listing_id"])]


def _of_vendor(session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    return list_listing_ids_of_vendor(session, uuid.UUID(payload["vendor_id"]))


def _of_certification(session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    found = get_certification(session, uuid.UUID(payload["certification_id"]))
    return list_listing_ids_of_version(session, found.offering_version_id) if found else []


def _of_accreditation(session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    return list_listing_ids_of_offering(session, uuid.UUID(payload["offering_id"]))


_AFFECTED: Mapping[str, Callable[[Session, Mapping[str, Any]], list[uuid.UUID]]] = {
    LISTING_CHANGED: _of_listing,
    VENDOR_CHANGED: _of_vendor,
    CERTIFICATION_EXPIRED: _of_certification,
    ACCREDITATION_EXPIRED: _of_accreditation,
}
"""Which listings a message changes, by its topic."""


def make_handlers(settings: Settings) -> Mapping[str, Handler]:
    """Return the handlers of the outbox topics that change what a search finds."""

    def indexing(topic: str) -> Handler:
        def handle(session: Session, payload: Mapping[str, Any]) -> None:
            index_listings(session, get_engine(settings), _AFFECTED[topic](session, payload))

        return handle

    def on_rebuild(session: Session, _payload: Mapping[str, Any]) -> None:
        for part in chunks(list_published_listing_ids(session)):
            _store_texts(session, part)
        parts = list(chunks(list_offering_ids(session)))
        get_engine(settings).rebuild(
            record for part in parts for _, record in read_records(session, part)
        )

    return {**{topic: indexing(topic) for topic in _AFFECTED}, REBUILD: on_rebuild}


def index_listings(
    session: Session, engine: SearchEngine, listing_ids: Sequence[uuid.UUID]
) -> None:
    """Make the index hold of these listings what buyers see now, and store their analysed text.

    Without an index all of the catalog is indexed, from what is committed.
    """
    for part in chunks(list(listing_ids)):
        # Two workers with one software: the later reader must be the later writer. What one seller
        # changes moves the document of the whole software, so all its listings are written.
        offering_ids = list_offering_ids(session, part)
        listing_ids = lock_listings(session, offering_ids)
        _store_texts(session, part)
        records = [record for _, record in read_records(session, offering_ids)]
        listed = {record.listing_id for record in records}
        gone = [str(each) for each in {*part, *listing_ids} if str(each) not in listed]
        try:
            _write(engine, records, gone)
        except IndexMissing:
            engine.rebuild(stream_records(), _Since())
            _write(engine, records, gone)


def rebuild(engine: SearchEngine, progress: Progress | None = None) -> int:
    """Build the index anew from the database and give the number of its listings.

    Searches and changes go on meanwhile; what they change is brought in before it is used.
    """
    refresh_texts()
    return engine.rebuild(stream_records(progress), _Since())


class _Since:
    """Reads what the outbox brought, or still holds, since it was last asked.

    A change that a rebuild's reading of the database did not see was committed after it began, so
    its message is either open or was delivered by a transaction that began later.
    """

    def __init__(self) -> None:
        with db.reading() as session:
            self._moment: datetime = db.now(session)

    def __call__(self) -> contract.Changes:
        with db.reading() as session:
            messages = outbox.list_since(session, _AFFECTED, self._moment)
            self._moment = db.now(session)
            ids = {
                each for topic, payload in messages for each in _AFFECTED[topic](session, payload)
            }
            records = [
                record
                for part in chunks(sorted(ids))
                for _, record in read_records(session, list_offering_ids(session, part))
            ]
        listed = {record.listing_id for record in records}
        return records, sorted({str(each) for each in ids} - listed)


def stream_records(progress: Progress | None = None) -> Iterator[SearchRecord]:
    """Read the records of all that buyers see now, in pieces, when first consumed."""
    with db.reading() as session:
        offering_ids = list_offering_ids(session)
        total, done = len(list_published_listing_ids(session)), 0
        for part in chunks(offering_ids):
            records = [record for _, record in read_records(session, part)]
            yield from records
            session.expunge_all()
            done += len(records)
            if progress is not None:
                progress(done, total)


def _store_texts(session: Session, listing_ids: Sequence[uuid.UUID]) -> int:
    rules, stored = current_rules(), 0
    for version in find_listed(session, listing_ids):
        text = analyse(version)
        if (version.search_text, version.search_text_version) != (text, rules):
            version.search_text, version.search_text_version = text, rules
            stored += 1
    session.flush()
    return stored


def _write(engine: SearchEngine, records: list[SearchRecord], gone: list[str]) -> None:
    if records:
        engine.upsert(records)
    if gone:
        engine.delete(gone)


# --- drift ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Drift:
    """Where the index differed from the database; listing ids."""

    missing: set[str] = field(default_factory=set)
    surplus: set[str] = field(default_factory=set)
    different: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many listings differed."""
        return len(self.missing | self.surplus | self.different)


def check(engine: SearchEngine) -> Drift:
    """Compare the index with the database, mend what differs, and tell what it was.

    Raises IndexMissing when there is nothing to compare with.
    """
    with db.reading() as session:
        records = {
            record.listing_id: record
            for part in chunks(list_offering_ids(session))
            for _, record in read_records(session, part)
        }
    drift = _find_drift(engine, records)
    if drift.count:
        with db.transaction() as session:
            affected = drift.missing | drift.surplus | drift.different
            index_listings(session, engine, sorted(uuid.UUID(each) for each in affected))
    return drift


def _find_drift(engine: SearchEngine, records: Mapping[str, SearchRecord]) -> Drift:
    held = engine.fingerprints()
    wanted = {listing_id: record.fingerprint for listing_id, record in records.items()}
    return Drift(
        missing=set(wanted) - set(held),
        surplus=set(held) - set(wanted),
        different={each for each in set(wanted) & set(held) if held[each] != wanted[each]},
    )
