"""For whom, from when and how long a cost is computed, and which rows of a comparison are shown."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import BodyKind, Organisation
from catalog.bodies import REFERENCE, acting_body, find_body
from catalog.price_bands import REFERENCE_VOLUMES
from catalog.price_plan import Term, Volumes
from catalog.terms import BodyClass
from core.clock import day_in_japan
from core.db import now

REFERENCE_LABEL = "人口10,000人の団体（目安）"
DEFAULT_MONTHS = 36
_BODY_CLASSES = {
    BodyKind.DESIGNATED_CITY: BodyClass.DESIGNATED_CITY,
    BodyKind.CORE_CITY: BodyClass.CORE_CITY,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """For whom, from when and how long; without a body the reference of 10,000 people counts."""

    body: Organisation | None
    term: Term
    only_differences: bool = False
    only_must: bool = False
    shown: tuple[int, ...] = ()

    @property
    def body_code(self) -> str:
        """The word in the address that brings the same body back."""
        return REFERENCE if self.body is None else str(self.body.code)

    @property
    def body_label(self) -> str:
        """The body with its prefecture."""
        return REFERENCE_LABEL if self.body is None else self.body.label

    @property
    def body_class(self) -> BodyClass:
        """The kind of body for which requirements are classed."""
        kind = self.body.body_kind if self.body else None
        return _BODY_CLASSES.get(kind, BodyClass.OTHER) if kind else BodyClass.OTHER

    @property
    def volumes(self) -> Volumes:
        """The quantities to compute with; an unknown population stays unknown."""
        return Volumes(population=self.body.population) if self.body else REFERENCE_VOLUMES


def default_start(today: date) -> date:
    """Return the first day of the next fiscal year."""
    return date(today.year + (today.month >= 4), 4, 1)


def read_conditions(
    session: Session, actor: Actor, asked: dict[str, Any], *, names_body: bool
) -> Conditions:
    """Return the conditions that were asked for; Invalid names the body or columns that do not exist.

    Who names no body gets the acting one, else the reference; a body named blank is the reference.
    """
    start = asked["start"] or default_start(day_in_japan(now(session)))
    body = find_body(session, asked["body"]) if names_body else acting_body(session, actor)
    return Conditions(
        body=body,
        term=Term(start, asked["months"] or DEFAULT_MONTHS),
        only_differences=asked.get("diff") == "1",
        only_must=asked.get("must") == "1",
        shown=asked.get("show", ()),
    )
