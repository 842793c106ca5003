"""The conditions under which a person computes costs, acting for one organisation."""

import uuid
from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from core.models import JSONType, Model

_GENERAL = text("specification_id IS NULL")


class CostProfile(Model, table=True):
    """For whom, how much and how long one person computes costs; nobody else ever sees it.

    `conditions` are the words of an address. The row without a specification holds what counts for
    every work; each other one what is counted for the services of one standard specification, and
    the baseline: what the organisation pays today for that work in a year, yen with tax, and the
    last day of that contract. It stands in no address and in no trail. Quantities or a baseline in
    the general row are of no work that anybody told: they count for no cost.
    """

    __tablename__ = "cost_profiles"
    __table_args__ = (
        UniqueConstraint("person_id", "organisation_id", "specification_id"),
        Index(
            "uq_cost_profiles_general",
            "person_id",
            "organisation_id",
            unique=True,
            postgresql_where=_GENERAL,
            sqlite_where=_GENERAL,
        ),
        CheckConstraint(
            "(baseline_yearly IS NULL) = (baseline_ends_on IS NULL)", name="whole_baseline"
        ),
    )

    person_id: uuid.UUID = Field(foreign_key="people.id")
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    specification_id: uuid.UUID | None = Field(
        default=None, foreign_key="standard_specifications.id", index=True
    )
    conditions: dict[str, str | list[str]] = Field(default_factory=dict, sa_type=JSONType)
    baseline_yearly: int | None = Field(default=None, sa_type=BigInteger)
    baseline_ends_on: date | None = None
