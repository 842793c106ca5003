"""The front page and the pages that explain the site."""

from datetime import timedelta

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.models import OrganisationKind, OrganisationNotice, Role
from accounts.permissions import Permission, can
from accounts.queries import list_organisation_notices
from catalog.certification import queries as certification
from catalog.certification.queries import waiting
from catalog.certification.queries.proceedings import list_pending
from catalog.offerings import queries as offerings
from catalog.offerings.queries.endings import list_endings
from catalog.specifications.consultation import queries as consultations
from catalog.specifications.queries import recheck_days
from core import web
from core.api import list_problems
from core.clock import day_in_japan
from core.db import now
from procurement.contracts import queries as contracts
from procurement.home import desk, proceedings
from procurement.home.desk import Desk
from procurement.home.queries import count_services, list_filed_reviews, list_notices
from procurement.projects import queries as projects
from vendors import queries as vendors
from vendors.filing_models import FILINGS
from vendors.queries import agreements, filings

blueprint = Blueprint("home", __name__)
_SHOWN = 10
_DAYS_SHOWN = 90


@blueprint.get("/")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """Say in one sentence what this is, offer the ways in, and show whose turn it is."""
    session = web.read_session()
    return render_template(
        "home/index.html",
        desk=_read_desk(session),
        notices_received=_read_notices(session),
        specifications=count_services(session),
        news=list_notices(session),
        shown=_SHOWN,
    )


def _read_notices(session: Session) -> list[OrganisationNotice]:
    organisation_id = actor().organisation_id
    if organisation_id is None:
        return []
    since = now(session) - timedelta(days=_DAYS_SHOWN)
    return list_organisation_notices(session, organisation_id, since)


def _read_desk(session: Session) -> Desk | None:
    who = actor()
    if who.organisation_id is None:
        return None
    if who.organisation_kind is OrganisationKind.BODY:
        return _body_desk(session)
    if who.organisation_kind is OrganisationKind.VENDOR:
        return _vendor_desk(session)
    if who.has_role(Role.REVIEWER, Role.LEAD_REVIEWER):
        return _agency_desk(session)
    return None


def _body_desk(session: Session) -> Desk | None:
    who = actor()
    if not who.has_role(Role.CLERK, Role.APPROVER):
        return None
    cases = projects.list_projects(session, who.organisation_id)
    requests = contracts.list_requests(session, who.organisation_id)
    made = desk.clerk_desk(cases, requests) if who.has_role(Role.CLERK) else Desk()
    if who.has_role(Role.APPROVER):
        made.join(desk.approver_desk(cases, requests, who.person_id))
    _invite(session, made)
    return made.sort()


def _vendor_desk(session: Session) -> Desk:
    who = actor()
    owner_id = who.organisation_id
    if owner_id is None:
        return Desk()
    vendor = vendors.find_vendor_of(session, owner_id)
    agreement = agreements.judge_agreement(session, vendor.id) if vendor else None
    received = contracts.list_received(session, owner_id)
    versions = offerings.list_versions_of(session, owner_id)
    asked = waiting.list_to_answer(session, owner_id)
    made = desk.vendor_desk(
        vendor,
        versions,
        received if who.has_role(Role.VENDOR_ADMIN) else [],
        agreement=agreement,
        asked={review.offering_version_id for review, _ in asked},
    )
    if vendor is not None:
        filed = filings.list_open(session, vendor.id)
        proceedings.add_own_filings(made, vendor, filed, day_in_japan(now(session)))
    if vendor is not None and vendor.is_public:
        proceedings.add_endings(made, list_endings(session, owner_id), day_in_japan(now(session)))
    proceedings.add_questions(made, asked)
    held = waiting.list_in_force(session, owner_id)
    if held:
        reported = waiting.list_reported(session, [each.id for each in held])
        proceedings.add_conditions(made, held, reported)
        days = recheck_days(session, list({each.specification_version_id for each in held}))
        proceedings.add_rechecks(made, held, days, versions)
    _invite(session, made)
    return made.sort()


def _invite(session: Session, made: Desk) -> None:
    if can(actor(), Permission.SPECIFICATION_COMMENT):
        moment = now(session)
        running = consultations.list_running(session, day_in_japan(moment))
        proceedings.invite(made, running, moment)


def _agency_desk(session: Session) -> Desk:
    who = actor()
    leads = who.has_role(Role.LEAD_REVIEWER)
    reviewer_id = None if leads else who.person_id
    reviews = [
        each
        for each in certification.list_queue(session, reviewer_id=reviewer_id)
        if each.family_id not in who.recused_from
    ]
    registrations, _ = vendors.list_registrations(
        session, vendors.OPEN_STATES, reviewer_id=reviewer_id, page=1
    )
    made = desk.lead_desk(reviews, registrations) if leads else Desk()
    if who.has_role(Role.REVIEWER) and who.person_id is not None:
        filed = list_filed_reviews(session, who.person_id)
        own = [each for each in reviews if who.person_id in each.assigned_ids]
        checked = [each for each in registrations if who.person_id in each.assigned_ids]
        made.join(desk.reviewer_desk(own, checked, filed, who.person_id))
    for model in FILINGS:
        rows = filings.list_waiting(session, model, reviewer_id=reviewer_id)
        proceedings.add_filings(made, rows, who)
    pending = list_pending(session)
    appealed = [review.id for review, has_appeal, _ in pending if has_appeal]
    appeals = waiting.list_open_appeals(session, appealed) if appealed else {}
    proceedings.add_pending(made, pending, appeals, who)
    moment = now(session)
    running = consultations.list_running(session, day_in_japan(moment))
    progress = consultations.count_progress(session, [each.id for each in running])
    proceedings.add_comments(made, running, progress, moment)
    return made.sort()


@blueprint.get("/about")
@access(Permission.CATALOG_READ)
def about() -> ResponseReturnValue:
    """Explain what the site is and is not."""
    return render_template("home/about.html")


@blueprint.get("/about/order")
@access(Permission.CATALOG_READ)
def order_rules() -> ResponseReturnValue:
    """Explain how the order of results arises."""
    return render_template("home/order_rules.html")


@blueprint.get("/about/accessibility")
@access(Permission.CATALOG_READ)
def accessibility() -> ResponseReturnValue:
    """State the accessibility policy and how it is tested."""
    return render_template("home/accessibility.html")


@blueprint.get("/about/api")
@access(Permission.CATALOG_READ)
def api_page() -> ResponseReturnValue:
    """Explain the API to people."""
    return render_template("home/api_page.html", base_url=_base_url())


@blueprint.get("/docs/problems")
@access(Permission.CATALOG_READ)
def problems() -> ResponseReturnValue:
    """Explain every code of an error answer; the `type` of problem+json points here."""
    return render_template("home/problems.html", problems=list_problems())


@blueprint.get("/about/contact")
@access(Permission.CATALOG_READ)
def contact() -> ResponseReturnValue:
    """Say whom to ask about what."""
    return render_template("home/contact.html", contact=settings().contact)


def _base_url() -> str:
    return settings().base_url.rstrip("/") or url_for("home.index", _external=True).rstrip("/")
