"""The secrets of second factors: encrypted in the database, with a key that is kept outside of it.

Someone who reads a copy of the database therefore cannot generate anyone's codes. The keys are a file, one to a line:
the newest comes first and encrypts; those below it still decrypt.
"""

import fcntl
import os
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from vru_portal.private_files import write_once

ENCRYPTED = "fernet:"  # how a stored secret begins
SECRET_FIELDS = ("secret", "seed")  # of an authenticator app, and of recovery codes
KEPT_KEYS = 2  # a worker may still be writing with the key that was the newest before a rotation


class KeyLost(ValidationError):  # noqa: N818 - it says what happened
    """The key of second factors is missing, or another one than they were encrypted with."""

    def __init__(self) -> None:
        super().__init__(
            "Your second factor cannot be read, because the portal's key for it is missing. Ask the person who runs "
            "the portal to restore the key, or to reset your account (manage.py staff reset)."
        )


def encrypt(secret: str) -> str:
    """Encrypt a secret. Makes the key with the first one; raises KeyLost if there was a key."""
    if not keys_file().exists() and not secrets_are_stored():
        write_once(keys_file(), new_key)
    return ENCRYPTED + cipher().encrypt(secret.encode()).decode()


def decrypt(stored: str) -> str:
    """Read a secret. Raises KeyLost."""
    try:
        return cipher().decrypt(stored.removeprefix(ENCRYPTED)).decode()
    except InvalidToken as error:
        raise KeyLost from error


def keys_file() -> Path:
    path: Path = settings.SECOND_FACTOR_KEYS
    return path


def new_key() -> str:
    return Fernet.generate_key().decode()


def read_keys() -> list[str]:
    """The keys, the newest first; none if there is no file."""
    return keys_file().read_text().split() if keys_file().exists() else []


def cipher() -> MultiFernet:
    """Encrypts with the newest key, and decrypts with any. Read each time, so that a rotation takes effect at once."""
    try:
        return MultiFernet([Fernet(key) for key in read_keys()])
    except ValueError as error:  # no key, or not a key
        raise KeyLost from error


def secrets_are_stored() -> bool:
    return any(map(secrets_of, Authenticator.objects.all()))


def secrets_of(row: Any) -> dict[str, str]:
    return {name: row.data[name] for name in SECRET_FIELDS if name in row.data}


def unreadable_accounts() -> list[str]:
    """The accounts whose second factor cannot be read: their owners cannot sign in."""
    names = set()
    for row in Authenticator.objects.select_related("user"):
        try:
            for stored in secrets_of(row).values():
                decrypt(stored)
        except KeyLost:
            names.add(row.user.get_username())
    return sorted(names)


def rotate_key() -> int:
    """Make a new key and encrypt every secret that can be read with it; returns how many rows have one.

    Wherever this is interrupted, everything that could be read still can: a key is dropped only once nothing needs it.
    """
    with keys_file().with_name(f".{keys_file().name}-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two rotations at once would overwrite each other's key
        write_keys([new_key(), *read_keys()])
        count = sum(encrypt_again(pk) for pk in Authenticator.objects.values_list("pk", flat=True))
        write_keys(read_keys()[:KEPT_KEYS])
        return count


@transaction.atomic
def encrypt_again(pk: int) -> bool:
    """Encrypt the secrets of one row with the newest key. Returns False if it has none, or cannot be read."""
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    if row is None or not (found := secrets_of(row)):
        return False
    try:
        row.data |= {name: encrypt(decrypt(stored)) for name, stored in found.items()}
    except KeyLost:
        return False
    row.save(update_fields=["data"])
    return True


def write_keys(keys: list[str]) -> None:
    """Replace the file, completely or not at all."""
    draft = keys_file().with_name(f".{keys_file().name}-{os.getpid()}")
    with draft.open("w") as file:
        file.write("\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(keys_file())
