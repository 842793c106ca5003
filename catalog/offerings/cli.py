"""Commands on offerings."""

from pathlib import Path

import click
from sqlmodel import Session

from accounts.identity import Actor
from accounts.queries import find_person_by_email, list_live_memberships
from catalog.offerings.sheets import services
from catalog.offerings.sheets.checking import Checked, check_book
from catalog.offerings.sheets.known import load_known
from catalog.offerings.sheets.mapping import SheetMapping
from catalog.offerings.sheets.reading import Reading, read_book
from core.db import reading, transaction
from core.documents import sha256_hex
from core.errors import DomainError, Invalid
from vendors.queries import find_live_by_number

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("offerings")
def offerings() -> None:
    """サービスの操作。"""


@offerings.command("import")
@click.argument("file", type=_FILE)
@click.option("--vendor", required=True, help="事業者の法人番号（13桁）。")
@click.option(
    "--actor",
    "email",
    required=True,
    help="取り込む人（その事業者の担当者か管理者）のメールアドレス。",
)
@click.option(
    "--mapping",
    "mapping_file",
    type=_FILE,
    help="見出しと項目の対応表（JSON）。書式と見出しが違う表では必ず要ります。",
)
@click.option(
    "--dry-run", is_flag=True, help="何も変えずに、新しいもの・変わるもの・誤りを示します。"
)
def import_file(
    file: Path,
    vendor: str,
    email: str,
    mapping_file: Path | None,
    dry_run: bool,  # noqa: FBT001 - click passes options by name
) -> None:
    """FILE（CSVかXLSX）のサービスと料金を、下書きとして取り込みます。誤りが一つでもあれば何も変えません。"""
    content = file.read_bytes()
    try:
        mapping = None
        if mapping_file is not None:
            mapping = SheetMapping.from_file(mapping_file.read_bytes(), mapping_file.name)
        book = read_book(content, file.name, mapping)
        _require_told(book, mapping)
        source = services.ImportedSheet(file.name, sha256_hex(content))
        with reading() if dry_run else transaction() as session:
            actor = _find_actor(session, vendor, email)
            checked = check_book(book, load_known(session, actor), mapping)
            _require_sound(checked)
            if not dry_run and checked.drafts:
                services.import_offerings(session, actor, checked.drafts, source)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo("試しに読み取りました。何も変えていません。" if dry_run else "取り込みました。")
    click.echo(
        f"新しい下書き {len(checked.new)}件、変わる下書き {len(checked.edits)}件、"
        f"公開中のものの変更の下書き {len(checked.openings)}件、同じもの {checked.same}件"
    )
    for each in checked.changes:
        click.echo(f"  {each.row}行目 {each.name}（{'、'.join(each.changed)}）：{each.act.label}")


def _require_told(book: Reading, mapping: SheetMapping | None) -> None:
    questions = list(book.questions)
    if mapping is None and not book.is_own:
        names = "、".join(each.heading for table in book.tables for each in table.columns)
        questions.insert(
            0, f"見出しが書式と違います。--mapping で対応表を渡してください。見出し：{names}"
        )
    if questions:
        raise Invalid({"file": questions[0]}, "\n".join(["何も取り込みませんでした。", *questions]))


def _require_sound(checked: Checked) -> None:
    if checked.findings:
        count = len(checked.findings)
        head = f"何も取り込みませんでした。次の{count}件を直してください。"
        raise Invalid({"file": head}, "\n".join([head, *map(str, checked.findings)]))


def _find_actor(session: Session, corporate_number: str, email: str) -> Actor:
    vendor = find_live_by_number(session, corporate_number)
    person = find_person_by_email(session, email)
    memberships = list_live_memberships(session, person.id) if person else []
    home = [each for each in memberships if vendor and each.organisation_id == vendor.owner_id]
    if person is None or not home:
        sentence = f"法人番号{corporate_number}の事業者に「{email}」という人はいません。両方を確かめてください。"
        raise Invalid({"actor": sentence})
    organisation = home[0].organisation
    return Actor(
        grantees=frozenset(each.role for each in home),
        person_id=person.id,
        person_name=person.name,
        organisation_id=organisation.id,
        organisation_kind=organisation.kind,
        organisation_label=organisation.label,
        organisation_ids=frozenset(each.organisation_id for each in memberships),
    )
