"""Pages of the proceedings of a review: declaration, new reviewer, findings."""

import uuid
from collections.abc import Mapping
from typing import Any, Literal

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can
from accounts.queries import list_people
from catalog.certification import queries, services
from catalog.certification.act_pages import (
    ActPage,
    Question,
    answer,
    find_review,
    get_review,
    review_href,
)
from catalog.certification.models import OPEN_STATES, Certification, FindingAction
from catalog.certification.queries import proceedings as around
from catalog.certification.schemas import (
    DeclareSchema,
    FindingSchema,
    JudgeFindingSchema,
    ReassignSchema,
    ReplySchema,
)
from catalog.certification.views import blueprint
from catalog.offerings.models import ConformanceAnswer
from catalog.offerings.queries.answers import find_answer
from catalog.specifications.models import Requirement
from catalog.specifications.queries import find_requirement
from core import web
from core.errors import NotFound
from core.forms import Form

_P = Permission
_WORDS = Question(
    "textarea",
    "words",
    "指摘の内容",
    "何を確かめられないか、何を直してほしいかを書きます。事業者が読みます。",
)


_DECLARE = ActPage(
    _P.CERTIFICATION_DECLARE,
    heading="この審査に利害関係がありますか",
    button="申告する",
    check_label="申告の内容は事実のとおりです",
    done="利害関係の申告を記録しました",
    consequence_title="申告するまで、提出された内容は見られません",
    consequence="申告は一度だけで、変更できません。利害関係があるときは担当から外れ、主任審査員がほかの審査員を決めます。",
    questions=[
        Question(
            "radio",
            "conflict",
            "この事業者との利害関係",
            "雇用、取引、出資、親族の関係などです。",
            options=[("no", "ありません"), ("yes", "あります")],
        ),
        Question(
            "textarea",
            "words",
            "利害関係の内容",
            "あるときに書きます。主任審査員が読みます。",
            is_required=False,
        ),
    ],
)


