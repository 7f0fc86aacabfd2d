"""SQLite: a copy of the database while others write to it, and putting a copy in its place."""

import math
import sqlite3
from contextlib import closing
from pathlib import Path

from django.conf import settings

from vru_portal.operations.backup.archive import BackupError

PAGES_PER_STEP = 256  # copied under one lock: a megabyte, which takes about a millisecond
SECONDS_TO_WAIT = 0.1  # before trying again where somebody is committing
JOURNALS = ("-journal", "-wal", "-shm")


class Overtaken(Exception):  # noqa: N818 - not an error: the copy begins again
    """Somebody committed between two steps, so SQLite would copy everything again."""


def database_file() -> Path:
    return Path(settings.DATABASES["default"]["NAME"])


def copy_database(into: Path, pages: int = PAGES_PER_STEP) -> None:
    """Copy the database into a private file, in steps that each hold a read lock for a moment.

    A commit between two steps makes the copy begin again. So that it ends however busy the portal is, each new
    beginning takes steps twice as long: the last resort is one step for the whole file.
    """
    if not database_file().is_file():
        raise BackupError(f"{database_file()} does not exist: there is no database to back up.")
    into.touch(mode=0o600)
    with closing(sqlite3.connect(database_file())) as source, closing(sqlite3.connect(into)) as copy:
        while True:
            try:
                source.backup(copy, pages=pages, progress=Progress(), sleep=SECONDS_TO_WAIT)
                break
            except Overtaken:
                pages *= 2
    check_integrity(into)


class Progress:
    """Called after each step, and raises Overtaken where the copy has begun again."""

    def __init__(self) -> None:
        self.remaining: float = math.inf

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if status == sqlite3.SQLITE_OK and remaining >= self.remaining:
            raise Overtaken
        self.remaining = remaining


def check_integrity(file: Path) -> None:
    """Raises BackupError for a file that is not a whole SQLite database."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise BackupError(f"The database is damaged: {error}.") from error
    if found != "ok":
        raise BackupError(f"The database is damaged. SQLite says: {found}")


def is_empty() -> bool:
    """Whether there is no database yet, or one without tables."""
    if not database_file().is_file():
        return True
    with closing(sqlite3.connect(database_file())) as database:
        return not database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
