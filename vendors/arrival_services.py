"""Acts of somebody whom GビズID vouches for and whom we did not know: begin, join, or link."""

from dataclasses import dataclass

from sqlmodel import Session

import accounts.queries
import accounts.services
from accounts import address_services, oidc_services
from accounts.identity import Actor
from accounts.models import Organisation, Role
from accounts.newcomer import Newcomer
from accounts.oauth import Identified
from accounts.permissions import Permission, require
from core import audit
from core.errors import Conflict, NotFound
from vendors import draft_services, queries, services
from vendors.models import GbizIdType, Vendor


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """A registration that was just begun, and the session token of the person who began it."""

    vendor: Vendor
    token: str


def find_vendor(session: Session, newcomer: Newcomer) -> Vendor | None:
    """Return the live registration of the company that GビズID vouches for."""
    return queries.find_live_by_number(session, newcomer.corporate_number)


def becomes_administrator(session: Session, newcomer: Newcomer, vendor: Vendor) -> bool:
    """Tell whether the company has no administrator and this is the holder of its GビズIDプライム."""
    admins = accounts.queries.list_members(session, vendor.owner_id, Role.VENDOR_ADMIN)
    return newcomer.is_prime and not admins


def begins_anew(session: Session, newcomer: Newcomer, vendor: Vendor) -> bool:
    """Tell whether the holder of the GビズIDプライム replaces what somebody began without any proof."""
    if becomes_administrator(session, newcomer, vendor):
        return False
    return newcomer.is_prime and draft_services.gives_way(session, vendor)


def begin(session: Session, actor: Actor, *, token: str, name: str, kana: str) -> NewRegistration:
    """Begin the registration of the newcomer's company. Raises NotFound, Conflict.

    A draft that gives way is locked first: whoever submits it, or arrives, at once waits or was first.
    """
    require(session, actor, Permission.VENDOR_REGISTER)
    newcomer = _take(session, actor, token)
    known = find_vendor(session, newcomer)
    draft = queries.lock_vendor(session, known.id) if known else None
    replaces = draft is not None and begins_anew(session, newcomer, draft)
    if not replaces:
        services.require_unregistered(session, newcomer.corporate_number)
    person, identity = oidc_services.create_newcomer(session, newcomer)
    if replaces and draft is not None:
        draft_services.give_way(session, audit.System(person_id=person.id), draft)
    vendor = services.begin_registration(
        session,
        person,
        corporate_number=newcomer.corporate_number,
        name=name,
        kana=kana,
        gbizid_type=_type_of(newcomer),
    )
    opened = oidc_services.open_proven(session, person, identity, newcomer.authenticated_at)
    return NewRegistration(vendor, opened)


def begin_again(session: Session, actor: Actor, *, name: str, kana: str) -> Vendor:
    """Begin a new registration of a company for which GビズID vouched before; the last one has ended.

    Raises Conflict without such an identity, and while the number has a live registration.
    """
    require(session, actor, Permission.VENDOR_REGISTER)
    person = accounts.queries.get_person(session, actor.person_id) if actor.person_id else None
    bound = accounts.queries.list_identities(session, person.id) if person else []
    number = next((each.corporate_number for each in bound if each.corporate_number), "")
    if person is None or not number:
        raise Conflict(
            "GビズIDを結び付けていないため、この画面からは始められません。"
            "サインアウトした画面から、登録を始めてください。"
        )
    services.require_unregistered(session, number)
    last = own_vendor(session, actor)
    is_same = last is not None and last.corporate_number == number
    told = last.gbizid_type if last is not None and is_same else ""
    vendor = services.begin_registration(
        session, person, corporate_number=number, name=name, kana=kana, gbizid_type=told
    )
    accounts.services.turn_to(session, actor.sign_in_id, vendor.owner_id)
    return vendor


def join(session: Session, actor: Actor, *, token: str) -> tuple[str, bool]:
    """Bring the newcomer to the registered company; returns the session's token and whether as administrator.

    The registration is locked, so that two at once do not both become its first administrator.
    """
    require(session, actor, Permission.VENDOR_REGISTER)
    newcomer = _take(session, actor, token)
    vendor = find_vendor(session, newcomer)
    locked = queries.lock_vendor(session, vendor.id) if vendor else None
    if locked is None:
        raise NotFound
    as_administrator = becomes_administrator(session, newcomer, locked)
    home = session.get_one(Organisation, locked.owner_id)
    if as_administrator:
        _note_type(session, locked, newcomer)
    opened = oidc_services.join(session, newcomer, home, as_administrator=as_administrator)
    return opened, as_administrator


def link(session: Session, actor: Actor, *, token: str) -> None:
    """Bind the identity to the account of a vendor's person; the 法人番号 must be the vendor's."""
    require(session, actor, Permission.ACCOUNT_CHANGE)
    newcomer = _take(session, actor, token)
    own = own_vendor(session, actor)
    # Locked: the number is proven from now on, or another has arrived before.
    vendor = queries.lock_vendor(session, own.id) if own else None
    if vendor is None or vendor.corporate_number != newcomer.corporate_number:
        raise Conflict(
            "GビズIDの法人番号が、いまの会社の登録と違うため、結び付けられません。"
            "同じ会社のGビズIDでもう一度お試しください。"
        )
    _note_type(session, vendor, newcomer)
    oidc_services.link(
        session,
        actor,
        oidc_services.GBIZ,
        Identified(newcomer.issuer, newcomer.subject, None, {}),
        corporate_number=newcomer.corporate_number,
    )
    person = accounts.queries.get_person(session, actor.person_id) if actor.person_id else None
    if person is not None and person.email == newcomer.email:
        address_services.settle(session, person, "gbiz")


def _type_of(newcomer: Newcomer) -> str:
    return (GbizIdType.PRIME if newcomer.is_prime else GbizIdType.MEMBER).value


def _note_type(session: Session, vendor: Vendor, newcomer: Newcomer) -> None:
    """Keep what GビズID says of the company's account in the place of what was typed.

    What it said of a GビズIDプライム before is not made less by a GビズIDメンバー.
    """
    told, before = _type_of(newcomer), vendor.gbizid_type
    if before == told or (not newcomer.is_prime and queries.is_proven(session, vendor)):
        return
    vendor.revise(gbizid_type=told)
    who = audit.System(organisation_id=vendor.owner_id)
    changed = {"gbizid_type": [before, told]}
    audit.record(
        session,
        who,
        "vendor.edit",
        "Vendor",
        vendor.id,
        owner_id=vendor.owner_id,
        section="contact",
        changed=changed,
    )


def own_vendor(session: Session, actor: Actor) -> Vendor | None:
    """Return the registration of the acting organisation."""
    if actor.organisation_id is None:
        return None
    return queries.find_vendor_of(session, actor.organisation_id)


def _take(session: Session, actor: Actor, token: str) -> Newcomer:
    newcomer = oidc_services.find_newcomer(session, actor, token, take=True)
    if newcomer is None:
        raise NotFound("時間がたったため、はじめからやり直してください。")
    return newcomer
