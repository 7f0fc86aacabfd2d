"""Making a backup."""

import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.utils import timezone

from vru_portal.ledger import erasures
from vru_portal.operations.backup import archive, databases, keys, swap
from vru_portal.operations.backup.archive import BackupError
from vru_portal.text.dates import format_utc_timestamp


class KeyDestination(StrEnum):
    """Where the keys go when a backup is made."""

    NONE = "none"
    SEPARATELY = "separately"
    INCLUDED = "included"


@dataclass(frozen=True)
class KeyChoice:
    """The options of a backup: where the keys go, to which file, or encrypted with which passphrase."""

    destination: KeyDestination = KeyDestination.NONE
    path: Path | None = None
    passphrase: str = ""


def portal_version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def make_backup(target: Path, choice: KeyChoice = KeyChoice()) -> archive.Manifest:
    """Write a backup to a new file. Raises BackupError, and leaves nothing behind, where it cannot be made."""
    try:
        with new_file(target) as (file, folder):
            copy = databases.make_copy(folder)
            manifest = archive.Manifest(
                portal=portal_version(),
                made_at=format_utc_timestamp(timezone.now()),
                database=connection.vendor,
                migrations=copy.migrations,
                register_size=copy.register_size,
                checkpoint=copy.checkpoint,
                keys=choice.destination.value,
            )
            writer = archive.Writer(file, manifest)
            writer.add(copy.file.name, copy.file)
            # After the database: what it refers to is there, unless it was deleted a moment ago.
            for name, path in files_to_keep(copy):
                try:
                    writer.add(name, path)
                except FileNotFoundError:
                    continue
            if erasures.erasures_file().is_file():
                writer.add(archive.ERASURES, erasures.erasures_file())
            if choice.destination == KeyDestination.INCLUDED:
                writer.add_content(archive.KEYS, keys.encrypt(keys.read_keys(), choice.passphrase))
            writer.finish()
            if choice.destination == KeyDestination.SEPARATELY and choice.path:
                keys.write_keys(choice.path)
        return manifest
    except OSError as error:
        place = error.filename or target
        raise BackupError(f"The backup could not be written ({place}: {error.strerror}). Nothing was kept.") from error


def files_to_keep(copy: databases.DatabaseCopy) -> Iterator[tuple[str, Path]]:
    """Yield each file's name in the archive and its path: all uploads, and the scans that the database refers to.

    A scan without a row would come back with a restore, and no erasure would find it again.
    """
    uploads = Path(settings.UPLOADS)
    for path in sorted(uploads.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"uploads/{path.relative_to(uploads).as_posix()}", path
    for scan in copy.scans:
        yield f"scans/{scan}", Path(settings.SCANS, scan)


@contextmanager
def new_file(target: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file that gets its name only once it is whole and on disk, and a private folder for what it is made from."""
    if target.exists():
        raise BackupError(f"{target} exists already. Name a new file.")
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=target.parent))
    try:
        draft = folder / "draft"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file, folder
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        swap.sync_folder(target.parent)
    finally:
        shutil.rmtree(folder)
