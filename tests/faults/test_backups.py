"""Backups of a portal under load, tried in a throw-away place, and restores that are killed at any moment."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.support.faults.reporting import rounds
from tests.support.processes.databases import migrated_database, run_python, run_python_for_json
from tests.support.processes.portal_process import environment
from tests.vru_portal.operations.backup.test_round_trip import raw_connection, rows_of_load, writer

pytestmark = pytest.mark.xdist_group("backups")
KILLS = max(4, rounds(12))  # of four, some come while things are being replaced
STATE = """
import django; django.setup()
import json
from events.declarations.models import Entry
from events.declarations.register import audit
from vru_portal.ledger.append_only.database import require_triggers
require_triggers()
print(json.dumps({"size": Entry.objects.count(), "faults": list(audit.find_faults())}))
"""
START = "import vru_portal.wsgi"
# What somebody with the administrator's password to the database may do to a register.
TAMPER = """
import django; django.setup()
from django.db import connection
from vru_portal.ledger.append_only.database import DatabaseTriggers
DatabaseTriggers(connection).remove()
with connection.cursor() as cursor:
    cursor.execute("UPDATE declarations_entry SET leaf_hash = '00' WHERE seq = 3")
DatabaseTriggers(connection).install()
"""


@pytest.fixture
def demonstration(tmp_path, template):
    """A filled demonstration's folder and database."""
    with migrated_database(tmp_path / "var" / "demo", "faults", template) as values:
        filled = run_python(values | {"DEMO": "1", "VAR_DIR": str(tmp_path / "var")}, "manage.py", "demo")
        assert filled.returncode == 0, filled.stderr
        yield values


def test_backups_under_load_are_good_and_one_of_a_tampered_register_is_not(demonstration, tmp_path, report):
    with writer(demonstration) as commits:
        for number in range(3):
            began = commits[0]
            words = ["--verify"] if number == 0 else []
            made = run_python(demonstration, "manage.py", "backup", str(tmp_path / f"{number}.tar"), *words)
            assert made.returncode == 0, made.stderr
            assert commits[0] > began
            if words:
                assert "Its register is complete, with 22 entries." in made.stdout
                assert "Its money adds up." in made.stdout
                assert "pages can be opened." in made.stdout
    assert list((Path(demonstration["VAR_DIR"]) / "backups").glob(".*")) == []
    tampered = run_python(demonstration, "-c", TAMPER)
    assert tampered.returncode == 0, tampered.stderr
    made = run_python(demonstration, "manage.py", "backup", str(tmp_path / "bad.tar"), "--verify")
    assert made.returncode == 1
    assert "The backup failed its check: register verify says: Entry 3:" in made.stderr
    if connection.vendor == "postgresql":
        with raw_connection(demonstration) as connected:
            left = connected.execute("SELECT datname FROM pg_database WHERE datname LIKE 'vru_backup%'").fetchall()
        assert left == []
    report(
        "Backup under load",
        done=f"3 backups beside {commits[0]} commits, one of them restored elsewhere",
        whole="its register verifies, its books reconcile, its pages open",
        control="of a register that somebody has changed, --verify says that the backup is not good",
    )


