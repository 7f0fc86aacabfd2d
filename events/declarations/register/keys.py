"""The register's private key, which signs checkpoints (C2SP signed notes, Ed25519). It is not in the database."""

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519_TYPE = b"\x01"  # c2sp.org/signed-note, "Signature types"


@dataclass(frozen=True)
class SigningKey:
    """A private key under the log's name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The public key's 32 bytes, after one byte for the algorithm."""
        return ED25519_TYPE + self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature identifies its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The public key as verifiers read it: name, key id and key."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.public).decode()}"

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note for a log of this size with this root (c2sp.org/tlog-checkpoint)."""
        text = f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_id + self.private.sign(text.encode())).decode()
        return f"{text}\n\N{EM DASH} {self.name} {signature}\n"


def read_key_file(path: Path, name: str) -> SigningKey:
    """Raises FileNotFoundError or ValueError."""
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip())))


def make_key_file(folder: Path, name: str) -> SigningKey:
    """Make a key, in a file in this folder that only its owner can read, named by its key id."""
    key = SigningKey(name, Ed25519PrivateKey.generate())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{key.key_id.hex()}.key"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key.private.private_bytes_raw().hex())
        file.flush()
        os.fsync(file.fileno())
    return key
