"""Public pages of standard specifications; drafts are seen by reviewers only."""

from itertools import groupby, zip_longest
from typing import Any

from flask import Blueprint, Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can
from catalog.specifications import documents, outline, queries
from catalog.specifications.models import (
    Requirement,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.terms import BodyClass, RequirementClass
from core import web
from core.db import now
from core.errors import BadRequest, NotFound

blueprint = Blueprint("specifications", __name__)

_MEDIA_TYPES = {"html": "text/html", "json": "application/json", "csv": "text/csv"}
_LONGEST_WORDS = 200


@blueprint.get("/specifications")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """List the specifications with their versions; reviewers see drafts as well."""
    session = web.read_session()
    versions = queries.list_versions(session, published_only=not _reads_drafts())
    groups = [
        (specification, list(each))
        for specification, each in groupby(versions, key=lambda version: version.specification)
    ]
    return web.render_page(
        "specifications/index.html",
        groups=groups,
        states=outline.states_on(versions, now(session)),
        counts=queries.count_requirements(session, [version.id for version in versions]),
    )


@blueprint.get("/specifications/<code>")
@access(Permission.CATALOG_READ)
def show(code: str) -> ResponseReturnValue:
    """Show what all versions of a specification share, and whether it takes SaaS."""
    session = web.read_session()
    specification = _find_specification(session, code)
    versions = _visible_versions(session, specification)
    return web.render_page(
        "specifications/show.html",
        specification=specification,
        versions=versions,
        states=outline.states_on(versions, now(session)),
        counts=queries.count_requirements(session, [version.id for version in versions]),
        has_published=any(version.is_published for version in versions),
    )


@blueprint.get("/specifications/<code>/<label>")
@access(Permission.CATALOG_READ)
def show_version(code: str, label: str) -> ResponseReturnValue:
    """Show a version as page, JSON or CSV under one address."""
    session = web.read_session()
    version = find_visible_version(session, code, label)
    requirements = queries.list_requirements(session, version.id)
    state = outline.states_on(
        queries.list_versions_of(session, version.specification_id), now(session)
    )[version.id]
    match _wanted_format("html", "json", "csv"):
        case "json":
            content = documents.version_json(version, state, requirements, now(session))
            return _answer_data("json", content)
        case "csv":
            content = documents.version_csv(requirements)
            return _answer_data("csv", content, f"{code}-{label}.csv")
    shown = outline.outline(requirements, _read_wish())
    if shown.wish.page > shown.page_count:
        raise NotFound
    page = web.render_page(
        "specifications/version.html",
        version=version,
        state=state,
        shown=shown,
        pagination=_Pages(version, shown),
        excerpt=outline.excerpt,
        class_words=outline.class_words,
    )
    return _vary(make_response(page))


@blueprint.get("/specifications/<code>/<label>/<path:requirement_id>")
@access(Permission.CATALOG_READ)
def show_requirement(code: str, label: str, requirement_id: str) -> ResponseReturnValue:
    """Show one requirement at its permanent address, with its history."""
    session = web.read_session()
    version = find_visible_version(session, code, label)
    requirement = queries.find_requirement(session, version.id, requirement_id)
    if requirement is None:
        raise NotFound
    versions = queries.list_versions_of(session, version.specification_id)
    states = outline.states_on(versions, now(session))
    if _wanted_format("html", "json") == "json":
        state = states[version.id]
        return _answer_data("json", documents.requirement_json(version, state, requirement))
    history = queries.list_history(session, version.specification_id, requirement)
    page = web.render_page(
        "specifications/requirement.html",
        version=version,
        requirement=requirement,
        states=states,
        history=_with_changes(history),
        neighbours=queries.list_neighbours(session, requirement),
        body_classes=BodyClass,
        class_words=outline.class_words,
    )
    return _vary(make_response(page))


def find_visible_version(session: Session, code: str, label: str) -> SpecificationVersion:
    """Return a version that the actor may read; a draft is absent for everybody else."""
    version = queries.find_version(session, code, label)
    if version is None or not (version.is_published or _reads_drafts(version)):
        raise NotFound
    return version


def _reads_drafts(version: SpecificationVersion | None = None) -> bool:
    return can(actor(), Permission.SPECIFICATION_READ_DRAFT, version)


def _find_specification(session: Session, code: str) -> StandardSpecification:
    specification = queries.find_specification(session, code)
    if specification is None:
        raise NotFound
    return specification


def _visible_versions(
    session: Session, specification: StandardSpecification
) -> list[SpecificationVersion]:
    found = queries.list_versions_of(session, specification.id)
    visible = [each for each in found if each.is_published or _reads_drafts(each)]
    if not visible and not _reads_drafts():
        raise NotFound
    return visible


def _read_wish() -> outline.Wish:
    page = request.args.get("page", "1")
    if not page.isascii() or not page.isdigit() or not 1 <= int(page[:9]) <= 10**6:
        raise NotFound
    known = {each.value for each in RequirementClass}
    classes = tuple(dict.fromkeys(request.args.getlist("class")))
    if not known.issuperset(classes):
        raise BadRequest("実装区分の指定を読み取れません。絞り込みから選び直してください。")
    return outline.Wish(
        words=request.args.get("q", "")[:_LONGEST_WORDS].strip(),
        chapter=request.args.get("chapter", ""),
        classes=classes,
        page=int(page),
    )


class _Pages:
    """The pages of an outline, each with its address."""

    def __init__(self, version: SpecificationVersion, shown: outline.Outline) -> None:
        self._names = {"code": version.specification.code, "label": version.label}
        self._wish = shown.wish
        self.number = shown.wish.page
        self.page_count = shown.page_count

    def href(self, number: int) -> str:
        """Return the address of a page with all conditions kept."""
        return self.narrowed(page=number if number > 1 else None)

    def narrowed(self, **changed: Any) -> str:
        """Return the address with some conditions replaced; the page starts again at the first."""
        values: dict[str, Any] = {
            **self._names,
            "q": self._wish.words or None,
            "chapter": self._wish.chapter or None,
            "class": list(self._wish.classes) or None,
            **{name: value or None for name, value in changed.items()},
        }
        return url_for("specifications.show_version", **values)

    def without_class(self, value: str) -> str:
        """Return the address without one of the classes."""
        return self.narrowed(**{"class": [each for each in self._wish.classes if each != value]})

    def cleared(self) -> str:
        """Return the address without chapter and classes; the words looked for stay."""
        return self.narrowed(**{"chapter": None, "class": None})


def _with_changes(
    history: list[tuple[SpecificationVersion, Requirement]],
) -> list[tuple[SpecificationVersion, Requirement, str]]:
    """Say for each version what changed since the one before it."""
    rows = []
    for (version, requirement), older in zip_longest(history, history[1:]):
        if older is None:
            words = "この版から"
        else:
            parts = [
                ("本文", requirement.text != older[1].text),
                ("名称", requirement.name != older[1].name),
                ("実装区分", requirement.classes != older[1].classes),
                ("適合基準日", requirement.conformity_date != older[1].conformity_date),
            ]
            changed = "、".join(name for name, differs in parts if differs)
            words = f"{changed}が変わりました" if changed else "変更なし"
        rows.append((version, requirement, words))
    return rows


def _wanted_format(*offered: str) -> str:
    given = request.args.get("format")
    if given is not None:
        if given not in offered:
            known = "、".join(offered)
            raise BadRequest(f"formatは{known}のどれかを指定してください。")
        return given
    types = {_MEDIA_TYPES[name]: name for name in offered}
    best = request.accept_mimetypes.best_match(list(types), default="text/html")
    return types[best]


def _answer_data(kind: str, content: bytes, filename: str = "") -> Response:
    response = make_response(content)
    response.content_type = f"{_MEDIA_TYPES[kind]}; charset=utf-8"
    if filename:
        response.headers.set("Content-Disposition", "attachment", filename=filename)
    return _vary(response)


def _vary(response: Response) -> Response:
    response.vary.add("Accept")
    return response
