"""Drafts beside what is public, for many rows of a file at once: as the pages open them one by one."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import insert
from sqlmodel import Session

from catalog.offerings.content import COMPONENT_FIELDS, LISTING_FIELDS, OFFERING_FIELDS
from catalog.offerings.models import (
    AnswerEvidence,
    ConformanceAnswer,
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    PriceComponentRow,
)
from catalog.offerings.queries import OPEN_STATES
from catalog.offerings.sheets import queries
from catalog.offerings.sheets.queries import OwnOffering, VersionMark
from core.db import now
from core.errors import StaleVersion


class OpenedRow(Protocol):
    """A row that changes something public."""

    @property
    def stored(self) -> OwnOffering | None:
        """What is public, as it was read."""

    @property
    def offering(self) -> Mapping[str, Any]:
        """New values of the offering version."""

    @property
    def listing(self) -> Mapping[str, Any]:
        """New values of the listing version."""

    @property
    def components(self) -> tuple[Mapping[str, Any], ...] | None:
        """The price components in their order; None for those that stand."""


def open_versions(session: Session, rows: Sequence[OpenedRow]) -> list[uuid.UUID]:
    """Add the next version of published software, with answers and the maker's terms, as drafts.

    Raises StaleVersion when somebody began or published another version first.
    """
    read = {each.stored.version.offering_id: each for each in rows if each.stored is not None}
    marks = _lock(session, Offering, OfferingVersion, "offering_id", list(read))
    listings = [each.stored.terms.listing_id for each in read.values() if each.stored is not None]
    of_terms = _lock(session, Listing, ListingVersion, "listing_id", listings)
    made: dict[uuid.UUID, uuid.UUID] = {}
    for offering_id, row in read.items():
        stored = row.stored
        if stored is None:
            continue
        _expect(stored.version, marks[offering_id])
        if any(each.state in OPEN_STATES for each in marks[offering_id]):
            raise StaleVersion
        base, terms = stored.version, stored.terms
        _expect(terms, of_terms[terms.listing_id])
        told = {name: getattr(base, name) for name in OFFERING_FIELDS} | dict(row.offering)
        version = OfferingVersion(
            offering_id=base.offering_id,
            owner_id=base.owner_id,
            number=max(each.number for each in marks[offering_id]) + 1,
            specification_version_id=base.specification_version_id,
            **told,
        )
        session.add(version)
        made[base.id] = version.id
        _add_terms(session, row, terms, version.id, of_terms[terms.listing_id])
    session.flush()
    _copy_answers(session, made)
    return list(made.values())


def open_terms(session: Session, rows: Sequence[OpenedRow]) -> list[uuid.UUID]:
    """Add drafts with other prices or terms beside published ones; errors as above."""
    read = {each.stored.terms.listing_id: each for each in rows if each.stored is not None}
    marks = _lock(session, Listing, ListingVersion, "listing_id", list(read))
    made = []
    for listing_id, row in read.items():
        if row.stored is not None:
            terms = row.stored.terms
            _expect(terms, marks[listing_id])
            version_id = terms.offering_version_id
            made.append(_add_terms(session, row, terms, version_id, marks[listing_id]))
    session.flush()
    return made


def _lock(
    session: Session, table: Any, versions: Any, parent: str, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[VersionMark]]:
    """Lock rows until the commit; returns their versions as they are then, by row."""
    queries.lock(session, table, ids)
    found = defaultdict(list)
    for mark in queries.list_marks(session, versions, parent, ids):
        found[mark.parent_id].append(mark)
    return found


def _expect(seen: OfferingVersion | ListingVersion, marks: Sequence[VersionMark]) -> None:
    """Raise StaleVersion unless a row is as it was read."""
    if not any((each.id, each.version) == (seen.id, seen.version) for each in marks):
        raise StaleVersion


def _add_terms(
    session: Session,
    row: OpenedRow,
    base: ListingVersion,
    offering_version_id: uuid.UUID,
    marks: Sequence[VersionMark],
) -> uuid.UUID:
    told = {name: getattr(base, name) for name in LISTING_FIELDS} | dict(row.listing)
    made = ListingVersion(
        listing_id=base.listing_id,
        owner_id=base.owner_id,
        offering_version_id=offering_version_id,
        number=max(each.number for each in marks) + 1,
        **told,
    )
    session.add(made)
    components = row.components
    if components is None:
        components = tuple(
            {name: getattr(each, name) for name in COMPONENT_FIELDS} for each in base.components
        )
    for position, each in enumerate(components, start=1):
        session.add(PriceComponentRow(listing_version_id=made.id, position=position, **each))
    return made.id


def _copy_answers(session: Session, made: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Give each new version the answers and evidence of its base, in a few statements."""
    answers, evidence = queries.read_answers(session, list(made))
    fresh = {each["id"]: uuid.uuid4() for each in answers}
    moment = now(session)
    for answer in answers:
        version_id = made[answer["offering_version_id"]]
        answer.update(_fresh(moment), id=fresh[answer["id"]], offering_version_id=version_id)
    for place, each in enumerate(evidence):
        # Files of an answer stand in the order in which they were made.
        each.update(_fresh(moment + timedelta(microseconds=place)), id=uuid.uuid4())
        each["answer_id"] = fresh[each["answer_id"]]
    for table, rows in ((ConformanceAnswer, answers), (AnswerEvidence, evidence)):
        if rows:
            session.execute(insert(table), rows)


def _fresh(moment: datetime) -> dict[str, Any]:
    return {"created_at": moment, "updated_at": moment, "version": 1}
