"""What goes away comes back, and the portal with it: a killed process, a busy database, a restarted one, a full disk.

Each test asks a served portal for pages all the while, and puts a mail into the queue that must leave in the end. The
control beside each is the queue's own worker, without what makes the portal's patient: it ends.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests.support.faults.load import PAYING, SIGNING, Load, compared
from tests.support.faults.servers import fill_up, kill_postgres, loaded, own_postgres, small_disk, start_postgres
from tests.support.faults.waiting import MADE_ANEW, SECONDS_TO_COME_BACK, status, wait_for
from tests.support.processes.databases import run_python_for_json
from tests.support.processes.portal_process import environment, portal
from tests.vru_portal.operations.backup.test_round_trip import raw_connection

pytestmark = pytest.mark.server
ON_SQLITE = pytest.mark.skipif(connection.vendor != "sqlite", reason="no database changes this")
ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite's database is a file of the portal"
)
SECONDS_OF_A_LOCK = 25  # longer than the 20 seconds for which SQLite is waited for
SECONDS_AWAY = 30
SECONDS_FULL = 20


BODIES = 40  # more than can sign before and after a fault
WAITING_MAILS = """
import django; django.setup()
from events.declarations.models import Mail
print(Mail.objects.filter(delivery="waiting").count())
"""


def invited(values):
    """Open signing once and invite a body: return the number of its mail, which is in the queue."""
    return run_python_for_json(values, "-m", "tests.support.races.signing_place", "invite", "1")


def place(values, *words):
    return run_python_for_json(values, "-m", "tests.support.faults.place", *map(str, words))


def all_that_was_acknowledged(values, load):
    """What people were told is recorded while the fault lasted, compared with what is; and their mail leaves."""
    load.require_expected()
    counted = compared([load], found := place(values, "count"))
    assert (counted["lost"], counted["doubled"], found["faults"]) == (0, 0, [])
    wait_for(lambda: run_python_for_json(values, "-c", WAITING_MAILS) == 0)
    return counted


def mails(folder):
    return len(list((folder / "mail").glob("*"))) if (folder / "mail").exists() else 0


def ask_each_second(served, seconds, *expected):
    """Ask for a page, which may say that the database is away, and whether the portal lives, which it does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert status(served, "/healthz") == 200
        assert status(served) in expected
        time.sleep(1)


@contextmanager
def impatient_worker(values):
    """The library's own worker, beside the portal's, once it looks into the queue."""
    with tempfile.NamedTemporaryFile() as said:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "db_worker", "--interval", "1", "--no-startup-delay"],
            cwd=settings.BASE_DIR,
            env=environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | values),
            stdout=said.file.fileno(),
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: "Starting worker" in Path(said.name).read_text())
            yield worker
        finally:
            worker.kill()
            worker.wait()


@pytest.fixture
def folder(unit):
    return Path(unit["VAR_DIR"])


@ON_SQLITE
@pytest.mark.parametrize("victim", ["vru_portal.server", "mail_queue"])
def test_a_killed_process_is_started_again(unit, folder, victim):
    with portal(folder, **unit) as served:
        served.wait_until_ready()
        [pid, *_] = sorted(pid for pid, command in served.members().items() if victim in command)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: "ended with code -9; it is started again in 0.5 seconds." in served.printed)
        wait_for(lambda: any(victim in command for command in served.members().values()))
        wait_for(lambda: status(served) == 200)
        assert pid not in served.members()
        served.interrupt()
        assert served.wait() == 0
        assert served.wait_until_gone() == ({}, False)


@ON_SQLITE
def test_a_killed_web_worker_is_started_again(unit, folder):
    with portal(folder, WORKERS=1, **unit) as served:
        served.wait_until_ready()
        pids = sorted(served.web_server())
        os.kill(pids[-1], signal.SIGKILL)  # the parent was there first
        wait_for(lambda: pids[-1] not in served.members())
        wait_for(lambda: status(served) == 200)
        assert pids[0] in served.members()


