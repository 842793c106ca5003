"""Public pages of standard specifications; drafts are seen by reviewers only."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can
from catalog.specifications import documents, listing_documents, outline, queries
from catalog.specifications.consultation import services as consultations
from catalog.specifications.history import tell_history
from catalog.specifications.models import (
    SpecificationState,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.specifications.negotiation import (
    answer_data,
    answer_file,
    answer_page,
    wanted_format,
)
from catalog.specifications.revisions import version_before
from catalog.terms import BodyClass, RequirementClass, RequirementKind
from catalog.text_blocks import fold_text, text_blocks
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import BadRequest, Gone, NotFound
from core.japanese import format_date
from core.state_machine import LabelledCode

blueprint = Blueprint("specifications", __name__)
blueprint.add_app_template_filter(text_blocks)
blueprint.add_app_template_filter(fold_text)

_LONGEST_WORDS = 200


@blueprint.get("/specifications")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """List the specifications with their versions; reviewers see drafts as well."""
    session = web.read_session()
    public_only = not _reads_drafts()
    versions = queries.list_versions(session, published_only=public_only)
    states = outline.states_on(versions, now(session))
    groups = [
        (each, [version for version in versions if version.specification_id == each.id])
        for each in queries.list_specifications(session, public_only=public_only)
    ]
    groups.sort(key=lambda group: not group[1])
    recorded = queries.list_lifecycle_records(session)[::-1]
    records = {record.specification_id: record for record in recorded}
    match wanted_format("html", "json", "csv"):
        case "json":
            content = listing_documents.index_json(groups, states, records)
            return answer_data("json", content, is_public=public_only)
        case "csv":
            content = listing_documents.index_csv(groups, states, records)
            name = "specifications.csv"
            return answer_data("csv", content, filename=name, is_public=public_only)
    page = web.render_page(
        "specifications/index.html",
        groups=groups,
        states=states,
        records=records,
        counts=queries.count_requirements(session, [version.id for version in versions]),
    )
    return answer_page(page)


@blueprint.get("/specifications/<code>")
@access(Permission.CATALOG_READ)
def show(code: str) -> ResponseReturnValue:
    """Show what all versions of a specification share, and whether it takes SaaS."""
    session = web.read_session()
    specification = find_specification(session, code)
    records = queries.list_lifecycle_records(session, specification.id)
    versions = visible_versions(session, specification, is_listed=bool(records))
    states = outline.states_on(versions, now(session))
    match wanted_format("html", "json", "csv"):
        case "json":
            content = listing_documents.specification_json(specification, versions, states, records)
            return answer_data("json", content, is_public=not _reads_drafts())
        case "csv":
            group = (specification, versions)
            latest = {record.specification_id: record for record in records[:1]}
            content = listing_documents.index_csv([group], states, latest)
            name = f"{code}.csv"
            return answer_data("csv", content, filename=name, is_public=not _reads_drafts())
    page = web.render_page(
        "specifications/show.html",
        specification=specification,
        versions=versions,
        states=states,
        records=records,
        counts=queries.count_requirements(session, [version.id for version in versions]),
        has_published=any(version.is_published for version in versions),
    )
    return answer_page(page)


@blueprint.get("/specifications/<code>/<label>")
@access(Permission.CATALOG_READ)
def show_version(code: str, label: str) -> ResponseReturnValue:
    """Show a version as page, JSON or CSV under one address."""
    session = web.read_session()
    version = find_visible_version(session, code, label)
    requirements = queries.list_requirements(session, version.id)
    versions = visible_versions(session, version.specification)
    state = outline.states_on(versions, now(session))[version.id]
    match wanted_format("html", "json", "csv"):
        case "json":
            content = documents.version_json(version, state, requirements, now(session))
            return answer_data("json", content, is_public=version.is_published)
        case "csv":
            content = documents.version_csv(requirements)
            name = f"{code}-{label}.csv"
            return answer_data("csv", content, filename=name, is_public=version.is_published)
    shown = outline.outline(requirements, _read_wish())
    if shown.wish.page > shown.page_count:
        raise NotFound
    has_ended = version.state in {SpecificationState.RETIRED, SpecificationState.WITHDRAWN}
    page = web.render_page(
        "specifications/version.html",
        version=version,
        state=state,
        earlier=version_before(version, versions[::-1]),
        end=queries.find_end(session, version.id) if has_ended else None,
        source=queries.find_source(session, version.id),
        **consultations.shown_with(session, version, with_past=True),
        shown=shown,
        pagination=_Pages(version, shown),
        excerpt=outline.excerpt,
        class_words=outline.class_words,
    )
    return answer_page(page)


@blueprint.get("/specifications/<code>/<label>/source")
@access(Permission.CATALOG_READ)
def download_source(code: str, label: str) -> ResponseReturnValue:
    """Answer the ministry's document of a version as it was received."""
    session = web.read_session()
    version = find_visible_version(session, code, label)
    source = queries.find_source(session, version.id, with_content=True)
    if source is None:
        raise NotFound
    return answer_file(source.content, source.media_type, source.filename)


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
    history = queries.list_history(session, version.specification_id, requirement)
    match wanted_format("html", "json", "csv"):
        case "json":
            content = documents.requirement_json(version, states, requirement, history)
            return answer_data("json", content, is_public=version.is_published)
        case "csv":
            content = documents.version_csv([requirement])
            name = f"{code}-{label}-{requirement_id.replace('/', '-')}.csv"
            return answer_data("csv", content, filename=name, is_public=version.is_published)
    page = web.render_page(
        "specifications/requirement.html",
        version=version,
        requirement=requirement,
        states=states,
        history=tell_history(history),
        neighbours=queries.list_neighbours(session, requirement),
        **consultations.shown_with(session, version),
        body_classes=BodyClass,
        class_words=outline.class_words,
    )
    return answer_page(page)


