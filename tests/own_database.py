"""Databases of a test's own, each in processes of its own: what is committed in them cannot be taken back."""

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

from tests.portal_process import environment

KEY = "k" * 50
SECONDS = 600


def python(values: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on a database; return what it has said."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | values),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def answer(values: dict[str, str], *arguments: str) -> Any:
    """Run Python on a database; return the JSON that it prints last."""
    found = python(values, *arguments)
    assert found.returncode == 0, found.stdout + found.stderr
    return json.loads(found.stdout.strip().splitlines()[-1])


@contextmanager
def server() -> Iterator[tuple[psycopg.Connection, str]]:
    """Connect to the PostgreSQL of the tests; give the address to which a database's name is added, too."""
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    url = urlsplit(base)
    with psycopg.connect(
        f"host=/{url.path.strip('/')} user={url.username or 'postgres'} dbname=postgres", autocommit=True
    ) as connected:
        yield connected, base


class Template:
    """A database with every table and every guard, migrated once in a run and copied from then on."""

    name = "portal_template"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name

    def make(self) -> None:
        """Migrate it, unless this or another worker has."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (self.folder / "made").exists():
                return
            values = {"VAR_DIR": str(self.folder)}
            if connection.vendor == "postgresql":
                with server() as (connected, base):
                    connected.execute(f'DROP DATABASE IF EXISTS "{self.name}"')
                    connected.execute(f'CREATE DATABASE "{self.name}"')
                values |= {"SECRET_KEY": KEY, "DATABASE_URL": f"{base}/{self.name}"}
            found = python(values, "manage.py", "migrate", "--verbosity", "0")
            assert found.returncode == 0, found.stderr
            (self.folder / "made").touch()

    def begin(self, database: dict[str, Any]) -> None:
        """Let the test database that Django is about to make begin as a copy."""
        self.make()
        if connection.vendor == "postgresql":
            database.setdefault("TEST", {})["TEMPLATE"] = self.name
        else:
            connection_created.connect(self._fill)

    def _fill(self, connection: Any, **_: Any) -> None:
        """Fill the database in memory as soon as there is a connection to it, which keeps it."""
        connection_created.disconnect(self._fill)
        self.copy(connection.connection)

    def copy(self, into: sqlite3.Connection) -> None:
        """Copy what is in SQLite's file."""
        source = sqlite3.connect(self.folder / "portal.sqlite3")
        source.backup(into)
        source.close()

    def put(self, folder: Path) -> None:
        """Put SQLite's file where a portal expects its own."""
        self.make()
        folder.mkdir(parents=True, exist_ok=True)
        into = sqlite3.connect(folder / "portal.sqlite3")
        self.copy(into)
        into.close()


@contextmanager
def empty_database(folder: Path, name: str, template: str = "template1") -> Iterator[dict[str, str]]:
    """Make a database of the kind that the tests run on; give the settings that lead to it."""
    folder.mkdir(parents=True, exist_ok=True)
    if connection.vendor == "sqlite":
        yield {"VAR_DIR": str(folder)}
        shutil.rmtree(folder)
        return
    name = f"{name}_{os.getpid()}"
    with server() as (connected, base):
        connected.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield {
                "VAR_DIR": str(folder),
                "SECRET_KEY": KEY,
                "DATABASE_URL": f"{base}/{name}",
            }
        finally:
            connected.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def migrated_database(folder: Path, name: str, template: Template) -> Iterator[dict[str, str]]:
    """Make a database with every table and every guard."""
    template.make()
    with empty_database(folder, name, template.name) as values:
        if connection.vendor == "sqlite":
            template.put(folder)
        yield values
