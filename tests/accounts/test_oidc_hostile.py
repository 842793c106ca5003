"""An identity provider, or somebody in between, that lies: nobody is signed in, and it is written down.

The protocol knows no database, so one of them is enough.
"""

import hmac
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlmodel import func, select
from werkzeug.wrappers import Response

import tests.factories as make
from accounts import oauth
from accounts.models import ExternalIdentity, Organisation, Person, Role, SignIn, SignInAttempt
from core import db
from core.audit import AuditDetail, AuditEvent, Outcome
from core.audit_checkpoints import verify
from core.clock import utcnow
from core.http import Limits
from tests.accounts.oidc_provider import COMPANY, PROFILE, LocalProvider, part
from tests.page_checks import text_of

pytestmark = pytest.mark.sqlite_only

Lie = Callable[[LocalProvider], None]
AWAY = "http://169.254.169.254/latest/meta-data/"


def telling(**claims: Any) -> Lie:
    """Write over claims of the id_token; a function gets the moment."""

    def lie(provider: LocalProvider) -> None:
        moment = int(time.time())
        provider.claims = {n: v(moment) if callable(v) else v for n, v in claims.items()}

    return lie


def silent_about(*names: str) -> Lie:
    return lambda provider: provider.without.update(names)


def signing(header: dict[str, Any], key: str = "key") -> Lie:
    """Sign with a key of the provider object under a header."""

    def lie(provider: LocalProvider) -> None:
        chosen = getattr(provider, key)
        provider.sign = lambda claims: provider.signed_by(chosen, header, claims)

    return lie


def with_public_key_as_secret(provider: LocalProvider) -> None:
    """The old confusion: whoever takes the algorithm from the token checks an HMAC with a public key."""
    header = {"alg": "HS256", "kid": "k1"}
    secret = provider.key.as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:
        signing = f"{part(header)}.{part(claims)}"
        return f"{signing}.{part(hmac.digest(secret, signing.encode(), 'sha256'))}"

    provider.sign = sign


def with_key_in_header(name: str) -> Lie:
    def lie(provider: LocalProvider) -> None:
        value: Any = {"jwk": provider.foreign.as_dict(private=False)}.get(
            name, f"{provider.origin}/evil"
        )
        header = {"alg": "RS256", "kid": "k1", name: value}
        provider.sign = lambda claims: provider.signed_by(provider.foreign, header, claims)

    return lie


def without_last_character(provider: LocalProvider) -> None:
    def sign(claims: dict[str, Any]) -> str:
        head, payload, signature = provider.signed(claims).split(".")
        return f"{head}.{payload}.{'A' * len(signature)}"

    provider.sign = sign


def bringing(**parameters: Any) -> Lie:
    """Change what the browser brings back; None leaves a parameter out."""
    return lambda provider: provider.parameters.update(parameters)


def of_profile(subject: str = "taro", **values: Any) -> Lie:
    def lie(provider: LocalProvider) -> None:
        provider.subject = subject
        provider.profile |= values

    return lie


def publishing(**values: Any) -> Lie:
    return lambda provider: provider.metadata.update(values)


def userinfo(response: Callable[[], Response]) -> Lie:
    def lie(provider: LocalProvider) -> None:
        provider.userinfo_answer = response

    return lie


def tokens(response: Callable[[dict[str, Any]], Response]) -> Lie:
    def lie(provider: LocalProvider) -> None:
        provider.token_answer = response

    return lie


def dripping(_grant: dict[str, Any]) -> Response:
    """Answer byte by byte: no pause is long, the whole is."""

    def drip():
        for _ in range(40):
            time.sleep(0.05)
            yield b" "

    return Response(drip(), content_type="application/json")


def publishing_weak_key(provider: LocalProvider) -> None:
    modulus = part(((1 << 1023) + 1).to_bytes(128))
    provider.keys = [{"kty": "RSA", "kid": "k1", "n": modulus, "e": "AQAB"}]


