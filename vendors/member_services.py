"""Acts on the members of a vendor: invite, take back, accept, change a role, end a membership.

Whoever acts on members holds the lock on the vendor, so that the last administrator cannot vanish
between two of them.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlmodel import Session

import accounts.queries
import accounts.services
from accounts import address_services
from accounts.identity import Actor
from accounts.models import Membership, Organisation, Person, Role
from accounts.permissions import Permission, require
from core import audit, outbox
from core.config import Settings
from core.db import now
from core.errors import Forbidden, GuardFailed, Invalid, NotFound
from vendors import queries
from vendors.member_models import Invitation
from vendors.models import LIVE_STATES, Vendor

INVITED = "vendor.member_invited"
INVITATION_DAYS = 7
MOST_OPEN_INVITATIONS = 50
VENDOR_ROLES = (Role.VENDOR_MEMBER, Role.VENDOR_ADMIN)


def invitation_token(settings: Settings, invitation_id: uuid.UUID) -> str:
    """Return the secret of an invitation's link: neither the table nor the outbox ever holds it."""
    key = settings.effective_secret_key.encode()
    return hmac.new(key, f"invitation:{invitation_id}".encode(), hashlib.sha256).hexdigest()


def invite(
    session: Session,
    actor: Actor,
    settings: Settings,
    vendor: Vendor,
    *,
    email: str,
    role: Role,
) -> Invitation:
    """Send an address a link to join the vendor; an open invitation to it is replaced.

    The vendor must have been locked by the caller. Raises Invalid for a member's address.
    """
    require(session, actor, Permission.VENDOR_MANAGE_MEMBERS, vendor)
    _require_live(vendor)
    if actor.person_id is None:
        raise Forbidden("招待できるのは、事業者の管理者だけです。")
    inviter = accounts.queries.get_person(session, actor.person_id)
    if inviter is not None and inviter.awaits_confirmation:
        raise Invalid(
            {
                "email": "招待するには、先に、あなたのメールアドレスを確かめてください。届いた確認のメールのリンクを開きます。"
            }
        )
    members = accounts.queries.list_members(session, vendor.owner_id)
    if any(member.person.email == email for member in members):
        raise Invalid({"email": "この方は、すでにこの会社のメンバーです。役割は一覧から変えます。"})
    waiting = queries.list_open_invitations(session, vendor.id)
    if len(waiting) >= MOST_OPEN_INVITATIONS:
        raise Invalid({"email": "返事を待つ招待が多すぎます。要らない招待を取り消してください。"})
    for earlier in waiting:
        if earlier.email == email:
            earlier.revise(revoked_at=now(session))
    invitation_id = uuid.uuid4()
    invitation = Invitation(
        id=invitation_id,
        vendor_id=vendor.id,
        email=email,
        role=role,
        token_hash=accounts.services.hash_token(invitation_token(settings, invitation_id)),
        invited_by_id=actor.person_id,
        expires_at=now(session) + timedelta(days=INVITATION_DAYS),
    )
    session.add(invitation)
    session.flush()
    outbox.publish(session, INVITED, {"invitation_id": invitation.id})
    _record(session, actor, vendor, "vendor.invite", invitation_id=invitation.id, role=role.value)
    return invitation


def revoke_invitation(
    session: Session, actor: Actor, vendor: Vendor, invitation_id: uuid.UUID
) -> None:
    """Take an invitation back: its link stops working at once."""
    require(session, actor, Permission.VENDOR_MANAGE_MEMBERS, vendor)
    invitation = queries.get_invitation(session, invitation_id)
    if invitation is None or invitation.vendor_id != vendor.id:
        raise NotFound
    if not invitation.is_open(now(session)):
        raise GuardFailed([("main", "この招待は、すでに使われたか終わっています。")])
    invitation.revise(revoked_at=now(session))
    _record(session, actor, vendor, "vendor.revoke_invitation", invitation_id=invitation.id)


def accept(
    session: Session,
    actor: Actor,
    token: str,
    make_person: Callable[[Invitation], Person],
) -> Person:
    """Join a vendor by the link; it works once. Raises NotFound for a link that does not work.

    `make_person` returns the person who joins: the one signed in, or a new account.
    """
    require(session, actor, Permission.INVITATION_ACCEPT)
    invitation, vendor = open_invitation(session, token, for_change=True)
    person = make_person(invitation)
    if person.email != invitation.email:
        raise Forbidden(
            "この招待は、ほかのメールアドレスに送られたものです。そのアドレスで開いてください。"
        )
    address_services.settle(session, person, "invitation")
    home = accounts.queries.get_organisation(session, vendor.owner_id)
    if home is None:
        raise NotFound
    if not _memberships_of(session, vendor, person.id):
        accounts.services.add_membership(session, person, home, invitation.role)
    invitation.revise(accepted_at=now(session), accepted_by_id=person.id)
    who = audit.System(person_id=person.id, organisation_id=home.id)
    _record(session, who, vendor, "vendor.join", invitation_id=invitation.id, person_id=person.id)
    return person


