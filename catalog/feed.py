"""The snapshot of all that is public at one number of the change feed, and what follows it."""

import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from sqlmodel import Session

from catalog.queries import KINDS, list_ids
from catalog.records import Record, load_records
from core import changes, db
from core.api import dump_json
from core.documents import canonical_json

BATCH = 500
_IN_MEMORY = 4 * 2**20
_CHUNK = 64 * 2**10
_MODULUS = 2**256


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A header and the lines behind it; the lines lie in a temporary file, not in memory."""

    header: dict[str, Any]
    lines: IO[bytes]

    def stream(self) -> Iterator[bytes]:
        """Give the bytes of the NDJSON, header first; closes the file at the end."""
        try:
            yield dump_json(self.header).encode() + b"\n"
            while chunk := self.lines.read(_CHUNK):
                yield chunk
        finally:
            self.lines.close()


def record_hash(kind: str, subject_id: str, data: Record) -> int:
    """Return the SHA-256 of one record as a number; their sum names the whole catalog."""
    return int.from_bytes(hashlib.sha256(canonical_json([kind, subject_id, data])).digest(), "big")


def content_hash(hashes: Iterator[int]) -> str:
    """Return the sum of the records' hashes modulo 2^256: the order does not matter."""
    return f"{sum(hashes) % _MODULUS:064x}"


def take_snapshot() -> Snapshot:
    """Read all public records in one consistent view, in batches, into a temporary file."""
    lines = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by stream()
    total = count = 0
    with db.reading() as session:
        head, epoch, moment = changes.head(session), changes.epoch(session), db.now(session)
        for kind, subject_id, data in _read_all(session):
            key = str(subject_id)
            total += record_hash(kind, key, data)
            count += 1
            lines.write(dump_json({"kind": kind, "id": key, "data": data}).encode() + b"\n")
    lines.seek(0)
    header = {
        "kind": "header",
        "epoch": epoch,
        "sequence": head,
        "generated_at": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "count": count,
        "content_hash": content_hash(iter([total])),
    }
    return Snapshot(header, lines)


def _read_all(session: Session) -> Iterator[tuple[str, uuid.UUID, Record]]:
    for kind in KINDS:
        after: uuid.UUID | None = None
        while ids := list_ids(session, kind, after, BATCH):
            records = load_records(session, kind, ids)
            for subject_id in ids:
                if subject_id in records:
                    yield kind, subject_id, records[subject_id]
            after = ids[-1]
            session.expunge_all()


def list_changes(session: Session, since: int, limit: int) -> list[dict[str, Any]]:
    """Return changes after a number with the records of this moment; no record is a tombstone."""
    rows = changes.list_changes(session, since, limit)
    records = {
        kind: load_records(session, kind, [row.subject_id for row in rows if row.kind == kind])
        for kind in KINDS
    }
    found = []
    for row in rows:
        data = records[row.kind].get(row.subject_id)
        operation = changes.Operation.DELETE if data is None else changes.Operation.UPSERT
        found.append(
            {
                "sequence": row.sequence,
                "kind": row.kind,
                "id": str(row.subject_id),
                "operation": operation.value,
                "occurred_at": f"{row.occurred_at:%Y-%m-%dT%H:%M:%S.%f}Z",
                "data": data,
            }
        )
    return found
