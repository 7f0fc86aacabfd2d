"""How the last backups went.

This is kept in a file beside them: in the database, it would be as old as the backup after a restore.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

TOO_OLD = timedelta(days=2)


@dataclass(frozen=True)
class BackupStatus:
    """When the last good backup was made and where, and why the one after it failed, if it did."""

    made_at: datetime | None = None
    path: str = ""
    failed_at: datetime | None = None
    failure: str = ""

    @property
    def is_too_old(self) -> bool:
        return self.made_at is None or self.made_at < timezone.now() - TOO_OLD


def status_file() -> Path:
    return Path(settings.BACKUPS, "last.json")


def read_status() -> BackupStatus:
    try:
        stored = json.loads(status_file().read_text())
        times = {name: stored[name] and datetime.fromisoformat(stored[name]) for name in ("made_at", "failed_at")}
        return BackupStatus(path=str(stored["path"]), failure=str(stored["failure"]), **times)
    except FileNotFoundError:
        return BackupStatus()
    except (OSError, ValueError, KeyError, TypeError):
        return BackupStatus(failure="The result of the last backup cannot be read.")


@contextmanager
def outcome_noted(path: Path) -> Iterator[None]:
    """Record whether a backup is made in the block. It re-raises an error."""
    try:
        yield
    except Exception as error:
        known = read_status()
        write_status(BackupStatus(known.made_at, known.path, timezone.now(), str(error)))
        raise
    write_status(BackupStatus(timezone.now(), str(path)))


def write_status(status: BackupStatus) -> None:
    """Write it where the disk has room for it: a full one is why a backup fails."""
    folder = status_file().parent
    to_store = {
        "made_at": status.made_at and status.made_at.isoformat(),
        "path": status.path,
        "failed_at": status.failed_at and status.failed_at.isoformat(),
        "failure": status.failure,
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = status_file().with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(to_store))
        draft.replace(status_file())
    except OSError:
        return
