"""What a case left behind as files of the ZIP, and their list in project.json."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from core.documents import canonical_json
from procurement.projects import queries as project_queries
from procurement.projects.models import Project
from procurement.proof import queries
from procurement.quoting import queries as quoting_queries
from procurement.quoting.models import QuoteRound
from procurement.selection.queries import find_quoted_rounds, list_external_decisions
from procurement.selection.services import describe_external


@dataclass(slots=True)
class Parts:
    """Files by path, and by noun what names them."""

    files: dict[str, bytes] = field(default_factory=dict)
    withheld: frozenset[uuid.UUID | None] = frozenset()  # choices whose price is not told
    listed: dict[str, list[Mapping[str, Any]]] = field(
        default_factory=lambda: {
            noun: [] for noun in ("evidence", "decisions", "requests", "papers", "quotes")
        }
    )

    def add(self, noun: str, key: uuid.UUID, **facts: Any) -> None:
        """List a thing of a noun; its files are added by the caller."""
        self.listed[noun].append({"id": str(key), **facts})


def collect_parts(
    session: Session,
    project: Project,
    reads_quotes: Callable[[QuoteRound], bool],
    scans: Mapping[str, bytes],
) -> Parts:
    """Return everything fixed of a case, `scans` by their hashes; estimated prices and sealed quotes stay where they are.

    So do opened quotes, and the papers that tell them, which whoever takes it may not read yet, such
    as an auditor before the end: they are named as withheld.
    """
    parts = Parts()
    _add_evidence(session, project, parts)
    quoted = find_quoted_rounds(session, project.id).items()
    parts.withheld = frozenset(key for key, each in quoted if not reads_quotes(each))
    _add_papers(session, project, parts)
    for round_ in reversed(quoting_queries.list_rounds(session, project.id)):
        if round_.is_sent:
            _add_round(session, round_, parts, is_withheld=not reads_quotes(round_))
    _add_decisions(session, project, parts, scans)
    _add_requests(session, project, parts)
    return parts


def _add_evidence(session: Session, project: Project, parts: Parts) -> None:
    for pack in queries.list_locked(session, project.id):
        path = f"evidence/{pack.revision}.json"
        parts.files[path] = pack.content.encode()
        parts.add("evidence", pack.id, revision=pack.revision, path=path)


def _add_papers(session: Session, project: Project, parts: Parts) -> None:
    papers = project_queries.list_papers(session, project.id)
    files: dict[uuid.UUID, dict[str, bytes]] = {paper.id: {} for paper in papers}
    for each in project_queries.list_paper_files(session, list(files)):
        files[each.paper_id][each.format] = each.content
    for paper in papers:
        named = {"kind": paper.kind.value, "title": paper.kind.label, "revision": paper.revision}
        if paper.subject_id in parts.withheld:
            parts.add("papers", paper.id, **named, sha256=paper.sha256, withheld=True, files={})
            continue
        begin = f"papers/{paper.kind.value}-{paper.revision}"
        paths = {"payload": f"{begin}.json", **{f: f"{begin}.{f}" for f in files[paper.id]}}
        parts.files[paths["payload"]] = paper.payload.encode()
        parts.files |= {paths[name]: content for name, content in files[paper.id].items()}
        parts.add("papers", paper.id, **named, files=paths)


def _add_round(session: Session, round_: QuoteRound, parts: Parts, *, is_withheld: bool) -> None:
    letter = f"quotes/{round_.ordinal}/letter.json"
    parts.files[letter] = round_.payload.encode()
    opened = None
    withheld = {"withheld": True} if round_.is_opened and is_withheld else {}
    if round_.is_opened and not is_withheld:
        opened = f"quotes/{round_.ordinal}/opened.json"
        revisions = quoting_queries.list_current_revisions(session, round_.id)
        found = [
            {
                **json.loads(quote.content),
                "invitation_id": str(quote.invitation_id),
                "receipt_sha256": revisions[quote.id].receipt_sha256,
            }
            for quote in quoting_queries.list_quotes(session, round_.id)
            if quote.content is not None
        ]
        parts.files[opened] = canonical_json(found)
    named = {"number": round_.number, "letter": letter, "opened": opened}
    parts.add("quotes", round_.id, **named, **withheld)


def _add_decisions(
    session: Session, project: Project, parts: Parts, scans: Mapping[str, bytes]
) -> None:
    """Add what was decided on paper, and its scan, under the choice it decided."""
    for number, each in enumerate(list_external_decisions(session, project.id), 1):
        path = f"decisions/{number}.json"
        scan = f"decisions/{number}.{each.file_name.rpartition('.')[2].lower()}"
        parts.files[path] = canonical_json(describe_external(each))
        parts.files[scan] = scans[each.file_sha256]
        parts.add("decisions", each.selection_id, label="庁外決裁", path=path, scan=scan)


def _add_requests(session: Session, project: Project, parts: Parts) -> None:
    for number, (request, document) in enumerate(queries.list_approved(session, project.id), 1):
        begin = f"requests/{number}"
        paths = {"payload": f"{begin}/payload.json", "document": f"{begin}/document.pdf"}
        parts.files[paths["payload"]] = request.payload.encode()
        parts.files[paths["document"]] = document.content
        parts.add("requests", request.id, number=request.number, **paths)
