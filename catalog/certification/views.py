"""Pages of certification: the queue, the review file, the vendor's submission and its rehearsal."""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import Role
from accounts.permissions import Permission, can
from accounts.queries import list_people
from catalog.certification import narrowing, outline, queries, services
from catalog.certification.act_pages import find_review
from catalog.certification.assessment import assess, check_answers, visible_opinions
from catalog.certification.checks import CheckKind, Remark, sum_up
from catalog.certification.models import Certification, Finding
from catalog.certification.queries import proceedings as around
from catalog.certification.queries import queue as waiting
from catalog.certification.queue import QueueFilter, pending_words
from catalog.certification.schemas import SubmitSchema
from catalog.offerings.content import listing_content
from catalog.offerings.differences import compare_listings
from catalog.offerings.models import EDITABLE_STATES, ListingVersion, OfferAction, OfferingVersion
from catalog.offerings.queries import list_published_of
from catalog.offerings.rules import Group, TermsChoice
from catalog.offerings.schemas import PublishSchema
from catalog.offerings.services import find_newer_terms
from catalog.offerings.views.frame import (
    Sheet,
    answer_addresses,
    group_href,
    link_missing,
    load_sheet,
    offering_for,
)
from core import paging, web
from core.clock import day_in_japan
from core.db import now
from core.forms import Form
from vendors.queries import agreements

blueprint = Blueprint("certification", __name__)

ACTS = {
    "certification.submit": "提出しました",
    "certification.assign": "担当する審査員を決めました",
    "certification.reassign": "担当する審査員を替えました",
    "certification.declare": "利害関係を申告しました",
    "certification.recommend": "意見を提出しました",
    "certification.request_info": "追加の説明を求めました",
    "certification.answer_info": "提出し直しました",
    "certification.opinion_removed": "前の内容への意見を取り消しました",
    "certification.find": "指摘を出しました",
    "certification.find_again": "指摘についてもう一度尋ねました",
    "certification.reply": "指摘に回答しました",
    "certification.finding_accept": "指摘を解決としました",
    "certification.finding_withdraw": "指摘を取り下げました",
    "certification.approve_claim": "決定の前の公開を認めました",
    "certification.decide": "決定しました",
    "certification.cover": "前の認証の範囲内と確認しました",
    "certification.suspend": "効力を止めました",
    "certification.resume": "効力停止を解きました",
    "certification.propose_revocation": "取消しを提案しました",
    "certification.drop_revocation": "取消しの提案を取り下げました",
    "certification.revoke": "認証を取り消す操作",
    "certification.confirm_revocation": "認証を取り消しました",
    "certification.appeal": "不服を申し立てました",
    "certification.withdraw_appeal": "不服申立てを取り下げました",
    "certification.decide_appeal": "不服申立てについて決定しました",
    "certification.report_condition": "条件を満たしたと報告しました",
    "certification.judge_report": "条件の報告を確認しました",
    "certification.supersede": "新しい認証に代わりました",
}


@blueprint.get("/reviews")
@access(Permission.CERTIFICATION_QUEUE)
def queue() -> ResponseReturnValue:
    """List open reviews, sorted by the automatic checks and age; a reviewer sees their own."""
    session = web.read_session()
    chosen = QueueFilter.read(request.args)
    is_limited = not actor().has_role(Role.LEAD_REVIEWER, Role.AUDITOR)
    reviewer_id = actor().person_id if is_limited else None
    asked = (session, chosen, actor().person_id, reviewer_id)
    page = paging.fetch(waiting.count_queue(*asked), partial(waiting.list_queue_page, *asked))
    today = day_in_japan(now(session))
    return web.render_page(
        "certification/queue.html",
        page=page,
        total=waiting.count_queue(session, QueueFilter(), actor().person_id, reviewer_id),
        people=list_people(session, [each for row in page.rows for each in row.assigned_ids]),
        ages={
            row.id: (today - day_in_japan(row.submitted_at)).days
            for row in page.rows
            if row.submitted_at
        },
        is_limited=is_limited,
        chosen=chosen,
        choices=chosen.choices(waiting.list_queue_specifications(session, reviewer_id)),
        pending=paging.cut(_list_pending(session), name="pending"),
        today=today,
    )


