"""Commands on the public feed."""

import sys

import click

from catalog import feed_upkeep
from core import changes, db
from core.cli import CheckFailedError, Operation


@click.group("feed")
def feed_group() -> None:
    """公開情報の写し（snapshotとchanges）の操作。"""


@feed_group.command("check")
@click.option("--repair", is_flag=True, help="違いを直し、写しを持つ相手にも知らせます。")
def check_feed(repair: bool) -> None:  # noqa: FBT001 - click passes options by name
    """公開情報の写しがデータベースの内容と同じかを確かめます。違いが残れば1で終わります。"""
    found = feed_upkeep.reconcile(repair=repair)
    with db.reading() as session:
        state = changes.read_state(session)
    click.echo(
        f"公開情報{state.record_count:,}件、{state.head:,}番まで、ハッシュ {state.catalog_hash}"
    )
    click.echo(f"不足{found.added:,}件、違い{found.changed:,}件、余分{found.removed:,}件")
    if not found.total:
        click.echo("データベースの内容と同じです。")
    elif repair:
        click.echo("直しました。")
    else:
        click.echo("narabi feed check --repair で直せます。", err=True)
        sys.exit(1)


@feed_group.command("prune")
@click.pass_obj
def prune_feed(operation: Operation) -> None:
    """保存の期限を過ぎた古い変更を消します。毎晩も自動で行います。"""
    count = feed_upkeep.prune(operation.settings)
    with db.reading() as session:
        floor = changes.read_state(session).floor
    click.echo(f"{count:,}件を消しました。{floor:,}番までの変更は、もうありません。")


def check_shape() -> str:
    """Say how much is public, for the doctor; raises CheckFailedError when a renewal is due."""
    with db.reading() as session:
        state = changes.read_state(session)
    if not feed_upkeep.is_of_shape():
        raise CheckFailedError("書き方が古いままです。narabi db upgrade を実行してください。")
    return f"{state.record_count:,}件、{state.head:,}番まで"


def renew() -> str:
    """Write the public records anew where an older program wrote them; says what was done."""
    found = feed_upkeep.renew()
    if found is None:
        return "公開情報の写しは最新の書き方です。"
    return f"公開情報の写しを新しい書き方にしました（{found.total:,}件）。"
