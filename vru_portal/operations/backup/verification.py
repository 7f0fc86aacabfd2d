"""Verifying a backup: it is restored into a temporary place, and checked there as a portal is."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from vru_portal.operations.backup import postgresql
from vru_portal.operations.backup.archive import BackupError, Manifest

IRREGULAR = 2  # what `reconcile` returns where everything adds up, but some payments are exceptions


def try_backup(path: Path, manifest: Manifest) -> Iterator[str]:
    """Restore a backup elsewhere and check it; yield what was found. Raises BackupError where anything is wrong."""
    with throw_away_portal() as environment:
        run_command(environment, "restore", str(path.resolve()), "--without-keys")
        yield "It can be restored."
        if manifest.register_size:
            run_command(environment, "register", "verify")
            yield f"Its register is complete, with {manifest.register_size} entries."
        else:
            yield "Its register has no entries."
        run_command(environment, "reconcile", accepted=(0, IRREGULAR))
        yield "Its money adds up."
        yield run_command(environment, "crawl").strip()


@contextmanager
def throw_away_portal() -> Iterator[dict[str, str]]:
    """The environment of a portal with a folder and a database of its own, which are deleted afterwards."""
    parent = Path(settings.BACKUPS)
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=parent) as name:
        folder = Path(name)
        if not settings.STATIC_ROOT.is_dir():
            call_command("collectstatic", interactive=False, verbosity=0)
        (folder / "static").symlink_to(settings.STATIC_ROOT)
        # An empty value also overrides what .env says.
        environment = os.environ | {
            "VAR_DIR": str(folder),
            "REGISTER_KEYS": str(folder / "register"),
            "SECOND_FACTOR_KEYS": str(folder / "second-factor-keys"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PORTAL_URL": settings.PORTAL_URL,
            "DEMO": "",
            "EMAIL_URL": "",
        }
        if connection.vendor == "sqlite":
            yield environment | {"DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}"}
            return
        database = f"vru_backup_{secrets.token_hex(6)}"
        with postgresql.throw_away_database(database):
            yield environment | {"DATABASE_URL": url_of(database)}


def url_of(database: str) -> str:
    """DATABASE_URL with another database of the same server."""
    address, question, options = os.environ["DATABASE_URL"].partition("?")
    return f"{address.rpartition('/')[0]}/{database}{question}{options}"


def run_command(environment: dict[str, str], *arguments: str, accepted: tuple[int, ...] = (0,)) -> str:
    """Run a command of the throw-away portal; raises BackupError with what it says if it fails."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in accepted:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise BackupError(f"The backup failed its check: {' '.join(arguments[:2])} says: {' '.join(said)}")
    return done.stdout
