"""The feed of the catalog: where its records come from, and how they go out as text.

The text of a record is written once, when it changes, and never again on its way to a mirror.
"""

import tempfile
import threading
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlmodel import Session

from catalog import queries
from catalog.queries import KINDS
from catalog.records import SHAPE, load_records
from core import changes, db
from core.api import dump_json
from core.changes import Change, Move, Source, State
from core.errors import Unavailable

_READ = 2_000
_CHUNK = 64 * 2**10
_AT_ONCE = 2
_RETRY_SECONDS = 5
_writing = threading.BoundedSemaphore(_AT_ONCE)


def find_dependants(session: Session, moves: Sequence[Move]) -> Mapping[str, Collection[uuid.UUID]]:
    """Return what may read otherwise because something else does.

    What a vendor makes and sells comes and goes with it, listings with their offering; a certificate
    says in `recheck_by` what other versions of its specification are published.
    """
    vendors = [move.subject_id for move in moves if move.kind == "vendor" and move.turned]
    offerings = [move.subject_id for move in moves if move.kind == "offering"]
    versions = [move.subject_id for move in moves if move.kind == "specification_version"]
    found: dict[str, Collection[uuid.UUID]] = {}
    if vendors:
        found["offering"] = queries.list_offering_ids_of(session, vendors)
    if vendors or offerings:
        found["listing"] = queries.list_listing_ids_of(session, vendors, offerings)
    if versions:
        found["certificate"] = queries.list_certificate_ids_beside(session, versions)
    return found


SOURCE = Source(KINDS, SHAPE, load_records, find_dependants)


# --- what follows a number -----------------------------------------------------------------------


def dump_page(state: State, since: int, found: Sequence[Change]) -> str:
    """Return a page of changes as JSON: the records go in as the text that is kept."""
    head = dump_json(
        {
            "epoch": state.epoch,
            "head": state.head,
            "count": state.record_count,
            "content_hash": state.catalog_hash,
            "next_since": found[-1].sequence if found else since,
        }
    )
    return f'{head[:-1]},"changes":[{",".join(map(_dump_change, found))}]}}\n'


def _dump_change(change: Change) -> str:
    operation = changes.Operation.UPSERT if change.content else changes.Operation.DELETE
    return (
        f'{{"sequence":{change.sequence},"kind":"{change.kind}","id":"{change.subject_id}",'
        f'"operation":"{operation}","occurred_at":"{change.occurred_at:%Y-%m-%dT%H:%M:%S.%f}Z",'
        f'"data":{change.content or "null"}}}'
    )


# --- everything at one number --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A header and the lines behind it; the lines lie in a file without a name, not in memory."""

    header: bytes
    size: int
    tag: str
    lines: IO[bytes]

    def stream(self) -> Iterator[bytes]:
        """Give the bytes of the NDJSON, header first; closes the file at the end."""
        try:
            yield self.header
            while chunk := self.lines.read(_CHUNK):
                yield chunk
        finally:
            self.lines.close()


def tag_of(state: State) -> str:
    """Return what names everything that is public at this number."""
    return f"{state.epoch}-{state.head}-{state.catalog_hash[:32]}"


def open_snapshot(folder: Path) -> Snapshot:
    """Copy all public records of one moment into a file of this folder, as fast as they are read.

    So that no reader, however slow, holds the database open. Raises Unavailable while others are
    being copied.
    """
    if not _writing.acquire(blocking=False):
        raise Unavailable(
            "公開情報の写しをほかの読者のために作っています。少し待って、もう一度お試しください。",
            retry_after=_RETRY_SECONDS,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lines = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by stream()
        try:
            header, tag = _copy(lines)
            size = len(header) + lines.tell()
            lines.seek(0)
        except BaseException:
            lines.close()
            raise
    finally:
        _writing.release()
    return Snapshot(header, size, tag, lines)


def _copy(lines: IO[bytes]) -> tuple[bytes, str]:
    with db.reading() as session:
        state, moment = changes.read_state(session), db.now(session)
        for kind in KINDS:
            for rows in _read_all(session, kind):
                lines.write(
                    "".join(
                        f'{{"kind":"{kind}","id":"{subject_id}","data":{content}}}\n'
                        for subject_id, content in rows
                    ).encode()
                )
    return f"{dump_json(describe(state, moment))}\n".encode(), tag_of(state)


def describe(state: State, moment: Any) -> dict[str, Any]:
    """Return the first line of a snapshot."""
    return {
        "kind": "header",
        "epoch": state.epoch,
        "sequence": state.head,
        "generated_at": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "count": state.record_count,
        "content_hash": state.catalog_hash,
    }


def _read_all(session: Session, kind: str) -> Iterator[list[tuple[uuid.UUID, str]]]:
    after: uuid.UUID | None = None
    while rows := changes.list_records(session, kind, after, _READ):
        yield rows
        after = rows[-1][0]
