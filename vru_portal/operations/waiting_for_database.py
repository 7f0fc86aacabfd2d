"""Waiting at the start for a PostgreSQL that is away, as after a restart of both machines.

A wrong address looks the same as a server that is not there. So only a database that this portal has used before is
waited for, or one that says itself that it is about to answer; everything else is reported at once.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import OperationalError, connection

PAUSES = (1, 2, 3, 5, *[10] * 29)  # seconds: five minutes in all
ANSWERED = "FATAL"  # what PostgreSQL's own refusals begin with, such as that of a wrong password
WILL_ANSWER = (
    "is starting up",
    "is shutting down",
    "in recovery mode",
    "not yet accepting",
    "too many clients",
    "slots are reserved",
)


def wait_for_database(say: Callable[[str], object], sleep: Callable[[float], object] = time.sleep) -> None:
    """Return once the database answers. Raises CommandError if it stays away, OperationalError if waiting is no use.

    ``say`` gets a line for people before each pause.
    """
    if connection.vendor != "postgresql":
        return
    for pause in (*PAUSES, 0):
        try:
            connection.ensure_connection()
        except OperationalError as error:
            reason = " ".join(str(error).split())
            if not is_away(reason):
                raise
            if not pause:
                break
            say(f"Waiting for the database, which does not answer ({reason}). The next attempt is in {pause} s.")
        else:
            note_database()
            return
        sleep(pause)
    raise CommandError(
        f"The database did not answer for {sum(PAUSES) // 60} minutes: {reason} Start PostgreSQL, or correct "
        "DATABASE_URL, then start the portal again."
    )


def is_away(reason: str) -> bool:
    """Whether this error may be over in a while."""
    if ANSWERED in reason:
        return any(words in reason for words in WILL_ANSWER)
    return was_used_before()


def address_of_database() -> str:
    values = connection.settings_dict
    return f"{values['USER']} {values['HOST']}:{values['PORT']}/{values['NAME']}"


def note_file() -> Path:
    return Path(settings.VAR_DIR) / "database-used"


def was_used_before() -> bool:
    try:
        return note_file().read_text() == address_of_database()
    except OSError:
        return False


def note_database() -> None:
    """Remember, without its password, which database has answered."""
    if not was_used_before():
        with suppress(OSError):  # on a full disk the portal starts all the same
            note_file().write_text(address_of_database())
