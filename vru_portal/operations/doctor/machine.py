"""What can be wrong around the portal: its settings, its machine, its proxy and its mail server."""

import os
import platform
import re
import shutil
import smtplib
import socket
import sqlite3
import ssl
import stat
import sys
import time
from collections.abc import Iterator
from email.utils import parseaddr
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from pathlib import Path

from django.conf import settings
from django.core import checks, mail

from vru_portal.environment import sqlite_journal_mode
from vru_portal.operations.backup.status import read_status
from vru_portal.operations.doctor.findings import Finding
from vru_portal.text.dates import format_datetime

LEAST_FREE_BYTES = 2**30
LAST_DAYS_OF_CERTIFICATE = 14
SECONDS_TO_CONNECT = 10


def settings_and_proxy() -> Iterator[Finding]:
    """Django's system checks; on a public portal, its deployment checks too."""
    for message in checks.run_checks(include_deployment_checks=not settings.ADDRESS.is_loopback):
        if message.level >= checks.WARNING:
            remedy = "Set PORTAL_URL to an address that starts with https: the security settings depend on it."
            yield Finding(f"{message.msg} ({message.id})", str(message.hint or remedy))
    if not settings.TRUSTED_PROXIES and not ip_address(settings.BIND).is_loopback:
        yield Finding(
            f"The portal listens on {settings.BIND} without a proxy, so one client can take up all of its connections.",
            "Put nginx in front of it (deploy/nginx.conf), and set BIND=127.0.0.1 and TRUSTED_PROXIES=1.",
            urgent=not settings.EMBEDDED,
        )


def https() -> Iterator[Finding]:
    if settings.ADDRESS.is_loopback:
        yield Finding(
            "Only this machine can open the portal.",
            "For the public, set PORTAL_URL to its https address.",
            urgent=False,
        )
    elif not settings.ADDRESS.is_secure:
        yield Finding(
            "Passwords and signing links are sent unencrypted.",
            "Terminate HTTPS at a proxy in front of the portal, and set PORTAL_URL to the https address.",
        )
    else:
        yield from certificate(settings.ADDRESS.host, settings.ADDRESS.port or 443)


def certificate(host: str, port: int) -> Iterator[Finding]:
    renew = f"Renew the certificate of {host} at the proxy, and set up automatic renewal."
    try:
        days = (certificate_ends_at(host, port) - time.time()) / 86400
        if days < LAST_DAYS_OF_CERTIFICATE:
            yield Finding(f"The certificate of {host} expires in {days:.0f} days.", renew)
    except ssl.SSLCertVerificationError as error:
        yield Finding(f"Browsers do not accept the certificate of {host}: {error.verify_message}.", renew)
    except OSError as error:
        problem = f"{host} cannot be reached from this machine: {type(error).__name__}."
        yield Finding(problem, "Check its DNS entry and the proxy, from another machine too.", urgent=False)


