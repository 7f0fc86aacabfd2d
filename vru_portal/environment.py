"""Parsing and checking of settings from the environment, before anything starts.

Every error is one sentence that names the setting and what to set it to. The operator sees it without a traceback.
"""

import importlib.util
import ipaddress
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from django.core.exceptions import ImproperlyConfigured

from vru_portal.private_files import write_once

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
DEFAULT_PORTS = {"http": 80, "https": 443}
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
SHORTEST_SECRET_KEY = 50  # what Django's own deployment check (security.W009) requires
SHORTEST_TOKEN = 32  # beyond guessing, if its characters are random
SECONDS_FOR_A_LOCK = 20  # before somebody who waits for another writer is told to try again


@dataclass(frozen=True)
class PortalAddress:
    """The portal's public address, from which the settings of hosts, origins and cookies follow."""

    scheme: str
    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK_HOSTS

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """As browsers send it: without a slash at the end, and without the scheme's default port."""
        has_port = self.port not in (None, DEFAULT_PORTS[self.scheme])
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if has_port else "")

    @property
    def host_with_port(self) -> str:
        return self.origin.partition("://")[2]

    @property
    def allowed_hosts(self) -> list[str]:
        return list(LOOPBACK_HOSTS) if self.is_loopback else [self.host]

    def host_headers(self, listening_port: int) -> set[str]:
        """What a Host header may say, in small letters. Proxies may leave out the port, or name the default one."""
        ports = {self.port or DEFAULT_PORTS[self.scheme]} | ({listening_port} if self.is_loopback else set())
        return {f"{host}{port}" for host in self.allowed_hosts for port in ("", *(f":{port}" for port in ports))}


def parse_portal_url(value: str) -> PortalAddress:
    """Parse PORTAL_URL, such as ``https://vru.example.org`` or ``http://localhost:8000``.

    Raises ImproperlyConfigured for anything but scheme, host and an optional port.
    """
    advice = f"PORTAL_URL must be only a scheme and a host, such as https://vru.example.org. It is {value!r}."
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
    if not HOST_NAME.fullmatch(host):  # "*" and ".example.org" would match many hosts in Django
        raise ImproperlyConfigured(advice)
    return PortalAddress(parts.scheme, host, port)


def parse_number(name: str, value: str, *, least: int = 1, most: int) -> int:
    """Parse a whole number from ``least`` to ``most``. Raises ImproperlyConfigured otherwise."""
    if value.isascii() and value.isdigit() and least <= int(value[:9]) <= most:
        return int(value)
    raise ImproperlyConfigured(f"{name} must be a number from {least} to {most}. It is {value!r}.")


def parse_port(value: str) -> int:
    return parse_number("PORT", value, most=65535)


