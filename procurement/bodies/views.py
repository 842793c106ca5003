"""Pages: the rules of a body, their proposal, confirmation and withdrawal."""

import uuid
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import OrganisationKind
from accounts.permissions import Permission, require
from accounts.queries import get_organisation, list_people
from core import web
from core.clock import day_in_japan
from core.db import now
from core.errors import NotFound
from core.forms import Form
from core.japanese import format_yen
from procurement.bodies import queries, services
from procurement.bodies.models import BodyRuleSet, ContractCategory, RulesAction, StepKind
from procurement.bodies.numbering import SERIES, write_number
from procurement.bodies.rules import describe_rules
from procurement.bodies.schemas import (
    BANDS,
    FIRST_VALUES,
    LongTermRule,
    RulesConfirmSchema,
    RulesSchema,
    RulesWithdrawSchema,
    values_of,
)

blueprint = Blueprint("bodies", __name__)
_P = Permission


@blueprint.get("/body/rules")
@access(_P.BODY_RULES_READ)
def index() -> ResponseReturnValue:
    """List the rules of the acting body, those in force first; an auditor sees those of all bodies."""
    session, who = web.read_session(), actor()
    of_body = who.organisation_id if who.organisation_kind is OrganisationKind.BODY else None
    found = queries.list_rules(session, of_body)
    today = day_in_japan(now(session))
    in_force = queries.rules_in_force(session, of_body, today) if of_body else None
    body = get_organisation(session, of_body) if of_body else None
    ceilings = (
        [(each, queries.ceiling_for(session, body, each, today)) for each in ContractCategory]
        if body
        else []
    )
    return web.render_page(
        "bodies/rules.html",
        rows=found,
        in_force=in_force,
        facts=_facts(session, in_force) if in_force else [],
        ceilings=ceilings,
        shows_body=of_body is None,
        today=today,
    )


@blueprint.route("/body/rules/new", methods=["GET", "POST"])
@access(_P.BODY_RULES_PROPOSE, write=_P.BODY_RULES_PROPOSE)
def propose() -> ResponseReturnValue:
    """Propose rules; the first values are those that were confirmed last."""
    form = Form(RulesSchema(), web.posted_form(), _first_values())

    def act(session: Session, **typed: Any) -> tuple[str, ...]:
        made = services.propose_rules(session, actor(), **values_of(typed))
        told = "規則の案を提出しました", "別の決裁者が確定すると、有効になる日から使われます。"
        return url_for("bodies.show", rules_id=made.id), *told

    done = web.create_once(form, actor().person_id, act)
    if done is not None:
        return done
    session = web.read_session()
    body = get_organisation(session, actor().organisation_id or uuid.uuid4())
    if body is None or body.kind is not OrganisationKind.BODY:
        raise NotFound
    today = day_in_japan(now(session))
    limits = {each: queries.decree_ceiling(session, body, each, today) for each in ContractCategory}
    return web.render_page(
        "bodies/propose.html", form.status, form=form, body=body, limits=limits, bands=BANDS
    )


def _first_values() -> dict[str, Any]:
    session, body_id = web.read_session(), actor().organisation_id
    kept = queries.newest_confirmed(session, body_id) if body_id else None
    if kept is None:
        return dict(FIRST_VALUES)
    own = queries.list_own_ceilings(session, kept.id)
    found = {
        **kept.model_dump(exclude={"valid_from"}),
        "long_term": LongTermRule.ALLOWED if kept.long_term_allowed else LongTermRule.NONE,
        **{name: own.get(category) for category, name in services.CEILING_FIELDS.items()},
    }
    route = describe_rules(kept, queries.list_steps(session, kept.id)).route
    slots = (*BANDS[: len(route) - 1], BANDS[-1])
    for slot, band in zip(slots, route, strict=True):
        titles = {
            kind: "、".join(step.title for step in band.steps if step.kind is kind)
            for kind in StepKind
        }
        found |= {
            f"upto_{slot}": band.upto_amount,
            f"examiners_{slot}": titles[StepKind.EXAMINE],
            f"joiners_{slot}": titles[StepKind.JOIN],
            f"decider_{slot}": titles[StepKind.DECIDE],
        }
    return found


@blueprint.get("/body/rules/<uuid:rules_id>")
@access(_P.BODY_RULES_READ)
def show(rules_id: uuid.UUID) -> ResponseReturnValue:
    """Show one set of rules with who proposed and who confirmed it."""
    session, rules = web.read_session(), _read(rules_id)
    asked = (rules.proposed_by_id, rules.confirmed_by_id, rules.withdrawn_by_id)
    return web.render_page(
        "bodies/show.html",
        rules=rules,
        facts=_facts(session, rules),
        body=get_organisation(session, rules.organisation_id),
        people=list_people(session, [each for each in asked if each]),
        is_open=rules.can_apply(RulesAction.CONFIRM),
        is_own=rules.proposed_by_id == actor().person_id,
    )


