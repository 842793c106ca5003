"""Sign-in by OpenID Connect, the protocol: code flow with PKCE, and an answer believed only in full.

Nothing here knows our accounts. OpenID Connect Core 1.0 §3.1, RFC 7636 (PKCE), RFC 9207 (issuer).
"""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jwt import JWTClaimsRegistry

from core.config import Settings
from core.http import Limits, OutboundError, guard, origin_of

LEEWAY = 60  # seconds by which two clocks may differ
_ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
_ADDRESS = re.compile(r"https?://[!-~]+")
_KEEP = 3_600  # seconds that the provider's documents are kept
_RSA_MODULUS = 342  # characters of 2,048 bits in base64
_SUBJECT_LENGTH = 255  # OpenID Connect Core §2
# A key that a token brings along proves nothing about who signed it.
_FOREIGN_KEY_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit"})
_LIMITS = Limits(seconds=8, body_bytes=262_144)


class Refused(Exception):
    """The provider's answer is not believed; `reason` is a short code without personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Provider:
    """One identity provider; `claims` says where userinfo holds what we ask for."""

    code: str
    label: str
    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    claims: Mapping[str, str]
    inward: frozenset[str]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one attempt sends, all made from one secret that only the browser keeps."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identified:
    """Who the provider says this is: a subject of an issuer, when checked, and mapped values."""

    issuer: str
    subject: str
    authenticated_at: int | None
    values: Mapping[str, str]


def list_providers(settings: Settings) -> dict[str, Provider]:
    """Return the configured providers by code: `gbiz` for vendors, `staff` for bodies and agency."""
    found: tuple[tuple[str, str, Mapping[str, str]], ...] = (
        ("gbiz", "GビズID", settings.gbiz_claims),
        ("staff", settings.staff_label, {}),
    )
    return {
        code: Provider(
            code=code,
            label=label,
            issuer=getattr(settings, f"{code}_issuer"),
            client_id=getattr(settings, f"{code}_client_id"),
            client_secret=getattr(settings, f"{code}_client_secret").get_secret_value(),
            scopes=getattr(settings, f"{code}_scopes"),
            claims=claims,
            inward=frozenset(settings.inward_origins),
        )
        for code, label, claims in found
        if getattr(settings, f"{code}_issuer")
    }


def make_secrets(browser_secret: str) -> Secrets:
    """Return state, nonce and PKCE verifier; none can be had from the other two."""
    return Secrets(*(_derived(browser_secret, name) for name in ("state", "nonce", "verifier")))


def _derived(secret: str, name: str) -> str:
    digest = hmac.digest(secret.encode(), name.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_address(
    provider: Provider, secrets: Secrets, redirect_uri: str, *, again: bool
) -> str:
    """Return where to send the browser; `again` asks for a fresh proof of who sits there."""
    endpoint = _endpoint(_metadata(provider), "authorization_endpoint")
    if not endpoint.startswith("https://") and origin_of(endpoint) not in provider.inward:
        raise Refused("provider.plain")
    fresh = {"prompt": "login", "max_age": "0"} if again else {}
    with _client(provider, redirect_uri) as client:
        address, _ = client.create_authorization_url(
            endpoint,
            state=secrets.state,
            nonce=secrets.nonce,
            code_verifier=secrets.verifier,
            **fresh,
        )
    return str(address)


def identify(
    provider: Provider,
    secrets: Secrets,
    redirect_uri: str,
    answer: Mapping[str, str],
    *,
    moment: int,
) -> Identified:
    """Turn the browser's return into an identity; `moment` is now in seconds. Raises Refused."""
    metadata = _metadata(provider)
    _check_answer(provider, metadata, secrets, answer)
    with _client(provider, redirect_uri) as client:
        token = _fetch_token(client, metadata, answer["code"], secrets.verifier)
        claims = _verify(provider, metadata, token, secrets.nonce, moment)
        told = _userinfo(client, metadata)
    if told.get("sub") != claims["sub"]:
        raise Refused("userinfo.sub")
    values = {name: _mapped(told, path) for name, path in provider.claims.items()}
    return Identified(provider.issuer, claims["sub"], _auth_time(claims, moment), values)


def _check_answer(
    provider: Provider, metadata: Mapping[str, Any], secrets: Secrets, answer: Mapping[str, str]
) -> None:
    if not hmac.compare_digest(answer.get("state", "").encode(), secrets.state.encode()):
        raise Refused("state")
    named = answer.get("iss")
    promised = metadata.get("authorization_response_iss_parameter_supported") is True
    if (named is None and promised) or named not in (None, provider.issuer):
        raise Refused("answer.iss")
    if "error" in answer:
        raise Refused("cancelled" if answer["error"] == "access_denied" else "answer.error")
    if not answer.get("code"):
        raise Refused("answer.code")


