"""Keeping the portal from starting while a backup is restored."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from vru_portal.operations.backup import postgresql
from vru_portal.operations.backup.archive import BackupError
from vru_portal.operations.backup.lock import open_lock


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
        raise BackupError(
            "The portal or one of its commands is running. Stop it first. Nothing was restored."
        ) from error
    finally:
        os.close(file)
