"""People, organisations, memberships and sign-ins."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from core.models import JSONType, Model, UTCDateTime, enum_type, related
from core.state_machine import LabelledCode


class OrganisationKind(LabelledCode):
    """What an organisation is in the market."""

    BODY = "body", "地方公共団体"
    VENDOR = "vendor", "事業者"
    AGENCY = "agency", "デジタル庁"
    AUDIT = "audit", "監査"


class BodyKind(LabelledCode):
    """The kinds of local public body."""

    PREFECTURE = "prefecture", "都道府県"
    DESIGNATED_CITY = "designated_city", "指定都市"
    CORE_CITY = "core_city", "中核市"
    CITY = "city", "市"
    SPECIAL_WARD = "special_ward", "特別区"
    TOWN = "town", "町"
    VILLAGE = "village", "村"


class Role(LabelledCode):
    """What a person may be in one organisation (rules of permission_table.py)."""

    VENDOR_MEMBER = "vendor_member", "事業者の担当者"
    VENDOR_ADMIN = "vendor_admin", "事業者の管理者"
    CLERK = "clerk", "担当者"
    APPROVER = "approver", "決裁者"
    COORDINATOR = "coordinator", "共同調達の調整者"
    REVIEWER = "reviewer", "審査員"
    LEAD_REVIEWER = "lead_reviewer", "主任審査員"
    OPERATOR = "operator", "運用者"
    AUDITOR = "auditor", "監査人"


ROLES_BY_KIND: dict[OrganisationKind, frozenset[Role]] = {
    OrganisationKind.BODY: frozenset({Role.CLERK, Role.APPROVER, Role.COORDINATOR}),
    OrganisationKind.VENDOR: frozenset({Role.VENDOR_MEMBER, Role.VENDOR_ADMIN}),
    OrganisationKind.AGENCY: frozenset({Role.REVIEWER, Role.LEAD_REVIEWER, Role.OPERATOR}),
    OrganisationKind.AUDIT: frozenset({Role.AUDITOR}),
}


class Person(Model, table=True):
    """A person with an account: by password, by identities of providers, or both.

    `awaits_confirmation` while nobody has shown yet that letters to the address reach this person.
    """

    __tablename__ = "people"

    email: str = Field(max_length=254, unique=True)
    name: str = Field(max_length=100)
    password_hash: str = Field(default="", max_length=200)
    failed_attempts: int = 0
    locked_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    awaits_confirmation: bool = False
    is_sample: bool = False


class Organisation(Model, table=True):
    """A local public body, a vendor's company, the agency or an audit office.

    A body has its code, kind, prefecture and population (persons, with date and source).
    """

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint(
            "kind <> 'body' OR (code IS NOT NULL AND body_kind IS NOT NULL)", "body_has_code"
        ),
        CheckConstraint(
            "population IS NULL OR (population >= 0 AND population_date IS NOT NULL)",
            "population_dated",
        ),
    )

    kind: OrganisationKind = Field(sa_type=enum_type(OrganisationKind))
    name: str = Field(max_length=200, index=True)
    kana: str = Field(default="", max_length=200)
    code: str | None = Field(default=None, max_length=6, unique=True)
    body_kind: BodyKind | None = Field(default=None, sa_type=enum_type(BodyKind))
    prefecture: str = Field(default="", max_length=10)
    population: int | None = None
    population_date: date | None = None
    population_source: str = Field(default="", max_length=200)
    is_sample: bool = False

    @property
    def label(self) -> str:
        """The name with the prefecture for municipalities, since names repeat."""
        is_body = self.kind is OrganisationKind.BODY
        return label_body(self.name, self.prefecture) if is_body else self.name


def label_body(name: str, prefecture: str) -> str:
    """Return the name of a body with its prefecture, which is its own name for a prefecture."""
    return f"{name}（{prefecture}）" if prefecture != name else name


class Membership(Model, table=True):
    """A role of a person in an organisation; the right ends with `ended_at`."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_live",
            "person_id",
            "organisation_id",
            "role",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    person_id: uuid.UUID = Field(foreign_key="people.id", index=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    role: Role = Field(sa_type=enum_type(Role))
    ends_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    person: Person = related()
    organisation: Organisation = related()


class Recusal(Model, table=True):
    """A person keeps out of everything about a subject (an offering), in whatever role, for good."""

    __tablename__ = "recusals"
    __table_args__ = (UniqueConstraint("person_id", "subject_id"),)

    person_id: uuid.UUID = Field(foreign_key="people.id")
    subject_id: uuid.UUID = Field(index=True)


class ExternalIdentity(Model, table=True):
    """A person at an identity provider: the pair of issuer and subject, never an e-mail address.

    `corporate_number` is the company for which GビズID vouches; `asked_organisation_id` the one whose
    administrator has not yet answered the wish to join. The bond ends with `ended_at`.
    """

    __tablename__ = "external_identities"
    __table_args__ = (
        Index(
            "uq_external_identities_live",
            "issuer",
            "subject",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    person_id: uuid.UUID = Field(foreign_key="people.id", index=True)
    provider: str = Field(max_length=20)
    issuer: str = Field(max_length=255)
    subject: str = Field(max_length=255)
    corporate_number: str = Field(default="", max_length=13)
    asked_organisation_id: uuid.UUID | None = Field(
        default=None, foreign_key="organisations.id", index=True
    )
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    person: Person = related()


class AttemptPurpose(LabelledCode):
    """What a journey to an identity provider is for."""

    SIGN_IN = "sign_in", "サインイン"
    CONFIRM = "confirm", "もう一度の確認"
    LINK = "link", "結び付け"
    ARRIVAL = "arrival", "はじめての利用"


class SignInAttempt(Model, table=True):
    """A journey to an identity provider that its browser has not finished; used once, then deleted.

    `state_hash` is of a secret that only the browser holds. `carried` is the signed form to send
    again, `told` what the provider said of a newcomer; both vanish with the row.
    """

    __tablename__ = "sign_in_attempts"

    state_hash: str = Field(max_length=64, unique=True)
    provider: str = Field(max_length=20)
    purpose: AttemptPurpose = Field(sa_type=enum_type(AttemptPurpose))
    sign_in_id: uuid.UUID | None = Field(default=None, foreign_key="sign_ins.id", index=True)
    wanted: str = Field(default="", max_length=2000)
    carried: str = Field(default="", sa_type=Text)
    told: dict[str, str] = Field(default_factory=dict, sa_type=JSONType)
    expires_at: datetime = Field(sa_type=UTCDateTime, nullable=False, index=True)


class Throttle(Model, table=True):
    """How often something was tried from one source since `began_at`; the id is made of both, sealed."""

    __tablename__ = "throttles"
    __table_args__ = (Index("ix_throttles_began_at", "began_at"),)

    began_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    tries: int = 0


class SignIn(Model, table=True):
    """A server-side session: a hashed token, the acting organisation, and its limits.

    `identity_id` is set when an identity provider vouched for the person instead of a password.
    """

    __tablename__ = "sign_ins"

    token_hash: str = Field(max_length=64, unique=True)
    person_id: uuid.UUID = Field(foreign_key="people.id", index=True)
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisations.id")
    authenticated_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    seen_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    identity_id: uuid.UUID | None = Field(
        default=None, foreign_key="external_identities.id", index=True
    )

    person: Person = related()
    organisation: Organisation | None = related()
    identity: ExternalIdentity | None = related()


class OrganisationNotice(Model, table=True):
    """One thing that an organisation was told; `path` is the page of this site that says more."""

    __tablename__ = "organisation_notices"

    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    kind: str = Field(max_length=60)
    title: str = Field(max_length=300)
    path: str = Field(max_length=500)
    due_on: date | None = None
    told_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
