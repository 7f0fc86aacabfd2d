"""The tree, its canonical leaves and its signed checkpoints, against vectors and programs that are not ours."""

import base64
import hashlib
import json

import pymerkle  # type: ignore[import-untyped]
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from events.declarations.register import keys, merkle, verify
from events.declarations.register.canonical import canonical

pytestmark = pytest.mark.once

# transparency-dev/merkle, testonly/constants.go and log_verifier_test.go: the vectors of Certificate Transparency.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
NODES = [
    [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ],
    [
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    ],
    [
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    ["5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Their inclusion proofs (the leaf's number from one, the size) and consistency proofs (two sizes).
INCLUSION = {
    (1, 1): [],
    (1, 8): [NODES[0][1], NODES[1][1], NODES[2][1]],
    (6, 8): [NODES[0][4], NODES[1][3], NODES[2][0]],
    (3, 3): [NODES[1][0]],
    (2, 5): [NODES[0][0], NODES[1][1], NODES[0][4]],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [NODES[0][1], NODES[1][1], NODES[2][1]],
    (6, 8): [NODES[1][2], NODES[1][3], NODES[2][0]],
    (2, 5): [NODES[1][1], NODES[0][4]],
    (6, 7): [NODES[1][2], NODES[0][6], NODES[2][0]],
}


class Tree:
    """A tree grown leaf by leaf, as the register grows."""

    def __init__(self, leaves):
        self.nodes: dict[merkle.Node, bytes] = {}
        self.frontiers: list[list[bytes]] = [[]]
        for size, leaf in enumerate(leaves):
            found, frontier = merkle.append_leaf(size, merkle.leaf_hash(leaf), self.frontiers[-1])
            self.nodes.update(found)
            self.frontiers.append(frontier)
        self.roots = [merkle.root_of(frontier) for frontier in self.frontiers]

    def inclusion(self, index, size):
        return merkle.inclusion_proof(index, size, self.nodes.__getitem__)

    def consistency(self, old, new):
        return merkle.consistency_proof(old, new, self.nodes.__getitem__)


def hexed(parts):
    return [part.hex() for part in parts]


def test_nodes_roots_and_proofs_are_those_that_certificate_transparency_published():
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES]
    tree = Tree(leaves)
    assert hexed(tree.roots) == ROOTS
    found = {name: node.hex() for name, node in tree.nodes.items()}
    assert found == {(level, n): node for level, row in enumerate(NODES) for n, node in enumerate(row)}
    for size in range(9):
        assert [tree.nodes[name] for name in merkle.frontier_nodes(size)] == tree.frontiers[size]
        assert verify.roots_of([merkle.leaf_hash(leaf) for leaf in leaves], {size})[size].hex() == ROOTS[size]
    for (number, size), proof in INCLUSION.items():
        assert hexed(tree.inclusion(number - 1, size)) == proof
        path = [bytes.fromhex(part) for part in proof]
        leaf = merkle.leaf_hash(leaves[number - 1])
        assert verify.proven_roots(number, size, path, leaf=leaf) == (tree.roots[number], tree.roots[size])
    for (old, new), proof in CONSISTENCY.items():
        assert hexed(tree.consistency(old, new)) == proof
        path = [bytes.fromhex(part) for part in proof]
        assert verify.proven_roots(old, new, path, root=tree.roots[old]) == (tree.roots[old], tree.roots[new])


def test_proofs_that_cannot_be_are_refused():
    tree = Tree([b"a", b"b"])
    for index, size in ((-1, 2), (2, 2), (0, 0)):
        with pytest.raises(ValueError, match="has no such leaf"):
            tree.inclusion(index, size)
    for old, new in ((-1, 2), (2, 1)):
        with pytest.raises(ValueError, match="can only extend a smaller"):
            tree.consistency(old, new)
    assert tree.consistency(0, 2) == tree.consistency(2, 2) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=70), st.data())
def test_another_implementation_makes_the_same_trees_and_proofs(leaves, data):
    tree = Tree(leaves)
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    new = data.draw(st.integers(1, len(leaves)))
    old = data.draw(st.integers(1, new))
    assert other.get_root(new) == tree.roots[new]
    # pymerkle's proofs begin with what is proven: the leaf, or the earlier tree's subtree
    theirs = other.prove_inclusion(old, new)
    assert theirs.path[1:] == tree.inclusion(old - 1, new)
    pymerkle.verify_inclusion(merkle.leaf_hash(leaves[old - 1]), tree.roots[new], theirs)
    pymerkle.verify_consistency(tree.roots[old], tree.roots[new], other.prove_consistency(old, new))
    proven = verify.proven_roots(old, new, tree.consistency(old, new), root=tree.roots[old])
    assert proven == (tree.roots[old], tree.roots[new])
    for size in {1, new, len(leaves)}:
        for index in range(size):
            leaf = merkle.leaf_hash(leaves[index])
            proven = verify.proven_roots(index + 1, size, tree.inclusion(index, size), leaf=leaf)
            assert proven == (tree.roots[index + 1], tree.roots[size])


