"""Files named by their content: in a folder of this machine, or in a bucket that several nodes share.

A file is kept before the row that names it is committed, so a row never names what is not there;
what a failed act leaves behind is found and removed by `narabi files check`.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import structlog

from core.config import Settings
from core.errors import Unavailable

CHUNK = 1 << 18  # bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONNECT_SECONDS, _READ_SECONDS = 5, 30

_log = structlog.get_logger()


class StorageError(Unavailable):
    """The place where files are kept does not answer, or does not have the file."""

    code = "storage_unavailable"
    title = "ファイルをいま扱えません"
    meaning = "ファイルを保存する場所が答えないか、そこにファイルがありません。"
    remedy = "しばらくしてからやり直し、続くときは運営者に知らせてください。"

    def __init__(self, message: str = "ファイルを保存する場所がいま答えません。") -> None:
        super().__init__(message)


class FileMissing(StorageError):
    """The place answers, but a file that a record names is not there."""

    code = "file_missing"
    title = "ファイルが見つかりません"
    meaning = "記録にあるファイルが、保存する場所にありません。"
    remedy = "運営者に知らせてください。運営者は控えから戻します。"

    def __init__(self) -> None:
        super().__init__(
            "記録にあるファイルが、保存する場所にありません。運営者に知らせてください。"
        )


class Content(Protocol):
    """An open file: read until nothing comes, then close."""

    def read(self, amount: int = -1, /) -> bytes:
        """Return up to so many bytes."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What a store knows of a file: SHA-256 (64 lower-case hexadecimal digits), bytes, when kept."""

    sha256: str
    size: int
    kept_at: datetime


class FileStore(Protocol):
    """Where files are kept. Every method raises StorageError when the place does not answer."""

    def keep(self, sha256: str, stream: IO[bytes]) -> None:
        """Keep a content, read from its beginning; twice is once. Nothing is seen of it before all is.

        Raises ValueError when the content has another hash.
        """
        ...

    def open(self, sha256: str) -> Content:
        """Open a content; raises FileMissing when it is not there."""
        ...

    def list(self) -> Iterator[StoredFile]:
        """Give every file that is kept, in the order of their hashes."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove a content, if it is there."""
        ...

    def probe(self) -> str:
        """Try that files can be kept here, and say where that is."""
        ...


def get_store(settings: Settings) -> FileStore:
    """Return the store of these settings: a bucket when it has an address, else a folder."""
    return _store(
        settings.data_dir.resolve() / "files",
        settings.files_url,
        settings.files_endpoint,
        settings.files_region,
        settings.files_key_id,
        settings.files_key_secret.get_secret_value(),
    )


@lru_cache(maxsize=8)
def _store(folder: Path, url: str, *access: str) -> FileStore:
    return BucketStore(url, *access) if url else FolderStore(folder)


def read_parts(content: Content) -> Iterator[bytes]:
    """Give an open file part by part; who opened it closes it."""
    while part := content.read(CHUNK):
        yield part


def hash_content(stream: IO[bytes]) -> str:
    """Return the SHA-256 of all of a stream, which stands at its beginning afterwards."""
    digest = hashlib.sha256()
    stream.seek(0)
    while part := stream.read(CHUNK):
        digest.update(part)
    stream.seek(0)
    return digest.hexdigest()


class FolderStore:
    """Files in a folder: `<root>/ab/abcdef…`."""

    def __init__(self, root: Path) -> None:
        """Use a folder; it is made when the first file comes."""
        self._root = root

    def keep(self, sha256: str, stream: IO[bytes]) -> None:
        """Write beside the place, to the disk, then move it there in one step."""
        path = self._path(sha256)
        _check_hash(sha256, stream)
        with _told(f"keep {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as out:
                try:
                    while part := stream.read(CHUNK):
                        out.write(part)
                    out.flush()
                    os.fsync(out.fileno())
                    Path(out.name).replace(path)
                except BaseException:
                    with suppress(FileNotFoundError):
                        Path(out.name).unlink()
                    raise
            _sync_folder(path.parent)

    def open(self, sha256: str) -> Content:
        """Open the file of a content."""
        path = self._path(sha256)
        with _told(f"open {path}"):
            return path.open("rb")

    def list(self) -> Iterator[StoredFile]:
        """Give the files of the folder; what is being written is none yet."""
        with _told(f"list {self._root}"):
            for path in sorted(self._root.glob("[0-9a-f][0-9a-f]/*")):
                if _SHA256.fullmatch(path.name):
                    found = path.stat()
                    moment = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield StoredFile(path.name, found.st_size, moment)

    def remove(self, sha256: str) -> None:
        """Remove the file of a content."""
        with _told(f"remove {sha256}"):
            self._path(sha256).unlink(missing_ok=True)

    def probe(self) -> str:
        """Write and remove a file."""
        with _told(f"probe {self._root}"):
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._root) as out:
                out.write(b"probe")
        return f"フォルダー {self._root}"

    def _path(self, sha256: str) -> Path:
        return self._root / _key(sha256)


