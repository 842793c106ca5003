"""The authorisation server: who gets which token, how it ends, and what is not believed."""

import base64
import hmac
import json
import logging
import uuid
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from sqlmodel import select

from accounts.clients import queries
from accounts.clients.keys import read_keys
from accounts.clients.models import AccessToken, ApiClient, AuthMethod, ClientAction
from accounts.identity import SCOPES_BY_KIND, Scope
from accounts.models import Organisation, OrganisationKind
from accounts.services import hash_token
from core import audit, clock, db
from core.errors import Invalid
from tests import factories
from vendors.models import Vendor, VendorAction

TOKEN, REVOKE, INTROSPECT = "/oauth/token", "/oauth/revoke", "/oauth/introspect"
AUDIENCE = "http://localhost/oauth/token"
GRANT = {"grant_type": "client_credentials"}
ASSERTED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEY = ECKey.generate_key("P-256", {"kid": "first"})


def owner_of(session, vendor):
    return session.get_one(Organisation, vendor.owner_id)


@pytest.fixture
def vendor(database):
    with db.transaction() as session:
        return factories.vendor(session)


@pytest.fixture
def program(vendor):
    with db.transaction() as session:
        made, _ = factories.api_client(session, owner_of(session, vendor))
        return made


@pytest.fixture
def signer(vendor):
    """A client that signs with KEY."""
    with db.transaction() as session:
        method = {"auth_method": AuthMethod.PRIVATE_KEY_JWT}
        jwks = read_keys(json.dumps(KEY.as_dict(private=False)))
        made, _ = factories.api_client(session, owner_of(session, vendor), jwks=jwks, **method)
        return made


def basic(row):
    return (str(row.id), factories.secret_of(row.id))


def ask(client, row, path=TOKEN, **values):
    return client.post(path, data={**(GRANT if path == TOKEN else {}), **values}, auth=basic(row))


