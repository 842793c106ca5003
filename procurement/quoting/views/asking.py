"""Pages on the body's side: draft a round, show it, submit, decide, give it up."""

import uuid
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts import auth
from accounts.auth import access, actor
from accounts.permissions import Permission, can
from accounts.queries import list_people
from core import web
from core.clock import day_in_japan
from core.errors import NotFound
from core.forms import Form
from procurement.projects import queries as project_queries
from procurement.projects.models import EvidencePack, Project, ProjectAction
from procurement.projects.schemas import Decision
from procurement.projects.views.candidates import candidate_rows
from procurement.projects.views.frame import explain_early as explain_project
from procurement.projects.views.frame import load_project, read_project
from procurement.quoting import queries, services
from procurement.quoting.content import read_json
from procurement.quoting.letters import condition_rows, letter_rows
from procurement.quoting.models import OFFERED_KINDS, QuoteKind, QuoteRound, RoundAction
from procurement.quoting.schemas import (
    ConfirmSchema,
    ReasonSchema,
    RoundEditSchema,
    RoundSchema,
    SendSchema,
)
from procurement.quoting.views.frame import (
    Act,
    blueprint,
    explain_early,
    is_closed,
    load_round,
    read_round,
    round_url,
    show_act,
)

_P = Permission


@blueprint.route("/projects/<uuid:project_id>/quote-round", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_EDIT, write=_P.QUOTE_ROUND_EDIT)
def create(project_id: uuid.UUID) -> ResponseReturnValue:
    """Draft a request for quotes; while there is one, lead to it."""
    project = read_project(project_id)
    form = Form(RoundSchema(), web.posted_form(), _first_values(project))
    live = queries.live_round(web.read_session(), project.id)
    if live is not None and not form.is_posted:
        return web.see_other(round_url(live.id))
    ready = project.can_apply(ProjectAction.REQUEST_QUOTES) or live is not None
    if early := explain_project(project, "見積依頼は、まだ作れません", ready=ready):
        return early

    def act(session: Session, **values: Any) -> tuple[str, ...]:
        made = services.create_round(session, actor(), load_project(session, project_id), **values)
        return round_url(made.id), "見積依頼を保存しました"

    done = web.create_once(form, actor().person_id, act)
    action = url_for("quoting.create", project_id=project_id)
    return done or _render_form(form, project, action, once=True)


@blueprint.get("/projects/<uuid:project_id>/quotes")
@access(_P.QUOTE_ROUND_READ)
def latest(project_id: uuid.UUID) -> ResponseReturnValue:
    """Lead to the newest round of a project."""
    project = read_project(project_id)
    rounds = queries.list_rounds(web.read_session(), project.id)
    if not rounds:
        raise NotFound
    return web.see_other(round_url(rounds[0].id))


def _first_values(project: Project) -> dict[str, Any]:
    """Ask for what was asked last, else everybody who is left."""
    session = web.read_session()
    pack = project_queries.latest_pack(session, project.id)
    rounds = queries.list_rounds(session, project.id)
    before = rounds[0] if rounds and pack and rounds[0].pack_id == pack.id else None
    if before is not None:
        asked = queries.list_invitations(session, before.id)
        return {
            **before.model_dump(include={"kind", "contact", "message", "sole_reason"}),
            "candidates": [each.listing_version_id for each in asked],
        }
    left = project_queries.list_candidates(session, pack.id) if pack else []
    wanted = [each.listing_version_id for each in left if not each.is_excluded]
    kind = QuoteKind.COMPARISON if len(wanted) > 1 else QuoteKind.SOLE
    return {"kind": kind, "candidates": wanted, "contact": actor().person_name}


@blueprint.route("/quote-rounds/<uuid:round_id>/edit", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_EDIT, write=_P.QUOTE_ROUND_EDIT)
def edit(round_id: uuid.UUID) -> ResponseReturnValue:
    """Change a round before it is submitted."""
    found = read_round(round_id)
    if not found.can_apply(RoundAction.SUBMIT):
        return _early(found, "見積依頼は、今は変更できません")
    asked = queries.list_invitations(web.read_session(), found.id)
    initial = {
        **found.model_dump(),
        "candidates": [each.listing_version_id for each in asked],
        "deadline_on": day_in_japan(found.deadline_at),
        "questions_on": day_in_japan(found.questions_until),
    }
    form = Form(RoundEditSchema(), web.posted_form(), initial)
    done = web.complete(
        form,
        lambda session, **said: services.edit_round(
            session, actor(), load_round(session, round_id), **said
        ),
        notice=("見積依頼を保存しました",),
        target=round_url(round_id),
    )
    action = url_for("quoting.edit", round_id=round_id)
    return done or _render_form(form, found.project, action, once=False)


