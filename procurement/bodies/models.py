"""The decree's ceilings, and what a body itself has laid down: rules, ceilings, route, letterhead."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from accounts.models import Organisation
from catalog.price_plan import TaxRounding
from core.models import Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine


class CeilingGroup(LabelledCode):
    """The two groups of bodies that the decree tells apart."""

    PREFECTURE_OR_DESIGNATED_CITY = "prefecture_or_designated_city", "都道府県・指定都市"
    MUNICIPALITY = "municipality", "その他の市区町村"


class ContractCategory(LabelledCode):
    """As what SaaS is procured; differs by body."""

    SERVICES = "services", "その他のもの（役務など）"
    LEASE = "lease", "物件の借入れ"


class RulesState(LabelledCode):
    """States of a body's rules."""

    PROPOSED = "proposed", "確定待ち"
    CONFIRMED = "confirmed", "確定済み"
    WITHDRAWN = "withdrawn", "取下げ"


class RulesAction(StrEnum):
    """Acts on a body's rules."""

    CONFIRM = "confirm"
    WITHDRAW = "withdraw"


RULES_MACHINE = StateMachine(
    noun="団体の契約の規則",
    initial=RulesState.PROPOSED,
    transitions={
        (RulesState.PROPOSED, RulesAction.CONFIRM): RulesState.CONFIRMED,
        (RulesState.PROPOSED, RulesAction.WITHDRAW): RulesState.WITHDRAWN,
    },
)
NUMBER_PATTERN = "{元号}{年度}-{番号}"
LONGEST_NUMBER = 20  # as in the columns that keep numbers


class BodyRuleSet(StatefulModel, table=True):
    """What one body has laid down for its contracts, from a day on; the newest confirmed one counts.

    Proposed by one person and confirmed by another; the database freezes it then, with its
    ceilings and its route. Amounts are yen with tax. `single_quote_up_to`: up to here one quote (or
    the published price) is enough; `sheet_omitted_up_to`: up to here no estimated price is drawn up.
    """

    MACHINE: ClassVar[StateMachine] = RULES_MACHINE
    __tablename__ = "body_rules"
    __table_args__ = (
        Index(
            "uq_body_rules_confirmed",
            "organisation_id",
            "valid_from",
            unique=True,
            sqlite_where=text("state = 'confirmed'"),
            postgresql_where=text("state = 'confirmed'"),
        ),
        CheckConstraint(not_same("proposed_by_id", "confirmed_by_id"), "four_eyes"),
        CheckConstraint(
            "state <> 'confirmed' OR (confirmed_by_id IS NOT NULL AND confirmed_at IS NOT NULL)",
            "confirmed",
        ),
        CheckConstraint(
            "NOT long_term_allowed OR (long_term_max_months > 0 AND long_term_source <> '')",
            "long_term",
        ),
        CheckConstraint("quotes_at_least BETWEEN 2 AND 10", "quotes"),
        CheckConstraint("designated_at_least BETWEEN 2 AND 20", "designated"),
    )

    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    state: RulesState = Field(default=RulesState.PROPOSED, sa_type=enum_type(RulesState))
    valid_from: date
    source: str = Field(max_length=300)
    saas_category: ContractCategory = Field(sa_type=enum_type(ContractCategory))
    rounding: TaxRounding = Field(sa_type=enum_type(TaxRounding))
    long_term_allowed: bool = False
    long_term_max_months: int | None = None
    long_term_source: str = Field(default="", max_length=300)
    quotes_at_least: int = 2
    designated_at_least: int = 3
    single_quote_up_to: int | None = None
    sheet_omitted_up_to: int | None = None
    number_pattern: str = Field(default=NUMBER_PATTERN, max_length=60)
    head_title: str = Field(max_length=40)
    head_name: str = Field(max_length=60)
    department: str = Field(max_length=100)
    address: str = Field(max_length=200)
    phone: str = Field(max_length=40)
    proposed_by_id: uuid.UUID = Field(foreign_key="people.id")
    confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    withdrawal_reason: str = Field(default="", max_length=1000)

    body: Organisation = related()

    @property
    def owner_id(self) -> uuid.UUID:
        """The body."""
        return self.organisation_id


class StepKind(LabelledCode):
    """What a person does on the way of a paper through the body."""

    PREPARE = "prepare", "起案"
    EXAMINE = "examine", "審査"
    JOIN = "join", "合議"
    DECIDE = "decide", "決裁"


class ApprovalStep(Model, table=True):
    """One box of the route: whose seal, up to which amount (yen with tax; None is without limit)."""

    __tablename__ = "approval_steps"
    __table_args__ = (
        UniqueConstraint("body_rules_id", "band", "position"),
        CheckConstraint("upto_amount IS NULL OR upto_amount > 0", "positive"),
        CheckConstraint("title <> ''", "has_title"),
    )

    body_rules_id: uuid.UUID = Field(foreign_key="body_rules.id")
    band: int
    position: int
    upto_amount: int | None = None
    kind: StepKind = Field(sa_type=enum_type(StepKind))
    title: str = Field(max_length=40)


class DocumentCounter(Model, table=True):
    """The last number given per body, kind of paper and fiscal year; locked while one is given."""

    __tablename__ = "document_counters"
    __table_args__ = (UniqueConstraint("owner_id", "series", "fiscal_year"),)

    owner_id: uuid.UUID = Field(foreign_key="organisations.id")
    series: str = Field(max_length=20)
    fiscal_year: int
    last: int = 0


class SmallAmountCeiling(Model, table=True):
    """The highest estimated price, yen with tax, for ground 1号; `organisation_id` None is the decree.

    Source of the decree's rows: 地方自治法施行令 別表第五, in force since 2025-04-01. A body's own row
    belongs to its rules and counts with them, never above the decree's row of the day.
    """

    __tablename__ = "small_amount_ceilings"
    __table_args__ = (
        CheckConstraint("amount > 0", "positive"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", "validity"),
    )

    organisation_id: uuid.UUID | None = Field(
        default=None, foreign_key="organisations.id", index=True
    )
    body_rules_id: uuid.UUID | None = Field(default=None, foreign_key="body_rules.id")
    group: CeilingGroup | None = Field(default=None, sa_type=enum_type(CeilingGroup))
    category: ContractCategory = Field(sa_type=enum_type(ContractCategory))
    amount: int
    valid_from: date
    valid_to: date | None = None
    source: str = Field(max_length=300)
