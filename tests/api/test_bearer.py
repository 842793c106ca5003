"""A program is known by its token alone, for as long as token, program and organisation are live."""

import pytest
from sqlmodel import col, select

from accounts import queries as people
from accounts.clients import queries
from accounts.clients.models import AccessToken, ApiClient, ClientAction
from accounts.identity import Actor, Scope
from accounts.models import Role
from accounts.permissions import Permission, require
from accounts.services import hash_token
from core import audit, audit_checkpoints, db
from core.errors import InsufficientScope, InvalidToken, NotFound
from tests import factories
from vendors.models import Vendor, VendorAction

OFFERINGS = "/api/v1/offerings"
CHANGES = "/api/v1/changes?since=0"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def seller(database):
    with db.transaction() as session:
        return factories.vendor(session)


@pytest.fixture
def program(seller):
    with db.transaction() as session:
        owner = people.get_organisation(session, seller.owner_id)
        return factories.api_client(session, owner)


def ask(client, token, path=OFFERINGS):
    return client.get(path, headers=bearer(token))


def test_token_opens_what_its_scopes_name_and_says_what_is_missing(client, seller):
    with db.transaction() as session:
        owner = people.get_organisation(session, seller.owner_id)
        _, token = factories.api_client(session, owner, [Scope.CATALOG_READ])
    answer = ask(client, token)
    assert answer.status_code == 200
    assert "Authorization" in answer.headers["Vary"]
    assert "public" not in answer.headers["Cache-Control"]
    refused = ask(client, token, CHANGES)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert refused.json["type"] == "/docs/problems#insufficient_scope"
    assert "feed.read" in refused.json["detail"]
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge == 'Bearer realm="narabi", error="insufficient_scope", scope="feed.read"'
    assert ask(client, token, "/api/v1/openapi.json").status_code == 200
    anyone = client.get(OFFERINGS)
    assert "Authorization" in anyone.headers["Vary"]
    assert anyone.headers["Cache-Control"] == "public, no-cache"


def test_what_is_no_live_token_is_refused_alike(client, program, hold_clock):
    made, token = program
    for header in (
        "Bearer nrt_unknown",
        f"Bearer {token}x",
        f"Bearer  {token}",
        "Bearer ",
        "Bearer",
        f"Basic {token}",
        token,
        f"Bearer {'a' * 5_000}",
    ):
        answer = client.get(OFFERINGS, headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.json["type"] == "/docs/problems#invalid_token"
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="narabi", error="inv')
        assert token not in answer.text
    assert client.get(f"{OFFERINGS}?access_token={token}").status_code == 400
    assert ask(client, token).status_code == 200
    with db.reading() as session:
        row = session.get_one(ApiClient, made.id)
        assert row.last_used_at is not None
        ends = queries.find_token(session, hash_token(token)).expires_at
    hold_clock(ends)
    assert ask(client, token).status_code == 401


@pytest.mark.parametrize("how", ["token", "client", "scope", "vendor"])
def test_token_ends_at_the_next_call_and_inside_the_transaction(client, seller, program, how):
    made, token = program
    with db.reading() as session:
        row = queries.find_token(session, hash_token(token))
    actor = Actor(
        grantees=frozenset({Scope.OFFERING_WRITE}),
        organisation_id=seller.owner_id,
        client_id=made.id,
        token_id=row.id,
    )
    with db.transaction() as session:
        require(session, actor, Permission.OFFERING_CREATE)
    with db.transaction() as session:
        moment = db.now(session)
        if how == "token":
            session.get_one(AccessToken, row.id).revise(revoked_at=moment)
        elif how == "client":
            session.get_one(ApiClient, made.id).apply(ClientAction.REVOKE, revoked_at=moment)
        elif how == "scope":
            session.get_one(ApiClient, made.id).revise(scopes=["catalog.read"])
        else:
            session.get_one(Vendor, seller.id).apply(VendorAction.SUSPEND, suspended_at=moment)
    expected = InsufficientScope if how == "scope" else InvalidToken
    with pytest.raises(expected), db.transaction() as session:
        require(session, actor, Permission.OFFERING_CREATE)
    assert ask(client, token).status_code == (200 if how == "scope" else 401)
    assert client.get(OFFERINGS).status_code == 200
    if how == "vendor":
        with db.transaction() as session:
            session.get_one(Vendor, seller.id).apply(VendorAction.RESUME, suspended_at=None)
        assert ask(client, token).status_code == 200


def test_cookie_of_a_person_counts_for_nothing_in_the_api(client, program):
    _, token = program
    with db.transaction() as session:
        operator = factories.person(session, Role.OPERATOR)
    factories.sign_in_client(client, operator)
    assert client.get("/account/identities").status_code == 200
    assert client.get(OFFERINGS).status_code == 200
    assert ask(client, "wrong").status_code == 401
    assert client.get("/account/identities", headers=bearer("wrong")).status_code == 200
    client.delete_cookie("narabi_session")
    assert client.get("/account/identities", headers=bearer(token)).status_code == 303


def test_others_things_are_not_there_for_a_program_and_the_trail_names_it(
    database, seller, program
):
    made, token = program
    with db.transaction() as session:
        version = factories.specification(session)
        rival = factories.vendor(session)
        theirs = factories.offering(session, rival, version)
        row = queries.find_token(session, hash_token(token))
    actor = Actor(
        grantees=frozenset({Scope.OFFERING_WRITE}),
        organisation_id=seller.owner_id,
        client_id=made.id,
        client_name=made.name,
        token_id=row.id,
    )
    for permission in (Permission.OFFERING_EDIT, Permission.OFFERING_SUBMIT):
        with pytest.raises(NotFound), db.transaction() as session:
            require(session, actor, permission, theirs)
    with db.reading() as session:
        event = session.exec(
            select(audit.AuditEvent).order_by(col(audit.AuditEvent.sequence).desc())
        ).first()
        assert event is not None
        detail = session.get_one(audit.AuditDetail, event.sequence).detail
        assert (event.action, event.outcome) == ("offering.submit", audit.Outcome.REFUSED)
        assert event.organisation_id == seller.owner_id
        assert event.person_id is None
        assert (detail["client_id"], detail["client_name"]) == (str(made.id), made.name)
        assert audit_checkpoints.verify(session).problems == ()
