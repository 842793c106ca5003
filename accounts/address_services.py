"""Whether letters to an address reach the person who claims it: ask by mail, confirm, let go."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import Session

from accounts import queries
from accounts.identity import Actor
from accounts.models import Person
from accounts.permissions import Permission, require
from accounts.throttling import Limit, count_try
from core import audit, mail, outbox
from core.config import Settings
from core.db import now
from core.errors import Conflict, GuardFailed, NotFound, TooMany
from core.japanese import format_datetime

ADDRESS_ASKED = "account.address_asked"
LINK_HOURS = 72
CONFIRM_DAYS = 7
_RESENDING = Limit("address", most=5, hours=24)
_LETTER = """このメールアドレスで、{name}さんのアカウントが作られました。

次のページをサインインして開き、メールアドレスを確かめてください。確かめるまで、事業者の登録は提出できません。
{address}

リンクの期限：{until}まで
期限を過ぎたときは、登録の画面から送り直せます。{days}日のうちに確かめないと、アカウントと登録の下書きは消えます。

心当たりのないときは、リンクを開かずに、このメールを捨ててください。
"""


@dataclass(frozen=True, slots=True)
class _Link:
    """What a link says: whose account, the hash of which address, and until when it works."""

    person_id: uuid.UUID
    email_hash: str
    until: datetime


def ask(session: Session, person: Person) -> None:
    """Have a letter sent by whose link the address is confirmed; until then it is only claimed."""
    person.awaits_confirmation = True
    outbox.publish(session, ADDRESS_ASKED, {"person_id": person.id, "act": uuid.uuid4()})


def ask_again(session: Session, settings: Settings, actor: Actor) -> None:
    """Send the letter once more, at most a few times a day. Raises Conflict, TooMany."""
    require(session, actor, Permission.ACCOUNT_CHANGE)
    person = _lock(session, actor.person_id)
    if not person.awaits_confirmation:
        raise Conflict("メールアドレスは、もう確かめられています。")
    if count_try(session, settings, _RESENDING, str(person.id)):
        raise TooMany(
            f"確認のメールは、1日に{_RESENDING.most}回まで送れます。迷惑メールの置き場も確かめ、"
            "時間をおいてからやり直してください。"
        )
    ask(session, person)


def confirm(session: Session, settings: Settings, actor: Actor, token: str) -> None:
    """Confirm the address by the link of the letter; only its own person, signed in, can do it.

    A second time changes nothing. Raises NotFound for another's link, GuardFailed for an old one.
    """
    require(session, actor, Permission.ACCOUNT_CHANGE)
    link = _read(settings, token)
    person = _lock(session, actor.person_id)
    if link is None or (link.person_id, link.email_hash) != (person.id, _hash(person.email)):
        raise NotFound(
            "このリンクは、いまサインインしている方のものではないか、正しくありません。"
            "メールの届いたアドレスの方でサインインして、もう一度開いてください。"
        )
    if not person.awaits_confirmation:
        return
    if link.until <= now(session):
        sentence = (
            "リンクの期限が過ぎています。確認のメールを送り直して、新しいリンクを開いてください。"
        )
        raise GuardFailed([("main", sentence)])
    settle(session, person, "letter")


def settle(session: Session, person: Person, ground: str) -> None:
    """Note that the address is the person's: by a letter that reached it, or a provider's word."""
    if person.awaits_confirmation:
        person.revise(awaits_confirmation=False)
        who = audit.System(person_id=person.id)
        audit.record(session, who, "account.confirm_address", "Person", person.id, ground=ground)


def release(session: Session, email: str) -> bool:
    """Take an address from whoever only claims it; False when it is somebody's indeed.

    The account loses password, sessions and roles with it: nobody was ever behind it for sure.
    """
    person = queries.find_person_by_email(session, email, for_update=True)
    if person is None:
        return True
    if not person.awaits_confirmation:
        return False
    for row in queries.list_sign_ins(session, person.id):
        row.revise(revoked_at=now(session))
    for membership in queries.list_live_memberships(session, person.id):
        membership.revise(ended_at=now(session))
    person.revise(email=f"{person.id}@released.invalid", password_hash="")
    audit.record(session, audit.SYSTEM, "account.release_address", "Person", person.id)
    return True


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handler of the letter; the secret of its link is made only here."""

    def send_link(session: Session, payload: Mapping[str, Any]) -> None:
        person = queries.get_person(session, uuid.UUID(payload["person_id"]))
        if person is None or not person.awaits_confirmation:
            return
        until = now(session) + timedelta(hours=LINK_HOURS)
        token = make_token(settings, person, until)
        body = _LETTER.format(
            name=person.name,
            address=mail.link(settings, f"/account/address/{token}"),
            until=format_datetime(until),
            days=CONFIRM_DAYS,
        )
        title = "メールアドレスの確認のお願い"
        mail.deliver(settings, mail.Letter(person.email, title, body, str(payload["act"])))

    return {ADDRESS_ASKED: send_link}


def make_token(settings: Settings, person: Person, until: datetime) -> str:
    """Return the secret of a link: signed, never kept."""
    told = [person.id.hex, _hash(person.email), int(until.timestamp())]
    return str(_serializer(settings).dumps(told))


def _read(settings: Settings, token: str) -> _Link | None:
    try:
        person_id, email_hash, until = _serializer(settings).loads(token)
    except BadData:
        return None
    return _Link(uuid.UUID(person_id), email_hash, datetime.fromtimestamp(until, UTC))


def _hash(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()[:32]


def _serializer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(settings.effective_secret_key, salt="narabi.address")


def _lock(session: Session, person_id: uuid.UUID | None) -> Person:
    person = queries.lock_person(session, person_id) if person_id else None
    if person is None:
        raise NotFound
    return person
