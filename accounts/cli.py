"""Commands on local public bodies."""

import hashlib
from pathlib import Path

import click

from accounts import services
from accounts.body_table import read_bodies
from accounts.identity import CONSOLE
from core import db
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
    with db.transaction() as session:
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