def test_a_restore_that_is_killed_at_any_moment_leaves_the_old_portal_or_the_new_one(demonstration, tmp_path, report):
    with writer(demonstration):
        pass
    path = tmp_path / "empty-load.tar"
    with raw_connection(demonstration) as connected:
        connected.execute("DELETE FROM load")
        connected.commit()
    assert run_python(demonstration, "manage.py", "backup", str(path)).returncode == 0
    command = [sys.executable, "manage.py", "restore", str(path), "--replace"]
    chance, seconds, refused, outcomes = random.Random(7), 0.0, 0, []  # noqa: S311 - any moments will do
    for number in range(KILLS + 1):
        with raw_connection(demonstration) as connected:  # so that the old portal differs from the new one
            connected.execute("DELETE FROM load")
            connected.execute("INSERT INTO load VALUES ('o')")
            connected.commit()
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | demonstration),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if number:
            journal = Path(demonstration["VAR_DIR"]) / "restoring.json"
            if number % 4:  # most of them in the short time in which things are replaced
                while not journal.exists() and process.poll() is None:
                    time.sleep(0.001)
                if number > 1:  # the first kill comes at once: certainly before the end
                    time.sleep(chance.uniform(0, 0.1) * seconds)
            else:
                time.sleep(chance.uniform(0.4, 1.0) * seconds)
            process.send_signal(signal.SIGKILL)
        process.wait()
        seconds = seconds or time.monotonic() - began  # how long one takes that nobody kills
        wait_until_alone(demonstration)
        started = run_python(demonstration, "-c", START)
        if started.returncode:
            assert "A restore was interrupted. Run the same manage.py restore again" in started.stderr
            refused += 1
            # whose archive is none: all that it does is to put back what there was
            again = run_python(demonstration, "manage.py", "restore", str(path))
            assert "This portal is not empty" in again.stderr
            assert rows_of_load(demonstration) == 1
        outcomes.append(rows_of_load(demonstration))
        assert run_python_for_json(demonstration, "-c", STATE) == {"size": 22, "faults": []}
    assert outcomes[0] == 0
    assert refused  # or no kill came at the moment that matters
    assert run_python(demonstration, "manage.py", "restore", str(path), "--replace").returncode == 0
    assert list(Path(demonstration["VAR_DIR"]).glob(".*")) == []
    report(
        "Restore killed",
        done=f"{KILLS} kills at any moment",
        lost=0,
        whole=f"{outcomes[1:].count(1)} old portals and {outcomes[1:].count(0)} new ones, each of them whole; "
        f"{refused} times half of it was replaced, which was not served",
    )


# A restore that is killed when the uploads have been replaced and the database has not.
KILLED_HALF_WAY = """
import os, signal, sys
from vru_portal.operations.backup import swap
make = swap.Move.make
def make_and_end(move):
    make(move)
    if move.place.name == "scans":
        os.kill(os.getpid(), signal.SIGKILL)
swap.Move.make = make_and_end
{change}
import manage
sys.argv = ["manage.py", "restore", {path!r}, "--replace"]
manage.main()
"""
NO_JOURNAL = "import contextlib; swap.journalled = lambda *_: contextlib.nullcontext()"


def start_after_half_a_restore(values, path, change=""):
    """Leave a file that the backup does not have, restore half of it, and say how the portal then starts."""
    uploads = Path(values["VAR_DIR"]) / "uploads"
    uploads.mkdir(exist_ok=True)
    (uploads / "newer.txt").write_text("What the present database names.")
    code = KILLED_HALF_WAY.format(change=change, path=str(path))
    environ = environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | values)
    killed = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (uploads / "newer.txt").exists()
    wait_until_alone(values)
    return run_python(values, "-c", START)


def test_half_a_restore_without_its_journal_is_served(demonstration, tmp_path, report):
    """The control: the present database with the uploads of the backup, and nothing that says so."""
    path = tmp_path / "backup.tar"
    assert run_python(demonstration, "manage.py", "backup", str(path)).returncode == 0
    started = start_after_half_a_restore(demonstration, path)
    assert "A restore was interrupted." in started.stderr
    again = run_python(demonstration, "manage.py", "restore", str(path))
    assert "This portal is not empty" in again.stderr
    assert (Path(demonstration["VAR_DIR"]) / "uploads" / "newer.txt").exists()
    assert run_python(demonstration, "-c", START).returncode == 0
    started = start_after_half_a_restore(demonstration, path, NO_JOURNAL)
    assert started.returncode == 0, started.stderr
    assert not (Path(demonstration["VAR_DIR"]) / "uploads" / "newer.txt").exists()
    report(
        "Restore killed",
        control="without its journal, the present database is served with the uploads of the backup",
    )


def wait_until_alone(values):
    """On PostgreSQL, wait until the server has noticed that the killed process is gone."""
    while connection.vendor == "postgresql":
        with raw_connection(values) as connected:
            others = connected.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            ).fetchone()[0]
        if not others:
            return
        time.sleep(0.1)