def certificate_ends_at(host: str, port: int) -> float:
    """When a server's certificate ends (seconds since 1970). Raises SSLCertVerificationError if it is not valid."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), SECONDS_TO_CONNECT) as connection,
        context.wrap_socket(connection, server_hostname=host) as secure,
    ):
        return float(ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"])))


def mail_server() -> Iterator[Finding]:
    if not settings.EMAIL_BACKEND.endswith(".smtp.EmailBackend"):
        yield Finding(
            "Emails are saved as files and not sent.",
            "Set EMAIL_URL to your mail server.",
            urgent=not settings.EMBEDDED,
        )
        return
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    if "." not in domain or domain.replace(".", "").isdigit():
        yield Finding(
            f"Emails are sent from “{domain}”, which mail servers refuse.",
            "Set MAIL_FROM to an address of your own domain.",
        )
    is_local = settings.EMAIL_HOST in ("localhost", "127.0.0.1", "::1")
    if not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL or is_local):
        yield Finding(
            "Emails, with their signing links, go to the mail server unencrypted.",
            "EMAIL_URL must start with smtp+tls:// or smtp+ssl://.",
        )
    try:
        connection = mail.get_connection(timeout=SECONDS_TO_CONNECT)
        connection.open()
        connection.close()
    except smtplib.SMTPAuthenticationError:
        yield Finding("The mail server refuses the password.", "Correct the user and the password in EMAIL_URL.")
    except (OSError, smtplib.SMTPException) as error:
        yield Finding(
            f"The mail server {settings.EMAIL_HOST}:{settings.EMAIL_PORT} does not answer: {type(error).__name__}.",
            "Correct host and port in EMAIL_URL, and allow connections through the firewall.",
        )


def permissions() -> Iterator[Finding]:
    """Files with keys, personal data or passwords that other accounts of this machine can open."""
    keys = Path(settings.REGISTER_KEYS)
    paths = [
        settings.BASE_DIR / ".env",
        Path(settings.VAR_DIR),
        Path(settings.VAR_DIR) / "secret-key",
        Path(settings.DATABASES["default"]["NAME"]),  # on PostgreSQL a name without a file
        Path(settings.SECOND_FACTOR_KEYS),
        keys,
        *keys.glob("*.key"),
    ]
    open_paths = [str(path) for path in paths if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_paths:
        names = " ".join(open_paths)
        yield Finding(f"Other accounts of this machine can open {names}.", f"Run: chmod go= {names}")
    if not os.access(settings.VAR_DIR, os.W_OK):
        yield Finding(
            f"The portal cannot write in {settings.VAR_DIR}.",
            f"Run: chown -R {os.geteuid()} {settings.VAR_DIR}, or set VAR_DIR to another folder.",
        )


def disk() -> Iterator[Finding]:
    for folder in (settings.VAR_DIR, settings.REGISTER_KEYS):
        if Path(folder).exists() and (free := shutil.disk_usage(folder).free) < LEAST_FREE_BYTES:
            yield Finding(
                f"The disk of {folder} has only {free // 2**20} MB left.",
                "Delete files you do not need, or enlarge the disk.",
            )
            return


def backups() -> Iterator[Finding]:
    remedy = "Run manage.py backup every day, and keep copies on another machine."
    status = read_status()
    if status.failed_at:
        yield Finding(f"The last backup failed: {status.failure}", remedy)
    elif status.made_at is None:
        yield Finding("No backup has been made yet.", remedy)
    elif status.is_too_old:
        yield Finding(f"The last backup was made on {format_datetime(status.made_at)}.", remedy)


def versions() -> Iterator[Finding]:
    if outdated := packages_that_differ():
        names = ", ".join(outdated[:5]) + (" …" if len(outdated) > 5 else "")
        yield Finding(
            f"Package versions differ from those the portal was tested with: {names}.",
            "Install them with: make .venv/run-installed",
        )
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if is_sqlite and sqlite_journal_mode(sqlite3.sqlite_version_info) != "WAL":
        yield Finding(
            f"SQLite {sqlite3.sqlite_version} can lose writes in WAL mode, so readers and writers wait for each other.",
            "Use PostgreSQL for a busy portal, or a Python with SQLite 3.51.3 or later.",
            urgent=False,
        )
    if has_slow_cookies(sys.version_info[:3]):
        yield Finding(
            f"Python {platform.python_version()} has a fault that lets long cookies take up a thread (CVE-2024-7592).",
            "The portal refuses such cookies. Nevertheless, use Python 3.11.10, 3.12.6, 3.13 or later.",
            urgent=False,
        )


def has_slow_cookies(python: tuple[int, int, int]) -> bool:
    return python < (3, 11, 10) or (3, 12) <= python < (3, 12, 6)


def numbers_in(version: str) -> list[int]:
    """What two spellings of one version have in common: 2.007 is 2.7."""
    return [int(digits) for digits in re.findall(r"\d+", version)]


def packages_that_differ() -> list[str]:
    """The packages that are installed in another version than requirements/run.txt says, or not at all."""
    differing = []
    for line in (settings.BASE_DIR / "requirements" / "run.txt").read_text().splitlines():
        name, separator, rest = line.partition("==")
        if not separator or ";" in rest or line.startswith((" ", "#")):  # a hash, a comment, or not for every system
            continue
        try:
            if numbers_in(version(name)) != numbers_in(rest.split()[0]):
                differing.append(name)
        except PackageNotFoundError:
            differing.append(name)
    return differing
