"""The complete table role x permission x subject, written out here once more and compared with the code.

The table is Python, so it is asked through SQLite; that a right ends inside a transaction is shown on both.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

import tests.factories as make
from accounts.identity import ANONYMOUS, CONSOLE, SCOPES_BY_KIND, Actor, Grantee, Pseudo, Scope
from accounts.models import OrganisationKind, Role
from accounts.permission_table import PERMISSIONS
from accounts.permissions import Permission, can, may_somewhere, require
from catalog.certification.models import Certification
from catalog.offerings.models import Listing, ListingVersion, Offering, OfferingVersion
from catalog.specifications.consultation.models import ConsultationComment
from core import db
from core.errors import Forbidden, NotFound, SignInRequired
from procurement.contracts.models import Contract, UsageContractRequest
from procurement.estimates.models import EstimatedPrice
from procurement.projects.models import Project
from vendors.models import Vendor

COLUMNS: tuple[Grantee, ...] = (
    Pseudo.ANONYMOUS,
    Role.VENDOR_MEMBER,
    Role.VENDOR_ADMIN,
    Role.CLERK,
    Role.APPROVER,
    Role.COORDINATOR,
    Role.REVIEWER,
    Role.LEAD_REVIEWER,
    Role.OPERATOR,
    Role.AUDITOR,
    Pseudo.CONSOLE,
)

# . never   y any subject   r any not recused from   o own organisation's   i any but own   j as i, not recused from
# a assigned, not own   c cleared, not own, not recused from   d as j, not assigned or cleared
# n own, and named to read it   e of a case that is over
# b own, and opened by two   f opened, and of a case that is over
# p the person's own for the acting organisation   s sent here   u own, not sent   t own, sent
TABLE = """
                               AN VM VA MC MA PC RV LR OP AU CO
