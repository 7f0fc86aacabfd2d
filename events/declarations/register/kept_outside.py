"""What is kept outside the database, in case an older backup of it is restored.

Two files beside the keys, neither with personal data: the newest checkpoint, which shows that a database is too old,
and the list of erasures (`vru_portal.ledger.erasures`), so that a restored database can erase the same data again.
"""

import fcntl
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from events.declarations.models import Entry
from vru_portal.ledger import erasures
from vru_portal.tabular.batches import in_batches


def checkpoint_file() -> Path:
    return settings.REGISTER_KEYS / "checkpoint"


# The checkpoint -------------------------------------------------------------------------------------------------------


def keep_newest_checkpoint() -> None:
    """Keep the newest checkpoint, unless the register has lost or rewritten what the kept one was signed over."""
    require_no_rollback()
    newest = Entry.objects.order_by("seq").last()
    if newest:
        keep_if_newer(newest.seq, newest.checkpoint)


def keep_if_newer(size: int, checkpoint: str) -> None:
    """Keep a committed checkpoint, unless a newer one is kept already."""
    with folder_lock():  # when two people sign at once, the later checkpoint must win
        if size <= read_kept_checkpoint()[0]:
            return
        handle, draft = tempfile.mkstemp(dir=settings.REGISTER_KEYS, prefix=".checkpoint-")
        with os.fdopen(handle, "w") as file:
            file.write(checkpoint)
            file.flush()
            os.fsync(file.fileno())  # an empty file after a power cut would close signing
        Path(draft).replace(checkpoint_file())


def adopt_checkpoint(checkpoint: str) -> None:
    """Keep a checkpoint that was kept elsewhere, unless a newer one is kept here or it is not valid."""
    _, size, *_ = [*checkpoint.split("\n"), "", ""]
    if size.isdecimal():
        settings.REGISTER_KEYS.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_if_newer(int(size), checkpoint)


@contextmanager
def folder_lock() -> Iterator[None]:
    """Hold a lock on the folder itself, for which other processes of this machine wait."""
    folder = os.open(settings.REGISTER_KEYS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def require_no_rollback() -> None:
    """Raise ImproperlyConfigured if the register does not contain what the kept checkpoint was signed over."""
    size, kept = read_kept_checkpoint()
    if size == 0:
        return
    entry = Entry.objects.filter(seq=size).values_list("checkpoint", flat=True).first()
    if entry is None or entry.split("\n\n")[0] != kept:
        raise rollback_error(size)


def read_kept_checkpoint() -> tuple[int, str]:
    """The size that the kept checkpoint was signed over, and its note; 0 if none is kept yet."""
    try:
        note = checkpoint_file().read_text().split("\n\n")[0]
    except FileNotFoundError:
        return 0, ""
    try:
        return int(note.split("\n")[1]), note
    except (IndexError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{checkpoint_file()} is not a checkpoint. Restore the file from your backup. Without a backup, check "
            "the register against a checkpoint that was published elsewhere, then delete the file."
        ) from error


def rollback_error(size: int) -> ImproperlyConfigured:
    """The error for a register that does not continue the kept checkpoint."""
    return ImproperlyConfigured(
        f"The register does not match the checkpoint over {size} entries that is kept in {checkpoint_file()}: an older "
        "backup was restored, or entries were rewritten. Receipts already given out would not match it. Restore the "
        "newest backup. If there is none, see docs/declaration.md."
    )


# What was erased ------------------------------------------------------------------------------------------------------


@dataclass
class RecordedErasures:
    """The erasures that were recorded, by record."""

    entries: dict[int, tuple[str, str]] = field(default_factory=dict)  # by number: the leaf's hash, and when
    dropped: dict[str, dict[int, str]] = field(  # by kind of record and its key: when the record was made
        default_factory=lambda: {"invitation": {}, "papersignature": {}, "signingrequest": {}}
    )

    def includes(self, row: models.Model, made_at: datetime) -> bool:
        """Whether this very record was erased, and not an earlier one with the same key."""
        return self.dropped[str(row._meta.model_name)].get(row.pk) == made_at.isoformat()


def note_erasure(entry: Entry, erased: Entry) -> None:
    """Record that the personal data of an entry was erased."""
    erasures.append_line({"at": erased.leaf_values["at"], "entry": entry.seq, "leaf_hash": entry.leaf_hash})


def read_erasures() -> RecordedErasures:
    """The erasures that were recorded."""
    noted = RecordedErasures()
    for said in erasures.read_lines():
        if "entry" in said:
            noted.entries[said["entry"]] = (said["leaf_hash"], said["at"])
        for kind in noted.dropped.keys() & said.keys():
            noted.dropped[kind][said[kind]] = said["made_at"]
    return noted


def rows_with_keys(queryset: models.QuerySet[Any], keys: Collection[int]) -> Iterator[Any]:
    """Yield the rows with these keys, fetched in batches."""
    for batch in in_batches(keys):
        yield from queryset.filter(pk__in=batch)