def _render_form(form: Form, project: Project, action: str, *, once: bool) -> ResponseReturnValue:
    pack = project_queries.latest_pack(web.read_session(), project.id)
    rows = candidate_rows(project, pack) if pack else []
    return web.render_page(
        "quoting/edit.html",
        form.status,
        form=form,
        project=project,
        action=action,
        once=once,
        kinds=[(each.value, each.label) for each in OFFERED_KINDS],
        rows=[row for row in rows if not row["candidate"].is_excluded],
    )


@blueprint.get("/quote-rounds/<uuid:round_id>")
@access(_P.QUOTE_ROUND_READ)
def show(round_id: uuid.UUID) -> ResponseReturnValue:
    """Show a round to its body; before the opening nothing tells who has quoted, nor how many."""
    found = read_round(round_id)
    session = web.read_session()
    ids = [found.last_editor_id, found.submitted_by_id, found.approved_by_id]
    opened = found.is_opened and can(actor(), _P.QUOTE_ROUND_READ_OPENED, found)
    opening = queries.find_opening(session, found.id)
    mark = queries.live_mark(session, opening)
    ids += [opening.first_by_id, opening.second_by_id] if opening else []
    questions = queries.list_questions(session, found.id) if found.is_sent else []
    return web.render_page(
        "quoting/show.html",
        round_row=found,
        is_closed=is_closed(found),
        letter=letter_rows(found),
        conditions=condition_rows(read_json(found.conditions)),
        invitations=queries.list_invitations(session, found.id),
        names=_names(session, found),
        people=list_people(session, [each for each in ids if each]),
        waiting_questions=sum(each.published_at is None for each in questions),
        extension=queries.open_extension(session, found),
        returned_extension=queries.returned_extension(session, found),
        opening=opening,
        mark=mark,
        is_mine=mark is not None and mark.first_by_id == actor().person_id,
        minutes=queries.MARK_MINUTES,
        opened=_opened_rows(session, found) if opened else None,
        can_submit=found.can_apply(RoundAction.SUBMIT),
        can_decide=found.can_apply(RoundAction.APPROVE),
        can_withdraw=found.can_apply(RoundAction.WITHDRAW),
    )


def _names(session: Session, round_: QuoteRound) -> dict[uuid.UUID, str]:
    pack = session.get_one(EvidencePack, round_.pack_id)
    hits = read_json(pack.content)["hits"]
    return {uuid.UUID(hit["listing_version_id"]): hit["name"] for hit in hits}


def _opened_rows(session: Session, round_: QuoteRound) -> list[dict[str, Any]]:
    """Return everybody who was asked with its quote, in the order of the candidates."""
    quotes = {each.listing_version_id: each for each in queries.list_opened(session, round_)}
    given = {each.invitation_id: each for each in queries.list_quotes(session, round_.id)}
    lowest = min((each.total for each in quotes.values()), default=None)
    rows = []
    for each in queries.list_invitations(session, round_.id):
        quote = quotes.get(each.listing_version_id)
        withdrawn = each.id in given and given[each.id].withdrawn_at is not None
        rows.append(
            {
                "invitation": each,
                "quote": quote,
                "is_lowest": quote is not None and quote.total == lowest,
                "why": each.decline_reason or ("取り下げ" if withdrawn else "提出なし"),
            }
        )
    return rows


@blueprint.route("/quote-rounds/<uuid:round_id>/submit", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_EDIT, write=_P.QUOTE_ROUND_EDIT)
def submit(round_id: uuid.UUID) -> ResponseReturnValue:
    """Hand the round to an approver."""
    found = read_round(round_id)
    if not found.can_apply(RoundAction.SUBMIT):
        return _early(found, "見積依頼は、今は提出できません")
    form = Form(ConfirmSchema(), web.posted_form(), {"version": found.version})
    act = Act(
        heading="見積依頼を決裁者に提出しますか",
        check="条件、依頼先、締切を確認しました",
        button="決裁者に提出する",
        notice="見積依頼を決裁者に提出しました",
        warning="決裁されると、そのまま送信されます",
        words="依頼先には同じ条件、同じ文書番号、同じ締切の依頼書が同時に届きます。決裁までは変更できません。",
        back=round_url(round_id),
    )
    return show_act(form, act, _on_round(services.submit_round, round_id), round_row=found)


def _on_round(service: Any, round_id: uuid.UUID) -> Any:
    return lambda session, **said: service(session, actor(), load_round(session, round_id), **said)


