"""Brings a backup back: everything is checked before anything changes, and nothing older comes in silence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlmodel import Session

from core import audit, audit_checkpoints, changes, db, outbox
from core.audit_checkpoints import Checkpoint
from core.backups import archive, dumps
from core.backups.archive import BackupRefusedError, Manifest, Reader
from core.cli import Operation, alembic_config
from core.japanese import format_datetime
from core.storage import get_store

ACTION = "instance.restored"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator said beside the file.

    `replace`: over an instance that was used; `newest`: a checkpoint kept outside, with `older` when the
    backup may lack what it covers; `signed_by`: a former key of the checkpoints.
    """

    replace: bool = False
    newest: Checkpoint | None = None
    older: bool = False
    signed_by: bytes | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and the new identity of its feed; `lacking` events were in the trail it replaced."""

    manifest: Manifest
    epoch: str
    lacking: int


def restore_backup(operation: Operation, path: Path, wish: Wish) -> Restored:
    """Put database and files of a backup in the place of this instance.

    Raises BackupRefusedError, or StorageError for a store that does not answer; then the database is as before.
    """
    own = audit_checkpoints.public_key(operation.settings.effective_audit_seed)
    with archive.reading(path, wish.signed_by or own) as reader:
        manifest = reader.manifest
        _refuse_unfit(operation, manifest, wish)
        lacking = _count_lacking(manifest, wish)
        reader.check()
        # Files are named by their content: those that are there stay, whatever comes of the rest.
        _keep_files(operation, reader)
        with _loaded(reader) as session:
            _verify(session, manifest, wish, (wish.signed_by or own, own))
            operation.end_access(session)
            outbox.forget_worker(session)
            epoch = changes.begin_epoch(session)
            _record(session, reader, epoch, lacking)
    return Restored(manifest, epoch, lacking)


def _refuse_unfit(operation: Operation, manifest: Manifest, wish: Wish) -> None:
    if manifest.database != dumps.kind():
        raise BackupRefusedError(
            f"この控えは{manifest.database}のものです。NARABI_DATABASE_URL に同じ種類を指定してください。"
        )
    try:
        ScriptDirectory.from_config(alembic_config()).get_revision(manifest.revision)
    except CommandError:
        raise BackupRefusedError(
            f"この控え（版{manifest.revision}）は、より新しい Narabi {manifest.narabi} で作られました。"
            "その版の Narabi で戻してください。"
        ) from None
    held = archive.read_keys(operation.settings).seal
    if held[: len(manifest.keys.seal)] != manifest.keys.seal:
        raise BackupRefusedError(
            "封の鍵が控えのときと違い、封をした見積りを開けません。控えを作ったときの NARABI_SEAL_KEY と "
            "NARABI_SEAL_KEYS_BEFORE を同じ順に指定してください。"
        )
    if dumps.is_used() and not wish.replace:
        raise BackupRefusedError(
            "このデータベースはすでに使われています。置き換えるときは、先にその控えを取り、--replace を付けてください。"
        )


def _count_lacking(manifest: Manifest, wish: Wish) -> int:
    """Count the events that are known to have been after the backup: here, or by the checkpoint."""
    known = wish.newest.sequence if wish.newest else 0
    if known > manifest.audit.events and not wish.older:
        made_at = format_datetime(datetime.fromisoformat(manifest.made_at))
        raise BackupRefusedError(
            f"この控え（{made_at}）は確認点より古く、監査記録が{known - manifest.audit.events:,}件足りません。"
            "より新しい控えがなければ、--older を付けてください。"
        )
    here = _count_events() if dumps.is_used() else 0
    return max(known, here) - min(manifest.audit.events, max(known, here))


def _count_events() -> int:
    with db.reading() as session:
        found = session.execute(text("SELECT COALESCE(MAX(sequence), 0) FROM audit_events"))
        return int(found.scalar_one())


def _keep_files(operation: Operation, reader: Reader) -> None:
    store = get_store(operation.settings)
    for part in reader.manifest.files:
        with reader.open(part) as stream:
            store.keep(part.sha256, stream)


@contextmanager
def _loaded(reader: Reader) -> Iterator[Session]:
    with reader.open(reader.manifest.dump) as dump, dumps.brought_back(dump) as session:
        yield session


def _verify(session: Session, manifest: Manifest, wish: Wish, keys: Sequence[bytes]) -> None:
    """Hold the trail that came back against the backup's own checkpoint, and the one kept outside."""
    checkpoints = [Checkpoint.from_json(manifest.checkpoint)]
    if wish.newest is not None and wish.newest.sequence <= manifest.audit.events:
        checkpoints.append(wish.newest)
    for checkpoint in checkpoints:
        signer = bytes.fromhex(checkpoint.public_key)
        found = audit_checkpoints.verify(
            session, checkpoint, signer if signer in keys else keys[0], erased=manifest.audit.erased
        )
        new = [each for each in found.problems if each not in manifest.audit.problems]
        if new or found.events != manifest.audit.events:
            raise BackupRefusedError("監査記録が確かめられません。" + "".join(new[:5]))


def _record(session: Session, reader: Reader, epoch: str, lacking: int) -> None:
    manifest = reader.manifest
    audit.record(
        session,
        audit.SYSTEM,
        ACTION,
        "Instance",
        None,
        made_at=manifest.made_at,
        manifest_sha256=reader.manifest_sha256,
        events=manifest.audit.events,
        events_lacking=lacking,
        epoch_before=manifest.feed.epoch,
        epoch=epoch,
    )
