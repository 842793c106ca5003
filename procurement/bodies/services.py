"""Acts on a body's rules: propose, confirm as another approver, withdraw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from accounts import queries as people
from accounts.identity import Actor
from accounts.models import Organisation, OrganisationKind
from accounts.permissions import Permission, require
from core import audit
from core.clock import day_in_japan
from core.db import now
from core.errors import Forbidden, GuardFailed, Invalid, NotFound
from core.japanese import format_date, format_yen
from procurement.bodies import queries
from procurement.bodies.models import (
    ApprovalStep,
    BodyRuleSet,
    ContractCategory,
    RulesAction,
    SmallAmountCeiling,
    StepKind,
)
from procurement.bodies.numbering import refuse_pattern

CEILING_FIELDS = {
    ContractCategory.SERVICES: "ceiling_services",
    ContractCategory.LEASE: "ceiling_lease",
}
_P = Permission


@dataclass(frozen=True, slots=True)
class RouteBand:
    """Who sets a seal up to an amount (yen with tax; None is without limit), besides the preparer."""

    upto_amount: int | None
    examiners: tuple[str, ...]
    joiners: tuple[str, ...]
    decider: str

    def steps(self) -> list[tuple[StepKind, str]]:
        """Return the boxes in their order, the preparer's first."""
        return [
            (StepKind.PREPARE, "担当者"),
            *((StepKind.EXAMINE, title) for title in self.examiners),
            *((StepKind.JOIN, title) for title in self.joiners),
            (StepKind.DECIDE, self.decider),
        ]


def propose_rules(
    session: Session,
    actor: Actor,
    *,
    ceilings: Mapping[ContractCategory, int | None],
    bands: Sequence[RouteBand],
    **values: Any,
) -> BodyRuleSet:
    """Propose rules of the acting body from a day on; another approver has to confirm them.

    Raises Invalid for a day that has passed, a ceiling above the decree's, a pattern that numbers
    nothing, and long terms without the ordinance that allows them.
    """
    body = (
        people.get_organisation(session, actor.organisation_id) if actor.organisation_id else None
    )
    if body is None or body.kind is not OrganisationKind.BODY or actor.person_id is None:
        raise NotFound
    made = BodyRuleSet(organisation_id=body.id, proposed_by_id=actor.person_id, **values)
    actor = require(session, actor, _P.BODY_RULES_PROPOSE, made)
    if errors := _find_errors(session, body, made, ceilings):
        raise Invalid(errors)
    session.add(made)
    session.flush()
    for band, each in enumerate(bands):
        for position, (kind, title) in enumerate(each.steps()):
            session.add(
                ApprovalStep(
                    body_rules_id=made.id,
                    band=band,
                    position=position,
                    upto_amount=each.upto_amount,
                    kind=kind,
                    title=title,
                )
            )
    for category, amount in ceilings.items():
        if amount is not None:
            session.add(
                SmallAmountCeiling(
                    organisation_id=body.id,
                    body_rules_id=made.id,
                    category=category,
                    amount=amount,
                    valid_from=made.valid_from,
                    source=made.source,
                )
            )
    session.flush()
    _record(session, actor, made, "body_rules.propose")
    return made


def confirm_rules(
    session: Session, actor: Actor, rules: BodyRuleSet, *, version: int
) -> BodyRuleSet:
    """Confirm proposed rules as another person; they count from their day on, never from the past.

    A day that passed while they waited becomes today. Every check of the proposal is made again.
    """
    locked, actor = _begin(session, actor, rules, _P.BODY_RULES_CONFIRM)
    locked.expect(RulesAction.CONFIRM)
    if actor.person_id == locked.proposed_by_id:
        raise Forbidden("規則の案を作った人は確定できません。別の決裁者に頼んでください。")
    today = day_in_japan(now(session))
    first = max(locked.valid_from, today)
    body = people.get_organisation(session, locked.organisation_id)
    if body is None:
        raise NotFound
    ceilings = queries.list_own_ceilings(session, locked.id)
    errors = _find_errors(session, body, locked, ceilings, first=first)
    if errors:
        raise GuardFailed([("main", sentence) for sentence in errors.values()])
    decided = {"confirmed_by_id": actor.person_id, "confirmed_at": now(session)}
    locked.apply(RulesAction.CONFIRM, version, valid_from=first, **decided)
    _record(session, actor, locked, "body_rules.confirm")
    return locked


def withdraw_rules(
    session: Session, actor: Actor, rules: BodyRuleSet, *, version: int, reason: str
) -> BodyRuleSet:
    """Take proposed rules back, or refuse them, with the reason."""
    locked, actor = _begin(session, actor, rules, _P.BODY_RULES_PROPOSE)
    who = {"withdrawn_by_id": actor.person_id, "withdrawal_reason": reason}
    locked.apply(RulesAction.WITHDRAW, version, **who)
    _record(session, actor, locked, "body_rules.withdraw", reason=reason)
    return locked


def _begin(
    session: Session, actor: Actor, rules: BodyRuleSet, permission: Permission
) -> tuple[BodyRuleSet, Actor]:
    locked = queries.get_rules(session, rules.id, for_update=True)
    if locked is None:
        raise NotFound
    return locked, require(session, actor, permission, locked)


def _find_errors(
    session: Session,
    body: Organisation,
    rules: BodyRuleSet,
    ceilings: Mapping[ContractCategory, int | None],
    *,
    first: date | None = None,
) -> dict[str, str]:
    day, today = first or rules.valid_from, day_in_japan(now(session))
    errors: dict[str, str] = {}
    if day < today:
        errors["valid_from"] = (
            f"有効になる日は、今日（{format_date(today)}）以後の日付にしてください。"
        )
    newest = queries.newest_confirmed(session, body.id)
    if newest is not None and day <= newest.valid_from:
        errors["valid_from"] = (
            f"{format_date(newest.valid_from)}から有効な規則が確定しています。"
            f"{format_date(newest.valid_from + timedelta(days=1))}以後の日付にしてください。"
        )
    for category, amount in ceilings.items():
        decree = queries.decree_ceiling(session, body, category, max(day, today))
        limit = decree.amount if decree else 0
        if amount is not None and amount > limit:
            errors[CEILING_FIELDS[category]] = (
                f"{category.label}の限度額は、施行令の{format_yen(limit)}以下で入力してください。"
            )
    if sentence := refuse_pattern(rules.number_pattern):
        errors["number_pattern"] = sentence
    if rules.long_term_allowed:
        if rules.long_term_max_months is None:
            errors["long_term_max_months"] = "長期継続契約の上限の月数を入力してください。"
        if not rules.long_term_source:
            errors["long_term_source"] = "長期継続契約を定めた条例の名称と条を入力してください。"
    return errors


def _record(
    session: Session, actor: audit.Acting, rules: BodyRuleSet, action: str, **detail: Any
) -> None:
    kept = rules.model_dump(mode="json", exclude={"id", "created_at", "updated_at", "version"})
    route = [
        [step.band, step.upto_amount, step.kind.value, step.title]
        for step in queries.list_steps(session, rules.id)
    ]
    ceilings = {
        category.value: amount
        for category, amount in queries.list_own_ceilings(session, rules.id).items()
    }
    audit.record(
        session,
        actor,
        action,
        "BodyRuleSet",
        rules.id,
        owner_id=rules.organisation_id,
        rules={**kept, "route": route, "ceilings": ceilings},
        **detail,
    )
