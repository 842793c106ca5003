"""The conditions under which a person computes costs, acting for one organisation."""

import uuid
from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field

from core.models import JSONType, Model


class CostProfile(Model, table=True):
    """For whom, how much and how long one person computes costs; nobody else ever sees it.

    `conditions` are the words of an address. The baseline is what the organisation pays today for a
    year, yen with tax, and the last day of that contract: it stands in no address and in no trail.
    """

    __tablename__ = "cost_profiles"
    __table_args__ = (
        UniqueConstraint("person_id", "organisation_id"),
        CheckConstraint(
            "(baseline_yearly IS NULL) = (baseline_ends_on IS NULL)", name="whole_baseline"
        ),
    )

    person_id: uuid.UUID = Field(foreign_key="people.id")
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    conditions: dict[str, str | list[str]] = Field(default_factory=dict, sa_type=JSONType)
    baseline_yearly: int | None = Field(default=None, sa_type=BigInteger)
    baseline_ends_on: date | None = None
