"""Commands of operation: database, outbox, audit trail, doctor."""

import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core import audit_checkpoints, clock, db, documents, outbox, sealing
from core.clock import day_in_japan, end_of_day
from core.config import Settings, UnsafeSettingsError
from core.errors import DomainError
from core.japanese import format_date

SIGNED_BY = "前の鍵で署名したものを確かめるときの公開鍵（16進数64桁）。"
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


@dataclass(frozen=True, slots=True)
class Operation:
    """What the commands of operation need from the application."""

    settings: Settings
    handlers: Mapping[str, outbox.Handler]
    checks: Mapping[str, Callable[[], str]]
    # What follows a migration, each with the sentence that says what it did.
    renewals: Sequence[Callable[[], str]] = ()
    # Topics of the messages that come every night: their handlers send the next one.
    nightly: Sequence[str] = ()
    # Every file of the store that a row names: hash and bytes.
    named_files: Callable[[Session], Iterable[tuple[str, int]]] = lambda _session: ()
    # What runs beside the outbox until it is told to stop, and once when it is told so at the start.
    beside: Sequence[Callable[[threading.Event], None]] = ()
    # Ends what lets somebody in without a new sign-in: sessions, tokens.
    end_access: Callable[[Session], None] = lambda _session: None
    # What is built from the database, to be built anew after a restore; says what was done.
    rebuilds: Sequence[Callable[[], str]] = ()


def alembic_config() -> Config:
    """Return Alembic's configuration for the one chain of migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def upgrade_database(config: Config | None = None) -> None:
    """Bring the configured database, or the connection of a configuration, to the newest migration."""
    command.upgrade(config or alembic_config(), "head")


@click.group("db")
def database() -> None:
    """データベースの操作。"""


@database.command("upgrade")
@click.pass_obj
def upgrade(operation: Operation) -> None:
    """データベースを最新の形にします。"""
    upgrade_database()
    click.echo("データベースは最新です。")
    for renew in operation.renewals:
        click.echo(renew())


@click.group("outbox")
def outbox_group() -> None:
    """送信箱の操作。"""


@outbox_group.command("run")
@click.option("--once", is_flag=True, help="期限の来た分だけ配って終わります。")
@click.pass_obj
def run_outbox(operation: Operation, once: bool) -> None:  # noqa: FBT001 - click passes options by name
    """送信箱の中身を配り続けます（検索索引の更新など）。"""
    stop = threading.Event()
    if once:
        with db.transaction() as session:
            audit_checkpoints.begin_publishing(session)
        click.echo(f"{outbox.drain(operation.handlers)}件を処理しました。")
        stop.set()
        for run in operation.beside:
            run(stop)
        return
    # What is ill at the start is said, and waited for: no message is lost meanwhile.
    for line in _find_failures(operation.checks, lambda _: None):
        click.echo(f"要確認　{line}", err=True)
    with db.transaction() as session:
        for topic in operation.nightly:
            outbox.publish_next(session, topic, end_of_day(day_in_japan(db.now(session))))
        audit_checkpoints.begin_publishing(session)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    companions = [threading.Thread(target=run, args=[stop]) for run in operation.beside]
    for each in companions:
        each.start()
    try:
        outbox.run_forever(operation.handlers, stop)
    finally:  # however it ended, nothing goes on beside a worker that is gone
        stop.set()
        for each in companions:
            each.join()


@click.group("audit")
def audit_group() -> None:
    """監査記録の操作。"""


@audit_group.command("verify")
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="外に保管した確認点。切り捨てと全面的な書き換えも見つけます。",
)
@click.option("--signed-by", metavar="HEX", help=SIGNED_BY)
@click.option(
    "--erased",
    multiple=True,
    type=int,
    help="法令により詳細を消去した記録の番号。くり返して指定できます。",
)
@click.pass_obj
def verify_audit(
    operation: Operation,
    checkpoint_file: Path | None,
    signed_by: str | None,
    erased: tuple[int, ...],
) -> None:
    """監査記録のつながりを最初から最後まで確かめます。"""
    checkpoint = None
    if checkpoint_file is not None:
        try:
            checkpoint = audit_checkpoints.Checkpoint.from_json(
                checkpoint_file.read_text("utf-8", "replace")
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    own = audit_checkpoints.public_key(operation.settings.effective_audit_seed)
    key = read_public_key(signed_by) or own
    with db.reading() as session:
        result = audit_checkpoints.verify(
            session, checkpoint, key if checkpoint else None, erased=erased
        )
    for problem in result.problems:
        click.echo(problem, err=True)
    if result.problems:
        raise click.ClickException(f"監査記録に{len(result.problems)}件の問題があります。")
    click.echo(f"監査記録{result.events}件のつながりを確かめました。最後のハッシュ {result.head}")


def read_public_key(digits: str | None) -> bytes | None:
    """Read the public key that an operator names, None for none; ends the command when it is not one."""
    try:
        key = bytes.fromhex(digits) if digits else None
    except ValueError:
        key = b""
    if key is not None and len(key) != 32:
        raise click.ClickException("--signed-by には公開鍵を16進数64桁で指定してください。")
    return key


@audit_group.command("checkpoint")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="書き出すファイル。")
@click.option("--keep", is_flag=True, help="データベースにも残します（公開はしません）。")
@click.pass_obj
def make_checkpoint(operation: Operation, out: Path | None, keep: bool) -> None:  # noqa: FBT001 - click passes options by name
    """監査記録の今の長さと最後のハッシュに署名した確認点を作ります。別の場所に保管してください。"""
    seed = operation.settings.effective_audit_seed
    if keep:
        with db.transaction() as session:
            checkpoint = audit_checkpoints.keep_checkpoint(session, seed)
    else:
        with db.reading() as session:
            checkpoint = audit_checkpoints.make_checkpoint(session, seed, db.now(session))
    if out is None:
        click.echo(checkpoint.to_json())
    else:
        out.write_text(checkpoint.to_json() + "\n", "utf-8")
        click.echo(f"{checkpoint.sequence}番までの確認点を{out}に書きました。")


@click.command("doctor")
@click.pass_obj
def doctor(operation: Operation) -> None:
    """設定、データベース、検索、文書の書体、配送の働きを確かめます。"""
    checks: dict[str, Callable[[], str]] = {
        "設定": lambda: _check_settings(operation.settings),
        "データベース": _check_database,
        **operation.checks,
        "書体": _check_fonts,
        "封": lambda: _check_sealing(operation.settings),
        "送信箱": _check_worker,
        "監査記録": lambda: _check_checkpoints(operation.settings),
    }
    failed = False
    for line in _find_failures(checks, lambda line: click.echo(f"よい　　{line}")):
        click.echo(f"要確認　{line}")
        failed = True
    if failed:
        sys.exit(1)


def _find_failures(
    checks: Mapping[str, Callable[[], str]], on_success: Callable[[str], None]
) -> Iterator[str]:
    """Give a sentence for each check that fails."""
    for name, check in checks.items():
        try:
            on_success(f"{name}：{check()}")
        except (CheckFailedError, DomainError, UnsafeSettingsError, SQLAlchemyError) as error:
            yield f"{name}：{error}"


class CheckFailedError(Exception):
    """A check of the doctor failed; the message says how to mend it."""


def _check_settings(settings: Settings) -> str:
    settings.require_safe()
    return "開発用" if settings.is_development else "本番用"


def _check_database() -> str:
    with db.reading() as session:
        name = session.get_bind().dialect.name
        revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    newest = newest_revision()
    if revision != newest:
        raise CheckFailedError(
            f"版が{revision}で、最新の{newest}ではありません。narabi db upgrade を実行してください。"
        )
    return f"{name}、版{revision}"


def newest_revision() -> str:
    """Return the newest migration of this program."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def _check_fonts() -> str:
    try:
        folder = documents.font_folder()
    except documents.DocumentError as error:
        message = "文書用の日本語書体がありません。make install をやり直してください。"
        raise CheckFailedError(message) from error
    return f"{folder.name}があります"


