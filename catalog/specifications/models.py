"""StandardSpecification, SpecificationVersion, Requirement."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from catalog.terms import BodyClass, RequirementClass, RequirementKind
from core.clock import day_in_japan
from core.models import JSONType, Model, StatefulModel, UTCDateTime, enum_type, not_same, related
from core.state_machine import LabelledCode, StateMachine

MOST_REQUIREMENTS = 10_000  # of one version; an import of more is refused whole


class Pattern(LabelledCode):
    """How a system is provided (政策上の型)."""

    COMMON_A = "a", "共通化A"
    COMMON_B = "b", "共通化B"
    STANDARDISED = "standardised", "標準化"
    INDIVIDUAL = "individual", "個別開発"


class SpecificationState(LabelledCode):
    """States of a specification version; effective, superseded are reached by date or by successor."""

    DRAFT = "draft", "下書き"
    CONSULTATION = "consultation", "意見募集中"
    APPROVED = "approved", "承認済み"
    SCHEDULED = "scheduled", "公表済み（適用前）"
    EFFECTIVE = "effective", "適用中"
    SUPERSEDED = "superseded", "次の版あり"
    RETIRED = "retired", "廃止"
    WITHDRAWN = "withdrawn", "取下げ"


class SpecificationAction(StrEnum):
    """Acts on a specification version."""

    CONSULT = "consult"
    APPROVE = "approve"
    SCHEDULE = "schedule"
    TAKE_EFFECT = "take_effect"
    SUPERSEDE = "supersede"
    RETIRE = "retire"
    WITHDRAW = "withdraw"


_S, _A = SpecificationState, SpecificationAction
SPECIFICATION_MACHINE = StateMachine(
    noun="標準仕様書の版",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.CONSULT): _S.CONSULTATION,
        (_S.DRAFT, _A.APPROVE): _S.APPROVED,
        (_S.DRAFT, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.CONSULTATION, _A.APPROVE): _S.APPROVED,
        (_S.CONSULTATION, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.APPROVED, _A.SCHEDULE): _S.SCHEDULED,
        (_S.APPROVED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SCHEDULED, _A.TAKE_EFFECT): _S.EFFECTIVE,
        (_S.SCHEDULED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.EFFECTIVE, _A.SUPERSEDE): _S.SUPERSEDED,
        (_S.EFFECTIVE, _A.RETIRE): _S.RETIRED,
        (_S.SUPERSEDED, _A.RETIRE): _S.RETIRED,
    },
)
PUBLISHED_STATES = frozenset({_S.SCHEDULED, _S.EFFECTIVE, _S.SUPERSEDED, _S.RETIRED})


class LifecycleStage(LabelledCode):
    """Where a candidate for commonalisation (共通化対象) stands; an emergency skips the agreement."""

    CANDIDATE = "candidate", "候補に選定"
    STUDY = "study", "実現性の調査"
    DRAFT_POLICY = "draft_policy", "推進方針案の作成"
    AGREEMENT = "agreement", "合意"
    PROMOTION = "promotion", "推進"
    REPORT = "report", "定期報告"
    MONITORING = "monitoring", "状況の確認（モニタリング）"


class StudyOutcome(LabelledCode):
    """What the feasibility study came to."""

    DO = "do", "共通化を進める"
    CONDITIONS_FIRST = "conditions_first", "先に条件を整える"
    OTHER_MEANS = "other_means", "ほかの手段による（共同調達など）"
    NOT_NOW = "not_now", "当面は進めない"


_OFFERING_REFUSALS = {
    Pattern.COMMON_A: (
        "共通化Aは、国が一つのシステムを用意して団体が使う型です。"
        "団体が事業者のサービスを選ぶ場面がないため、サービスの登録を受け付けません。"
    ),
    Pattern.STANDARDISED: (
        "標準化の対象業務です。主任審査員が理由を記録してSaaSの登録を認めるまで、"
        "サービスの登録を受け付けません。"
    ),
    Pattern.INDIVIDUAL: (
        "個別開発は、団体ごとにシステムを作る型です。"
        "共通のサービスから選ぶものではないため、サービスの登録を受け付けません。"
    ),
}


class StandardSpecification(Model, table=True):
    """A standard specification; a 標準化 one takes SaaS only after a lead opened it with a reason."""

    __tablename__ = "standard_specifications"
    __table_args__ = (
        CheckConstraint(
            "saas_opened_at IS NULL OR (saas_opening_reason <> '' AND saas_opened_by_id IS NOT NULL)",
            "opening_has_reason",
        ),
    )

    code: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=200)
    field: str = Field(default="", max_length=100)
    ministry: str = Field(default="", max_length=100)
    pattern: Pattern = Field(sa_type=enum_type(Pattern))
    saas_opened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    saas_opened_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    saas_opening_reason: str = Field(default="", max_length=2000)
    is_sample: bool = False

    @property
    def accepts_offerings(self) -> bool:
        """Tell whether SaaS may be registered against it: pattern B, or 標準化 that was opened."""
        if self.pattern is Pattern.COMMON_B:
            return True
        return self.pattern is Pattern.STANDARDISED and self.saas_opened_at is not None

    @property
    def offering_refusal(self) -> str:
        """Say why it takes no offerings; empty when it does."""
        return "" if self.accepts_offerings else _OFFERING_REFUSALS[self.pattern]


def title_of(label: str) -> str:
    """Return the label of a version as people say it: 1.0 becomes 第1.0版, one in words stays."""
    plain = label.replace(".", "")
    return f"第{label}版" if plain.isascii() and plain.isdigit() else label


class SpecificationVersion(StatefulModel, table=True):
    """One version of a specification; the publisher is never its last editor."""

    MACHINE: ClassVar[StateMachine] = SPECIFICATION_MACHINE
    __tablename__ = "specification_versions"
    __table_args__ = (
        UniqueConstraint("specification_id", "label"),
        CheckConstraint(
            "publisher_id IS NULL OR last_editor_id IS NOT NULL AND "
            + not_same("last_editor_id", "publisher_id"),
            "four_eyes",
        ),
        CheckConstraint(
            "transition_ends_on IS NULL OR applies_from IS NULL OR transition_ends_on >= applies_from",
            "dates",
        ),
    )

    specification_id: uuid.UUID = Field(foreign_key="standard_specifications.id", index=True)
    label: str = Field(max_length=40)
    state: SpecificationState = Field(
        default=SpecificationState.DRAFT, sa_type=enum_type(SpecificationState)
    )
    published_on: date | None = None
    applies_from: date | None = None
    transition_ends_on: date | None = None
    source_name: str = Field(default="", max_length=300)
    source_sha256: str = Field(default="", max_length=64)
    source_url: str = Field(default="", max_length=500)
    attribution: str = Field(default="", max_length=300)
    imported_name: str = Field(default="", max_length=300)
    imported_sha256: str = Field(default="", max_length=64)
    last_editor_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    publisher_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    published_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    specification: StandardSpecification = related()

    @property
    def title(self) -> str:
        """The label as people say it: 1.0 becomes 第1.0版, a label in words stays."""
        return title_of(self.label)

    @property
    def is_published(self) -> bool:
        """Tell whether everyone may read it."""
        return self.state in PUBLISHED_STATES

    @property
    def place(self) -> tuple[date, datetime, str]:
        """Where it stands among the versions: by its first day, then by its publication."""
        published = self.published_at or datetime.max.replace(tzinfo=UTC)
        return (self.applies_from or date.max, published, self.label)

    def state_at(self, moment: datetime) -> SpecificationState:
        """Return the state with the date of application taken into account (00:00 JST)."""
        if (
            self.state is SpecificationState.SCHEDULED
            and self.applies_from
            and self.applies_from <= day_in_japan(moment)
        ):
            return SpecificationState.EFFECTIVE
        return self.state


class Requirement(Model, table=True):
    """One requirement; `requirement_id` is the ministry's opaque id, unique within the version."""

    __tablename__ = "requirements"
    __table_args__ = (
        UniqueConstraint("specification_version_id", "requirement_id"),
        Index("ix_requirements_order", "specification_version_id", "position"),
    )

    specification_version_id: uuid.UUID = Field(foreign_key="specification_versions.id")
    requirement_id: str = Field(max_length=60)
    position: int
    chapter: str = Field(default="", max_length=300)
    section: str = Field(default="", max_length=300)
    subsection: str = Field(default="", max_length=300)
    name: str = Field(max_length=300)
    text: str = Field(sa_type=Text)
    kind: RequirementKind = Field(
        default=RequirementKind.FUNCTION, sa_type=enum_type(RequirementKind)
    )
    class_designated_city: RequirementClass = Field(
        sa_type=enum_type(RequirementClass, name="class_designated_city")
    )
    class_core_city: RequirementClass = Field(
        sa_type=enum_type(RequirementClass, name="class_core_city")
    )
    class_other: RequirementClass = Field(sa_type=enum_type(RequirementClass, name="class_other"))
    rationale: str = Field(default="", sa_type=Text)
    conformity_date: date | None = None
    change_type: str = Field(default="", max_length=40)
    predecessor_requirement_id: str = Field(default="", max_length=60)

    def class_for(self, body_class: BodyClass) -> RequirementClass:
        """Return the class that counts for a kind of body."""
        by_class = {
            BodyClass.DESIGNATED_CITY: self.class_designated_city,
            BodyClass.CORE_CITY: self.class_core_city,
            BodyClass.OTHER: self.class_other,
        }
        return by_class[body_class]

    @property
    def classes(self) -> tuple[RequirementClass, RequirementClass, RequirementClass]:
        """The classes for designated cities, core cities and other bodies."""
        return (self.class_designated_city, self.class_core_city, self.class_other)


