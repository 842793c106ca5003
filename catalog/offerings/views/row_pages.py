"""Pages of optional question groups that ask for rows: accreditations, formats per category of data."""

import uuid
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings.models import OfferingVersion
from catalog.offerings.row_schemas import (
    ACCREDITATIONS,
    BLANK_ROWS,
    CATEGORIES,
    RowKind,
    row_values,
    rows_schema,
)
from catalog.offerings.rules import Group
from catalog.offerings.views.frame import blueprint, offering_for
from catalog.offerings.views.group_pages import edit_offering
from catalog.terms import AccreditationKind, DataConformity
from core import web
from core.form_drafts import read_typed

_METHODS = ["GET", "POST"]
_EDIT = Permission.OFFERING_EDIT


@blueprint.route("/offerings/<uuid:offering_version_id>/accreditations", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_accreditations(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for what third parties certified, with scope and expiry."""
    return _edit(Group.ACCREDITATIONS, ACCREDITATIONS, offering_version_id)


@blueprint.route("/offerings/<uuid:offering_version_id>/data", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_data(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask how each category of data comes in and goes out."""
    return _edit(Group.DATA, CATEGORIES, offering_version_id)


def _edit(group: Group, kind: RowKind, version_id: uuid.UUID) -> ResponseReturnValue:
    stored = len(getattr(offering_for(web.read_session(), version_id, _EDIT), kind.target))
    shown = _rows_asked(kind, stored)

    def show(row: OfferingVersion) -> dict[str, Any]:
        return row_values(kind, getattr(row, kind.target), row.version)

    def read(data: dict[str, Any]) -> dict[str, Any]:
        return {"version": data["version"], kind.target: data[kind.target]}

    return edit_offering(
        group,
        version_id,
        rows_schema(kind, shown),
        show,
        read,
        rows=range(1, shown + 1),
        can_widen=shown < kind.maximum,
        row_limit=kind.maximum,
        accreditation_kinds=AccreditationKind.choices(),
        conformities=DataConformity.choices(),
    )


def _rows_asked(kind: RowKind, stored: int) -> int:
    """Return how many rows to show: as asked, within bounds, never fewer than stored ones."""
    typed = read_typed(actor().person_id)
    asked = request.form.get("rows") or request.args.get("rows") or typed.get("rows") or ""
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0
    return max(1, min(max(wanted or stored + BLANK_ROWS, stored), kind.maximum))
