"""Commands on the evidence files in the file storage."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import click
from sqlmodel import Session

from core import clock
from core.cli import Operation
from core.db import reading
from core.storage import FileMissing, FileStore, StorageError, get_store, read_parts

# An upload keeps its content first and commits its row a moment later.
_UNUSED_AFTER = timedelta(days=1)


@click.group("files")
def files_group() -> None:
    """証拠のファイルの操作。"""


@files_group.command("check")
@click.option(
    "--remove-unused",
    is_flag=True,
    help="どの記録にも使われず、保存から1日を過ぎたものを消します。",
)
@click.pass_obj
def check_files(operation: Operation, remove_unused: bool) -> None:  # noqa: FBT001 - click passes options by name
    """すべての保存したファイルを読み、ハッシュと大きさを確かめます。欠けや違いがあれば1で終わります。"""
    store = get_store(operation.settings)
    broken: list[str] = []
    try:
        used = _check_used(store, operation.named_files, broken)
        click.echo(f"{len(used):,}個を確かめ、{len(broken):,}個に誤りがありました。")
        unused = 0
        for sha256 in _list_unused(store, used):
            unused += 1
            if remove_unused:
                store.remove(sha256)
    except StorageError as error:
        raise click.ClickException(error.message) from error
    finally:  # what was found is said, whatever stops the rest
        for sentence in broken:
            click.echo(f"要確認　{sentence}")
    if unused:
        done = "を消しました" if remove_unused else "があります（--remove-unused で消せます）"
        click.echo(f"使われていないもの{unused:,}個{done}。")
    if broken:
        sys.exit(1)


def _check_used(
    store: FileStore,
    list_named: Callable[[Session], Iterable[tuple[str, int]]],
    broken: list[str],
) -> set[str]:
    """Read every file that a row names; returns their hashes, and adds a sentence for each fault."""
    used: set[str] = set()
    with reading() as session:
        named = list(list_named(session))
    with click.progressbar(named, label="確認") as rows:
        for sha256, size in rows:
            fault = "" if sha256 in used else _find_fault(store, sha256, size)
            used.add(sha256)
            if fault:
                broken.append(fault)
    return used


def _find_fault(store: FileStore, sha256: str, named_size: int) -> str:
    try:
        content = store.open(sha256)
    except FileMissing:
        return f"{sha256}がありません。控えから戻してください。"
    digest, size = hashlib.sha256(), 0
    try:
        for part in read_parts(content):
            digest.update(part)
            size += len(part)
    finally:
        content.close()
    if (digest.hexdigest(), size) != (sha256, named_size):
        return f"{sha256}の中身が変わっています。控えから戻してください。"
    return ""


def _list_unused(store: FileStore, used: set[str]) -> Iterator[str]:
    limit = clock.utcnow() - _UNUSED_AFTER
    for each in store.list():
        if each.sha256 not in used and each.kept_at < limit:
            yield each.sha256
