"""The vendor's list of offerings, the task list of a version, its check page and its publication."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import BodyKind
from accounts.permissions import Permission
from catalog.offerings import services
from catalog.offerings.content import LISTING_FIELDS
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.offerings.rows import read_accreditations, read_categories
from catalog.offerings.rules import Group, explain_refusal, group_by_chapter, say_state
from catalog.offerings.schemas import ConfirmSchema, NewOfferingSchema
from catalog.offerings.views.frame import (
    blueprint,
    build_optional_tasks,
    build_tasks,
    group_href,
    link_missing,
    load_sheet,
    offering_for,
    show_tiers,
)
from catalog.offerings.words import list_discounts, say_bounds, say_support, show_percent
from catalog.specifications.queries import list_versions
from catalog.terms import (
    AccessibilityLevel,
    Authentication,
    Language,
    Network,
    SizeClass,
    hosting_label,
)
from core import web
from core.clock import today_jst
from core.db import transaction
from core.form_drafts import mark_tasks
from core.forms import Form

_READ = Permission.OFFERING_READ_DRAFT


@blueprint.route("/offerings/new", methods=["GET", "POST"])
@access(Permission.OFFERING_CREATE, write=Permission.OFFERING_CREATE)
def create() -> ResponseReturnValue:
    """Ask for the standard and the name, then open the task list."""
    form = Form(NewOfferingSchema(), web.posted_form())

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        made = services.create_offering(session, actor(), **values)
        href = url_for("vendor_offerings.show", offering_version_id=made.offering_version_id)
        return href, "サービスの下書きを作りました", "順番はどれからでも入力できます。"

    if done := web.create_once(form, actor().person_id, act):
        return done
    versions = list_versions(web.read_session())
    refusals = {each.id: explain_refusal(each) for each in versions}
    return web.render_page(
        "offerings/create.html",
        form.status,
        form=form,
        open_versions=[each for each in versions if refusals[each.id] is None],
        refused=[(each, refusals[each.id]) for each in versions if refusals[each.id]],
    )


@blueprint.get("/offerings/<uuid:offering_version_id>")
@access(_READ)
def show(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show the task list of a version, or its way through review."""
    session = web.read_session()
    sheet = load_sheet(session, offering_version_id, _READ)
    answered = (len(sheet.answers), len(sheet.requirements))
    tasks = build_tasks(sheet.version, sheet.terms, sheet.missing, answered=answered)
    optional_tasks = build_optional_tasks(sheet.version, sheet.terms)
    if sheet.is_editable:
        mark_tasks(session, actor().person_id, [*tasks, *optional_tasks])
    return web.render_page(
        "offerings/show.html",
        said_state=say_state(sheet.version),
        version=sheet.version,
        terms=sheet.terms,
        tasks=tasks,
        optional_tasks=optional_tasks,
        missing=link_missing(sheet.missing, sheet.version, sheet.terms, sheet.requirements),
        is_editable=sheet.is_editable,
        steps=_steps(sheet.version),
    )


