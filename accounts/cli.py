"""Commands on local public bodies, and on the accounts of their staff and of the agency."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlmodel import Session

from accounts import membership_services, oauth, oidc_services, queries, services
from accounts.body_table import read_bodies
from accounts.identity import CONSOLE
from accounts.models import Organisation, OrganisationKind, Person, Role
from core import db
from core.cli import Operation
from core.errors import DomainError
from core.tables import TableError, TableErrors


@click.group("bodies")
def bodies_group() -> None:
    """地方公共団体の一覧の操作。"""


@bodies_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="確かめるだけで、登録しません。")
def import_bodies(file: Path, dry_run: bool) -> None:  # noqa: FBT001 - click passes options by name
    """団体の一覧（CSVかXLSX）を、団体コードを手がかりに追加、更新します。"""
    content = file.read_bytes()
    try:
        bodies = read_bodies(content, file.name)
    except TableErrors as error:
        for problem in error.table_errors:
            click.echo(describe(problem), err=True)
        found = len(error.table_errors)
        raise click.ClickException(
            f"確かめるところが{found}件あるため、何も登録していません。"
        ) from error
    except TableError as error:
        raise click.ClickException(f"{error.message}何も登録していません。") from error
    if dry_run:
        click.echo(f"{len(bodies):,}団体を確かめました。登録はしていません。")
        return
    with _told(), db.transaction() as session:
        count = services.import_bodies(
            session, CONSOLE, bodies, file_sha256=hashlib.sha256(content).hexdigest()
        )
    click.echo(
        f"{len(bodies):,}団体を確かめ、{count.created:,}団体を追加、{count.updated:,}団体を更新しました。"
    )


def describe(problem: TableError) -> str:
    """Return one line that names row, column and value of a refused cell, and the way to mend it."""
    place = [f"{problem.row}行目"] if problem.row else []
    place += [f"{problem.column}列"] if problem.column else []
    value = f"の「{problem.value}」" if problem.value else ""
    return f"{' '.join(place)}{value}：{problem.reason}"


@click.group("accounts")
def accounts_group() -> None:
    """職員とデジタル庁の人のアカウントと役割の操作。"""


_PLACE = (
    click.option("--code", help="団体コード（6桁）。団体の役割のとき。"),
    click.option("--agency", help="デジタル庁の側の組織の名前。審査員、主任審査員、運用者のとき。"),
    click.option("--audit", "audit_office", help="監査の組織の名前。監査人のとき。"),
)
_ROLE = click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role if not role.value.startswith("vendor")]),
    help="役割。事業者の人は、事業者の登録の画面から始めます。",
)


@accounts_group.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@_ROLE
@_PLACE[0]
@_PLACE[1]
@_PLACE[2]
@click.password_option("--password", prompt="パスワード", help="新しい人のパスワード。")
def add_account(
    *,
    email: str,
    name: str,
    role: str,
    code: str | None,
    agency: str | None,
    audit_office: str | None,
    password: str,
) -> None:
    """人に役割を与えます。知らないメールアドレスなら、アカウントも作ります。"""
    with _told(), db.transaction() as session:
        place = _find_place(session, code, agency, audit_office)
        membership_services.grant_role(
            session, CONSOLE, email=email, name=name, password=password, role=Role(role), at=place
        )
        click.echo(f"{email}に、{place.label}の「{Role(role).label}」の役割を与えました。")


@accounts_group.command("end")
@click.option("--email", required=True)
@_ROLE
@_PLACE[0]
@_PLACE[1]
@_PLACE[2]
def end_account(
    *, email: str, role: str, code: str | None, agency: str | None, audit_office: str | None
) -> None:
    """人の役割を終わらせ、サインイン中の端末もすべて終わらせます。"""
    with _told(), db.transaction() as session:
        place = _find_place(session, code, agency, audit_office)
        person = _find_person(session, email)
        membership_services.end_role(session, CONSOLE, person, Role(role), place)
        click.echo(f"{email}の、{place.label}の「{Role(role).label}」の役割を終わらせました。")


@accounts_group.command("revoke")
@click.option("--email", required=True)
def revoke_account(email: str) -> None:
    """人のサインインを、すべての端末で終わらせます。"""
    with _told(), db.transaction() as session:
        count = membership_services.revoke_sessions(session, CONSOLE, _find_person(session, email))
        click.echo(f"{email}のサインイン{count}件を終わらせました。")


@accounts_group.command("bind")
@click.option("--email", required=True)
@click.option("--subject", required=True, help="職員認証の側の利用者識別子（sub）。")
@click.pass_obj
def bind_account(operation: Operation, email: str, subject: str) -> None:
    """職員認証の利用者を、人のアカウントに結び付けます。はじめてのサインインの前に行います。"""
    provider = oauth.list_providers(operation.settings).get(oidc_services.STAFF)
    if provider is None:
        raise click.ClickException("NARABI_STAFF_ISSUER がないため、結び付ける先がありません。")
    with _told(), db.transaction() as session:
        oidc_services.bind_by_console(
            session,
            CONSOLE,
            _find_person(session, email),
            provider=provider.code,
            issuer=provider.issuer,
            subject=subject,
        )
    click.echo(f"{email}に、{provider.label}の利用者を結び付けました。")


@contextmanager
def _told() -> Iterator[None]:
    """Tell a refusal in one line instead of a traceback."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(error.message) from error


def _find_person(session: Session, email: str) -> Person:
    person = queries.find_person_by_email(session, email)
    if person is None:
        raise click.ClickException(f"{email}のアカウントはありません。アドレスを確かめてください。")
    return person


def _find_place(
    session: Session, code: str | None, agency: str | None, audit_office: str | None
) -> Organisation:
    if sum(value is not None for value in (code, agency, audit_office)) != 1:
        raise click.ClickException("--code、--agency、--audit のどれか一つを指定してください。")
    if code is not None:
        body = queries.find_body_by_code(session, code)
        if body is None:
            raise click.ClickException(
                f"団体コード{code}の団体はありません。先に narabi bodies import を実行してください。"
            )
        return body
    kind = OrganisationKind.AGENCY if agency else OrganisationKind.AUDIT
    wanted = Organisation(kind=kind, name=agency or audit_office or "")
    return membership_services.find_or_create_organisation(session, CONSOLE, wanted)
