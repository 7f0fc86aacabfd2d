"""What staff's start page says about backups.

The result of the last ones is in a file beside them: in the database, it would be as old as the backup after a restore.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from vru_portal.staff.worklist import WorklistItem
from vru_portal.text.dates import format_datetime

TOO_OLD = timedelta(days=2)


@dataclass(frozen=True)
class BackupRecord:
    """When the last good backup was made and where, and why the one after it failed, if it did."""

    made_at: datetime | None = None
    path: str = ""
    failed_at: datetime | None = None
    failure: str = ""

    @property
    def is_too_old(self) -> bool:
        return self.made_at is None or self.made_at < timezone.now() - TOO_OLD


def record_file() -> Path:
    return Path(settings.BACKUPS, "last.json")


def read_record() -> BackupRecord:
    try:
        said = json.loads(record_file().read_text())
        times = {name: said[name] and datetime.fromisoformat(said[name]) for name in ("made_at", "failed_at")}
        return BackupRecord(path=str(said["path"]), failure=str(said["failure"]), **times)
    except FileNotFoundError:
        return BackupRecord()
    except (OSError, ValueError, KeyError, TypeError):
        return BackupRecord(failure="The result of the last backup cannot be read.")


@contextmanager
def recorded(path: Path) -> Iterator[None]:
    """Record whether a backup is made in the block. It re-raises an error."""
    try:
        yield
    except Exception as error:
        known = read_record()
        write_record(BackupRecord(known.made_at, known.path, timezone.now(), str(error)))
        raise
    write_record(BackupRecord(timezone.now(), str(path)))


def write_record(record: BackupRecord) -> None:
    """Write it where the disk has room for it: a full one is why a backup fails."""
    folder = record_file().parent
    said = {
        "made_at": record.made_at and record.made_at.isoformat(),
        "path": record.path,
        "failed_at": record.failed_at and record.failed_at.isoformat(),
        "failure": record.failure,
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = record_file().with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(said))
        draft.replace(record_file())
    except OSError:
        return


# On the start page ----------------------------------------------------------------------------------------------------


def may_see_backups(request: HttpRequest) -> bool:
    """Whether the reader looks after the portal itself, as Administrators do."""
    return request.user.has_perm("auth.change_user")


def worklist_items(request: HttpRequest, record: BackupRecord) -> list[WorklistItem]:
    """A warning where a backup failed or is too old; none if the portal was never set up to make any."""
    if not may_see_backups(request) or not (settings.DAILY_BACKUPS or record.made_at or record.failure):
        return []
    last = f"The last successful backup was made on {format_datetime(record.made_at)}." if record.made_at else ""
    if record.failure:
        return [WorklistItem("The last backup failed", f"{record.failure} {last}".strip(), (), urgent=True)]
    if record.is_too_old:
        explanation = last or "There are no backups yet. The portal makes one as soon as its timer runs."
        return [WorklistItem("There is no recent backup", explanation, (), urgent=True)]
    return []
