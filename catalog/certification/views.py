"""Pages of certification: the vendor's submission, queue, review file, public certificate."""

import uuid
from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import Role
from accounts.permissions import Permission, can, require
from accounts.queries import get_person, list_people
from catalog.certification import outline, queries, services
from catalog.certification.assessment import COUNTED, assess, tally, visible_opinions
from catalog.certification.documents import HEADS, render_certificate
from catalog.certification.models import Certification, ReviewState
from catalog.certification.schemas import SubmitSchema
from catalog.offerings.queries import find_listed
from catalog.offerings.views.frame import link_missing, load_sheet, offering_for
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from core.forms import Form

blueprint = Blueprint("certification", __name__)

ACTS = {
    "certification.submit": "提出しました",
    "certification.assign": "担当する審査員を決めました",
    "certification.recommend": "意見を提出しました",
    "certification.request_info": "追加の説明を求めました",
    "certification.answer_info": "提出し直しました",
    "certification.opinion_removed": "前の内容への意見を取り消しました",
    "certification.approve_claim": "決定の前の公開を認めました",
    "certification.decide": "決定しました",
}


@blueprint.get("/reviews")
@access(Permission.CERTIFICATION_QUEUE)
def queue() -> ResponseReturnValue:
    """List open reviews by age; a reviewer sees those assigned to them."""
    session = web.read_session()
    is_limited = not actor().has_role(Role.LEAD_REVIEWER, Role.AUDITOR)
    rows = queries.list_queue(session, reviewer_id=actor().person_id if is_limited else None)
    people = list_people(session, [each for row in rows for each in row.assigned_ids])
    today = day_in_japan(now(session))
    return web.render_page(
        "certification/queue.html",
        rows=rows,
        people=people,
        ages={
            row.id: (today - day_in_japan(row.submitted_at)).days
            for row in rows
            if row.submitted_at
        },
        is_limited=is_limited,
    )