class LifecycleRecord(Model, table=True):
    """What a lead recorded of a specification's way through commonalisation; the newest one counts.

    It also lists a specification whose requirements nobody has imported yet. Never changed.
    """

    __tablename__ = "lifecycle_records"
    __table_args__ = (
        CheckConstraint(
            "outcome IS NULL OR (stage IS NOT NULL AND stage <> 'candidate')", "outcome_after_study"
        ),
    )

    specification_id: uuid.UUID = Field(foreign_key="standard_specifications.id", index=True)
    stage: LifecycleStage | None = Field(default=None, sa_type=enum_type(LifecycleStage))
    outcome: StudyOutcome | None = Field(default=None, sa_type=enum_type(StudyOutcome))
    as_of: date
    source_name: str = Field(max_length=300)
    source_url: str = Field(default="", max_length=500)
    note: str = Field(default="", max_length=1000)
    recorded_by_id: uuid.UUID = Field(foreign_key="people.id")


class SpecificationVersionEnd(Model, table=True):
    """Why and by whom a version was retired or withdrawn."""

    __tablename__ = "specification_version_ends"
    __table_args__ = (CheckConstraint("reason <> ''", "has_reason"),)

    specification_version_id: uuid.UUID = Field(
        foreign_key="specification_versions.id", unique=True
    )
    reason: str = Field(max_length=2000)
    ended_by_id: uuid.UUID = Field(foreign_key="people.id")
    ended_at: datetime = Field(sa_type=UTCDateTime, nullable=False)


