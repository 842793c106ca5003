"""Bytes that nobody reads before their time: sealed under a key that is not in the database.

AES-256-GCM; purpose and row are authenticated, so that one row's content cannot stand in another.
The first byte is the number of the key. A commitment shows later that nothing was changed meanwhile,
without telling the amount now: the hash of an amount alone is guessed in seconds.
"""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.config import Settings
from core.documents import canonical_json, sha256_hex

NONCE_BYTES = 32
_IV_BYTES = 12
_TAG_BYTES = 16
_INFO = b"narabi-seal-1"


class SealBrokenError(Exception):
    """A sealed value cannot be opened: another key, another row, or changed bytes; never says which value."""


def seal(settings: Settings, purpose: str, row_id: uuid.UUID, plain: bytes) -> bytes:
    """Seal bytes for one purpose and one row under the newest key."""
    keys = settings.seal_seeds
    iv = secrets.token_bytes(_IV_BYTES)
    head = bytes([len(keys)])
    box = AESGCM(_derive(keys[-1], purpose))
    return head + iv + box.encrypt(iv, plain, _context(head, purpose, row_id))


def pad(text: bytes, block: int) -> bytes:
    """Fill JSON up with spaces to whole blocks, so that the length of what is sealed tells no amount."""
    return text.ljust(-(-len(text) // block) * block)


def unseal(settings: Settings, purpose: str, row_id: uuid.UUID, sealed: bytes) -> bytes:
    """Open what was sealed for this purpose and row; raises SealBrokenError."""
    keys = settings.seal_seeds
    number = sealed[0] if len(sealed) >= 1 + _IV_BYTES + _TAG_BYTES else 0
    if not 1 <= number <= len(keys):
        raise SealBrokenError(f"{purpose}: key {number} of {len(keys)}")
    iv, body = sealed[1 : 1 + _IV_BYTES], sealed[1 + _IV_BYTES :]
    box = AESGCM(_derive(keys[number - 1], purpose))
    try:
        return box.decrypt(iv, body, _context(sealed[:1], purpose, row_id))
    except InvalidTag:
        raise SealBrokenError(f"{purpose}: key {number} does not open it") from None


def is_newest(settings: Settings, sealed: bytes) -> bool:
    """Tell whether the newest key sealed it; what lives on is sealed again, so that old keys can go."""
    return sealed[:1] == bytes([len(settings.seal_seeds)])


def new_nonce() -> bytes:
    """Return the random bytes that make a commitment unguessable."""
    return secrets.token_bytes(NONCE_BYTES)


def commit(plain: Mapping[str, Any], nonce: bytes) -> str:
    """Return SHA-256 over the canonical JSON of a value followed by the nonce, in hexadecimal."""
    if len(nonce) != NONCE_BYTES:
        msg = f"a commitment needs a nonce of {NONCE_BYTES} bytes"
        raise ValueError(msg)
    return sha256_hex(canonical_json(dict(plain)) + nonce)


def _derive(seed: bytes, purpose: str) -> bytes:
    # One key per purpose: what seals quotes opens no estimated price.
    return HKDF(SHA256(), length=32, salt=None, info=_INFO + b"/" + purpose.encode()).derive(seed)


def _context(head: bytes, purpose: str, row_id: uuid.UUID) -> bytes:
    return b"/".join((_INFO, head, purpose.encode(), row_id.bytes))
