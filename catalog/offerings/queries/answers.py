"""What can be asked about conformance answers, their evidence, drafts and uploads."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import and_, case, func
from sqlalchemy.orm import defer, joinedload
from sqlmodel import Session, col, select

from catalog.offerings.models import (
    AnswerDraft,
    AnswerEvidence,
    AnswerUpload,
    ConformanceAnswer,
    EvidenceFile,
    OfferingVersion,
    OfferState,
)
from catalog.specifications.models import Requirement
from catalog.terms import Answer, BodyClass, RequirementClass

MAXIMUM_DRAFTS = 20_000
Answers = dict[uuid.UUID, ConformanceAnswer]


def list_answers(
    session: Session, offering_version_ids: Sequence[uuid.UUID], *, with_evidence: bool = True
) -> dict[uuid.UUID, Answers]:
    """Return answers by offering version, then by requirement row, with requirements and files."""
    statement = (
        select(ConformanceAnswer)
        .where(col(ConformanceAnswer.offering_version_id).in_(offering_version_ids))
        .options(joinedload(ConformanceAnswer.requirement))  # type: ignore[arg-type]
    )
    if with_evidence:
        files = joinedload(ConformanceAnswer.evidence)  # type: ignore[arg-type]
        statement = statement.options(files.joinedload(AnswerEvidence.file))  # type: ignore[arg-type]
    found: dict[uuid.UUID, Answers] = {version_id: {} for version_id in offering_version_ids}
    for answer in session.exec(statement).unique():
        found[answer.offering_version_id][answer.requirement_id] = answer
    return found


def find_answer(
    session: Session, offering_version_id: uuid.UUID, requirement_id: uuid.UUID
) -> ConformanceAnswer | None:
    """Return the answer to one requirement with its evidence."""
    statement = (
        select(ConformanceAnswer)
        .where(
            ConformanceAnswer.offering_version_id == offering_version_id,
            ConformanceAnswer.requirement_id == requirement_id,
        )
        .options(
            joinedload(ConformanceAnswer.requirement),  # type: ignore[arg-type]
            joinedload(ConformanceAnswer.evidence).joinedload(AnswerEvidence.file),  # type: ignore[arg-type]
        )
    )
    return session.exec(statement).unique().first()


def find_evidence(
    session: Session, offering_version_id: uuid.UUID, evidence_id: uuid.UUID
) -> AnswerEvidence | None:
    """Return one file beside an answer of an offering version."""
    statement = (
        select(AnswerEvidence)
        .join(ConformanceAnswer, col(ConformanceAnswer.id) == AnswerEvidence.answer_id)
        .where(
            AnswerEvidence.id == evidence_id,
            ConformanceAnswer.offering_version_id == offering_version_id,
        )
        .options(joinedload(AnswerEvidence.file))  # type: ignore[arg-type]
    )
    return session.exec(statement).first()


def find_file(session: Session, owner_id: uuid.UUID, sha256: str) -> EvidenceFile | None:
    """Return a company's file by its content."""
    statement = select(EvidenceFile).where(
        EvidenceFile.owner_id == owner_id, EvidenceFile.sha256 == sha256
    )
    return session.exec(statement).first()


def find_content(session: Session, sha256: str) -> EvidenceFile | None:
    """Return a file by its content alone: whoever stored it, it is the same file."""
    statement = select(EvidenceFile).where(EvidenceFile.sha256 == sha256)
    return session.exec(statement.order_by(col(EvidenceFile.id)).limit(1)).first()


def weigh_evidence(session: Session, offering_id: uuid.UUID, sha256: str = "") -> tuple[int, bool]:
    """Return the bytes of all files beside answers of an offering, and whether this content is one.

    Every version counts, and a file that several answers name counts once.
    """
    named = (
        select(AnswerEvidence.file_id)
        .join(ConformanceAnswer, col(ConformanceAnswer.id) == AnswerEvidence.answer_id)
        .join(OfferingVersion, col(OfferingVersion.id) == ConformanceAnswer.offering_version_id)
        .where(OfferingVersion.offering_id == offering_id)
    )
    statement = select(
        func.coalesce(func.sum(EvidenceFile.size), 0),
        func.count(case((col(EvidenceFile.sha256) == sha256, 1))),
    ).where(col(EvidenceFile.id).in_(named))
    total, same = session.exec(statement).one()
    return int(total), same > 0


