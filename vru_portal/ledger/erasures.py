"""The list of what was erased, kept outside the database, beside the register's keys.

If an older backup of the database is restored, the same personal data is erased again. The list itself names nobody.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models


def erasures_file() -> Path:
    """One line of JSON for each erased record, with its time."""
    return settings.REGISTER_KEYS / "erased"


def append_line(line: dict[str, Any]) -> None:
    """Append a line, which is on disk before the caller's transaction commits: no committed erasure can be missing."""
    erasures_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An earlier line may have been cut off by a crash: this one then starts on a line of its own.
    with os.fdopen(os.open(erasures_file(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+") as file:
        cut_off = file.seek(0, os.SEEK_END) and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"
        file.write(b"\n" * bool(cut_off) + json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def note_deletion(row: models.Model, made_at: datetime, **facts: str) -> None:
    """Record that the personal data of a record, such as an invitation, was deleted."""
    append_line({**facts, "made_at": made_at.isoformat(), str(row._meta.model_name): row.pk})


def read_lines(text: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the erasures in the text of such a list; without a text, in the list kept here.

    A line that was cut off belongs to an erasure that never committed.
    """
    if text is None:
        text = erasures_file().read_text() if erasures_file().is_file() else ""
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            yield said


def adopt_erasures(text: str) -> None:
    """Add the erasures of a list that was kept elsewhere, except those that are recorded here already."""
    known = {json.dumps(line) for line in read_lines()}
    for line in read_lines(text):
        if json.dumps(line) not in known:
            append_line(line)
