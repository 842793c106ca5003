"""What can be asked about the rules of a body."""

import uuid
from datetime import date

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import joinedload
from sqlmodel import Session, col, select

from accounts.models import BodyKind, Organisation
from procurement.bodies.models import (
    ApprovalStep,
    BodyRuleSet,
    CeilingGroup,
    ContractCategory,
    RulesState,
    SmallAmountCeiling,
)
from procurement.bodies.rules import DECREE, BodyRules, describe_rules

_MOST_RULES = 100
_UPPER_GROUP = frozenset({BodyKind.PREFECTURE, BodyKind.DESIGNATED_CITY})


def group_of(organisation: Organisation) -> CeilingGroup:
    """Return the decree's group of a body (地方自治法施行令 別表第五)."""
    if organisation.body_kind in _UPPER_GROUP:
        return CeilingGroup.PREFECTURE_OR_DESIGNATED_CITY
    return CeilingGroup.MUNICIPALITY


def rules_for(session: Session, body: Organisation, day: date) -> BodyRules:
    """Return the rules of a body on a day: its newest confirmed ones, or those of the decree."""
    kept = rules_in_force(session, body.id, day)
    return DECREE if kept is None else describe_rules(kept, list_steps(session, kept.id))


def limits_for(session: Session, body: Organisation, day: date) -> BodyRules:
    """Return the same without the route, in one statement, for acts that ask for no seals."""
    kept = rules_in_force(session, body.id, day)
    return DECREE if kept is None else describe_rules(kept, [])


def rules_in_force(session: Session, body_id: uuid.UUID, day: date) -> BodyRuleSet | None:
    """Return the confirmed rules with the newest first day up to a day."""
    statement = (
        select(BodyRuleSet)
        .where(
            BodyRuleSet.organisation_id == body_id,
            BodyRuleSet.state == RulesState.CONFIRMED,
            col(BodyRuleSet.valid_from) <= day,
        )
        .order_by(col(BodyRuleSet.valid_from).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def get_rules(
    session: Session, rules_id: uuid.UUID, *, for_update: bool = False
) -> BodyRuleSet | None:
    """Return rules by their id, locked for the rest of the act when asked."""
    statement = select(BodyRuleSet).where(BodyRuleSet.id == rules_id)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.exec(statement).first()


def list_rules(session: Session, body_id: uuid.UUID | None) -> list[BodyRuleSet]:
    """Return what a body (for None: any body) ever proposed, the newest first (at most 100)."""
    statement = (
        select(BodyRuleSet)
        .options(joinedload(BodyRuleSet.body, innerjoin=True))  # type: ignore[arg-type]
        .order_by(col(BodyRuleSet.valid_from).desc(), col(BodyRuleSet.created_at).desc())
        .limit(_MOST_RULES)
    )
    if body_id is not None:
        statement = statement.where(BodyRuleSet.organisation_id == body_id)
    return list(session.exec(statement))


def list_steps(session: Session, rules_id: uuid.UUID) -> list[ApprovalStep]:
    """Return the boxes of the route, from the lowest amounts up."""
    statement = (
        select(ApprovalStep)
        .where(ApprovalStep.body_rules_id == rules_id)
        .order_by(col(ApprovalStep.band), col(ApprovalStep.position))
    )
    return list(session.exec(statement))


def list_own_ceilings(session: Session, rules_id: uuid.UUID) -> dict[ContractCategory, int]:
    """Return the ceilings that belong to rules."""
    statement = select(SmallAmountCeiling).where(SmallAmountCeiling.body_rules_id == rules_id)
    return {each.category: each.amount for each in session.exec(statement)}


def decree_ceiling(
    session: Session, organisation: Organisation, category: ContractCategory, day: date
) -> SmallAmountCeiling | None:
    """Return the decree's ceiling of a day for the group of the body."""
    statement = (
        select(SmallAmountCeiling)
        .where(SmallAmountCeiling.category == category, *_of_decree(organisation, day))
        .order_by(col(SmallAmountCeiling.valid_from).desc(), col(SmallAmountCeiling.id))
        .limit(1)
    )
    return session.exec(statement).first()


def ceiling_for(
    session: Session, organisation: Organisation, category: ContractCategory, day: date
) -> SmallAmountCeiling | None:
    """Return the ceiling in force on a day: the body's own row, never above the decree's of that day.

    None when the decree has none for the day; then a small-amount contract has no ground.
    """
    newest = (
        select(BodyRuleSet.id)
        .where(
            BodyRuleSet.organisation_id == organisation.id,
            BodyRuleSet.state == RulesState.CONFIRMED,
            col(BodyRuleSet.valid_from) <= day,
        )
        .order_by(col(BodyRuleSet.valid_from).desc())
        .limit(1)
        .scalar_subquery()
    )
    own = col(SmallAmountCeiling.body_rules_id) == newest
    statement = (
        select(SmallAmountCeiling)
        .where(
            SmallAmountCeiling.category == category,
            or_(own, and_(*_of_decree(organisation, day))),
        )
        .order_by(col(SmallAmountCeiling.valid_from).desc(), col(SmallAmountCeiling.id))
    )
    found = session.exec(statement).all()
    decree = next((each for each in found if each.body_rules_id is None), None)
    lowered = next((each for each in found if each.body_rules_id is not None), None)
    if decree is None or lowered is None or lowered.amount > decree.amount:
        return decree
    return lowered


def _of_decree(organisation: Organisation, day: date) -> list[ColumnElement[bool]]:
    return [
        col(SmallAmountCeiling.organisation_id).is_(None),
        col(SmallAmountCeiling.group) == group_of(organisation),
        col(SmallAmountCeiling.valid_from) <= day,
        or_(col(SmallAmountCeiling.valid_to).is_(None), col(SmallAmountCeiling.valid_to) >= day),
    ]


def newest_confirmed(session: Session, body_id: uuid.UUID) -> BodyRuleSet | None:
    """Return the confirmed rules with the latest first day, also one that lies ahead."""
    statement = (
        select(BodyRuleSet)
        .where(BodyRuleSet.organisation_id == body_id, BodyRuleSet.state == RulesState.CONFIRMED)
        .order_by(col(BodyRuleSet.valid_from).desc())
        .limit(1)
    )
    return session.exec(statement).first()
