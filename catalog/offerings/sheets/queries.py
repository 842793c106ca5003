"""What the sheets need to know of all that a vendor sells."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Session, col, select

from catalog.offerings.models import (
    AnswerEvidence,
    ConformanceAnswer,
    Listing,
    ListingVersion,
    Offering,
    OfferingUpload,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.queries import OPEN_STATES
from catalog.specifications.models import SpecificationVersion

_MOST = 20_000
_ALIVE = frozenset({*OPEN_STATES, OfferState.PUBLISHED})


@dataclass(frozen=True, slots=True)
class OwnOffering:
    """What a vendor sells: a version of a software with the newest of the vendor's terms for it.

    `pending` is the number of another version of the same software of the vendor on its way.
    """

    version: OfferingVersion
    terms: ListingVersion
    pending: int | None = None

    @property
    def is_resold(self) -> bool:
        """Tell whether another company makes the software: only the terms are the vendor's."""
        return self.version.owner_id != self.terms.owner_id

    @property
    def id(self) -> uuid.UUID:
        """What names it in a file: the own version, or the listing of another's software."""
        return self.terms.listing_id if self.is_resold else self.version.id

    @property
    def is_on_sale(self) -> bool:
        """Tell whether it is public or on its way."""
        return (self.terms if self.is_resold else self.version).state in _ALIVE


@dataclass(frozen=True, slots=True)
class VersionMark:
    """What tells whether a version of an offering or listing is still as it was read."""

    id: uuid.UUID
    parent_id: uuid.UUID
    number: int
    state: OfferState
    version: int


def list_own(session: Session, owner_id: uuid.UUID) -> list[OwnOffering]:
    """Return all that a vendor sells or sold, with its newest terms (3 statements).

    First every version of its own software, by name, newest number first; then others' software.
    """
    sold = select(ListingVersion.offering_version_id).where(ListingVersion.owner_id == owner_id)
    versions = session.exec(
        select(OfferingVersion)
        .where(or_(col(OfferingVersion.owner_id) == owner_id, col(OfferingVersion.id).in_(sold)))
        .options(
            joinedload(OfferingVersion.specification_version).joinedload(  # type: ignore[arg-type]
                SpecificationVersion.specification  # type: ignore[arg-type]
            )
        )
        .order_by(
            OfferingVersion.name,
            col(OfferingVersion.offering_id),
            col(OfferingVersion.number).desc(),
        )
        .limit(_MOST)
    ).all()
    own = [each for each in versions if each.owner_id == owner_id]
    pending = {each.offering_id: each for each in own if each.state in OPEN_STATES}
    of_own, of_others = _newest_terms(session, owner_id)
    rows = []
    for each in own:
        other = pending.get(each.offering_id)
        number = other.number if other is not None and other is not each else None
        if each.id in of_own:
            rows.append(OwnOffering(each, of_own[each.id], number))
    names = {each.id: (place, each) for place, each in enumerate(versions)}
    resold = [(*names[each.offering_version_id], each) for each in of_others]
    resold.sort(key=lambda each: (each[0], str(each[2].listing_id)))
    return rows + [OwnOffering(version, terms) for _, version, terms in resold]


def _newest_terms(
    session: Session, owner_id: uuid.UUID
) -> tuple[dict[uuid.UUID, ListingVersion], list[ListingVersion]]:
    """Return a vendor's newest terms by version of its own software, and those for others' software.

    What is on its way goes before what is public, a discarded draft counts where nothing else is.
    """
    statement = (
        select(ListingVersion)
        .join(Listing, col(Listing.id) == ListingVersion.listing_id)
        .where(ListingVersion.owner_id == owner_id, col(Listing.merged_into_id).is_(None))
        .options(
            joinedload(ListingVersion.listing)  # type: ignore[arg-type]
            .joinedload(Listing.offering)  # type: ignore[arg-type]
            .joinedload(Offering.maker),  # type: ignore[arg-type]
            selectinload(ListingVersion.components),  # type: ignore[arg-type]
        )
        .limit(_MOST)
    )
    terms = sorted(session.exec(statement), key=_rank)
    own = {e.offering_version_id: e for e in terms if e.listing.offering.owner_id == owner_id}
    others = {e.listing_id: e for e in terms if e.listing.offering.owner_id != owner_id}
    return own, list(others.values())


def _rank(terms: ListingVersion) -> tuple[int, int]:
    if terms.state in OPEN_STATES:
        return 3, terms.number
    if terms.state is OfferState.PUBLISHED:
        return 2, terms.number
    return int(terms.published_at is not None), terms.number


def choose_shown(rows: Sequence[OwnOffering]) -> list[OwnOffering]:
    """Return a row for all that is sold: of own software what is on its way, else what is public."""
    return [each for each in rows if each.is_on_sale and each.pending is None]


def lock(session: Session, table: Any, ids: Sequence[uuid.UUID]) -> None:
    """Lock rows until the commit, in a fixed order."""
    statement = select(table.id).where(table.id.in_(ids)).order_by(table.id)
    session.exec(statement.with_for_update()).all()


def list_marks(
    session: Session, table: Any, parent: str, parent_ids: Sequence[uuid.UUID]
) -> list[VersionMark]:
    """Return the marks of all versions of some parents, as they are stored now."""
    column = getattr(table, parent)
    statement = select_columns(table.id, column, table.number, table.state, table.version)
    return [VersionMark(*row) for row in session.execute(statement.where(column.in_(parent_ids)))]


def read_answers(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return answers and their evidence of offering versions as plain rows, for copying."""
    answers = select_columns(
        col(ConformanceAnswer.id),
        col(ConformanceAnswer.offering_version_id),
        col(ConformanceAnswer.requirement_id),
        col(ConformanceAnswer.answer),
        col(ConformanceAnswer.note),
        col(ConformanceAnswer.due_on),
        col(ConformanceAnswer.evidence_url),
    ).where(col(ConformanceAnswer.offering_version_id).in_(version_ids))
    evidence = (
        select_columns(
            col(AnswerEvidence.answer_id), col(AnswerEvidence.file_id), col(AnswerEvidence.name)
        )
        .join(ConformanceAnswer, col(ConformanceAnswer.id) == AnswerEvidence.answer_id)
        .where(col(ConformanceAnswer.offering_version_id).in_(version_ids))
        .order_by(col(AnswerEvidence.created_at), col(AnswerEvidence.id))
    )
    return (
        [dict(row) for row in session.execute(answers).mappings()],
        [dict(row) for row in session.execute(evidence).mappings()],
    )


def get_upload(session: Session, upload_id: uuid.UUID) -> OfferingUpload | None:
    """Return a file that waits for its import."""
    return session.get(OfferingUpload, upload_id)


def list_uploads_before(session: Session, moment: datetime) -> list[OfferingUpload]:
    """Return some of the files that nobody has touched since."""
    statement = select(OfferingUpload).where(OfferingUpload.updated_at < moment).limit(100)
    return list(session.exec(statement))
