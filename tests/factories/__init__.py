"""Ready-made people, organisations, vendors, specifications and offerings, written straight to the tables."""

import itertools
import uuid
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from accounts.clients.models import ApiClient, AuthMethod
from accounts.clients.tokens import give_token
from accounts.identity import SCOPES_BY_KIND, Actor, Scope
from accounts.models import (
    BodyKind,
    Membership,
    Organisation,
    OrganisationKind,
    Person,
    Role,
    SignIn,
)
from accounts.services import hash_token
from catalog.certification.models import (
    DECIDED_STATES,
    Certification,
    ConflictDeclaration,
    Opinion,
    Recommendation,
    ReviewState,
)
from catalog.certification.services.conditions import lapse_of
from catalog.offerings.models import (
    ConformanceAnswer,
    Listing,
    ListingVersion,
    Offering,
    OfferingVersion,
    OfferState,
    PriceComponentRow,
)
from catalog.price_plan import ComponentKind, Interval, TierMode, Unit
from catalog.specifications.models import (
    PUBLISHED_STATES,
    Pattern,
    Requirement,
    SpecificationState,
    SpecificationVersion,
    StandardSpecification,
)
from catalog.terms import Answer, RequirementClass
from core import clock
from core.db import now, transaction
from vendors import agreement
from vendors.models import FrameworkAgreement, Vendor, VendorState

_counter = itertools.count(1)
_BODY_CODES = ("102121", "131016", "011002", "100005", "103667")
_SHOWN = (OfferState.PUBLISHED, OfferState.SUPERSEDED)
KIND_OF_ROLE = {
    Role.VENDOR_MEMBER: OrganisationKind.VENDOR,
    Role.VENDOR_ADMIN: OrganisationKind.VENDOR,
    Role.CLERK: OrganisationKind.BODY,
    Role.APPROVER: OrganisationKind.BODY,
    Role.COORDINATOR: OrganisationKind.BODY,
    Role.REVIEWER: OrganisationKind.AGENCY,
    Role.LEAD_REVIEWER: OrganisationKind.AGENCY,
    Role.OPERATOR: OrganisationKind.AGENCY,
    Role.AUDITOR: OrganisationKind.AUDIT,
}


def corporate_number(serial: int) -> str:
    """Return a number with a valid check digit whose registry office (9999) does not exist."""
    body = f"9999{serial:08d}"
    total = sum(int(d) * (1 if i % 2 == 0 else 2) for i, d in enumerate(reversed(body)))
    return f"{9 - total % 9}{body}"


def body(session: Session, **values: Any) -> Organisation:
    """Add a body (a town of 8,421 people unless told otherwise)."""
    serial = next(_counter)
    defaults: dict[str, Any] = {
        "kind": OrganisationKind.BODY,
        "name": f"見本町{serial}",
        "code": f"{serial:06d}",
        "body_kind": BodyKind.TOWN,
        "prefecture": "群馬県",
        "population": 8_421,
        "population_date": date(2020, 10, 1),
        "population_source": "令和2年国勢調査",
    }
    return _added(session, Organisation(**{**defaults, **values}))


def organisation(session: Session, kind: OrganisationKind, **values: Any) -> Organisation:
    """Add an agency, an audit office or a vendor's organisation."""
    values.setdefault("name", f"{kind.label}{next(_counter)}")
    return _added(session, Organisation(kind=kind, **values))


def person(
    session: Session, role: Role | None = None, at: Organisation | None = None, **values: Any
) -> Person:
    """Add a person, with a role at an organisation (a new one of the right kind by default)."""
    serial = next(_counter)
    values.setdefault("email", f"person{serial}-{uuid.uuid4().hex[:6]}@example.jp")
    values.setdefault("name", f"見本 太郎{serial}")
    made = _added(session, Person(**values))
    if role is not None:
        if at is None:
            kind = KIND_OF_ROLE[role]
            at = body(session) if kind is OrganisationKind.BODY else organisation(session, kind)
        membership(session, made, role, at)
    return made


def membership(session: Session, someone: Person, role: Role, at: Organisation) -> Membership:
    """Give a role."""
    return _added(session, Membership(person_id=someone.id, organisation_id=at.id, role=role))


