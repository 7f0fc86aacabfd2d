"""Folders and files that only the account which runs the portal can open: its database, keys, uploads and logs.

The settings call `be_private` before anything is written, so that it holds for `serve`, its workers and every command.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def be_private(folder: Path, *others: Path) -> None:
    """Let this process make files for its own account only; make the folder, and close what is open to others.

    ``others`` are files and folders that are closed if they exist. Raises ImproperlyConfigured where that fails.
    """
    os.umask(OTHERS)
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{folder} cannot be written ({error.strerror}). Make it writable, or set VAR_DIR to a folder that is."
        ) from error
    for path in (folder, *others):
        with suppress(FileNotFoundError):
            close_to_others(path)


def close_to_others(path: Path) -> None:
    """Take away what anybody but the owner may do. Raises ImproperlyConfigured where that is not ours to change."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & OTHERS:
        return
    if mode & stat.S_ISVTX:
        raise ImproperlyConfigured(
            f"{path} is shared by all users of this machine. Choose a folder of the portal's own."
        )
    try:
        path.chmod(mode & ~OTHERS)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Others can open {path}, which holds personal data or keys. Its owner must run: chmod go= {path}"
        ) from error


def write_once(path: Path, make: Callable[[], str]) -> None:
    """Write a file unless it exists.

    It is written under another name and then linked, so that two processes which start together keep the same one, and
    a full disk leaves no incomplete one.
    """
    if path.exists():
        return
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        draft.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        draft.write_text(make())
        with suppress(FileExistsError):  # another process was first: its file counts
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