# what the lie is: the lie, the reason in the trail, words of the way to get on
LIES: dict[str, tuple[Lie, str, str]] = {
    "alg none": (signing({"alg": "none"}), "id_token.alg", "もう一度"),
    "public key as HMAC secret": (with_public_key_as_secret, "id_token.alg", "もう一度"),
    "alg none, disguised": (signing({"alg": "nOnE", "kid": "k1"}), "id_token.alg", "もう一度"),
    "signed by a foreign key": (
        signing({"alg": "RS256", "kid": "k1"}, "foreign"),
        "id_token.signature",
        "もう一度",
    ),
    "signature blanked": (without_last_character, "id_token.signature", "もう一度"),
    "foreign key in the header": (with_key_in_header("jwk"), "id_token.header", "もう一度"),
    "foreign key address": (with_key_in_header("jku"), "id_token.header", "もう一度"),
    "foreign certificate address": (with_key_in_header("x5u"), "id_token.header", "もう一度"),
    "critical extension": (
        signing({"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": False}),
        "id_token.header",
        "もう一度",
    ),
    "unknown key": (signing({"alg": "RS256", "kid": "k2"}, "foreign"), "id_token.kid", "もう一度"),
    "weak key": (publishing_weak_key, "id_token.kid", "もう一度"),
    "no JWT at all": (
        lambda provider: setattr(provider, "sign", lambda _: "nonsense"),
        "id_token.form",
        "もう一度",
    ),
    "another issuer": (telling(iss="https://evil.example/"), "id_token.iss", "もう一度"),
    "issuer without its slash": (
        lambda provider: provider.claims.update(iss=provider.issuer.rstrip("/")),
        "id_token.iss",
        "もう一度",
    ),
    "another audience": (telling(aud="somebody-else"), "id_token.aud", "もう一度"),
    "audience of several for a foreign party": (
        telling(aud=["narabi", "somebody-else"], azp="somebody-else"),
        "id_token.azp",
        "もう一度",
    ),
    "audience of several for nobody": (
        telling(aud=["narabi", "somebody-else"]),
        "id_token.azp",
        "もう一度",
    ),
    "foreign party": (telling(azp="somebody-else"), "id_token.azp", "もう一度"),
    "no nonce": (silent_about("nonce"), "id_token.nonce", "もう一度"),
    "wrong nonce": (telling(nonce="of another sign-in"), "id_token.nonce", "もう一度"),
    "expired": (telling(exp=lambda now: now - 61), "id_token.exp", "もう一度"),
    "without an end": (silent_about("exp"), "id_token.exp", "もう一度"),
    "issued in the future": (telling(iat=lambda now: now + 300), "id_token.iat", "もう一度"),
    "valid in the future": (telling(nbf=lambda now: now + 300), "id_token.nbf", "もう一度"),
    "no subject": (silent_about("sub"), "id_token.sub", "もう一度"),
    "blank subject": (telling(sub=""), "id_token.sub", "もう一度"),
    "subject of another type": (telling(sub=7), "id_token.sub", "もう一度"),
    "hash of another access token": (telling(at_hash="AAAA"), "id_token.at_hash", "もう一度"),
    "seen in the future": (
        telling(auth_time=lambda now: now + 300),
        "id_token.auth_time",
        "もう一度",
    ),
    "wrong state": (bringing(state="invented"), "state", "もう一度"),
    "no state": (bringing(state=None), "state", "もう一度"),
    "no code": (bringing(code=None), "answer.code", "もう一度"),
    "invented code": (bringing(code="invented"), "token.error", "もう一度"),
    "answer of another issuer": (bringing(iss="https://evil.example/"), "answer.iss", "もう一度"),
    "cancelled": (bringing(error="access_denied", code=None), "cancelled", "もう一度ボタン"),
    "error": (bringing(error="server_error"), "answer.error", "もう一度"),
    "userinfo of somebody else": (
        userinfo(lambda: LocalProvider.json({**PROFILE, "sub": "jiro"})),
        "userinfo.sub",
        "もう一度",
    ),
    "userinfo without a subject": (
        userinfo(lambda: LocalProvider.json(PROFILE)),
        "userinfo.sub",
        "もう一度",
    ),
    "userinfo refused": (
        userinfo(lambda: LocalProvider.json({"error": "invalid_token"}, 401)),
        "userinfo.error",
        "もう一度",
    ),
    "userinfo no object": (userinfo(lambda: Response("[1]")), "userinfo.error", "もう一度"),
    "userinfo no JSON": (userinfo(lambda: Response("<p>")), "userinfo.error", "もう一度"),
    "entry account": (of_profile(account_type="1"), "account_type", "プライムを取得"),
    "unknown account type": (of_profile(account_type="9"), "account_type", "プライムを取得"),
    "wrong check digit": (
        of_profile("new", corporate_number="9000012010038"),
        "corporate_number",
        "登録内容を確かめて",
    ),
    "no corporate number": (
        of_profile("new", corporate_number="", corp_type="2"),
        "no_corporate_number",
        "問い合わせ先",
    ),
    "known person of another company": (
        of_profile(corporate_number=make.corporate_number(77)),
        "company_changed",
        "今の会社の管理者",
    ),
    "address of an account, unverified": (
        of_profile("new", email="known@sample.example.jp", email_verified=False),
        "email_taken",
        "これまでの方法でサインイン",
    ),
    "address of an account, verified": (
        of_profile("new", email="KNOWN@sample.example.jp", email_verified=True),
        "email_taken",
        "これまでの方法でサインイン",
    ),
    "bidirectional name": (of_profile("new", name="見本\u202e社"), "told.values", "もう一度"),
    "no address": (of_profile("new", email=""), "told.missing", "GビズIDに登録"),
    "token without an id_token": (
        tokens(lambda _: LocalProvider.json({"access_token": "a", "token_type": "Bearer"})),
        "token.incomplete",
        "もう一度",
    ),
    "token of another type": (
        tokens(
            lambda _: LocalProvider.json(
                {"access_token": "a", "id_token": "b", "token_type": "mac"}
            )
        ),
        "token.type",
        "もう一度",
    ),
    "token answer sent inward": (
        tokens(lambda _: Response(status=307, headers={"Location": AWAY})),
        "token.redirect",
        "もう一度",
    ),
    "token address inward": (
        publishing(token_endpoint="https://169.254.169.254/token"),
        "token.inward",
        "もう一度",
    ),
    "token address in the clear": (
        publishing(token_endpoint="http://198.51.100.7/token"),
        "token.plain",
        "もう一度",
    ),
    "key address inward": (
        publishing(jwks_uri="https://127.0.0.1:1/keys"),
        "provider.inward",
        "少し待って",
    ),
    "huge answer": (
        userinfo(lambda: Response(b" " * 300_000, content_type="application/json")),
        "userinfo.large",
        "もう一度",
    ),
    "dripping answer": (tokens(dripping), "token.slow", "少し待って"),
}


