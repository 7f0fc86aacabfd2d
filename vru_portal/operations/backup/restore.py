"""Restoring a backup: everything is unpacked and checked beside the portal's own files, which are then replaced."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from events.declarations.register import kept_outside, log
from events.declarations.rules import erasure
from vru_portal.ledger import erasures
from vru_portal.operations.backup import archive, databases, postgresql, sqlite, swap
from vru_portal.operations.backup.archive import Archive, BackupError
from vru_portal.operations.backup.keys import Keys, path_of, replaced_files
from vru_portal.operations.backup.stopped import stopped_portal
from vru_portal.table_creation import LAST_BEFORE_SQUASH, migrations_on_disk, missing_before_squash, nothing_to_migrate

ROOM = 2**26  # bytes that stay free on a disk after everything is unpacked


@dataclass
class Restored:
    """What was restored, and what the operator has to know."""

    manifest: archive.Manifest
    aside: list[str]  # where the earlier data is kept
    erased_again: int
    warnings: list[str]


def restore_backup(opened: Archive, keys: Keys, *, replace: bool) -> Restored:
    """Put a backup in the place of the portal: all of it, or nothing (BackupError)."""
    folder = Path(settings.VAR_DIR)
    with stopped_portal():
        swap.undo_interrupted(folder)
        connection.close()
        check_manifest(opened.manifest)
        check_keys(keys)
        was_empty = portal_is_empty()
        if not replace and not was_empty:
            raise BackupError(
                "This portal is not empty. To put its database, uploads and scans aside and restore the backup in "
                "their place, add --replace. Nothing was restored."
            )
        try:
            with unpacked(opened, keys) as plan:
                erased_again = put_in_place(opened, keys, plan)
        except OSError as error:
            raise BackupError(
                f"The backup could not be restored ({error.filename}: {error.strerror}). The portal is as it was."
            ) from error
        except (DatabaseError, psycopg.Error) as error:
            reason = " ".join(str(error).split())
            raise BackupError(f"The database refused the backup: {reason} The portal is as it was.") from error
        finally:
            connection.close()
        aside = list(aside_places(plan.swap))
        if was_empty:  # the key set aside is the one that this command made when it started
            for folder in {move.aside.parent for move in plan.swap.moves}:
                swap.delete(folder)
            aside.clear()
        return Restored(opened.manifest, aside, erased_again, list(register_warnings(keys)))


# Before anything is touched -------------------------------------------------------------------------------------------


def check_manifest(manifest: archive.Manifest) -> None:
    """Raises BackupError for a backup of another kind of database, or of a version that this one cannot take over."""
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    if manifest.database != connection.vendor:
        raise BackupError(
            f"The backup is of a portal on {names.get(manifest.database)}, and this one is on "
            f"{names[connection.vendor]}. Set DATABASE_URL to a database of that kind. Nothing was restored."
        )
    on_disk = migrations_on_disk()
    applied = {(app, name) for app, _, name in (text.partition(".") for text in manifest.migrations)}
    if missing := missing_before_squash(applied):
        raise BackupError(
            f"The backup was made by an older version of the portal: it lacks the migration {'.'.join(missing)}. "
            f"Restore it with the last version that had these migrations (git checkout {LAST_BEFORE_SQUASH}), then "
            "upgrade. Nothing was restored."
        )
    # A backup from before the squash also lists what its own version had replaced, which is unknown here.
    after_squash = any(migration.replaces and key in applied for key, migration in on_disk.items())
    known = on_disk.keys() | {key for migration in on_disk.values() for key in migration.replaces}
    if after_squash and (unknown := sorted(applied - known)):
        raise BackupError(
            f"The backup was made by another version of the portal ({manifest.portal}), whose migration "
            f"{'.'.join(unknown[0])} this one does not have. Restore it with that version. Nothing was restored."
        )


def check_keys(keys: Keys) -> None:
    """Raises BackupError where a key would replace another of the same name."""
    for name, content in keys.signing.items():
        path = path_of(name)
        if path.is_file() and path.read_bytes().strip() != content.strip():
            raise BackupError(f"{path} exists and is another key than the one in the backup. Nothing was restored.")


def portal_is_empty() -> bool:
    folders = (Path(settings.UPLOADS), Path(settings.SCANS))
    has_files = any(path.is_file() for folder in folders for path in folder.rglob("*"))
    return databases.is_empty() and not has_files


@dataclass(frozen=True)
class RestorePlan:
    """What is unpacked, and the swap that puts it in place."""

    swap: swap.Swap
    dump: Path | None


@contextmanager
def unpacked(opened: Archive, keys: Keys) -> Iterator[RestorePlan]:
    """Unpack and check every file beside its place. Whatever is still there at the end of the block is deleted."""
    mark = f"{timezone.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    aside_name = f"before-restore-{mark}"
    var = Path(settings.VAR_DIR)
    places = {name: Path(path) for name, path in (("uploads", settings.UPLOADS), ("scans", settings.SCANS))}
    fresh: list[Path] = []

    def beside(place: Path) -> Path:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in place.parent.glob(f".restoring-*-{place.name}"):  # by a restore that was killed
            swap.delete(left)
        fresh.append(place.parent / f".restoring-{mark}-{place.name}")
        return fresh[-1]

    try:
        require_room(opened, var)
        moves = []
        for name, place in places.items():
            new = beside(place)
            new.mkdir(mode=0o700)
            for member in opened.names_in(name):
                opened.copy(member, new / member.removeprefix(f"{name}/"))
            moves.append(swap.Move(place, new, place.parent / aside_name / place.name))
        database = archive.DATABASES[opened.manifest.database]
        if connection.vendor == "sqlite":
            place = sqlite.database_file()
            aside = place.parent / aside_name
            new = beside(place)
            opened.copy(database, new)
            sqlite.check_integrity(new)
            # An old journal would be rolled back into the new database, so it goes first.
            journals = [place.with_name(place.name + suffix) for suffix in sqlite.JOURNALS]
            moves += [swap.Move(path, None, aside / path.name) for path in journals]
            moves.append(swap.Move(place, new, aside / place.name))
            dump, schema = None, ""
        else:
            dump = beside(var / database)
            opened.copy(database, dump)
            postgresql.check_dump(dump)
            schema = postgresql.current_schema()
        for name, place in replaced_files().items():
            secret = keys.files.get(name)
            if secret and not (place.is_file() and place.read_bytes() == secret):
                new = beside(place)
                new.touch(mode=0o600)
                new.write_bytes(secret)
                moves.append(swap.Move(place, new, place.parent / aside_name / place.name))
        created = [path_of(name) for name in keys.signing if not path_of(name).exists()]
        yield RestorePlan(swap.Swap(moves, schema, aside_name.replace("-", "_") if schema else "", created), dump)
    finally:
        for path in fresh:
            swap.delete(path)


def require_room(opened: Archive, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    needed = sum(member.size for member in opened.manifest.members.values()) + ROOM
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"{folder} has {free // 2**20:,} MB free, and restoring needs {needed // 2**20:,} MB. Nothing was restored."
        )


# The restore itself ---------------------------------------------------------------------------------------------------


def put_in_place(opened: Archive, keys: Keys, plan: RestorePlan) -> int:
    """Swap, migrate, and erase again what was erased since the backup. If any of it fails, all of it is undone.

    Returns how many records were erased again.
    """
    erased = opened.content(archive.ERASURES).decode(errors="replace") if archive.ERASURES in opened.offsets else ""
    with swap.journalled(plan.swap, Path(settings.VAR_DIR)):
        try:
            for move in plan.swap.moves:
                move.make()
            if plan.dump:
                postgresql.set_aside(plan.swap.schema, plan.swap.schema_aside)
                postgresql.restore_dump(plan.dump, plan.swap.schema)
            write_signing_keys(keys)
            migrate()
            erasures.adopt_erasures(erased + "\n" + keys.text("register/erased"))
            return erasure.reapply_erasures()
        finally:
            connection.close()


def aside_places(done: swap.Swap) -> Iterator[str]:
    """Where the earlier data is kept."""
    if done.schema and not postgresql.drop_if_empty(done.schema_aside):
        yield f"the schema {done.schema_aside} of the database"
    yield from sorted({str(move.aside.parent) for move in done.moves if move.aside.parent.exists()})


def migrate() -> None:
    """Bring a backup of an older version up to date. Raises BackupError where this version cannot.

    One of this version is left as it is: migrating would put triggers back that somebody had removed.
    """
    try:
        if not nothing_to_migrate():
            call_command("migrate", interactive=False, verbosity=0)
    except (CommandError, ImproperlyConfigured) as error:
        raise BackupError(f"The backup cannot be brought up to date: {error} The portal is as it was.") from error


def write_signing_keys(keys: Keys) -> None:
    for name, content in keys.signing.items():
        path = path_of(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(content)


def register_warnings(keys: Keys) -> Iterator[str]:
    """A sentence for each reason why the restored portal cannot sign, also by the checkpoint beside these keys."""
    try:
        kept_outside.adopt_checkpoint(keys.text("register/checkpoint"))
        kept_outside.require_no_rollback()
    except ImproperlyConfigured as error:
        yield str(error)
    try:
        log.require_key()
    except ImproperlyConfigured as error:
        yield str(error)