def state(row, key=KEY, *, algorithm="ES256", header=None, **changes):
    """Sign a statement of the client; a claim that is None is left out."""
    moment = int(clock.utcnow().timestamp())
    claims = {
        "iss": str(row.id),
        "sub": str(row.id),
        "aud": AUDIENCE,
        "exp": moment + 120,
        "iat": moment,
        "jti": uuid.uuid4().hex,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    heads = {"alg": algorithm, "kid": "first"} if header is None else header
    return jwt.encode(heads, claims, key, algorithms=[algorithm])


def shared(assertion, secret):
    """Sign the claims of a statement anew, with what everyone knows as if it were shared."""
    head = _packed(json.dumps({"alg": "HS256", "kid": "first"}).encode())
    signed = f"{head}.{assertion.split('.')[1]}"
    return f"{signed}.{_packed(hmac.digest(secret, signed.encode(), 'sha256'))}"


def nested(claims):
    return ".".join([_packed(b'{"alg":"ES256","kid":"first"}'), _packed(claims), "YQ"])


def _packed(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def sign_on(client, assertion, **values):
    told = {**GRANT, "client_assertion_type": ASSERTED, "client_assertion": assertion}
    return client.post(TOKEN, data={**told, **values})


def opens(client, token, path="/api/v1/offerings"):
    return client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.acceptance(33)
def test_secret_gives_a_short_token_that_ends_at_the_next_call(client, program, hold_clock):
    answer = ask(client, program)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 600)
    assert set(told["scope"].split()) == {s.value for s in SCOPES_BY_KIND[OrganisationKind.VENDOR]}
    assert "refresh_token" not in told
    token = told["access_token"]
    assert opens(client, token)
    posted = {"client_id": str(program.id), "client_secret": factories.secret_of(program.id)}
    other = client.post(TOKEN, data={**GRANT, **posted, "scope": "catalog.read"}).json
    assert other["scope"] == "catalog.read"
    assert opens(client, other["access_token"])
    assert not opens(client, other["access_token"], "/api/v1/changes?since=0")
    assert ask(client, program, INTROSPECT, token=token).json["active"] is True
    assert ask(client, program, REVOKE, token=token).status_code == 200
    assert ask(client, program, REVOKE, token=token).status_code == 200
    assert ask(client, program, REVOKE, token="nrt_unknown").status_code == 200
    assert not opens(client, token)
    assert ask(client, program, INTROSPECT, token=token).json == {"active": False}
    assert opens(client, other["access_token"])
    hold_clock(clock.utcnow() + timedelta(minutes=10))
    assert not opens(client, other["access_token"])
    with db.reading() as session:
        row = session.get_one(ApiClient, program.id)
        assert row.last_used_at is not None
        kept = "".join(repr(each) for each in session.exec(select(AccessToken)))
    assert token not in kept
    assert factories.secret_of(program.id) not in repr(row)


def test_scope_is_never_more_than_the_client_has_and_never_less_in_silence(client, database):
    with db.transaction() as session:
        body = factories.body(session)
        town, _ = factories.api_client(session, body, ["project.read", "feed.read"])
        # A row that should not be: the kind of organisation bounds it all the same.
        vendor = owner_of(session, factories.vendor(session))
        greedy, stray = factories.api_client(session, vendor, ["project.read", "catalog.read"])
    for scope in (
        "offering.write",
        "project.read offering.write",
        "project.read project.read",
        "certification.decide",
        "*",
        "PROJECT.READ",
        "catalog.read",
    ):
        refused = ask(client, town, scope=scope)
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope"), scope
    assert ask(client, town, scope="project.read").json["scope"] == "project.read"
    assert ask(client, greedy).json["scope"] == "catalog.read"
    assert ask(client, greedy, scope="project.read").json["error"] == "invalid_scope"
    with db.reading() as session:
        row = queries.find_token(session, hash_token(stray))
        assert "project.read" in row.scopes
    assert opens(client, stray)
    told = ask(client, greedy, INTROSPECT, token=stray).json
    assert told["scope"] == "catalog.read"


def test_wrong_or_ended_credentials_are_all_refused_alike(client, program, vendor):
    good = factories.secret_of(program.id)
    known = str(program.id)
    answers = [
        client.post(TOKEN, data=GRANT, auth=pair)
        for pair in (
            (known, "wrong"),
            (known, ""),
            (known, good.upper()),
            (str(uuid.uuid4()), good),
            ("not-a-uuid", good),
            ("", good),
        )
    ]
    answers.append(client.post(TOKEN, data=GRANT))
    answers.append(client.post(TOKEN, data={**GRANT, "client_id": known}))
    with db.transaction() as session:
        moment = db.now(session)
        session.get_one(Vendor, vendor.id).apply(VendorAction.SUSPEND, suspended_at=moment)
    answers.append(ask(client, program))
    with db.transaction() as session:
        session.get_one(Vendor, vendor.id).apply(VendorAction.RESUME, suspended_at=None)
    assert ask(client, program).status_code == 200
    with db.transaction() as session:
        moment = db.now(session)
        session.get_one(ApiClient, program.id).apply(ClientAction.REVOKE, revoked_at=moment)
    answers.append(ask(client, program))
    assert {each.status_code for each in answers} == {401}
    assert len({each.get_data() for each in answers}) == 1
    assert answers[0].json["error"] == "invalid_client"
    assert answers[0].headers["WWW-Authenticate"].startswith("Basic ")


def test_unclear_requests_are_refused_before_any_secret_is_looked_at(client, program):
    pair = basic(program)
    posted = {**GRANT, "client_id": pair[0], "client_secret": pair[1]}
    unclear = [
        client.post(f"{TOKEN}?grant_type=client_credentials", data=GRANT, auth=pair),
        client.post(TOKEN, json=GRANT, auth=pair),
        client.post(TOKEN, data=posted, auth=pair),
        client.post(TOKEN, data={**GRANT, "grant_type": ["client_credentials"] * 2}, auth=pair),
        client.post(TOKEN, data={"scope": "feed.read"}, auth=pair),
        client.post(REVOKE, data={"token": ""}, auth=pair),
        client.post(INTROSPECT, data={"token": "a\x00b"}, auth=pair),
    ]
    told = [(each.status_code, each.json.get("error", each.text)) for each in unclear]
    assert set(told) == {(400, "invalid_request")}
    for grant in ("password", "authorization_code", "refresh_token", "implicit"):
        refused = client.post(TOKEN, data={"grant_type": grant, "username": "a"}, auth=pair)
        assert (refused.status_code, refused.json["error"]) == (400, "unsupported_grant_type")
    assert client.get(TOKEN).status_code == 405
    assert client.get(TOKEN).mimetype == "application/problem+json"


def test_wrong_secrets_are_counted_for_one_client_of_one_network(app, client, program, vendor):
    app.config["NARABI"] = app.config["NARABI"].model_copy(update={"client_attempts": 3})
    with db.transaction() as session:
        neighbour, _ = factories.api_client(session, owner_of(session, vendor))
    wrong = (str(program.id), "wrong")
    for _ in range(3):
        assert client.post(TOKEN, data=GRANT, auth=wrong).status_code == 401
    stopped = client.post(TOKEN, data=GRANT, auth=wrong)
    assert (stopped.status_code, stopped.mimetype) == (429, "application/problem+json")
    assert 0 < int(stopped.headers["Retry-After"]) <= 3_600
    assert ask(client, program).status_code == 429
    assert ask(client, neighbour).status_code == 200
    elsewhere = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert client.post(TOKEN, data=GRANT, auth=basic(program), **elsewhere).status_code == 200


def test_nobody_learns_of_or_ends_anothers_token_but_operators_look(client, database):
    with db.transaction() as session:
        mine, token = factories.api_client(session, owner_of(session, factories.vendor(session)))
        rival, _ = factories.api_client(session, owner_of(session, factories.vendor(session)))
        agency = factories.organisation(session, OrganisationKind.AGENCY)
        operators, _ = factories.api_client(session, agency)
    assert ask(client, rival, INTROSPECT, token=token).json == {"active": False}
    assert ask(client, rival, REVOKE, token=token).json["error"] == "invalid_grant"
    assert ask(client, operators, REVOKE, token=token).status_code == 400
    assert opens(client, token)
    told = ask(client, operators, INTROSPECT, token=token).json
    assert (told["active"], told["client_id"]) == (True, str(mine.id))
    assert told["exp"] > told["iat"]
    assert ask(client, operators, INTROSPECT, token="nrt_x").json == {"active": False}


def test_former_secret_is_good_for_a_day_and_no_longer(client, program, hold_clock):
    with db.transaction() as session:
        row = session.get_one(ApiClient, program.id)
        until = db.now(session) + timedelta(hours=24)
        former = {"former_secret_hash": row.secret_hash, "former_secret_until": until}
        row.revise(secret_hash=hash_token("another"), **former)
    assert ask(client, program).status_code == 200
    assert client.post(TOKEN, data=GRANT, auth=(str(program.id), "another")).status_code == 200
    hold_clock(until)
    assert ask(client, program).status_code == 401
    assert client.post(TOKEN, data=GRANT, auth=(str(program.id), "another")).status_code == 200


@pytest.mark.acceptance(33)
def test_signed_statement_is_good_once_on_any_node(client, app, signer, settings):
    from app import create_app

    assertion = state(signer)
    assert sign_on(client, assertion).status_code == 200
    replay = sign_on(client, assertion)
    assert (replay.status_code, replay.json["error"]) == (401, "invalid_client")
    node = create_app(settings.model_copy(update={"data_dir": settings.data_dir / "other"}))
    assert sign_on(node.test_client(), assertion).status_code == 401
    assert sign_on(node.test_client(), state(signer)).status_code == 200
    assert sign_on(client, state(signer, aud=[AUDIENCE])).status_code == 200


def test_statements_that_prove_nothing_are_not_believed(app, client, signer, program, hold_clock):
    hold_clock(clock.utcnow())
    app.config["NARABI"] = app.config["NARABI"].model_copy(update={"client_attempts": 100})
    moment = int(clock.utcnow().timestamp())
    stranger = ECKey.generate_key("P-256", {"kid": "first"})
    bare = {"alg": "ES256"}
    hostile = {
        "another's key": state(signer, stranger),
        "public key as shared secret": shared(state(signer), KEY.as_pem(private=False)),
        "nested without end": nested(b"[" * 200_000),
        "nested claims without end": nested(b'{"sub":' * 3_000),
        "a kid nobody has": state(signer, header={"alg": "ES256", "kid": "second"}),
        "key brought along": state(
            signer, stranger, header={**bare, "jwk": stranger.as_dict(private=False)}
        ),
        "another algorithm": state(
            signer, RSAKey.generate_key(2048, {"kid": "first"}), algorithm="RS384"
        ),
        "no issuer": state(signer, iss=None),
        "no subject": state(signer, sub=None),
        "no audience": state(signer, aud=None),
        "no end": state(signer, exp=None),
        "no number": state(signer, jti=None),
        "empty number": state(signer, jti=""),
        "number that is none": state(signer, jti=["a"]),
        "another issuer": state(signer, iss=str(program.id)),
        "another subject": state(signer, sub=str(program.id)),
        "another audience": state(signer, aud="http://localhost/api/v1"),
        "the site as audience": state(signer, aud="http://localhost"),
        "two audiences": state(signer, aud=[AUDIENCE, "https://evil.example"]),
        "expired": state(signer, exp=moment - 31),
        "for an hour": state(signer, exp=moment + 3_600),
        "for ever": state(signer, exp=10**15),
        "end in words": state(signer, exp="tomorrow"),
        "not yet": state(signer, nbf=moment + 60),
        "from tomorrow": state(signer, iat=moment + 86_400),
        "not signed": "eyJhbGciOiJub25lIn0." + state(signer).split(".")[1] + ".",
        "cut": state(signer)[:-8],
        "no statement": "a.b.c",
        "empty": " ",
        "for a client with a secret": state(program),
    }
    for what, assertion in hostile.items():
        refused = sign_on(client, assertion)
        assert refused.status_code == 401, what
        assert refused.json["error"] == "invalid_client", what
    secret = client.post(TOKEN, data=GRANT, auth=(str(signer.id), ""))
    assert secret.status_code == 401
    both = sign_on(client, state(signer), client_id=str(signer.id), client_secret="x")
    assert both.status_code == 400
    named = sign_on(client, state(signer), client_id=str(program.id))
    assert named.status_code in {200, 401}
    assert sign_on(client, state(signer, header=bare)).status_code in {200, 401}
    assert sign_on(client, state(signer)).status_code == 200


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048), "RS256"),
        (RSAKey.generate_key(2048), "PS256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
    ids=["RS256", "PS256", "Ed25519"],
)
def test_every_kind_of_key_that_the_metadata_names_works(client, vendor, key, algorithm):
    with db.transaction() as session:
        jwks = read_keys(key.as_pem(private=False).decode())
        method = {"auth_method": AuthMethod.PRIVATE_KEY_JWT}
        row, _ = factories.api_client(session, owner_of(session, vendor), jwks=jwks, **method)
    kid = json.loads(jwks)["keys"][0]["kid"]
    told = client.get("/.well-known/oauth-authorization-server").json
    assert algorithm in told["token_endpoint_auth_signing_alg_values_supported"]
    heads = {"alg": algorithm, "kid": kid}
    assert sign_on(client, state(row, key, algorithm=algorithm, header=heads)).status_code == 200


