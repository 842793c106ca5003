"""Commands of the search index."""

import sys
import time
from typing import Any

import click
import structlog

from core.cli import CheckFailedError, Operation
from core.config import Settings
from search import indexer
from search.engine import EngineHealth, IndexMissing, SearchUnavailable
from search.meilisearch import MeilisearchEngine
from search.queries import get_engine
from search.reserve import EngineWithReserve
from search.server_setup import make_keys
from search.texts import refresh_texts

_log = structlog.get_logger()


class Report:
    """Shows how far a rebuild is: a bar on a terminal, else a line at each tenth."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._tenths = 0
        self._on_terminal = sys.stdout.isatty()
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Take in that so many of so many are done."""
        tenths = done * 10 // max(total, 1)
        rate = done / max(time.monotonic() - self._began, 0.001)
        words = f"{done:,}／{total:,}件（毎秒{rate:,.0f}件）"
        if self._on_terminal:
            bar = "█" * (tenths * 2) + "░" * (20 - tenths * 2)
            click.echo(f"\r{bar} {words}\x1b[K", nl=False)
            self._shown = True
        elif tenths > self._tenths:
            click.echo(f"{tenths * 10:3}％　{words}")
        self._tenths = tenths

    def finish(self) -> None:
        """Leave the line of the bar."""
        if self._shown:
            click.echo()


class Sentences(click.Group):
    """Commands that say in one sentence why the engine could not be used, and end with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; no trace of the program reaches the operator."""
        try:
            return super().invoke(ctx)
        except SearchUnavailable as error:
            server = ctx.obj.settings.search_url
            where = f"検索サーバー（{server}）を確かめてください。" if server else ""
            raise click.ClickException(f"{error.message}{where}") from error


@click.group("search", cls=Sentences)
def search_group() -> None:
    """検索の索引の操作。"""


@search_group.command("rebuild")
@click.pass_obj
def rebuild(operation: Operation) -> None:
    """索引をデータベースから作り直します。その間も検索できます。"""
    click.echo(rebuild_all(operation.settings))


def rebuild_all(settings: Settings) -> str:
    """Build every index anew, showing how far it is; says how many listings it has."""
    report = Report()
    count = indexer.rebuild(get_engine(settings), report)
    report.finish()
    return f"{count}件の販売条件で索引を作り直しました。"


@search_group.command("check")
@click.pass_obj
def check(operation: Operation) -> None:
    """索引とデータベースを見比べて、違いを直します。違いがあったときは終了コード1で終わります。"""
    engine = get_engine(operation.settings)
    stale = refresh_texts()
    try:
        drift = indexer.check(engine)
    except IndexMissing:
        count = indexer.rebuild(engine)
        click.echo(f"索引がなかったため、{count}件で作りました。")
        sys.exit(1)
    if not drift.count and not stale:
        click.echo("索引はデータベースと同じです。")
        return
    click.echo(
        f"足りないもの{len(drift.missing)}件、余分なもの{len(drift.surplus)}件、"
        f"内容の違うもの{len(drift.different)}件、古い検索用の文{stale}件を直しました。"
    )
    sys.exit(1)


@search_group.command("keys")
@click.option(
    "--master-key", prompt="検索サーバーのマスターキー", hide_input=True, help="保存されません。"
)
@click.pass_obj
def keys(operation: Operation, master_key: str) -> None:
    """検索サーバーに、検索だけできる鍵と索引を更新する鍵を作ります。マスターキーはここでだけ使います。"""
    if not operation.settings.search_url:
        raise click.ClickException(
            "NARABI_SEARCH_URL がありません。検索サーバーを使うときの操作です。"
        )
    made = make_keys(operation.settings.search_url, master_key)
    click.echo("NARABI_SEARCH_KEY に、次の鍵を指定してください。")
    click.echo(f"サイト（検索だけ）：{made['search']}")
    click.echo(f"narabi outbox run と narabi search（索引の更新）：{made['indexer']}")


def check_health(settings: Settings) -> str:
    """Say how the engine is, for the doctor; raises CheckFailedError when it cannot answer."""
    engine = get_engine(settings)
    server = engine.server if isinstance(engine, EngineWithReserve) else None
    reserve = engine.reserve.health() if isinstance(engine, EngineWithReserve) else None
    health = engine.health()
    if not health.available:
        remedy = (
            "narabi search rebuild で作り直せます。"
            if server is None or health.index_missing
            else f"検索サーバー（{settings.search_url}）が動いているか、鍵と設定を確かめてください。"
        )
        raise CheckFailedError(f"{health.detail}{remedy}{_say_reserve(reserve)}")
    if reserve is not None and not reserve.available:
        raise CheckFailedError(f"{_say_reserve(reserve)}narabi search rebuild で作り直せます。")
    differing = server.differing_settings() if isinstance(server, MeilisearchEngine) else []
    if differing:
        raise CheckFailedError(
            f"検索サーバーの設定が違います：{'、'.join(differing)}。"
            "narabi search rebuild で、正しい設定の索引を作れます。"
        )
    told = f"{health.engine}（{health.engine_version}）、{health.documents}件"
    return f"{told}。{_say_reserve(reserve)}" if reserve else told


def _say_reserve(reserve: EngineHealth | None) -> str:
    if reserve is None:
        return ""
    if reserve.available:
        return f"予備の索引は使えます（{reserve.documents}件）。"
    return f"予備の索引が使えません：{reserve.detail}"


def report_at_start(settings: Settings) -> None:
    """Log why the search server is not asked; the site starts all the same, with the reserve."""
    health = get_engine(settings).health()
    if not health.available:
        _log.error("search.server_not_used", reason=health.detail)