api.read                        y  y  y  y  y  y  y  y  y  y  .
catalog.read                    y  y  y  y  y  y  y  y  y  y  .
feed.read                       y  y  y  y  y  y  y  y  y  y  .
specification.read              y  y  y  y  y  y  y  y  y  y  .
account.sign_in                 y  y  y  y  y  y  y  y  y  y  .
account.use                     .  y  y  y  y  y  y  y  y  y  .
account.change                  .  y  y  y  y  y  y  y  y  y  .
specification.read_draft        .  .  .  .  .  .  y  y  .  y  y
specification.edit              .  .  .  .  .  .  y  y  .  .  y
specification.publish           .  .  .  .  .  .  .  y  .  .  .
specification.open_to_saas      .  .  .  .  .  .  .  y  .  .  .
specification.consult           .  .  .  .  .  .  y  y  .  .  .
specification.comment           .  y  y  y  y  y  .  .  .  .  .
comment.read                    .  o  o  o  o  o  y  y  .  y  .
comment.edit                    .  o  o  o  o  o  .  .  .  .  .
synonym.edit                    .  .  .  .  .  .  .  y  .  .  .
saved_search.read               .  p  p  p  p  p  p  p  p  p  .
saved_search.edit               .  p  p  p  p  p  p  p  p  p  .
cost.compute                    y  y  y  y  y  y  y  y  y  y  .
cost_profile.edit               .  p  p  p  p  p  p  p  p  p  .
body.import                     .  .  .  .  .  .  .  .  .  .  y
membership.manage               .  .  .  .  .  .  .  .  .  .  y
membership.admit                .  .  o  .  .  .  .  .  .  .  .
vendor.register                 y  y  y  y  y  y  y  y  y  y  .
vendor.queue                    .  .  .  .  .  .  y  y  .  y  .
vendor.read_file                .  o  o  .  .  .  a  y  .  y  .
vendor.edit                     .  .  o  .  .  .  .  .  .  .  .
vendor.submit                   .  .  o  .  .  .  .  .  .  .  .
vendor.assign                   .  .  .  .  .  .  .  i  .  .  .
vendor.decide                   .  .  .  .  .  .  .  i  .  .  .
vendor.accept_agreement         .  .  o  .  .  .  .  .  .  .  .
vendor.renew                    .  .  o  .  .  .  .  .  .  .  .
agreement.issue                 .  .  .  .  .  .  .  y  .  .  .
vendor.exclude                  .  .  .  .  .  .  .  i  .  .  .
vendor.succeed                  .  .  .  .  .  .  .  i  .  .  .
vendor.manage_members           .  .  o  .  .  .  .  .  .  .  .
vendor.withdraw                 .  .  o  .  .  .  .  .  .  .  .
invitation.accept               y  y  y  y  y  y  y  y  y  y  .
offering.create                 .  y  y  .  .  .  .  .  .  .  .
offering.read_draft             .  o  o  .  .  .  a  r  .  y  .
offering.edit                   .  o  o  .  .  .  .  .  .  .  .
offering.submit                 .  .  o  .  .  .  .  .  .  .  .
offering.decide                 .  .  .  .  .  .  .  j  .  .  .
offering.publish                .  .  o  .  .  .  .  .  .  .  .
offering.withdraw               .  .  o  .  .  .  .  .  .  .  .
listing.confirm                 .  .  o  .  .  .  .  .  .  .  .
reference.ask                   .  o  o  .  .  .  .  .  .  .  .
reference.answer                .  .  .  s  s  .  .  .  .  .  .
certification.queue             .  .  .  .  .  .  y  y  .  y  .
certification.read              .  o  o  .  .  .  c  d  .  y  .
certification.assign            .  .  .  .  .  .  .  j  .  .  .
certification.recommend         .  .  .  .  .  .  c  .  .  .  .
certification.request_info      .  .  .  .  .  .  c  d  .  .  .
certification.read_opinions     .  .  .  .  .  .  c  d  .  y  .
certification.decide            .  .  .  .  .  .  .  d  .  .  .
certification.declare           .  .  .  .  .  .  a  .  .  .  .
certification.find              .  .  .  .  .  .  c  d  .  .  .
certification.reply             .  .  o  .  .  .  .  .  .  .  .
certification.report            .  .  o  .  .  .  .  .  .  .  .
certification.confirm           .  .  .  .  .  .  c  d  .  .  .
certification.suspend           .  .  .  .  .  .  .  d  .  .  .
certification.revoke            .  .  .  .  .  .  .  d  .  .  .
certification.appeal            .  .  o  .  .  .  .  .  .  .  .
certification.decide_appeal     .  .  .  .  .  .  .  d  .  .  .
body_rules.read                 .  .  .  o  o  .  .  .  .  y  .
body_rules.propose              .  .  .  o  o  .  .  .  .  .  .
body_rules.confirm              .  .  .  .  o  .  .  .  .  .  .
project.create                  .  .  .  y  .  .  .  .  .  .  .
project.read                    .  .  .  o  o  .  .  .  .  y  .
project.edit                    .  .  .  o  .  .  .  .  .  .  .
project.decide                  .  .  .  .  o  .  .  .  .  .  .
decision.record_external        .  .  .  o  o  .  .  .  .  .  .
evidence.read                   .  .  .  o  o  .  .  .  .  y  .
evidence.export                 .  .  .  o  o  .  .  .  .  y  y
estimated_price.open            .  .  .  o  o  .  .  .  .  .  .
estimated_price.read            .  .  .  n  n  .  .  .  .  e  .
estimated_price.edit            .  .  .  n  n  .  .  .  .  .  .
estimated_price.print           .  .  .  n  n  .  .  .  .  e  .
estimated_price.hand_over       .  .  .  .  o  .  .  .  .  .  .
request.edit                    .  .  .  o  .  .  .  .  .  .  .
request.read                    .  s  s  o  o  .  .  .  .  y  .
request.decide                  .  .  .  .  o  .  .  .  .  .  .
request.send                    .  .  .  .  o  .  .  .  .  .  .
request.withdraw                .  .  .  u  t  .  .  .  .  .  .
request.answer                  .  .  s  .  .  .  .  .  .  .  .
quote_round.read                .  .  .  o  o  .  .  .  .  y  .
quote_round.edit                .  .  .  o  .  .  .  .  .  .  .
quote_round.decide              .  .  .  .  o  .  .  .  .  .  .
quote_round.open                .  .  .  o  o  .  .  .  .  .  .
quote_round.withdraw            .  .  .  u  t  .  .  .  .  .  .
quote_round.read_opened         .  .  .  b  b  .  .  .  .  f  .
quote_request.read              .  s  s  .  .  .  .  .  .  .  .
quote_request.decline           .  .  s  .  .  .  .  .  .  .  .
quote.read                      .  o  o  .  .  .  .  .  .  .  .
quote.edit                      .  .  s  .  .  .  .  .  .  .  .
question.ask                    .  s  s  .  .  .  .  .  .  .  .
question.answer                 .  .  .  o  .  .  .  .  .  .  .
contract.register               .  .  .  o  .  .  .  .  .  .  .
contract.confirm                .  .  .  .  o  .  .  .  .  .  .
contract.prepare_notice        .  .  .  o  .  .  .  .  .  .  .
contract.decide_notice         .  .  .  .  o  .  .  .  .  .  .
contract.read                   .  s  s  o  o  .  .  .  .  y  .
client.read                     .  o  o  o  o  o  .  .  o  .  .
client.manage                   .  .  o  o  o  o  .  .  o  .  .
client.end                      .  .  .  .  .  .  .  .  .  .  y
token.ask                       y  y  y  y  y  y  y  y  y  y  .
webhook.read                    .  o  o  o  o  o  .  .  .  .  .
webhook.manage                  .  .  o  o  o  o  .  .  .  .  .
checkpoint.read                 y  y  y  y  y  y  y  y  y  y  .
audit.read_case                 .  .  .  o  o  .  .  .  .  y  .
audit.read_all                  .  .  .  .  .  .  .  y  .  y  .
"""

# What the scopes of programs open beside that; every other cell is empty.
SCOPES: dict[tuple[str, Grantee], str] = {
    **dict.fromkeys((("api.read", scope) for scope in Scope), "y"),
    ("catalog.read", Scope.CATALOG_READ): "y",
    ("cost.compute", Scope.CATALOG_READ): "y",
    ("feed.read", Scope.FEED_READ): "y",
    ("specification.read", Scope.SPEC_READ): "y",
    ("offering.create", Scope.OFFERING_WRITE): "y",
    ("offering.read_draft", Scope.OFFERING_WRITE): "o",
    ("offering.edit", Scope.OFFERING_WRITE): "o",
    ("project.read", Scope.PROJECT_READ): "o",
    ("evidence.read", Scope.PROJECT_READ): "o",
    ("request.read", Scope.PROJECT_READ): "o",
    ("contract.read", Scope.PROJECT_READ): "o",
    ("webhook.read", Scope.WEBHOOK_MANAGE): "o",
    ("webhook.manage", Scope.WEBHOOK_MANAGE): "o",
}

# Who may read a noun's subjects knows that they exist; everyone else is told that there is nothing.
READ_OF = {
    "specification": "specification.read_draft",
    "comment": "comment.read",
    "vendor": "vendor.read_file",
    "offering": "offering.read_draft",
    "listing": "offering.read_draft",
    "certification": "certification.read",
    "body_rules": "body_rules.read",
    "project": "project.read",
    "evidence": "evidence.read",
    "request": "request.read",
    "quote_round": "quote_round.read",
    "quote_request": "quote_request.read",
    "contract": "contract.read",
    "client": "client.read",
    "webhook": "webhook.read",
    "audit": "audit.read_case",
}
READS = {
    "api.read",
    "catalog.read",
    "feed.read",
    "specification.read",
    "account.use",
    "specification.read_draft",
    "comment.read",
    "saved_search.read",
    "vendor.queue",
    "vendor.read_file",
    "offering.read_draft",
    "certification.queue",
    "certification.read",
    "certification.read_opinions",
    "body_rules.read",
    "project.read",
    "evidence.read",
    "estimated_price.read",
    "request.read",
    "quote_round.read",
    "quote_round.read_opened",
    "quote_request.read",
    "quote.read",
    "contract.read",
    "client.read",
    "webhook.read",
    "checkpoint.read",
    "audit.read_case",
    "audit.read_all",
}


def _read_table() -> dict[tuple[str, Grantee], str]:
    _, _, *lines = TABLE.split("\n")
    cells = {}
    for line in filter(None, lines):
        name, *codes = line.split()
        assert len(codes) == len(COLUMNS), name
        cells.update({(name, who): code for who, code in zip(COLUMNS, codes, strict=True)})
        cells.update({(name, scope): SCOPES.get((name, scope), ".") for scope in Scope})
    return cells


EXPECTED = _read_table()


@dataclass(frozen=True)
class Subject:
    """Something that belongs to somebody; `kinds` are the codes that open it."""

    owner_id: uuid.UUID
    addressee_id: uuid.UUID
    kinds: str
    assigned_ids: frozenset[uuid.UUID] = frozenset()
    cleared_ids: frozenset[uuid.UUID] = frozenset()
    reader_ids: frozenset[uuid.UUID] = frozenset()
    is_ended: bool = False
    is_sent: bool = False
    is_opened: bool = False
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    family_id: uuid.UUID = field(default_factory=uuid.uuid4)
    person_id: uuid.UUID = field(default_factory=uuid.uuid4)
    organisation_id: uuid.UUID = field(default_factory=uuid.uuid4)


RECUSED = uuid.uuid4()


def subjects_for(actor: Actor) -> dict[str, Subject]:
    """Every relation that a subject can have to the actor."""
    stranger = uuid.uuid4()
    here = actor.organisation_id or uuid.uuid4()
    mine = actor.person_id or uuid.uuid4()
    me = frozenset({actor.person_id} - {None})
    other_home = next(iter(actor.organisation_ids - {here}), stranger)
    subjects = {
        "own": Subject(here, stranger, "yrou"),
        "own and sent": Subject(here, stranger, "yrot", is_sent=True),
        "own and open to me by name": Subject(here, stranger, "yroun", reader_ids=me),
        "own, over, not open to me": Subject(here, stranger, "yroue", is_ended=True),
        "a stranger's": Subject(stranger, stranger, "yridj"),
        "a stranger's, open to me by name": Subject(stranger, stranger, "yridj", reader_ids=me),
        "a stranger's, over": Subject(stranger, stranger, "yridje", is_ended=True),
        "assigned": Subject(stranger, stranger, "yriaj", assigned_ids=me),
        "assigned and cleared": Subject(
            stranger, stranger, "yridacj", assigned_ids=me, cleared_ids=me
        ),
        "own and assigned": Subject(here, stranger, "yrou", assigned_ids=me, cleared_ids=me),
        "of my other organisation": Subject(other_home, stranger, "yr"),
        "of my other organisation, assigned": Subject(
            other_home, stranger, "yr", assigned_ids=me, cleared_ids=me
        ),
        "of a conflict": Subject(stranger, stranger, "yi", family_id=RECUSED),
        "of a conflict, assigned": Subject(
            stranger, stranger, "yia", assigned_ids=me, cleared_ids=me, family_id=RECUSED
        ),
        "kept by me": Subject(stranger, stranger, "yridjp", person_id=mine, organisation_id=here),
        "kept by me for my other organisation": Subject(
            stranger, stranger, "yridj", person_id=mine, organisation_id=other_home
        ),
        "kept by a colleague": Subject(stranger, stranger, "yridj", organisation_id=here),
        "sent here": Subject(stranger, here, "yridsj", is_sent=True),
        "addressed here but not sent": Subject(stranger, here, "yridj"),
        "own and opened": Subject(here, stranger, "yroub", is_opened=True),
        "a stranger's, opened": Subject(stranger, stranger, "yridj", is_opened=True),
        "a stranger's, opened and over": Subject(
            stranger, stranger, "yridjfe", is_opened=True, is_ended=True
        ),
    }
    if actor.is_client:
        return {
            name: subjects[name] for name in ("own", "own and sent", "a stranger's", "sent here")
        }
    if actor.person_id is None:
        return {"a stranger's": subjects["a stranger's"]}
    return subjects


def someone(grantees: Iterable[Grantee]) -> Actor:
    home, other = uuid.uuid4(), uuid.uuid4()
    return Actor(
        grantees=frozenset(grantees),
        person_id=uuid.uuid4(),
        organisation_id=home,
        organisation_ids=frozenset({home, other}),
        recused_from=frozenset({RECUSED}),
    )


def program(grantees: Iterable[Grantee]) -> Actor:
    home = uuid.uuid4()
    return Actor(
        grantees=frozenset(grantees),
        organisation_id=home,
        organisation_ids=frozenset({home}),
        client_id=uuid.uuid4(),
        token_id=uuid.uuid4(),
    )


def actor_of(who: Grantee) -> Actor:
    if isinstance(who, Role):
        return someone({who})
    if isinstance(who, Scope):
        return program({who})
    return ANONYMOUS if who is Pseudo.ANONYMOUS else CONSOLE


def test_table_names_every_permission_and_every_kind_of_actor():
    assert {name for name, _ in EXPECTED} == {p.value for p in Permission}
    assert set(PERMISSIONS) == set(Permission)
    assert set(COLUMNS) == {*Role, *Pseudo}
    assert set(SCOPES) <= set(EXPECTED)
    assert set(SCOPES_BY_KIND) == set(OrganisationKind)


def test_reads_and_writes_are_told_apart():
    assert {p.value for p in Permission if not p.is_write} == READS


@pytest.mark.parametrize("who", [*COLUMNS, *Scope], ids=str)
@pytest.mark.parametrize("permission", Permission, ids=str)
def test_right_is_as_the_table_says(permission, who):
    actor, code = actor_of(who), EXPECTED[permission.value, who]
    assert may_somewhere(actor, permission) is (code != ".")
    assert can(actor, permission) is (code != ".")
    for name, subject in subjects_for(actor).items():
        assert can(actor, permission, subject) is (code in subject.kinds), name


def test_absent_permission_is_an_error_and_never_a_pass():
    with pytest.raises(ValueError, match=r"no\.such"):
        can(ANONYMOUS, "no.such")


def test_roles_of_one_person_add_up_but_never_beyond_their_table():
    both = someone({Role.CLERK, Role.APPROVER})
    own = subjects_for(both)["own"]
    assert can(both, Permission.PROJECT_EDIT, own)
    assert can(both, Permission.PROJECT_DECIDE, own)
    assert not can(both, Permission.VENDOR_DECIDE, own)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", Role, ids=str)
def test_strangers_read_404_and_insiders_403(database, role):
    """Every permission on every relation, asked as the services ask it."""
    with db.transaction() as session:
        person = make.person(session)
        kind = make.KIND_OF_ROLE[role]
        at = make.body(session) if kind.value == "body" else make.organisation(session, kind)
        make.membership(session, person, role, at)
        other = make.organisation(session, OrganisationKind.VENDOR)
    actor = make.actor(person, role, at)
    apart = frozenset({RECUSED})
    actor = replace(actor, organisation_ids=frozenset({at.id, other.id}), recused_from=apart)
    with db.reading() as session:
        for permission in Permission:
            for relation, subject in subjects_for(actor).items():
                expected = _expected_answer(permission, role, subject)
                assert _answer(session, actor, permission, subject) is expected, (
                    permission,
                    relation,
                )


def _expected_answer(
    permission: Permission, who: Grantee, subject: Subject
) -> type[Exception] | None:
    if EXPECTED[permission.value, who] in subject.kinds:
        return None
    read = READ_OF.get(permission.value.split(".")[0])
    knows = read is not None and EXPECTED[read, who] in subject.kinds
    return Forbidden if knows else NotFound


def _answer(session, actor, permission, subject) -> type[Exception] | None:
    try:
        require(session, actor, permission, subject)
    except (Forbidden, NotFound, SignInRequired) as error:
        return type(error)
    return None


@pytest.mark.sqlite_only
def test_anonymous_is_asked_to_sign_in(database):
    with db.reading() as session:
        for permission in Permission:
            code = EXPECTED[permission.value, Pseudo.ANONYMOUS]
            expected = None if code == "y" else SignInRequired
            assert _answer(session, ANONYMOUS, permission, None) is expected, permission


def test_right_that_ended_a_moment_ago_is_gone_inside_the_transaction(database):
    with db.transaction() as session:
        at = make.body(session)
        person = make.person(session)
        membership = make.membership(session, person, Role.CLERK, at)
    actor = make.actor(person, Role.CLERK, at)
    with db.transaction() as session:
        assert require(session, actor, Permission.PROJECT_CREATE).has_role(Role.CLERK)
        session.get_one(type(membership), membership.id).ended_at = db.now(session)
    with db.transaction() as session, pytest.raises(Forbidden):
        require(session, actor, Permission.PROJECT_CREATE)


# What the predicates read must stand on every model that is asked about.
SUBJECTS = {
    "comment": (ConsultationComment,),
    "vendor": (Vendor,),
    "offering": (Offering, OfferingVersion, ListingVersion),
    "listing": (Listing, ListingVersion),
    "certification": (Certification,),
    "project": (Project,),
    "evidence": (Project,),
    "estimated_price": (EstimatedPrice,),
    "request": (UsageContractRequest,),
    "contract": (Contract,),
    "audit": (Project,),
}
NEEDED = {
    "o": ("owner_id",),
    "i": ("owner_id",),
    "a": ("owner_id", "assigned_ids"),
    "r": ("family_id",),
    "j": ("owner_id", "family_id"),
    "c": ("owner_id", "cleared_ids", "family_id"),
    "d": ("owner_id", "assigned_ids", "cleared_ids", "family_id"),
    "s": ("addressee_id", "is_sent"),
    "u": ("owner_id", "is_sent"),
    "t": ("owner_id", "is_sent"),
    "n": ("owner_id", "reader_ids"),
    "e": ("is_ended",),
}


@pytest.mark.parametrize("permission", Permission, ids=str)
def test_models_hold_what_the_predicates_read(permission):
    codes = {EXPECTED[permission.value, who] for who in COLUMNS}
    noun = permission.value.split(".")[0]
    read = READ_OF.get(noun)
    codes |= {EXPECTED[read, who] for who in COLUMNS} if read else set()
    for model in SUBJECTS.get(noun, ()):
        for name in {name for code in codes for name in NEEDED.get(code, ())}:
            assert hasattr(model, name), f"{model.__name__}.{name}"
