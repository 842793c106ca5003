"""Bodies that a vendor names as users of a service; shown only after the body itself confirmed."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from accounts.models import Organisation
from catalog.offerings.models import Listing
from core.models import StatefulModel, UTCDateTime, enum_type, related
from core.state_machine import LabelledCode, StateMachine


class ReferenceState(LabelledCode):
    """States of a reference; only a confirmed one is public."""

    ASKED = "asked", "団体の確認待ち"
    CONFIRMED = "confirmed", "確認済み（公開中）"
    REFUSED = "refused", "団体が断りました"
    WITHDRAWN = "withdrawn", "団体が取り消しました"
    DROPPED = "dropped", "事業者が取り下げました"


class ReferenceAction(StrEnum):
    """Acts on a reference."""

    CONFIRM = "confirm"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    DROP = "drop"


_S, _A = ReferenceState, ReferenceAction
REFERENCE_MACHINE = StateMachine(
    "導入団体としての掲載",
    _S.ASKED,
    {
        (_S.ASKED, _A.CONFIRM): _S.CONFIRMED,
        (_S.ASKED, _A.REFUSE): _S.REFUSED,
        (_S.ASKED, _A.DROP): _S.DROPPED,
        (_S.CONFIRMED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.CONFIRMED, _A.DROP): _S.DROPPED,
    },
)
LIVE_STATES = (_S.ASKED, _S.CONFIRMED)
_LIVE = text("state IN ('asked', 'confirmed')")


class AdoptionReference(StatefulModel, table=True):
    """A body that a seller names as a user; `owner_id` is the seller's organisation."""

    MACHINE: ClassVar[StateMachine] = REFERENCE_MACHINE
    __tablename__ = "adoption_references"
    __table_args__ = (
        Index(
            "uq_adoption_references_live",
            "listing_id",
            "body_id",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
        CheckConstraint(
            "state NOT IN ('confirmed', 'refused', 'withdrawn') "
            "OR (answered_by_id IS NOT NULL AND answered_at IS NOT NULL)",
            "answered_by_somebody",
        ),
    )

    listing_id: uuid.UUID = Field(foreign_key="listings.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    body_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: ReferenceState = Field(
        default=ReferenceState.ASKED, sa_type=enum_type(ReferenceState), index=True
    )
    used_since: str = Field(default="", max_length=40)
    note: str = Field(default="", max_length=300)
    asked_by_id: uuid.UUID = Field(foreign_key="people.id")
    asked_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    answered_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reason: str = Field(default="", max_length=1000)

    listing: Listing = related()
    body: Organisation = related(foreign_keys="AdoptionReference.body_id")

    @property
    def addressee_id(self) -> uuid.UUID:
        """The body that is asked."""
        return self.body_id

    @property
    def is_sent(self) -> bool:
        """A body sees from the start what is asked of it."""
        return True