def _list_pending(session: Session) -> list[tuple[Certification, str]]:
    return [
        (review, pending_words(review, *kinds))
        for review, *kinds in around.list_pending(session)
        if can(actor(), Permission.CERTIFICATION_READ, review)
    ]


@blueprint.get("/reviews/<uuid:certification_id>")
@access(Permission.CERTIFICATION_READ)
def show(certification_id: uuid.UUID) -> ResponseReturnValue:
    """Show a review: what was answered, what it amounts to, what has happened."""
    session = web.read_session()
    if _must_declare(session, certification_id):
        return web.see_other(url_for("certification.declare", certification_id=certification_id))
    review = find_review(session, certification_id, Permission.CERTIFICATION_READ)
    wish = narrowing.read_wish(request.args, narrowing.REVIEW_FILTERS)
    assessment = assess(session, review)
    findings = around.list_findings(session, review.id)
    rows = outline.rows_of(assessment, findings)
    shown = narrowing.narrow_review(rows, assessment, wish)
    is_editable = review.offering_version.state in EDITABLE_STATES
    return web.render_page(
        "certification/show.html",
        review=review,
        rolled=assessment.roll_up,
        checks=assessment.checks,
        check_outcome=assessment.check_outcome,
        shown=shown,
        page=paging.cut(shown.rows, anchor="filters"),
        address=paging.address,
        more_remarks=_more_remarks,
        findings=findings,
        is_editable=is_editable and can(actor(), Permission.OFFERING_EDIT, review.offering_version),
        places=outline.places_of(assessment.requirements),
        is_discussed=review.state in services.DISCUSSED,
        **proceedings(session, review),
        **_aftermath(session, review),
    )


def _more_remarks(outcome: str) -> str:
    changes = {"show": outcome, "chapter": None, "q": None, "page": None}
    return paging.address(changes, "filters")


def _must_declare(session: Session, certification_id: uuid.UUID) -> bool:
    review = queries.get_certification(session, certification_id)
    if review is None or can(actor(), Permission.CERTIFICATION_READ, review):
        return False
    return can(actor(), Permission.CERTIFICATION_DECLARE, review)


