"""What the permission table may ask of a subject, seen from who acts."""

from collections.abc import Callable
from typing import cast

from accounts.identity import Actor
from accounts.subjects import (
    Addressed,
    Assigned,
    Cleared,
    Ending,
    Kin,
    Named,
    Opened,
    Owned,
    Personal,
)

Predicate = Callable[[Actor, object], bool]


def anywhere(_actor: Actor, _subject: object) -> bool:
    """Everyone with the role."""
    return True


def own(actor: Actor, subject: object) -> bool:
    """The acting organisation owns the subject."""
    return cast("Owned", subject).owner_id == actor.organisation_id


def personal(actor: Actor, subject: object) -> bool:
    """The subject is the person's own, kept while acting for the same organisation."""
    kept = cast("Personal", subject)
    return (kept.person_id, kept.organisation_id) == (actor.person_id, actor.organisation_id)


def independent(actor: Actor, subject: object) -> bool:
    """The person belongs to no organisation that owns the subject."""
    return cast("Owned", subject).owner_id not in actor.organisation_ids


def assigned(actor: Actor, subject: object) -> bool:
    """The subject is assigned to the person, who is independent of its owner."""
    return actor.person_id in cast("Assigned", subject).assigned_ids and independent(actor, subject)


def cleared(actor: Actor, subject: object) -> bool:
    """The subject is assigned to the person, who declared no conflict and is independent of its owner."""
    is_cleared = actor.person_id in cast("Cleared", subject).cleared_ids
    return is_cleared and independent_unrecused(actor, subject)


def unrecused(actor: Actor, subject: object) -> bool:
    """The person declared no conflict of interests on anything of the subject's family."""
    return cast("Kin", subject).family_id not in actor.recused_from


def independent_unrecused(actor: Actor, subject: object) -> bool:
    """The person is independent of the owner and declared no conflict on the family."""
    return independent(actor, subject) and unrecused(actor, subject)


def unbiased(actor: Actor, subject: object) -> bool:
    """The person is independent, declared no conflict on the family, and owes no declaration."""
    seen = cast("Cleared", subject)
    owes = actor.person_id in seen.assigned_ids - seen.cleared_ids
    return not owes and independent_unrecused(actor, subject)


def sent_here(actor: Actor, subject: object) -> bool:
    """The subject was sent to the acting organisation."""
    addressed = cast("Addressed", subject)
    return addressed.is_sent and addressed.addressee_id == actor.organisation_id


def own_unsent(actor: Actor, subject: object) -> bool:
    """The acting organisation owns the subject, which has not left it yet."""
    return own(actor, subject) and not cast("Addressed", subject).is_sent


def own_sent(actor: Actor, subject: object) -> bool:
    """The acting organisation owns the subject, which another organisation has received."""
    return own(actor, subject) and cast("Addressed", subject).is_sent


def named(actor: Actor, subject: object) -> bool:
    """The acting organisation owns the subject, and has named the person as one who reads it."""
    return own(actor, subject) and actor.person_id in cast("Named", subject).reader_ids


def ended(_actor: Actor, subject: object) -> bool:
    """The case of the subject is over."""
    return cast("Ending", subject).is_ended


def opened_own(actor: Actor, subject: object) -> bool:
    """The acting organisation owns the subject, which two of its people have opened."""
    return own(actor, subject) and cast("Opened", subject).is_opened


def opened_ended(_actor: Actor, subject: object) -> bool:
    """The subject was opened, and its case is over."""
    seen = cast("Opened", subject)
    return seen.is_opened and seen.is_ended
