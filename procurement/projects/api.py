"""A body's own projects for its programs: to read, as its clerks read them, and nothing more."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, url_for

from accounts.auth import access, actor
from accounts.identity import Scope
from accounts.permissions import Permission
from catalog.api_filters import ServerFilter
from catalog.api_values import read_place, show
from core import api, web
from core.errors import NotFound
from procurement.projects import queries
from procurement.projects.api_schemas import (
    CandidatesSchema,
    PageQuerySchema,
    ProjectPageSchema,
    ProjectSchema,
    RevisionQuerySchema,
)
from procurement.projects.evidence import hit_of
from procurement.projects.models import Candidate, EvidencePack, Project
from procurement.projects.views.frame import read_project

blueprint = Blueprint("projects_api", __name__, url_prefix="/api/v1")
_P = Permission
_OUTLINE = (
    "id",
    "number",
    "title",
    "state",
    "starts_on",
    "term_months",
    "created_at",
    "updated_at",
)
_WHOLE = (
    *_OUTLINE, "need", "term_basis", "category", "budget_line", "budget_fiscal_year",
    "budget_amount", "burden_limit", "burden_voted_on", "burden_until", "end_reason",
    "specification_version_id",
)  # fmt: skip
_PACK = ("revision", "sha256", "locked_at", "catalog_sequence", "catalog_epoch")


def acting_body() -> uuid.UUID:
    """Return the body whose program asks."""
    home = actor().organisation_id
    if home is None:
        raise NotFound
    return home


def answer_page(rows: Sequence[Any], items: list[dict[str, Any]], limit: int) -> Response:
    """Answer a page of rows of which one more was asked for than is shown."""
    following = api.make_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
    response = api.json_response({"items": items[:limit], "next": following})
    return api.link_next(response, cursor=following) if following else response


@blueprint.get("/projects")
@access(_P.PROJECT_READ)
@api.endpoint(
    "自団体の調達案件の一覧",
    query=PageQuerySchema,
    answer=ProjectPageSchema,
    adds=(ServerFilter.OWN_ORGANISATION,),
    problems=(401, 403),
    needs=Scope.PROJECT_READ,
)
def list_projects(query: dict[str, Any]) -> Response:
    """Answer a page of the body's projects, in the order of their ids."""
    after, limit = read_place(query["cursor"]), query["limit"]
    session = web.read_session()
    found = queries.list_projects_after(session, acting_body(), after=after, limit=limit + 1)
    return answer_page(found, [show(each, _OUTLINE) for each in found], limit)


@blueprint.get("/projects/<uuid:project_id>")
@access(_P.PROJECT_READ)
@api.endpoint(
    "自団体の調達案件1件",
    answer=ProjectSchema,
    problems=(401, 403, 404),
    needs=Scope.PROJECT_READ,
)
def show_project(project_id: uuid.UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer a project with its conditions and its locked searches."""
    del query
    project, session = read_project(project_id), web.read_session()
    conditions = queries.list_conditions(session, project.id)
    packs = queries.list_packs(session, project.id)
    return {
        **show(project, _WHOLE),
        "conditions": [show(each, ("key", "kind", "text")) for each in conditions],
        "evidence": [show(each, _PACK) for each in packs],
        "page": url_for("projects.show", project_id=project.id),
    }


@blueprint.get("/projects/<uuid:project_id>/evidence/<int(max=999999):revision>")
@access(_P.EVIDENCE_READ)
@api.endpoint(
    "確定した検索の記録（正規JSON。SHA-256を計算できるそのままのバイト列）",
    problems=(401, 403, 404),
    needs=Scope.PROJECT_READ,
)
def show_evidence(project_id: uuid.UUID, revision: int, query: dict[str, Any]) -> Response:
    """Answer the canonical bytes whose SHA-256 every document prints."""
    del query
    project = read_project(project_id, _P.EVIDENCE_READ)
    pack = _find_pack(project, revision)
    response = Response(pack.content.encode(), content_type=api.JSON_TYPE)
    response.set_etag(pack.sha256)
    return response


@blueprint.get("/projects/<uuid:project_id>/candidates")
@access(_P.EVIDENCE_READ)
@api.endpoint(
    "確定した検索の候補（除外したものは理由とともに）",
    query=RevisionQuerySchema,
    answer=CandidatesSchema,
    adds=(ServerFilter.OWN_ORGANISATION,),
    problems=(401, 403, 404),
    needs=Scope.PROJECT_READ,
)
def list_candidates(project_id: uuid.UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Answer every locked hit in its order."""
    project = read_project(project_id, _P.EVIDENCE_READ)
    pack = _find_pack(project, query["revision"])
    found = queries.list_candidates(web.read_session(), pack.id)
    return {
        "revision": pack.revision,
        "evidence_sha256": pack.sha256,
        "items": [_show_candidate(pack, each) for each in found],
    }


def _find_pack(project: Project, revision: int | None) -> EvidencePack:
    session = web.read_session()
    if revision is None:
        pack = queries.latest_pack(session, project.id)
    else:
        pack = queries.find_pack(session, project.id, revision)
    if pack is None:
        raise NotFound("検索の結果は、まだ確定していません。番号を確かめてください。")
    return pack


def _show_candidate(pack: EvidencePack, candidate: Candidate) -> dict[str, Any]:
    hit = hit_of(pack, candidate.listing_version_id)
    exclusion = None
    if candidate.is_excluded:
        exclusion = {
            "reason": candidate.exclusion_reason,
            **show(candidate, ("condition_key", "excluded_at")),
        }
    return {
        **show(candidate, ("id", "rank", "listing_version_id")),
        **{name: hit[name] for name in ("offering_id", "listing_id", "name", "maker", "seller")},
        "certification": hit["certification"]["state"],
        **show(candidate, ("listing_sha256", "offering_sha256")),
        "exclusion": exclusion,
    }