@contextmanager
def locked(values, mode="EXCLUSIVE"):
    """Hold what a writer holds: SQLite's write lock, or on PostgreSQL a lock on every table."""
    with raw_connection(values) as other:
        if connection.vendor == "sqlite":
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
        else:
            names = [name for (name,) in other.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            other.execute(f"LOCK TABLE {', '.join(names)} IN {mode} MODE")
        yield
        other.rollback()


def test_a_write_lock_that_somebody_holds_ends_nothing(unit, folder, report):
    with portal(folder, **unit) as served:
        served.wait_until_ready()
        prepared = place(unit, "prepare", BODIES, PAYING)
        wait_for(lambda: mails(folder))
        before = set(served.members())
        with impatient_worker(unit) as impatient:
            lock = ExitStack()
            lock.enter_context(locked(unit))  # before anybody signs, with whose locks it could be in a deadlock
            with lock, Load(served, prepared) as load:
                ask_each_second(served, SECONDS_OF_A_LOCK, 200)
                assert load.signed == []
                lock.close()
                back = wait_for(lambda: load.signed)
                assert back < SECONDS_TO_COME_BACK
            if connection.vendor == "sqlite":
                assert impatient.wait(60)
                control = "the library's own mail worker ends"
            else:
                control = page_that_needs_a_lock(unit, served)
        assert set(served.members()) == before  # nothing had to be started again
        counted = all_that_was_acknowledged(unit, load)
    report(
        "Write lock held",
        done=f"once, for {SECONDS_OF_A_LOCK} s; a page each second, {SIGNING} sign, {PAYING} pay",
        whole="no process was started again; all mail left",
        back=f"{back:.1f} s: the next signature; pages answered all the while",
        control=control,
        **counted,
    )


def page_that_needs_a_lock(values, served):
    """A page waits where another holds what even readers need."""
    with locked(values, "ACCESS EXCLUSIVE"), pytest.raises(TimeoutError):
        urllib.request.urlopen(served.url("/initiatives/"), timeout=5)  # noqa: S310 - http only
    return "a lock that even readers need holds up every page"


@ON_POSTGRESQL
def test_a_postgresql_that_is_killed_and_comes_back_is_used_again(tmp_path, report):
    with own_postgres() as (values, pid_file, server):
        values |= {"VAR_DIR": str(tmp_path / "var")}
        loaded(values)
        with portal(tmp_path / "var", **values) as served, impatient_worker(values) as impatient:
            served.wait_until_ready()
            assert status(served) == 200
            before = set(served.members())
            with Load(served, place(values, "prepare", BODIES, PAYING)) as load:
                wait_for(lambda: load.signed)
                os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
                wait_for(lambda: status(served) == 503)
                ask_each_second(served, SECONDS_AWAY, 503)
                assert "Try again in a moment" in served.get("/", **MADE_ANEW)[1]
                held = len(load.signed)
                start_postgres(server)
                took = wait_for(lambda: status(served) == 200)
                assert took < SECONDS_TO_COME_BACK
                wait_for(lambda: len(load.signed) > held)
            assert set(served.members()) == before
            assert impatient.wait(60)
            assert load.interrupted  # or nothing of it was in their way
            counted = all_that_was_acknowledged(values, load)
    report(
        "Database gone",
        done=f"once, for {SECONDS_AWAY} s; a page each second, 4 sign, 2 record payments",
        whole="no process was started again; all mail left",
        back=f"{took:.1f} s after its return",
        control="the library's own mail worker ends",
        **counted,
    )


@ON_POSTGRESQL
def test_a_portal_that_starts_before_its_postgresql_waits_for_it(tmp_path):
    """As after a restart of the machine. That a database which it has never used does not answer, it says at once."""
    folder = tmp_path / "var"
    with own_postgres() as (values, pid_file, server):
        values |= {"VAR_DIR": str(folder)}
        loaded(values)
        kill_postgres(pid_file)
        with portal(folder, **values) as first:
            assert first.wait() == 1
            assert "The database cannot be used" in first.printed
        start_postgres(server)
        with portal(folder, **values) as served:
            served.wait_until_ready()
        kill_postgres(pid_file)
        with portal(folder, **values) as served:
            wait_for(lambda: "Waiting for the database, which does not answer" in served.printed)
            start_postgres(server)
            served.wait_until_ready()
            assert status(served) == 200


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's disk is filled by a test of its own")
def test_a_full_disk_ends_nothing(tmp_path, template, report):
    with small_disk(tmp_path / "small", "48m") as small:
        folder = small / "var"
        template.put_unit(folder)
        values = {"VAR_DIR": str(folder)}
        with portal(folder, **values) as served:
            served.wait_until_ready()
            invited(values)
            wait_for(lambda: mails(folder) == 1)
            before = served.members()
            [queue] = [pid for pid, command in before.items() if "mail_queue" in command]
            os.kill(queue, signal.SIGSTOP)  # so that a mail is in the queue when the disk is full
            invited(values)
            filler = small / "filler"
            fill_up(filler)
            os.kill(queue, signal.SIGCONT)
            with impatient_worker(values) as impatient:
                ask_each_second(served, SECONDS_FULL, 200, 503)
                assert impatient.wait(60)
            filler.unlink()
            took = wait_for(lambda: status(served) == 200)
            assert took < SECONDS_TO_COME_BACK
            assert set(served.members()) == set(before)
            wait_for(lambda: mails(folder) == 2, 60)
            with closing(sqlite3.connect(folder / "portal.sqlite3")) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    report(
        "Full disk",
        done=f"once, for {SECONDS_FULL} s, with a mail in the queue",
        acknowledged="2 mails",
        lost=0,
        doubled=0,
        whole="the database is whole; no process was started again",
        back=f"{took:.1f} s after there was room",
        control="the library's own mail worker ends",
    )


@ON_POSTGRESQL
def test_a_full_disk_of_postgresql_ends_nothing(tmp_path, report):
    folder = tmp_path / "var"
    with own_postgres(size="256m") as (values, pid_file, server):
        values |= {"VAR_DIR": str(folder)}
        loaded(values)
        with portal(folder, **values) as served, impatient_worker(values) as impatient:
            served.wait_until_ready()
            invited(values)
            wait_for(lambda: mails(folder) == 1)
            before = served.members()
            [queue] = [pid for pid, command in before.items() if "mail_queue" in command]
            os.kill(queue, signal.SIGSTOP)  # so that a mail is in the queue when the disk is full
            impatient.send_signal(signal.SIGSTOP)
            invited(values)
            filler = pid_file.parent.parent / "filler"
            fill_up(filler)
            write_until_it_fails(server)
            os.kill(queue, signal.SIGCONT)
            impatient.send_signal(signal.SIGCONT)
            ask_each_second(served, SECONDS_FULL, 200, 503)
            assert impatient.wait(60)
            filler.unlink()
            start_postgres(server)  # where it has given up, as it does if it cannot recover for want of room
            took = wait_for(lambda: status(served) == 200)
            assert took < SECONDS_TO_COME_BACK
            assert set(served.members()) == set(before)
            wait_for(lambda: mails(folder) == 2, 60)
    report(
        "Full disk",
        done=f"PostgreSQL's, once, for {SECONDS_FULL} s, with a mail in the queue",
        acknowledged="2 mails",
        lost=0,
        doubled=0,
        whole="no process was started again",
        back=f"{took:.1f} s after there was room",
        control="the library's own mail worker ends",
    )


def write_until_it_fails(server):
    """Make PostgreSQL begin one file of its log after the other, until there is no room for the next."""
    with suppress(psycopg.OperationalError), psycopg.connect(server.get_uri(), autocommit=True) as connected:
        while True:
            connected.execute("SELECT pg_logical_emit_message(true, 'full', 'disk')")
            connected.execute("SELECT pg_switch_wal()")
