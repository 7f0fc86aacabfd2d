"""Databases of a test's own, each in processes of its own: what is committed in them cannot be taken back."""

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connection

from tests.support.processes.forks import run_fork
from tests.support.processes.portal_process import environment

KEY = "k" * 50
SECONDS = 600
KEPT_FOR = 24 * 60 * 60  # seconds: a run of another branch may be copying a template that this one does not need
PACKAGES = ("vru_portal", "partners", "programmes", "funding", "events")
FIRST_START = """
import django
django.setup()
from django.core.management import call_command
from events.declarations.register import log
from vru_portal.management.commands.serve import prepare_static_files
call_command("load_unit", "fixtures", verbosity=0)
log.rotate_key()
prepare_static_files()
"""
INSTALLS = (
    "vru_portal/table_creation.py",
    "vru_portal/ledger/append_only/declared.py",
    "vru_portal/ledger/append_only/database.py",
    "vru_portal/ledger/content_version.py",
    "vru_portal/accounts/roles.py",
)


def run_python(
    values: dict[str, str], *arguments: str, checkout: Path = settings.BASE_DIR
) -> subprocess.CompletedProcess[str]:
    """Run Python on a database, with this or another checkout's code; return its output."""
    environ = environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | values)
    if checkout == settings.BASE_DIR:
        return run_fork(arguments, environ, checkout, SECONDS)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def run_python_for_json(values: dict[str, str], *arguments: str, checkout: Path = settings.BASE_DIR) -> Any:
    """Run Python on a database; return the JSON that it prints last."""
    found = run_python(values, *arguments, checkout=checkout)
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
    """Databases that are made once and copied from then on.

    That of SQLite outlives the run: the next one finds it, as long as it would be made the same.
    """

    name = "portal_template"

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder = folder / self.name
        self.kept = kept

    @cached_property
    def file(self) -> Path:
        """SQLite's database with every table and every trigger."""
        return self.kept / f"{signature()}.sqlite3"

    @cached_property
    def unit(self) -> Path:
        """What a portal leaves in its folder that has loaded the launch content and collected its static files."""
        folder = self.folder / "unit"
        with self.once("unit") as first:
            if first:
                self.put(folder)
                done = run_python({"VAR_DIR": str(folder)}, "-c", FIRST_START)
                assert done.returncode == 0, done.stderr
        return folder

    @contextmanager
    def once(self, what: str) -> Iterator[bool]:
        """Say whether this worker is the first of the run to make something; let the others wait until it is made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        made = self.folder / f"{what}.made"
        with (self.folder / f"{what}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield not made.exists()
            made.touch()

    def make(self) -> None:
        """Migrate a database, unless this or another worker has."""
        with self.once("migrated") as first:
            if not first or (connection.vendor == "sqlite" and self.file.exists()):
                return
            values = {"VAR_DIR": str(self.folder)}
            if connection.vendor == "postgresql":
                with server() as (connected, base):
                    connected.execute(f'DROP DATABASE IF EXISTS "{self.name}"')
                    connected.execute(f'CREATE DATABASE "{self.name}"')
                values |= {"SECRET_KEY": KEY, "DATABASE_URL": f"{base}/{self.name}"}
            found = run_python(values, "manage.py", "migrate", "--verbosity", "0")
            assert found.returncode == 0, found.stderr
            if connection.vendor == "sqlite":
                self.kept.mkdir(parents=True, exist_ok=True)
                for old in self.kept.iterdir():
                    if time.time() - old.stat().st_mtime > KEPT_FOR:
                        old.unlink()
                new = self.kept / f"{os.getpid()}.new"  # beside it, and not where another file system may be
                shutil.copyfile(self.folder / "portal.sqlite3", new)
                new.replace(self.file)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Let this process's connection lead to a copy of its own, until the end of the block."""
        self.make()
        connection.close()
        if connection.vendor == "sqlite":
            connection.settings_dict["NAME"] = ":memory:"
            connection.ensure_connection()
            self.copy(connection.connection)
            yield
            return
        name = f"test_portal_{os.getpid()}"
        with server() as (connected, _):
            connected.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
            connection.settings_dict["NAME"] = name
            yield
            connection.close()
            connected.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def copy(self, into: sqlite3.Connection) -> None:
        """Copy what is in SQLite's file."""
        source = sqlite3.connect(self.file)
        source.backup(into)
        source.close()

    def put(self, folder: Path) -> None:
        """Put SQLite's file where a portal expects its own."""
        self.make()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.file, folder / "portal.sqlite3")

    def put_unit(self, folder: Path) -> None:
        """Let a portal find in its folder what its first start would have made there."""
        shutil.copytree(self.unit, folder)

    def put_static_files(self, folder: Path) -> None:
        """Let a portal find in its folder the static files that it would have collected."""
        shutil.copytree(self.unit / "static", folder / "static")
        shutil.copy(self.unit / "static-collected", folder)


def signature() -> str:
    """Return what changes as soon as migrating an empty database would leave another one than before."""
    from django.apps import apps

    from vru_portal.accounts import roles
    from vru_portal.ledger.append_only.declared import declared_triggers

    texts = [trigger.sql("sqlite") for trigger in declared_triggers()]
    texts += [f"{role.name} {role.may_view_everything} {sorted(role.permissions)}" for role in roles.ROLES]
    texts += [
        repr((model._meta.label, model._meta.verbose_name, model._meta.default_permissions, model._meta.permissions))
        for model in apps.get_models()
    ]
    base = settings.BASE_DIR
    migrations = sorted(path for app in PACKAGES for path in (base / app).glob("**/migrations/*.py"))
    others = (base / name for name in ("requirements/run.txt", *INSTALLS))
    texts += [path.read_text() for path in (*migrations, *others)]
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


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
    """Make a database with every table and every trigger."""
    template.make()
    with empty_database(folder, name, template.name) as values:
        if connection.vendor == "sqlite":
            template.put(folder)
        yield values
