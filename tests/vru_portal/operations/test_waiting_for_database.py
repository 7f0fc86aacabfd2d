from types import SimpleNamespace

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from tests.support.processes.portal_process import one_sentence
from vru_portal.operations import waiting_for_database
from vru_portal.operations.waiting_for_database import PAUSES, note_database, wait_for_database

REFUSED = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: Connection refused'
STARTING = 'connection to server at "127.0.0.1", port 5432 failed: FATAL: the database system is starting up'
WRONG_WORD = 'connection to server at "127.0.0.1", port 5432 failed: FATAL: password authentication failed for user "u"'
MISSING = 'connection to server at "127.0.0.1", port 5432 failed: FATAL: database "x" does not exist'


class Database:
    """A PostgreSQL that refuses so many times, with these words."""

    vendor = "postgresql"
    settings_dict = {"USER": "u", "HOST": "db", "PORT": "5432", "NAME": "x", "PASSWORD": "secret"}

    def __init__(self, words, times):
        self.words, self.times = words, times

    def ensure_connection(self):
        if self.times:
            self.times -= 1
            raise OperationalError(self.words)


@pytest.fixture
def start(settings, tmp_path, monkeypatch):
    """Start beside a database: return what was said, and the pauses."""
    settings.VAR_DIR = tmp_path

    def _start(words, times=3, used_before=True):
        monkeypatch.setattr(waiting_for_database, "connection", Database(words, times))
        if used_before:
            note_database()
        seen = SimpleNamespace(said=[], pauses=[])
        wait_for_database(seen.said.append, seen.pauses.append)
        return seen

    return _start


@pytest.mark.parametrize(("words", "used_before"), [(REFUSED, True), (STARTING, True), (STARTING, False)])
def test_a_database_that_is_away_is_waited_for_in_growing_pauses(start, words, used_before):
    seen = start(words, used_before=used_before)
    assert seen.pauses == [1, 2, 3]
    assert len(seen.said) == 3
    assert words in seen.said[0]
    assert seen.said[0].endswith("The next attempt is in 1 s.")


@pytest.mark.parametrize(
    ("words", "used_before"), [(REFUSED, False), (WRONG_WORD, True), (WRONG_WORD, False), (MISSING, True)]
)
def test_what_waiting_does_not_mend_is_reported_at_once(start, words, used_before):
    with pytest.raises(OperationalError, match=words[-20:]):
        start(words, times=1, used_before=used_before)


def test_one_that_stays_away_is_given_up_with_a_sentence_that_says_what_to_do(start):
    with pytest.raises(CommandError, match="did not answer for 5 minutes") as raised:
        start(REFUSED, times=len(PAUSES) + 1)
    assert one_sentence(str(raised.value))
    assert "Start PostgreSQL" in str(raised.value)
    assert sum(PAUSES) <= 5 * 60 + 10


def test_another_address_than_the_one_that_was_used_is_reported_at_once(start, monkeypatch, tmp_path):
    start(REFUSED, times=0)
    monkeypatch.setattr(Database, "settings_dict", Database.settings_dict | {"PORT": "1"})
    with pytest.raises(OperationalError):
        start(REFUSED, times=1, used_before=False)
    assert "secret" not in (tmp_path / "database-used").read_text()
