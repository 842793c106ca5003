"""The file of a backup: a tar whose signed manifest names every part by its hash.

The dump comes first, then each stored file under `files/`, last the manifest and its signature. Nothing of
the environment is in it: the manifest only says which keys the instance had, by what cannot be turned back.
"""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, ValidationError

from core.config import Settings
from core.storage import CHUNK

FORMAT: Literal["narabi-backup-1"] = "narabi-backup-1"
_MANIFEST, _SIGNATURE = "manifest.json", "manifest.sig"
_NOT_ONE = "narabi backup で作ったファイルではないか、壊れています。"


class BackupRefusedError(Exception):
    """A backup cannot be made or brought back; the message says why and how to go on."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Value):
    """A member of the archive by name, SHA-256 (64 hexadecimal digits) and bytes."""

    name: str
    sha256: str
    size: int


class Feed(_Value):
    """Where the public feed stood."""

    epoch: str
    head: int
    content_hash: str
    count: int


class Trail(_Value):
    """The audit chain as the backup holds it; `problems` were there before, `erased` by law."""

    events: int
    head: str
    problems: tuple[str, ...]
    erased: tuple[int, ...]


class Keys(_Value):
    """Which keys the instance had: the public one of its checkpoints, and marks of the sealing keys."""

    audit: str
    seal: tuple[str, ...]


class Manifest(_Value):
    """What a backup holds; `lost` are files that the records name and the store did not have whole."""

    format: Literal["narabi-backup-1"]
    made_at: str
    narabi: str
    database: Literal["sqlite", "postgresql"]
    revision: str
    dump: Part
    files: tuple[Part, ...]
    lost: tuple[str, ...]
    feed: Feed
    audit: Trail
    checkpoint: str
    keys: Keys


def read_keys(settings: Settings) -> Keys:
    """Return what a backup may say about the keys of the environment."""
    marks = (hashlib.sha256(b"narabi-seal-key\0" + seed) for seed in settings.seal_seeds)
    public = _signing_key(settings).public_key().public_bytes_raw().hex()
    return Keys(audit=public, seal=tuple(mark.hexdigest()[:16] for mark in marks))


def _signing_key(settings: Settings) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(settings.effective_audit_seed)


class Writer:
    """Adds the parts of a backup one after the other."""

    def __init__(self, out: tarfile.TarFile) -> None:
        self._out = out

    def add(self, name: str, stream: IO[bytes]) -> Part:
        """Add what a stream holds from its beginning; returns how the manifest names it."""
        member = tarfile.TarInfo(name)
        digest, member.size = measure(stream)
        member.mode = 0o600
        stream.seek(0)
        self._out.addfile(member, stream)
        return Part(name=name, sha256=digest, size=member.size)

    def finish(self, manifest: Manifest, settings: Settings) -> None:
        """Add the manifest and its signature by the key of the checkpoints."""
        content = manifest.model_dump_json().encode()
        self.add(_MANIFEST, io.BytesIO(content))
        self.add(_SIGNATURE, io.BytesIO(_signing_key(settings).sign(content)))


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Write a backup that has its name only when it is whole and on the disk; only its owner reads it."""
    if path.exists():
        raise BackupRefusedError(f"{path}がすでにあります。別の名前を指定してください。")
    draft: str | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as f:
            draft = f.name
            with tarfile.open(fileobj=f, mode="w") as out:
                yield Writer(out)
            f.flush()
            os.fsync(f.fileno())
        os.link(draft, path)  # never over what somebody else wrote meanwhile
    except FileExistsError:
        raise BackupRefusedError(f"{path}がすでにあります。別の名前を指定してください。") from None
    except OSError as error:
        raise BackupRefusedError(f"{path}に書けません（{error.strerror}）。") from error
    finally:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)


class Reader:
    """An opened backup whose manifest is signed; its parts are read by name."""

    def __init__(self, archive: tarfile.TarFile, manifest: Manifest, digest: str) -> None:
        self._archive = archive
        self.manifest, self.manifest_sha256 = manifest, digest

    @contextmanager
    def open(self, part: Part) -> Iterator[IO[bytes]]:
        """Open a part; it can be read more than once."""
        with _open_member(self._archive, part.name) as stream:
            yield stream

    def check(self) -> None:
        """Read every part and compare it with the manifest; raises BackupRefusedError."""
        for part in (self.manifest.dump, *self.manifest.files):
            with self.open(part) as stream:
                if measure(stream) != (part.sha256, part.size):
                    raise BackupRefusedError(f"{part.name}の中身が目録と合いません。{_NOT_ONE}")


@contextmanager
def reading(path: Path, public_key: bytes) -> Iterator[Reader]:
    """Open a backup that this ed25519 key has signed; raises BackupRefusedError for anything else."""
    try:
        with tarfile.open(path, "r:") as archive:
            yield _read(archive, public_key)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BackupRefusedError(f"{path}を読めません。{_NOT_ONE}") from error


def _read(archive: tarfile.TarFile, public_key: bytes) -> Reader:
    content, signature = (_read_all(archive, name) for name in (_MANIFEST, _SIGNATURE))
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except InvalidSignature:
        raise BackupRefusedError(
            "控えの署名が今の NARABI_AUDIT_KEY のものではありません。鍵を替えたあとなら、"
            "前の公開鍵を --signed-by に指定してください。"
        ) from None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BackupRefusedError(f"この控えの形式は読めません。{_NOT_ONE}") from error
    return Reader(archive, manifest, hashlib.sha256(content).hexdigest())


def _read_all(archive: tarfile.TarFile, name: str) -> bytes:
    with _open_member(archive, name) as stream:
        return stream.read()


@contextmanager
def _open_member(archive: tarfile.TarFile, name: str) -> Iterator[IO[bytes]]:
    try:
        member = archive.extractfile(name)
    except KeyError:
        raise BackupRefusedError(f"{name}が入っていません。{_NOT_ONE}") from None
    if member is None:
        raise BackupRefusedError(f"{name}がファイルではありません。{_NOT_ONE}")
    with member:
        yield member


def measure(stream: IO[bytes]) -> tuple[str, int]:
    """Return SHA-256 and bytes of what is left of a stream."""
    digest, size = hashlib.sha256(), 0
    while part := stream.read(CHUNK):
        digest.update(part)
        size += len(part)
    return digest.hexdigest(), size
