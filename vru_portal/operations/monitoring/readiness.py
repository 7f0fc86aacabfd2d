"""Whether the portal can write, send email and run its timer.

What it last did decides, so that asking writes nothing.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.models import Heartbeat

# The timer runs every minute. The mail queue says nothing while it reads a long file.
LONGEST_SILENCE = {Heartbeat.Part.TIMER: timedelta(minutes=5), Heartbeat.Part.MAIL_QUEUE: timedelta(minutes=15)}
LEAST_FREE_BYTES = 50 * 2**20  # on the disk with the portal's files: what some uploads and a log need


@dataclass(frozen=True)
class Check:
    """One thing the portal must be able to do; ``problem`` is empty if it can."""

    name: str
    problem: str = ""


def run_checks() -> list[Check]:
    """Ask about everything. Where the database does not answer, nothing else can be known."""
    try:
        beats = {beat.part: beat for beat in Heartbeat.objects.all()}
        found = [("writing", writing_problems(beats)), ("mail", mail_problems(beats)), ("timer", timer_problems(beats))]
        return [Check("database"), *(Check(name, next(problems, "")) for name, problems in found)]
    except DatabaseError as error:
        return [Check("database", f"The database does not answer: {type(error).__name__}.")]


def writing_problems(beats: dict[str, Heartbeat]) -> Iterator[str]:
    """Why nothing can be written, or why nothing should be."""
    if shutil.disk_usage(settings.VAR_DIR).free < LEAST_FREE_BYTES:
        yield f"The disk of {settings.VAR_DIR} is full."
    if is_read_only():
        yield "The database accepts no changes."
    if missing := DatabaseTriggers(connection).missing():
        yield f"{len(missing)} of the database's triggers are missing or changed."
    if all(silence_of(part, beats) for part in LONGEST_SILENCE):  # each writes a row to say that it works
        yield "No process has written to the database for several minutes."


def mail_problems(beats: dict[str, Heartbeat]) -> Iterator[str]:
    if silence := silence_of(Heartbeat.Part.MAIL_QUEUE, beats):
        yield silence
    server = beats.get(Heartbeat.Part.MAIL_SERVER)
    if server and server.fault:
        yield f"The mail server did not accept the last email: {server.fault}."


def timer_problems(beats: dict[str, Heartbeat]) -> Iterator[str]:
    if silence := silence_of(Heartbeat.Part.TIMER, beats):
        yield silence
    elif fault := beats[Heartbeat.Part.TIMER].fault:
        yield f"A timed job failed: {fault}."


def silence_of(part: Heartbeat.Part, beats: dict[str, Heartbeat]) -> str:
    """A sentence if a part has given no sign of life for too long, or one from the future; else empty."""
    beat = beats.get(part)
    if beat is None:
        return f"The {part.value} has never run."
    if abs(beat.age) > LONGEST_SILENCE[part]:
        return f"The {part.value} last ran at {beat.at:%Y-%m-%d %H:%M:%S} UTC."
    return ""


def is_read_only() -> bool:
    """Whether the database refuses writes: a standby, a server out of room, a file that is gone or not ours."""
    if connection.vendor == "sqlite":
        path: Any = connection.settings_dict["NAME"]
        return not connection.is_in_memory_db() and not os.access(path, os.W_OK)  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only') = 'on'")
        return bool(cursor.fetchone()[0])
