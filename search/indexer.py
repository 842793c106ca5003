"""What feeds the index: outbox handlers, the rebuild from the database, and the search for drift."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlmodel import Session

from catalog.certification.queries import get_certification
from catalog.offerings.services import ACCREDITATION_EXPIRED
from core import db, outbox
from core.config import Settings
from core.outbox import Handler
from search import engine as contract
from search.engine import IndexMissing, SearchEngine, SearchRecord, SearchUnavailable
from search.queries import get_engine, read_records
from search.queries.listings import (
    chunks,
    count_listed,
    list_listing_ids,
    list_listing_ids_of_offering,
    list_listing_ids_of_vendor,
    list_listing_ids_of_version,
    list_offering_ids,
    list_stale_listing_ids,
)
from search.reserve import parts_of
from search.streams import Prepare, RecordStream
from search.texts import read_changed, read_pieces

LISTING_CHANGED = "search.listing_changed"
VENDOR_CHANGED = "vendor.state_changed"
CERTIFICATION_EXPIRED = "certification.expired"
REBUILD = "search.rebuild"

_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=5)

_log = structlog.get_logger()

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Is told how many listings of how many are in the new index."""


def _of_listings(payload: Mapping[str, Any]) -> list[uuid.UUID]:
    found = payload["listing_ids"] if "listing_ids" in payload else [payload["listing_id"]]
    return [uuid.UUID(each) for each in found]


def _of_vendor(session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    return list_listing_ids_of_vendor(session, uuid.UUID(payload["vendor_id"]))


def _of_certification(session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    found = get_certification(session, uuid.UUID(payload["certification_id"]))
    return list_listing_ids_of_version(session, found.offering_version_id) if found else []


def _of_accreditation(session: Session, payload: Mapping[str, Any]) -> list[uuid.UUID]:
    return list_listing_ids_of_offering(session, uuid.UUID(payload["offering_id"]))


Affected = Callable[[Session, Mapping[str, Any]], list[uuid.UUID]]
_AFFECTED: Mapping[str, Affected] = {
    LISTING_CHANGED: lambda _session, payload: _of_listings(payload),
    VENDOR_CHANGED: _of_vendor,
    CERTIFICATION_EXPIRED: _of_certification,
    ACCREDITATION_EXPIRED: _of_accreditation,
}
"""Which listings a message changes, by its topic; all but the first are spread as the first."""
TOPICS = (*_AFFECTED, REBUILD)


def make_handlers(settings: Settings) -> Mapping[str, Handler]:
    """Return the handlers of the outbox topics that change what a search finds."""

    def index(payloads: outbox.Payloads) -> outbox.Keep:
        listing_ids = {each: None for payload in payloads for each in _of_listings(payload)}
        try:
            index_listings(get_engine(settings), list(listing_ids))
        except SearchUnavailable as error:
            _log.warning("search.postponed", listings=len(listing_ids), error=repr(error))
            return lambda session: _postpone(session, payloads)
        return _keep_nothing

    def build(_payloads: outbox.Payloads) -> outbox.Keep:
        rebuild(get_engine(settings))
        return _keep_nothing

    spreading = {topic: _spread(affected) for topic, affected in _AFFECTED.items()}
    return {**spreading, LISTING_CHANGED: outbox.Together(index), REBUILD: outbox.Together(build)}


def _keep_nothing(_session: Session) -> None:
    """Store nothing with a delivery."""


def _spread(affected: Affected) -> Handler:
    """Make one message about all listings that another message changes, to be indexed with others."""

    def handle(session: Session, payload: Mapping[str, Any]) -> None:
        for part in chunks(affected(session, payload)):
            outbox.publish(session, LISTING_CHANGED, {"listing_ids": [str(each) for each in part]})

    return handle


def _postpone(session: Session, payloads: outbox.Payloads) -> None:
    """Send the changes once more, however long an index is ill: no message is given up for it."""
    for payload in payloads:
        tries = int(payload.get("tries", 0))
        wait = min(_FIRST_WAIT * 2 ** min(tries, 10), _LONGEST_WAIT)
        again = {**payload, "tries": tries + 1}
        outbox.publish(session, LISTING_CHANGED, again, due_at=db.now(session) + wait)


def index_listings(engine: SearchEngine, listing_ids: Sequence[uuid.UUID]) -> None:
    """Make the index hold of these listings what buyers see now, and store their analysed text.

    No transaction is open meanwhile, so that nobody waits for the index. Without an index all of
    the catalog is indexed, from what is committed.
    """
    for part in chunks(listing_ids):
        # Two workers with one software: the later reader must be the later writer. What one seller
        # changes moves the document of the whole software, so all its listings are written.
        with _alone():
            with db.reading() as session:
                offering_ids = list_offering_ids(session, part)
                known = list_listing_ids(session, offering_ids)
            records = read_changed(offering_ids, set(part))
            listed = {record.listing_id for record in records}
            gone = [str(each) for each in {*part, *known} if str(each) not in listed]
            _write_all(engine, records, gone)


@contextmanager
def _alone() -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(db.alone("indexing"))
        except TimeoutError as error:
            raise SearchUnavailable from error
        yield


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


def stream_records(progress: Progress | None = None) -> RecordStream:
    """Give the records of all that buyers see now, read in pieces when first consumed.

    Stored texts that are stale are analysed and stored on the way.
    """
    return _Catalog(progress)


@dataclass(frozen=True, slots=True)
class _Catalog(RecordStream):
    """All that buyers see when it is read."""

    progress: Progress | None

    def prepare(self, act: Prepare[T]) -> Iterator[T]:
        """Give what `act` makes of the records of each piece, and tell how far it is."""
        with db.reading() as session:
            offering_ids = list_offering_ids(session)
            total, stale = count_listed(session), len(list_stale_listing_ids(session))
        tell = self.progress or _tell_nobody
        done = 0
        for number, made in read_pieces(chunks(offering_ids), total, stale, act):
            yield made
            done += number
            tell(done, max(done, total))
        if done < total:  # what is not there any more
            tell(done, done)


def _tell_nobody(_done: int, _total: int) -> None:
    """Keep silent."""


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
    """Compare each index with the database, mend what differs, and tell what it was.

    An index that cannot be asked keeps no other from being mended; what it said is raised at the
    end. Raises IndexMissing when there is nothing to compare with.
    """
    held: list[dict[str, str]] = []
    failure: SearchUnavailable | None = None
    for part in parts_of(engine):
        try:
            held.append(part.fingerprints())
        except IndexMissing:
            raise
        except SearchUnavailable as error:
            failure = error
    drift = Drift()
    if held:
        pieces = stream_records().prepare(_take_fingerprints)
        wanted = {key: digest for piece in pieces for key, digest in piece.items()}
        for each in held:
            drift.add(_find_drift(each, wanted))
    if drift.count:
        affected = drift.missing | drift.surplus | drift.different
        index_listings(engine, sorted(uuid.UUID(each) for each in affected))
    if failure is not None:
        raise failure
    return drift


def _take_fingerprints(records: list[SearchRecord]) -> dict[str, str]:
    return {record.listing_id: record.fingerprint for record in records}


def _find_drift(held: Mapping[str, str], wanted: Mapping[str, str]) -> Drift:
    return Drift(
        missing=set(wanted) - set(held),
        surplus=set(held) - set(wanted),
        different={each for each in set(wanted) & set(held) if held[each] != wanted[each]},
    )
