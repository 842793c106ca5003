"""Answers by spreadsheet: download, upload checked as a whole, preview, confirmation."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings import services
from catalog.offerings.answer_plan import SheetChange, SheetRow, plan_changes
from catalog.offerings.answer_rules import AnswerValues
from catalog.offerings.answer_schemas import SheetSchema, plan_schema
from catalog.offerings.answer_sheet import read_sheet, sheet_of
from catalog.offerings.evidence_check import MEDIA_TYPES
from catalog.offerings.models import AnswerDraft, AnswerUpload
from catalog.offerings.queries import answers as queries
from catalog.offerings.views.frame import blueprint, offering_for
from catalog.offerings.views.statement import Statement, load_statement
from catalog.terms import EvidenceKind
from core import web
from core.documents import attachment, sha256_hex, write_csv, write_xlsx
from core.errors import Invalid, NotFound, StaleVersion, WrongState
from core.forms import Form
from core.tables import TableError, TableErrors, read_table

_EDIT = Permission.OFFERING_EDIT
_SHOWN = 200
_LONGEST_NAME = 200


@blueprint.route("/offerings/<uuid:offering_version_id>/answers/sheet", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
@web.accepts_files
def exchange_sheet(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Offer the table to download and take it back; every error of a table is shown at once."""
    statement = _editable(offering_version_id)
    form = Form(SheetSchema(), web.posted_form())
    errors: Sequence[TableError] = ()
    if form.is_posted:
        try:
            sent = _read_sent(statement)
        except Invalid as error:
            form.refuse(error)
            errors = error.table_errors if isinstance(error, TableErrors) else ()
        else:
            upload = form.submit(lambda session, _data: _keep(session, statement, sent))
            if upload is not None:
                return web.see_other(_plan_address(upload))
    return web.render_page(
        "offerings/answer_sheet.html",
        form.status,
        form=form,
        version=statement.version,
        answered=len(statement.answers),
        total=len(statement.requirements),
        errors=errors,
        most=_SHOWN,
        back_href=_overview(statement),
    )


