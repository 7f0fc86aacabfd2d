"""A filled demonstration is backed up while somebody writes to it, and is restored elsewhere and in its own place."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.support.processes.databases import empty_database, migrated_database, run_python, run_python_for_json
from vru_portal.operations.backup.archive import open_archive
from vru_portal.table_creation import migrations_on_disk

pytestmark = pytest.mark.xdist_group("backups")

READ = """
import hashlib, json
import django; django.setup()
from io import StringIO
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client, override_settings
from tests.support.crawler import Elements, sitemap
client, pages, said = Client(headers={"host": "localhost:8000"}), {}, {}
plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
with override_settings(STORAGES=settings.STORAGES | plain):
    for address in ["/", *sitemap(client)]:
        response = client.get(address)
        pages[address] = [response.status_code, hashlib.sha256(Elements(response.text).text.encode()).hexdigest()]
    for name, *words in (["register", "verify"], ["reconcile"]):
        out = StringIO()
        try:
            call_command(name, *words, stdout=out)
        except CommandError as error:
            out.write(str(error))
        said[name] = out.getvalue()
print(json.dumps({"pages": pages, "said": said}))
"""
GO_ON = """
import django; django.setup()
import json
from events.declarations.models import Entry, PaperSignature
from events.declarations.rules import erasure
paper = PaperSignature.objects.exclude(scan="").exclude(entry=None).first()
scan, entry = paper.scan.name, paper.entry
erasure.erase_personal_data(entry=entry)
print(json.dumps({"seq": entry.seq, "scan": scan, "size": Entry.objects.count()}))
"""
LOOK = """
import django; django.setup()
import json, sys
from events.declarations.models import Entry, PersonalRecord
from events.declarations.rules import availability
seq = int(sys.argv[1])
blockers = availability.signing_blockers(availability.version_in_force())
print(json.dumps({"disclosed": PersonalRecord.objects.get(entry=seq).disclosed, "size": Entry.objects.count(),
                  "blockers": blockers}))
"""
# A backup that cannot be brought up to date: its tables are there, and a migration is still to make them.
HALF_MIGRATED = """
import django; django.setup()
import sys
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
rows = MigrationRecorder(connection).migration_qs.filter(app="funding")
names = list(rows.values_list("name", flat=True))
rows.delete()
call_command("backup", sys.argv[1])
for name in names:
    MigrationRecorder(connection).record_applied("funding", name)
"""


# What a restore refuses, in a process of its own; each with the sentence that it gives.
ATTEMPTS = """
import django; django.setup()
import fcntl, json, os, sys
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
good, damaged = sys.argv[1:]
said = {}
def attempt(name, *words):
    try:
        call_command("restore", *words, "--without-keys")
    except CommandError as error:
        said[name] = str(error)
attempt("not empty", good)
attempt("damaged", damaged, "--replace")
other = connections.create_connection("default")
other.ensure_connection()
attempt("connected", good, *["--replace"] * (other.vendor == "postgresql"))
other.close()
lock = os.open(settings.VAR_DIR / "running.lock", os.O_RDWR)
fcntl.flock(lock, fcntl.LOCK_SH)
attempt("running", good, "--replace")
print(json.dumps(said))
"""
PASSPHRASE = {"BACKUP_PASSPHRASE": "correct horse battery"}


@contextmanager
def raw_connection(values: dict[str, str]) -> Iterator[Any]:
    """A connection of the test's own to the database of a portal."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(Path(values["VAR_DIR"]) / "portal.sqlite3", timeout=60)) as connected:
            yield connected
    else:
        base, _, name = values["DATABASE_URL"].rpartition("/")
        user, _, folder = base.removeprefix("postgres://").partition(":@/")
        with psycopg.connect(f"host={folder} user={user} dbname={name}") as connected:
            yield connected


@contextmanager
def writer(values: dict[str, str]) -> Iterator[list[int]]:
    """Commit again and again in the block, each time two rows. Yields how many commits there were, as the only item."""
    commits, ended = [0], threading.Event()

    def write() -> None:
        with raw_connection(values) as connected:
            while not ended.is_set():
                for part in "ab":
                    connected.execute(f"INSERT INTO load VALUES ('{part}')")  # noqa: S608 - our own letters
                connected.commit()
                commits[0] += 1

    with raw_connection(values) as connected:
        connected.execute("CREATE TABLE load (part varchar(1))")
        connected.commit()
    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield commits
    finally:
        ended.set()
        thread.join()


def rows_of_load(values):
    with raw_connection(values) as connected:
        return connected.execute("SELECT count(*) FROM load").fetchone()[0]


def files(folder):
    """The files that a restore could change, by their content."""
    names = ("portal.sqlite3", "scans/**/*", "uploads/**/*", "register/*", "secret-key", "before-*", ".*", "*.json")
    found = {path for name in names for path in Path(folder).glob(name) if path.is_file()}
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def place(tmp_path_factory, template):
    """A filled demonstration, and a backup that was made of it while somebody wrote to it."""
    folder = tmp_path_factory.mktemp("backups")
    with migrated_database(folder / "var" / "demo", "demo", template) as values:
        filled = run_python(values | {"DEMO": "1", "VAR_DIR": str(folder / "var")}, "manage.py", "demo")
        assert filled.returncode == 0, filled.stderr
        upload = folder / "var" / "demo" / "uploads" / "documents" / "a plan.pdf"
        upload.parent.mkdir(parents=True)
        upload.write_bytes(b"%PDF-1.7 a plan")
        before = run_python_for_json(values, "-c", READ)
        with writer(values) as commits:
            started = commits[0]
            made = run_python(values | PASSPHRASE, "manage.py", "backup", str(folder / "a.tar"), "--keys", "included")
            during = commits[0] - started
        yield folder, values, before, made, during


