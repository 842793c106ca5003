"""An identity provider on this machine that answers truthfully until a test tells it to lie."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

CLIENT_ID, CLIENT_SECRET = "narabi", "a secret of the tests"
RS256 = jws.JWSRegistry(algorithms=["RS256"]).get_alg("RS256")
COMPANY = "8000012010038"
PROFILE = {
    "account_type": "2",
    "corp_type": "1",
    "corporate_number": COMPANY,
    "name": "見本産業株式会社",
    "user_last_nm": "見本",
    "user_first_nm": "花子",
    "email": "hanako@sample.example.jp",
    "email_verified": True,
}

Json = dict[str, Any]


def part(value: bytes | Json) -> str:
    """Encode one part of a JWS as RFC 7515 does."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class _Silent(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """Say nothing."""


class LocalProvider:
    """The provider; its issuer ends in a slash, as that of GビズID does.

    `claims`, `told` and `metadata` are changed by a test before the browser comes back; `sign`,
    `token_answer` and `userinfo_answer` replace what would be said.
    """

    def __init__(self, key: RSAKey, foreign: RSAKey) -> None:
        self.key, self.foreign = key, foreign
        self.server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, Request.application(self.answer), threaded=True, request_handler=_Silent
        )
        self.origin = f"http://127.0.0.1:{self.server.port}"
        self.issuer = f"{self.origin}/oauth/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.reset()

    def reset(self) -> None:
        """Be truthful again, and forget every code."""
        self.grants: dict[str, Json] = {}
        self.keys = [self.key.as_dict(private=False, kid="k1", use="sig", alg="RS256")]
        self.metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}authorize",
            "token_endpoint": f"{self.issuer}token",
            "userinfo_endpoint": f"{self.issuer}userinfo",
            "jwks_uri": f"{self.issuer}jwks",
        }
        self.subject = "taro"
        self.profile: Json = dict(PROFILE)
        self.header: Json = {"alg": "RS256", "kid": "k1"}
        self.claims: Json = {}
        self.without: set[str] = set()
        self.parameters: Json = {}
        self.asked: list[str] = []
        self.sign: Callable[[Json], str] = self.signed
        self.token_answer: Callable[[Json], Response] | None = None
        self.userinfo_answer: Callable[[], Response] | None = None

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def grant(self, address: str) -> Json:
        """Do as if the person had signed in at this authorization address; what the browser brings back."""
        assert address.startswith(self.metadata["authorization_endpoint"])
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.grants[code] = {**query, "auth_time": int(time.time())}
        brought = {"code": code, "state": query["state"], **self.parameters}
        return {name: value for name, value in brought.items() if value is not None}

    def led_back(self, address: str) -> Response:
        """Lead a browser back at once: the person is signed in here already."""
        target = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        there = f"{target}?{urlencode(self.grant(address))}"
        return Response(status=302, headers={"Location": there})

    def answer(self, request: Request) -> Response:
        """Answer one request of the site."""
        self.asked.append(request.path)
        name = request.path.removeprefix("/oauth/")
        pages = {
            ".well-known/openid-configuration": lambda _: self.json(self.metadata),
            "authorize": lambda r: self.led_back(r.url),
            "jwks": lambda _: self.json({"keys": self.keys}),
            "token": self.token,
            "userinfo": self.userinfo,
        }
        return pages[name](request) if name in pages else Response(status=404)

    @staticmethod
    def json(value: Json, status: int = 200) -> Response:
        """Answer with JSON."""
        return Response(json.dumps(value), status, content_type="application/json")

    def token(self, request: Request) -> Response:
        """Exchange a code once; client and code verifier must fit."""
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        grant = self.grants.get(request.form["code"])
        challenge = part(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        fits = (
            request.headers.get("Authorization") == f"Basic {basic}"
            and grant is not None
            and grant["code_challenge"] == challenge
            and grant["redirect_uri"] == request.form["redirect_uri"]
        )
        if grant is None or not fits:
            return self.json({"error": "invalid_grant"}, 400)
        if self.token_answer is not None:
            return self.token_answer(grant)
        return self.tokens(grant)

    def tokens(self, grant: Json) -> Response:
        """Answer with an access token and an id_token for a grant."""
        token = {"access_token": "open sesame", "token_type": "Bearer", "expires_in": 3600}
        return self.json({**token, "id_token": self.sign(self.claims_for(grant))})

    def claims_for(self, grant: Json) -> Json:
        """The truth about a grant, over which a test has written."""
        moment = int(time.time())
        half = hashlib.sha256(b"open sesame").digest()[:16]
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "exp": moment + 300,
            "iat": moment,
            "auth_time": grant["auth_time"],
            "nonce": grant["nonce"],
            "at_hash": part(half),
            **self.claims,
        }
        return {name: value for name, value in claims.items() if name not in self.without}

    def signed(self, claims: Json) -> str:
        """Sign as the published key would."""
        return self.signed_by(self.key, self.header, claims)

    @staticmethod
    def signed_by(key: RSAKey, header: Json, claims: Json) -> str:
        """Sign with any key under any header, also one that no library would let pass."""
        signing = f"{part(header)}.{part(claims)}"
        if header["alg"].lower() == "none":
            return f"{signing}."
        return f"{signing}.{part(RS256.sign(signing.encode(), key))}"

    def userinfo(self, request: Request) -> Response:
        """Say what the bearer of the access token may know."""
        if self.userinfo_answer is not None:
            return self.userinfo_answer()
        if request.headers.get("Authorization") != "Bearer open sesame":
            return self.json({"error": "invalid_token"}, 401)
        return self.json({"sub": self.subject, **self.profile})
