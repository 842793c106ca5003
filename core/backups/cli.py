"""The two commands of backups; each ends with 1 when anything is left to do."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from core.audit_checkpoints import Checkpoint
from core.backups.archive import BackupRefusedError, Manifest
from core.backups.making import make_backup
from core.backups.restoring import Restored, Wish, restore_backup
from core.cli import SIGNED_BY, Operation, read_public_key
from core.errors import DomainError
from core.japanese import format_datetime

_KEYS = (
    "NARABI_AUDIT_KEY",
    "NARABI_SEAL_KEY",
    "NARABI_SEAL_KEYS_BEFORE（使っているとき）",
    "NARABI_SECRET_KEY",
)


@click.command("backup")
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="作るファイル。すでにある名前は使えません。",
)
@click.option("--erased", multiple=True, type=int, help="法令により詳細を消去した記録の番号。")
@click.pass_obj
def backup(operation: Operation, path: Path, erased: tuple[int, ...]) -> None:
    """データベースとファイルの控えを1つのファイルに作ります。サイトは動かしたままで構いません。"""
    with _told():
        manifest = make_backup(operation, path.absolute(), erased=erased)
    click.echo(
        f"{path}に控えを作りました（{_tell_moment(manifest)}、{path.stat().st_size:,}バイト）。"
    )
    click.echo(
        f"監査記録{manifest.audit.events:,}件、公開情報{manifest.feed.head:,}番まで、"
        f"ファイル{len(manifest.files):,}個。"
    )
    click.echo(
        f"鍵は入っていません。戻すときに要るもの：{'、'.join(_KEYS)}。別の場所に保管してください。"
    )
    _end(
        [f"ファイル{each}がないか、中身が変わっています。" for each in manifest.lost]
        + list(manifest.audit.problems)
    )


@click.command("restore")
@click.option(
    "--from",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="narabi backup で作ったファイル。",
)
@click.option("--replace", is_flag=True, help="すでに使われているデータベースを置き換えます。")
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="外に保管したいちばん新しい確認点。控えがそれより古ければ知らせます。",
)
@click.option("--older", is_flag=True, help="確認点より古い控えでも戻します。")
@click.option("--signed-by", metavar="HEX", help=SIGNED_BY)
@click.pass_obj
def restore(  # noqa: PLR0917 - click passes options by name
    operation: Operation,
    path: Path,
    replace: bool,  # noqa: FBT001
    checkpoint_file: Path | None,
    older: bool,  # noqa: FBT001
    signed_by: str | None,
) -> None:
    """控えからデータベースとファイルを戻し、索引を作り直します。"""
    with _told():
        wish = Wish(replace, _read_checkpoint(checkpoint_file), older, read_public_key(signed_by))
        restored = restore_backup(operation, path, wish)
    _tell(restored)
    problems = [f"ファイル{each}は控えにもありません。" for each in restored.manifest.lost]
    for follow in (*operation.renewals, *operation.rebuilds):
        problems += _follow(follow)
    _end(problems)


def _tell(restored: Restored) -> None:
    manifest = restored.manifest
    click.echo(
        f"{_tell_moment(manifest)}の控えを戻しました。監査記録{manifest.audit.events:,}件の"
        f"つながりと、ファイル{len(manifest.files):,}個のハッシュを確かめました。"
    )
    if restored.lacking:
        click.echo(
            f"控えのあとの監査記録{restored.lacking:,}件と、それが伝える変更は戻っていません。"
            "控えのあとに終わらせた役割と鍵は、もう一度終わらせてください。"
        )
    click.echo(
        f"公開情報の新しいepoch {restored.epoch} が、写しを持つ相手に取り直しを知らせます。"
        "サインインはすべて終わりました。"
    )


def _tell_moment(manifest: Manifest) -> str:
    return format_datetime(datetime.fromisoformat(manifest.made_at))


def _follow(act: Callable[[], str]) -> Iterator[str]:
    """Do what follows a restore; the data is back, so a failure is told and does not stop the rest."""
    try:
        click.echo(act())
    except (DomainError, SQLAlchemyError) as error:
        yield f"{error} サイトを動かす前に narabi db upgrade と narabi search rebuild を実行してください。"


def _end(problems: list[str]) -> None:
    for each in problems:
        click.echo(f"要確認　{each}", err=True)
    if problems:
        sys.exit(1)


@contextmanager
def _told() -> Iterator[None]:
    """Say a refusal in one sentence."""
    try:
        yield
    except (BackupRefusedError, DomainError, SQLAlchemyError) as error:
        raise click.ClickException(str(error)) from error


def _read_checkpoint(path: Path | None) -> Checkpoint | None:
    try:
        return Checkpoint.from_json(path.read_text("utf-8", "replace")) if path else None
    except ValueError as error:
        raise BackupRefusedError(str(error)) from error
