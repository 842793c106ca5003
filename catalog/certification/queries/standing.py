"""What a reader is told of an offering version's conformity at one moment."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_

from catalog.certification.models import (
    DECIDED_STATES,
    Certification,
    ReviewState,
    has_lapsed,
    public_state,
)
from catalog.terms import CertificationState
from core.clock import day_in_japan

CERTIFICATE_STATES = DECIDED_STATES - {ReviewState.REFUSED}
_MOMENT = datetime.resolution


class DecidedValues(NamedTuple):
    """The values of a decided review from which its standing is told, named as its columns."""

    id: uuid.UUID
    state: ReviewState
    number: str | None
    decided_at: datetime | None
    conditions: list[dict[str, Any]]
    lapses_at: datetime | None
    valid_until: datetime | None
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a reader is told about an offering version's conformity at one moment.

    `due_on` is the first due date of a conditional certificate, `since` the day of a suspension or
    revocation, `lapsed_on` the due date that passed with its condition unmet, `refused_on` the day on
    which a review of what is claimed ended without a certificate, `certified_on` that of the decision
    for a certificate that counts now. A superseded certificate counts as none: `state` is a claim, `tag` says what it was.
    """

    state: CertificationState
    valid_until: datetime | None = None
    due_on: date | None = None
    number: str | None = None
    certification_id: uuid.UUID | None = None
    since: date | None = None
    is_superseded: bool = False
    lapsed_on: date | None = None
    refused_on: date | None = None
    certified_on: date | None = None

    @property
    def tag(self) -> str:
        """What a tag shows: the state, or that a newer certificate stands for a newer version."""
        return ReviewState.SUPERSEDED.value if self.is_superseded else self.state.value

    @property
    def label(self) -> str:
        """The same in a word."""
        return ReviewState.SUPERSEDED.label if self.is_superseded else self.state.label

    @property
    def valid_until_day(self) -> date | None:
        """The last Japanese day on which the certificate counts."""
        if self.valid_until is None:
            return None
        return day_in_japan(self.valid_until - _MOMENT)


def standing_of(
    certification: Certification | DecidedValues | None, moment: datetime, *, has_answers: bool
) -> Standing:
    """Return the standing from the certificate, else from whether the vendor answered at all."""
    if certification is None or certification.state not in CERTIFICATE_STATES:
        claimed = CertificationState.CLAIMED if has_answers else CertificationState.UNKNOWN
        return Standing(claimed, refused_on=_refused_on(certification))
    due = [
        date.fromisoformat(item["due_on"])
        for item in certification.conditions
        if not item.get("fulfilled_on")
    ]
    state = public_state(certification, moment)
    counts = state in (CertificationState.CERTIFIED, CertificationState.CONDITIONAL)
    return Standing(
        state=state,
        valid_until=certification.valid_until,
        due_on=min(due, default=None),
        number=certification.number,
        certification_id=certification.id,
        since=certification.ended_on,
        is_superseded=certification.state is ReviewState.SUPERSEDED,
        lapsed_on=_lapsed_on(certification, moment),
        certified_on=_decided_on(certification) if counts else None,
    )


def _refused_on(review: Certification | DecidedValues | None) -> date | None:
    if review is None or review.state is not ReviewState.REFUSED:
        return None
    return _decided_on(review)


def _decided_on(review: Certification | DecidedValues) -> date | None:
    return None if review.decided_at is None else day_in_japan(review.decided_at)


def _lapsed_on(certification: Certification | DecidedValues, moment: datetime) -> date | None:
    if certification.lapses_at is None or not has_lapsed(certification, moment):
        return None
    return day_in_japan(certification.lapses_at - _MOMENT)


def is_over(row: Any, moment: datetime) -> ColumnElement[bool]:
    """Return the rule of `Certification.ends_at` in SQL, for the table or an alias of it."""
    lapsed = and_(row.lapses_at.is_not(None), row.lapses_at <= moment)
    return or_(row.valid_until <= moment, lapsed)
