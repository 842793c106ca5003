"""The arithmetic of the verifier: ed25519 (RFC 8032), canonical JSON (RFC 8785), the tree of RFC 6962.

It stands in the one file that a stranger runs: archive.assemble_verifier() puts it there.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

Files = Mapping[str, bytes]
Point = tuple[int, int, int, int]

# --- ed25519, as RFC 8032 section 6 gives it ---------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add_points(a: Point, b: Point) -> Point:
    """Add two points in extended coordinates."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def multiply_point(number: int, point: Point) -> Point:
    """Multiply a point by a number."""
    total = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            total = add_points(total, point)
        point, number = add_points(point, point), number >> 1
    return total


def recover_x(y: int, sign: int) -> int | None:
    """Return the x of a point, or None when there is none."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


def read_point(text: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, or None."""
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0) or 0
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an ed25519 signature (64 bytes) of a message is right."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    a, r = read_point(public_key), read_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    left = multiply_point(s, BASE)
    right = add_points(r, multiply_point(int.from_bytes(digest, "little") % Q, a))
    apart = [(left[n] * right[2] - right[n] * left[2]) % P for n in (0, 1)]
    return apart == [0, 0]


# --- canonical JSON (RFC 8785) -----------------------------------------------------------------------


def hash_of(files: Files, path: str) -> str:
    """Return the SHA-256 of a file, that of no bytes where it is not there."""
    return hashlib.sha256(files.get(path, b"")).hexdigest()


def canonical(value: object) -> bytes:
    """Return the one byte form of a JSON value."""
    return _write(value).encode("utf-8")


def _write(value: object) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, float):
        return _write_float(value)
    return json.dumps(value, ensure_ascii=False)


def _write_float(value: float) -> str:
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(abs(value))
    mantissa, _, exponent = text.partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + part).rstrip("0")
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.lstrip("0")
    sign = "-" if value < 0 else ""
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


# --- the tree of RFC 6962 ----------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node of the tree."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(content: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof leads from a leaf to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    found, place, last = hashlib.sha256(b"\x00" + content).digest(), index, size - 1
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    first: int, second: int, roots: tuple[bytes, bytes], proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the second tree begins with the first."""
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not proof and (first == 0 or roots[0] == roots[1])
    steps = [roots[0], *proof] if first & (first - 1) == 0 else list(proof)
    if not steps:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node(step, old), node(step, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and (old, new) == roots
