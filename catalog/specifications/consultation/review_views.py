"""Pages on which reviewers run a consultation: period, worklist, dispositions, publication."""

import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import queries as people
from accounts.auth import access, actor
from accounts.models import OrganisationKind
from accounts.permissions import Permission, require
from catalog.specifications import queries as specifications
from catalog.specifications.consultation import documents, queries, services
from catalog.specifications.consultation.models import (
    CommentAction,
    CommentState,
    Consultation,
    ConsultationComment,
    KeepCategory,
    Outcome,
)
from catalog.specifications.consultation.schemas import (
    DispositionSchema,
    PeriodSchema,
    PublicationSchema,
)
from catalog.specifications.consultation.services import Decision
from catalog.specifications.consultation.tally import (
    OUTCOMES,
    PAGE_SIZE,
    Wish,
    alike,
    narrow,
    sharing,
    tally,
)
from catalog.specifications.models import SpecificationState, SpecificationVersion
from catalog.specifications.negotiation import answer_data, answer_page, wanted_format
from catalog.specifications.views import read_page_number
from core import web
from core.db import now
from core.errors import BadRequest, NotFound, WrongState
from core.forms import Form

blueprint = Blueprint("consultation_reviews", __name__, url_prefix="/manage")

_COMMENTERS = (OrganisationKind.BODY, OrganisationKind.VENDOR)
_PERIOD = ("opens_on", "closes_on", "about", "version")
_CODES = {"outcome": dict(Outcome.choices()), "category": dict(KeepCategory.choices())}
_DISPOSITION = ("outcome", "place", "requirement_id", "text", "category", "reasoning")


@blueprint.get("/consultations")
@access(Permission.SPECIFICATION_READ_DRAFT)
def index() -> ResponseReturnValue:
    """List the consultations with what is still to do."""
    session = web.read_session()
    found = queries.list_consultations(session)
    return web.render_page(
        "specifications/consultation/queue.html",
        consultations=[(each, each.phase_at(now(session))) for each in found],
        progress=queries.count_progress(session, [each.id for each in found]),
        moment=now(session),
    )


@blueprint.route("/specifications/versions/<uuid:version_id>/consultation", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_CONSULT, write=Permission.SPECIFICATION_CONSULT)
def edit_period(version_id: uuid.UUID) -> ResponseReturnValue:
    """Open the consultation on a draft, or move its days."""
    session = web.read_session()
    version = _find_version(session, version_id)
    consultation = queries.find_consultation(session, version.id)
    source = consultation or version
    initial = {name: getattr(source, name, None) for name in _PERIOD}
    form = Form(PeriodSchema(), web.posted_form(), initial)

    def act(session: Session, **data: Any) -> None:
        if consultation is None:
            subject = _find_version(session, version_id)
            services.open_consultation(session, actor(), subject, **data)
        else:
            services.change_period(session, actor(), consultation.id, **data)

    words = "意見募集の期間を変更しました" if consultation else "意見募集を決めました"
    done = web.complete(form, act, notice=(words,), target=_public_address(version))
    if done:
        return done
    if version.state not in {SpecificationState.DRAFT, SpecificationState.CONSULTATION}:
        raise WrongState(
            f"{version.title}は「{version.state.label}」なので、意見を募集できません。",
            state=version.state.value,
        )
    return web.render_page(
        "specifications/consultation/period.html",
        form.status,
        form=form,
        version=version,
        consultation=consultation,
    )