def open_invitation(
    session: Session, token: str, *, for_change: bool = False
) -> tuple[Invitation, Vendor]:
    """Return the invitation of a link and its vendor; raises NotFound when the link does not work."""
    refusal = NotFound(
        "この招待のリンクは使えません。期限が過ぎたか、取り消されたか、すでに使われています。"
        "招待した方に、もう一度送るように頼んでください。"
    )
    invitation = queries.find_invitation(session, accounts.services.hash_token(token))
    if invitation is None:
        raise refusal
    lock = queries.lock_vendor if for_change else queries.get_vendor
    vendor = lock(session, invitation.vendor_id)
    fresh = queries.get_invitation(session, invitation.id) if for_change else invitation
    if vendor is None or fresh is None or not fresh.is_open(now(session)):
        raise refusal
    if vendor.state not in LIVE_STATES:
        raise refusal
    return fresh, vendor


def new_person(session: Session, *, name: str, password: str) -> Callable[[Invitation], Person]:
    """Make the account of whoever joins, for the address to which the link was sent."""

    def make(invitation: Invitation) -> Person:
        return accounts.services.create_person(
            session, email=invitation.email, name=name, password=password
        )

    return make


def signed_in_person(session: Session, actor: Actor) -> Callable[[Invitation], Person]:
    """Let the person who is signed in join."""

    def find(_invitation: Invitation) -> Person:
        person = accounts.queries.get_person(session, actor.person_id) if actor.person_id else None
        if person is None:
            raise NotFound
        return person

    return find


def change_role(
    session: Session, actor: Actor, vendor: Vendor, membership_id: uuid.UUID, role: Role
) -> None:
    """Give a member another role; the last administrator stays one. Locked by the caller."""
    require(session, actor, Permission.VENDOR_MANAGE_MEMBERS, vendor)
    membership = membership_of(session, vendor, membership_id)
    if membership.role is role:
        return
    if role is not Role.VENDOR_ADMIN:
        _require_other_admin(session, vendor, membership.person_id)
    for held in _memberships_of(session, vendor, membership.person_id):
        held.revise(ended_at=now(session))
    home = session.get_one(Organisation, vendor.owner_id)
    accounts.services.add_membership(session, membership.person, home, role)
    details = {"member_id": membership.person_id, "role": role.value}
    _record(session, actor, vendor, "vendor.change_role", **details)


def end_membership(
    session: Session, actor: Actor, vendor: Vendor, membership_id: uuid.UUID
) -> None:
    """Take a member out; the access is gone at the next request. Locked by the caller."""
    require(session, actor, Permission.VENDOR_MANAGE_MEMBERS, vendor)
    membership = membership_of(session, vendor, membership_id)
    _require_other_admin(session, vendor, membership.person_id)
    for held in _memberships_of(session, vendor, membership.person_id):
        held.revise(ended_at=now(session))
    _record(session, actor, vendor, "vendor.end_membership", member_id=membership.person_id)


def membership_of(session: Session, vendor: Vendor, membership_id: uuid.UUID) -> Membership:
    """Return a live membership of this vendor; raises NotFound."""
    membership = queries.get_membership(session, membership_id)
    if membership is None or membership.organisation_id != vendor.owner_id:
        raise NotFound("このメンバーは見つかりません。ほかの方が先に変えたかもしれません。")
    return membership


def _memberships_of(session: Session, vendor: Vendor, person_id: uuid.UUID) -> list[Membership]:
    members = accounts.queries.list_members(session, vendor.owner_id)
    return [member for member in members if member.person_id == person_id]


def _require_other_admin(session: Session, vendor: Vendor, person_id: uuid.UUID) -> None:
    admins = accounts.queries.list_members(session, vendor.owner_id, Role.VENDOR_ADMIN)
    if any(admin.person_id != person_id for admin in admins):
        return
    sentence = "管理者が一人もいなくなります。先に、ほかの方を管理者にしてください。"
    raise GuardFailed([("main", sentence)])


def _require_live(vendor: Vendor) -> None:
    if vendor.state not in LIVE_STATES:
        sentence = f"登録が「{vendor.state.label}」のため、招待できません。"
        raise GuardFailed([("main", sentence)])


def _record(
    session: Session, actor: audit.Acting, vendor: Vendor, action: str, **details: Any
) -> None:
    audit.record(session, actor, action, "Vendor", vendor.id, owner_id=vendor.owner_id, **details)
