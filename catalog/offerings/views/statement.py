"""A version's conformance statement as its pages read it: answers, drafts, marks, findings, progress."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Flask, current_app
from sqlmodel import Session

from accounts.auth import actor
from accounts.permissions import Permission
from catalog.offerings.answer_rules import Mark, find_gap, needs_answer, read_marks
from catalog.offerings.models import (
    EDITABLE_STATES,
    AnswerDraft,
    ConformanceAnswer,
    OfferingVersion,
)
from catalog.offerings.queries import answers as queries
from catalog.offerings.rules import group_by_chapter
from catalog.offerings.views.frame import offering_for
from catalog.specifications.difference import ChangeKind
from catalog.specifications.models import Requirement
from catalog.specifications.queries import list_requirements
from core.errors import NotFound
from core.state_machine import LabelledCode

# By requirement row: what reviewers object to, as the pages of reviews show it.
Findings = Mapping[uuid.UUID, Sequence[object]]
FINDINGS = "offering_findings"


class Show(LabelledCode):
    """Which requirements an answer page shows."""

    ALL = "all", "すべて"
    UNANSWERED = "unanswered", "未回答"
    MUST = "must", "必須と不可"
    MISSING = "missing", "提出に足りないもの"
    CHANGED = "changed", "前の版から変わったもの"
    FINDING = "finding", "指摘のあるもの"
    DRAFT = "draft", "書きかけ"


@dataclass(frozen=True, slots=True)
class ChapterProgress:
    """A chapter with how many of its requirements are answered and how many still need it."""

    number: int
    title: str
    total: int
    answered: int
    missing: int
    changed: int
    drafts: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that the answer pages of one offering version show."""

    version: OfferingVersion
    requirements: Sequence[Requirement]
    answers: Mapping[uuid.UUID, ConformanceAnswer]
    earlier: Mapping[uuid.UUID, ConformanceAnswer] = field(default_factory=dict)
    marks: Mapping[uuid.UUID, Mark] = field(default_factory=dict)
    drafts: Mapping[uuid.UUID, AnswerDraft] = field(default_factory=dict)
    findings: Findings = field(default_factory=dict)

    @property
    def is_editable(self) -> bool:
        """Tell whether the answers may still change."""
        return self.version.state in EDITABLE_STATES

    def chapter(self, number: int) -> tuple[str, list[Requirement]]:
        """Return a chapter's title and requirements; raises NotFound for one that is not there."""
        chapters = group_by_chapter(self.requirements)
        if not 1 <= number <= len(chapters):
            raise NotFound
        return chapters[number - 1]

    def is_shown(self, show: Show, requirement: Requirement) -> bool:
        """Tell whether a filter shows a requirement."""
        answer = self.answers.get(requirement.id)
        if show in {Show.CHANGED, Show.FINDING, Show.DRAFT}:
            held = {Show.CHANGED: self.marks, Show.FINDING: self.findings, Show.DRAFT: self.drafts}
            return requirement.id in held[show]
        if show is Show.UNANSWERED:
            return answer is None
        if show is Show.MUST:
            return needs_answer(requirement)
        return show is Show.ALL or find_gap(requirement, answer) is not None

    def shows(self) -> list[Show]:
        """Return the filters that mean something here."""
        special = {
            Show.CHANGED: self.version.copied_from_id is not None,
            Show.FINDING: bool(self.findings),
            Show.DRAFT: bool(self.drafts),
        }
        return [each for each in Show if special.get(each, True)]

    def earlier_answer(self, requirement: Requirement) -> ConformanceAnswer | None:
        """Return what was answered to a changed requirement in the version copied from."""
        mark = self.marks.get(requirement.id)
        return self.earlier.get(mark.before_id) if mark and mark.before_id else None

    def change_words(self, requirement: Requirement) -> str:
        """Say in which ways a requirement changed; empty when it did not."""
        mark = self.marks.get(requirement.id)
        return "、".join(ChangeKind(kind).label for kind in mark.kinds) if mark else ""


def load_statement(session: Session, version_id: uuid.UUID, permission: Permission) -> Statement:
    """Return a version's statement with what the reader typed and what reviewers found."""
    version = offering_for(session, version_id, permission)
    copied = [version.copied_from_id] if version.copied_from_id else []
    stored = queries.list_answers(session, [version.id, *copied])
    reader = actor().person_id
    return Statement(
        version=version,
        requirements=list_requirements(session, version.specification_version_id),
        answers=stored[version.id],
        earlier=stored[copied[0]] if copied else {},
        marks=read_marks(version.requirement_changes),
        drafts=queries.list_drafts(session, reader, version.id) if reader else {},
        findings=_find_findings(session, version.id),
    )


def use_findings(app: Flask, source: Callable[[Session, uuid.UUID], Findings]) -> None:
    """Tell where the findings of reviewers on a version come from."""
    app.extensions[FINDINGS] = source


def _find_findings(session: Session, version_id: uuid.UUID) -> Findings:
    source: Callable[[Session, uuid.UUID], Findings] | None = current_app.extensions.get(FINDINGS)
    return source(session, version_id) if source else {}


def measure_progress(statement: Statement) -> list[ChapterProgress]:
    """Return the progress of each chapter."""
    return [
        ChapterProgress(
            number=number,
            title=title or "章のない要件",
            total=len(members),
            answered=sum(each.id in statement.answers for each in members),
            missing=sum(statement.is_shown(Show.MISSING, each) for each in members),
            changed=sum(each.id in statement.marks for each in members),
            drafts=sum(each.id in statement.drafts for each in members),
        )
        for number, (title, members) in enumerate(group_by_chapter(statement.requirements), start=1)
    ]
