"""What belongs to an offering, as resources of the API: versions, conformance, certificates, terms."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from catalog import queries, records
from catalog.api import blueprint, find_public_offering
from catalog.api_filters import ServerFilter
from catalog.api_pages import PageQuerySchema, answer_page, cut_page
from catalog.api_schemas import CertificateSchema, OfferedListingSchema
from catalog.certification.queries import standings
from catalog.history_views import is_open
from catalog.listing_page import ChapterTally, ShownAnswer, tally_chapters
from catalog.offering_api_schemas import (
    CertificatePageSchema,
    ConformancePageSchema,
    ListingVersionPageSchema,
    OfferingVersionPageSchema,
)
from catalog.offerings import queries as offers
from catalog.offerings.models import ListingVersion, OfferState
from catalog.offerings.queries import history
from catalog.specifications.queries import list_requirements
from core import api, web
from core.clock import day_in_japan
from core.db import now
from core.errors import Gone, NotFound


@blueprint.get("/offerings/<uuid:offering_id>/versions")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "サービスの、公開されたことのある版",
    query=PageQuerySchema,
    answer=OfferingVersionPageSchema,
    adds=(ServerFilter.ONCE_PUBLIC, ServerFilter.STANDING_NOW),
    problems=(404, 410),
)
def list_offering_versions(offering_id: UUID, query: dict[str, Any]) -> Response:
    """Answer every version that was ever public, each with its own standing, the first one first."""
    session = web.read_session()
    find_public_offering(session, offering_id)
    found = [
        each
        for each in offers.list_offering_versions(session, offering_id)
        if each.published_at is not None and each.state in offers.SHOWN_STATES
    ]
    shown, following = cut_page(found, query, lambda each: f"{each.number:08d}")
    known, day = standings(session, shown), day_in_japan(now(session))
    items = [
        {
            **records.version_record(each, day),
            "state": each.state.value,
            "certification": records.standing_record(known[each.id]),
        }
        for each in shown
    ]
    return answer_page(items, following)


@blueprint.get("/offerings/<uuid:offering_id>/conformance")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "要件ごとの、事業者の回答",
    query=PageQuerySchema,
    answer=ConformancePageSchema,
    adds=(ServerFilter.PUBLIC,),
    problems=(404, 410),
)
def list_conformance(offering_id: UUID, query: dict[str, Any]) -> Response:
    """Answer what the vendor says to each requirement, and the tallies of the page by chapter."""
    session = web.read_session()
    version = find_public_offering(session, offering_id)
    requirements = list_requirements(session, version.specification_version_id)
    answers = offers.list_answers(session, [version.id], with_evidence=False)[version.id]
    chapters = tally_chapters(requirements, answers)
    rows = [row for chapter in chapters for row in chapter.rows]
    shown, following = cut_page(rows, query, _place)
    return answer_page(
        [_answer_record(row) for row in shown],
        following,
        offering_version_id=str(version.id),
        specification_version_id=str(version.specification_version_id),
        chapters=[_chapter_record(each) for each in chapters],
    )


def _place(row: ShownAnswer) -> str:
    return f"{row.requirement.position:08d} {row.requirement.id}"


def _answer_record(row: ShownAnswer) -> dict[str, Any]:
    told = row.answer
    return {
        "requirement_id": row.requirement.requirement_id,
        "class": row.requirement_class.value,
        "answer": told.answer.value if told else None,
        "note": (told.note or None) if told else None,
        "due_on": told.due_on.isoformat() if told and told.due_on else None,
    }


def _chapter_record(chapter: ChapterTally) -> dict[str, Any]:
    return {
        "title": chapter.title,
        "met": {each.value: number for each, number in chapter.met.items()},
        "total": {each.value: number for each, number in chapter.total.items()},
        "unanswered": chapter.unanswered,
    }


@blueprint.get("/offerings/<uuid:offering_id>/certificates")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "サービスのすべての版の認証",
    query=PageQuerySchema,
    answer=CertificatePageSchema,
    adds=(ServerFilter.ONCE_PUBLIC, ServerFilter.STANDING_NOW),
    problems=(404, 410),
)
def list_certificates(offering_id: UUID, query: dict[str, Any]) -> Response:
    """Answer the certificates of all versions of an offering, by id."""
    session = web.read_session()
    find_public_offering(session, offering_id)
    ids = queries.list_certificate_ids_of(session, offering_id)
    shown, following = cut_page(ids, query, str)
    found = records.load_records(session, "certificate", shown)
    return answer_page([found[each] for each in shown], following)


@blueprint.get("/certificates/<uuid:certification_id>")
@access(Permission.CATALOG_READ)
@api.endpoint("認証1件", answer=CertificateSchema, problems=(404,))
def show_certificate(certification_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one certificate with its state now."""
    del query
    found = records.load_records(web.read_session(), "certificate", [certification_id])
    if not found:
        raise NotFound("この認証はありません。idを確かめてください。")
    return found[certification_id]


@blueprint.get("/listings/<uuid:listing_id>")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "一つの事業者の販売条件（料金、サービスの水準、やめるときの条件）",
    answer=OfferedListingSchema,
    problems=(404, 410),
)
def show_listing(listing_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer one seller's terms as buyers see them now."""
    del query
    session = web.read_session()
    listed = offers.find_listed(session, [listing_id])
    if not listed:
        _refuse_listing(session, listing_id)
    return _listing_record(session, listed[0])


def _listing_record(session: Session, version: ListingVersion) -> dict[str, Any]:
    return {
        **records.listing_record(version, day_in_japan(now(session))),
        "seller": records.vendor_summary(version.listing.seller),
    }


def _refuse_listing(session: Session, listing_id: UUID) -> None:
    shown = offers.list_listing_versions(session, listing_id, shown_only=True)
    if shown and is_ended(shown):
        raise Gone("この販売条件は掲載を終え、新しい依頼を受け付けていません。")
    raise NotFound("この販売条件は公開されていません。idを確かめてください。")


def is_ended(shown: Sequence[ListingVersion]) -> bool:
    """Tell whether a listing was withdrawn for everyone to see; a suspended seller's is absent."""
    states = {each.state for each in shown}
    return OfferState.WITHDRAWN in states and OfferState.PUBLISHED not in states


@blueprint.get("/listings/<uuid:listing_id>/versions")
@access(Permission.CATALOG_READ)
@api.endpoint(
    "販売条件の、公開されたことのある版（料金の沿革）",
    query=PageQuerySchema,
    answer=ListingVersionPageSchema,
    adds=(ServerFilter.ONCE_PUBLIC, ServerFilter.PRICES_BEGUN),
    problems=(404,),
)
def list_listing_versions(listing_id: UUID, query: dict[str, Any]) -> Response:
    """Answer every version of the terms that was ever public, also of a listing that has ended."""
    session = web.read_session()
    versions = history.list_public_history(session, listing_id)
    if not versions or not is_open(versions):
        raise NotFound("この販売条件は公開されていません。idを確かめてください。")
    shown, following = cut_page(versions, query, lambda each: f"{each.number:08d}")
    items = [{**_listing_record(session, each), "state": each.state.value} for each in shown]
    return answer_page(items, following)
