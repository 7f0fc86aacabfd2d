"""What the environment says of this installation, checked before anything starts.

Each error is a sentence that names the setting and what to set it to: who starts the portal reads it, not a traceback.
"""

import importlib.util
import ipaddress
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from django.core.exceptions import ImproperlyConfigured

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
SHORTEST_SECRET_KEY = 50  # what Django's own deployment check (security.W009) asks for


@dataclass(frozen=True)
class PortalAddress:
    """Where the public reaches the portal: the one setting from which hosts, origins and cookies follow."""

    scheme: str
    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK_HOSTS

    @property
    def is_secure(self) -> bool:
        """Whether the public comes over HTTPS."""
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port as a browser sends them: no slash at the end, no port that the scheme implies."""
        implied = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port not in (None, implied) else "")

    @property
    def allowed_hosts(self) -> list[str]:
        """Host names to answer to: on loopback, each of its names."""
        return list(LOOPBACK_HOSTS) if self.is_loopback else [self.host]


def parse_portal_url(value: str) -> PortalAddress:
    """Read PORTAL_URL, such as ``https://vru.example.org`` or ``http://localhost:8000``.

    Raises ImproperlyConfigured for anything but scheme, host and an optional port.
    """
    advice = (
        f"PORTAL_URL must be a scheme and a host, such as https://vru.example.org, and nothing more; it is {value!r}."
    )
    try:
        parts = urlsplit(value.strip())
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(advice) from error
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
        raise ImproperlyConfigured(advice)
    if parts.query or parts.fragment or parts.username is not None:
        raise ImproperlyConfigured(advice)
    if ":" in host:  # an IPv6 address: urlsplit has checked it
        return PortalAddress(parts.scheme, f"[{host}]", port)
    if not HOST_NAME.fullmatch(host):  # "*" and ".example.org" would mean many hosts to Django
        raise ImproperlyConfigured(advice)
    return PortalAddress(parts.scheme, host, port)


def parse_number(name: str, value: str, *, least: int = 1, most: int) -> int:
    """Read a setting that is a whole number from ``least`` to ``most``. Raises ImproperlyConfigured otherwise."""
    if value.isascii() and value.isdigit() and least <= int(value[:9]) <= most:
        return int(value)
    raise ImproperlyConfigured(f"{name} must be a number from {least} to {most}; it is {value!r}.")


def parse_port(value: str) -> int:
    """Read PORT. Raises ImproperlyConfigured for what is no port."""
    return parse_number("PORT", value, most=65535)


def parse_ip_address(name: str, value: str) -> str:
    """Read a setting that is an IP address of this machine. Raises ImproperlyConfigured for a name or anything else."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be an IP address, such as 127.0.0.1; it is {value!r}.") from error


def parse_grants_prefix(value: str) -> str:
    """Read GRANTS_PREFIX, the publisher prefix that 360Giving assigns, such as ``360G-example``; empty where not set.

    Raises ImproperlyConfigured for anything else (https://standard.threesixtygiving.org, "Identifiers").
    """
    if value and not re.fullmatch(r"360G-[A-Za-z0-9]+", value, re.ASCII):
        raise ImproperlyConfigured(
            f"GRANTS_PREFIX must be like 360G-example, as 360Giving assigns it; it is {value!r}."
        )
    return value


def parse_database_url(value: str, *, embedded: Path) -> dict[str, Any]:
    """Return DATABASE_URL as Django's setting; without one, SQLite in the file ``embedded``.

    Raises ImproperlyConfigured for anything but PostgreSQL and SQLite, the two that the tests run on.
    """
    if not value:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": embedded}
    advice = "DATABASE_URL must be like postgres://user:password@host:5432/name, or sqlite:////a/file."
    if not value.startswith(("postgres://", "postgresql://", "sqlite:///")):
        raise ImproperlyConfigured(advice)
    try:
        return dict(environ.Env.db_url_config(value))
    except ValueError as error:
        raise ImproperlyConfigured(advice) from error