def test_an_append_and_a_proof_at_a_million_entries_take_a_few_nodes():
    size = 1_000_000
    asked = []

    def node(name):
        asked.append(name)
        return bytes(32)

    merkle.inclusion_proof(777_777, size, node)
    merkle.consistency_proof(333_333, size, node)
    assert len(asked) < 2 * 2 * size.bit_length()
    completed, frontier = merkle.append_leaf(size - 1, bytes(32), [bytes(32)] * (size - 1).bit_count())
    assert max(len(completed), len(frontier)) <= size.bit_length()


# Canonical leaves -----------------------------------------------------------------------------------------------------

SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | SAFE | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_leaves_are_written_as_another_implementation_of_rfc_8785_writes_them(value):
    try:
        theirs = rfc8785.dumps(value).decode()
    except rfc8785.CanonicalizationError:
        theirs = None
    try:
        ours = canonical(value)
    except ValueError:
        ours = None
    assert ours == theirs
    if ours is not None:
        assert json.loads(ours) == value
        assert canonical(json.loads(ours)) == ours


def test_what_has_no_canonical_form_is_refused():
    for value in (1.0, float("nan"), 2**53, -(2**53), "\ud800", {"é": 1}, {1: 1}, [0.5], {"a": {"b": 1e9}}):
        with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
            canonical(value)
    assert canonical({"b": 1, "a": "€\n\u2028/", "B": [True, None]}) == '{"B":[true,null],"a":"€\\n\u2028/","b":1}'


# Checkpoints ----------------------------------------------------------------------------------------------------------

# The example of the format's own implementation (golang.org/x/mod/sumdb/note, note_test.go).
NAME, VKEY = "PeterNeumann", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # noqa: S105 - published
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_keys_and_signatures_are_those_of_the_signed_note_format(tmp_path):
    key = keys.SigningKey(NAME, Ed25519PrivateKey.from_private_bytes(base64.b64decode(SECRET)[1:]))
    assert key.vkey == VKEY
    text, _, signature = NOTE.rpartition("\n\n")
    raw = base64.b64decode(signature.split(" ")[2])
    assert raw == key.key_id + key.private.sign(f"{text}\n".encode())
    name, named, public = verify.read_key(VKEY)
    assert (name, named) == (NAME, raw[:4])
    assert verify.is_signed(public, f"{text}\n".encode(), raw[4:])
    # a checkpoint is such a note: name, size, root, each on a line
    note = key.checkpoint(7, bytes(32))
    assert note.split("\n")[:4] == [NAME, "7", base64.b64encode(bytes(32)).decode(), ""]
    assert verify.read_checkpoints(note, [(name, named, public)]) == [(NAME, 7, bytes(32))]
    (tmp_path / "x.key").write_text(key.private.private_bytes_raw().hex() + "\n")
    assert keys.read_key_file(tmp_path / "x.key", NAME).vkey == VKEY


def test_a_checkpoint_may_bear_other_signatures_and_lines_and_no_other_text():
    key = keys.SigningKey(NAME, Ed25519PrivateKey.from_private_bytes(base64.b64decode(SECRET)[1:]))
    known = [verify.read_key(VKEY)]
    note = key.checkpoint(7, bytes(32))
    text, _, signature = note.rpartition("\n\n")
    stranger = "— witness.example AAAAAAAA"
    seven = [(NAME, 7, bytes(32))]
    assert verify.read_checkpoints(f"{text}\n\n{stranger}\n{signature}", known) == seven
    extended = f"{text}\nan extension\n"
    raw = base64.b64encode(key.key_id + key.private.sign(extended.encode())).decode()
    assert verify.read_checkpoints(f"{extended}\n— {NAME} {raw}\n", known) == seven
    for changed in (note.replace("7", "8", 1), f"{text}\nan extension\n\n{signature}"):
        with pytest.raises(verify.Unclear, match="does not match its signature"):
            verify.read_checkpoints(changed, known)
    for unsigned in (
        note.replace("—", "-"),
        note.replace(f"— {NAME}", "— SomebodyElse"),
        f"x{note}",
        f"{text}\n\n{stranger}\n",
        "",
        "\n\n",
        "7",
        f"{NAME}\nseven\nx\n\n{signature}",
        f"{NAME}\n\u0667\nx\n\n{signature}",
    ):
        with pytest.raises(verify.Unclear):
            verify.read_checkpoints(unsigned, known)
    forged = base64.b64encode(key.key_id + bytes(64)).decode()
    with pytest.raises(
        verify.Unclear, match="does not match"
    ):  # a signature after many is not looked at: each takes time
        verify.read_checkpoints(
            "\n".join([text, "", *[f"— {NAME} {forged}"] * verify.MAX_SIGNATURES, signature]), known
        )
    with pytest.raises(verify.Unclear, match="more than 200"):
        verify.read_checkpoints("\n".join(key.checkpoint(size, bytes(32)) for size in range(201)), known)


def test_a_private_key_is_a_file_that_only_its_owner_reads_and_that_is_never_written_over(tmp_path):
    key = keys.make_key_file(tmp_path / "register", "here.example/declaration")
    path = tmp_path / "register" / f"{key.key_id.hex()}.key"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert keys.read_key_file(path, key.name).vkey == key.vkey
    assert key.key_id == hashlib.sha256(b"here.example/declaration\n\x01" + key.public[1:]).digest()[:4]
    assert keys.make_key_file(tmp_path / "register", "here.example/declaration").vkey != key.vkey
