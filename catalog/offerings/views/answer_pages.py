"""The conformance statement: an overview by chapter, answers page by page, drafts kept while typing."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings import services
from catalog.offerings.answer_rules import (
    allowed_answers,
    classes_of,
    needs_answer,
    wants_evidence,
)
from catalog.offerings.answer_schemas import (
    answer_form_values,
    answers_schema,
    draft_form_values,
    name_faults,
    read_answers,
    stored_as_typed,
    typed_values,
)
from catalog.offerings.models import OfferingVersion
from catalog.offerings.queries import answers as queries
from catalog.offerings.queries import find_own_listing_version
from catalog.offerings.rules import Group, group_by_chapter
from catalog.offerings.schemas import Step
from catalog.offerings.views.frame import (
    ANSWERS_PER_PAGE,
    blueprint,
    next_href,
    offering_for,
    put_conflict_in_words,
)
from catalog.offerings.views.statement import Show, Statement, load_statement, measure_progress
from catalog.specifications.models import Requirement
from core import web
from core.clock import JST
from core.db import now, transaction
from core.errors import DomainError, NotFound, StaleVersion, name_problems
from core.forms import Form

_EDIT = Permission.OFFERING_EDIT
# What is answered leaves these lists, so their first page holds the next ones.
_SHRINKING = frozenset({Show.UNANSWERED, Show.MISSING, Show.DRAFT})


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """One page of a chapter's requirements, as the pagination macro reads it."""

    version_id: uuid.UUID
    chapter: int
    show: Show
    number: int
    page_count: int
    requirements: Sequence[Requirement]

    def href(self, number: int) -> str:
        """Return the address of a page of the same chapter and filter."""
        return url_for(
            "vendor_offerings.edit_answers",
            offering_version_id=self.version_id,
            chapter=self.chapter,
            show=self.show.value if self.show is not Show.ALL else None,
            page=number if number > 1 else None,
        )