def proceedings(session: Session, review: Certification) -> dict[str, Any]:
    """Return what has happened so far, as far as this reader may know it."""
    filed = queries.list_recommendations(session, review.id)
    reader = actor().person_id
    reads_opinions = can(actor(), Permission.CERTIFICATION_READ_OPINIONS, review)
    is_reviewer = reader in review.assigned_ids
    people = list_people(session, [*review.assigned_ids]) if reads_opinions else {}
    names = [people[each].name for each in review.assigned_ids if each in people]
    cleared = review.cleared_ids
    reads_trail = can(actor(), Permission.AUDIT_READ_ALL) and not is_reviewer
    return {
        "steps": outline.steps_of(review, len(filed), sorted(names)),
        "people": people,
        "declared": {each: each in cleared for each in review.assigned_ids},
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


def _aftermath(session: Session, review: Certification) -> dict[str, Any]:
    """Return what may follow a decision, and every earlier submission."""
    appeals = around.list_appeals(session, review.id)
    open_appeal = next((each for each in appeals if each.state == "filed"), None)
    deciders = {open_appeal.first_decider_id, open_appeal.second_decider_id} if open_appeal else {}
    return {
        "submissions": around.list_submissions(session, review.id),
        "appeals": appeals,
        "open_appeal": open_appeal,
        "has_decided_before": actor().person_id in deciders,
        "reports": around.list_reports(session, review.id),
        "base": around.find_base(session, review)
        if review.state in services.DISCUSSED or review.state == "recommended"
        else None,
        "today": day_in_japan(now(session)),
    }


def findings_beside(
    session: Session, offering_version_id: uuid.UUID
) -> dict[uuid.UUID, list[Finding]]:
    """Return what reviewers object to and is not settled, by requirement row."""
    found: dict[uuid.UUID, list[Finding]] = {}
    for each in around.list_findings_on(session, offering_version_id):
        if each.requirement_id is not None:
            found.setdefault(each.requirement_id, []).append(each)
    return found


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
    checks = check_answers(
        sheet.requirements,
        sheet.answers,
        sheet.version.specification_version,
        day_in_japan(now(session)),
    )
    return web.render_page(
        "certification/submit.html",
        form.status,
        form=form,
        checks=checks,
        check_outcome=sum_up(checks),
        version=sheet.version,
        is_open=sheet.is_editable,
        missing=link_missing(sheet.missing, sheet.version, sheet.terms, sheet.requirements),
        price_notes=sheet.price_notes,
        prices_href=group_href(Group.PRICES, sheet.version, sheet.terms),
        answered=len(sheet.answers),
        total=len(sheet.requirements),
        review=queries.find_latest_certification(session, sheet.version.id),
    )


@blueprint.get("/vendor/offerings/<uuid:offering_version_id>/checks")
@access(Permission.OFFERING_READ_DRAFT)
def rehearse(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Run the automatic checks on a draft as it is now; nothing is written."""
    session = web.read_session()
    sheet = load_sheet(session, offering_version_id, Permission.OFFERING_READ_DRAFT)
    version = sheet.version.specification_version
    today = day_in_japan(now(session))
    checks = check_answers(sheet.requirements, sheet.answers, version, today)
    remarks = [(check.kind, remark) for check in checks for remark in check.remarks]
    page = paging.cut(remarks, anchor="remarks-title")
    return web.render_page(
        "certification/checks.html",
        version=sheet.version,
        checks=checks,
        check_outcome=sum_up(checks),
        remarks=page,
        addresses=_answer_addresses(sheet, page.rows),
    )


def _answer_addresses(sheet: Sheet, remarks: Sequence[tuple[CheckKind, Remark]]) -> dict[str, str]:
    """Return where each requirement of these remarks is answered, by the ministry's id."""
    wanted = {remark.requirement.id for _, remark in remarks if remark.requirement}
    found = [each for each in sheet.requirements if each.requirement_id in wanted]
    addresses = answer_addresses(sheet.version.id, sheet.requirements, found)
    return {
        each.requirement_id: f"{addresses[each.id]}#requirement-{each.position}" for each in found
    }


@blueprint.route("/vendor/offerings/<uuid:offering_version_id>/publish", methods=["GET", "POST"])
@access(Permission.OFFERING_PUBLISH, write=Permission.OFFERING_PUBLISH)
def publish(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more, then publish an approved version, and with it what was decided on it."""
    session = web.read_session()
    version = offering_for(session, offering_version_id, Permission.OFFERING_PUBLISH)
    if request.method == "GET" and not version.can_apply(OfferAction.PUBLISH):
        return web.see_other(
            url_for("vendor_offerings.show", offering_version_id=offering_version_id)
        )
    form = Form(PublishSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda writing, *, terms=None, **_said: services.publish_offering(
            writing,
            actor(),
            offering_for(writing, offering_version_id, Permission.OFFERING_PUBLISH),
            choice=terms,
        ),
        notice=("サービスを公開しました", "検索に出るまで少し時間がかかることがあります。"),
        target=url_for("vendor_offerings.show", offering_version_id=offering_version_id),
    )
    if done:
        return done
    published = list_published_of(session, version.offering_id)
    return web.render_page(
        "offerings/publish.html",
        form.status,
        form=form,
        version=version,
        older=published[0].offering_version if published else None,
        bars=agreements.list_bars(session, [version.offering.maker])[version.offering.maker_id],
        newer=_compare_terms(session, version, published),
        choices=TermsChoice.choices(),
    )


def _compare_terms(
    session: Session, version: OfferingVersion, published: Sequence[ListingVersion]
) -> dict[str, Any] | None:
    """Return what a version's own terms change of newer ones that are public, None without newer."""
    found = find_newer_terms(session, version, published)
    if found is None:
        return None
    newer, prepared = found
    rows = compare_listings(listing_content(newer), listing_content(prepared))
    return {"base": newer, "rows": rows}
