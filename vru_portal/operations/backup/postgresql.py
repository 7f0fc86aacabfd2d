"""PostgreSQL: a dump of one moment, and putting a dump in the database's place, with PostgreSQL's own programs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient
from psycopg import sql

from vru_portal.operations.backup.archive import BackupError

MISSING = "{} is not installed, or not in PATH. Install PostgreSQL's client programs (on Debian: postgresql-client)."


def run_program(program: str, *arguments: str, database: str = "") -> str:
    """Run pg_dump or pg_restore on the portal's database or another of the same server; returns what it prints.

    Raises BackupError, with its last line, if it fails.
    """
    if not (path := shutil.which(program)):
        raise BackupError(MISSING.format(program))
    values = connection.settings_dict | ({"NAME": database} if database else {})
    (_, *address), environment = DatabaseClient.settings_to_cmd_args_env(values, [])
    *options, name = address
    done = subprocess.run(  # noqa: S603 - PostgreSQL's program, with our own arguments
        [path, *options, "--dbname", name, "--no-password", *arguments],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        raise BackupError(f"{program} failed: {' '.join(said[:3])}")
    return done.stdout


def current_schema(of: Any = connection) -> str:
    """The schema that holds the portal's tables."""
    with of.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0] or "public"


def dump_database(into: Path, snapshot: str) -> None:
    """Dump the portal's tables, as they are in a snapshot that another connection has exported."""
    into.touch(mode=0o600)
    run_program(
        "pg_dump",
        *("--format=custom", "--no-owner", "--no-privileges", f"--schema={current_schema()}"),
        *(f"--snapshot={snapshot}", f"--file={into}"),
    )


def is_empty() -> bool:
    return not connection.introspection.table_names()


def others_connected() -> bool:
    """Whether anything else is connected to the database: a portal on another machine, for example."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        return bool(cursor.fetchone()[0])


def check_dump(dump: Path) -> None:
    """Raises BackupError for a file that pg_restore cannot read."""
    if not (path := shutil.which("pg_restore")):
        raise BackupError(MISSING.format("pg_restore"))
    done = subprocess.run([path, "--list", str(dump)], capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupError("The database in the backup cannot be read by pg_restore.")


def restore_dump(dump: Path, schema: str, database: str = "") -> None:
    """Restore a dump into an empty schema: all of it, or nothing."""
    run_program(
        "pg_restore",
        *("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", f"--schema={schema}"),
        str(dump),
        database=database,
    )


def set_aside(schema: str, aside: str) -> None:
    """Give the portal's tables another schema, and make an empty one in its place."""
    try:
        execute("ALTER SCHEMA {} RENAME TO {}; CREATE SCHEMA {}", schema, aside, schema)
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            f"The portal's database user cannot rename the schema {schema}, which puts the old tables aside. As the "
            f"database's administrator, run: ALTER SCHEMA {schema} OWNER TO the user in DATABASE_URL"
        ) from error


def put_back(schema: str, aside: str) -> None:
    """Undo `set_aside`, and drop what was made in its place. Does nothing where nothing was set aside."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [aside])
        is_aside = cursor.fetchone()
    if is_aside:
        execute("DROP SCHEMA IF EXISTS {} CASCADE; ALTER SCHEMA {} RENAME TO {}", schema, aside, schema)


def drop_if_empty(schema: str) -> bool:
    """Drop a schema that holds nothing, as where the database was empty before; returns whether it did."""
    try:
        execute("DROP SCHEMA {}", schema)
    except psycopg.errors.DependentObjectsStillExist:
        return False
    return True


def execute(statements: str, *names: str) -> None:
    """Run statements about schemas or databases with these names, in one transaction if there are several."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    raw.execute(sql.SQL(statements).format(*map(sql.Identifier, names)).as_string(raw))


@contextmanager
def throw_away_database(name: str) -> Iterator[None]:
    """An empty database until the end of the block. Raises BackupError where the portal's user may make none."""
    try:
        execute("CREATE DATABASE {} TEMPLATE template0", name)
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            "The backup was made, but not tried: the portal's database user cannot create a database. As the "
            "database's administrator, run: ALTER ROLE the user in DATABASE_URL CREATEDB"
        ) from error
    try:
        yield
    finally:
        execute("DROP DATABASE {} WITH (FORCE)", name)
