"""Acts on the files that prove answers."""

import uuid

from sqlmodel import Session

from accounts.identity import Actor
from accounts.models import Organisation
from accounts.permissions import Permission, require
from catalog.offerings.evidence_check import Evidence, EvidenceRefused, say_size
from catalog.offerings.models import (
    AnswerEvidence,
    ConformanceAnswer,
    EvidenceFile,
    OfferingVersion,
)
from catalog.offerings.queries import answers as queries
from catalog.offerings.services.drafts import check_editable, record
from core.errors import Conflict, GuardFailed, NotFound

MOST_FILES = 10


def attach_evidence(
    session: Session,
    actor: Actor,
    row: OfferingVersion,
    requirement_id: uuid.UUID,
    *,
    evidence: Evidence,
    limit: int,
) -> AnswerEvidence:
    """Put a checked file beside an answer; its content is kept already. One row per content and company.

    The version of the offering rises, so that no submission passes by. Raises GuardFailed without
    an answer or beyond ten files, Conflict for a file that already stands there, EvidenceRefused
    when all files of the offering together would pass the limit, in bytes.
    """
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    row.revise()
    answer = check_room(session, row, requirement_id, evidence=evidence, limit=limit)
    file = _add_file(session, actor, row.owner_id, evidence)
    if any(each.file_id == file.id for each in answer.evidence):
        raise Conflict(f"「{evidence.name}」と同じ内容のファイルは、もうこの要件に付いています。")
    link = AnswerEvidence(answer_id=answer.id, file_id=file.id, name=evidence.name)
    session.add(link)
    session.flush()
    record(
        session,
        actor,
        "offering.attach_evidence",
        row,
        requirement=answer.requirement.requirement_id,
        file=evidence.name,
        sha256=file.sha256,
    )
    return link


def check_room(
    session: Session,
    row: OfferingVersion,
    requirement_id: uuid.UUID,
    *,
    evidence: Evidence,
    limit: int,
) -> ConformanceAnswer:
    """Return the answer beside which a file has room; asked before its content is kept, too."""
    answer = queries.find_answer(session, row.id, requirement_id)
    if answer is None:
        raise GuardFailed([("f-file", "先にこの要件に回答し、保存してください。")])
    if len(answer.evidence) >= MOST_FILES:
        sentence = (
            f"証拠のファイルは一つの要件に{MOST_FILES}個までです。不要なものを外してください。"
        )
        raise GuardFailed([("f-file", sentence)])
    total, is_known = queries.weigh_evidence(session, row.offering_id, evidence.sha256)
    if not is_known and total + evidence.size > limit:
        raise EvidenceRefused(
            f"「{evidence.name}」（{say_size(evidence.size)}）を付けると、このサービスの証拠のファイルの"
            f"合計が{say_size(limit)}を超えます。いまの合計は{say_size(total)}です。"
            "不要なファイルを外すか、小さくしてから付けてください。"
        )
    return answer


def detach_evidence(
    session: Session, actor: Actor, row: OfferingVersion, evidence_id: uuid.UUID
) -> None:
    """Take a file away from an answer; what other versions refer to stays stored."""
    actor = require(session, actor, Permission.OFFERING_EDIT, row)
    check_editable(row)
    row.revise()
    link = queries.find_evidence(session, row.id, evidence_id)
    if link is None:
        raise NotFound
    session.delete(link)
    session.flush()
    record(session, actor, "offering.detach_evidence", row, file=link.name, sha256=link.file.sha256)


def _add_file(
    session: Session, actor: Actor, owner_id: uuid.UUID, evidence: Evidence
) -> EvidenceFile:
    # Two uploads of one content wait for each other here; the second finds the first one's file.
    session.get(Organisation, owner_id, with_for_update=True)
    found = queries.find_file(session, owner_id, evidence.sha256)
    if found is not None:
        return found
    file = EvidenceFile(
        owner_id=owner_id,
        sha256=evidence.sha256,
        kind=evidence.kind,
        size=evidence.size,
        uploaded_by_id=actor.person_id,
        uploaded_by_client_id=actor.client_id,
    )
    session.add(file)
    session.flush()
    return file