def actor(someone: Person, role: Role, at: Organisation, **values: Any) -> Actor:
    """Return the actor that the web would make of this person, signed in just now."""
    values.setdefault("authenticated_at", clock.utcnow())
    return Actor(
        grantees=frozenset({role}),
        person_id=someone.id,
        person_name=someone.name,
        organisation_id=at.id,
        organisation_kind=at.kind,
        organisation_label=at.label,
        organisation_ids=frozenset({at.id}),
        **values,
    )


def sign_in(session: Session, someone: Person, at: Organisation | None = None) -> str:
    """Open a session for a person and return the token for the cookie `narabi_session`."""
    token = uuid.uuid4().hex
    _added(
        session,
        SignIn(
            token_hash=hash_token(token),
            person_id=someone.id,
            organisation_id=at.id if at else None,
            created_at=now(session),
            authenticated_at=now(session),
            seen_at=now(session),
        ),
    )
    return token


def sign_in_client(client: Any, someone: Person, at: Organisation | None = None) -> None:
    """Sign a test client in without the sign-in page."""
    with transaction() as session:
        token = sign_in(session, someone, at)
    client.set_cookie("narabi_session", token)


def api_client(
    session: Session,
    owner: Organisation,
    scopes: Iterable[str] | None = None,
    **values: Any,
) -> tuple[ApiClient, str]:
    """Add a program of an organisation with a token for `Authorization: Bearer`.

    It has the scopes of its kind of organisation unless told otherwise; its secret is `secret_of`.
    """
    held = sorted(SCOPES_BY_KIND[owner.kind] if scopes is None else map(Scope, scopes))
    values.setdefault("name", f"見本の連携{next(_counter)}")
    if values.setdefault("auth_method", AuthMethod.CLIENT_SECRET) is AuthMethod.CLIENT_SECRET:
        values.setdefault("id", uuid.uuid4())
        values.setdefault("secret_hash", hash_token(secret_of(values["id"])))
    made = _added(
        session,
        ApiClient(owner_id=owner.id, scopes=held, secret_made_at=now(session), **values),
    )
    token, _ = give_token(session, made, held, timedelta(minutes=10))
    return made, token


def secret_of(client_id: uuid.UUID) -> str:
    """Return the secret of a program that these factories made."""
    return f"secret-of-{client_id}"


def vendor(session: Session, state: VendorState = VendorState.ACTIVE, **values: Any) -> Vendor:
    """Add a vendor with its organisation and an accepted framework agreement."""
    serial = next(_counter)
    name = values.pop("name", f"見本ソフト{serial}株式会社")
    home = organisation(session, OrganisationKind.VENDOR, name=name, is_sample=True)
    made = _added(
        session,
        Vendor(
            owner_id=home.id,
            state=state,
            name=name,
            corporate_number=values.pop("corporate_number", corporate_number(serial)),
            is_sample=True,
            **values,
        ),
    )
    if state is VendorState.ACTIVE:
        admin = person(session, Role.VENDOR_ADMIN, home)
        _added(
            session,
            FrameworkAgreement(
                vendor_id=made.id,
                label=agreement.LABEL,
                text_sha256=agreement.SHA256,
                accepted_by_id=admin.id,
                accepted_at=now(session),
            ),
        )
    return made


