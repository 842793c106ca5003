"""What can be asked about the rules of a body."""

from datetime import date

from sqlalchemy import or_
from sqlmodel import Session, col, select

from accounts.models import BodyKind, Organisation
from procurement.bodies.models import CeilingGroup, ContractCategory, SmallAmountCeiling

_UPPER_GROUP = frozenset({BodyKind.PREFECTURE, BodyKind.DESIGNATED_CITY})


def group_of(organisation: Organisation) -> CeilingGroup:
    """Return the decree's group of a body (地方自治法施行令 別表第五)."""
    if organisation.body_kind in _UPPER_GROUP:
        return CeilingGroup.PREFECTURE_OR_DESIGNATED_CITY
    return CeilingGroup.MUNICIPALITY


def ceiling_for(
    session: Session, organisation: Organisation, category: ContractCategory, day: date
) -> SmallAmountCeiling | None:
    """Return the ceiling in force on a day: the body's own row first, else the decree's.

    None when neither has one for the day; then a small-amount contract has no ground.
    """
    statement = (
        select(SmallAmountCeiling)
        .where(
            SmallAmountCeiling.category == category,
            col(SmallAmountCeiling.valid_from) <= day,
            or_(
                col(SmallAmountCeiling.valid_to).is_(None), col(SmallAmountCeiling.valid_to) >= day
            ),
            or_(
                col(SmallAmountCeiling.organisation_id) == organisation.id,
                col(SmallAmountCeiling.organisation_id).is_(None)
                & (col(SmallAmountCeiling.group) == group_of(organisation)),
            ),
        )
        .order_by(
            col(SmallAmountCeiling.organisation_id).is_(None),
            col(SmallAmountCeiling.valid_from).desc(),
            col(SmallAmountCeiling.id),
        )
        .limit(1)
    )
    return session.exec(statement).first()
