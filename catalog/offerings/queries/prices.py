"""The prices of many listing versions at once."""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import contains_eager, load_only
from sqlmodel import Session, col, select

from catalog.offerings.models import ListingVersion, PriceComponentRow


def load_prices(session: Session, version_ids: Sequence[uuid.UUID]) -> list[ListingVersion]:
    """Return listing versions with nothing but their price components (1 statement)."""
    statement = (
        select(ListingVersion)
        .outerjoin(PriceComponentRow)
        .where(col(ListingVersion.id).in_(version_ids))
        .options(
            contains_eager(ListingVersion.components),  # type: ignore[arg-type]
            load_only(ListingVersion.minimum_term_months, ListingVersion.part_month),  # type: ignore[arg-type]
        )
        .order_by(col(ListingVersion.id), col(PriceComponentRow.position))
    )
    return list(session.exec(statement).unique())
