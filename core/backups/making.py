"""Makes a backup while the site runs: database, checkpoint and list of files are of one moment."""

import hashlib
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from core import audit_checkpoints, changes, db
from core.backups import archive, dumps
from core.backups.archive import Feed, Manifest, Part, Trail, Writer
from core.cli import Operation
from core.storage import FileMissing, FileStore, get_store, read_parts

_IN_MEMORY = 8 << 20  # bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the view of the dump shows beside the rows."""

    made_at: str
    revision: str
    feed: Feed
    audit: Trail
    checkpoint: str
    named: dict[str, int]


def make_backup(operation: Operation, path: Path, *, erased: Collection[int] = ()) -> Manifest:
    """Write a backup to a path where nothing is yet; raises BackupRefusedError or StorageError.

    Files that the store lacks or holds otherwise than named are listed as lost: a backup of all the
    rest is better than none.
    """
    with archive.writing(path) as writer:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
            with dumps.dumped(Path(folder)) as (session, dump):
                seen = _look(operation, session, erased)
            with dump.open("rb") as stream:
                part = writer.add(dumps.dump_name(), stream)
        kept, lost = _add_files(writer, get_store(operation.settings), seen.named)
        manifest = Manifest(
            format=archive.FORMAT,
            made_at=seen.made_at,
            narabi=version("narabi"),
            database=dumps.kind(),
            revision=seen.revision,
            dump=part,
            files=tuple(kept),
            lost=tuple(lost),
            feed=seen.feed,
            audit=seen.audit,
            checkpoint=seen.checkpoint,
            keys=archive.read_keys(operation.settings),
        )
        writer.finish(manifest, operation.settings)
    return manifest


def read_feed(session: Session) -> Feed:
    """Return where the feed stands."""
    state = changes.read_state(session)
    return Feed(
        epoch=state.epoch,
        head=state.head,
        content_hash=state.catalog_hash,
        count=state.record_count,
    )


def _look(operation: Operation, session: Session, erased: Collection[int]) -> _Seen:
    moment = db.now(session)
    found = audit_checkpoints.verify(session, erased=erased)
    signed = audit_checkpoints.make_checkpoint(
        session, operation.settings.effective_audit_seed, moment
    )
    trail = Trail(
        events=found.events,
        head=found.head,
        problems=found.problems,
        erased=tuple(sorted(erased)),
    )
    revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return _Seen(
        moment.isoformat(timespec="seconds"),
        str(revision),
        read_feed(session),
        trail,
        signed.to_json(),
        dict(sorted(operation.named_files(session))),
    )


def _add_files(
    writer: Writer, store: FileStore, named: dict[str, int]
) -> tuple[Sequence[Part], Sequence[str]]:
    kept, lost = [], []
    for sha256, size in named.items():
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            digest = hashlib.sha256()
            try:
                content = store.open(sha256)
            except FileMissing:
                lost.append(sha256)
                continue
            try:
                for part in read_parts(content):
                    digest.update(part)
                    spool.write(part)
            finally:
                content.close()
            if (digest.hexdigest(), spool.tell()) != (sha256, size):
                lost.append(sha256)
                continue
            spool.seek(0)
            kept.append(writer.add(f"files/{sha256[:2]}/{sha256}", spool))
    return kept, lost
