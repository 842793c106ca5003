"""Pages of the lead: changes of price and terms, and listings of other sellers."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings import queries, services
from catalog.offerings.models import ListingVersion
from catalog.offerings.schemas import Decision, DecisionSchema
from catalog.offerings.views.change_pages import changes_of_terms
from catalog.offerings.views.frame import blueprint, show_tiers, terms_for
from catalog.offerings.views.offering_pages import words_of
from core import web
from core.forms import Form

_DECIDE = Permission.OFFERING_DECIDE


@blueprint.get("/price-changes")
@access(_DECIDE)
def list_price_changes() -> ResponseReturnValue:
    """Show the submitted changes of price and terms, the oldest first."""
    changes = queries.list_price_changes(web.read_session())
    return web.render_page("offerings/price_changes.html", changes=changes)


@blueprint.route("/price-changes/<uuid:listing_version_id>", methods=["GET", "POST"])
@access(_DECIDE, write=_DECIDE)
def decide_price_change(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show submitted terms beside the published ones, and take the lead's decision."""
    session = web.read_session()
    terms = terms_for(session, listing_version_id, _DECIDE)
    posted = web.posted_form()
    form = Form(DecisionSchema(), posted, {"version": terms.version})
    done = None
    if form.is_posted:
        done = form.submit(lambda writing, data: _decide(writing, listing_version_id, data))
    if done is not None:
        web.leave_notice("done", f"「{done.state.label}」にしました", "事業者に見えています。")
        return web.see_other(url_for("vendor_offerings.list_price_changes"))
    before = queries.published_version_of(session, terms.listing_id)
    tiers = {row.position: show_tiers(row) for row in before.components} if before else {}
    return web.render_page(
        "offerings/decide_terms.html",
        form.status,
        form=form,
        terms=terms,
        version=terms.offering_version,
        before=before,
        before_tiers=tiers,
        changes=changes_of_terms(session, terms),
        decisions=Decision.choices(),
        words=(words := words_of(terms.offering_version, terms)),
        **words,
    )


def _decide(session: Session, version_id: uuid.UUID, data: dict[str, Any]) -> ListingVersion:
    row = terms_for(session, version_id, _DECIDE)
    if data["decision"] is Decision.APPROVE:
        return services.approve_listing_version(session, actor(), row, version=data["version"])
    return services.return_listing_version(
        session, actor(), row, reason=data["reason"], version=data["version"]
    )
