"""Copying SQLite's database while others write to it: no step holds a lock for long, and the copy ends."""

import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest

from vru_portal.operations.backup import sqlite
from vru_portal.operations.backup.archive import BackupError


@pytest.fixture
def database(tmp_path, monkeypatch):
    """A database of some 300 pages in which each transaction adds two rows, and its writer, which never waits."""
    file = tmp_path / "portal.sqlite3"
    monkeypatch.setattr(sqlite, "database_file", lambda: file)
    with closing(sqlite3.connect(file, timeout=0)) as writer:
        writer.execute("PRAGMA journal_mode=TRUNCATE")
        writer.execute("CREATE TABLE load (text)")
        for _ in range(300):
            commit(writer)
        yield file, writer


def commit(writer):
    with writer:
        writer.executemany("INSERT INTO load VALUES (?)", [("x" * 2000,), ("y" * 2000,)])


def rows(file):
    with closing(sqlite3.connect(file)) as connected:
        return connected.execute("SELECT count(*) FROM load").fetchone()[0]


@pytest.fixture
def steps(monkeypatch):
    """Each step of a copy: how many pages it left, of how many. What is in `between` is called after each."""

    class Watched(sqlite.Progress):
        seen = []
        between = staticmethod(lambda: None)

        def __call__(self, status, remaining, total):
            self.seen.append((remaining, total))
            assert len(self.seen) < 1000, "the copy does not end"
            Watched.between()
            super().__call__(status, remaining, total)

    monkeypatch.setattr(sqlite, "Progress", Watched)
    return Watched


def test_the_copy_is_made_in_steps_between_which_nothing_is_locked(database, steps, tmp_path):
    file, writer = database

    def take_and_give_back_the_write_lock():  # a writer that had to wait would raise at once
        writer.execute("BEGIN EXCLUSIVE")
        writer.rollback()

    steps.between = take_and_give_back_the_write_lock
    sqlite.copy_database(tmp_path / "copy", pages=16)
    left = [remaining for remaining, _ in steps.seen]
    assert len(left) > 10
    assert max(before - after for before, after in pairwise(left)) <= 16
    assert rows(tmp_path / "copy") == rows(file)


def test_a_writer_that_commits_between_any_two_steps_does_not_keep_it_from_ending(database, steps, tmp_path):
    file, writer = database
    before = rows(file)
    steps.between = lambda: commit(writer)
    sqlite.copy_database(tmp_path / "copy", pages=16)
    copied = rows(tmp_path / "copy")
    assert before < copied <= rows(file)
    assert copied % 2 == 0  # no transaction by halves


def test_the_copy_waits_while_somebody_commits(database, steps, tmp_path, monkeypatch):
    file, writer = database
    monkeypatch.setattr(sqlite, "SECONDS_TO_WAIT", 0.001)
    writer.execute("BEGIN EXCLUSIVE")
    steps.between = writer.rollback  # after the first try, which found it busy
    sqlite.copy_database(tmp_path / "copy")
    assert rows(tmp_path / "copy") == rows(file)
    assert len(steps.seen) >= 2


def test_a_damaged_database_is_not_backed_up(database, tmp_path):
    file, writer = database
    writer.close()
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    file.write_bytes(content)
    with pytest.raises(BackupError, match="The database is damaged"):
        sqlite.copy_database(tmp_path / "copy")


def test_without_a_database_there_is_no_backup(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "database_file", lambda: tmp_path / "none")
    with pytest.raises(BackupError, match="does not exist"):
        sqlite.copy_database(tmp_path / "copy")
    assert not (tmp_path / "none").exists()
