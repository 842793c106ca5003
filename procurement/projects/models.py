"""Project, its bodies and conditions, evidence packs and candidates."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from accounts.models import Organisation
from catalog.offerings.models import ListingVersion
from core.models import (
    JSONType,
    Model,
    StatefulModel,
    UTCDateTime,
    enum_type,
    related,
)
from core.state_machine import LabelledCode, StateMachine
from procurement.bodies.models import ContractCategory


class ProjectState(LabelledCode):
    """States of a project."""

    DRAFT = "draft", "準備中"
    SEARCHING = "searching", "検索中"
    EVIDENCE_LOCKED = "evidence_locked", "検索結果確定済み"
    COMPARED = "compared", "比較済み"
    QUOTING = "quoting", "見積依頼中"
    QUOTES_OPENED = "quotes_opened", "見積開封済み"
    SELECTION_PROPOSED = "selection_proposed", "選定の決裁待ち"
    SELECTION_APPROVED = "selection_approved", "選定決裁済み"
    CLOSED = "closed", "完了"
    NONE_SUITABLE = "none_suitable", "適するサービスなし"
    CANCELLED = "cancelled", "中止"


class ProjectAction(StrEnum):
    """Acts on a project."""

    START_SEARCH = "start_search"
    LOCK_EVIDENCE = "lock_evidence"
    COMPARE = "compare"
    REQUEST_QUOTES = "request_quotes"
    OPEN_QUOTES = "open_quotes"
    ABANDON_QUOTES = "abandon_quotes"
    PROPOSE = "propose"
    APPROVE = "approve"
    RETURN = "return"
    RETURN_TO_QUOTES = "return_to_quotes"
    RESELECT = "reselect"
    RESELECT_AMONG_QUOTES = "reselect_among_quotes"
    CLOSE = "close"
    FIND_NONE = "find_none"
    CANCEL = "cancel"


_S, _A = ProjectState, ProjectAction
EDITABLE_STATES = frozenset({_S.DRAFT, _S.SEARCHING, _S.EVIDENCE_LOCKED, _S.COMPARED})
# What a locked search answered: after the lock only a new search may answer other words or days.
FROZEN_FIELDS = ("need", "specification_version_id", "starts_on", "term_months")
FROZEN_WORDS = (
    "検索結果を確定したあとは変えられません。"
    "変えるときは、検索をやり直して、新しい検索結果を確定してください。"
)
ENDED_STATES = frozenset({_S.CLOSED, _S.NONE_SUITABLE, _S.CANCELLED})
_OPEN_STATES = (
    _S.DRAFT,
    _S.SEARCHING,
    _S.EVIDENCE_LOCKED,
    _S.COMPARED,
    _S.QUOTES_OPENED,
    _S.SELECTION_PROPOSED,
)
PROJECT_MACHINE = StateMachine(
    noun="調達案件",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.START_SEARCH): _S.SEARCHING,
        (_S.SEARCHING, _A.LOCK_EVIDENCE): _S.EVIDENCE_LOCKED,
        (_S.EVIDENCE_LOCKED, _A.START_SEARCH): _S.SEARCHING,
        (_S.COMPARED, _A.START_SEARCH): _S.SEARCHING,
        (_S.EVIDENCE_LOCKED, _A.COMPARE): _S.COMPARED,
        (_S.COMPARED, _A.REQUEST_QUOTES): _S.QUOTING,
        (_S.QUOTING, _A.OPEN_QUOTES): _S.QUOTES_OPENED,
        (_S.QUOTING, _A.ABANDON_QUOTES): _S.COMPARED,
        (_S.QUOTES_OPENED, _A.REQUEST_QUOTES): _S.QUOTING,
        (_S.QUOTES_OPENED, _A.ABANDON_QUOTES): _S.COMPARED,
        (_S.COMPARED, _A.PROPOSE): _S.SELECTION_PROPOSED,
        (_S.SELECTION_PROPOSED, _A.APPROVE): _S.SELECTION_APPROVED,
        (_S.QUOTES_OPENED, _A.PROPOSE): _S.SELECTION_PROPOSED,
        (_S.SELECTION_PROPOSED, _A.RETURN): _S.COMPARED,
        (_S.SELECTION_PROPOSED, _A.RETURN_TO_QUOTES): _S.QUOTES_OPENED,
        (_S.SELECTION_APPROVED, _A.RESELECT): _S.COMPARED,
        (_S.SELECTION_APPROVED, _A.RESELECT_AMONG_QUOTES): _S.QUOTES_OPENED,
        (_S.SELECTION_APPROVED, _A.CLOSE): _S.CLOSED,
        **{
            (state, _A.FIND_NONE): _S.NONE_SUITABLE
            for state in (_S.SEARCHING, _S.EVIDENCE_LOCKED, _S.COMPARED, _S.QUOTES_OPENED)
        },
        **{(state, _A.CANCEL): _S.CANCELLED for state in (*_OPEN_STATES, _S.SELECTION_APPROVED)},
    },
)


class ContractTermBasis(LabelledCode):
    """On which legal basis a term may pass the fiscal year (地方自治法 214, 234の3)."""

    SINGLE_YEAR = "single_year", "単年度"
    DEBT_BURDEN = "debt_burden", "債務負担行為"
    LONG_TERM = "long_term", "長期継続契約（条例）"


class Project(StatefulModel, table=True):
    """One purchase of one body, from need to closed; estimated price stays with named people.

    `search_query` is the query to be locked next: text, filters, sort and seed; empty before the first.
    `cost_conditions` are quantities, options and rounding by which costs are computed; none: the
    registered population alone. They change no more once the search is locked, which adds the
    `registered` population of that day.
    """

    MACHINE: ClassVar[StateMachine] = PROJECT_MACHINE
    __tablename__ = "projects"
    __table_args__ = (
        UniqueConstraint("owner_id", "number"),
        CheckConstraint("term_months > 0", "term"),
    )

    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    number: str = Field(max_length=20)
    state: ProjectState = Field(
        default=ProjectState.DRAFT, sa_type=enum_type(ProjectState), index=True
    )
    title: str = Field(max_length=120)
    need: str = Field(sa_type=Text)
    starts_on: date
    term_months: int
    term_basis: ContractTermBasis = Field(
        default=ContractTermBasis.SINGLE_YEAR, sa_type=enum_type(ContractTermBasis)
    )
    budget_line: str = Field(default="", max_length=200)
    budget_fiscal_year: int | None = None
    budget_amount: int | None = None
    burden_limit: int | None = None
    burden_voted_on: date | None = None
    burden_until: date | None = None
    category: ContractCategory = Field(
        default=ContractCategory.SERVICES, sa_type=enum_type(ContractCategory)
    )
    created_by_id: uuid.UUID = Field(foreign_key="people.id")
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")
    end_reason: str = Field(default="", max_length=2000)
    specification_version_id: uuid.UUID | None = Field(
        default=None, foreign_key="specification_versions.id"
    )
    search_query: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)
    cost_conditions: dict[str, Any] = Field(default_factory=dict, sa_type=JSONType)

    owner: Organisation = related()

    @property
    def project_id(self) -> uuid.UUID:
        """The case that the audit trail files it under: itself."""
        return self.id

    @property
    def has_open_costs(self) -> bool:
        """Tell whether the clerk may still say by what costs are computed: nothing is locked."""
        return self.state in {ProjectState.DRAFT, ProjectState.SEARCHING}

    @property
    def is_editable(self) -> bool:
        """Tell whether the clerk may still change need, term and candidates."""
        return self.state in EDITABLE_STATES


class BodyRole(LabelledCode):
    """What a body is in a project."""

    LEAD = "lead", "幹事団体"
    JOINING = "joining", "参加団体"


class ProjectBody(Model, table=True):
    """One body of a project: the lead, made with it, and those that may join it.

    No permission reads it: until a joint procedure is decided, only the owner sees the project.
    """

    __tablename__ = "project_bodies"
    __table_args__ = (
        UniqueConstraint("project_id", "organisation_id"),
        CheckConstraint("population IS NULL OR population > 0", "population"),
        Index(
            "uq_project_bodies_lead",
            "project_id",
            unique=True,
            sqlite_where=text("role = 'lead'"),
            postgresql_where=text("role = 'lead'"),
        ),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id")
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    role: BodyRole = Field(sa_type=enum_type(BodyRole))
    joined_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    population: int | None = None


class ConditionKind(LabelledCode):
    """What a condition is about; the first two are made by the lock itself."""

    CASE = "case", "案件の必要"
    SEARCH = "search", "検索の条件"
    FUNCTION = "function", "機能"
    TERM = "term", "期間と料金"
    SECURITY = "security", "安全とデータの置き場所"
    EXIT = "exit", "解約とデータの返還"
    OTHER = "other", "そのほか"


TYPED_KINDS = tuple(
    kind for kind in ConditionKind if kind not in {ConditionKind.CASE, ConditionKind.SEARCH}
)
LONGEST_CONDITION = 300


class ProjectCondition(Model, table=True):
    """What the body asks of a service, in its own words; may be changed until the lock copies it."""

    __tablename__ = "project_conditions"
    __table_args__ = (
        UniqueConstraint("project_id", "key"),
        CheckConstraint("text <> ''", "has_text"),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id")
    key: str = Field(max_length=20)
    position: int
    kind: ConditionKind = Field(sa_type=enum_type(ConditionKind))
    text: str = Field(max_length=LONGEST_CONDITION)


class ProjectCounter(Model, table=True):
    """The last project number given per body and fiscal year; locked while one is given."""

    __tablename__ = "project_counters"
    __table_args__ = (UniqueConstraint("owner_id", "fiscal_year"),)

    owner_id: uuid.UUID = Field(foreign_key="organisations.id")
    fiscal_year: int
    last: int = 0


class EvidencePack(Model, table=True):
    """What the buyer saw when the search was locked, as canonical JSON (RFC 8785); never changes.

    `catalog_sequence` is the public change number at which it was true.
    """

    __tablename__ = "evidence_packs"
    __table_args__ = (UniqueConstraint("project_id", "revision"),)

    project_id: uuid.UUID = Field(foreign_key="projects.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    revision: int
    catalog_sequence: int
    catalog_epoch: str = Field(max_length=36)
    content: str = Field(sa_type=Text)
    sha256: str = Field(max_length=64, index=True)
    locked_by_id: uuid.UUID = Field(foreign_key="people.id")
    locked_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class EvidenceCondition(Model, table=True):
    """One condition as it was locked: 案- of the case, F- of the search, 条- typed; never changes."""

    __tablename__ = "evidence_conditions"
    __table_args__ = (UniqueConstraint("pack_id", "key"),)

    pack_id: uuid.UUID = Field(foreign_key="evidence_packs.id")
    key: str = Field(max_length=20)
    position: int
    kind: ConditionKind = Field(sa_type=enum_type(ConditionKind))
    text: str = Field(sa_type=Text)


class Candidate(Model, table=True):
    """One locked hit in its order; excluded ones carry a reason and the locked condition not met.

    `excluded_uncited` marks what was excluded before conditions were locked. The database lets an
    exclusion change only while the project has its search locked and is not yet compared.
    """

    __tablename__ = "candidates"
    __table_args__ = (
        UniqueConstraint("pack_id", "listing_version_id"),
        UniqueConstraint("pack_id", "rank"),
        ForeignKeyConstraint(
            ["pack_id", "condition_key"],
            ["evidence_conditions.pack_id", "evidence_conditions.key"],
            name="fk_candidates_condition",
        ),
        CheckConstraint("excluded_at IS NULL OR exclusion_reason <> ''", "exclusion_has_reason"),
        CheckConstraint(
            "excluded_at IS NULL OR condition_key IS NOT NULL OR excluded_uncited",
            "exclusion_cites",
        ),
    )

    pack_id: uuid.UUID = Field(foreign_key="evidence_packs.id", index=True)
    rank: int
    listing_version_id: uuid.UUID = Field(foreign_key="listing_versions.id")
    listing_sha256: str = Field(max_length=64)
    offering_sha256: str = Field(max_length=64)
    excluded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    excluded_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    exclusion_reason: str = Field(default="", max_length=1000)
    condition_key: str | None = Field(default=None, max_length=20)
    excluded_uncited: bool = False

    listing_version: ListingVersion = related()

    @property
    def is_excluded(self) -> bool:
        """Tell whether the clerk took it out, with a reason."""
        return self.excluded_at is not None
