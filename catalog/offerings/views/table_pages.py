"""Offerings in spreadsheets: template, export, and the import of many at once."""

import uuid
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from flask import request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, require
from catalog.offerings.models import OfferingUpload
from catalog.offerings.sheets import queries, services
from catalog.offerings.sheets.checking import Checked
from catalog.offerings.sheets.columns import MOST_OFFERINGS
from catalog.offerings.sheets.form import IMPORT, SheetFileForm, SheetForm, list_choices
from catalog.offerings.sheets.writing import (
    export_rows,
    sample_rows,
    write_flat,
    write_workbook,
)
from catalog.offerings.views.frame import blueprint
from catalog.specifications.outline import excerpt
from catalog.specifications.queries import list_versions
from core import paging, web
from core.db import transaction
from core.documents import CSV_TYPE, XLSX_TYPE
from core.errors import NotFound

_CREATE, _EDIT = Permission.OFFERING_CREATE, Permission.OFFERING_EDIT
_TYPES = {"xlsx": XLSX_TYPE, "csv": CSV_TYPE}
_SHOWN = 200


@blueprint.route("/offerings/sheets", methods=["GET", "POST"])
@access(_CREATE, write=_CREATE)
@web.accepts_files
def start_table() -> ResponseReturnValue:
    """Offer template and export, and take a file."""
    form = SheetFileForm(web.posted_form())
    if form.is_posted and form.validate() and form.read_file(request.files):
        with transaction() as session:
            upload = services.keep_upload(session, actor(), **form.file)
            target = url_for("vendor_offerings.review_table", upload_id=upload.id)
        return web.see_other(target)
    return web.render_page("offerings/sheets.html", form.status, form=form, most=MOST_OFFERINGS)


@blueprint.get("/offerings/sheets/template.xlsx", defaults={"what": "template", "kind": "xlsx"})
@blueprint.get("/offerings/sheets/template.csv", defaults={"what": "template", "kind": "csv"})
@blueprint.get("/offerings/sheets/export.xlsx", defaults={"what": "export", "kind": "xlsx"})
@blueprint.get("/offerings/sheets/export.csv", defaults={"what": "export", "kind": "csv"})
@access(_CREATE)
def download_table(what: str, kind: str) -> ResponseReturnValue:
    """Give the empty template, or all that the vendor sells in the same shape."""
    session = web.read_session()
    names = [name for name, _ in list_choices(list_versions(session))]
    home = actor().organisation_id
    if home is None:
        raise NotFound
    if what == "template":
        rows = [sample_rows(names[0] if names else "MADO 1.0")]
    else:
        rows = list(export_rows(queries.choose_shown(queries.list_own(session, home))))
    content = write_flat(rows) if kind == "csv" else write_workbook(rows, names)
    return send_file(
        BytesIO(content),
        _TYPES[kind],
        as_attachment=True,
        download_name=f"narabi-offerings-{what}.{kind}",
    )


@blueprint.route("/offerings/sheets/<uuid:upload_id>", methods=["GET", "POST"])
@access(_EDIT, write=_EDIT)
def review_table(upload_id: uuid.UUID) -> ResponseReturnValue:
    """Show how a file is read, what it would do and everything to mend; then import it whole."""
    session = web.read_session()
    upload = _upload_for(session, upload_id)
    if upload.is_imported:
        return web.see_other(url_for("vendor_offerings.index"))
    form = SheetForm(upload, web.posted_form(), request.args)
    if form.is_posted:
        done = _act(form, upload_id)
        if done is not None:
            return done
    if form.checked is None:
        form.look(session, actor())
    return web.render_page(
        "offerings/sheet_review.html",
        form.status,
        form=form,
        upload=upload,
        reading=form.reading,
        checked=form.checked,
        specifications=list_choices(list_versions(session)),
        **_pages(form.checked),
        excerpt=excerpt,
    )


def _pages(checked: Checked | None) -> dict[str, paging.Page[Any]]:
    """Return a page of each list of what was read; all lists together hold everything."""
    lists: dict[str, Sequence[Any]] = {
        "errors": checked.findings if checked else (),
        "dropped": checked.dropped if checked else (),
        "changes": checked.changes if checked else (),
        "new": checked.new if checked else (),
    }
    return {
        f"{name}_page": paging.cut(rows, _SHOWN, name=name, anchor=f"{name}-title")
        for name, rows in lists.items()
    }


def _act(form: SheetForm, upload_id: uuid.UUID) -> ResponseReturnValue | None:
    """Import, or remember the columns as chosen; None when the page has to be shown."""
    if form.value("act") == IMPORT:
        count = form.submit_import(actor(), lambda session: _upload_for(session, upload_id))
        if count is None:
            return None
        web.leave_notice(
            "done",
            f"{count}件を下書きに取り込みました",
            "足りないものがあれば入力し、提出してください。公開するまで、利用者には今の内容が見えます。",
        )
        return web.see_other(url_for("vendor_offerings.index"))
    if not form.validate():
        return None
    if form.mapping is not None:
        with transaction() as session:
            upload = _upload_for(session, upload_id)
            services.map_upload(session, actor(), upload, mapping=form.mapping.to_json())
    drop, sound_only = (form.value(name) or None for name in ("drop", "sound_only"))
    return web.see_other(
        url_for(
            "vendor_offerings.review_table", upload_id=upload_id, drop=drop, sound_only=sound_only
        )
    )


def _upload_for(session: Session, upload_id: uuid.UUID) -> OfferingUpload:
    upload = queries.get_upload(session, upload_id)
    if upload is None:
        raise NotFound
    require(session, actor(), _EDIT, upload)
    return upload
