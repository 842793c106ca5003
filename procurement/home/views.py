"""The front page and the pages that explain the site."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor, settings
from accounts.identity import Scope
from accounts.models import OrganisationKind, Role
from accounts.permissions import Permission, can
from catalog.api import read_description
from catalog.api_words import WORDS
from catalog.certification import queries as certification
from catalog.certification.queries import waiting
from catalog.certification.queries.proceedings import list_pending
from catalog.offerings.queries import own
from catalog.offerings.queries.endings import list_endings
from catalog.specifications.consultation import queries as consultations
from core import paging, web
from core.api import list_problems
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from procurement.contracts import queries as contracts
from procurement.contracts.models import RequestState
from procurement.home import desk, proceedings, quote_desk
from procurement.home.api_reference import read_groups
from procurement.home.desk import Desk, SpecificationRow, Task
from procurement.home.queries import (
    list_events,
    list_filed_reviews,
    list_published,
    recheck_days,
)
from procurement.notices import queries as notices
from procurement.projects import queries as projects
from procurement.projects.models import Project, ProjectState
from procurement.quoting.queries import desks
from vendors import queries as vendors
from vendors.filing_models import FILINGS
from vendors.queries import filings
from vendors.queries.own import find_own

blueprint = Blueprint("home", __name__)
_SHOWN = 10
# The states in which a case can have a request for quotes that is drafted, decided on or out.
_ASKING = frozenset({ProjectState.COMPARED, ProjectState.QUOTING, ProjectState.QUOTES_OPENED})
_DAYS_SHOWN = 90


@blueprint.get("/")
@access(Permission.CATALOG_READ)
def index() -> ResponseReturnValue:
    """Say in one sentence what this is, offer the ways in, and show whose turn it is."""
    session = web.read_session()
    rows = list_published(session)
    since = now(session) - timedelta(days=_DAYS_SHOWN)
    who = actor()
    received, news, is_asked = list_events(session, who.organisation_id, since)
    made = _read_desk(session, rows)
    if is_asked and made and who.organisation_id and who.has_role(Role.VENDOR_ADMIN):
        asked = desks.list_to_quote(session, who.organisation_id)
        made.join(quote_desk.vendor_invitations(asked)).sort()
    return render_template(
        "home/index.html",
        desk=made and [_paged(each, made) for each in ("turn", "waiting", "invited")],
        notices_received=received,
        specifications=[row for row in rows if row.version.specification.accepts_offerings],
        news=news,
    )


def _paged(name: str, made: Desk) -> paging.Page[Task]:
    return paging.cut(getattr(made, name), _SHOWN, name=name, anchor=f"{name}-title")


def _read_desk(session: Session, rows: Sequence[SpecificationRow]) -> Desk | None:
    who = actor()
    if who.organisation_id is None:
        return None
    if who.organisation_kind is OrganisationKind.BODY:
        return _body_desk(session)
    if who.organisation_kind is OrganisationKind.VENDOR:
        return _vendor_desk(session, rows)
    if who.has_role(Role.REVIEWER, Role.LEAD_REVIEWER):
        return _agency_desk(session)
    return None


def _body_desk(session: Session) -> Desk | None:
    who = actor()
    if who.organisation_id is None or not who.has_role(Role.CLERK, Role.APPROVER):
        return None
    cases = projects.list_projects(session, who.organisation_id)
    requests = contracts.list_requests(session, who.organisation_id)
    made = desk.clerk_desk(cases, requests) if who.has_role(Role.CLERK) else Desk()
    if who.has_role(Role.APPROVER):
        is_any = any(each.state is RequestState.CONTRACT_REGISTERED for each in requests)
        unconfirmed = contracts.list_to_confirm(session, who.organisation_id) if is_any else []
        made.join(desk.approver_desk(cases, requests, who.person_id, unconfirmed))
    if any(each.state is RequestState.CONTRACT_REGISTERED for each in requests):
        desk.add_notices(
            made,
            notices.list_without_notice(session, who.organisation_id),
            who.person_id,
            is_clerk=who.has_role(Role.CLERK),
            is_approver=who.has_role(Role.APPROVER),
        )
    if not _ASKING.isdisjoint(each.state for each in cases):
        _add_rounds(session, made, cases)
    _invite(session, made)
    return made.sort()


def _add_rounds(session: Session, made: Desk, cases: Sequence[Project]) -> None:
    who, moment = actor(), now(session)
    rounds = desks.list_live(session, [each.id for each in cases if each.state in _ASKING])
    made.forget_cases({each.project_id for each in rounds})
    if who.has_role(Role.CLERK):
        unanswered = desks.count_unanswered(session, rounds)
        made.join(quote_desk.clerk_rounds(rounds, unanswered, moment))
    if who.has_role(Role.APPROVER):
        extended = desks.find_extended(session, rounds)
        made.join(quote_desk.approver_rounds(rounds, extended, who.person_id, moment))


def _vendor_desk(session: Session, rows: Sequence[SpecificationRow]) -> Desk:
    who = actor()
    owner_id = who.organisation_id
    if owner_id is None:
        return Desk()
    known = find_own(session, owner_id)
    reviews = waiting.list_own(session, owner_id)
    is_admin = who.has_role(Role.VENDOR_ADMIN)
    made = desk.vendor_desk(
        known.vendor if known else None,
        own.list_at_work(session, owner_id),
        contracts.list_to_settle(session, owner_id) if is_admin else [],
        agreement=known.standing if known else None,
        asked={each.review.offering_version_id for each in reviews if each.is_asked},
    )
    if known is not None:
        today = day_in_japan(now(session))
        proceedings.add_own_filings(made, known.vendor, known.filed, today)
    if known is not None and known.vendor.is_public:
        proceedings.add_endings(made, list_endings(session, owner_id), day_in_japan(now(session)))
    held = [each.review.specification_version_id for each in reviews if not each.is_asked]
    proceedings.add_own_reviews(made, reviews, recheck_days(rows, held))
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


@blueprint.get("/docs/api")
@access(Permission.CATALOG_READ)
def api_reference() -> ResponseReturnValue:
    """List every address of the API, from its own description."""
    description = read_description(current_app)
    return render_template(
        "home/api_reference.html",
        groups=read_groups(description, WORDS.groups, _base_url()),
        conventions=description["info"]["description"],
        scopes=[(scope.value, scope.label) for scope in Scope],
    )


@blueprint.get("/docs/api/<slug>")
@access(Permission.CATALOG_READ)
def api_group(slug: str) -> ResponseReturnValue:
    """Explain the addresses of one group: parameters, answers, examples, fields."""
    groups = read_groups(read_description(current_app), WORDS.groups, _base_url())
    group = next((each for each in groups if each.slug == slug), None)
    if group is None:
        raise NotFound("APIの説明書に、この名前のまとまりはありません。")
    return render_template("home/api_group.html", group=group)


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