@pytest.fixture
def victim(database, provider):
    """A vendor's administrator, bound to the subject; and an account with a known address."""
    with db.transaction() as session:
        vendor = make.vendor(session, corporate_number=COMPANY)
        home = session.get(Organisation, vendor.owner_id)
        person = make.person(session, Role.VENDOR_ADMIN, home)
        make.person(session, Role.CLERK, email="known@sample.example.jp")
        identity = ExternalIdentity(
            person_id=person.id,
            provider="gbiz",
            issuer=provider.issuer,
            subject="taro",
            corporate_number=COMPANY,
        )
        session.add(identity)
    return person


def count(model) -> int:
    with db.reading() as session:
        return session.exec(select(func.count()).select_from(model)).one()


def refusals():
    """The refused sign-ins of the trail, with their details."""
    with db.reading() as session:
        assert verify(session).problems == ()
        rows = session.exec(
            select(AuditEvent, AuditDetail)
            .join(AuditDetail, AuditDetail.sequence == AuditEvent.sequence)
            .where(AuditEvent.action == "account.oidc_sign_in")
        ).all()
        assert all(event.outcome is Outcome.REFUSED for event, _ in rows)
        return [detail.detail for _, detail in rows]


def assert_nobody(client, response, reason: str, way: str) -> None:
    """Refused, told how to get on, written down without personal data, and nobody signed in."""
    assert response.status_code == 403
    assert client.get_cookie("narabi_session") is None
    assert client.get("/account/identities").status_code == 303
    assert way in response.text
    assert "何も変わっていません" in response.text
    assert "GビズIDでサインインする" in response.text
    told = refusals()
    assert told == [{"provider": "gbiz", "reason": reason}]
    assert not any(word in str(told) for word in ("taro", "花子", "@", COMPANY))


@pytest.mark.parametrize("name", LIES)
def test_lie_signs_nobody_in(client, provider, journey, victim, monkeypatch, name):
    lie, reason, way = LIES[name]
    monkeypatch.setattr(oauth, "_LIMITS", Limits(seconds=1, body_bytes=262_144))
    people, bonds = count(Person), count(ExternalIdentity)
    address = journey(client)
    lie(provider)
    oauth.forget_documents()
    response = client.get("/sign-in/gbiz/callback?" + urlencode(provider.grant(address)))
    assert_nobody(client, response, reason, way)
    assert (count(Person), count(ExternalIdentity), count(SignIn)) == (people, bonds, 0)
    assert not [path for path in provider.asked if path in {"/evil", "/latest/meta-data/"}]


