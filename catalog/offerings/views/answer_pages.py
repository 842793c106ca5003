"""The conformance statement: an overview by chapter, and answers page by page."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission
from catalog.offerings import queries, services
from catalog.offerings.answer_schemas import (
    answer_form_values,
    answers_schema,
    read_answers,
)
from catalog.offerings.models import EDITABLE_STATES, ConformanceAnswer, OfferingVersion
from catalog.offerings.rules import (
    Group,
    allowed_answers,
    classes_of,
    explain_gap,
    group_by_chapter,
    needs_answer,
)
from catalog.offerings.schemas import Step
from catalog.offerings.views.frame import (
    ANSWERS_PER_PAGE,
    Sheet,
    blueprint,
    load_sheet,
    next_href,
    offering_for,
    put_conflict_in_words,
)
from catalog.specifications.models import Requirement
from core import web
from core.errors import NotFound, StaleVersion
from core.forms import Form
from core.state_machine import LabelledCode

_EDIT = Permission.OFFERING_EDIT


class Show(LabelledCode):
    """Which requirements an answer page shows."""

    ALL = "all", "すべて"
    UNANSWERED = "unanswered", "未回答"
    MUST = "must", "必須と不可"
    MISSING = "missing", "提出に足りないもの"


@dataclass(frozen=True, slots=True)
class ChapterProgress:
    """A chapter with how many of its requirements are answered and how many still need it."""

    number: int
    title: str
    total: int
    answered: int
    missing: int


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
    sheet = load_sheet(web.read_session(), offering_version_id, Permission.OFFERING_READ_DRAFT)
    return web.render_page(
        "offerings/answers.html",
        sheet=sheet,
        version=sheet.version,
        terms=sheet.terms,
        chapters=_progress(sheet),
        home_href=url_for("vendor_offerings.show", offering_version_id=offering_version_id),
        next_href=next_href(Group.ANSWERS, sheet.version, sheet.terms)
        if sheet.is_editable
        else None,
    )


@blueprint.route(
    "/offerings/<uuid:offering_version_id>/answers/<int:chapter>", methods=["GET", "POST"]
)
@access(_EDIT, write=_EDIT)
def edit_answers(offering_version_id: uuid.UUID, chapter: int) -> ResponseReturnValue:
    """Ask for the answers of one chapter, some requirements a page."""
    sheet = load_sheet(web.read_session(), offering_version_id, _EDIT)
    overview = url_for("vendor_offerings.list_answers", offering_version_id=offering_version_id)
    if sheet.version.state not in EDITABLE_STATES and request.method == "GET":
        return web.see_other(overview)
    page = _page(sheet, chapter)
    form = _form(sheet, page)
    saved = None
    if form.is_posted:
        saved = form.submit(lambda session, data: _save(session, offering_version_id, page, data))
    if saved is not None:
        return _go_on(form, sheet, page, overview)
    put_conflict_in_words(form)
    chapters = group_by_chapter(sheet.requirements)
    return web.render_page(
        "offerings/edit_answers.html",
        form.status,
        form=form,
        version=sheet.version,
        page=page,
        chapter_title=chapters[chapter - 1][0],
        progress=_progress(sheet)[chapter - 1],
        shows=list(Show),
        choices={each.id: _choices(each) for each in page.requirements},
        classes={each.id: classes_of(each) for each in page.requirements},
        needed={each.id: needs_answer(each) for each in page.requirements},
        overview_href=overview,
    )


def _form(sheet: Sheet, page: AnswerPage) -> Form:
    initial = {
        **answer_form_values(page.requirements, sheet.answers),
        "version": sheet.version.version,
    }
    posted = web.posted_form()
    return Form(answers_schema(page.requirements), posted, initial)


def _save(
    session: Session, version_id: uuid.UUID, page: AnswerPage, data: Mapping[str, Any]
) -> OfferingVersion:
    row = offering_for(session, version_id, _EDIT)
    try:
        return services.save_answers(
            session,
            actor(),
            row,
            version=data["version"],
            answers=read_answers(page.requirements, data),
        )
    except StaleVersion as error:
        theirs = queries.list_answers(session, [row.id])[row.id]
        current = {**answer_form_values(page.requirements, theirs), "version": row.version}
        raise StaleVersion(current=current) from error


def _page(sheet: Sheet, chapter: int) -> AnswerPage:
    chapters = group_by_chapter(sheet.requirements)
    if not 1 <= chapter <= len(chapters):
        raise NotFound
    try:
        show = Show(request.args.get("show", Show.ALL))
        number = int(request.args.get("page", "1"))
    except ValueError:
        raise NotFound from None
    members = chapters[chapter - 1][1]
    if request.method == "POST":
        # What was on the page decides, not what the filter would show by now.
        members = [each for each in members if f"note_{each.position}" in request.form]
        return AnswerPage(sheet.version.id, chapter, show, number, number, members)
    found = [each for each in members if _is_shown(show, each, sheet.answers.get(each.id))]
    page_count = max(1, -(-len(found) // ANSWERS_PER_PAGE))
    if not 1 <= number <= page_count:
        raise NotFound
    first = (number - 1) * ANSWERS_PER_PAGE
    shown = found[first : first + ANSWERS_PER_PAGE]
    return AnswerPage(sheet.version.id, chapter, show, number, page_count, shown)


def _is_shown(show: Show, requirement: Requirement, answer: ConformanceAnswer | None) -> bool:
    if show is Show.UNANSWERED:
        return answer is None
    if show is Show.MUST:
        return needs_answer(requirement)
    if show is Show.MISSING:
        return explain_gap(requirement, answer) is not None
    return True


def _choices(requirement: Requirement) -> list[tuple[str, str]]:
    return [(each.value, each.label) for each in allowed_answers(requirement)]


def _progress(sheet: Sheet) -> list[ChapterProgress]:
    return [
        ChapterProgress(
            number=number,
            title=title or "章のない要件",
            total=len(members),
            answered=sum(each.id in sheet.answers for each in members),
            missing=sum(
                explain_gap(each, sheet.answers.get(each.id)) is not None for each in members
            ),
        )
        for number, (title, members) in enumerate(group_by_chapter(sheet.requirements), start=1)
    ]


def _go_on(form: Form, sheet: Sheet, page: AnswerPage, overview: str) -> ResponseReturnValue:
    if form.data["step"] != Step.NEXT:
        web.leave_notice("done", "回答を保存しました", "続きはいつでも入力できます。")
        return web.see_other(page.href(page.number))
    if page.show in {Show.UNANSWERED, Show.MISSING}:
        # What is answered now has left the list, so its first page holds the next ones.
        return web.see_other(page.href(1))
    chapters = group_by_chapter(sheet.requirements)
    members = chapters[page.chapter - 1][1]
    found = [each for each in members if _is_shown(page.show, each, sheet.answers.get(each.id))]
    if page.number * ANSWERS_PER_PAGE < len(found):
        return web.see_other(page.href(page.number + 1))
    if page.chapter < len(chapters):
        return web.see_other(replace(page, chapter=page.chapter + 1).href(1))
    return web.see_other(overview)