def _check_sealing(settings: Settings) -> str:
    row_id = uuid.uuid4()
    sealed = sealing.seal(settings, "probe", row_id, row_id.bytes)
    try:
        opened = sealing.unseal(settings, "probe", row_id, sealed)
    except sealing.SealBrokenError as error:  # pragma: no cover - only with a broken library
        raise CheckFailedError(f"封をしたものが開きません（{error}）。") from error
    if opened != row_id.bytes or row_id.bytes in sealed:
        raise CheckFailedError("封の働きが確かめられません。暗号の部品を入れ直してください。")
    return f"{len(settings.seal_seeds)}番の鍵で封をして開けます"


def _check_worker() -> str:
    with db.reading() as session:
        seen = outbox.worker_seen_at(session)
        overdue, given_up = outbox.count_waiting(session)
    limit = timedelta(seconds=outbox.WORKER_SEEN_SECONDS)
    if seen is None or clock.utcnow() - seen > limit:
        raise CheckFailedError("配送が動いていません。narabi outbox run を起動してください。")
    if given_up:
        raise CheckFailedError(f"配れなかったものが{given_up}件あります。記録を確かめてください。")
    return f"動いています（待ち{overdue}件）"


def _check_checkpoints(settings: Settings) -> str:
    with db.reading() as session:
        newest = audit_checkpoints.list_published(session, limit=1)
        today = clock.day_in_japan(db.now(session))
    if not newest:
        message = "確認点がまだありません。narabi outbox run を起動すると、毎日公開します。"
        raise CheckFailedError(message)
    checkpoint, day = newest[0].checkpoint, newest[0].published_on or today
    if today - day > timedelta(days=audit_checkpoints.MOST_DAYS_WITHOUT):
        message = f"{format_date(day)}のあと確認点が公開されていません。"
        raise CheckFailedError(message + "narabi outbox run を起動してください。")
    key = audit_checkpoints.public_key(settings.effective_audit_seed)
    if not audit_checkpoints.is_signed(checkpoint, key):
        message = "最後の確認点が今の鍵で署名されていません。NARABI_AUDIT_KEY を確かめてください。"
        raise CheckFailedError(message)
    return f"{format_date(day)}に{checkpoint.sequence}番までの確認点を公開しました"
