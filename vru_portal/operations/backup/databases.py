"""The portal's database, of either kind, as it is at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import load_backend

from events.declarations.models import Entry, PaperSignature
from vru_portal.operations.backup import postgresql, sqlite
from vru_portal.operations.backup.archive import DATABASES, BackupError
from vru_portal.table_creation import migrations_on_disk

ALIAS = "backup"


@dataclass(frozen=True)
class DatabaseCopy:
    """A copy of the database in a file, and what that very copy contains."""

    file: Path
    migrations: list[str]
    register_size: int
    checkpoint: str
    scans: list[str]  # the files of scans that it refers to


@contextmanager
def another_connection(**values: Any) -> Iterator[None]:
    """A second connection, under the name `ALIAS`, with the portal's settings except for these."""
    settings_dict = connection.settings_dict | values
    connections[ALIAS] = load_backend(settings_dict["ENGINE"]).DatabaseWrapper(settings_dict, ALIAS)
    try:
        yield
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]


def make_copy(folder: Path) -> DatabaseCopy:
    """Copy the database into this folder. Raises BackupError where that fails."""
    file = folder / DATABASES[connection.vendor]
    try:
        if connection.vendor == "sqlite":
            sqlite.copy_database(file)
            with another_connection(NAME=str(file)):
                return describe_copy(file)
        with another_connection(), transaction.atomic(using=ALIAS):
            with connections[ALIAS].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SELECT pg_export_snapshot()")
                snapshot = cursor.fetchone()[0]
            postgresql.dump_database(file, snapshot)
            return describe_copy(file)
    except DatabaseError as error:
        raise BackupError(f"The database cannot be read: {' '.join(str(error).split())}") from error


def describe_copy(file: Path) -> DatabaseCopy:
    """The copy in this file, as the second connection reads it."""
    newest = Entry.objects.using(ALIAS).order_by("seq").values_list("seq", "checkpoint").last()
    size, checkpoint = newest or (0, "")
    scans = PaperSignature.objects.using(ALIAS).exclude(scan="").values_list("scan", flat=True)
    # Names that were replaced stay recorded. A later version, which no longer knows them, would think them newer.
    applied = MigrationRecorder(connections[ALIAS]).applied_migrations().keys() & migrations_on_disk().keys()
    return DatabaseCopy(file, sorted(f"{app}.{name}" for app, name in applied), size, checkpoint, sorted(scans))


def is_empty() -> bool:
    return sqlite.is_empty() if connection.vendor == "sqlite" else postgresql.is_empty()
