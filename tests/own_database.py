"""Databases of a test's own, each in processes of its own: what is committed in them cannot be taken back."""

import json
import os
import shutil
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
def empty_database(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Make a database of the kind that the tests run on; give the settings that lead to it."""
    folder.mkdir(parents=True, exist_ok=True)
    if connection.vendor == "sqlite":
        yield {"VAR_DIR": str(folder)}
        shutil.rmtree(folder)
        return
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    url = urlsplit(base)
    name = f"{name}_{os.getpid()}"
    with psycopg.connect(
        f"host=/{url.path.strip('/')} user={url.username or 'postgres'} dbname=postgres", autocommit=True
    ) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {
                "VAR_DIR": str(folder),
                "SECRET_KEY": KEY,
                "DATABASE_URL": f"{base}/{name}",
            }
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def migrated_database(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Make a database with every table and every guard."""
    with empty_database(folder, name) as values:
        found = python(values, "manage.py", "migrate", "--verbosity", "0")
        assert found.returncode == 0, found.stderr
        yield values