@blueprint.get("/offerings/<uuid:offering_version_id>/answers")
@access(Permission.OFFERING_READ_DRAFT)
def list_answers(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show the chapters with their progress."""
    session = web.read_session()
    statement = load_statement(session, offering_version_id, Permission.OFFERING_READ_DRAFT)
    following = None
    if statement.is_editable:
        terms = find_own_listing_version(session, statement.version)
        following = next_href(Group.ANSWERS, statement.version, terms) if terms else None
    return web.render_page(
        "offerings/answers.html",
        statement=statement,
        version=statement.version,
        chapters=measure_progress(statement),
        marked=sum(statement.is_shown(Show.CHANGED, each) for each in statement.requirements),
        home_href=url_for("vendor_offerings.show", offering_version_id=offering_version_id),
        next_href=following,
    )


@blueprint.route(
    "/offerings/<uuid:offering_version_id>/answers/<int:chapter>", methods=["GET", "POST"]
)
@access(_EDIT, write=_EDIT)
def edit_answers(offering_version_id: uuid.UUID, chapter: int) -> ResponseReturnValue:
    """Ask for the answers of one chapter, some requirements a page."""
    statement = load_statement(web.read_session(), offering_version_id, _EDIT)
    overview = url_for("vendor_offerings.list_answers", offering_version_id=offering_version_id)
    if not statement.is_editable and request.method == "GET":
        return web.see_other(overview)
    page = _page(statement, chapter)
    if request.form.get("step") == Step.FORGET:
        return _forget(page)
    form = _form(statement, page)
    saved = None
    if form.is_posted:
        saved = form.submit(lambda session, data: _save(session, page, data))
    if saved is not None:
        return _go_on(form, statement, page, overview)
    kept = _keep_refused(form, statement, page)
    put_conflict_in_words(form)
    return web.render_page(
        "offerings/edit_answers.html",
        form.status,
        form=form,
        statement=statement,
        version=statement.version,
        page=page,
        kept=kept is not None,
        drafts_seen=_seen(form, page, statement) if kept is None else kept,
        chapter_title=statement.chapter(chapter)[0],
        progress=measure_progress(statement)[chapter - 1],
        overview_href=overview,
        choices={each.id: _choices(each) for each in page.requirements},
        classes={each.id: classes_of(each) for each in page.requirements},
        needed={each.id: needs_answer(each) for each in page.requirements},
        unproven={each.id for each in page.requirements if _is_unproven(statement, each)},
    )


@blueprint.post("/offerings/<uuid:offering_version_id>/answers/<int:chapter>/draft")
@access(_EDIT, write=_EDIT)
def keep_answer_drafts(offering_version_id: uuid.UUID, chapter: int) -> ResponseReturnValue:
    """Keep what is being typed; answers in JSON with the time, the new mark and what is not right yet."""
    statement = load_statement(web.read_session(), offering_version_id, _EDIT)
    page = _page(statement, chapter)
    form = _form(statement, page)
    try:
        with transaction() as session:
            row = offering_for(session, offering_version_id, _EDIT)
            mark = services.keep_drafts(
                session,
                actor(),
                row,
                typed=_typed(statement, page),
                seen=request.form.get("drafts", ""),
            )
            moment = now(session)
    except DomainError as error:
        return jsonify(code=error.code, message=error.message), web.status_of(type(error))
    form.validate()
    codes = name_faults(page.requirements, request.form, form.errors)
    return jsonify(
        saved_at=moment.astimezone(JST).strftime("%H:%M"),
        drafts=mark,
        errors=name_problems(form.errors.items(), codes),
    )


def _form(statement: Statement, page: AnswerPage) -> Form:
    initial = {
        **answer_form_values(page.requirements, statement.answers),
        "version": statement.version.version,
    }
    for requirement in page.requirements:
        if requirement.id in statement.drafts:
            typed = statement.drafts[requirement.id].typed
            initial.update(draft_form_values(requirement, typed))
    return Form(answers_schema(page.requirements), web.posted_form(), initial)


def _save(session: Session, page: AnswerPage, data: Mapping[str, Any]) -> OfferingVersion:
    row = offering_for(session, page.version_id, _EDIT)
    try:
        return services.save_answers(
            session,
            actor(),
            row,
            version=data["version"],
            answers=read_answers(page.requirements, data),
            drafts_seen=data["drafts"],
            typed={each.id: typed_values(each, request.form) for each in page.requirements},
        )
    except StaleVersion as error:
        raise StaleVersion(current=_theirs(session, row, page, data)) from error


def _theirs(
    session: Session, row: OfferingVersion, page: AnswerPage, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what stands now: stored answers, over them what another window of the person keeps."""
    stored = queries.list_answers(session, [row.id], with_evidence=False)[row.id]
    session.refresh(row, ["version"])
    current = {**answer_form_values(page.requirements, stored), "version": row.version}
    person = actor().person_id
    drafts = queries.list_drafts(session, person, row.id) if person else {}
    shown = {each.id: drafts[each.id] for each in page.requirements if each.id in drafts}
    if services.mark_drafts(shown.values()) != data["drafts"]:
        for requirement in page.requirements:
            if requirement.id in shown:
                current.update(draft_form_values(requirement, shown[requirement.id].typed))
    return current


def _seen(form: Form, page: AnswerPage, statement: Statement) -> str:
    """Return the mark of the drafts that this page shows, or on a refusal of those it showed."""
    if form.is_posted and not form.conflict and form.posted is not None:
        return form.posted.get("drafts", "")
    shown = [statement.drafts[each.id] for each in page.requirements if each.id in statement.drafts]
    return services.mark_drafts(shown)


def _typed(statement: Statement, page: AnswerPage) -> dict[uuid.UUID, dict[str, str] | None]:
    """Return what was typed where it differs from what is stored."""
    found: dict[uuid.UUID, dict[str, str] | None] = {}
    for requirement in page.requirements:
        typed = typed_values(requirement, request.form)
        same = typed == stored_as_typed(statement.answers.get(requirement.id))
        found[requirement.id] = None if same else typed
    return found


def _keep_refused(form: Form, statement: Statement, page: AnswerPage) -> str | None:
    """Keep the words of a refused page as drafts, so that they survive leaving; returns their mark.

    None when nothing was refused, or when another window of the person keeps other words.
    """
    if not (form.errors or form.conflict) or not statement.is_editable:
        return None
    try:
        with transaction() as session:
            row = offering_for(session, page.version_id, _EDIT)
            typed, seen = _typed(statement, page), request.form.get("drafts", "")
            return services.keep_drafts(session, actor(), row, typed=typed, seen=seen)
    except StaleVersion:
        return None


def _forget(page: AnswerPage) -> ResponseReturnValue:
    """Let go of what was typed about the requirements of a page and not saved."""
    with transaction() as session:
        row = offering_for(session, page.version_id, _EDIT)
        typed = dict.fromkeys(each.id for each in page.requirements)
        services.keep_drafts(session, actor(), row, typed=typed)
    web.leave_notice("done", "書きかけの内容を取り消しました", "保存してある回答を表示しています。")
    return web.see_other(page.href(1))


def _page(statement: Statement, chapter: int) -> AnswerPage:
    members = statement.chapter(chapter)[1]
    try:
        show = Show(request.args.get("show", Show.ALL))
        number = int(request.args.get("page", "1"))
    except ValueError:
        raise NotFound from None
    version_id = statement.version.id
    if request.method == "POST":
        # What was on the page decides, not what the filter would show by now.
        members = [each for each in members if f"note_{each.position}" in request.form]
        return AnswerPage(version_id, chapter, show, number, number, members)
    found = [each for each in members if statement.is_shown(show, each)]
    page_count = max(1, -(-len(found) // ANSWERS_PER_PAGE))
    if not 1 <= number <= page_count:
        raise NotFound
    first = (number - 1) * ANSWERS_PER_PAGE
    shown = found[first : first + ANSWERS_PER_PAGE]
    return AnswerPage(version_id, chapter, show, number, page_count, shown)


def _choices(requirement: Requirement) -> list[tuple[str, str]]:
    return [(each.value, each.label) for each in allowed_answers(requirement)]


def _is_unproven(statement: Statement, requirement: Requirement) -> bool:
    answer = statement.answers.get(requirement.id)
    if answer is None or answer.has_evidence:
        return False
    return wants_evidence(requirement, answer.answer)


def _go_on(
    form: Form, statement: Statement, page: AnswerPage, overview: str
) -> ResponseReturnValue:
    if form.data["step"] != Step.NEXT:
        web.leave_notice("done", "回答を保存しました", "続きはいつでも入力できます。")
        return web.see_other(page.href(1 if page.show in _SHRINKING else page.number))
    if page.show in _SHRINKING:
        return web.see_other(page.href(1))
    members = statement.chapter(page.chapter)[1]
    found = [each for each in members if statement.is_shown(page.show, each)]
    if page.number * ANSWERS_PER_PAGE < len(found):
        return web.see_other(page.href(page.number + 1))
    if page.chapter < len(group_by_chapter(statement.requirements)):
        return web.see_other(replace(page, chapter=page.chapter + 1).href(1))
    return web.see_other(overview)
