"""Standard specifications as resources of the API: the same words as their pages say."""

from typing import Any

from flask import Blueprint, Response

from accounts.auth import access
from accounts.permissions import Permission
from catalog.api_filters import ServerFilter
from catalog.api_pages import PageQuerySchema, answer_page, cut_page
from catalog.specifications import (
    change_documents,
    documents,
    listing_documents,
    outline,
    queries,
    revisions,
)
from catalog.specifications.api_schemas import (
    ChangesQuerySchema,
    DifferencesSchema,
    RequirementPageSchema,
    RequirementsQuerySchema,
    RequirementWithHistorySchema,
    SpecificationPageSchema,
    WholeSpecificationSchema,
    WholeVersionSchema,
)
from catalog.specifications.change_views import find_other
from catalog.specifications.models import Requirement
from catalog.specifications.views import (
    find_specification,
    find_visible_version,
    visible_versions,
)
from catalog.terms import RequirementClass
from core import api, web
from core.db import now
from core.errors import NotFound

blueprint = Blueprint("specifications_api", __name__, url_prefix="/api/v1")

_VERSION = "/specifications/<code>/versions/<label>"


@blueprint.get("/specifications")
@access(Permission.SPECIFICATION_READ)
@api.endpoint(
    "標準仕様書の一覧",
    query=PageQuerySchema,
    answer=SpecificationPageSchema,
    adds=(ServerFilter.VERSIONS_PUBLISHED,),
)
def list_specifications(query: dict[str, Any]) -> Response:
    """Answer a page of the specifications with their published versions (3 statements)."""
    session = web.read_session()
    found = queries.list_specifications(session)
    shown, following = cut_page(found, query, lambda each: each.code)
    versions = queries.list_versions(session)
    states = outline.states_on(versions, now(session))
    recorded = {
        each.specification_id: each for each in queries.list_lifecycle_records(session)[::-1]
    }
    items = [
        listing_documents.specification_content(
            each,
            [version for version in versions if version.specification_id == each.id],
            states,
            recorded.get(each.id),
        )
        for each in shown
    ]
    return answer_page(items, following)


@blueprint.get("/specifications/<code>")
@access(Permission.SPECIFICATION_READ)
@api.endpoint("標準仕様書1件", answer=WholeSpecificationSchema, problems=(404,))
def show_specification(code: str, query: dict[str, Any]) -> dict[str, Any]:
    """Answer what all versions share, the versions, and the way through commonalisation."""
    del query
    session = web.read_session()
    specification = find_specification(session, code)
    records = queries.list_lifecycle_records(session, specification.id)
    versions = visible_versions(session, specification, is_listed=bool(records))
    states = outline.states_on(versions, now(session))
    return listing_documents.whole_content(specification, versions, states, records)


@blueprint.get(_VERSION)
@access(Permission.SPECIFICATION_READ)
@api.endpoint("標準仕様書の版1件", answer=WholeVersionSchema, problems=(404, 410))
def show_version(code: str, label: str, query: dict[str, Any]) -> dict[str, Any]:
    """Answer a version with the number of its requirements; a withdrawn one is gone."""
    del query
    session = web.read_session()
    version = find_visible_version(session, code, label)
    states = outline.states_on(visible_versions(session, version.specification), now(session))
    counts = queries.count_requirements(session, [version.id])[version.id]
    return {
        **documents.version_facts(version, states[version.id]),
        "requirement_counts": {each.value: counts.get(each, 0) for each in RequirementClass},
    }


@blueprint.get(f"{_VERSION}/requirements")
@access(Permission.SPECIFICATION_READ)
@api.endpoint(
    "版の要件の一覧",
    query=RequirementsQuerySchema,
    answer=RequirementPageSchema,
    adds=(),
    problems=(404, 410),
)
def list_requirements(code: str, label: str, query: dict[str, Any]) -> Response:
    """Answer a page of the requirements that the conditions leave, in the order of the version."""
    session = web.read_session()
    version = find_visible_version(session, code, label)
    requirements = queries.list_requirements(session, version.id)
    wish = outline.Wish(
        words=query["q"].strip(),
        chapter=query["chapter"],
        classes=tuple(query["requirement_class"]),
        kinds=tuple(query["kind"]),
    )
    left = outline.narrow(requirements, wish)
    shown, following = cut_page(left, query, _place)
    items = [documents.requirement_facts(each) for each in shown]
    return answer_page(items, following, found=len(left), total=len(requirements))


def _place(requirement: Requirement) -> str:
    return f"{requirement.position:08d} {requirement.id}"


@blueprint.get(f"{_VERSION}/requirements/<path:requirement_id>")
@access(Permission.SPECIFICATION_READ)
@api.endpoint("要件1件とその沿革", answer=RequirementWithHistorySchema, problems=(404, 410))
def show_requirement(
    code: str, label: str, requirement_id: str, query: dict[str, Any]
) -> dict[str, Any]:
    """Answer one requirement, and what it was in every published version."""
    del query
    session = web.read_session()
    version = find_visible_version(session, code, label)
    requirement = queries.find_requirement(session, version.id, requirement_id)
    if requirement is None:
        raise NotFound
    versions = queries.list_versions_of(session, version.specification_id)
    states = outline.states_on(versions, now(session))
    history = queries.list_history(session, version.specification_id, requirement)
    return documents.requirement_content(version, states, requirement, history)


@blueprint.get(f"{_VERSION}/changes")
@access(Permission.SPECIFICATION_READ)
@api.endpoint(
    "ほかの版との違い", query=ChangesQuerySchema, answer=DifferencesSchema, problems=(404, 410)
)
def show_changes(code: str, label: str, query: dict[str, Any]) -> dict[str, Any]:
    """Answer what differs from another version (?from=), else from the one before."""
    session = web.read_session()
    after = find_visible_version(session, code, label)
    versions = visible_versions(session, after.specification)[::-1]
    before = find_other(after, versions, query["since"])
    states = outline.states_on(versions, now(session))
    if before is None:
        return change_documents.nothing_content(after, states[after.id])
    difference = revisions.compare_versions(session, before, after, versions)
    pair = ((before, states[before.id]), (after, states[after.id]))
    return change_documents.changes_content(*pair, difference)
