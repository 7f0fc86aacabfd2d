"""Fifty clients read a download as slowly as they can, and hold nothing that a writer needs."""

import re
import socket
import sqlite3
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
from django.db import connection

from tests.support.processes.databases import migrated_database
from tests.support.processes.portal_process import portal, run

pytestmark = pytest.mark.server
READERS = 50
PAYMENTS = 3000  # whose JSON is larger than a socket's buffers
SECONDS_FOR_A_LOCK = 2
TABLE = "funding_payment"
FAULT = "Slow readers"


@pytest.fixture(scope="module")
def served(tmp_path_factory, template):
    folder = tmp_path_factory.mktemp("readers") / "var"
    with migrated_database(folder / "demo", "portal_readers", template) as values:
        values |= {"VAR_DIR": str(folder), "DEMO": "1", "WORKERS": "1"}
        filled = run(folder, "demo", "--scale", str(PAYMENTS), **values)
        assert filled.returncode == 0, filled.stderr
        with portal(folder, **values) as started:
            started.wait_until_ready()
            yield started, values


@contextmanager
def database(values):
    """Connect to the portal's database as another process does; it waits for no lock for long."""
    if connection.vendor == "sqlite":
        file = f"{values['VAR_DIR']}/demo/portal.sqlite3"
        with closing(sqlite3.connect(file, timeout=SECONDS_FOR_A_LOCK, isolation_level=None)) as connected:
            yield connected
        return
    folder, name = values["DATABASE_URL"].rpartition("@/")[2].rsplit("/", 1)
    with psycopg.connect(f"host=/{folder.strip('/')} user=postgres dbname={name}", autocommit=True) as connected:
        connected.execute(f"SET lock_timeout = '{SECONDS_FOR_A_LOCK}s'")
        yield connected


def write(values):
    """Commit something that needs the payments for itself: who has begun to read them, and not ended, is in the way."""
    with database(values) as connected:
        if connection.vendor == "sqlite":
            connected.execute("BEGIN EXCLUSIVE")
        else:
            connected.execute("BEGIN")
            connected.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        connected.execute("UPDATE programmes_area SET name = name")
        connected.execute("COMMIT")


def begin_to_read(port, path, stack):
    """Ask for a download; read its first byte and no more than the system reads by itself."""
    raw = stack.enter_context(socket.socket())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.settimeout(120)
    raw.connect(("127.0.0.1", port))
    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert raw.recv(1) == b"H"
    return raw


def test_a_writer_commits_while_fifty_read_slowly(served, report):
    portal_, values = served
    year = re.findall(r'href="(/funding/[\d-]+/)', portal_.get("/funding/")[1])[0]
    for path in (f"{year}payments.json", f"{year}allocations.json?kind=grant"):
        with ExitStack() as stack:
            readers = [begin_to_read(portal_.port, path, stack) for _ in range(READERS)]
            write(values)
            portal_.get("/")
            write(values)
            assert len([raw for raw in readers if raw.recv(1)]) == READERS  # they are still there
    report(
        FAULT,
        done=f"{READERS} clients read a download of {PAYMENTS:,} rows a byte at a time, then another one",
        acknowledged="4 commits",
        lost=0,
        doubled=0,
        back="never away",
    )


def test_a_cursor_that_is_left_open_would_be_in_the_way(served, report):
    values = served[1]
    with database(values) as reader:
        if connection.vendor == "postgresql":
            reader.execute("BEGIN")
        rows = reader.execute(f"SELECT * FROM {TABLE}")  # noqa: S608 - a constant
        assert rows.fetchone()
        with pytest.raises((sqlite3.OperationalError, psycopg.errors.LockNotAvailable)):
            write(values)
    report(FAULT, control="a cursor that stays open keeps everybody from committing")
