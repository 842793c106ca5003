"""The Merkle tree of RFC 6962 over hashes: its root, proofs that a leaf is in it, and that it only grew.

Plain values only; a proof discloses nothing of the other leaves but hashes.
"""

import hashlib
from collections.abc import Iterable, Sequence


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf; its prefix keeps leaves and nodes apart."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """The tree over a list of leaves, with every complete node kept."""

    def __init__(self, contents: Iterable[bytes]) -> None:
        self._levels = [[leaf_hash(content) for content in contents]]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            pairs = zip(below[::2], below[1::2], strict=False)
            self._levels.append([node_hash(left, right) for left, right in pairs])

    def __len__(self) -> int:
        """Return the number of leaves."""
        return len(self._levels[0])

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves (all of them without)."""
        size = self._checked(size)
        return self._node(0, size) if size else hashlib.sha256(b"").digest()

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the path that leads from a leaf to the root over the first `size` leaves."""
        size = self._checked(size)
        if not 0 <= index < size:
            msg = f"no leaf {index} among {size}"
            raise IndexError(msg)
        path, start, end = [], 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._node(middle, end))
                end = middle
            else:
                path.append(self._node(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the tree of `second` leaves begins with that of `first`."""
        second = self._checked(second)
        if not 0 <= first <= second:
            msg = f"a tree of {second} does not begin with one of {first}"
            raise IndexError(msg)
        if first in {0, second}:
            return []
        proof, start, end, is_known = [], 0, second, True
        while first != end:
            middle = start + _split(end - start)
            if first <= middle:
                proof.append(self._node(middle, end))
                end = middle
            else:
                proof.append(self._node(start, middle))
                start, is_known = middle, False
        if not is_known:
            proof.append(self._node(start, end))
        return proof[::-1]

    def _checked(self, size: int | None) -> int:
        if size is None:
            return len(self)
        if not 0 <= size <= len(self):
            msg = f"no tree of {size} among {len(self)} leaves"
            raise IndexError(msg)
        return size

    def _node(self, start: int, end: int) -> bytes:
        count = end - start
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._levels[level][start >> level]
        middle = start + _split(count)
        return node_hash(self._node(start, middle), self._node(middle, end))


def is_included(content: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof leads from a leaf to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    found, place, last = leaf_hash(content), index, size - 1
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the second tree begins with the first."""
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not proof and (first == 0 or first_root == second_root)
    steps = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
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
            old, new = node_hash(step, old), node_hash(step, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


def _split(count: int) -> int:
    """Return the largest power of two below a count."""
    return 1 << ((count - 1).bit_length() - 1)
