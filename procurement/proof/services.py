"""Acts: hand out what proves a case."""

from datetime import datetime

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, can, require
from core import audit
from core.db import now
from procurement.projects.models import Project
from procurement.proof.archive import ProofArchive, make_archive


def export_case(session: Session, actor: Actor, project: Project, *, seed: bytes) -> ProofArchive:
    """Make the ZIP of a case as it stands before this act, and note who took it with which hash."""
    actor = require(session, actor, Permission.EVIDENCE_EXPORT, project)
    moment: datetime = now(session)
    taker, asked = actor, Permission.QUOTE_ROUND_READ_OPENED
    made = make_archive(
        session,
        project,
        seed=seed,
        made_at=moment,
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