@blueprint.route("/reviews/<uuid:certification_id>/declare", methods=["GET", "POST"])
@access(_P.CERTIFICATION_DECLARE, write=_P.CERTIFICATION_DECLARE)
def declare(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Declare interests before the file opens."""

    def act(session: Session, review: Certification, data: Mapping[str, Any]) -> object:
        has_conflict = data["conflict"] == "yes"
        return services.declare(
            session, actor(), review, has_conflict=has_conflict, words=data["words"]
        )

    def why_not(session: Session, review: Certification) -> str:
        said = around.find_declaration(session, review.id, actor().person_id)
        return "あなたの申告はもう記録されています。" if said else ""

    return answer(
        _DECLARE,
        certification_id,
        DeclareSchema(),
        act,
        why_not=why_not,
        target=url_for("certification.queue"),
    )


@blueprint.route("/reviews/<uuid:certification_id>/reassign/<place>", methods=["GET", "POST"])
@access(_P.CERTIFICATION_ASSIGN, write=_P.CERTIFICATION_ASSIGN)
def reassign(certification_id: uuid.UUID, place: str) -> ResponseReturnValue:
    """Fill one place of the pair anew."""
    if place not in {"first", "second"}:
        raise NotFound
    session = web.read_session()
    review = find_review(session, certification_id, _P.CERTIFICATION_ASSIGN)
    people = queries.list_eligible_reviewers(session, review)
    options = [(str(each.id), each.name) for each in people if each.id not in review.assigned_ids]
    page = ActPage(
        _P.CERTIFICATION_ASSIGN,
        heading="担当する審査員を替えますか",
        button="審査員を替える",
        check_label="新しい審査員に審査を頼むことを確かめました",
        done="担当する審査員を替えました",
        questions=[
            Question(
                "select",
                "person_id",
                "新しい審査員",
                "利害関係を申告した方と、事業者に所属する方は出ません。",
                options=options,
            ),
            Question("textarea", "reason", "理由"),
        ],
    )
    left: Literal["first", "second"] = "first" if place == "first" else "second"
    names = list_people(session, list(review.assigned_ids))
    leaving = review.first_reviewer_id if left == "first" else review.second_reviewer_id

    def act(writing: Session, found: Certification, data: Mapping[str, Any]) -> object:
        said = {"person_id": data["person_id"], "reason": data["reason"]}
        return services.reassign(writing, actor(), found, place=left, **said)

    facts = [("今の担当", names[leaving].name if leaving in names else "空いています")]
    return answer(page, certification_id, ReassignSchema(), act, facts=facts)


@blueprint.route("/reviews/<uuid:certification_id>/findings/new", methods=["GET", "POST"])
@access(_P.CERTIFICATION_FIND, write=_P.CERTIFICATION_FIND)
def raise_finding(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Object to the answer on one requirement, or to the whole."""
    session = web.read_session()
    review = find_review(session, certification_id, _P.CERTIFICATION_FIND)
    requirement = _named_requirement(session, review)
    page = ActPage(
        _P.CERTIFICATION_FIND,
        heading="指摘を出しますか",
        button="指摘を出す",
        check_label="指摘の内容を確かめました",
        done="指摘を出しました",
        consequence_title="指摘はすぐに事業者に届きます",
        consequence="事業者が内容を直せるようになるのは、追加の説明を求めたあとです。",
        questions=[_WORDS],
    )

    def act(writing: Session, found: Certification, data: Mapping[str, Any]) -> object:
        row_id = requirement.id if requirement else None
        return services.raise_finding(
            writing, actor(), found, requirement_id=row_id, words=data["words"]
        )

    return answer(
        page,
        certification_id,
        FindingSchema(),
        act,
        answered_requirement=requirement,
        shown_answer=_answer_to(session, review, requirement),
        target=f"{review_href(certification_id)}#findings",
    )


def _answer_to(
    session: Session, review: Certification, requirement: Requirement | None
) -> ConformanceAnswer | None:
    if requirement is None:
        return None
    return find_answer(session, review.offering_version_id, requirement.id)


def _named_requirement(session: Session, review: Certification) -> Requirement | None:
    number = request.args.get("requirement")
    if number is None:
        return None
    found = find_requirement(session, review.specification_version_id, number)
    if found is None:
        raise NotFound
    return found


@blueprint.get("/reviews/<uuid:certification_id>/findings/<uuid:finding_id>")
@access(_P.CERTIFICATION_READ)
def show_finding(certification_id: uuid.UUID, finding_id: uuid.UUID) -> ResponseReturnValue:
    """Show the conversation about a finding, with the next turn for whoever may take it."""
    return _show_finding(certification_id, finding_id, Form(ReplySchema()))


@blueprint.post("/reviews/<uuid:certification_id>/findings/<uuid:finding_id>/reply")
@access(_P.CERTIFICATION_REPLY, write=_P.CERTIFICATION_REPLY)
def reply(certification_id: uuid.UUID, finding_id: uuid.UUID) -> ResponseReturnValue:
    """Take the vendor's answer to a finding."""
    form = Form(ReplySchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, **said: services.reply(
            session, actor(), get_review(session, certification_id), finding_id, **said
        ),
        notice=("指摘に回答しました",),
        target=f"{review_href(certification_id)}#findings",
    )
    return done or _show_finding(certification_id, finding_id, form)


@blueprint.post("/reviews/<uuid:certification_id>/findings/<uuid:finding_id>/judge")
@access(_P.CERTIFICATION_FIND, write=_P.CERTIFICATION_FIND)
def judge_finding(certification_id: uuid.UUID, finding_id: uuid.UUID) -> ResponseReturnValue:
    """Take the reviewer's next word: ask again, accept the answer, or withdraw the finding."""
    form = Form(JudgeFindingSchema(), web.posted_form())

    def act(session: Session, *, words: str, step: str) -> object:
        review = get_review(session, certification_id)
        if step == "ask_again":
            return services.ask_again(session, actor(), review, finding_id, words)
        action = FindingAction(step)
        return services.settle(session, actor(), review, finding_id, action=action, words=words)

    done = web.complete(
        form,
        act,
        notice=("指摘について記録しました",),
        target=f"{review_href(certification_id)}#findings",
    )
    return done or _show_finding(certification_id, finding_id, form)


def _show_finding(
    certification_id: uuid.UUID, finding_id: uuid.UUID, form: Form
) -> ResponseReturnValue:
    session = web.refresh_read_session() if form.is_posted else web.read_session()
    review = find_review(session, certification_id, _P.CERTIFICATION_READ)
    finding = around.lock_finding(session, review.id, finding_id)
    if finding is None:
        raise NotFound
    requirement = (
        session.get(Requirement, finding.requirement_id) if finding.requirement_id else None
    )
    return web.render_page(
        "certification/finding.html",
        form.status,
        form=form,
        review=review,
        finding=finding,
        requirement=requirement,
        shown_answer=_answer_to(session, review, requirement),
        is_reviewing=can(actor(), _P.CERTIFICATION_FIND, review),
        is_vendor=can(actor(), _P.CERTIFICATION_REPLY, review),
        is_discussed=review.state in services.DISCUSSED,
        is_open=review.state in OPEN_STATES,
    )
