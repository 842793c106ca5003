"""What feeds the index: outbox handlers, the rebuild from the database, and the search for drift."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from catalog.certification.queries import get_certification
from catalog.offerings.queries import find_listed
from catalog.offerings.services import ACCREDITATION_EXPIRED
from core import db
from core.config import Settings
from core.outbox import Handler
from search.engine import (
    FACETS,
    REFERENCE_POPULATIONS,
    IndexMissing,
    SearchEngine,
    SearchQuery,
    SearchRecord,
    newest_first,
)
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


def make_handlers(settings: Settings) -> Mapping[str, Handler]:
    """Return the handlers of the outbox topics that change what a search finds."""

    def index(session: Session, listing_ids: Sequence[uuid.UUID]) -> None:
        index_listings(session, get_engine(settings), listing_ids)

    def on_listing(session: Session, payload: Mapping[str, Any]) -> None:
        index(session, [uuid.UUID(payload["listing_id"])])

    def on_vendor(session: Session, payload: Mapping[str, Any]) -> None:
        index(session, list_listing_ids_of_vendor(session, uuid.UUID(payload["vendor_id"])))

    def on_certification(session: Session, payload: Mapping[str, Any]) -> None:
        found = get_certification(session, uuid.UUID(payload["certification_id"]))
        if found is not None:
            index(session, list_listing_ids_of_version(session, found.offering_version_id))

    def on_accreditation(session: Session, payload: Mapping[str, Any]) -> None:
        index(session, list_listing_ids_of_offering(session, uuid.UUID(payload["offering_id"])))

    def on_rebuild(session: Session, _payload: Mapping[str, Any]) -> None:
        for part in chunks(list_published_listing_ids(session)):
            _store_texts(session, part)
        parts = list(chunks(list_offering_ids(session)))
        get_engine(settings).rebuild(
            record for part in parts for _, record in read_records(session, part)
        )

    return {
        LISTING_CHANGED: on_listing,
        VENDOR_CHANGED: on_vendor,
        CERTIFICATION_EXPIRED: on_certification,
        ACCREDITATION_EXPIRED: on_accreditation,
        REBUILD: on_rebuild,
    }


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
            engine.rebuild(stream_records())
            _write(engine, records, gone)


def rebuild(engine: SearchEngine) -> int:
    """Build the index anew from the database and give the number of its listings.

    Changes committed while it ran are brought in afterwards.
    """
    refresh_texts()
    count = engine.rebuild(stream_records())
    check(engine)
    return count


def stream_records() -> Iterator[SearchRecord]:
    """Read the records of all that buyers see now, in pieces, when first consumed."""
    with db.reading() as session:
        for part in chunks(list_offering_ids(session)):
            yield from (record for _, record in read_records(session, part))
            session.expunge_all()


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
    held = {hit.listing_id: hit for hit in engine.search_all(SearchQuery()).hits}
    drift = Drift(missing=set(records) - set(held), surplus=set(held) - set(records))
    shared = set(records) & set(held)
    drift.different = {
        each for each in shared if held[each].listing_version_id != records[each].listing_version_id
    }
    for name, value in sorted(_facet_values(records)):
        filtered = engine.search_all(SearchQuery(filters={name: frozenset({value})}))
        found = {hit.listing_id for hit in filtered.hits} & shared
        wanted = {each for each in shared if value in records[each].facets[name]}
        drift.different |= found ^ wanted
    for population in REFERENCE_POPULATIONS:
        costs = {key: record.yearly_costs.get(population) for key, record in records.items()}
        drift.different |= _misplaced(engine, costs, shared, f"cost_{population}")
    newest = {key: newest_first(record) for key, record in records.items()}
    drift.different |= _misplaced(engine, newest, shared, "newest")
    return drift


def _facet_values(records: Mapping[str, SearchRecord]) -> set[tuple[str, str]]:
    return {
        (name, value)
        for record in records.values()
        for name in FACETS
        for value in record.facets.get(name, frozenset())
    }


def _misplaced(
    engine: SearchEngine, numbers: Mapping[str, int | None], shared: set[str], sort: str
) -> set[str]:
    """Return neighbours in an order whose numbers in the database say otherwise."""
    found = engine.search_all(SearchQuery(sort=sort)).hits
    order = [hit.listing_id for hit in found if hit.listing_id in shared]
    known = [numbers[each] for each in order]
    costs = [float("inf") if each is None else each for each in known]
    return {
        each
        for position in range(1, len(order))
        if costs[position] < costs[position - 1]
        for each in order[position - 1 : position + 1]
    }