def parse_ip_address(name: str, value: str) -> str:
    """Parse an IP address of this machine. Raises ImproperlyConfigured for a host name or anything else."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be an IP address, such as 127.0.0.1. It is {value!r}.") from error


def parse_monitoring_token(value: str) -> str:
    """Parse MONITORING_TOKEN; empty if not set.

    Raises ImproperlyConfigured where it could be guessed, or could not be sent in a header.
    """
    if value and not re.fullmatch(rf"[A-Za-z0-9._~+/-]{{{SHORTEST_TOKEN},}}=*", value):  # RFC 6750, section 2.1
        raise ImproperlyConfigured(
            f"MONITORING_TOKEN must be at least {SHORTEST_TOKEN} random letters and digits, for example the output of: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return value


def parse_log_format(value: str) -> str:
    if value not in ("text", "json"):
        raise ImproperlyConfigured(f"LOG_FORMAT must be text or json. It is {value!r}.")
    return value


def parse_grants_prefix(value: str) -> str:
    """Parse GRANTS_PREFIX, the publisher prefix that 360Giving assigns, such as ``360G-example``; empty if not set.

    Raises ImproperlyConfigured for anything else (https://standard.threesixtygiving.org, "Identifiers").
    """
    if value and not re.fullmatch(r"360G-[A-Za-z0-9]+", value, re.ASCII):
        raise ImproperlyConfigured(
            f"GRANTS_PREFIX must be like 360G-example, as 360Giving assigns it. It is {value!r}."
        )
    return value


def parse_database_url(value: str, *, embedded: Path) -> dict[str, Any]:
    """Parse DATABASE_URL into Django's setting. Without one: SQLite in the file ``embedded``.

    Raises ImproperlyConfigured for anything but PostgreSQL and SQLite, the two databases that the tests run on.
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
    """Parse EMAIL_URL into Django's mail settings. Raises ImproperlyConfigured where it names no mail server."""
    advice = "EMAIL_URL must be like smtp+tls://user:password@host:587 (or smtp+ssl://, smtp://)."
    if not value.startswith(("smtp://", "smtp+tls://", "smtp+ssl://")):
        raise ImproperlyConfigured(advice)
    try:
        parsed = environ.Env.email_url_config(value)
    except ValueError as error:
        raise ImproperlyConfigured(advice) from error
    if not parsed.get("EMAIL_HOST"):
        raise ImproperlyConfigured(advice)
    return {
        name: setting for name, setting in parsed.items() if name.startswith("EMAIL_") and name != "EMAIL_FILE_PATH"
    }


@dataclass(frozen=True)
class Seal:
    """What receipts are sealed with: a certificate, its private key, and the certificates of its issuers."""

    certificate: x509.Certificate
    key: pkcs12.PKCS12PrivateKeyTypes
    chain: tuple[x509.Certificate, ...]


def parse_seal(certificate: str, key: str, password: str) -> Seal | None:
    """Read SEAL_CERTIFICATE and SEAL_KEY (two PEM files), or SEAL_CERTIFICATE alone (PKCS#12); None without them.

    Raises ImproperlyConfigured where they cannot seal anything: when the portal starts, not with the first receipt.
    """
    if not certificate:
        if key:
            raise ImproperlyConfigured("SEAL_KEY is set but SEAL_CERTIFICATE is not. Set both, or neither.")
        return None
    if importlib.util.find_spec("pyhanko") is None:
        raise ImproperlyConfigured("SEAL_CERTIFICATE needs pyHanko. Install it with .venv/bin/pip install '.[seal]'.")
    if key:
        chain = parse_file("SEAL_CERTIFICATE", certificate, x509.load_pem_x509_certificates, "certificates in PEM")
        private = parse_file("SEAL_KEY", key, lambda data: load_pem_private_key(data, password.encode() or None),
                            "a private key in PEM whose password is SEAL_PASSWORD")  # fmt: skip
        first, *others = chain
    else:
        private, first, others = parse_file(
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


def parse_file(name: str, path: str, parse: Callable[[bytes], Any], expected: str) -> Any:
    """Parse the file that a setting names. Raises ImproperlyConfigured where it cannot be read or parsed."""
    try:
        return parse(Path(path).read_bytes())
    except OSError as error:
        raise ImproperlyConfigured(f"{path} ({name}) cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{path} ({name}) must be {expected}.") from error


def checked_secret_key(value: str) -> str:
    """Return the key. Raises ImproperlyConfigured where it is too short to sign with."""
    if len(value) < SHORTEST_SECRET_KEY:
        raise ImproperlyConfigured(
            f"Set SECRET_KEY to at least {SHORTEST_SECRET_KEY} random characters, for example the output of: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    return value


def embedded_secret_key(folder: Path) -> str:
    """Read the key in ``folder``; make it where it is missing. For the embedded default: one machine, one owner."""
    path = folder / "secret-key"
    try:
        write_once(path, lambda: secrets.token_urlsafe(50))
        return checked_secret_key(path.read_text().strip())
    except OSError as error:
        raise ImproperlyConfigured(
            f"{folder} cannot be written ({error.strerror}). Make it writable, or set VAR_DIR to a folder that is."
        ) from error


def postgresql_options(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The options of connections to PostgreSQL, beside those that DATABASE_URL states, which take precedence.

    Whoever waits for another's lock holds a thread of a web worker, so nobody waits for ever.
    """
    own = f"-c lock_timeout={SECONDS_FOR_A_LOCK}s"
    return {"connect_timeout": 5, **stated, "options": f"{own} {stated.get('options', '')}".strip()}


def sqlite_journal_mode(version: tuple[int, int, int]) -> str:
    """The journal mode in which this version of SQLite loses no committed write.

    WAL in versions before 3.51.3 (backported to 3.50.7 and 3.44.6) can lose commits when two connections checkpoint at
    once (https://sqlite.org/wal.html, "The WAL-reset bug"); the TRUNCATE journal cannot.
    """
    safe = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "WAL" if safe else "TRUNCATE"
