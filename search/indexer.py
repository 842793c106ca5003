"""What feeds the index: outbox handlers, the rebuild from the database, and the search for drift."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlmodel import Session, col

from catalog.certification.queries import get_certification
from catalog.offerings.models import ListingVersion
from catalog.offerings.queries import read_listed
from catalog.offerings.services import ACCREDITATION_EXPIRED
from core import db, outbox
from core.config import Settings
from core.outbox import Handler
from search import engine as contract
from search.engine import IndexMissing, SearchEngine, SearchRecord, SearchUnavailable
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
from search.reserve import parts_of
from search.texts import refresh_texts

LISTING_CHANGED = "search.listing_changed"
VENDOR_CHANGED = "vendor.state_changed"
CERTIFICATION_EXPIRED = "certification.expired"
REBUILD = "search.rebuild"

_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=5)

_log = structlog.get_logger()

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
            listing_ids = _AFFECTED[topic](session, payload)
            try:
                index_listings(session, get_engine(settings), listing_ids)
            except SearchUnavailable as error:
                _postpone(session, listing_ids, int(payload.get("tries", 0)), error)

        return handle

    def on_rebuild(session: Session, _payload: Mapping[str, Any]) -> None:
        for part in chunks(list_published_listing_ids(session)):
            _store_texts(session, part)
        parts = list(chunks(list_offering_ids(session)))
        for one in parts_of(get_engine(settings)):
            one.rebuild(record for part in parts for _, record in read_records(session, part))

    return {**{topic: indexing(topic) for topic in _AFFECTED}, REBUILD: on_rebuild}


def _postpone(
    session: Session, listing_ids: Sequence[uuid.UUID], tries: int, error: SearchUnavailable
) -> None:
    """Send the change once more, however long an index is ill: no message is given up for it."""
    wait = min(_FIRST_WAIT * 2 ** min(tries, 10), _LONGEST_WAIT)
    for each in listing_ids:
        payload = {"listing_id": each, "tries": tries + 1}
        outbox.publish(session, LISTING_CHANGED, payload, due_at=db.now(session) + wait)
    _log.warning("search.postponed", listings=len(listing_ids), tries=tries, error=repr(error))


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
        _write_all(engine, records, gone)


def _write_all(engine: SearchEngine, records: list[SearchRecord], gone: list[str]) -> None:
    """Write to every index, also when one fails; raises what the last of them raised."""
    failure: SearchUnavailable | None = None
    for part in parts_of(engine):
        try:
            try:
                _write(part, records, gone)
            except IndexMissing:
                part.rebuild(stream_records(), _Since())
                _write(part, records, gone)
        except SearchUnavailable as error:
            failure = error
    if failure is not None:
        raise failure


def rebuild(engine: SearchEngine, progress: Progress | None = None) -> int:
    """Build the index anew from the database and give the number of its listings.

    Searches and changes go on meanwhile; what they change is brought in before it is used.
    """
    refresh_texts()
    counts = [part.rebuild(stream_records(progress), _Since()) for part in parts_of(engine)]
    return counts[-1]


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
    for version in read_listed(session, listing_ids):
        text = analyse(version)
        if (version.search_text, version.search_text_version) != (text, rules):
            statement = update(ListingVersion).where(col(ListingVersion.id) == version.id)
            session.execute(statement.values(search_text=text, search_text_version=rules))
            stored += 1
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

    def add(self, other: "Drift") -> None:
        """Take in what another index lacks."""
        self.missing |= other.missing
        self.surplus |= other.surplus
        self.different |= other.different


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
    drift = Drift()
    for part in parts_of(engine):
        drift.add(_find_drift(part, records))
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
