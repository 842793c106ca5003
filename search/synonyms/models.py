"""Changes of the words that search treats as equal: proposed by one lead, confirmed by a second."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from core.models import JSONType, StatefulModel, UTCDateTime, enum_type, not_same
from core.state_machine import LabelledCode, StateMachine


class SynonymState(LabelledCode):
    """States of a change."""

    PROPOSED = "proposed", "確認待ち"
    APPLIED = "applied", "適用済み"
    DROPPED = "dropped", "取りやめ"


class SynonymAction(StrEnum):
    """Acts on a change."""

    APPLY = "apply"
    DROP = "drop"


_S, _A = SynonymState, SynonymAction


class SynonymChange(StatefulModel, table=True):
    """One group of equal words becomes another: none before is a new group, none after an end.

    Applied changes are numbered; the groups of today are those of the program with all of them. The
    database holds that two different people proposed and confirmed a change.
    """

    MACHINE: ClassVar[StateMachine] = StateMachine(
        noun="同義語の変更",
        initial=_S.PROPOSED,
        transitions={(_S.PROPOSED, _A.APPLY): _S.APPLIED, (_S.PROPOSED, _A.DROP): _S.DROPPED},
    )
    __tablename__ = "synonym_changes"
    __table_args__ = (
        CheckConstraint(not_same("proposed_by_id", "confirmed_by_id"), "four_eyes"),
        CheckConstraint(
            "(state = 'applied') = (number IS NOT NULL AND confirmed_by_id IS NOT NULL"
            " AND confirmed_at IS NOT NULL)",
            "applied_by_somebody",
        ),
        CheckConstraint("reason <> ''", "has_reason"),
    )

    number: int | None = Field(default=None, unique=True)
    before: list[str] = Field(default_factory=list, sa_type=JSONType)
    after: list[str] = Field(default_factory=list, sa_type=JSONType)
    reason: str = Field(max_length=1000)
    state: SynonymState = Field(default=SynonymState.PROPOSED, sa_type=enum_type(SynonymState))
    proposed_by_id: uuid.UUID = Field(foreign_key="people.id")
    confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
