"""What a submission changes of the version that buyers see, for those who review it."""

import uuid

from flask import url_for
from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.certification.act_pages import find_review
from catalog.certification.views import blueprint
from catalog.offerings.views.change_pages import show_changes_of
from core import web


@blueprint.get("/reviews/<uuid:certification_id>/changes")
@access(Permission.CERTIFICATION_READ)
def show_changes(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Show word by word what the reviewed version changes of the published one."""
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_READ)
    home = url_for("certification.show", certification_id=review.id)
    return show_changes_of(session, review.offering_version, home)
