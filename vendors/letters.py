"""Letters to vendors, sent by the outbox."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

import accounts.queries
from core import mail, outbox
from core.config import Settings
from core.db import now
from core.japanese import format_datetime
from vendors import queries
from vendors.member_services import INVITED, invitation_token

_INVITATION = """{inviter}さんが、{vendor}の{role}としてあなたを招待しました。

次のページを開いて、参加してください。このリンクは一度だけ使えます。
{address}

期限：{until}まで

心当たりのないときは、このメールを捨ててください。何も起こりません。
"""


def make_handlers(settings: Settings) -> Mapping[str, outbox.Handler]:
    """Return the handlers of the messages that end in a letter."""

    def send_invitation(session: Session, payload: Mapping[str, Any]) -> None:
        invitation_id = uuid.UUID(payload["invitation_id"])
        invitation = queries.get_invitation(session, invitation_id)
        if invitation is None or not invitation.is_open(now(session)):
            return
        vendor = queries.get_vendor(session, invitation.vendor_id)
        inviter = accounts.queries.get_person(session, invitation.invited_by_id)
        path = f"/invitations/{invitation_token(settings, invitation.id)}"
        body = _INVITATION.format(
            inviter=inviter.name if inviter else "管理者",
            vendor=vendor.label if vendor else "",
            role=invitation.role.label,
            address=mail.link(settings, path),
            until=format_datetime(invitation.expires_at),
        )
        subject = f"{vendor.label if vendor else '事業者'}への招待"
        mail.deliver(settings, mail.Letter(invitation.email, subject, body, str(invitation.id)))

    return {INVITED: send_invitation}
