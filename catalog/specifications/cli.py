"""Commands on standard specifications."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError
from sqlmodel import Session

from accounts.identity import CONSOLE, Actor
from accounts.permissions import Permission, may_somewhere
from accounts.queries import find_person_by_email, list_live_memberships
from catalog.specifications import queries, services, uploads
from catalog.specifications.effect import ImportEffect, compare_import
from catalog.specifications.importing import (
    ImportedTable,
    SpecificationImportError,
    read_requirements,
)
from catalog.specifications.mapping import ColumnMapping
from catalog.specifications.models import Pattern
from catalog.specifications.rows import describe
from catalog.specifications.schemas import ImportFactsSchema
from core.db import reading, transaction
from core.documents import sha256_hex
from core.errors import DomainError, Invalid
from core.tables import Progress, TableError

_PATTERNS = [pattern.value for pattern in Pattern]


@click.group("specifications")
def specifications() -> None:
    """標準仕様書の操作。"""


@dataclass(frozen=True, slots=True)
class _Told:
    """The options of an import that are no facts of the specification."""

    sheets: tuple[str, ...]
    mapping_file: Path | None
    email: str
    sample: bool
    dry_run: bool
    against: str
    save_mapping: bool
    mapping_of: str


@specifications.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", required=True, help="仕様書コード。例：JYUKI")
@click.option("--version", "label", required=True, help="版。例：2.1")
@click.option("--name", default="", help="仕様書の名称（新しい仕様書のとき）。")
@click.option("--field", default="", help="業務。")
@click.option("--ministry", default="", help="所管府省。")
@click.option("--pattern", type=click.Choice(_PATTERNS), help="型（指定がなければ標準化）。")
@click.option("--applies-from", default="", help="適用の始まる日。例：2027-04-01、R9.4.1")
@click.option(
    "--sheet", "sheets", multiple=True, help="読むシートの名前（XLSXのとき、繰り返せる）。"
)
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="列と言葉の対応表（JSONかTOML）。なければ保存した対応表か見出しと中身から推定し、分からなければ取り込みません。",
)
@click.option(
    "--save-mapping", is_flag=True, help="使った対応表を所管府省の対応表として保存します。"
)
@click.option(
    "--mapping-of", default="", help="別の府省の保存した対応表で読むときの、その府省の名前。"
)
@click.option("--dry-run", is_flag=True, help="何も変えずに、追加・変更・削除と誤りを示します。")
@click.option("--against", default="", help="--dry-run で比べる版。なければ同じ版か公表中の版。")
@click.option("--actor", "email", default="", help="取り込む審査員のメールアドレス。")
@click.option("--sample", is_flag=True, help="見本の仕様書として取り込みます。")
def import_file(file: Path, **told: Any) -> None:
    """FILE（CSVかXLSX）の要件を、下書きの版として取り込みます。誤りが一つでもあれば何も変えません。"""
    options = _Told(**{each.name: told.pop(each.name) for each in fields(_Told)})
    content = file.read_bytes()
    try:
        facts = _read_facts(told)
        found = _read(content, file.name, options, str(facts.get("ministry") or ""), facts["code"])
        if options.dry_run:
            if not found.unclear:
                _show_effect(found, facts, options.against)
            found.require_clear()
            return
        found.require_clear()
        done = _import(found, facts, options, file.name, sha256_hex(content))
    except DomainError as error:
        raise click.ClickException(_explain(error)) from error
    click.echo(done)
    _show_left_out(found)


@specifications.command("mapping")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sheet", "sheets", multiple=True, help="読むシートの名前（繰り返せる）。")
def show_mapping(file: Path, sheets: tuple[str, ...]) -> None:
    """FILE を読み取れたところまでの対応表を、--mapping に渡せるJSONで示します。"""
    try:
        told = ColumnMapping(sheets=sheets) if sheets else None
        found = read_requirements(file.read_bytes(), file.name, told)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    for question in found.unclear:
        click.echo(f"# {question}", err=True)
    click.echo(_as_json(found.mapping.to_json(), indent=2))


def _import(
    found: ImportedTable, facts: dict[str, Any], options: _Told, name: str, sha256: str
) -> str:
    with transaction() as session:
        actor = _find_actor(session, options.email)
        version = services.import_requirements(
            session,
            actor,
            services.ImportFacts(**facts, is_sample=options.sample),
            drafts=found.drafts,
            source=services.ImportedFile(name, sha256),
        )
        if options.save_mapping:
            saved = uploads.MappingToSave(found.fingerprint, found.mapping.portable().to_json())
            ministry = version.specification.ministry
            uploads.save_mapping(session, actor, ministry, saved, filename=name)
        title = version.title
    return f"{facts['code']} {title}の下書きに{len(found.drafts)}件の要件を取り込みました。"


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


def _read(content: bytes, name: str, options: _Told, ministry: str, code: str) -> ImportedTable:
    mapping = None
    if options.mapping_file is not None:
        path = options.mapping_file
        mapping = ColumnMapping.from_file(path.read_bytes(), path.name)
    if options.sheets:
        mapping = (mapping or ColumnMapping()).with_sheets(*options.sheets)

    def recall(fingerprint: str) -> ColumnMapping | None:
        with reading() as session:
            known = queries.find_specification(session, code)
            owner = options.mapping_of or ministry or (known.ministry if known else "")
            saved = uploads.recall_mapping(session, fingerprint, owner)
            offered = uploads.offer_mappings(session, fingerprint, owner)
            if saved is None and offered:
                names = "、".join(each.ministry for each in offered)
                click.echo(
                    f"見出しの同じ表の対応表を{names}が保存しています。使うなら --mapping-of に"
                    "府省の名前を書いてください。",
                    err=True,
                )
            if saved is None:
                return None
            click.echo(f"{saved.ministry}の保存した対応表で読み取ります。", err=True)
            return ColumnMapping.from_json(saved.mapping)

    with _progress("表を読んでいます") as opened, _progress("要件を確かめています") as progress:
        return read_requirements(
            content, name, mapping, recall=recall, opened=opened, progress=progress
        )


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
    """Draw a bar on a terminal; nothing where the words go to a file."""
    bars: list[Any] = []

    def show(done: int, total: int) -> None:
        if not bars:
            hidden = not sys.stderr.isatty()
            bars.append(
                click.progressbar(length=total, label=label, file=sys.stderr, hidden=hidden)
            )
            bars[0].__enter__()
        bars[0].update(done - bars[0].pos)

    try:
        yield show
    finally:
        for bar in bars:
            bar.__exit__(None, None, None)


def _show_effect(found: ImportedTable, facts: dict[str, Any], against: str) -> None:
    with reading() as session:
        replaced = queries.find_replaced(session, facts["code"], facts["label"], against)
    for each in replaced.versions:
        if each.label == facts["label"]:
            services.require_editable(each)
    if against and replaced.version is None:
        raise Invalid({"against": f"比べる版「{against}」がありません。版を確かめてください。"})
    click.echo(f"試しに読み取りました。何も変えていません。要件は{len(found.drafts)}件です。")
    if found.errors:
        click.echo(
            f"誤りが{len(found.errors)}件あるので、このままでは取り込めません。"
            "次は誤りのない行だけを比べたものです（誤りのある要件は削除に入ることがあります）。"
        )
    _show_left_out(found)
    if replaced.version is None:
        click.echo("比べる版はありません。すべて追加になります。")
        return
    effect = compare_import(found.drafts, replaced.requirements)
    version = replaced.version
    click.echo(f"{facts['code']} {version.title}（{version.state.label}）と比べて：")
    for line in _effect_lines(effect):
        click.echo(line)


def _effect_lines(effect: ImportEffect) -> Iterator[str]:
    yield f"追加 {len(effect.added)}件{_ids([each.requirement_id for each in effect.added])}"
    yield f"変更 {len(effect.changed)}件"
    for change in effect.changed:
        yield f"  {change.requirement_id} {change.name}（{'、'.join(change.parts)}）"
    yield f"削除 {len(effect.removed)}件{_ids([each.requirement_id for each in effect.removed])}"
    yield f"同じ {effect.same}件"


def _ids(ids: Sequence[str]) -> str:
    return f"：{'、'.join(ids)}" if ids else ""


def _show_left_out(found: ImportedTable) -> None:
    for label, count in describe(found.left).items():
        click.echo(f"{label}：{count}行")
    if found.reading.ignored:
        click.echo(f"読まなかった列：{'、'.join(found.reading.ignored)}")


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
    lines = ["何も取り込みませんでした。次のところを直してください。", error.message]
    questions = error.unclear if isinstance(error, SpecificationImportError) else ()
    example: dict[str, Any] = {}
    for question in questions:
        _merge(example, question.example)
    if example:
        lines.append(
            "分からないところは、次の形の対応表（JSON）を書いて --mapping に渡してください："
        )
        lines.append(f"  {_as_json(example)}")
        lines.append(
            "読み取れたところまでの対応表は narabi specifications mapping FILE で作れます。"
        )
    return "\n".join(lines)


def _merge(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Put a piece of a mapping into a whole one; what stands there stays."""
    for key, value in part.items():
        if isinstance(value, Mapping):
            _merge(whole.setdefault(key, {}), value)
        else:
            whole.setdefault(key, value)


def _as_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