def test_only_public_signing_keys_are_taken():
    for text, word in (
        ("", "読み取れません"),
        ("{", "読み取れません"),
        ("[]", "1つ以上"),
        ('{"keys": []}', "1つ以上"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "読み取れません"),
        (json.dumps(KEY.as_dict(private=True)), "秘密の鍵"),
        (KEY.as_pem(private=True).decode(), "秘密の鍵"),
        (json.dumps(OctKey.generate_key(256).as_dict(private=True)), "秘密の鍵"),
        (json.dumps(ECKey.generate_key("P-384").as_dict(private=False)), "曲線"),
        (json.dumps({"keys": [KEY.as_dict(private=False)] * 2}), "同じ名前"),
        (json.dumps({"keys": [KEY.as_dict(private=False)] * 6}), "5つ以下"),
        (json.dumps({**KEY.as_dict(private=False), "use": "enc"}), "sig"),
        ("[" * 3_000, "読み取れません"),
        ("x" * 20_001, "長すぎます"),
    ):
        with pytest.raises(Invalid, match=word):
            read_keys(text)


def test_metadata_names_what_is_there_and_nothing_else(client, database):
    told = client.get("/.well-known/oauth-authorization-server").json
    assert told["issuer"] == "http://localhost"
    assert told["token_endpoint"] == AUDIENCE
    assert told["grant_types_supported"] == ["client_credentials"]
    assert told["response_types_supported"] == []
    assert told["scopes_supported"] == [scope.value for scope in Scope]
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    for name in ("token", "revocation", "introspection"):
        assert client.post(told[f"{name}_endpoint"].removeprefix("http://localhost")).status_code
        assert told[f"{name}_endpoint_auth_methods_supported"] == methods


def test_neither_secret_nor_token_is_ever_written_to_a_log(client, program, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    token = ask(client, program).json["access_token"]
    client.post(TOKEN, data=GRANT, auth=(str(program.id), "wrong-secret-of-mine"))
    opens(client, token)
    client.get("/api/v1/none", headers={"Authorization": f"Bearer {token}"})
    ask(client, program, REVOKE, token=token)
    opens(client, token)
    written = caplog.text + "".join(capfd.readouterr())
    for secret in (token, factories.secret_of(program.id), "wrong-secret-of-mine"):
        assert secret not in written
    with db.reading() as session:
        trail = repr(session.exec(select(audit.AuditDetail)).all())
    assert token not in trail
