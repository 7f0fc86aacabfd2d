"""Files that staff have sent and not confirmed yet: kept for a day, where only the portal can read them."""

from contextlib import suppress
from pathlib import Path
from time import time
from uuid import uuid4

from django.conf import settings
from import_export.tmp_storages import BaseStorage

SECONDS_TO_CONFIRM = 86_400  # a day
FILE_GONE = (
    "This file was already recorded, or it was sent more than a day ago. Look at the list. If its rows are not there, "
    "send the file again."
)


def import_folder() -> Path:
    return Path(settings.VAR_DIR, "imports")


class UnconfirmedFile(BaseStorage):
    """django-import-export's storage between trying a file and recording it."""

    @property
    def path(self) -> Path:
        return import_folder() / self.name

    def save(self, data: bytes) -> None:
        delete_expired_files()
        self.name = uuid4().hex
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        self.path.write_bytes(data)

    def read(self) -> bytes:
        """The content; raises FileNotFoundError once the file is recorded or has expired."""
        return self.path.read_bytes()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def delete_expired_files() -> None:
    """Delete what nobody confirmed within a day: it may name people."""
    folder = import_folder()
    for file in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # the worker or another process may delete it first
            if file.stat().st_mtime < time() - SECONDS_TO_CONFIRM:
                file.unlink()