@blueprint.route("/quote-rounds/<uuid:round_id>/decision", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_DECIDE, write=_P.QUOTE_ROUND_DECIDE)
def decide(round_id: uuid.UUID) -> ResponseReturnValue:
    """Approve, which sends the same letter to everybody, or return."""
    found = read_round(round_id)
    if found.is_sent:
        return web.see_other(round_url(round_id))
    form = Form(SendSchema(), web.posted_form(), {"version": found.version})
    if form.is_posted and form.validate() and _confirms(form):
        newly = form.submit(lambda session, data: {"sent": _decide(session, round_id, data)})
        if newly is not None:
            words = (
                "見積依頼を決裁し、送信しました" if newly["sent"] else "見積依頼を差し戻しました"
            )
            web.leave_notice("done", words)
            return web.see_other(round_url(round_id))
    session = web.read_session()
    return web.render_page(
        "quoting/decision.html",
        form.status,
        form=form,
        round_row=found,
        letter=letter_rows(found),
        conditions=condition_rows(read_json(found.conditions)),
        invitations=queries.list_invitations(session, found.id),
        names=_names(session, found),
        decisions=[(each.value, _DECISIONS[each]) for each in Decision],
        people=list_people(session, [found.submitted_by_id or found.last_editor_id]),
        open=found.can_apply(RoundAction.APPROVE),
        needs_password=auth.needs_password(),
    )


_DECISIONS = {Decision.APPROVE: "決裁して送信する", Decision.RETURN: Decision.RETURN.label}


def _confirms(form: Form) -> bool:
    is_return = form.data["decision"] is Decision.RETURN
    return is_return or auth.is_confirmed(form)


def _decide(session: Session, round_id: uuid.UUID, data: dict[str, Any]) -> bool:
    found, version = load_round(session, round_id), data["version"]
    if data["decision"] is Decision.RETURN:
        services.return_round(session, actor(), found, version=version, reason=data["reason"])
        return False
    services.approve_round(session, actor(), auth.settings(), found, version=version)
    return True


@blueprint.route("/quote-rounds/<uuid:round_id>/withdraw", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_WITHDRAW, write=_P.QUOTE_ROUND_WITHDRAW)
def withdraw(round_id: uuid.UUID) -> ResponseReturnValue:
    """Give a round up: the clerk before the sending, an approver after."""
    found = read_round(round_id, _P.QUOTE_ROUND_WITHDRAW)
    if not found.can_apply(RoundAction.WITHDRAW):
        return _early(found, "見積依頼は、今は取りやめられません")
    form = Form(ReasonSchema(), web.posted_form(), {"version": found.version})
    sent = "依頼先に知らされます。届いている見積は、だれも読まないまま閉じます。"
    act = Act(
        heading="この見積依頼を取りやめますか",
        check="取りやめると元に戻せないことを確認しました",
        button="見積依頼を取りやめる",
        notice="見積依頼を取りやめました",
        warning="この見積依頼は再開できません",
        words=(sent if found.is_sent else "") + "案件は「比較済み」に戻り、依頼を作り直せます。",
        back=round_url(round_id),
        reason="取りやめる理由",
        danger=True,
    )
    return show_act(form, act, _on_round(services.withdraw_round, round_id), round_row=found)


@blueprint.route("/projects/<uuid:project_id>/abandon-quotes", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_EDIT, write=_P.QUOTE_ROUND_EDIT)
def abandon(project_id: uuid.UUID) -> ResponseReturnValue:
    """Leave opened quotes unused and go back to the comparison."""
    project = read_project(project_id)
    ready = project.can_apply(ProjectAction.ABANDON_QUOTES)
    if early := explain_project(project, "使わないと決める見積がありません", ready=ready):
        return early
    form = Form(ReasonSchema(), web.posted_form(), {"version": project.version})
    back = url_for("projects.show", project_id=project_id)
    act = Act(
        heading="開封した見積を使わないことにしますか",
        check="案件が「比較済み」に戻ることを確認しました",
        button="見積を使わないことにする",
        notice="案件を「比較済み」に戻しました",
        warning="開封した見積は記録に残ります",
        words="ここに書く理由も記録に残ります。検索からやり直すか、公表された料金で選べます。",
        back=back,
        reason="使わない理由",
        danger=True,
    )

    def do(session: Session, **said: Any) -> object:
        return services.abandon_quotes(session, actor(), load_project(session, project_id), **said)

    return show_act(form, act, do, project=project)


def _early(found: QuoteRound, heading: str) -> ResponseReturnValue:
    sentence = found.MACHINE.wrong_state_sentence(found.state)
    return explain_early(heading, sentence, round_url(found.id), round_row=found)
