"""The list of what a person typed and has not saved: with its pages, and until when it is kept."""

import uuid

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from accounts.schemas import DropDraftSchema
from accounts.views import blueprint
from core import form_drafts, web
from core.errors import NotFound
from core.forms import Form


@blueprint.route("/account/drafts", methods=["GET", "POST"])
@access(Permission.ACCOUNT_USE, write=Permission.ACCOUNT_CHANGE)
def drafts() -> ResponseReturnValue:
    """List the drafts of the person; one is dropped by its button."""
    person_id = actor().person_id
    if person_id is None:
        raise NotFound
    form = Form(DropDraftSchema(), web.posted_form())
    if form.is_posted:
        return _drop(form, person_id)
    rows = form_drafts.list_drafts(web.read_session(), person_id)
    return web.render_page(
        "accounts/drafts.html",
        drafts=[(each, form_drafts.title_of(each), form_drafts.last_day(each)) for each in rows],
        days=form_drafts.DRAFT_DAYS,
        most=form_drafts.MOST_DRAFTS,
    )


def _drop(form: Form, person_id: uuid.UUID) -> ResponseReturnValue:
    def forget(session: Session, data: dict[str, str]) -> bool:
        form_drafts.forget(session, person_id, data["address"])
        return True

    if not form.submit(forget):
        raise NotFound
    web.leave_notice("done", "書きかけを取り消しました")
    return web.see_other(url_for("accounts.drafts"))
