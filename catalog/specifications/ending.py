"""The end of a version, by a lead and for a reason: retired after it counted, withdrawn before."""

from sqlmodel import Session

from accounts.identity import Actor
from accounts.permissions import Permission, require
from catalog.specifications.consultation import services as consultations
from catalog.specifications.models import (
    SpecificationAction,
    SpecificationState,
    SpecificationVersion,
    SpecificationVersionEnd,
)
from core import audit, changes, outbox
from core.db import now
from core.errors import Conflict, NotFound, WrongState

VERSION_ENDED = "specification.ended"


def find_ending(version: SpecificationVersion) -> SpecificationAction:
    """Return the act that ends a version in its state; raises WrongState when it has ended."""
    for action in (SpecificationAction.RETIRE, SpecificationAction.WITHDRAW):
        if version.can_apply(action):
            return action
    raise WrongState(
        f"{version.title}は「{version.state.label}」なので、廃止や取下げはできません。",
        state=version.state.value,
    )


def end_version(
    session: Session, actor: Actor, subject: SpecificationVersion, *, version: int, reason: str
) -> SpecificationVersion:
    """Retire a version that is or was in effect, or withdraw one that is not yet."""
    actor = require(session, actor, Permission.SPECIFICATION_PUBLISH, subject)
    if actor.person_id is None:
        raise NotFound
    if subject.state_at(now(session)) is not subject.state:
        raise Conflict(f"{subject.title}は適用が始まったところです。少し待って開き直してください。")
    was_public = subject.is_published
    if subject.state is SpecificationState.CONSULTATION:
        consultations.tell_of_withdrawal(session, subject)
    action = find_ending(subject)
    subject.apply(action, version)
    session.add(
        SpecificationVersionEnd(
            specification_version_id=subject.id,
            reason=reason,
            ended_by_id=actor.person_id,
            ended_at=now(session),
        )
    )
    audit.record(
        session,
        actor,
        f"specification.{action.value}",
        "SpecificationVersion",
        subject.id,
        reason=reason,
    )
    if was_public:
        operation = changes.Operation.UPSERT if subject.is_published else changes.Operation.DELETE
        changes.append(session, "specification_version", subject.id, operation)
        outbox.publish(session, VERSION_ENDED, {"specification_version_id": subject.id})
    return subject
