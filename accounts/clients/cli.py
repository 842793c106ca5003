"""Commands on API clients, for operators: see them, end one in an incident."""

import uuid

import click

from accounts.clients import queries, services
from accounts.identity import CONSOLE
from core import db
from core.errors import DomainError
from core.japanese import format_datetime


@click.group("clients")
def clients_group() -> None:
    """APIクライアント（組織のプログラム）の操作。"""


@clients_group.command("list")
@click.option("--organisation", default="", help="組織の名前の一部。")
def list_clients(organisation: str) -> None:
    """APIクライアントを、組織の名前の順に一覧します。秘密は出ません。"""
    with db.reading() as session:
        found = queries.list_all(session, organisation)
        for client in found:
            used = (
                format_datetime(client.last_used_at)
                if client.last_used_at
                else "まだ使われていません"
            )
            click.echo(
                f"{client.id}  {client.state.label}  {client.owner.label}  {client.name}  "
                f"{' '.join(client.scopes)}  最後の利用：{used}"
            )
    click.echo(f"{len(found):,}件")


@clients_group.command("revoke")
@click.argument("client_id", type=click.UUID)
def revoke_client(client_id: uuid.UUID) -> None:
    """APIクライアントを取り消します。渡したトークンも、次の呼出しから使えません。"""
    try:
        with db.transaction() as session:
            client = services.revoke_by_console(session, CONSOLE, client_id)
            name = client.name
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"「{name}」を取り消しました。渡したトークンもすべて終わりました。")
