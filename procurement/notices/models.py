"""ContractNotice: prepared by a clerk, published, corrected by another one, withdrawn by an approver."""

import json
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from core.models import StatefulModel, UTCDateTime, enum_type, not_same
from core.state_machine import LabelledCode, StateMachine


class NoticeState(LabelledCode):
    """States of a contract notice."""

    PREPARED = "prepared", "公表の決裁待ち"
    PUBLISHED = "published", "公表中"
    SUPERSEDED = "superseded", "訂正済み"
    WITHDRAWN = "withdrawn", "取下げ"


class NoticeAction(StrEnum):
    """Acts on a contract notice."""

    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


_S, _A = NoticeState, NoticeAction


def _one(state: NoticeState) -> Index:
    where = text(f"state = '{state.value}'")
    return Index(
        f"uq_contract_notices_{state.value}",
        "contract_id",
        unique=True,
        postgresql_where=where,
        sqlite_where=where,
    )


class ContractNotice(StatefulModel, table=True):
    """What a body publishes of a contract; `content` is JSON and stays as it was decided on.

    A correction is a notice of its own that names the one before; a contract has at most one public
    notice and one that waits for its decision.
    """

    MACHINE: ClassVar[StateMachine] = StateMachine(
        noun="契約の公表",
        initial=_S.PREPARED,
        transitions={
            (_S.PREPARED, _A.PUBLISH): _S.PUBLISHED,
            (_S.PREPARED, _A.WITHDRAW): _S.WITHDRAWN,
            (_S.PUBLISHED, _A.SUPERSEDE): _S.SUPERSEDED,
            (_S.PUBLISHED, _A.WITHDRAW): _S.WITHDRAWN,
            (_S.SUPERSEDED, _A.WITHDRAW): _S.WITHDRAWN,
        },
    )
    __tablename__ = "contract_notices"
    __table_args__ = (
        _one(_S.PREPARED),
        _one(_S.PUBLISHED),
        Index("uq_contract_notices_sequence", "sequence", unique=True),
        Index("ix_contract_notices_published", "published_at", "id"),
        CheckConstraint(not_same("prepared_by_id", "published_by_id"), "four_eyes"),
        CheckConstraint(
            "state <> 'published' OR (published_by_id IS NOT NULL AND published_at IS NOT NULL)",
            "published_whole",
        ),
    )

    contract_id: uuid.UUID = Field(foreign_key="contracts.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: NoticeState = Field(default=NoticeState.PREPARED, sa_type=enum_type(NoticeState))
    content: str = Field(sa_type=Text)
    content_sha256: str = Field(max_length=64)
    prepared_by_id: uuid.UUID = Field(foreign_key="people.id")
    published_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    published_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawal_reason: str = Field(default="", max_length=1000)
    corrects_id: uuid.UUID | None = Field(default=None, foreign_key="contract_notices.id")
    correction_reason: str = Field(default="", max_length=1000)
    sequence: int | None = None  # of its last public act, over the notices of all bodies

    @property
    def facts(self) -> dict[str, Any]:
        """What it says, as JSON values."""
        found: dict[str, Any] = json.loads(self.content)
        return found