def specification(session: Session, requirements: int = 6, **values: Any) -> SpecificationVersion:
    """Add a published pattern B specification; every third requirement is optional, the last is forbidden."""
    serial = next(_counter)
    spec = values.pop("specification", None) or _added(
        session,
        StandardSpecification(
            code=values.pop("code", f"SPEC{serial}"),
            name=values.pop("name", f"見本業務{serial}"),
            pattern=values.pop("pattern", Pattern.COMMON_B),
            is_sample=True,
        ),
    )
    defaults: dict[str, Any] = {
        "label": "第1.0版",
        "state": SpecificationState.SCHEDULED,
        "applies_from": date(2025, 4, 1),
    }
    values = {**defaults, **values}
    state = values.pop("state")
    publisher_id = values.pop("publisher_id", None)
    if state in PUBLISHED_STATES and publisher_id is None:
        values.setdefault("last_editor_id", person(session).id)
        publisher_id = person(session).id
    version = _added(session, SpecificationVersion(specification_id=spec.id, **values))
    for position in range(1, requirements + 1):
        kind = RequirementClass.MUST if position % 3 else RequirementClass.MAY
        if position == requirements:
            kind = RequirementClass.MUST_NOT
        session.add(
            Requirement(
                specification_version_id=version.id,
                requirement_id=f"R-{position:03d}",
                position=position,
                chapter=f"{(position - 1) // 4 + 1} 章",
                name=f"機能{position}",
                text=f"機能{position}を利用できること。",
                class_designated_city=kind,
                class_core_city=kind,
                class_other=kind,
            )
        )
    session.flush()
    # Content is frozen from approval on, so the state comes last; nobody publishes alone.
    version.state = state
    version.publisher_id = publisher_id
    session.flush()
    return version


def thaw(session: Session) -> None:
    """Let this test write behind the product's back what the databases' triggers forbid."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        return
    names = session.execute(
        text(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            " AND (name LIKE '%_frozen_%' OR name LIKE 'four_eyes_%')"
        )
    )
    for (name,) in names.all():
        session.execute(text(f"DROP TRIGGER {name}"))


def offering(
    session: Session,
    maker: Vendor,
    version: SpecificationVersion,
    state: OfferState = OfferState.PUBLISHED,
    *,
    prices: Sequence[tuple[ComponentKind, Unit, Interval, int]] = (
        (ComponentKind.INITIAL, Unit.LUMP, Interval.ONCE, 100_000),
        (ComponentKind.BASE, Unit.LUMP, Interval.MONTH, 20_000),
        (ComponentKind.USAGE, Unit.PERSON, Interval.MONTH, 1),
    ),
    answers: Answer | None = Answer.CONFORMS,
    **values: Any,
) -> ListingVersion:
    """Add an offering of a maker with its answers and the maker's own listing, all in one state."""
    made = _added(session, Offering(owner_id=maker.owner_id, maker_id=maker.id))
    defaults: dict[str, Any] = {
        "name": f"見本サービス{next(_counter)}",
        "summary": "住民の手続きを支える見本のサービスです。",
        "description": "申請の受け付けから結果の通知までを一つの画面で行います。",
        "hosting_provider": "aws",
        "hosting_region": "東京",
        "networks": ["lgwan"],
        "size_classes": ["under_10k", "10k"],
        "features": ["申請の受け付け", "結果の通知"],
        "import_formats": "CSV",
        "export_formats": "CSV",
        "content_sha256": uuid.uuid4().hex * 2,
        "published_at": now(session) if state in _SHOWN else None,
    }
    offering_version = _added(
        session,
        OfferingVersion(
            offering_id=made.id,
            owner_id=maker.owner_id,
            state=state,
            specification_version_id=version.id,
            **{**defaults, **values},
        ),
    )
    if answers is not None:
        _answer_all(session, offering_version, answers)
    return listing(session, made, offering_version, maker, state, prices)


def listing(
    session: Session,
    made: Offering,
    offering_version: OfferingVersion,
    seller: Vendor,
    state: OfferState,
    prices: Sequence[tuple[ComponentKind, Unit, Interval, int]],
) -> ListingVersion:
    """Add a seller's listing for an offering."""
    row = _added(
        session,
        Listing(
            offering_id=made.id,
            owner_id=seller.owner_id,
            seller_id=seller.id,
            confirmed_at=now(session),
        ),
    )
    version = _added(
        session,
        ListingVersion(
            listing_id=row.id,
            owner_id=seller.owner_id,
            offering_version_id=offering_version.id,
            state=state,
            support_hours="平日9時から17時まで",
            planned_service_hours="毎日0時から24時まで",
            availability_basis_points=9_950,
            notice_months=6,
            transition_days=30,
            retrieval_days=60,
            deletion_certificate=True,
            content_sha256=uuid.uuid4().hex * 2,
            published_at=now(session) if state in _SHOWN else None,
        ),
    )
    for position, (kind, unit, interval, amount) in enumerate(prices, start=1):
        _added(
            session,
            PriceComponentRow(
                listing_version_id=version.id,
                position=position,
                kind=kind,
                name=kind.label,
                unit=unit,
                interval=interval,
                tier_mode=TierMode.VOLUME,
                tiers=[[0, amount]],
            ),
        )
    return version


