"""Acts: hand out what proves a case."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, can, require
from core import audit
from core.db import now
from core.errors import Conflict
from core.storage import FileStore, read_parts
from procurement.projects.models import Project
from procurement.proof.archive import ProofArchive, make_archive
from procurement.selection.queries import list_external_decisions

_NEWER = "取り出す間に庁外決裁が記録されました。もう一度ダウンロードしてください。"


def read_scans(session: Session, store: FileStore, project_id: uuid.UUID) -> dict[str, bytes]:
    """Return the scans of the decisions on paper of a case, by SHA-256, before its ZIP is made.

    Raises StorageError when the store does not answer or does not have one of them.
    """
    found = {}
    for each in list_external_decisions(session, project_id):
        content = store.open(each.file_sha256)
        try:
            found[each.file_sha256] = b"".join(read_parts(content))
        finally:
            content.close()
    return found


def export_case(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    seed: bytes,
    scans: Mapping[str, bytes],
) -> ProofArchive:
    """Make the ZIP of a case as it stands before this act, and note who took it with which hash.

    `scans` are what `read_scans` found; raises Conflict when a decision on paper came since.
    """
    actor = require(session, actor, Permission.EVIDENCE_EXPORT, project)
    if any(e.file_sha256 not in scans for e in list_external_decisions(session, project.id)):
        raise Conflict(_NEWER)
    moment: datetime = now(session)
    taker, asked = actor, Permission.QUOTE_ROUND_READ_OPENED
    made = make_archive(
        session,
        project,
        seed=seed,
        made_at=moment,
        scans=scans,
        # The console hands out what an operator keeps for the body.
        reads_quotes=lambda each: taker.person_id is None or can(taker, asked, each),
    )
    audit.record(
        session,
        actor,
        "evidence.export",
        "Project",
        project.id,
        owner_id=project.owner_id,
        case_id=project.id,
        sha256=made.sha256,
        checkpoint=made.checkpoint.sequence,
        root=made.checkpoint.root,
    )
    return made
