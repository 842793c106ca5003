"""The standard options (標準オプション) that a body uses, as one word of an address. Pure.

The word is a mark of the specification version, a dot, and a bit for each position in it: what is
chosen of one version says nothing of another.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

_MARK_LETTERS = 6


def mark_version(version_id: str) -> str:
    """Return the short mark of a specification version."""
    digest = hashlib.sha256(version_id.encode()).digest()
    return _encode(digest)[:_MARK_LETTERS]


def write_used(version_id: str, requirement_ids: Sequence[str], used: AbstractSet[str]) -> str:
    """Return the word for those of a version's requirements, in its order, that are used.

    Using none is a word too: it differs from not having chosen. Raises ValueError for a stranger.
    """
    places = {each: number for number, each in enumerate(requirement_ids)}
    if not used <= places.keys():
        raise ValueError(f"not of this version: {', '.join(sorted(used - places.keys()))}")
    bits = sum(1 << places[each] for each in used)
    return (
        f"{mark_version(version_id)}.{_encode(bits.to_bytes(-(-bits.bit_length() // 8), 'little'))}"
    )


def read_used(word: str, version_id: str, requirement_ids: Sequence[str]) -> frozenset[str] | None:
    """Return the requirements that a word names; None: it is about another version.

    Raises ValueError for what is no such word.
    """
    mark, dot, letters = word.partition(".")
    if not dot or len(mark) != _MARK_LETTERS:
        raise ValueError("no mark of a version")
    bits = int.from_bytes(_decode(letters), "little")
    if mark != mark_version(version_id):
        return None
    if bits.bit_length() > len(requirement_ids):
        raise ValueError("a position beyond the last requirement")
    return frozenset(each for number, each in enumerate(requirement_ids) if bits >> number & 1)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(letters: str) -> bytes:
    try:
        padded = letters + "=" * (-len(letters) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64url") from error
