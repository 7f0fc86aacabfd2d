"""The backups that the default installation makes by itself: one a day. The last seven are kept."""

import fcntl
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.create import make_backup
from vru_portal.operations.backup.status import outcome_noted, read_status
from vru_portal.operations.backup.swap import delete

EVERY = timedelta(days=1)
TRY_AGAIN_AFTER = timedelta(hours=1)
BACKUPS_KEPT = 7


def make_daily_backup() -> int:
    """Make today's backup if it is due; returns how many were made. Raises ImproperlyConfigured if it fails."""
    if not settings.MAKES_DAILY_BACKUPS or not is_due():
        return 0
    folder = Path(settings.BACKUPS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # if two timers run at once, one makes the backup
        delete_leftovers(folder)
        target = folder / file_name(timezone.now())
        with outcome_noted(target):
            make_backup(target)
        for path in daily_files()[:-BACKUPS_KEPT]:
            path.unlink()
    except BlockingIOError:
        return 0
    except BackupError as error:
        raise ImproperlyConfigured(f"Today's backup failed: {error}") from error
    finally:
        os.close(handle)
    return 1


def is_due() -> bool:
    """Whether the newest daily backup is a day old, and the last attempt did not fail just now."""
    now, failed_at = timezone.now(), read_status().failed_at
    if failed_at and now - TRY_AGAIN_AFTER < failed_at:
        return False
    files = daily_files()
    return not files or files[-1].name <= file_name(now - EVERY)


def file_name(at: datetime) -> str:
    return f"daily-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"


def daily_files() -> list[Path]:
    """The daily backups, the oldest first."""
    return sorted(Path(settings.BACKUPS).glob("daily-*.tar"))


def delete_leftovers(folder: Path) -> None:
    """Delete what a backup that was killed has left, which holds a copy of the database."""
    for path in folder.glob(".backup-*"):
        if path.stat().st_mtime < time.time() - EVERY.total_seconds():
            delete(path)
