"""Commands that load the sample data and name its accounts; in development only."""

import shlex
from collections.abc import Mapping
from datetime import timedelta

import click
from sqlmodel import Session

from accounts import queries as people
from accounts.notices import PERSON_TOLD
from core import clock, db, outbox
from core.cli import Operation
from core.config import Settings
from procurement.demo.consultation import plan_consultation
from procurement.demo.offerings import plan_offerings
from procurement.demo.people import plan_people, plan_vendors
from procurement.demo.projects import plan_projects
from procurement.demo.specifications import plan_specifications
from procurement.demo.story import Timeline
from procurement.demo.world import Row, World, read_file

REBUILD = "search.rebuild"
_INDEXED = ("search.listing_changed", "vendor.state_changed")
_FIRST = "lead1@agency.example.jp"
_MARK = "demo-loaded"  # an empty file in the data folder: the load went to its end


@click.group("demo")
def demo_group() -> None:
    """見本のデータの操作（開発環境だけ）。"""


@demo_group.command("load")
@click.pass_obj
def load(operation: Operation) -> None:
    """見本のデータを一度だけ読み込み、見本の利用者を表示します。"""
    _require_development(operation.settings)
    if not _is_loaded(operation.settings):
        load_demo(operation.settings, operation.handlers)
    show_accounts()


@demo_group.command("accounts")
@click.pass_obj
def list_accounts(operation: Operation) -> None:
    """見本の利用者と合言葉を表示します。"""
    _require_development(operation.settings)
    show_accounts()


def load_demo(settings: Settings, handlers: Mapping[str, outbox.Handler]) -> int:
    """Build the sample world by the acts of its people; gives the number of steps."""
    moment = clock.utcnow()
    handlers = {**handlers, PERSON_TOLD: leave}  # no letters about what happened years ago
    world = World(settings)
    market = Timeline()
    plan_people(market, world)
    plan_specifications(market, world)
    plan_vendors(market, world)
    plan_offerings(market, world)
    steps = market.run(moment)
    _index(handlers)
    cases = Timeline()
    plan_projects(cases, world, clock.day_in_japan(moment - timedelta(days=1)))
    plan_consultation(cases, world, clock.day_in_japan(moment))
    steps += cases.run(moment)
    outbox.drain(handlers)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / _MARK).touch()
    return steps


def leave(_session: Session, _payload: Mapping[str, object]) -> None:
    """Handle a message by doing nothing."""


def _index(handlers: Mapping[str, outbox.Handler]) -> None:
    """Deliver what is due, indexing once at the end instead of once per listing."""
    outbox.drain({**handlers, **dict.fromkeys(_INDEXED, leave)})
    with db.transaction() as session:
        outbox.publish(session, REBUILD, {})
    outbox.drain(handlers)


def _require_development(settings: Settings) -> None:
    if not settings.is_development:
        raise click.ClickException(
            "見本のデータは開発環境だけで使えます。NARABI_ENV=development を指定してください。"
        )


def _is_loaded(settings: Settings) -> bool:
    """Tell whether the sample data are there; raises ClickException when a load had broken off."""
    with db.reading() as session:
        if people.find_person_by_email(session, _FIRST) is None:
            return False
    if (settings.data_dir / _MARK).exists():
        return True
    folder = shlex.quote(str(settings.data_dir))
    emptied = "" if _is_file(settings) else "、データベースを空にして"
    raise click.ClickException(
        "見本のデータの読み込みが途中で止まっています。"
        f"「rm -r {folder}」で消してから{emptied}、同じコマンドをもう一度実行してください。"
    )


def _is_file(settings: Settings) -> bool:
    return settings.effective_database_url == f"sqlite:///{settings.data_dir.resolve()}/narabi.db"


def show_accounts() -> None:
    """Print the sample accounts with their organisations, roles and the shared password."""
    file = read_file("demo_accounts.toml")
    click.echo("見本の利用者（すべて架空。開発環境だけで使えます）")
    click.echo(f"パスワードは全員 {file['password']} です。\n")
    with db.reading() as session:
        for row in file["accounts"]:
            click.echo(f"  {row['email']:<40} {_roles(session, row)}")


def _roles(session: Session, row: Row) -> str:
    person = people.find_person_by_email(session, row["email"])
    if person is None:
        return "（まだ読み込まれていません）"
    memberships = people.list_live_memberships(session, person.id)
    return "、".join(f"{m.organisation.label} {m.role.label}" for m in memberships)
