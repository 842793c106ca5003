"""The command that writes the records of a case into a file."""

import uuid
from pathlib import Path

import click

from accounts.identity import CONSOLE
from core import db
from core.cli import Operation
from core.storage import get_store
from procurement.projects import queries
from procurement.proof import services


@click.command("export")
@click.option("--project", "project_id", type=click.UUID, required=True, help="案件のID。")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="書き出すZIPファイル。",
)
@click.pass_obj
def export_case(operation: Operation, project_id: uuid.UUID, out: Path) -> None:
    """案件の証跡一式（ZIP）を書き出します。外部の人がPythonだけで確かめられます。"""
    seed = operation.settings.effective_audit_seed
    with db.reading() as session:
        scans = services.read_scans(session, get_store(operation.settings), project_id)
    with db.transaction() as session:
        project = queries.get_project(session, project_id)
        if project is None:
            raise click.ClickException("その番号の案件はありません。")
        made = services.export_case(session, CONSOLE, project, seed=seed, scans=scans)
        out.write_bytes(made.content)
    click.echo(f"{out}に書きました。SHA-256 {made.sha256}")