def _client(provider: Provider, redirect_uri: str) -> OAuth2Session:
    client = OAuth2Session(
        provider.client_id,
        provider.client_secret,
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the name of a method
        scope=provider.scopes,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    guard(client, inward=provider.inward, limits=_LIMITS)
    return client


def _fetch_token(
    client: OAuth2Session, metadata: Mapping[str, Any], code: str, verifier: str
) -> Mapping[str, Any]:
    endpoint = _endpoint(metadata, "token_endpoint")
    try:
        token = client.fetch_token(
            endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
        )
    except OutboundError as error:
        raise Refused(f"token.{error.reason}") from error
    except (AuthlibBaseError, requests.RequestException, ValueError, TypeError) as error:
        raise Refused("token.error") from error
    if str(token.get("token_type", "")).lower() != "bearer":
        raise Refused("token.type")
    if not isinstance(token.get("access_token"), str) or not isinstance(token.get("id_token"), str):
        raise Refused("token.incomplete")
    return dict(token)


def _verify(
    provider: Provider,
    metadata: Mapping[str, Any],
    token: Mapping[str, Any],
    nonce: str,
    moment: int,
) -> dict[str, Any]:
    """Return the claims of an id_token whose signature and every claim hold (Core §3.1.3.7)."""
    id_token = token["id_token"]
    header = _header(id_token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise Refused("id_token.alg")
    if _FOREIGN_KEY_HEADERS & header.keys():
        raise Refused("id_token.header")
    key = _find_key(provider, metadata, header.get("kid"), algorithm)
    try:
        claims = dict(jwt.decode(id_token, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, TypeError) as error:
        raise Refused("id_token.signature") from error
    _check_claims(claims, provider, nonce, moment)
    _check_access_token(claims, token["access_token"])
    return claims


def _header(token: str) -> dict[str, Any]:
    part = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError as error:
        raise Refused("id_token.form") from error
    if not isinstance(header, dict):
        raise Refused("id_token.form")
    return header


def _check_claims(claims: dict[str, Any], provider: Provider, nonce: str, moment: int) -> None:
    wanted = JWTClaimsRegistry(
        now=moment,
        leeway=LEEWAY,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        wanted.validate(claims)
    except JoseError as error:
        raise Refused(f"id_token.{getattr(error, 'claim', 'claims')}") from error
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise Refused("id_token.azp")
    if party not in (None, provider.client_id):
        raise Refused("id_token.azp")
    if not isinstance(claims["nonce"], str):
        raise Refused("id_token.nonce")
    if not 0 < len(claims["sub"]) <= _SUBJECT_LENGTH:
        raise Refused("id_token.sub")


def _check_access_token(claims: Mapping[str, Any], access_token: str) -> None:
    """Compare at_hash, when there is one: every algorithm that we take hashes with SHA-256."""
    if "at_hash" not in claims:
        return
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    expected = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    if claims["at_hash"] != expected:
        raise Refused("id_token.at_hash")


def _auth_time(claims: Mapping[str, Any], moment: int) -> int | None:
    value = claims.get("auth_time")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= moment + LEEWAY:
        raise Refused("id_token.auth_time")
    return min(value, moment)


def _userinfo(client: OAuth2Session, metadata: Mapping[str, Any]) -> dict[str, Any]:
    try:
        response = client.get(_endpoint(metadata, "userinfo_endpoint"))
        told = response.json() if response.status_code == requests.codes.ok else None
    except OutboundError as error:
        raise Refused(f"userinfo.{error.reason}") from error
    except (AuthlibBaseError, requests.RequestException, ValueError) as error:
        raise Refused("userinfo.error") from error
    if not isinstance(told, dict):
        raise Refused("userinfo.error")
    return told


def _mapped(told: Mapping[str, Any], path: str) -> str:
    """Return the named claims, joined by a space; anything but text and numbers counts as absent."""
    values = [told.get(name) for name in path.split()]
    return " ".join(str(v).strip() for v in values if isinstance(v, str | int) and str(v).strip())


# --- the provider's own documents: kept for a while, in this process only ----------------------------

Document = dict[str, Any]
_documents: dict[tuple[str, str], tuple[float, Document]] = {}
_fetching = threading.Lock()


def forget_documents() -> None:
    """Forget what is kept of all providers."""
    with _fetching:
        _documents.clear()


def _kept(provider: Provider, address: str, *, at_least: float = 0.0) -> Document:
    """Return a JSON document of the provider, no older than an hour and fetched after `at_least`."""
    with _fetching:
        fetched, document = _documents.get((provider.issuer, address), (-_KEEP * 2.0, {}))
    if time.monotonic() - fetched < _KEEP and fetched >= at_least:
        return document
    session = requests.Session()
    guard(session, inward=provider.inward, limits=_LIMITS)
    with session:
        response = _asked(lambda: session.get(address))
    document = _asked(response.json)
    if response.status_code != requests.codes.ok or not isinstance(document, dict):
        raise Refused("provider.document")
    with _fetching:
        _documents[provider.issuer, address] = (time.monotonic(), document)
    return document


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except OutboundError as error:
        raise Refused(f"provider.{error.reason}") from error
    except (requests.RequestException, ValueError) as error:
        raise Refused("provider.document") from error


def _metadata(provider: Provider) -> Document:
    address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    document = _kept(provider, address)
    if document.get("issuer") != provider.issuer:
        forget_documents()  # so that a provider that mends it is not refused for an hour
        raise Refused("provider.issuer")
    return document


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    address = metadata.get(name)
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise Refused("provider.document")
    return address


def _find_key(provider: Provider, metadata: Mapping[str, Any], kid: object, algorithm: str) -> Key:
    """Return the one key that a token names; an unknown name asks the provider once more."""
    address = _endpoint(metadata, "jwks_uri")
    asked = time.monotonic()
    for at_least in (0.0, asked):
        keys = _fitting(_kept(provider, address, at_least=at_least), kid, algorithm)
        if len(keys) == 1:
            return keys[0]
    raise Refused("id_token.kid")


def _fitting(document: Document, kid: object, algorithm: str) -> list[Key]:
    listed = document.get("keys")
    return [
        key
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
        and each.get("kty") == _ALGORITHMS[algorithm]
        and each.get("use", "sig") == "sig"
        and each.get("alg", algorithm) == algorithm
        and (kid is None or each.get("kid") == kid)
        and (key := _imported(each)) is not None
    ]


def _imported(each: Mapping[str, Any]) -> Key | None:
    if each["kty"] == "RSA" and len(str(each.get("n", ""))) < _RSA_MODULUS:
        return None
    try:
        return JWKRegistry.import_key(dict(each))
    except (JoseError, ValueError, TypeError):
        return None