def certification(
    session: Session,
    offering_version: OfferingVersion,
    state: ReviewState = ReviewState.CERTIFIED,
    **values: Any,
) -> Certification:
    """Add a certification in any state, with people, declarations and opinions as the rules demand."""
    moment = now(session)
    agency = organisation(session, OrganisationKind.AGENCY)
    reviewers = [person(session, Role.REVIEWER, agency) for _ in range(2)]
    lead = person(session, Role.LEAD_REVIEWER, agency)
    decided = state in DECIDED_STATES
    other_lead = person(session, Role.LEAD_REVIEWER, agency)
    revoked = state is ReviewState.REVOKED
    defaults: dict[str, Any] = {
        "number": f"NRB-{uuid.uuid4().hex[:8]}" if decided else None,
        "first_reviewer_id": reviewers[0].id,
        "second_reviewer_id": reviewers[1].id,
        "decided_by_id": lead.id if decided else None,
        "decided_at": moment if decided else None,
        "valid_from": moment if decided else None,
        "valid_until": moment + timedelta(days=730) if decided else None,
        "submitted_at": moment,
        "first_cleared_at": moment,
        "second_cleared_at": moment,
        "suspended_by_id": lead.id if state is ReviewState.SUSPENDED else None,
        "suspended_at": moment if state is ReviewState.SUSPENDED else None,
        "revocation_proposed_by_id": lead.id if revoked else None,
        "revocation_confirmed_by_id": other_lead.id if revoked else None,
        "revoked_at": moment if revoked else None,
    }
    values = {**defaults, **values}
    values.setdefault("lapses_at", lapse_of(values.get("conditions", [])))
    last = {name: values.pop(name) for name in _LAST if name in values}
    made: Certification = _added(
        session,
        Certification(
            offering_version_id=offering_version.id,
            specification_version_id=offering_version.specification_version_id,
            owner_id=offering_version.owner_id,
            state=ReviewState.UNDER_REVIEW,
            **values,
        ),
    )
    _declare_and_file(session, made, last, files=decided or state is ReviewState.RECOMMENDED)
    for name, value in {**last, "state": state}.items():
        setattr(made, name, value)
    session.flush()
    return made


# What the databases accept only after declarations and opinions.
_LAST = ("first_cleared_at", "second_cleared_at", "based_on_id")


def _declare_and_file(
    session: Session, made: Certification, last: dict[str, Any], *, files: bool
) -> None:
    places = (
        (made.first_reviewer_id, last["first_cleared_at"]),
        (made.second_reviewer_id, last["second_cleared_at"]),
    )
    seen: dict[str, Any] = {"certification_id": made.id}
    pair = [(each, cleared) for each, cleared in places if each and cleared]
    for reviewer_id, cleared in pair:
        declared = {"person_id": reviewer_id, "has_conflict": False, "declared_at": cleared}
        session.add(ConflictDeclaration(**seen, **declared))
    session.flush()
    for reviewer_id, cleared in pair if files else ():
        filed = {"reviewer_id": reviewer_id, "opinion": Opinion.CERTIFY, "filed_at": cleared}
        session.add(
            Recommendation(reason="見本の意見", no_conflict_declared_at=cleared, **seen, **filed)
        )
    session.flush()


def _answer_all(session: Session, offering_version: OfferingVersion, answer: Answer) -> None:
    from catalog.specifications.queries import list_requirements

    for requirement in list_requirements(session, offering_version.specification_version_id):
        forbidden = requirement.class_other is RequirementClass.MUST_NOT
        session.add(
            ConformanceAnswer(
                offering_version_id=offering_version.id,
                requirement_id=requirement.id,
                answer=Answer.NOT_IMPLEMENTED if forbidden else answer,
            )
        )
    session.flush()


def _added(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row
