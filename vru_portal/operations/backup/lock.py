"""Keeping a portal and a restore apart: the portal's processes share a lock that a restore needs alone.

`manage.py` takes it for every command, also those of libraries, except the few that are named here.
"""

import fcntl
import os
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# They only read, and may say what they find while a backup is restored.
ALLOWED_DURING_RESTORE = frozenset({
    *("check", "check_texts", "diffsettings", "disclose", "doctor", "findstatic", "help", "showmigrations", "version"),
})  # fmt: skip
# `restore` needs the lock alone; `serve` takes it after it has begun to listen for signals.
COMMANDS_THAT_LOCK = frozenset({"restore", "serve"})


def hold_for_command(name: str) -> None:
    """Keep restores away until the command of this name ends. Raises ImproperlyConfigured as `hold_while_running`."""
    if name not in ALLOWED_DURING_RESTORE | COMMANDS_THAT_LOCK:
        hold_while_running()


def hold_while_running() -> None:
    """Keep restores away until this process ends. Raises ImproperlyConfigured during one, and after half of one."""
    folder = Path(settings.VAR_DIR)
    hold_lock(folder)
    if journal_file(folder).exists():
        raise ImproperlyConfigured(
            "A restore was interrupted. Run the same manage.py restore again: it first restores what was there."
        )


@cache  # once in a process
def hold_lock(folder: Path) -> int:
    try:
        file = open_lock(folder)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{folder / 'running.lock'} cannot be opened: {error.strerror}. Correct its owner."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise ImproperlyConfigured("A backup is being restored. Try again when that is done.") from error
    os.set_inheritable(file, True)
    return file


def open_lock(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(folder / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)


def journal_file(folder: Path) -> Path:
    return folder / "restoring.json"
