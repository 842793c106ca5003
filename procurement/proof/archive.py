"""The ZIP that shows what happened in a case: the same records give the same bytes."""

import ast
import io
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from core import audit_checkpoints
from core.audit import AuditDetail, AuditEvent, event_fields
from core.audit_checkpoints import Checkpoint
from core.audit_tree import MerkleTree
from core.clock import JST
from core.documents import canonical_json, sha256_hex
from core.japanese import format_datetime
from procurement.projects.models import Project
from procurement.proof import queries
from procurement.proof.parts import Parts, collect_parts
from procurement.proof.verify_evidence import FORMAT
from procurement.quoting.models import QuoteRound

BLOCK = 1_024
_TELLS_A_PRICE = "selection.propose"
VERIFIER = "verify_evidence.py"
_HERE = Path(__file__).parent
_README = _HERE / "readme.txt"
# The parts of the program that come before it in its one file.
_PARTS = (
    "verify_files",
    "verify_arithmetic",
    "verify_acts",
    "verify_trail",
    "verify_listing",
    "verify_documents",
    "verify_quotes",
)

Events = Sequence[tuple[AuditEvent, AuditDetail | None]]


@dataclass(frozen=True, slots=True)
class ProofArchive:
    """A finished ZIP, and the checkpoint that was made for it."""

    filename: str
    content: bytes
    sha256: str
    checkpoint: Checkpoint


def make_archive(
    session: Session,
    project: Project,
    *,
    seed: bytes,
    made_at: datetime,
    reads_quotes: Callable[[QuoteRound], bool] = lambda _round: True,
    scans: Mapping[str, bytes] = MappingProxyType({}),
) -> ProofArchive:
    """Return all that is kept of a case, with what proves it against the audit trail.

    Opened quotes are withheld from whoever does not read them yet; project.json says so. `scans` are
    those of the decisions on paper, by their SHA-256.
    """
    events = queries.list_events(session, project.id)
    tree, head = audit_checkpoints.read_tree(session)
    newest = audit_checkpoints.sign_tree(tree, head, seed, made_at)
    parts = collect_parts(session, project, reads_quotes, scans)
    kept = queries.list_checkpoints(session, events[0][0].sequence) if events else []
    checkpoints = [*(row.checkpoint for row in kept), newest]
    files = {
        "README.txt": _describe(project, newest),
        VERIFIER: assemble_verifier(),
        **_documents(project, made_at, parts),
        "events.jsonl": b"".join(_event_line(*each, parts.withheld) for each in events),
        "proofs.json": canonical_json(_prove(tree, events, checkpoints)),
        "checkpoints.json": canonical_json([each.values() for each in checkpoints]),
    }
    files["manifest.json"] = _sign_manifest(files, newest, seed)
    content = _zip(files, made_at)
    name = f"証跡一式_{project.number}_{made_at.astimezone(JST):%Y%m%d-%H%M%S}.zip"
    return ProofArchive(name, content, sha256_hex(content), newest)


@cache
def assemble_verifier() -> bytes:
    """Return the verifier as one file that needs nothing of ours: its parts, then the program."""
    imports: set[str] = set()
    bodies = []
    for name in (*_PARTS, Path(VERIFIER).stem):
        text = (_HERE / f"{name}.py").read_text("utf-8")
        described, *statements = ast.parse(text).body
        taken = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
        imports |= {line for each in taken for line in _name_libraries(each)}
        lines = text.splitlines()
        bodies.append("\n".join(lines[taken[-1].end_lineno :]).strip("\n"))
    docstring = "\n".join(lines[: described.end_lineno])
    return "\n\n".join((docstring, "\n".join(sorted(imports)), *bodies, "")).encode()


def _name_libraries(taken: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for each in taken.names:
        if isinstance(taken, ast.Import):
            yield f"import {each.name}"
        elif not str(taken.module).startswith("procurement."):
            yield f"from {taken.module} import {each.name}"


def _describe(project: Project, checkpoint: Checkpoint) -> bytes:
    text = _README.read_text("utf-8").format(
        body=project.owner.label,
        number=project.number,
        title=project.title,
        made_at=format_datetime(datetime.fromisoformat(checkpoint.made_at)),
        public_key=checkpoint.public_key,
    )
    return text.replace("\n", "\r\n").encode()


def _documents(project: Project, made_at: datetime, parts: Parts) -> dict[str, bytes]:
    described = {
        "format": FORMAT,
        "made_at": made_at.isoformat(timespec="seconds"),
        "project": {
            "id": str(project.id),
            "number": project.number,
            "title": project.title,
            "state": project.state.value,
        },
        "body": {"code": project.owner.code, "name": project.owner.label},
        **parts.listed,
    }
    return {"project.json": canonical_json(described), **parts.files}


def _event_line(
    event: AuditEvent, detail: AuditDetail | None, withheld: Collection[uuid.UUID | None]
) -> bytes:
    if event.subject_id in withheld and event.action == _TELLS_A_PRICE:
        detail = None  # its commitment stays, so that what is shown later can be held against it
    line = {
        "event": event_fields(event),
        "hash": event.hash,
        "detail": detail.detail if detail else None,
        "salt": detail.salt if detail else None,
    }
    return canonical_json(line) + b"\n"


def _prove(tree: MerkleTree, events: Events, checkpoints: Sequence[Checkpoint]) -> dict[str, Any]:
    return {
        "inclusion": {
            str(event.sequence): _hexadecimal(tree.inclusion(event.sequence - 1))
            for event, _ in events
        },
        "consistency": [
            _hexadecimal(tree.consistency(old.sequence, new.sequence))
            for old, new in pairwise(checkpoints)
        ],
    }


def _hexadecimal(steps: Sequence[bytes]) -> list[str]:
    return [step.hex() for step in steps]


def _sign_manifest(files: Mapping[str, bytes], checkpoint: Checkpoint, seed: bytes) -> bytes:
    unsigned = {
        "format": FORMAT,
        "made_at": checkpoint.made_at,
        "block": BLOCK,
        "files": {name: _measure(content) for name, content in files.items()},
        "public_key": checkpoint.public_key,
    }
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(canonical_json(unsigned))
    return canonical_json({**unsigned, "signature": signature.hex()})


def _measure(content: bytes) -> dict[str, Any]:
    starts = range(0, len(content), BLOCK)
    blocks = [sha256_hex(content[start : start + BLOCK]) for start in starts]
    return {"bytes": len(content), "sha256": sha256_hex(content), "blocks": blocks}


def _zip(files: Mapping[str, bytes], made_at: datetime) -> bytes:
    buffer = io.BytesIO()
    moment = made_at.astimezone(JST)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
