"""What is kept outside the database: so an older one that is put back is noticed, and forgets again what was erased.

Two files beside the keys: the newest checkpoint that was seen, and what was erased. Neither holds personal data.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from events.declarations.models import Entry

BATCH = 500  # rows that are looked for at once


def kept_checkpoint() -> Path:
    """Return the file of the newest checkpoint."""
    return settings.REGISTER_KEYS / "checkpoint"


def erasures() -> Path:
    """Return the file of what was erased: a line a record, with the moment."""
    return settings.REGISTER_KEYS / "erased"


# The checkpoint -------------------------------------------------------------------------------------------------------


def keep_checkpoint() -> None:
    """Write down the newest checkpoint, unless the register has lost or rewritten what was written down before."""
    require_no_rollback()
    newest = Entry.objects.order_by("seq").last()
    if newest:
        keep(newest.seq, newest.checkpoint)


def keep(size: int, checkpoint: str) -> None:
    """Write down a checkpoint that was committed, unless a newer one is written down already."""
    with one_at_a_time():  # of two that sign at once, the later one stays
        if size <= kept_note()[0]:
            return
        handle, draft = tempfile.mkstemp(dir=settings.REGISTER_KEYS, prefix=".checkpoint-")
        with os.fdopen(handle, "w") as file:
            file.write(checkpoint)
            file.flush()
            os.fsync(file.fileno())  # an empty file after a power cut would close signing
        Path(draft).replace(kept_checkpoint())


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let processes of one machine wait for each other, by a lock on the folder itself."""
    folder = os.open(settings.REGISTER_KEYS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def require_no_rollback() -> None:
    """Raise ImproperlyConfigured where the register does not hold what the kept checkpoint was signed over."""
    size, kept = kept_note()
    if size == 0:
        return
    entry = Entry.objects.filter(seq=size).values_list("checkpoint", flat=True).first()
    if entry is None or entry.split("\n\n")[0] != kept:
        raise rolled_back(size)


def require_not_behind(size: int) -> None:
    """Raise ImproperlyConfigured where a register of this size has lost entries: one more would make two histories."""
    if size < (kept := kept_note()[0]):
        raise rolled_back(kept)


def kept_note() -> tuple[int, str]:
    """Return the size that the kept checkpoint was signed over, and its note; 0 where none is kept yet."""
    try:
        note = kept_checkpoint().read_text().split("\n\n")[0]
    except FileNotFoundError:
        return 0, ""
    try:
        return int(note.split("\n")[1]), note
    except (IndexError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{kept_checkpoint()} holds no checkpoint. Put it back from your backup; where there is none, check the "
            "register against a checkpoint that was posted elsewhere, then remove the file."
        ) from error


def rolled_back(size: int) -> ImproperlyConfigured:
    """Return what to say of a register that is not the one of the kept checkpoint."""
    return ImproperlyConfigured(
        f"The register is not the one whose checkpoint over {size} entries is kept in {kept_checkpoint()}: an older "
        "backup was put back, or entries were rewritten. Receipts that were given out would not fit it. Put the newest "
        "backup back; docs/declaration.md says what to do where there is none."
    )


# What was erased ------------------------------------------------------------------------------------------------------


@dataclass
class Noted:
    """What was written down of erasures."""

    entries: dict[int, tuple[str, str]] = field(default_factory=dict)  # by number: the leaf's hash, and when
    dropped: dict[str, dict[int, str]] = field(  # by kind of record and its key: when the record was made
        default_factory=lambda: {"invitation": {}, "papersignature": {}, "signingrequest": {}}
    )

    def holds(self, row: models.Model, made_at: datetime) -> bool:
        """Return whether this very record was dropped, not one that got its number later."""
        return self.dropped[str(row._meta.model_name)].get(row.pk) == made_at.isoformat()


def note_erasure(entry: Entry, erased: Entry) -> None:
    """Write down, for good, that the personal data of an entry was erased."""
    write({"at": erased.said["at"], "entry": entry.seq, "leaf_hash": entry.leaf_hash})


def note_dropped(row: models.Model, made_at: datetime) -> None:
    """Write down, for good, that the personal data of a record that is no entry was dropped."""
    write({"made_at": made_at.isoformat(), str(row._meta.model_name): row.pk})


def write(line: dict[str, Any]) -> None:
    """Add a line: it is on the disk before the transaction that it belongs to is committed."""
    erasures().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(erasures(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+") as file:
        cut_off = file.seek(0, os.SEEK_END) and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"
        file.write(b"\n" * bool(cut_off) + json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def erased_before() -> Noted:
    """Return what was written down. A line that was cut off belongs to an erasure that was never committed."""
    noted = Noted()
    try:
        lines = erasures().read_text().splitlines()
    except FileNotFoundError:
        return noted
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "entry" in said:
            noted.entries[said["entry"]] = (said["leaf_hash"], said["at"])
        for kind in noted.dropped.keys() & said.keys():
            noted.dropped[kind][said[kind]] = said["made_at"]
    return noted


def rows(questions: models.QuerySet[Any], keys: Collection[int]) -> Iterator[Any]:
    """Yield the rows with these keys, so many at a time."""
    left = iter(keys)
    while batch := list(islice(left, BATCH)):
        yield from questions.filter(pk__in=batch)
