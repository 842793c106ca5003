"""Keep the papers of a project: made inside the act that they record, fixed by hash in the trail."""

import uuid
from collections.abc import Mapping, Sequence

from sqlmodel import Session

from core import audit
from core.clock import day_in_japan
from core.db import now
from core.documents import RenderedDocument, canonical_json, sha256_hex
from core.paper import Format, Paper, describe_paper, render_paper
from procurement.projects import queries
from procurement.projects.models import Project
from procurement.projects.paper_models import FORMATS, PaperFile, PaperKind, ProjectPaper


def keep_paper(
    session: Session,
    actor: audit.Acting,
    project: Project,
    kind: PaperKind,
    paper: Paper,
    *,
    subject_id: uuid.UUID | None = None,
    fixed_sha256: str = "",
) -> ProjectPaper:
    """Render a paper in the formats of its kind and keep it; the caller has checked the act.

    Earlier papers of the kind stay: this becomes its next revision. `fixed_sha256` is the PDF that an
    editable copy names where the PDF is kept elsewhere.
    """
    payload = canonical_json(describe_paper(paper))
    files = render_paper(paper, FORMATS[kind], fixed_sha256=fixed_sha256)
    earlier = queries.find_paper(session, project.id, kind)
    revision = earlier.revision + 1 if earlier else 1
    hashes = {str(each): made.sha256 for each, made in files.items()}
    kept = ProjectPaper(
        project_id=project.id,
        owner_id=project.owner_id,
        kind=kind,
        revision=revision,
        subject_id=subject_id,
        number=paper.number,
        payload=payload.decode(),
        payload_sha256=sha256_hex(payload),
        sha256=combine_hashes(sha256_hex(payload), hashes),
        made_by_id=actor.person_id,
        made_at=now(session),
    )
    session.add(kept)
    session.flush()
    _add_files(session, project, kept, files)
    audit.record(
        session,
        actor,
        "paper.keep",
        "ProjectPaper",
        kept.id,
        owner_id=project.owner_id,
        case_id=project.id,
        kind=kept.kind.value,
        number=f"{kept.kind.label}　第{kept.revision}版",
        sha256=kept.sha256,
        files={**hashes, "payload": kept.payload_sha256},
        missing_glyphs=any(made.missing_glyphs for made in files.values()),
    )
    return kept


def _add_files(
    session: Session,
    project: Project,
    kept: ProjectPaper,
    files: Mapping[Format, RenderedDocument],
) -> None:
    day = f"{day_in_japan(kept.made_at):%Y%m%d}"
    for each, made in files.items():
        name = f"{kept.kind.label}_{project.number}_{kept.revision}_{day}.{each}"
        held = PaperFile(
            paper_id=kept.id,
            format=each,
            filename=name,
            sha256=made.sha256,
            content=made.content,
        )
        session.add(held)
    session.flush()


def combine_hashes(payload_sha256: str, files: Mapping[str, str]) -> str:
    """Return the one hash of a paper: over its words and over each of its files."""
    return sha256_hex(canonical_json({**files, "payload": payload_sha256}))


def paper_is_intact(session: Session, paper: ProjectPaper) -> bool:
    """Tell whether every byte of a paper is what the audit trail holds of it."""
    return not _list_changed(session, paper.project_id, [paper])


def list_changed_papers(session: Session, project_id: uuid.UUID) -> list[ProjectPaper]:
    """Return the papers of a project of which a byte is no longer what it was."""
    return _list_changed(session, project_id, queries.list_papers(session, project_id))


def _list_changed(
    session: Session, project_id: uuid.UUID, papers: Sequence[ProjectPaper]
) -> list[ProjectPaper]:
    if not papers:
        return []
    told = queries.list_kept_hashes(session, project_id)
    files: dict[uuid.UUID, dict[str, str]] = {paper.id: {} for paper in papers}
    for each in queries.list_paper_files(session, list(files)):
        files[each.paper_id][each.format] = sha256_hex(each.content)
    return [
        paper
        for paper in papers
        if _told(session, paper, told)
        != combine_hashes(sha256_hex(paper.payload.encode()), files[paper.id])
    ]


def _told(session: Session, paper: ProjectPaper, told: Mapping[uuid.UUID, str]) -> str | None:
    # What this very act has made is not in the trail before its end.
    made_now = paper.id not in told and paper.made_at == now(session)
    return paper.sha256 if made_now else told.get(paper.id)