def test_a_backup_is_made_while_others_commit(place):
    folder, values, _, made, during = place
    assert made.returncode == 0, made.stderr
    assert during > 10
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    assert (folder / "a.tar").stat().st_mode & 0o777 == 0o600
    with open_archive(folder / "a.tar") as opened:
        assert opened.manifest.register_size == 22
        assert opened.manifest.checkpoint.split("\n")[1] == "22"
        assert opened.manifest.database == connection.vendor
        migrations = {tuple(name.split(".")) for name in opened.manifest.migrations}
        assert migrations == migrations_on_disk().keys()  # and not what they have replaced
    (key,) = (Path(values["VAR_DIR"]) / "register").glob("*.key")
    assert key.read_bytes().strip() not in (folder / "a.tar").read_bytes()


@pytest.fixture(scope="module")
def elsewhere(place, tmp_path_factory):
    """Another machine, on which the backup and its keys are restored."""
    folder, *_ = place
    with empty_database(tmp_path_factory.mktemp("elsewhere") / "var", "elsewhere") as values:
        done = run_python(values | PASSPHRASE, "manage.py", "restore", str(folder / "a.tar"))
        assert done.returncode == 0, done.stderr
        yield values, done


def test_restored_elsewhere_it_is_the_same_portal(place, elsewhere):
    before = place[2]
    values, done = elsewhere
    assert done.stderr == ""
    assert list(Path(values["VAR_DIR"]).glob("before-*")) == []  # it was empty
    after = run_python_for_json(values, "-c", READ)
    assert after == before
    assert len(after["pages"]) > 40
    assert {status for status, _ in after["pages"].values()} == {200}
    assert "The register is complete." in after["said"]["register"]
    assert "Differences: none" in after["said"]["reconcile"]
    var = Path(values["VAR_DIR"])
    assert (var / "uploads" / "documents" / "a plan.pdf").read_bytes() == b"%PDF-1.7 a plan"
    assert {path.name for path in (var / "register").iterdir()} >= {"checkpoint", "erased"}
    (key,) = (var / "register").glob("*.key")
    assert key.read_bytes() == (Path(place[1]["VAR_DIR"]) / "register" / key.name).read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600


def test_no_transaction_is_restored_by_halves(place, elsewhere):
    restored = rows_of_load(elsewhere[0])
    assert restored % 2 == 0
    assert 0 < restored <= rows_of_load(place[1])


def test_a_portal_that_holds_something_or_runs_and_a_damaged_backup_are_refused(place, elsewhere, tmp_path):
    values, _ = elsewhere
    good, damaged = place[0] / "a.tar", tmp_path / "damaged.tar"
    content = bytearray(good.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    before = files(values["VAR_DIR"])
    said = run_python_for_json(values, "-c", ATTEMPTS, str(good), str(damaged))
    assert "This portal is not empty." in said["not empty"]
    assert "The backup is damaged" in said["damaged"]
    assert "The portal or one of its commands is running. Stop it first." in said["running"]
    if connection.vendor == "postgresql":  # where it may run on another machine
        assert "Something is connected to the database" in said["connected"]
    assert files(values["VAR_DIR"]) == before
    assert rows_of_load(values)


def test_one_that_cannot_be_brought_up_to_date_leaves_the_portal_as_it_was(place, elsewhere, tmp_path):
    values, _ = elsewhere
    path = tmp_path / "half.tar"
    made = run_python(values, "-c", HALF_MIGRATED, str(path))
    assert made.returncode == 0, made.stderr
    before, rows = files(values["VAR_DIR"]), rows_of_load(values)
    done = run_python(values, "manage.py", "restore", str(path), "--replace")
    assert done.returncode == 1
    assert "The portal is as it was." in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert files(values["VAR_DIR"]) == before
    assert rows_of_load(values) == rows
    with raw_connection(values) as connected:
        connected.execute("SELECT count(*) FROM funding_payment")
        if connection.vendor == "postgresql":
            schemas = connected.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before%'").fetchall()
            assert schemas == []


def test_an_older_backup_raises_the_alarm_and_what_was_erased_since_is_erased_again(place):
    folder, values, *_ = place
    gone_on = run_python_for_json(values, "-c", GO_ON)
    assert gone_on["size"] == 23
    done = run_python(values, "manage.py", "restore", str(folder / "a.tar"), "--replace", "--without-keys")
    assert done.returncode == 0, done.stderr
    assert "Signing is closed. The register does not match the checkpoint over 23 entries" in done.stderr
    assert "Erased the personal data of 1 records again." in done.stdout
    assert not (Path(values["VAR_DIR"]) / "scans" / gone_on["scan"]).exists()
    seen = run_python_for_json(values, "-c", LOOK, str(gone_on["seq"]))
    assert (seen["size"], seen["disclosed"]) == (22, "")
    assert "an older backup was restored" in " ".join(seen["blockers"])
    aside = list(Path(values["VAR_DIR"]).glob("before-restore-*"))
    assert len(aside) == 1
    assert (aside[0] / "uploads" / "documents" / "a plan.pdf").is_file()
