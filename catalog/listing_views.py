"""The public page of a listing: it joins the offering with its certificate and its other sellers."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import OrganisationKind
from accounts.permissions import Permission
from catalog.certification.queries import Standing, current_certifications, standing_of
from catalog.condition_words import kept_words, population_words
from catalog.conditions import Conditions
from catalog.kept.remembering import own_conditions
from catalog.listing_page import ChapterTally, tally_chapters
from catalog.offerings import queries
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.prices import list_public, plan_of
from catalog.offerings.queries import history
from catalog.offerings.views.offering_pages import words_of
from catalog.offerings.views.own_list import UNDER_REVIEW
from catalog.price_bands import first_year_cost
from catalog.specifications.queries import list_requirements
from catalog.terms import CertificationState, RequirementClass
from core import paging, web
from core.clock import day_in_japan, today_jst
from core.db import now
from core.errors import NotFound

blueprint = Blueprint("offerings", __name__)

_GONE = 410
_MOST_FOLDED = 300  # answers on the page; beyond, a chapter at a time
_TRUSTED = (CertificationState.CERTIFIED, CertificationState.CONDITIONAL)


@blueprint.get("/listings/<uuid:listing_id>")
@access(Permission.CATALOG_READ)
def show_listing(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Show what one seller offers now; a withdrawn listing answers 410 with substitutes."""
    session = web.read_session()
    sellers = queries.find_listed(session, beside_listing_id=listing_id)
    listed = next((each for each in sellers if each.listing_id == listing_id), None)
    if listed is None:
        return _show_withdrawn(session, listing_id, sellers)
    version = listed.offering_version
    requirements = list_requirements(session, version.specification_version_id)
    answers = queries.list_answers(session, [version.id], with_evidence=False)[version.id]
    certificate = current_certifications(session, [version.id]).get(version.id)
    beside = history.list_versions_beside(session, listed.listing.offering_id)
    return web.render_page(
        "offerings/show_listing.html",
        listed=listed,
        version=version,
        maker=listed.listing.offering.maker,
        standing=standing_of(certificate, now(session), has_answers=bool(answers)),
        **_chapters(tally_chapters(requirements, answers)),
        classes=RequirementClass,
        **_price_context(listed, own_conditions(session, _work_of(listed))),
        public_components=list_public(listed.components, today_jst()),
        sellers=sellers,
        history=[each for each in beside if each.listing_id == listing_id and _was_public(each)],
        is_changing=_reads_of_changes(listed) and any(_is_pending(e, listing_id) for e in beside),
        published_on=day_in_japan(listed.published_at or listed.created_at),
        may_sell=_may_sell(sellers),
        body_label=_body_label(),
        **words_of(version, listed),
    )


def _price_context(listed: ListingVersion, conditions: Conditions) -> dict[str, Any]:
    """Return the first year for whom the reader computes, and how to say for whom."""
    rules = conditions.rules_for(listed.tax_rounding)
    return {
        "first_year": first_year_cost(plan_of(listed), conditions.volumes, rules),
        "cost_for": conditions.body_label,
        "population_words": population_words(conditions),
        "kept_words": kept_words(conditions),
        "conditions_href": url_for(
            "comparison.own_conditions", work=_work_of(listed), next=request.path
        ),
    }


def _work_of(listed: ListingVersion) -> str:
    return listed.offering_version.specification_version.specification.code


def _chapters(chapters: list[ChapterTally]) -> dict[str, Any]:
    """Return the chapters; of a long specification the answers of one chapter stand open at a time."""
    number = request.args.get("chapter", "0")
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise NotFound
    opened = int(number)
    if opened > len(chapters):
        raise NotFound
    shown = chapters[opened - 1] if opened else None
    return {
        "chapters": chapters,
        "is_long": sum(len(each.rows) for each in chapters) > _MOST_FOLDED,
        "opened": paging.cut(shown.rows, anchor="answers-title") if shown else None,
        "opened_number": opened,
        "opened_title": shown.title if shown else "",
    }


def _show_withdrawn(
    session: Session, listing_id: uuid.UUID, sellers: Sequence[ListingVersion]
) -> ResponseReturnValue:
    """Answer 410 for what was withdrawn; a draft or a suspended seller is as good as absent."""
    shown = queries.list_listing_versions(session, listing_id, shown_only=True)
    last = next((each for each in shown if each.state is OfferState.WITHDRAWN), None)
    if last is None or any(each.state is OfferState.PUBLISHED for each in shown):
        raise NotFound
    version = last.offering_version
    others = [
        each
        for each in queries.find_listed(
            session, specification_version_id=version.specification_version_id
        )
        if each.listing.offering_id != last.listing.offering_id
    ]
    certificates = current_certifications(session, [each.offering_version_id for each in others])
    moment = now(session)
    substitutes: dict[uuid.UUID, tuple[ListingVersion, Standing]] = {}
    for each in others:
        held = certificates.get(each.offering_version_id)
        standing = standing_of(held, moment, has_answers=True)
        if standing.state in _TRUSTED:
            substitutes.setdefault(each.listing.offering_id, (each, standing))
    return web.render_page(
        "offerings/withdrawn.html",
        _GONE,
        last=last,
        successor_id=last.listing.merged_into_id,
        is_running=last.service_ends_on is not None and today_jst() <= last.service_ends_on,
        version=version,
        sellers=sellers,
        substitutes=list(substitutes.values()),
    )


def _was_public(version: ListingVersion) -> bool:
    return version.published_at is not None and version.state in queries.SHOWN_STATES


def _reads_of_changes(listed: ListingVersion) -> bool:
    """Tell whether the reader may know that a change is on its way: buyers and agency, no rival."""
    acting = actor()
    if acting.organisation_kind in {None, OrganisationKind.VENDOR}:
        return acting.organisation_id in {listed.owner_id, listed.listing.offering.owner_id}
    return True


def _is_pending(version: ListingVersion, listing_id: uuid.UUID) -> bool:
    """Tell whether a version changes, when it is published, what this listing shows."""
    concerned = version.listing_id == listing_id or version.offering_version.state in UNDER_REVIEW
    return concerned and version.state in UNDER_REVIEW


def _may_sell(sellers: Sequence[ListingVersion]) -> bool:
    """Tell whether the acting company could begin to sell this software of another maker."""
    acting = actor()
    if acting.organisation_kind is not OrganisationKind.VENDOR:
        return False
    involved = {sellers[0].listing.offering.owner_id, *(each.owner_id for each in sellers)}
    return acting.organisation_id not in involved


def _body_label() -> str | None:
    acting = actor()
    is_body = acting.organisation_kind is OrganisationKind.BODY
    return acting.organisation_label if is_body else None