@blueprint.get("/offerings/<uuid:offering_version_id>/check")
@access(_READ)
def check(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show everything that was typed, before the submission."""
    sheet = load_sheet(web.read_session(), offering_version_id, _READ)
    counts: dict[str, dict[str, int]] = {}
    for title, members in group_by_chapter(sheet.requirements):
        counts[title] = {"total": len(members), "unanswered": 0}
        for requirement in members:
            answer = sheet.answers.get(requirement.id)
            key = answer.answer.value if answer else "unanswered"
            counts[title][key] = counts[title].get(key, 0) + 1
    return web.render_page(
        "offerings/check.html",
        version=sheet.version,
        terms=sheet.terms,
        counts=counts,
        price_notes=sheet.price_notes,
        missing=link_missing(sheet.missing, sheet.version, sheet.terms, sheet.requirements),
        is_editable=sheet.is_editable,
        words=(words := words_of(sheet.version, sheet.terms)),
        **words,
    )


@blueprint.post("/offerings/<uuid:offering_version_id>/new-version")
@access(Permission.OFFERING_EDIT, write=Permission.OFFERING_EDIT)
def start_new_version(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Begin the next version of a published offering."""
    with transaction() as session:
        row = offering_for(session, offering_version_id, Permission.OFFERING_EDIT)
        made = services.start_new_version(session, actor(), row.offering)
    web.leave_notice(
        "done", "新しい版の下書きを作りました", "公開するまで、利用者には今の版が見えています。"
    )
    return web.see_other(url_for("vendor_offerings.show", offering_version_id=made.id))


@blueprint.route("/offerings/<uuid:offering_version_id>/discard", methods=["GET", "POST"])
@access(Permission.OFFERING_WITHDRAW, write=Permission.OFFERING_WITHDRAW)
def discard(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once more, then drop a draft."""
    version = offering_for(web.read_session(), offering_version_id, Permission.OFFERING_WITHDRAW)
    form = Form(ConfirmSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session, **_said: services.discard_version(
            session,
            actor(),
            offering_for(session, offering_version_id, Permission.OFFERING_WITHDRAW),
        ),
        notice=("下書きを取り下げました",),
        target=url_for("vendor_offerings.index"),
    )
    return done or web.render_page(
        "offerings/discard.html", form.status, form=form, version=version
    )


def words_of(version: OfferingVersion, terms: ListingVersion) -> dict[str, Any]:
    """Return what the summary lists show in words instead of codes."""
    return {
        "hosting": hosting_label(version.hosting_provider) if version.hosting_provider else "",
        "networks": "、".join(Network(each).label for each in version.networks),
        "size_classes": "、".join(SizeClass(each).label for each in version.size_classes),
        "availability": show_percent(terms.availability_basis_points),
        "body_kinds": "、".join(BodyKind(each).label for each in version.body_kinds),
        "languages": "、".join(Language(each).label for each in version.languages),
        "authentication": "、".join(Authentication(e).label for e in version.authentication),
        "accessibility": AccessibilityLevel(version.accessibility_level).label
        if version.accessibility_level
        else "",
        "accreditations": read_accreditations(version.accreditations),
        "categories": read_categories(version.data_categories),
        "today": today_jst(),
        "bounds": {
            row.position: say_bounds(row.size_classes, row.valid_from, row.valid_to)
            for row in terms.components
        },
        "discounts": list_discounts(terms.discounts),
        "support": say_support(
            terms.state_support_yen, terms.state_support_until, terms.state_support_note
        )
        if terms.state_support_yen is not None and terms.state_support_until is not None
        else "",
        "tiers": {row.position: show_tiers(row) for row in terms.components},
        "terms_fields": LISTING_FIELDS,
        "group_href": lambda group: group_href(Group(group), version, terms),
    }


def _steps(version: OfferingVersion) -> list[dict[str, Any]]:
    """Return the way of a version from submission to publication."""
    labels = (
        "事業者が提出する",
        "デジタル庁が審査する",
        "主任審査員が承認する",
        "事業者が公開する",
    )
    moments = (version.submitted_at, None, version.approved_at, version.published_at)
    reached = {
        OfferState.SUBMITTED: 1,
        OfferState.IN_REVIEW: 1,
        OfferState.APPROVED: 3,
        OfferState.PUBLISHED: 4,
        OfferState.SUPERSEDED: 4,
        OfferState.WITHDRAWN: 4 if version.published_at else 0,
    }.get(version.state, 0)
    steps = []
    for index, (label, moment) in enumerate(zip(labels, moments, strict=True)):
        state = "done" if index < reached else "now" if index == reached else "waiting"
        step = {"label": label, "state": state, "at": moment if state == "done" else None}
        if index == 0 and version.state is OfferState.RETURNED:
            step.update(state="returned", reason=version.return_reason)
        steps.append(step)
    return steps
