"""Commands on standard specifications."""

import json
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError
from sqlmodel import Session

from accounts.identity import CONSOLE, Actor
from accounts.permissions import Permission, may_somewhere
from accounts.queries import find_person_by_email, list_live_memberships
from catalog.specifications import services
from catalog.specifications.importing import SpecificationImportError, read_requirements
from catalog.specifications.mapping import ColumnMapping
from catalog.specifications.models import Pattern, RequirementDraft
from catalog.specifications.schemas import ImportFactsSchema
from core.db import transaction
from core.documents import sha256_hex
from core.errors import DomainError, Invalid
from core.tables import TableError

_PATTERNS = [pattern.value for pattern in Pattern]


@click.group("specifications")
def specifications() -> None:
    """標準仕様書の操作。"""


@specifications.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", required=True, help="仕様書コード。例：JYUKI")
@click.option("--version", "label", required=True, help="版。例：2.1")
@click.option("--name", default="", help="仕様書の名称（新しい仕様書のとき）。")
@click.option("--field", default="", help="業務。")
@click.option("--ministry", default="", help="所管府省。")
@click.option("--pattern", type=click.Choice(_PATTERNS), help="型（指定がなければ標準化）。")
@click.option("--applies-from", default="", help="適用の始まる日。例：2027-04-01、R9.4.1")
@click.option("--sheet", default="", help="シートの名前（XLSXのとき）。")
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="列と言葉の対応表（JSON）。なければ見出しから推定し、分からなければ取り込みません。",
)
@click.option("--actor", "email", default="", help="取り込む審査員のメールアドレス。")
@click.option("--sample", is_flag=True, help="見本の仕様書として取り込みます。")
def import_file(
    file: Path,
    mapping_file: Path | None,
    email: str,
    sample: bool,  # noqa: FBT001 - click passes options by name
    **told: Any,
) -> None:
    """FILE（CSVかXLSX）の要件を、下書きの版として取り込みます。誤りが一つでもあれば何も変えません。"""
    try:
        sheet = told.pop("sheet")
        facts = _read_facts(told)
        content = file.read_bytes()
        drafts, left_out = _read(content, file.name, mapping_file, sheet)
        with transaction() as session:
            version = services.import_requirements(
                session,
                _find_actor(session, email),
                services.ImportFacts(**facts, is_sample=sample),
                drafts=drafts,
                source=services.ImportedFile(file.name, sha256_hex(content)),
            )
            done = (
                f"{facts['code']} {version.title}の下書きに{len(drafts)}件の要件を取り込みました。"
            )
    except DomainError as error:
        raise click.ClickException(_explain(error)) from error
    click.echo(done)
    if left_out:
        click.echo(f"改定種別が廃止の{left_out}件は取り込んでいません。")


def _read_facts(told: dict[str, Any]) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = ImportFactsSchema().load({k: v for k, v in told.items() if v})
    except ValidationError as error:
        messages: dict[str, list[str]] = error.messages_dict
        raise Invalid(
            {name: sentences[0] for name, sentences in messages.items()},
            "\n".join(sentences[0] for sentences in messages.values()),
        ) from error
    return facts


def _read(
    content: bytes, name: str, mapping_file: Path | None, sheet: str
) -> tuple[tuple[RequirementDraft, ...], int]:
    value: dict[str, Any] = {}
    if mapping_file is not None:
        try:
            value = json.loads(mapping_file.read_text("utf-8-sig"))
        except ValueError as error:
            raise Invalid({"mapping": f"「{mapping_file.name}」はJSONではありません。"}) from error
    mapping = ColumnMapping.from_json(value)
    if sheet:
        mapping = ColumnMapping(mapping.columns, mapping.classes, mapping.kinds, sheet)
    found = read_requirements(content, name, mapping)
    return found.require_clear(), found.abolished


def _find_actor(session: Session, email: str) -> Actor:
    if not email:
        return CONSOLE
    person = find_person_by_email(session, email)
    memberships = list_live_memberships(session, person.id) if person else []
    for membership in memberships:
        organisation = membership.organisation
        actor = Actor(
            grantees=frozenset(
                each.role for each in memberships if each.organisation_id == organisation.id
            ),
            person_id=membership.person_id,
            person_name=person.name if person else "",
            organisation_id=organisation.id,
            organisation_kind=organisation.kind,
            organisation_label=organisation.label,
            organisation_ids=frozenset(each.organisation_id for each in memberships),
        )
        if may_somewhere(actor, Permission.SPECIFICATION_EDIT):
            return actor
    raise Invalid({"actor": f"「{email}」という審査員はいません。アドレスを確かめてください。"})


def _explain(error: DomainError) -> str:
    if not isinstance(error, SpecificationImportError | TableError):
        return error.message
    return f"何も取り込みませんでした。次のところを直してください。\n{error.message}"