@blueprint.get("/reviews/<uuid:certification_id>")
@access(Permission.CERTIFICATION_READ)
def show(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Show a review: what was answered, what it amounts to, what has happened."""
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_READ)
    chosen = request.args.get("show", "all")
    if chosen not in outline.FILTERS:
        raise NotFound
    assessment = assess(session, review)
    rows, filters = outline.filter_rows(assessment, chosen)
    return web.render_page(
        "certification/show.html",
        review=review,
        rolled=assessment.roll_up,
        rows=rows,
        filters=filters,
        chosen=chosen,
        **proceedings(session, review),
    )


def find_review(
    session: Session, certification_id: uuid.UUID, permission: Permission
) -> Certification:
    """Return a review that the reader may do this to; raises NotFound or Forbidden."""
    review = queries.get_certification(session, certification_id)
    if review is None:
        raise NotFound
    require(session, actor(), permission, review)
    return review


def proceedings(session: Session, review: Certification) -> dict[str, Any]:
    """Return what has happened so far, as far as this reader may know it."""
    filed = queries.list_recommendations(session, review.id)
    reader = actor().person_id
    reads_opinions = can(actor(), Permission.CERTIFICATION_READ_OPINIONS, review)
    is_reviewer = reader in review.assigned_ids
    people = list_people(session, [*review.assigned_ids]) if reads_opinions else {}
    names = [people[each].name for each in review.assigned_ids if each in people]
    reads_trail = can(actor(), Permission.AUDIT_READ_ALL) and not is_reviewer
    return {
        "steps": outline.steps_of(review, len(filed), sorted(names)),
        "people": people,
        "reads_opinions": reads_opinions,
        "is_reviewer": is_reviewer,
        "has_filed": any(each.reviewer_id == reader for each in filed),
        "filed_count": len(filed),
        "shown_opinions": visible_opinions(review, filed, reader) if reads_opinions else [],
        "events": _events(session, review) if reads_trail else [],
    }


def _events(session: Session, review: Certification) -> list[dict[str, Any]]:
    return [
        {
            "at": event.occurred_at,
            "what": ACTS.get(event.action, event.action),
            "who": name,
            "reason": (detail.detail.get("reason") if detail else None) or None,
            "refused": event.outcome != "done",
        }
        for event, detail, name in queries.list_events(session, review.id)
    ]


@blueprint.route("/vendor/offerings/<uuid:offering_version_id>/submit", methods=["GET", "POST"])
@access(Permission.OFFERING_SUBMIT, write=Permission.OFFERING_SUBMIT)
def submit(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Check what is missing, declare, and submit for publication and certification."""
    form = Form(SubmitSchema(), web.posted_form())

    def act(session: Session, _data: dict[str, Any]) -> uuid.UUID:
        found = offering_for(session, offering_version_id, Permission.OFFERING_SUBMIT)
        return services.submit_offering(session, actor(), found).id

    made = form.submit(act) if form.is_posted else None
    if made:
        web.leave_notice(
            "done",
            "提出しました",
            "審査の進み方はこのページで確かめられます。結果が出るまで、内容は変更できません。",
        )
        return web.see_other(url_for("certification.show", certification_id=made))
    session = web.read_session()
    sheet = load_sheet(session, offering_version_id, Permission.OFFERING_SUBMIT)
    return web.render_page(
        "certification/submit.html",
        form.status,
        form=form,
        version=sheet.version,
        is_open=sheet.is_editable,
        missing=link_missing(sheet.missing, sheet.version, sheet.terms, sheet.requirements),
        answered=len(sheet.answers),
        total=len(sheet.requirements),
        review=queries.find_latest_certification(session, sheet.version.id),
    )


@blueprint.get("/certificates/<number>")
@access(Permission.CATALOG_READ)
def show_certificate(number: str) -> ResponseReturnValue:
    """Show a certificate to everyone: results per requirement, conditions, dates, its state now."""
    session = web.read_session()
    review = _find_certificate(session, number)
    assessment = assess(session, review)
    standing = queries.standing_of(review, now(session), has_answers=bool(assessment.answers))
    listed = find_listed(session, offering_id=review.offering_version.offering_id)
    return web.render_page(
        "certification/certificate.html",
        review=review,
        standing=standing,
        is_superseded=review.state is ReviewState.SUPERSEDED,
        rows=outline.rows_of(assessment),
        counted=tally(assessment),
        heads=HEADS,
        columns=("total", *COUNTED),
        conditions_due=[date.fromisoformat(each["due_on"]) for each in review.conditions],
        agencies=queries.list_agencies(session, [*review.assigned_ids, review.decided_by_id]),
        listing_id=listed[0].listing_id if listed else None,
        is_sample=_is_sample(review),
    )


@blueprint.get("/certificates/<number>.pdf")
@access(Permission.CATALOG_READ)
def show_certificate_pdf(number: str) -> ResponseReturnValue:
    """Give the certificate as PDF, with its state now."""
    session = web.read_session()
    review = _find_certificate(session, number)
    decider = get_person(session, review.decided_by_id) if review.decided_by_id else None
    rendered = render_certificate(
        review,
        assess(session, review),
        queries.standing_of(review, now(session), has_answers=True),
        agencies=queries.list_agencies(session, [*review.assigned_ids, review.decided_by_id]),
        decider=decider.name if decider else "",
        moment=now(session),
    )
    response = Response(rendered.content, mimetype=rendered.media_type)
    response.headers["Content-Disposition"] = f'inline; filename="{number}.pdf"'
    return response


def _find_certificate(session: Session, number: str) -> Certification:
    review = queries.find_certificate(session, number)
    if review is None:
        raise NotFound
    return review


def _is_sample(review: Certification) -> bool:
    maker = review.offering_version.offering.maker
    return maker.is_sample or review.specification_version.specification.is_sample