@blueprint.route("/body/rules/<uuid:rules_id>/confirm", methods=["GET", "POST"])
@access(_P.BODY_RULES_READ, write=_P.BODY_RULES_CONFIRM)
def confirm(rules_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm proposed rules as another approver."""
    rules = _read(rules_id, _P.BODY_RULES_CONFIRM)
    form = Form(RulesConfirmSchema(), web.posted_form(), {"version": rules.version})
    return _finish(rules, form, "confirm", services.confirm_rules, "規則を確定しました")


@blueprint.route("/body/rules/<uuid:rules_id>/withdraw", methods=["GET", "POST"])
@access(_P.BODY_RULES_READ, write=_P.BODY_RULES_PROPOSE)
def withdraw(rules_id: uuid.UUID) -> ResponseReturnValue:
    """Take proposed rules back, with the reason."""
    rules = _read(rules_id, _P.BODY_RULES_PROPOSE)
    form = Form(RulesWithdrawSchema(), web.posted_form(), {"version": rules.version})
    return _finish(rules, form, "withdraw", services.withdraw_rules, "規則の案を取り下げました")


def _finish(
    rules: BodyRuleSet, form: Form, page: str, act: Any, notice: str
) -> ResponseReturnValue:
    target = url_for("bodies.show", rules_id=rules.id)
    if not rules.can_apply(RulesAction.CONFIRM) and not form.is_posted:
        return web.see_other(target)
    done = web.complete(
        form,
        lambda session, **said: act(session, actor(), _load(session, rules.id), **said),
        notice=(notice,),
        target=target,
    )
    return done or web.render_page(
        f"bodies/{page}.html",
        form.status,
        form=form,
        rules=rules,
        facts=_facts(web.read_session(), rules),
    )


def _read(rules_id: uuid.UUID, permission: Permission = _P.BODY_RULES_READ) -> BodyRuleSet:
    rules = _load(web.read_session(), rules_id)
    require(web.read_session(), actor(), permission, rules)
    return rules


def _load(session: Session, rules_id: uuid.UUID) -> BodyRuleSet:
    rules = queries.get_rules(session, rules_id)
    if rules is None:
        raise NotFound
    return rules


def _facts(session: Session, kept: BodyRuleSet) -> list[tuple[str, str]]:
    """Return rules as terms and words."""
    rules = describe_rules(kept, queries.list_steps(session, kept.id))
    own = queries.list_own_ceilings(session, kept.id)
    decree = "施行令のとおり"
    return [
        ("根拠となる規則", kept.source),
        ("サービスの利用の契約の種類", kept.saas_category.label),
        ("消費税の端数", kept.rounding.label),
        *(
            (f"少額の契約の限度額（{each.label}）", _yen(own.get(each), "", decree))
            for each in ContractCategory
        ),
        ("見積合わせ", f"{kept.quotes_at_least}者以上"),
        ("1者の見積でよい金額", _yen(kept.single_quote_up_to, "以下", "定めていない")),
        ("予定価格調書を省略できる金額", _yen(kept.sheet_omitted_up_to, "以下", "省略しない")),
        ("指名競争入札", f"{kept.designated_at_least}者以上を指名"),
        (
            "長期継続契約",
            f"{kept.long_term_max_months}か月まで（{kept.long_term_source}）"
            if kept.long_term_allowed
            else LongTermRule.NONE.label,
        ),
        ("番号の例", "、".join(_example_numbers(rules))),
        ("差出人", rules.letterhead.sender),
        ("担当の部署", kept.department),
        ("所在地・電話番号", f"{kept.address}　{kept.phone}"),
        *(
            (
                f"決裁の経路（{_yen(band.upto_amount, 'まで', '上限なし')}）",
                " → ".join(f"{step.kind.label}：{step.title}" for step in band.steps),
            )
            for band in rules.route
        ),
    ]


def _yen(amount: int | None, after: str, missing: str) -> str:
    return missing if amount is None else f"{format_yen(amount)}{after}"


def _example_numbers(rules: Any) -> list[str]:
    year = 2026
    return [
        f"利用契約依頼書 {write_number(rules, year, 12)}",
        f"見積依頼書 {write_number(rules, year, 12, SERIES['quote'])}",
    ]
