"""The Merkle tree of RFC 6962 (§ 2.1) over a log that only grows: its root, and proofs, from complete subtrees.

A node is named by its level and index: it covers the leaves from ``index * 2**level`` up to ``(index + 1) * 2**level``.
Stored are the nodes whose leaves are all there. An append writes as many as the leaf completes; a root or a proof reads
O(log n) of them.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

Node = tuple[int, int]  # level, index
Lookup = Callable[[Node], bytes]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf; the prefix tells leaves from nodes (RFC 6962, § 2.1)."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node with these children."""
    return hashlib.sha256(b"\1" + left + right).digest()


EMPTY_ROOT = hashlib.sha256().digest()


def completed(size: int, leaf: bytes, frontier: Sequence[bytes]) -> tuple[list[tuple[Node, bytes]], list[bytes]]:
    """Return the nodes that a leaf's hash completes in a tree of this size, itself first, and the new frontier.

    The frontier holds the roots of the tree's complete subtrees, from the largest (leftmost) to the smallest.
    """
    rest, found = list(frontier), [((0, size), leaf)]
    level, index = 0, size
    while index % 2:
        leaf = node_hash(rest.pop(), leaf)
        level, index = level + 1, index // 2
        found.append(((level, index), leaf))
    return found, [*rest, leaf]


def root_of(frontier: Sequence[bytes]) -> bytes:
    """Return the root of the tree with this frontier."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def frontier_nodes(size: int) -> list[Node]:
    """Return the names of the complete subtrees of a tree of this size, largest first."""
    nodes, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            nodes.append((level, start >> level))
            start += 1 << level
    return nodes


def range_root(start: int, end: int, node: Lookup) -> bytes:
    """Return the root over the leaves from start up to end; start must begin a subtree as large as the range."""
    size = end - start
    if size & (size - 1) == 0:
        return node((size.bit_length() - 1, start // size))
    split = start + larger_half(size)
    return node_hash(range_root(start, split, node), range_root(split, end, node))


def larger_half(size: int) -> int:
    """Return the largest power of two below size: where RFC 6962 splits a tree."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, node: Lookup) -> list[bytes]:
    """Return the audit path of a leaf in the tree of this size (RFC 6962, § 2.1.1), from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError("No such leaf in a tree of this size.")
    return list(reversed(list(_path(index, 0, size, node))))


def _path(index: int, start: int, end: int, node: Lookup) -> Iterator[bytes]:
    while end - start > 1:
        split = start + larger_half(end - start)
        if index < split:
            yield range_root(split, end, node)
            end = split
        else:
            yield range_root(start, split, node)
            start = split


def consistency_proof(old: int, new: int, node: Lookup) -> list[bytes]:
    """Return the proof that the tree of size ``new`` extends that of size ``old`` (RFC 6962, § 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError("A tree extends only smaller ones.")
    if old in (0, new):
        return []
    proof, start, end, whole = [], 0, new, True
    while old - start != end - start:
        split = start + larger_half(end - start)
        if old <= split:
            proof.append(range_root(split, end, node))
            end = split
        else:
            proof.append(range_root(start, split, node))
            start, whole = split, False
    if not whole:
        proof.append(range_root(start, end, node))
    return proof[::-1]
