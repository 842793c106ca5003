"""The tree of RFC 6962: the published roots, and every proof of small trees against a slow oracle."""

import hashlib

import pytest

from core.audit_tree import MerkleTree, is_consistent, is_included

LEAVES = [
    bytes.fromhex(each)
    for each in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
# The roots that the reference implementation of RFC 6962 tests itself with.
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MOST = 20


def slow_root(leaves: list[bytes]) -> bytes:
    """MTH as section 2.1 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def slow_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH as section 2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*slow_path(m, leaves[:k]), slow_root(leaves[k:])]
    return [*slow_path(m - k, leaves[k:]), slow_root(leaves[:k])]


def slow_proof(m: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF as section 2.1.2 defines it."""
    if m == len(leaves):
        return [] if whole else [slow_root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*slow_proof(m, leaves[:k], whole=whole), slow_root(leaves[k:])]
    return [*slow_proof(m - k, leaves[k:], whole=False), slow_root(leaves[:k])]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def test_the_published_roots_come_out():
    tree = MerkleTree(LEAVES)
    assert [tree.root(size).hex() for size in range(1, 9)] == ROOTS
    assert MerkleTree([]).root() == hashlib.sha256(b"").digest()


def test_every_proof_equals_the_definition_and_holds_for_its_own_leaf_and_size_alone():
    leaves = [bytes([n]) * 3 for n in range(MOST)]
    tree = MerkleTree(leaves)
    for size in range(1, MOST + 1):
        root = slow_root(leaves[:size])
        assert tree.root(size) == root
        for index in range(size):
            proof = tree.inclusion(index, size)
            assert proof == slow_path(index, leaves[:size])
            held = [n for n in range(size) if is_included(leaves[index], n, size, proof, root)]
            assert held == [index]
            assert not is_included(b"other", index, size, proof, root)
            assert not is_included(leaves[index], index, size, [*proof, root], root)
            assert not proof or not is_included(leaves[index], index, size, proof[:-1], root)


def test_growth_is_proved_and_nothing_else():
    leaves = [bytes([n]) * 3 for n in range(MOST)]
    tree, other = MerkleTree(leaves), MerkleTree([b"x", *leaves[1:]])
    for second in range(1, MOST + 1):
        for first in range(1, second + 1):
            proof = tree.consistency(first, second)
            assert proof == slow_proof(first, leaves[:second])
            roots = (tree.root(first), tree.root(second))
            assert is_consistent(first, second, *roots, proof)
            assert not is_consistent(first, second, other.root(first), roots[1], proof)
            assert not is_consistent(first, second, roots[0], other.root(second), proof)
            assert not is_consistent(first, second, *roots, [*proof, roots[0]])
            assert not proof or not is_consistent(first, second, *roots, proof[:-1])
    assert is_consistent(0, 3, tree.root(0), tree.root(3), [])
    assert not is_consistent(3, 2, tree.root(3), tree.root(2), [])
    assert not is_consistent(3, 5, tree.root(3), tree.root(5), [])


def test_what_is_not_in_the_tree_has_no_proof():
    tree = MerkleTree(LEAVES)
    for act in (
        lambda: tree.inclusion(8),
        lambda: tree.inclusion(-1),
        lambda: tree.inclusion(3, 3),
        lambda: tree.consistency(9),
        lambda: tree.root(9),
    ):
        with pytest.raises(IndexError):
            act()
    assert not is_included(b"", 1, 1, [], tree.root(1))