class BucketStore:
    """Files in a bucket of an S3-compatible service: `<prefix>/ab/abcdef…`."""

    def __init__(self, url: str, endpoint: str, region: str, key_id: str, key_secret: str) -> None:
        """Use `s3://bucket/prefix`; without an endpoint the one of AWS for the region."""
        parts = urlsplit(url)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._access = (endpoint, region, key_id, key_secret)

    def keep(self, sha256: str, stream: IO[bytes]) -> None:
        """Send the content in one signed request: the service itself compares its hash."""
        key = self._key(sha256)
        size = _check_hash(sha256, stream)
        with _told(f"keep {key}", _service_failures()):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=stream, ContentLength=size)

    def open(self, sha256: str) -> Content:
        """Open the object of a content."""
        key = self._key(sha256)
        with _told(f"open {key}", _service_failures()):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        content: Content = answer["Body"]
        return _ToldContent(content, key)

    def list(self) -> Iterator[StoredFile]:
        """Give the objects under the prefix, page by page."""
        start = f"{self._prefix}/" if self._prefix else ""
        with _told(f"list {start}", _service_failures()):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=start):
                for each in page.get("Contents", ()):
                    name = each["Key"].rpartition("/")[2]
                    if _SHA256.fullmatch(name) and each["Key"] == self._key(name):
                        yield StoredFile(name, each["Size"], each["LastModified"])

    def remove(self, sha256: str) -> None:
        """Remove the object of a content."""
        with _told(f"remove {sha256}", _service_failures()):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(sha256))

    def probe(self) -> str:
        """Write and remove an object."""
        key = f"{self._prefix}/probe" if self._prefix else "probe"
        with _told(f"probe {self._bucket}", _service_failures()):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=b"probe")
            self._client.delete_object(Bucket=self._bucket, Key=key)
        return f"バケット {self._bucket}"

    def _key(self, sha256: str) -> str:
        return f"{self._prefix}/{_key(sha256)}" if self._prefix else _key(sha256)

    @property
    def _client(self) -> Any:
        return _s3_client(os.getpid(), *self._access)


@lru_cache(maxsize=8)
def _s3_client(_process: int, endpoint: str, region: str, key_id: str, key_secret: str) -> Any:
    """Return the client of this process; a forked one does not share its parent's connections."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or None,
        aws_access_key_id=key_id or None,
        aws_secret_access_key=key_secret or None,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 3},
            # Trailing checksums are AWS's own; a signed payload is checked by every service.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"payload_signing_enabled": True, "addressing_style": _style(endpoint)},
        ),
    )


def _style(endpoint: str) -> str:
    """Name the bucket in the path at services of others: they seldom have a host name for each."""
    return "path" if endpoint else "auto"


class _ToldContent:
    """An open object whose broken connection is told as this module tells it."""

    def __init__(self, content: Content, key: str) -> None:
        self._content, self._key = content, key

    def read(self, amount: int = -1, /) -> bytes:
        with _told(f"read {self._key}", _service_failures()):
            return self._content.read(amount)

    def close(self) -> None:
        self._content.close()


@contextmanager
def _told(what: str, failures: tuple[type[Exception], ...] = (OSError,)) -> Iterator[None]:
    """Turn what the disk or the service raises into StorageError, and keep its words for the log."""
    try:
        yield
    except failures as error:
        _log.error("storage.failed", act=what, error=repr(error))
        raise (FileMissing if _is_absence(error) else StorageError) from error


def _is_absence(error: Exception) -> bool:
    answer = getattr(error, "response", None) or {}
    return (
        isinstance(error, FileNotFoundError) or answer.get("Error", {}).get("Code") == "NoSuchKey"
    )


def _service_failures() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError)


def _key(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        msg = f"not a SHA-256: {sha256!r}"
        raise ValueError(msg)
    return f"{sha256[:2]}/{sha256}"


def _check_hash(sha256: str, stream: IO[bytes]) -> int:
    """Return the number of bytes of a stream with this hash, put back to its beginning."""
    if hash_content(stream) != sha256:
        msg = f"the content is not {sha256}"
        raise ValueError(msg)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
