"""Public keys of clients (RFC 7517): what is taken, and how a signature is tried against them."""

import json
from contextlib import suppress
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from core.errors import Invalid

ALGORITHMS = ("ES256", "PS256", "RS256", "Ed25519")
MOST_KEYS = 5
_LONGEST = 20_000
_LONGEST_NAME = 100
_SMALLEST_RSA = 2_048
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_UNREADABLE = (
    "公開鍵を読み取れません。JWKS（JSON）か、PEM形式の公開鍵（-----BEGIN PUBLIC KEY-----）を"
    "貼り付けてください。"
)


def read_keys(text: str) -> str:
    """Return the JWKS of public keys written as JSON or PEM; raises Invalid with a sentence."""
    if len(text) > _LONGEST:
        raise _refusal("公開鍵が長すぎます。使う鍵だけを貼り付けてください。")
    listed = [_public(each) for each in _list_keys(text.strip())]
    if not 1 <= len(listed) <= MOST_KEYS:
        raise _refusal(f"公開鍵は1つ以上、{MOST_KEYS}つ以下にしてください。")
    if len({each["kid"] for each in listed}) < len(listed):
        raise _refusal("同じ名前（kid）の鍵が2つあります。kidを1つずつ違う名前にしてください。")
    return json.dumps({"keys": listed}, ensure_ascii=True, sort_keys=True)


def key_set(jwks: str) -> KeySet:
    """Return the keys that read_keys has written."""
    return KeySet.import_key_set(json.loads(jwks))


def list_names(jwks: str) -> list[str]:
    """Return name and kind of each key, for its owner to know them again."""
    return [
        f"{each['kid']}（{each['kty']}）" for each in json.loads(jwks or '{"keys": []}')["keys"]
    ]


def _list_keys(text: str) -> list[Any]:
    if text.startswith("-----BEGIN"):
        return [text]
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(_UNREADABLE) from error
    if isinstance(read, dict):
        read = read.get("keys", [read])
    if not isinstance(read, list):
        raise _refusal(_UNREADABLE)
    return read


def _public(given: Any) -> dict[str, Any]:
    try:
        key = _read_pem(given) if isinstance(given, str) else JWKRegistry.import_key(dict(given))
        if key.key_type == "oct" or key.is_private:
            raise _refusal(
                "秘密の鍵が貼り付けられています。送るのは公開鍵だけです。"
                "この鍵は使わずに、新しい鍵の組を作ってください。"
            )
        key.ensure_kid()
        return _checked(key.as_dict(private=False))
    except (JoseError, ValueError, TypeError) as error:
        raise _refusal(_UNREADABLE) from error


def _read_pem(text: str) -> Key:
    for kind in ("RSA", *_CURVES):
        with suppress(JoseError, ValueError, TypeError):
            return JWKRegistry.import_key(text, kind)
    raise _refusal(_UNREADABLE)


def _checked(key: dict[str, Any]) -> dict[str, Any]:
    kind, kid = str(key["kty"]), str(key["kid"])
    if kind == "RSA" and JWKRegistry.import_key(key).public_key.key_size < _SMALLEST_RSA:  # type: ignore[union-attr]
        raise _refusal(f"RSAの鍵は{_SMALLEST_RSA:,}ビット以上にしてください。")
    if kind in _CURVES and key.get("crv") != _CURVES[kind]:
        raise _refusal("鍵の曲線は、P-256（ES256）か Ed25519 にしてください。")
    if key.get("use", "sig") != "sig" or key.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        raise _refusal(
            "署名（sig）のための鍵にしてください。algは" + "、".join(ALGORITHMS) + "です。"
        )
    if not 1 <= len(kid) <= _LONGEST_NAME:
        raise _refusal("鍵の名前（kid）は100文字以内にしてください。")
    return key


def _refusal(sentence: str) -> Invalid:
    return Invalid({"jwks": sentence})
