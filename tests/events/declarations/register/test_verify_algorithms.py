"""The algorithms of `verify.py`, the consistency proof and Ed25519, against other implementations."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from events.declarations.register import merkle, verify

# Consistency, and the signature -------------------------------------------------------------------------------------


@pytest.mark.once
def test_two_sizes_of_one_history_agree_and_those_of_another_do_not():
    hashes = [merkle.leaf_hash(bytes([n])) for n in range(40)]
    other = [*hashes[:7], merkle.leaf_hash(b"other"), *hashes[8:]]
    nodes: dict[merkle.Node, bytes] = {}
    frontier: list[bytes] = []
    roots, forked = [merkle.EMPTY_ROOT], verify.roots_of(other, set(range(41)))
    for size, leaf in enumerate(hashes):
        found, frontier = merkle.append_leaf(size, leaf, frontier)
        nodes.update(found)
        roots.append(merkle.root_of(frontier))
    assert verify.roots_of(hashes, set(range(41))) == dict(enumerate(roots))
    for new in range(1, 41):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, nodes.__getitem__)
            assert is_proven(old, roots[old], new, roots[new], proof)
            wrong = [(old, forked[old], new, roots[new], proof)] if old > 7 else []
            wrong += [(old, roots[old], new, forked[new], proof)] if new > 7 else []
            if old < new:
                wrong += [(old, roots[old], new, roots[new], proof[:-1])]
                wrong += [(old, roots[old], new, roots[new], [*proof, roots[old]])]
                wrong += [(old - 1, roots[old], new, roots[new], proof)] if old > 1 else []
            for one in wrong:
                assert not is_proven(*one), one


def is_proven(old, old_root, new, new_root, proof):
    try:
        return verify.proven_roots(old, new, proof, root=old_root) == (old_root, new_root)
    except verify.Unclear:  # of another length
        return False


# RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc). Public key, message, signature.
RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
        "eeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
        "8dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
        "0e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac1"
        "7ad9bef1177331a704",
    ),
)
# Where implementations differ: points of small order, mixed order, s beyond the group's order, points written in
# another way (the ten cases of novifinancial/ed25519-speccheck). Public key, message, signature.
EDGES = json.loads((Path(__file__).parent / "ed25519_edges.json").read_text())


@pytest.mark.once
def test_signatures_are_those_of_rfc_8032():
    for public, message, signature in RFC_8032:
        key, said, sign = map(bytes.fromhex, (public, message, signature))
        assert verify.is_signed(key, said, sign)
        assert not verify.is_signed(key, said + b"x", sign)
        s = int.from_bytes(sign[32:], "little")
        for malleable in (s + verify.L, s + 2 * verify.L):  # the same number to the group, another signature
            assert not verify.is_signed(key, said, sign[:32] + malleable.to_bytes(32, "little"))
        for place in range(64):
            assert not verify.is_signed(key, said, sign[:place] + bytes([sign[place] ^ 1]) + sign[place + 1 :])
    key = bytes.fromhex(RFC_8032[0][0])
    assert not verify.is_signed(key, b"", b"")
    assert not verify.is_signed(key[:-1], b"", bytes(64))


@pytest.mark.once
def test_it_decides_the_edges_as_openssl_does():
    answers = []
    for case in EDGES:
        key, said, sign = (bytes.fromhex(case[name]) for name in ("pub_key", "message", "signature"))
        answers.append(verify.is_signed(key, said, sign))
        assert answers[-1] == openssl(key, said, sign)
    assert answers == [True] * 4 + [False] * 6
    for case in EDGES[:2]:  # small order: valid for anything, so no key at all
        data = b"\x01" + bytes.fromhex(case["pub_key"])
        short = hashlib.sha256(b"x\n" + data).digest()[:4].hex()
        with pytest.raises(verify.Unclear):
            verify.read_key(f"x+{short}+{base64.b64encode(data).decode()}")


@pytest.mark.once
@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 63), st.integers(0, 7))
def test_it_agrees_with_another_implementation_on_any_message(seed, message, place, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify.is_signed(public, message, signature)
    flipped = signature[:place] + bytes([signature[place] ^ 1 << bit]) + signature[place + 1 :]
    assert verify.is_signed(public, message, flipped) == openssl(public, message, flipped)


def openssl(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
