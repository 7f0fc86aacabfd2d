"""The Merkle tree of RFC 6962 (section 2.1) over a log that only grows: its root, and proofs.

A node is identified by its level and index, and covers the leaves from ``index * 2**level`` up to
``(index + 1) * 2**level``. Only complete nodes are stored, those whose leaves are all there, since they never change.
An append writes the nodes that the new leaf completes; a root or a proof reads O(log n) of them.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

Node = tuple[int, int]  # level, index
Lookup = Callable[[Node], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf. Its prefix differs from that of nodes, so that a node cannot pass for a leaf."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


EMPTY_ROOT = hashlib.sha256().digest()


def append_leaf(size: int, leaf: bytes, frontier: Sequence[bytes]) -> tuple[list[tuple[Node, bytes]], list[bytes]]:
    """Append a leaf's hash to a tree of this size; returns the nodes that it completes, itself first, and the frontier.

    The frontier is the roots of the tree's complete subtrees, from the largest (leftmost) to the smallest. It is all
    that appending needs to know of the tree.
    """
    remaining, completed = list(frontier), [((0, size), leaf)]
    # As in adding one to a binary number: each 1 at the end of the size is a complete subtree that the new leaf joins.
    level, index = 0, size
    while index % 2:
        leaf = node_hash(remaining.pop(), leaf)
        level, index = level + 1, index // 2
        completed.append(((level, index), leaf))
    return completed, [*remaining, leaf]


def root_of(frontier: Sequence[bytes]) -> bytes:
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def frontier_nodes(size: int) -> list[Node]:
    """The complete subtrees of a tree of this size, largest first."""
    # One for each 1 among the binary digits of the size.
    nodes, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            nodes.append((level, start >> level))
            start += 1 << level
    return nodes


def range_root(start: int, end: int, node: Lookup) -> bytes:
    """The root over the leaves from start up to end. A subtree as large as the range must begin at start."""
    size = end - start
    if size & (size - 1) == 0:
        return node((size.bit_length() - 1, start // size))
    split = start + larger_half(size)
    return node_hash(range_root(start, split, node), range_root(split, end, node))


def larger_half(size: int) -> int:
    """The largest power of two below size, where RFC 6962 splits a tree."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, node: Lookup) -> list[bytes]:
    """The audit path of a leaf in the tree of this size, from the leaf upwards (RFC 6962, section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("A tree of this size has no such leaf.")
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
    """The proof that the tree of size ``new`` extends that of size ``old`` (RFC 6962, section 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError("A tree can only extend a smaller one.")
    if old in (0, new):
        return []
    # As long as the walk only turns left, the old tree is a subtree of the new one, and the verifier of the proof knows
    # its root already. Once it has turned right (no longer whole), the proof must contain the node at which it ends.
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
