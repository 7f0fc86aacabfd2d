"""Where a file is tried: on SQLite in a copy of the database, so that nobody who writes has to wait for it.

To try a file is to record all of its rows, look at the result, and roll back. SQLite has one write lock for the
whole database, and a large file would hold it for minutes.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connection

from vru_portal.tabular.unconfirmed_files import import_folder

# The copy is thrown away: it needs neither a journal on disk nor to be safe from power cuts.
INIT_COMMAND = (
    "PRAGMA journal_mode=MEMORY;PRAGMA synchronous=OFF;PRAGMA recursive_triggers=ON;PRAGMA temp_store=MEMORY;"
)


@contextmanager
def trial_copy() -> Iterator[None]:
    """Let this thread read and write a copy of the database until the end of the block, then forget it.

    PostgreSQL needs none: there, a transaction blocks only those who write the same rows. A transaction that is under
    way stays on the database itself, and so does everything while the disk has no room for a copy.
    """
    path = new_copy() if connection.vendor == "sqlite" and not connection.in_atomic_block else None
    if path is None:
        yield
        return
    original = connection.settings_dict  # all threads share it: this one is given another
    copied = {"NAME": str(path), "OPTIONS": {**original["OPTIONS"], "init_command": INIT_COMMAND}}
    connection.close()
    connection.settings_dict = {**original, **copied}
    try:
        connection.ensure_connection()
        path.unlink()  # it names people: whatever ends this process leaves nothing behind
        yield
    finally:
        connection.close()
        connection.settings_dict = original
        path.unlink(missing_ok=True)


def new_copy() -> Path | None:
    """Copy the database as it is now, at the speed of the disk; None if that has no room."""
    connection.ensure_connection()
    path = None
    try:
        import_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=import_folder(), prefix="trial-")
        os.close(handle)
        path = Path(name)
        with closing(sqlite3.connect(path)) as copy:
            copy.execute("PRAGMA synchronous=OFF")
            connection.connection.backup(copy)
    except (OSError, sqlite3.OperationalError):
        if path is not None:
            path.unlink(missing_ok=True)
        return None
    return path
