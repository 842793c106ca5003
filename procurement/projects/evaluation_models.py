"""How the remaining candidates are weighed: criteria whose weights stand before any score."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from core.models import Model, StatefulModel, UTCDateTime, enum_type
from core.state_machine import LabelledCode, StateMachine

ALL_WEIGHTS = 100
MAXIMUM_POINTS = 100
MAXIMUM_CRITERIA = 6
LONGEST_NOTE = 300


class EvaluationBasis(LabelledCode):
    """By what candidates are compared."""

    PRICE_ONLY = "price_only", "価格だけで比べる"
    WEIGHTED = "weighted", "評価の項目に重みを付けて採点する"


class EvaluationState(LabelledCode):
    """States of an evaluation."""

    DRAFT = "draft", "重みの下書き"
    FIXED = "fixed", "重み確定済み"
    SCORED = "scored", "採点済み"


class EvaluationAction(StrEnum):
    """Acts on an evaluation."""

    FIX = "fix"
    UNFIX = "unfix"
    SCORE = "score"


_S, _A = EvaluationState, EvaluationAction
EVALUATION_MACHINE = StateMachine(
    noun="評価",
    initial=_S.DRAFT,
    transitions={
        (_S.DRAFT, _A.FIX): _S.FIXED,
        (_S.FIXED, _A.UNFIX): _S.DRAFT,
        (_S.FIXED, _A.SCORE): _S.SCORED,
    },
)


class Evaluation(StatefulModel, table=True):
    """How the candidates of one evidence pack are compared; its version guards weights and scores.

    Weights change only in draft, scores exist only once they are fixed, nothing changes once scored:
    the database keeps to it as well.
    """

    MACHINE: ClassVar[StateMachine] = EVALUATION_MACHINE
    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint("pack_id"),
        CheckConstraint(
            "state = 'draft' OR (fixed_by_id IS NOT NULL AND fixed_at IS NOT NULL)", "fixed"
        ),
        CheckConstraint(
            "state <> 'scored' OR (scored_by_id IS NOT NULL AND scored_at IS NOT NULL)", "scored"
        ),
        CheckConstraint("scored_at IS NULL OR scored_at >= fixed_at", "order"),
    )

    project_id: uuid.UUID = Field(foreign_key="projects.id", index=True)
    pack_id: uuid.UUID = Field(foreign_key="evidence_packs.id")
    state: EvaluationState = Field(
        default=EvaluationState.DRAFT, sa_type=enum_type(EvaluationState)
    )
    basis: EvaluationBasis = Field(sa_type=enum_type(EvaluationBasis))
    fixed_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    fixed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    scored_by_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    scored_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_editor_id: uuid.UUID = Field(foreign_key="people.id")


class EvaluationCriterion(Model, table=True):
    """One thing that is weighed; the points of the price are computed, never typed."""

    __tablename__ = "evaluation_criteria"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "position"),
        UniqueConstraint("evaluation_id", "id"),
        CheckConstraint(f"weight BETWEEN 1 AND {ALL_WEIGHTS}", "weight"),
        CheckConstraint("name <> ''", "has_name"),
    )

    evaluation_id: uuid.UUID = Field(foreign_key="evaluations.id")
    position: int
    name: str = Field(max_length=60)
    weight: int
    is_price: bool = False
    how: str = Field(default="", max_length=200)


class EvaluationScore(Model, table=True):
    """What one candidate got for one criterion, and why."""

    __tablename__ = "evaluation_scores"
    __table_args__ = (
        UniqueConstraint("criterion_id", "candidate_id"),
        ForeignKeyConstraint(
            ["evaluation_id", "criterion_id"],
            ["evaluation_criteria.evaluation_id", "evaluation_criteria.id"],
            name="fk_evaluation_scores_criterion",
        ),
        CheckConstraint(f"points BETWEEN 0 AND {MAXIMUM_POINTS}", "points"),
    )

    evaluation_id: uuid.UUID = Field(foreign_key="evaluations.id", index=True)
    criterion_id: uuid.UUID
    candidate_id: uuid.UUID = Field(foreign_key="candidates.id", index=True)
    points: int
    note: str = Field(default="", max_length=LONGEST_NOTE)