def parse_email_url(value: str) -> dict[str, Any]:
    """Return EMAIL_URL as Django's settings of mail. Raises ImproperlyConfigured for what is no mail server."""
    advice = "EMAIL_URL must be like smtp+tls://user:password@host:587 (or smtp+ssl://, smtp://)."
    if not value.startswith(("smtp://", "smtp+tls://", "smtp+ssl://")):
        raise ImproperlyConfigured(advice)
    try:
        found = environ.Env.email_url_config(value)
    except ValueError as error:
        raise ImproperlyConfigured(advice) from error
    if not found.get("EMAIL_HOST"):
        raise ImproperlyConfigured(advice)
    return {name: setting for name, setting in found.items() if name.startswith("EMAIL_") and name != "EMAIL_FILE_PATH"}


@dataclass(frozen=True)
class Seal:
    """What receipts are sealed with: a certificate, its private key, and the certificates above it."""

    certificate: x509.Certificate
    key: pkcs12.PKCS12PrivateKeyTypes
    chain: tuple[x509.Certificate, ...]


def parse_seal(certificate: str, key: str, password: str) -> Seal | None:
    """Read SEAL_CERTIFICATE and SEAL_KEY, two PEM files, or SEAL_CERTIFICATE alone, a PKCS#12 file; None without them.

    Raises ImproperlyConfigured for what cannot be sealed with: at the start, not when the first receipt leaves.
    """
    if not certificate:
        if key:
            raise ImproperlyConfigured("SEAL_KEY is set and SEAL_CERTIFICATE is not: set both, or neither.")
        return None
    if importlib.util.find_spec("pyhanko") is None:
        raise ImproperlyConfigured("SEAL_CERTIFICATE needs pyHanko: install it with .venv/bin/pip install '.[seal]'.")
    if key:
        chain = read_file("SEAL_CERTIFICATE", certificate, x509.load_pem_x509_certificates, "certificates in PEM")
        private = read_file("SEAL_KEY", key, lambda data: load_pem_private_key(data, password.encode() or None),
                            "a private key in PEM whose password is SEAL_PASSWORD")  # fmt: skip
        first, *others = chain
    else:
        private, first, others = read_file(
            "SEAL_CERTIFICATE",
            certificate,
            lambda data: pkcs12.load_key_and_certificates(data, password.encode() or None),
            "a PKCS#12 file whose password is SEAL_PASSWORD; or set SEAL_KEY to the private key that belongs to it",
        )
        if private is None or first is None:
            raise ImproperlyConfigured(f"{certificate} (SEAL_CERTIFICATE) holds no certificate with its private key.")
    if private.public_key() != first.public_key():
        raise ImproperlyConfigured(f"{key} (SEAL_KEY) is not the key of the first certificate in {certificate}.")
    return Seal(first, private, tuple(others))


def read_file(name: str, path: str, read: Callable[[bytes], Any], what: str) -> Any:
    """Return what is read from the file that a setting names; raises ImproperlyConfigured where it is not that."""
    try:
        return read(Path(path).read_bytes())
    except OSError as error:
        raise ImproperlyConfigured(f"{path} ({name}) cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{path} ({name}) must be {what}.") from error


def checked_secret_key(value: str) -> str:
    """Return SECRET_KEY from the environment if it is long enough to sign with."""
    if len(value) < SHORTEST_SECRET_KEY:
        raise ImproperlyConfigured(
            f"Set SECRET_KEY to at least {SHORTEST_SECRET_KEY} random characters, for example the output of: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    return value


def embedded_secret_key(folder: Path) -> str:
    """Return the key kept in ``folder``, making folder and key where they are missing.

    Only for the embedded default: one machine, one owner. The file is made whole under another name and then linked,
    so that two processes starting together read the same key and a full disk leaves no half of one.
    """
    path = folder / "secret-key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold sessions and password hashes
        if not path.exists():
            draft = folder / f".secret-key-{os.getpid()}"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # another process was first: its key is the key
            finally:
                draft.unlink()
        return checked_secret_key(path.read_text().strip())
    except OSError as error:
        raise ImproperlyConfigured(
            f"{folder} cannot be written ({error.strerror}). Make it writable, or set VAR_DIR to a folder that is."
        ) from error


def sqlite_journal_mode(version: tuple[int, int, int]) -> str:
    """Return the journal mode that loses no committed write with this SQLite.

    WAL in versions before 3.51.3 (backported to 3.50.7 and 3.44.6) can lose commits when two connections checkpoint at
    once (https://sqlite.org/wal.html, "The WAL-reset bug"); the TRUNCATE journal cannot.
    """
    safe = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "WAL" if safe else "TRUNCATE"
