"""The secrets of emailed links. Only their hashes are stored, so nobody can use a link by reading the database."""

import hashlib
import re
import secrets

SECRET = re.compile(r"[-\w]{0,43}", re.ASCII)  # 32 bytes in URL-safe base64


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def secret_in(text: str) -> str:
    """The secret at the start of a copied link, without what came along behind it, such as ``>`` or ``&amp;``."""
    return SECRET.match(text)[0]  # type: ignore[index]  # an empty text matches, too


def secret_hash(secret: str) -> str:
    """The hash by which a secret is stored. Malformed Unicode in an address is hashed too, and matches nothing."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def mailbox_hash(address: str) -> str:
    """The hash by which the mailbox that a link was sent to is stored; empty if the link may be used from anywhere."""
    return secret_hash(address.casefold()) if address else ""