def stream_files(session: Session) -> Iterator[tuple[str, int]]:
    """Give hash and bytes of every evidence file of every company, in the order of the hashes."""
    statement = select(EvidenceFile.sha256, EvidenceFile.size)
    statement = statement.order_by(col(EvidenceFile.sha256), col(EvidenceFile.id))
    yield from session.exec(statement.execution_options(yield_per=500))


def list_drafts(
    session: Session,
    person_id: uuid.UUID,
    offering_version_id: uuid.UUID,
    requirement_ids: Sequence[uuid.UUID] | None = None,
) -> dict[uuid.UUID, AnswerDraft]:
    """Return what a person typed and has not saved, by requirement row."""
    statement = (
        select(AnswerDraft)
        .where(
            AnswerDraft.person_id == person_id,
            AnswerDraft.offering_version_id == offering_version_id,
        )
        .limit(MAXIMUM_DRAFTS)
    )
    if requirement_ids is not None:
        statement = statement.where(col(AnswerDraft.requirement_id).in_(requirement_ids))
    return {draft.requirement_id: draft for draft in session.exec(statement)}


def list_drafted_by_others(
    session: Session, person_id: uuid.UUID | None, offering_version_id: uuid.UUID
) -> set[uuid.UUID]:
    """Return the requirement rows about which other people typed something; what it is stays theirs."""
    statement = (
        select(AnswerDraft.requirement_id)
        .where(
            AnswerDraft.person_id != person_id,
            AnswerDraft.offering_version_id == offering_version_id,
        )
        .distinct()
        .limit(MAXIMUM_DRAFTS)
    )
    return set(session.exec(statement))


def get_upload(
    session: Session, person_id: uuid.UUID, offering_version_id: uuid.UUID, upload_id: uuid.UUID
) -> AnswerUpload | None:
    """Return a table that a person sent for an offering version."""
    statement = select(AnswerUpload).where(
        AnswerUpload.id == upload_id,
        AnswerUpload.person_id == person_id,
        AnswerUpload.offering_version_id == offering_version_id,
    )
    return session.exec(statement).first()


def list_uploads_before(session: Session, moment: datetime) -> list[AnswerUpload]:
    """Return tables that were sent before a moment, without what they hold, oldest first."""
    statement = (
        select(AnswerUpload)
        .where(AnswerUpload.created_at < moment)
        .options(defer(AnswerUpload.rows))  # type: ignore[arg-type]
        .order_by(col(AnswerUpload.created_at), col(AnswerUpload.id))
        .limit(1_000)
    )
    return list(session.exec(statement))


def find_copy(
    session: Session, offering_id: uuid.UUID, specification_version_id: uuid.UUID
) -> OfferingVersion | None:
    """Return the copy of an offering to a version of its specification that still counts."""
    statement = select(OfferingVersion).where(
        OfferingVersion.offering_id == offering_id,
        OfferingVersion.specification_version_id == specification_version_id,
        OfferingVersion.state != OfferState.WITHDRAWN,
    )
    return session.exec(statement.order_by(col(OfferingVersion.number).desc()).limit(1)).first()


def requirements_by_id(
    session: Session, specification_version_id: uuid.UUID, requirement_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Requirement]:
    """Return those of the requirements that belong to the specification version."""
    statement = select(Requirement).where(
        Requirement.specification_version_id == specification_version_id,
        col(Requirement.id).in_(requirement_ids),
    )
    return {requirement.id: requirement for requirement in session.exec(statement)}


def count_mandatory_answers(
    session: Session, offering_version_ids: Sequence[uuid.UUID], body_class: BodyClass
) -> dict[uuid.UUID, dict[Answer | None, int]]:
    """Count by answer what each says to the requirements that are 実装必須 for a kind of body.

    None counts the requirements without an answer.
    """
    mandatory = getattr(Requirement, f"class_{body_class.value}") == RequirementClass.MUST
    answered = and_(
        col(ConformanceAnswer.requirement_id) == Requirement.id,
        col(ConformanceAnswer.offering_version_id) == OfferingVersion.id,
    )
    statement = (
        select(OfferingVersion.id, ConformanceAnswer.answer, func.count())
        .join(
            Requirement,
            col(Requirement.specification_version_id) == OfferingVersion.specification_version_id,
        )
        .join(ConformanceAnswer, answered, isouter=True)
        .where(col(OfferingVersion.id).in_(offering_version_ids), mandatory)
        .group_by(col(OfferingVersion.id), col(ConformanceAnswer.answer))
    )
    found: dict[uuid.UUID, dict[Answer | None, int]] = {key: {} for key in offering_version_ids}
    for key, answer, number in session.execute(statement):
        found[key][answer] = number
    return found
