"""Keys and signatures of webhooks, as Standard Webhooks 1.0 writes them."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from accounts.hooks.models import Signature

_KEY_BYTES = 32  # the specification asks for 24 to 64


def new_key() -> bytes:
    """Return a new shared key, or the seed of a new pair."""
    return secrets.token_bytes(_KEY_BYTES)


def word_shared(key: bytes) -> str:
    """Return a shared key as its owner copies it."""
    return f"whsec_{_encode(key)}"


def word_public(signature: Signature, key: bytes) -> str:
    """Return the public half of a pair; empty for a shared key, which has none."""
    if signature is Signature.HMAC:
        return ""
    public = Ed25519PrivateKey.from_private_bytes(key).public_key()
    return f"whpk_{_encode(public.public_bytes_raw())}"


def make_headers(
    signature: Signature, keys: Sequence[bytes], message_id: str, moment: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of a message; the signatures of all keys stand beside each other."""
    stamp = str(int(moment.timestamp()))
    content = b".".join((message_id.encode(), stamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_sign(signature, key, content) for key in keys),
    }


def _sign(signature: Signature, key: bytes, content: bytes) -> str:
    if signature is Signature.HMAC:
        return f"v1,{_encode(hmac.digest(key, content, 'sha256'))}"
    return f"v1a,{_encode(Ed25519PrivateKey.from_private_bytes(key).sign(content))}"


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
