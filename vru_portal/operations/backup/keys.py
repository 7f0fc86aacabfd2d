"""The portal's keys: in a file of their own, or encrypted in the archive.

They are the register's keys, with the newest checkpoint and the list of erasures, which are kept beside them; the key
of second factors; and the key that the default installation signs sessions with.
"""

import base64
import binascii
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings

from vru_portal.operations.backup.archive import BackupError

SHORTEST_PASSPHRASE = 12
SALT_SIZE = 16
LARGEST_FILE = 2**26  # bytes
NAME = re.compile(r"register/([0-9a-f]{8}\.key|checkpoint|erased)|secret-key|second-factor-keys")


def replaced_files() -> dict[str, Path]:
    """The keys that have a file each, by their names in a backup: a restore replaces others with them."""
    files = {"second-factor-keys": Path(settings.SECOND_FACTOR_KEYS)}
    if settings.EMBEDDED:  # which makes its own (`environment.embedded_secret_key`)
        files["secret-key"] = Path(settings.VAR_DIR, "secret-key")
    return files


def path_of(name: str) -> Path:
    """The file of one of the register's keys."""
    return Path(settings.REGISTER_KEYS, name.rpartition("/")[2])


@dataclass
class Keys:
    """The content of the key files, by their names in a backup."""

    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def signing(self) -> dict[str, bytes]:
        return {name: content for name, content in self.files.items() if name.endswith(".key")}

    def text(self, name: str) -> str:
        return self.files.get(name, b"").decode(errors="replace")

    def dump(self) -> bytes:
        encoded = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        return json.dumps({"vru_portal_keys": encoded}, indent=1).encode()

    @classmethod
    def load(cls, content: bytes) -> "Keys":
        """Raises BackupError for anything that `dump` did not make."""
        try:
            encoded = json.loads(content)["vru_portal_keys"]
            files = {str(name): base64.b64decode(text, validate=True) for name, text in encoded.items()}
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
            raise BackupError("The file of keys cannot be read.") from error
        if unknown := [name for name in files if not NAME.fullmatch(name)]:
            raise BackupError(f"The file of keys names {unknown[0]!r}, which is not a portal's key.")
        return cls(files)


def read_keys() -> Keys:
    """The keys of this portal."""
    folder = Path(settings.REGISTER_KEYS)
    paths = [*sorted(folder.glob("*.key")), folder / "checkpoint", folder / "erased"]
    files = {f"register/{path.name}": path.read_bytes() for path in paths if path.is_file()}
    files |= {name: path.read_bytes() for name, path in replaced_files().items() if path.is_file()}
    return Keys({name: content for name, content in files.items() if NAME.fullmatch(name)})


def write_keys(path: Path) -> None:
    """Write the keys into a new file that only its owner can read."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(read_keys().dump())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from error


def read_keys_file(path: Path) -> Keys:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    return Keys.load(content)


# Encrypted ------------------------------------------------------------------------------------------------------------


def require_passphrase(passphrase: str) -> str:
    """Return it; raises BackupError where it is too short to keep the keys."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BackupError(f"The passphrase must have at least {SHORTEST_PASSPHRASE} characters.")
    return passphrase


def encrypt(keys: Keys, passphrase: str) -> bytes:
    salt = secrets.token_bytes(SALT_SIZE)
    return salt + cipher(salt, passphrase).encrypt(keys.dump())


def decrypt(content: bytes, passphrase: str) -> Keys:
    salt, token = content[:SALT_SIZE], content[SALT_SIZE:]
    try:
        return Keys.load(cipher(salt, passphrase).decrypt(token))
    except InvalidToken as error:
        raise BackupError("The passphrase is not the one that the keys were encrypted with.") from error


def cipher(salt: bytes, passphrase: str) -> Fernet:
    """AES with a key that costs 128 MB and a fraction of a second to derive (OWASP's parameters for scrypt)."""
    derived = Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
