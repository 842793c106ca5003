"""What the people of a draft are told when it ends or is about to; a message that is due looks anew."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlmodel import Session

import accounts.queries
from accounts.notices import tell_organisation
from core import mail, outbox
from core.clock import day_in_japan
from core.config import Settings
from core.db import now
from vendors import draft_services, queries

_REPLACED = """{vendor}（法人番号 {number}）の登録の下書きは、終わりました。
理由：{reason}

この会社の方は、GビズIDでサインインすると、新しい登録への参加を頼めます。
{address}

心当たりのないときは、何もする必要はありません。
"""


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handlers of everything that concerns drafts."""

    def send_replaced(session: Session, payload: Mapping[str, Any]) -> None:
        vendor = queries.get_vendor(session, uuid.UUID(payload["vendor_id"]))
        person = accounts.queries.get_person(session, uuid.UUID(payload["person_id"]))
        if vendor is None or person is None or person.awaits_confirmation:
            return  # nobody has shown that letters to that address reach this person
        body = _REPLACED.format(
            vendor=vendor.label,
            number=vendor.corporate_number,
            reason=vendor.end_reason,
            address=mail.link(settings, "/sign-in"),
        )
        title = f"{vendor.label}の登録の下書きが終わりました"
        key = f"{vendor.id}:{person.id}:replaced"
        mail.deliver(settings, mail.Letter(person.email, title, body, key))

    return {
        draft_services.ADDRESS_DUE: _end_unconfirmed,
        draft_services.DRAFT_WATCHED: _look_after,
        draft_services.DRAFT_ENDING: _end_untouched,
        draft_services.DRAFT_REPLACED: send_replaced,
    }


def _end_unconfirmed(session: Session, payload: Mapping[str, Any]) -> None:
    draft_services.end_unconfirmed(
        session, uuid.UUID(payload["vendor_id"]), uuid.UUID(payload["person_id"])
    )


def _look_after(session: Session, payload: Mapping[str, Any]) -> None:
    vendor = draft_services.look_after(session, uuid.UUID(payload["vendor_id"]))
    if vendor is not None:
        last = day_in_japan(now(session) + timedelta(days=draft_services.WARNED_DAYS))
        title = (
            "登録の下書きに変更がないため、まもなく終わります。続けるときは、開いて保存してください"
        )
        path = f"/vendors/{vendor.id}/file"
        tell_organisation(session, vendor.owner_id, "vendor.draft_ending", title, path, due_on=last)


def _end_untouched(session: Session, payload: Mapping[str, Any]) -> None:
    vendor_id = uuid.UUID(payload["vendor_id"])
    vendor = draft_services.end_untouched(session, vendor_id, payload["version"])
    if vendor is not None:
        title = "登録の下書きが終わりました"
        path = f"/vendors/{vendor.id}/file"
        tell_organisation(session, vendor.owner_id, "vendor.draft_ended", title, path)