def test_truth_signs_in(client, provider, journey, victim):
    address = journey(client)
    response = client.get("/sign-in/gbiz/callback?" + urlencode(provider.grant(address)))
    assert (response.status_code, response.location) == (303, "/")
    assert f"{victim.name}さん" in text_of(client.page("/"))
    assert refusals() == []


def test_answer_counts_once_and_in_its_own_browser_only(
    client, provider, journey, victim, new_client
):
    address = journey(client)
    back = "/sign-in/gbiz/callback?" + urlencode(provider.grant(address))
    stranger = new_client()
    assert_nobody(stranger, stranger.get(back), "state", "もう一度")
    way = {name: value for name, value in client._cookies.items() if "narabi_way" in str(name)}
    assert way
    assert client.get(back).status_code == 303
    token = client.get_cookie("narabi_session").value
    client.delete_cookie("narabi_session")
    client._cookies.update(way)
    assert client.get(back).status_code == 403
    assert client.get_cookie("narabi_session") is None
    assert [told["reason"] for told in refusals()] == ["state", "state"]
    client.set_cookie("narabi_session", token)
    assert client.get("/account/identities").status_code == 200


def test_code_of_an_earlier_sign_in_is_refused_even_if_the_provider_takes_it(
    client, provider, journey, victim, new_client
):
    stolen = provider.grant(journey(new_client()))
    old = provider.grants[stolen["code"]]
    own = provider.grant(journey(client))
    # A careless provider that checks neither the verifier nor the use before.
    old["code_challenge"] = provider.grants[own["code"]]["code_challenge"]
    back = "/sign-in/gbiz/callback?" + urlencode({**own, "code": stolen["code"]})
    assert_nobody(client, client.get(back), "id_token.nonce", "もう一度")


def test_answer_after_the_limit_is_refused(client, provider, journey, victim, hold_clock):
    back = "/sign-in/gbiz/callback?" + urlencode(provider.grant(journey(client)))
    hold_clock(utcnow() + timedelta(minutes=10, seconds=1))
    assert_nobody(client, client.get(back), "state", "10分を過ぎた")


def test_locked_account_stays_locked(client, provider, journey, victim):
    with db.transaction() as session:
        person = session.get(Person, victim.id)
        person.locked_until = db.now(session) + timedelta(minutes=5)
    back = "/sign-in/gbiz/callback?" + urlencode(provider.grant(journey(client)))
    assert_nobody(client, client.get(back), "locked", "時間をおいて")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"issuer": "https://evil.example/oauth/"}, "provider.issuer"),
        ({"issuer": None}, "provider.issuer"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "provider.document"),
        ({"authorization_endpoint": "https://a.example/\r\nSet-Cookie: a=b"}, "provider.document"),
        ({"authorization_endpoint": "http://a.example/authorize"}, "provider.plain"),
    ],
)
def test_provider_that_names_itself_wrongly_is_never_gone_to(
    client, provider, with_providers, change, reason
):
    provider.metadata |= change
    response = client.submit("/sign-in", button="GビズIDでサインインする")
    assert_nobody(client, response, reason, "少し待って")
    assert "Refresh" not in response.headers


def test_invented_form_is_not_kept(client, provider, with_providers):
    values = {"carried": "invented" * 1_000, "next": "https://evil.example/"}
    assert client.submit("/sign-in", values, button="GビズIDでサインインする").status_code == 200
    with db.reading() as session:
        attempt = session.exec(select(SignInAttempt)).one()
        assert (attempt.carried, attempt.wanted) == ("", "")


def test_new_key_is_fetched_once_and_then_known(client, provider, journey, victim):
    address = journey(client)
    first = "/sign-in/gbiz/callback?" + urlencode(provider.grant(address))
    assert client.get(first).status_code == 303
    client.delete_cookie("narabi_session")
    provider.keys = [provider.foreign.as_dict(private=False, kid="k2", use="sig")]
    provider.sign = lambda claims: provider.signed_by(
        provider.foreign, {"alg": "RS256", "kid": "k2"}, claims
    )
    provider.asked.clear()
    second = "/sign-in/gbiz/callback?" + urlencode(provider.grant(journey(client)))
    assert client.get(second).status_code == 303
    assert provider.asked.count("/oauth/jwks") == 1
    assert "/oauth/.well-known/openid-configuration" not in provider.asked
