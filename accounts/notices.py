"""What organisations and people are told by the outbox: on the front page, and by mail.

A letter names what happened and the page that says more. It quotes nothing: whoever opens the page
is shown what they may see at that moment.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlmodel import Session

from accounts import queries
from accounts.models import Membership, OrganisationNotice, Role
from core import mail, outbox
from core.config import Settings
from core.db import now
from core.japanese import format_date

ORGANISATION_TOLD = "organisation.told"
PERSON_TOLD = "person.told"
_LONGEST_TITLE = 300
_LETTER = """{organisation}
{person} 様

{title}
{due}
次のページで確かめてください。開くには、サインインが要ることがあります。
{address}

このメールは、{organisation}の{role}の方に、自動で送っています。
"""


def tell_organisation(
    session: Session,
    organisation_id: uuid.UUID,
    kind: str,
    title: str,
    path: str,
    *,
    due_on: date | None = None,
    roles: Collection[Role] = (),
) -> None:
    """Send a message to an organisation with this transaction; `roles` limits who gets it by mail."""
    payload = {"organisation_id": organisation_id, **_say(kind, title, path, due_on, roles)}
    outbox.publish(session, ORGANISATION_TOLD, payload)


def tell_once(
    session: Session,
    organisation_id: uuid.UUID,
    kind: str,
    title: str,
    path: str,
    *,
    due_on: date,
    roles: Collection[Role] = (),
) -> None:
    """Tell an organisation at once, unless it was told this about this day already."""
    if not queries.has_notice(session, organisation_id, kind, due_on):
        said = _say(kind, title, path, due_on, roles)
        tell_members(
            session, {"organisation_id": str(organisation_id), **said, "act": str(said["act"])}
        )


def tell_people(
    session: Session,
    person_ids: Collection[uuid.UUID],
    roles: Collection[Role],
    *,
    kind: str,
    title: str,
    path: str,
    due_on: date | None = None,
) -> None:
    """Send a letter to each person with this transaction, unless all these roles are gone by then."""
    said = _say(kind, title, path, due_on, roles)
    for each in sorted(set(person_ids), key=str):
        outbox.publish(session, PERSON_TOLD, {"person_id": each, **said})


def _say(
    kind: str, title: str, path: str, due_on: date | None, roles: Collection[Role]
) -> dict[str, Any]:
    """Describe one act; its own id makes every further delivery of a letter the same letter."""
    return {
        "act": uuid.uuid4(),
        "kind": kind,
        "title": title,
        "path": path,
        "due_on": due_on.isoformat() if due_on else None,
        "roles": sorted(each.value for each in roles),
    }


def tell_members(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `organisation.told`: keep it for the front page, and leave a letter for each member."""
    keep_notice(session, payload)
    organisation_id = uuid.UUID(payload["organisation_id"])
    roles = [Role(each) for each in payload.get("roles", ())]
    members = queries.list_members(session, organisation_id, *roles)
    for person_id in dict.fromkeys(each.person_id for each in members):
        outbox.publish(session, PERSON_TOLD, {**payload, "person_id": person_id})


def keep_notice(session: Session, payload: Mapping[str, Any]) -> None:
    """Put a message on the front page of the organisation."""
    due_on = payload.get("due_on")
    session.add(
        OrganisationNotice(
            organisation_id=uuid.UUID(payload["organisation_id"]),
            kind=payload["kind"],
            title=payload["title"][:_LONGEST_TITLE],
            path=payload["path"],
            due_on=date.fromisoformat(due_on) if due_on else None,
            told_at=now(session),
        )
    )


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handlers; a letter goes only to whoever still is what made it theirs."""

    def send_letter(session: Session, payload: Mapping[str, Any]) -> None:
        person = queries.get_person(session, uuid.UUID(payload["person_id"]))
        membership = _find_ground(session, payload)
        if person is None or membership is None:
            return
        body = _LETTER.format(
            organisation=membership.organisation.label,
            person=person.name,
            role=membership.role.label,
            title=payload["title"],
            due=_word_due(payload.get("due_on")),
            address=mail.link(settings, payload["path"]),
        )
        letter = mail.Letter(person.email, payload["title"], body, f"{payload['act']}:{person.id}")
        mail.deliver(settings, letter)

    return {ORGANISATION_TOLD: tell_members, PERSON_TOLD: send_letter}


def _find_ground(session: Session, payload: Mapping[str, Any]) -> Membership | None:
    """Return the membership of this moment because of which a person is told, None without one."""
    organisation_id, roles = payload.get("organisation_id"), payload.get("roles")
    for each in queries.list_live_memberships(session, uuid.UUID(payload["person_id"])):
        is_there = organisation_id is None or str(each.organisation_id) == organisation_id
        if is_there and (not roles or each.role.value in roles):
            return each
    return None


def _word_due(due_on: str | None) -> str:
    return f"期限：{format_date(date.fromisoformat(due_on))}\n" if due_on else ""
