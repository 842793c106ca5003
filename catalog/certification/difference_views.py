"""What a submission changes of the version that buyers see, for those who review it."""

import uuid

from flask import url_for
from flask.typing import ResponseReturnValue

from accounts.auth import access
from accounts.permissions import Permission
from catalog.certification.act_pages import find_review
from catalog.certification.views import blueprint
from catalog.offerings.queries import find_own_listing_version
from catalog.offerings.views.change_pages import changes_of, changes_of_terms
from core import web
from core.errors import NotFound


@blueprint.get("/reviews/<uuid:certification_id>/changes")
@access(Permission.CERTIFICATION_READ)
def show_changes(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Show word by word what the reviewed version changes of the published one."""
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_READ)
    version = review.offering_version
    terms = find_own_listing_version(session, version)
    if terms is None:
        raise NotFound
    return web.render_page(
        "offerings/changes.html",
        version=version,
        terms=terms,
        row=version,
        software=changes_of(session, version),
        conditions=changes_of_terms(session, terms),
        home_href=url_for("certification.show", certification_id=review.id),
    )
