"""`manage.py serve` as a process: it starts with nothing set, says what is wrong, and ends with all that it started.

`make faults` starts it more often (tests/faults/test_serve.py).
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
import time
from contextlib import closing
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
import pytest
from django.contrib.staticfiles.finders import get_finder
from django.db import connection

from tests.support.processes.portal_process import SECONDS_TO_START, free_port, one_sentence, portal, run
from vru_portal.management.commands import serve

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("serve")]
embedded = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="the embedded default is tested where the tests run on SQLite"
)

KEY = "k" * 50
FINDER = "django.contrib.staticfiles.finders.FileSystemFinder"
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


@pytest.fixture(scope="module")
def furnished_var(tmp_path_factory):
    """A folder in which a portal has once been started and stopped, with what it said."""
    folder = tmp_path_factory.mktemp("served") / "var"
    with portal(folder) as first:
        first.wait_until_ready()
        seen = {
            "localhost": first.get(host="localhost"),
            "127.0.0.1": first.get(host="127.0.0.1"),
            "another host": first.get(Host="evil.example.org"),
            "a style sheet": first.get(re.findall(r'href="(/static/css/[^"]+\.css)"', first.get()[1])[0]),
            "the admin": first.get("/admin/login/"),
            "readyz": first.get("/readyz"),
        }
        members = first.members()
        memory = first.resident_memory()
        first.interrupt()
        code = first.wait()
        left = first.wait_until_gone()
    return folder, first, seen, members, code, left, memory


@embedded
def test_the_first_start_makes_everything_and_serves_it(furnished_var):
    folder, first, seen, *_ = furnished_var
    assert {name: status for name, (status, _) in seen.items()} == {
        "localhost": 200,
        "127.0.0.1": 200,
        "another host": 400,
        "a style sheet": 200,
        "the admin": 200,
        "readyz": 200,
    }
    assert {path.name for path in folder.iterdir()} >= {"portal.sqlite3", "secret-key", "static"}
    assert not [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]  # nobody else's to read
    assert f"http://localhost:{first.port}/" in first.printed
    assert f"http://localhost:{first.port}/admin/" in first.printed
    assert "manage.py staff add NAME --role Administrator" in first.printed
    assert re.search(r"Loaded \d+ records", first.printed)
    assert "Traceback" not in first.printed.partition("Ctrl-C")[0]


@embedded
def test_web_server_mail_queue_and_timer_run_side_by_side(furnished_var):
    members = furnished_var[3]
    commands = " ".join(members.values())
    assert "vru_portal.server" in commands
    assert "mail_queue --timer 60" in commands
    assert len(members) >= 4


@embedded
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory a process has")
def test_what_only_watches_the_others_takes_little_memory(furnished_var):
    """Nobody notices a supervisor that loads all of Django, but on a small machine."""
    assert 1_000 < furnished_var[6] < 25_000  # kB


@embedded
def test_the_registers_key_is_made_for_its_owners_eyes_and_one_that_is_lost_stops_the_start(furnished_var):
    folder = furnished_var[0] / "register"
    (key,) = folder.glob("*.key")
    assert (key.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    kept = key.rename(key.with_suffix(".away"))
    try:
        result = run(furnished_var[0], "serve", PORT=free_port())
    finally:
        kept.rename(key)
    assert (result.returncode, result.stdout.strip()) == (1, "")
    assert one_sentence(result.stderr), result.stderr
    assert f"The register's key is missing or unreadable: {key}." in result.stderr
    assert "rotate-key" in result.stderr
    assert list(folder.glob("*.key")) == [key]  # no other is made in its place


@embedded
def test_ctrl_c_ends_all_of_it_without_a_fault(furnished_var):
    _, first, _, _, code, left, _ = furnished_var
    assert code == 0
    assert left == ({}, False)
    assert first.printed.rstrip().endswith("Stopped.")


@embedded
def test_a_second_start_makes_nothing_again_but_roles_and_a_web_server_that_is_killed_is_replaced(furnished_var):
    folder = furnished_var[0]
    with sqlite3.connect(folder / "portal.sqlite3") as database:
        database.execute("UPDATE partners_unit SET slogan = 'EDITED BY STAFF', slogan_emphasis = ''")
        permissions = database.execute("SELECT count(*) FROM auth_group_permissions").fetchone()
        database.execute("DELETE FROM auth_group_permissions WHERE id % 2")
    database.close()
    key = (folder / "secret-key").read_text()
    collected = {path: path.stat().st_mtime_ns for path in (folder / "static").rglob("*")}
    with portal(folder) as second:
        second.wait_until_ready()
        assert {path: path.stat().st_mtime_ns for path in (folder / "static").rglob("*")} == collected
        assert "EDITED BY STAFF" in second.get()[1]
        assert "Loaded" not in second.printed
        with closing(sqlite3.connect(folder / "portal.sqlite3")) as database:  # as after each migration
            assert database.execute("SELECT count(*) FROM auth_group_permissions").fetchone() == permissions
        killed = second.web_server()
        os.kill(min(killed), signal.SIGKILL)
        until = time.monotonic() + SECONDS_TO_START
        while second.web_server() & killed or not second.answers():
            assert time.monotonic() < until, second.printed
            time.sleep(0.1)
        assert "The web server ended with code -9; it is started again in 0.5 seconds." in second.printed
        second.interrupt(signal.SIGTERM)
        assert second.wait() == 0
        assert second.wait_until_gone() == ({}, False)
    assert (folder / "secret-key").read_text() == key


@pytest.mark.once
def test_static_files_are_collected_again_where_one_has_changed_or_gone(tmp_path, settings):
    (tmp_path / "files").mkdir()
    settings.VAR_DIR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    settings.STATICFILES_DIRS, settings.STATICFILES_FINDERS = [tmp_path / "files"], [FINDER]
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": MANIFEST}}
    manifest, style = tmp_path / "static" / "staticfiles.json", tmp_path / "files" / "style.css"

    def collected():
        before = manifest.stat().st_mtime_ns if manifest.exists() else None
        cast(Any, get_finder).cache_clear()
        serve.prepare_static_files()
        return manifest.stat().st_mtime_ns != before

    style.write_text("a {}")
    assert [collected(), collected()] == [True, False]
    style.write_text("b {}")
    assert [collected(), collected()] == [True, False]
    manifest.unlink()
    assert [collected(), collected()] == [True, False]


@embedded
def test_it_stops_while_it_starts(furnished_var):
    with portal(furnished_var[0]) as early:
        time.sleep(1.5)
        early.interrupt()
        assert early.wait() in (0, 1, 130, -signal.SIGINT)
        assert early.wait_until_gone() == ({}, False)


@embedded
def test_a_web_server_that_is_killed_while_the_database_is_prepared_is_started_again(furnished_var):
    folder = furnished_var[0]
    with (folder / "preparing.lock").open("w") as another, portal(folder) as started:
        fcntl.flock(another, fcntl.LOCK_EX)  # as if another server were preparing the same database
        until = time.monotonic() + SECONDS_TO_START
        while not (waiting := started.web_server()):
            assert time.monotonic() < until, started.printed
            time.sleep(0.05)
        os.kill(min(waiting), signal.SIGKILL)
        fcntl.flock(another, fcntl.LOCK_UN)
        started.wait_until_ready()
        assert started.answers()
    assert "The web server ended with code -9; it is started again in 0.5 seconds." in started.printed


@embedded
def test_a_start_that_fails_leaves_no_process_behind(tmp_path):
    (tmp_path / "portal.sqlite3").write_text("This is not a database. " * 100)
    with portal(tmp_path) as failed:
        assert failed.wait() == 1
        assert failed.wait_until_gone() == ({}, False)


@embedded
def test_a_taken_port_is_one_sentence(furnished_var):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run(furnished_var[0], "serve", PORT=port)
    assert (result.returncode, result.stdout.strip()) == (1, "")
    assert one_sentence(result.stderr), result.stderr
    assert f"Port {port} on 127.0.0.1 cannot be used" in result.stderr
    assert "PORT" in result.stderr


@embedded
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "var", "serve", PORT=free_port())
    assert (result.returncode, result.stdout) == (1, "")
    assert one_sentence(result.stderr), result.stderr
    assert "VAR_DIR" in result.stderr


@embedded
def test_a_folder_whose_static_files_cannot_be_written_is_one_sentence(template, tmp_path):
    template.put(tmp_path)
    (tmp_path / "secret-key").write_text(KEY)
    (tmp_path / "static").write_text("a file where a folder should be")
    result = run(tmp_path, "serve", PORT=free_port())
    assert result.returncode == 1
    assert one_sentence(result.stderr), result.stderr
    assert str(tmp_path) in result.stderr


@embedded
def test_a_file_that_is_not_a_database_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "portal.sqlite3").write_text("This is not a database. " * 100)
    result = run(tmp_path, "serve", PORT=free_port())
    assert result.returncode == 1
    assert one_sentence(result.stderr), result.stderr
    assert "database" in result.stderr


@embedded
def test_a_database_that_does_not_answer_is_one_sentence(tmp_path):
    result = run(tmp_path, "serve", PORT=free_port(), DATABASE_URL="postgres://u:p@127.0.0.1:1/x", SECRET_KEY=KEY)
    assert (result.returncode, result.stdout.strip()) == (1, "")
    assert one_sentence(result.stderr), result.stderr
    assert "DATABASE_URL" in result.stderr
    assert ":p@" not in result.stderr  # nor does it print the password


@embedded
def test_what_is_set_up_wrongly_is_warned_about_at_the_start(tmp_path):
    values = {"DATABASE_URL": "postgres://u:p@127.0.0.1:1/x", "SECRET_KEY": KEY}
    result = run(tmp_path, "serve", PORT=free_port(), PORTAL_URL="https://moor.example.org", **values)
    assert "TRUSTED_PROXIES is 0" in result.stderr
    assert result.returncode == 1  # this database does not answer: the warning alone stops nothing
    assert "The database cannot be used" in result.stderr


@embedded
@pytest.mark.parametrize(
    "values",
    [{"PORT": "eighty"}, {"PORTAL_URL": "moor"}, {"WORKERS": "many"}, {"WORKERS": "0"}],
    ids=lambda values: "=".join(*values.items()),
)
def test_a_wrong_setting_is_one_sentence(tmp_path, values):
    result = run(tmp_path, "serve", **{"PORT": free_port(), **values})
    assert (result.returncode, result.stdout) == (1, "")
    assert one_sentence(result.stderr), result.stderr
    assert next(iter(values)) in result.stderr


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="runs where tests.support.processes.postgres serves a PostgreSQL"
)
def test_on_postgresql_it_migrates_but_loads_no_content_by_itself(tmp_path):
    url = os.environ["DATABASE_URL"]
    name = f"served_{os.getpid()}"
    parts = urlsplit(url)
    values = {"DATABASE_URL": url.removesuffix(parts.path.rsplit("/", 1)[-1]) + name, "SECRET_KEY": KEY}
    folder = parts.path.strip("/").rsplit("/", 1)[0]
    admin = f"host=/{folder} user={parts.username or 'postgres'} dbname=postgres"
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        with portal(tmp_path, **values) as served:
            served.wait_until_ready()
            assert "The portal has no content yet." in served.printed
            assert "manage.py load_unit" in served.printed
            assert not (tmp_path / "register").exists()  # nobody loses a key that they have not made
            status, text = served.get()
            assert status == 503
            assert "No unit has been loaded yet" in text
            loaded = run(tmp_path, "load_unit", "fixtures/", **values)
            assert (loaded.returncode, loaded.stderr) == (0, "")
            assert served.get()[0] == 200
            served.interrupt()
            assert served.wait() == 0
            assert served.wait_until_gone() == ({}, False)
        shutil.copytree(tmp_path, tmp_path / "b")  # with the static files, which are collected
        with portal(tmp_path, **values) as first, portal(tmp_path / "b", **values) as second:
            for started in (first, second):  # they migrate one after the other
                started.wait_until_ready()
                assert started.get()[0] == 200
    finally:
        with psycopg.connect(admin, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