@blueprint.get("/offerings/<uuid:offering_version_id>/answers/sheet.<kind>")
@access(Permission.OFFERING_READ_DRAFT)
def download_sheet(offering_version_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """Send the requirements with the answers of this moment, as XLSX or CSV."""
    if kind not in {"xlsx", "csv"}:
        raise NotFound
    statement = load_statement(
        web.read_session(), offering_version_id, Permission.OFFERING_READ_DRAFT
    )
    changes = {each.id: statement.change_words(each) for each in statement.requirements}
    sheet = sheet_of(statement.requirements, statement.answers, changes)
    content = write_xlsx([sheet]) if kind == "xlsx" else write_csv([sheet.header, *sheet.rows])
    specification = statement.version.specification_version
    code, label = specification.specification.code, specification.label
    name = f"回答_{code}_{label}_第{statement.version.number}版"
    response = Response(content, content_type=MEDIA_TYPES[EvidenceKind(kind)])
    response.headers["Content-Disposition"] = attachment(f"{name}.{kind}")
    return response


@blueprint.route(
    "/offerings/<uuid:offering_version_id>/answers/sheet/<uuid:upload_id>",
    methods=["GET", "POST"],
)
@access(_EDIT, write=_EDIT)
def confirm_sheet(offering_version_id: uuid.UUID, upload_id: uuid.UUID) -> ResponseReturnValue:
    """Show what a table would change, and change it: all of it or nothing."""
    statement = _editable(offering_version_id)
    upload = _find_upload(web.read_session(), offering_version_id, upload_id)
    if upload.applied_at is not None:
        return web.see_other(_overview(statement))
    changes = _plan(statement, upload)
    conflicts = [each for each in changes if each.is_conflict]
    seen = services.mark_drafts(_drafts_on(statement.drafts, changes).values())
    initial = {"version": statement.version.version, "drafts": seen}
    schema = plan_schema([each.requirement for each in conflicts])
    form = Form(schema, web.posted_form(), initial)
    saved = None
    if form.is_posted:
        saved = form.submit(lambda session, data: _apply(session, upload, changes, data))
    if saved is not None:
        web.leave_notice("done", f"表のとおりに{saved[0]}件の回答を変えました")
        return web.see_other(_overview(statement))
    return web.render_page(
        "offerings/answer_plan.html",
        form.status,
        form=form,
        version=statement.version,
        read_version=statement.version.version,
        drafts_seen=seen,
        others=_drafted_by_others(statement, changes),
        upload=upload,
        total=len(upload.rows),
        conflicts=conflicts,
        changes=[each for each in changes if not each.is_conflict],
        most=_SHOWN,
        counts=_count(changes),
        files_lost=_count_files_lost(statement, changes),
        back_href=url_for(
            "vendor_offerings.exchange_sheet", offering_version_id=offering_version_id
        ),
    )


def _editable(version_id: uuid.UUID) -> Statement:
    statement = load_statement(web.read_session(), version_id, _EDIT)
    if not statement.is_editable:
        raise WrongState("提出したあとは、回答を変えられません。", state=statement.version.state)
    return statement


def _read_sent(statement: Statement) -> tuple[str, str, list[SheetRow]]:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid({"file": "記入した表のファイルを選択してください。"})
    name, content = sent.filename[-_LONGEST_NAME:], sent.stream.read()
    table = read_table(content, name)
    rows = read_sheet(
        table,
        statement.requirements,
        statement.answers,
        is_text=Path(name).suffix.lower() != ".xlsx",
    )
    if not rows:
        raise Invalid({"file": f"「{name}」に回答の行がありません。"})
    return name, sha256_hex(content), rows


def _keep(
    session: Session, statement: Statement, sent: tuple[str, str, list[SheetRow]]
) -> AnswerUpload:
    name, digest, rows = sent
    row = offering_for(session, statement.version.id, _EDIT)
    kept = [each.to_json() for each in rows]
    return services.keep_upload(session, actor(), row, filename=name, sha256=digest, rows=kept)


def _find_upload(session: Session, version_id: uuid.UUID, upload_id: uuid.UUID) -> AnswerUpload:
    person = actor().person_id
    upload = queries.get_upload(session, person, version_id, upload_id) if person else None
    if upload is None:
        raise NotFound
    return upload


def _plan(statement: Statement, upload: AnswerUpload) -> list[SheetChange]:
    rows = [SheetRow.from_json(each) for each in upload.rows]
    typed = {key: draft.typed for key, draft in statement.drafts.items()}
    return plan_changes(rows, statement.requirements, statement.answers, typed)


def _drafts_on(
    drafts: Mapping[uuid.UUID, AnswerDraft], changes: Iterable[SheetChange]
) -> dict[uuid.UUID, AnswerDraft]:
    wanted = {each.requirement.id for each in changes}
    return {key: draft for key, draft in drafts.items() if key in wanted}


def _drafted_by_others(statement: Statement, changes: Iterable[SheetChange]) -> list[str]:
    """Return the ministry's ids of what the table changes while another person types about it."""
    found = queries.list_drafted_by_others(
        web.read_session(), actor().person_id, statement.version.id
    )
    return [each.requirement.requirement_id for each in changes if each.requirement.id in found]


def _apply(
    session: Session, upload: AnswerUpload, changes: Sequence[SheetChange], data: dict[str, Any]
) -> tuple[int]:
    """Store the changes as they were shown; whatever moved since is a StaleVersion."""
    row = offering_for(session, upload.offering_version_id, _EDIT)
    if row.version != data["version"]:
        raise StaleVersion
    person = actor().person_id
    drafts = queries.list_drafts(session, person, row.id) if person else {}
    if services.mark_drafts(_drafts_on(drafts, changes).values()) != data["drafts"]:
        raise StaleVersion
    answers = _choose(changes, data)
    taken = [draft for key, draft in drafts.items() if key in answers]
    waiting = _find_upload(session, upload.offering_version_id, upload.id)
    count = services.apply_upload(
        session,
        actor(),
        row,
        waiting,
        version=data["version"],
        answers=answers,
        drafts_seen=services.mark_drafts(taken),
    )
    return (count,)


def _choose(changes: Sequence[SheetChange], data: dict[str, Any]) -> dict[uuid.UUID, AnswerValues]:
    """Return what the table says, except where the stored answer was chosen."""
    chosen, open_ones = {}, {}
    for each in changes:
        field = f"kept_{each.requirement.position}"
        kept = (data.get(field) or data["rest"]) if each.is_conflict else "table"
        if not kept:
            number = each.requirement.requirement_id
            open_ones[field] = f"{number}でどちらの回答を残すかを選択してください。"
        elif kept == "table":
            chosen[each.requirement.id] = each.then
    if open_ones:
        raise Invalid(open_ones)
    return chosen


def _count(changes: Sequence[SheetChange]) -> dict[str, int]:
    plain = [each for each in changes if not each.is_conflict]
    return {
        "added": sum(each.now.answer is None for each in plain),
        "changed": sum(None not in (each.now.answer, each.then.answer) for each in plain),
        "withdrawn": sum(each.then.answer is None for each in plain),
        "conflicts": len(changes) - len(plain),
    }


def _count_files_lost(statement: Statement, changes: Sequence[SheetChange]) -> int:
    """Count the evidence files of answers that the table takes back."""
    gone = [each.requirement.id for each in changes if each.then.answer is None]
    return sum(len(statement.answers[key].evidence) for key in gone if key in statement.answers)


def _overview(statement: Statement) -> str:
    return url_for("vendor_offerings.list_answers", offering_version_id=statement.version.id)


def _plan_address(upload: AnswerUpload) -> str:
    return url_for(
        "vendor_offerings.confirm_sheet",
        offering_version_id=upload.offering_version_id,
        upload_id=upload.id,
    )