def find_visible_version(session: Session, code: str, label: str) -> SpecificationVersion:
    """Return a version that the actor may read; a draft is absent for everybody else."""
    version = queries.find_version(session, code, label)
    if version is None:
        raise NotFound
    if version.is_published or _reads_drafts(version):
        return version
    if consultations.is_readable(session, version):
        return version
    if version.published_at is None:
        raise NotFound
    end = queries.find_end(session, version.id)
    if end is None:
        raise NotFound
    day = format_date(day_in_japan(end.ended_at))
    raise Gone(f"{version.title}は{day}に取り下げられました。理由：{end.reason}")


def _reads_drafts(version: SpecificationVersion | None = None) -> bool:
    return can(actor(), Permission.SPECIFICATION_READ_DRAFT, version)


def find_specification(session: Session, code: str) -> StandardSpecification:
    """Return a specification by its code; raises NotFound."""
    specification = queries.find_specification(session, code)
    if specification is None:
        raise NotFound
    return specification


def visible_versions(
    session: Session, specification: StandardSpecification, *, is_listed: bool = False
) -> list[SpecificationVersion]:
    """Return the versions that the actor may read, newest first.

    Raises NotFound when there is none, unless the specification is listed without any.
    """
    found = queries.list_versions_of(session, specification.id)
    open_ids = consultations.readable_versions(session, found)
    visible = [
        each for each in found if each.is_published or _reads_drafts(each) or each.id in open_ids
    ]
    if not visible and not is_listed and not _reads_drafts():
        raise NotFound
    return visible


def read_page_number() -> int:
    """Return ?page= (1 without it); what is no page number is absent."""
    page = request.args.get("page", "1")
    if not page.isascii() or not page.isdigit() or not 1 <= int(page[:9]) <= 10**6:
        raise NotFound
    return int(page)


def _read_wish() -> outline.Wish:
    return outline.Wish(
        words=request.args.get("q", "")[:_LONGEST_WORDS].strip(),
        chapter=request.args.get("chapter", ""),
        classes=_read_codes("class", RequirementClass, "実装区分"),
        kinds=_read_codes("kind", RequirementKind, "種別"),
        page=read_page_number(),
    )


def _read_codes(name: str, codes: type[LabelledCode], label: str) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(request.args.getlist(name)))
    if not {each.value for each in codes}.issuperset(asked):
        raise BadRequest(f"{label}の指定を読み取れません。絞り込みから選び直してください。")
    return asked


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
            "kind": list(self._wish.kinds) or None,
            **{name: value or None for name, value in changed.items()},
        }
        return url_for("specifications.show_version", **values)

    def without(self, name: str, value: str) -> str:
        """Return the address without one of the classes or kinds."""
        chosen = {"class": self._wish.classes, "kind": self._wish.kinds}[name]
        return self.narrowed(**{name: [each for each in chosen if each != value]})

    def cleared(self) -> str:
        """Return the address without chapter, classes and kinds; the words looked for stay."""
        return self.narrowed(**{"chapter": None, "class": None, "kind": None})