class SpecificationSource(Model, table=True):
    """The ministry's document itself, kept as bytes; its hash is the version's source_sha256."""

    __tablename__ = "specification_sources"

    specification_version_id: uuid.UUID = Field(
        foreign_key="specification_versions.id", unique=True
    )
    filename: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    sha256: str = Field(max_length=64)
    content: bytes = Field(sa_type=LargeBinary)


class SpecificationUpload(Model, table=True):
    """A file that a reviewer sent and has not confirmed yet, with the mapping so far."""

    __tablename__ = "specification_uploads"

    person_id: uuid.UUID = Field(foreign_key="people.id", index=True)
    filename: str = Field(max_length=200)
    content: bytes = Field(sa_type=LargeBinary)
    sha256: str = Field(max_length=64)
    facts: dict[str, Any] = Field(sa_type=JSONType)
    mapping: dict[str, Any] | None = Field(default=None, sa_type=JSONType)
    imported_version_id: uuid.UUID | None = Field(
        default=None, foreign_key="specification_versions.id"
    )


class SavedMapping(Model, table=True):
    """How a ministry's tables with the same headings are read, saved when one was imported."""

    __tablename__ = "saved_mappings"
    __table_args__ = (UniqueConstraint("ministry", "fingerprint"),)

    ministry: str = Field(max_length=100)
    fingerprint: str = Field(max_length=64, index=True)
    mapping: dict[str, Any] = Field(sa_type=JSONType)
    filename: str = Field(max_length=200)
    person_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")


@dataclass(frozen=True, slots=True)
class RequirementDraft:
    """One requirement as an importer read it, checked, not yet of any version."""

    requirement_id: str
    text: str
    name: str
    class_designated_city: RequirementClass
    class_core_city: RequirementClass
    class_other: RequirementClass
    chapter: str = ""
    section: str = ""
    subsection: str = ""
    kind: RequirementKind = RequirementKind.FUNCTION
    rationale: str = ""
    conformity_date: date | None = None
    change_type: str = ""
    predecessor_requirement_id: str = ""

    @property
    def classes(self) -> tuple[RequirementClass, RequirementClass, RequirementClass]:
        """The classes for designated cities, core cities and other bodies."""
        return (self.class_designated_city, self.class_core_city, self.class_other)
