"""Files by their content: the same promises in a folder and in a bucket of an S3-compatible service."""

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from core.config import Settings
from core.storage import (
    BucketStore,
    FileMissing,
    FileStore,
    FolderStore,
    StorageError,
    get_store,
    read_parts,
)

CONTENT = os.urandom(700_000)  # more than one part
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """An S3-compatible service with the bucket `narabi`; returns its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket="narabi")
    yield address
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, service: str) -> FileStore:
    """An empty store of either kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "files")
    prefix = tmp_path.name
    return BucketStore(f"s3://narabi/{prefix}", service, "us-east-1", "id", "secret")


def content_of(store: FileStore, sha256: str) -> bytes:
    content = store.open(sha256)
    try:
        return b"".join(read_parts(content))
    finally:
        content.close()


def test_file_is_kept_once_read_whole_and_removed(store: FileStore) -> None:
    assert store.probe()
    assert list(store.list()) == []
    stream = io.BytesIO(CONTENT)
    stream.seek(5)  # whoever checked it before left it anywhere
    before = datetime.now(UTC) - timedelta(seconds=5)
    store.keep(SHA256, stream)
    store.keep(SHA256, io.BytesIO(CONTENT))
    store.keep(OTHER, io.BytesIO(b"other"))
    assert content_of(store, SHA256) == CONTENT
    kept = list(store.list())
    assert [(each.sha256, each.size) for each in kept] == sorted([(SHA256, 700_000), (OTHER, 5)])
    assert all(each.kept_at >= before for each in kept)
    store.remove(SHA256)
    store.remove(SHA256)
    with pytest.raises(FileMissing):
        store.open(SHA256)
    assert [each.sha256 for each in store.list()] == [OTHER]


def test_other_content_than_named_is_not_kept(store: FileStore) -> None:
    with pytest.raises(ValueError, match=SHA256):
        store.keep(SHA256, io.BytesIO(CONTENT[:-1]))
    for name in ("../../etc/passwd", SHA256.upper(), "", SHA256 + "0"):
        with pytest.raises(ValueError, match="SHA-256"):
            store.keep(name, io.BytesIO(b""))
        with pytest.raises(ValueError, match="SHA-256"):
            store.open(name)
    assert list(store.list()) == []


def test_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        reads = 0

        def read(self, amount: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads > 5:  # the hash was right, the second part of the writing is not
                raise OSError("the disk is full")
            return super().read(amount)

    store = FolderStore(tmp_path)
    with pytest.raises(StorageError):
        store.keep(SHA256, Breaking(CONTENT))
    assert list(store.list()) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_place_that_does_not_answer_is_told_as_such(tmp_path: Path, service: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    for store in (
        FolderStore(tmp_path / "file"),
        BucketStore("s3://narabi", "http://127.0.0.1:9", "us-east-1", "id", "secret"),
        BucketStore("s3://no-such-bucket", service, "us-east-1", "id", "secret"),
    ):
        for act in (
            store.probe,
            lambda store=store: store.open(SHA256),
            lambda store=store: store.keep(SHA256, io.BytesIO(CONTENT)),
        ):
            with pytest.raises(StorageError) as told:
                act()
            assert not isinstance(told.value, FileMissing)


def test_settings_choose_the_store(tmp_path: Path) -> None:
    folder = Settings(env="development", data_dir=tmp_path)
    assert isinstance(get_store(folder), FolderStore)
    bucket = Settings(env="development", files_url="s3://narabi/files")
    assert isinstance(get_store(bucket), BucketStore)
    unsafe = Settings(
        env="production",
        files_url="https://narabi",
        files_endpoint="http://files.example.jp",
        files_key_id="id",
    )
    named = "\n".join(unsafe.problems())
    for name in ("NARABI_FILES_URL", "NARABI_FILES_ENDPOINT", "NARABI_FILES_KEY_SECRET"):
        assert name in named
    safe = Settings(
        env="production",
        files_url="s3://narabi/files",
        files_endpoint="https://files.example.jp",
        files_key_id="id",
        files_key_secret=SecretStr("secret"),
    )
    assert "NARABI_FILES" not in "\n".join(safe.problems())
