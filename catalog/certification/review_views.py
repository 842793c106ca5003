"""Pages of the agency's acts on a review: reviewers, opinions, questions, the decision."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlmodel import Session

from accounts.auth import access, actor, is_confirmed, needs_password, settings
from accounts.permissions import Permission
from catalog.certification import queries, services
from catalog.certification.act_pages import find_review, get_review
from catalog.certification.assessment import Assessment, assess
from catalog.certification.models import Certification, Opinion, ReviewState
from catalog.certification.schemas import (
    AssignSchema,
    ClaimSchema,
    OpinionSchema,
    RequestInfoSchema,
    decision_schema,
)
from catalog.certification.views import blueprint, proceedings
from catalog.conformance import Issue
from core import web
from core.clock import day_in_japan
from core.db import now, transaction
from core.errors import GuardFailed, Invalid, StaleVersion
from core.forms import Form


@blueprint.route("/reviews/<uuid:certification_id>/assign", methods=["GET", "POST"])
@access(Permission.CERTIFICATION_ASSIGN, write=Permission.CERTIFICATION_ASSIGN)
def assign(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Choose the two reviewers."""
    form = _form(AssignSchema())

    def act(session: Session, data: dict[str, Any]) -> bool:
        services.assign(session, actor(), get_review(session, certification_id), **data)
        return True

    if form.is_posted and form.submit(act):
        return _done(certification_id, "担当する審査員を決めました")
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_ASSIGN)
    reviewers = queries.list_eligible_reviewers(session, review)
    choices = [(str(person.id), person.name) for person in reviewers]
    return web.render_page(
        "certification/assign.html", form.status, form=form, review=review, choices=choices
    )


@blueprint.route("/reviews/<uuid:certification_id>/opinion", methods=["GET", "POST"])
@access(Permission.CERTIFICATION_RECOMMEND, write=Permission.CERTIFICATION_RECOMMEND)
def recommend(certification_id: uuid.UUID) -> ResponseReturnValue:
    """File one's own opinion; the colleague's stays hidden until then."""
    form = _form(OpinionSchema())

    def act(session: Session, data: dict[str, Any]) -> bool:
        services.recommend(
            session,
            actor(),
            get_review(session, certification_id),
            opinion=Opinion(data["opinion"]),
            reason=data["reason"],
        )
        return True

    if form.is_posted and form.submit(act):
        return _done(certification_id, "意見を提出しました")
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_RECOMMEND)
    return web.render_page(
        "certification/recommend.html",
        form.status,
        form=form,
        review=review,
        rolled=assess(session, review).roll_up,
        opinions=Opinion.choices(),
        **proceedings(session, review),
    )


@blueprint.route("/reviews/<uuid:certification_id>/request-info", methods=["GET", "POST"])
@access(Permission.CERTIFICATION_REQUEST_INFO, write=Permission.CERTIFICATION_REQUEST_INFO)
def request_info(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Hand the submission back to the vendor with a question."""
    form = _form(RequestInfoSchema())

    def act(session: Session, data: dict[str, Any]) -> bool:
        found = get_review(session, certification_id)
        said = {"reason": data["reason"], "due_on": data["due_on"]}
        services.request_info(session, actor(), found, **said)
        return True

    if form.is_posted and form.submit(act):
        return _done(certification_id, "事業者に追加の説明を求めました")
    review = find_review(
        web.read_session(), certification_id, Permission.CERTIFICATION_REQUEST_INFO
    )
    return web.render_page("certification/request_info.html", form.status, form=form, review=review)


@blueprint.route("/reviews/<uuid:certification_id>/claim", methods=["GET", "POST"])
@access(Permission.CERTIFICATION_DECIDE, write=Permission.CERTIFICATION_DECIDE)
def approve_claim(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Let the vendor publish before the decision."""
    form = _form(ClaimSchema())

    def act(session: Session, _data: dict[str, Any]) -> bool:
        services.approve_claim(session, actor(), get_review(session, certification_id))
        return True

    if form.is_posted and form.submit(act):
        return _done(certification_id, "決定の前の公開を認めました")
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_DECIDE)
    return web.render_page(
        "certification/approve_claim.html",
        form.status,
        form=form,
        review=review,
        **proceedings(session, review),
    )


@blueprint.route("/reviews/<uuid:certification_id>/decide", methods=["GET", "POST"])
@access(Permission.CERTIFICATION_DECIDE, write=Permission.CERTIFICATION_DECIDE)
def decide(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Decide, once; who comes second reads who decided first."""
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_DECIDE)
    assessment = assess(session, review)
    issues = list_possible_conditions(assessment)
    form = _form(decision_schema(issues), _decision_initial(session, review, issues))
    if form.is_posted and is_confirmed(form):
        try:
            with transaction() as writing:
                decided = _decide(writing, certification_id, issues, form.data)
        except StaleVersion as error:
            return _decided_first(form, certification_id, error)
        except (Invalid, GuardFailed) as error:
            form.refuse(error)
        else:
            return _done(certification_id, f"「{decided.label}」と決定しました")
    return _decision_page(form, certification_id)


def list_possible_conditions(assessment: Assessment) -> list[Issue]:
    """Give what a conditional certificate may be bound to: open conditions, then alternatives."""
    return [*assessment.roll_up.conditions, *assessment.roll_up.for_review]


def _decision_initial(
    session: Session, review: Certification, issues: list[Issue]
) -> dict[str, Any]:
    today = day_in_japan(now(session))
    promised = {
        f"due_{issue.requirement.position}": issue.due
        for issue in issues
        if issue.reason is not None and issue.due is not None and issue.due > today
    }
    return {"version": review.version, **promised}


def _decide(
    session: Session, certification_id: uuid.UUID, issues: list[Issue], data: dict[str, Any]
) -> ReviewState:
    conditions = [
        services.Condition(
            issue.requirement.id,
            data[f"due_{issue.requirement.position}"],
            data[f"text_{issue.requirement.position}"],
        )
        for issue in issues
    ]
    review = services.decide(
        session,
        actor(),
        settings(),
        get_review(session, certification_id),
        decision=Opinion(data["decision"]),
        reason=data["reason"],
        conditions=conditions,
        valid_until=data["valid_until"],
        version=data["version"],
    )
    return review.state


def _decided_first(
    form: Form, certification_id: uuid.UUID, error: StaleVersion
) -> ResponseReturnValue:
    session = web.refresh_read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_DECIDE)
    return web.render_page(
        "certification/decided_first.html",
        412,
        review=review,
        message=error.message,
        decision=Opinion(form.data["decision"]).label,
        reason=form.data["reason"],
    )


def _decision_page(form: Form, certification_id: uuid.UUID) -> ResponseReturnValue:
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_DECIDE)
    assessment = assess(session, review)
    return web.render_page(
        "certification/decide.html",
        form.status,
        form=form,
        review=review,
        rolled=assessment.roll_up,
        opinions=Opinion.choices(),
        latest=services.last_possible_day(day_in_japan(now(session))),
        needs_password=needs_password(),
        **proceedings(session, review),
    )


def _form(schema: Schema, initial: dict[str, Any] | None = None) -> Form:
    return Form(schema, web.posted_form(), initial)


def _done(certification_id: uuid.UUID, title: str) -> ResponseReturnValue:
    web.leave_notice("done", title)
    return web.see_other(url_for("certification.show", certification_id=certification_id))
