"""One vendor takes over from another: proposed by one lead, confirmed by a second."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from core.models import StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine
from vendors.models import Vendor


class SuccessionState(LabelledCode):
    """States of a succession."""

    PROPOSED = "proposed", "確認待ち"
    COMPLETED = "completed", "承継済み"
    DROPPED = "dropped", "取りやめ"


class SuccessionAction(StrEnum):
    """Acts on a succession."""

    CONFIRM = "confirm"
    DROP = "drop"


_S, _A = SuccessionState, SuccessionAction
_PROPOSED = text("state = 'proposed'")


class Succession(StatefulModel, table=True):
    """A company (no offering named) or one offering goes from one vendor to another, with its ids.

    The database holds that two different people proposed and confirmed it.
    """

    MACHINE: ClassVar[StateMachine] = StateMachine(
        noun="承継",
        initial=_S.PROPOSED,
        transitions={(_S.PROPOSED, _A.CONFIRM): _S.COMPLETED, (_S.PROPOSED, _A.DROP): _S.DROPPED},
    )
    __tablename__ = "successions"
    __table_args__ = (
        Index(
            "uq_successions_proposed",
            "from_vendor_id",
            unique=True,
            postgresql_where=_PROPOSED,
            sqlite_where=_PROPOSED,
        ),
        CheckConstraint(not_same("proposed_by_id", "confirmed_by_id"), "four_eyes"),
        CheckConstraint(
            "state <> 'completed' OR (confirmed_by_id IS NOT NULL AND confirmed_at IS NOT NULL)",
            "confirmed_by_somebody",
        ),
        CheckConstraint("from_vendor_id <> to_vendor_id", "two_vendors"),
        CheckConstraint("reason <> ''", "has_reason"),
    )

    from_vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    to_vendor_id: uuid.UUID = Field(foreign_key="vendors.id", index=True)
    offering_id: uuid.UUID | None = Field(default=None, foreign_key="offerings.id", index=True)
    offering_name: str = Field(default="", max_length=120)
    state: SuccessionState = Field(
        default=SuccessionState.PROPOSED, sa_type=enum_type(SuccessionState)
    )
    reason: str = Field(max_length=2000)
    proposed_by_id: uuid.UUID = Field(foreign_key="people.id")
    confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    giver: Vendor = related(foreign_keys="Succession.from_vendor_id")
    heir: Vendor = related(foreign_keys="Succession.to_vendor_id")

    @property
    def what(self) -> str:
        """What goes over, in words."""
        return f"「{self.offering_name}」" if self.offering_id else "会社のすべて"