@blueprint.get("/consultations/<uuid:consultation_id>")
@access(Permission.SPECIFICATION_READ_DRAFT)
def show(consultation_id: uuid.UUID) -> ResponseReturnValue:
    """Show the comments, undisposed first, with counts; narrowed as asked; or all as a file."""
    session = web.read_session()
    consultation = _find(session, consultation_id)
    comments = queries.list_comments(session, consultation_id)
    deciders = people.list_people(
        session, [each.disposition.decided_by_id for each in comments if each.disposition]
    )
    names = {person_id: person.name for person_id, person in deciders.items()}
    version = consultation.specification_version
    kind = wanted_format("html", "csv", "xlsx")
    if kind != "html":
        name = f"{version.specification.code}-{version.label}-comments.{kind}"
        content = (
            documents.comments_csv(comments, names)
            if kind == "csv"
            else documents.comments_xlsx(consultation, comments, names)
        )
        return answer_data(kind, content, filename=name, is_public=False)
    wish = _read_wish()
    shown = _Page(consultation, wish, narrow(comments, wish))
    page = web.render_page(
        "specifications/consultation/worklist.html",
        consultation=consultation,
        version=version,
        phase=consultation.phase_at(now(session)),
        moment=now(session),
        shown=shown,
        counts=tally(comments),
        names=names,
        states=CommentState.choices(),
        outcomes=tuple(OUTCOMES.items()),
        kinds=[(each.value, each.label) for each in _COMMENTERS],
        requirements={each.requirement_id: each.subject for each in comments},
    )
    return answer_page(page)


@blueprint.route("/consultations/<uuid:consultation_id>/dispose", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_CONSULT, write=Permission.SPECIFICATION_CONSULT)
def dispose(consultation_id: uuid.UUID) -> ResponseReturnValue:
    """Give one disposition to the comments named by ?c=."""
    session = web.read_session()
    consultation = _find(session, consultation_id)
    numbers = _read_numbers()
    comments = queries.list_comments(session, consultation_id)
    chosen = sorted(
        (each for each in comments if each.number in numbers), key=lambda each: each.number
    )
    if not chosen or len(chosen) != len(numbers):
        raise NotFound
    form = Form(DispositionSchema(), web.posted_form(), _initial(chosen))
    if form.is_posted and _save(form, consultation_id, numbers):
        return _lead_on(consultation, numbers, comments)
    if not form.is_posted:
        _require_disposable(consultation, chosen)
    return web.render_page(
        "specifications/consultation/dispose.html",
        form.status,
        form=form,
        consultation=consultation,
        version=consultation.specification_version,
        chosen=chosen,
        alike=alike(comments, chosen),
        sharing=sharing(comments, chosen),
        here=_dispose_address(consultation, numbers),
        outcomes=Outcome.choices(),
        categories=KeepCategory.choices(),
    )


def _save(form: Form, consultation_id: uuid.UUID, numbers: list[int]) -> bool:
    def act(session: Session, data: dict[str, Any]) -> bool:
        seen = data["version"]
        decision = Decision(**{name: data[name] for name in _DISPOSITION})
        services.dispose(session, actor(), consultation_id, numbers, decision, version=seen)
        return True

    saved = form.submit(act)
    for row in form.conflict["rows"] if form.conflict else ():
        for side in ("mine", "theirs"):
            row[side] = _CODES.get(row["name"], {}).get(row[side], row[side])
    return bool(saved)


