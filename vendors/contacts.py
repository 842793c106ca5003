"""How a vendor is reached: what its contact must keep once it is registered, and where letters go."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

import accounts.queries
from accounts.models import Role
from core import mail
from core.config import Settings
from core.errors import GuardFailed, Invalid
from vendors import queries
from vendors.models import GbizIdType, Vendor


def is_type_told(session: Session, vendor: Vendor) -> bool:
    """Tell whether GビズID itself has said of which kind the company's account is."""
    return bool(vendor.gbizid_type) and queries.is_proven(session, vendor)


def check(session: Session, vendor: Vendor, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contact as it may be saved; a draft may have blanks, a registered vendor none.

    What GビズID said of the account stays. Raises Invalid, GuardFailed.
    """
    checked, errors = dict(values), {}
    if is_type_told(session, vendor):
        if checked["gbizid_type"] not in ("", vendor.gbizid_type):
            sentence = "GビズIDの種類は、GビズIDで確かめたとおりとし、変更できません。画面を開き直してください。"
            raise GuardFailed([("main", sentence)])
        checked["gbizid_type"] = vendor.gbizid_type
    elif vendor.is_public and checked["gbizid_type"] not in (GbizIdType.PRIME, GbizIdType.MEMBER):
        errors["gbizid_type"] = (
            "登録には、GビズIDのプライムかメンバーが必要です。どちらかを選択してください。"
        )
    if vendor.is_public and not checked["contact_email"]:
        errors["contact_email"] = (
            "連絡先のメールアドレスは空欄にできません。団体とデジタル庁からの連絡を受けるアドレスを入力してください。"
        )
    if errors:
        raise Invalid(errors)
    return checked


def send(
    settings: Settings, session: Session, vendor: Vendor, title: str, *, body: str, key: str
) -> None:
    """Deliver a letter to a vendor: to its contact, or to its administrators while it names none."""
    for address in _addresses(session, vendor):
        mail.deliver(settings, mail.Letter(address, title, body, key))


def _addresses(session: Session, vendor: Vendor) -> list[str]:
    if vendor.contact_email:
        return [vendor.contact_email]
    admins = accounts.queries.list_members(session, vendor.owner_id, Role.VENDOR_ADMIN)
    reached = {each.person.email for each in admins if not each.person.awaits_confirmation}
    return sorted(reached)
