"""Keeping a portal and a restore apart: whoever runs the portal shares a lock that a restore must have alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from vru_portal.operations.backup import postgresql, swap
from vru_portal.operations.backup.archive import BackupError


def hold_while_running() -> None:
    """Keep restores away until this process ends. Raises ImproperlyConfigured during one, and after half of one."""
    folder = Path(settings.VAR_DIR)
    hold_lock(folder)
    if swap.journal_file(folder).exists():
        raise ImproperlyConfigured(
            "A restore was interrupted. Run the same manage.py restore again: it first puts back what there was."
        )


@cache  # once in a process
def hold_lock(folder: Path) -> int:
    file = open_lock(folder)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise ImproperlyConfigured("A backup is being restored. Start the portal when that is done.") from error
    os.set_inheritable(file, True)
    return file


def open_lock(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(folder / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)


@contextmanager
def stopped_portal() -> Iterator[None]:
    """Keep the portal from starting until the end of the block. Raises BackupError where it is running."""
    with alone():
        if connection.vendor == "postgresql" and postgresql.others_connected():
            raise BackupError(
                "Something is connected to the database: the portal, perhaps on another machine. Stop it first. "
                "Nothing was restored."
            )
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock that everybody who runs the portal shares."""
    file = open_lock(Path(settings.VAR_DIR))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BackupError("The portal is running. Stop it first. Nothing was restored.") from error
    finally:
        os.close(file)
