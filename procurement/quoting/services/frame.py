"""What every act on a quote round shares: its lock, its trail and whom it tells."""

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from sqlmodel import Session

from accounts.models import Role
from accounts.notices import tell_organisation
from core import audit
from core.clock import JST, day_in_japan
from core.errors import NotFound
from procurement.quoting import queries
from procurement.quoting.models import Quote, QuoteInvitation, QuoteRound

CLOSING_HOUR = time(17, 0)
_KIND = "quote_request"


def hold_round(session: Session, round_id: uuid.UUID, *, lock: str = "update") -> QuoteRound:
    """Return a round, held until the commit; whoever hands in a quote shares it, others own it."""
    found = queries.get_round(session, round_id, lock=lock)
    if found is None:
        raise NotFound
    return found


def closing_of(day: date) -> datetime:
    """Return the moment at which a day's deadline falls, 17:00 Japanese time."""
    return datetime.combine(day, CLOSING_HOUR, tzinfo=JST).astimezone(UTC)


def record(
    session: Session, actor: audit.Acting, round_: QuoteRound, action: str, **detail: Any
) -> None:
    """Write an act of the body to the trail of its case."""
    audit.record(
        session,
        actor,
        action,
        "QuoteRound",
        round_.id,
        owner_id=round_.owner_id,
        case_id=round_.project_id,
        **detail,
    )


def record_apart(
    session: Session,
    actor: audit.Acting,
    action: str,
    subject: QuoteInvitation | Quote,
    **detail: Any,
) -> None:
    """Write an act of a vendor to its own trail, not to the case, whose trail the body reads.

    The opening writes the receipts of all into the case; before, not even their number is told.
    """
    kind = type(subject).__name__
    owner_id = subject.owner_id if isinstance(subject, Quote) else subject.addressee_id
    audit.record(session, actor, action, kind, subject.id, owner_id=owner_id, **detail)


def tell_invited(
    session: Session, invitations: Iterable[QuoteInvitation], title: str, due_at: datetime | None
) -> None:
    """Tell everybody who is asked the same words at the same time, each for itself."""
    for each in invitations:
        if each.declined_at is None:
            tell_organisation(
                session,
                each.addressee_id,
                _KIND,
                title,
                f"/quote-requests/{each.id}",
                due_on=day_in_japan(due_at) if due_at else None,
                roles=(Role.VENDOR_ADMIN, Role.VENDOR_MEMBER),
            )
