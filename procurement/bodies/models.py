"""Ceilings of small-amount direct contracts, as data with validity."""

import uuid
from datetime import date

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from core.models import Model, enum_type
from core.state_machine import LabelledCode


class CeilingGroup(LabelledCode):
    """The two groups of bodies that the decree tells apart."""

    PREFECTURE_OR_DESIGNATED_CITY = "prefecture_or_designated_city", "都道府県・指定都市"
    MUNICIPALITY = "municipality", "その他の市区町村"


class ContractCategory(LabelledCode):
    """As what SaaS is procured; differs by body."""

    SERVICES = "services", "その他のもの（役務など）"
    LEASE = "lease", "物件の借入れ"


class SmallAmountCeiling(Model, table=True):
    """The highest estimated price, yen with tax, for ground 1号; `organisation_id` None is the decree.

    Source of the decree's rows: 地方自治法施行令 別表第五, in force since 2025-04-01.
    """

    __tablename__ = "small_amount_ceilings"
    __table_args__ = (
        CheckConstraint("amount > 0", "positive"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", "validity"),
    )

    organisation_id: uuid.UUID | None = Field(
        default=None, foreign_key="organisations.id", index=True
    )
    group: CeilingGroup | None = Field(default=None, sa_type=enum_type(CeilingGroup))
    category: ContractCategory = Field(sa_type=enum_type(ContractCategory))
    amount: int
    valid_from: date
    valid_to: date | None = None
    source: str = Field(max_length=300)