@blueprint.route("/consultations/<uuid:consultation_id>/publish", methods=["GET", "POST"])
@access(Permission.SPECIFICATION_PUBLISH, write=Permission.SPECIFICATION_PUBLISH)
def publish(consultation_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more, then show all comments and dispositions to everyone."""
    session = web.read_session()
    consultation = _find(session, consultation_id)
    version = consultation.specification_version
    form = Form(PublicationSchema(), web.posted_form(), {"version": consultation.version})
    done = web.complete(
        form,
        lambda session, **data: services.publish_dispositions(
            session, actor(), consultation_id, **data
        ),
        notice=("意見募集の結果を公表しました", "意見を出した組織に知らせました。"),
        target=_public_address(version),
    )
    return done or web.render_page(
        "specifications/consultation/publish.html",
        form.status,
        form=form,
        version=version,
        counts=tally(queries.list_comments(session, consultation_id)),
        missing=services.missing_for_approval(session, version),
        **services.waiting_for_approval(session, version),
    )


def _initial(chosen: list[ConsultationComment]) -> dict[str, Any]:
    given = next((each.disposition for each in chosen if each.disposition), None)
    values = {name: getattr(given, name) for name in _DISPOSITION} if given else {}
    return {**values, "version": services.version_of(chosen)}


def _require_disposable(consultation: Consultation, chosen: list[ConsultationComment]) -> None:
    for each in chosen:
        each.expect(CommentAction.DISPOSE)
    state = consultation.specification_version.state
    if state is not SpecificationState.CONSULTATION or consultation.dispositions_published_at:
        raise WrongState(
            "意見募集の結果は公表済みか、版の状態が変わっています。処理は変えられません。",
            state=state.value,
        )


def _lead_on(
    consultation: Consultation, numbers: list[int], comments: list[ConsultationComment]
) -> ResponseReturnValue:
    """Go back to the worklist, and offer the next comment that waits."""
    waiting = [
        each.number
        for each in comments
        if each.state is CommentState.OPEN and each.number not in numbers
    ]
    words = "、".join(str(number) for number in numbers)
    link = {
        "link_href": _dispose_address(consultation, waiting[:1]),
        "link_label": f"次の未処理の意見（意見{waiting[0]}）を処理する",
    }
    web.leave_notice("done", f"意見{words}の処理を保存しました", **(link if waiting else {}))
    return web.see_other(url_for("consultation_reviews.show", consultation_id=consultation.id))


def _find_version(session: Session, version_id: uuid.UUID) -> SpecificationVersion:
    version = specifications.get_version(session, version_id)
    if version is None:
        raise NotFound
    require(session, actor(), Permission.SPECIFICATION_READ_DRAFT, version)
    return version


def _find(session: Session, consultation_id: uuid.UUID) -> Consultation:
    consultation = queries.get_consultation(session, consultation_id)
    if consultation is None:
        raise NotFound
    version = consultation.specification_version
    require(session, actor(), Permission.SPECIFICATION_READ_DRAFT, version)
    return consultation


def _public_address(version: SpecificationVersion) -> str:
    return url_for("consultations.show", code=version.specification.code, label=version.label)


def _dispose_address(consultation: Consultation, numbers: list[int]) -> str:
    return url_for("consultation_reviews.dispose", consultation_id=consultation.id, c=numbers)


def _read_numbers() -> list[int]:
    given = request.args.getlist("c")
    if not given:
        raise BadRequest("意見が選ばれていません。一覧に戻って、処理する意見を選んでください。")
    if not all(each.isascii() and each.isdigit() and len(each) <= 9 for each in given):
        raise NotFound
    return sorted({int(each) for each in given})


def _read_wish() -> Wish:
    known = {
        "state": {each.value for each in CommentState},
        "outcome": set(OUTCOMES),
        "kind": {each.value for each in _COMMENTERS},
    }
    asked = {name: request.args.get(name, "") for name in known}
    if any(value and value not in known[name] for name, value in asked.items()):
        raise BadRequest("絞り込みの指定を読み取れません。条件を選び直してください。")
    wanted = request.args.get("requirement", "*")
    return Wish(
        **asked,
        requirement_id=None if wanted == "*" else wanted,
        page=read_page_number(),
    )


class _Page:
    """One page of narrowed comments, with the addresses of the others."""

    def __init__(
        self, consultation: Consultation, wish: Wish, found: list[ConsultationComment]
    ) -> None:
        self._consultation, self.wish = consultation, wish
        self.found, self.number = len(found), wish.page
        self.page_count = max(1, -(-len(found) // PAGE_SIZE))
        if self.number > self.page_count:
            raise NotFound
        self.comments = found[(self.number - 1) * PAGE_SIZE : self.number * PAGE_SIZE]

    @property
    def can_change(self) -> bool:
        """Tell whether dispositions may still be given."""
        version = self._consultation.specification_version
        is_out = self._consultation.dispositions_published_at is not None
        return version.state is SpecificationState.CONSULTATION and not is_out

    def href(self, number: int) -> str:
        """Return the address of a page with all conditions kept."""
        wish = self.wish
        return url_for(
            "consultation_reviews.show",
            consultation_id=self._consultation.id,
            state=wish.state or None,
            outcome=wish.outcome or None,
            kind=wish.kind or None,
            requirement=wish.requirement_id,
            page=number if number > 1 else None,
        )
