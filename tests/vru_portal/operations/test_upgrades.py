"""The triggers through migrations, and at the start of a portal whose triggers are not all there."""

import sqlite3

import pytest
from django.db import connection

from tests.support.processes.databases import migrated_database, run_python, run_python_for_json
from tests.support.processes.portal_process import free_port, one_sentence, portal, run
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.table_creation import LAST_BEFORE_SQUASH

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("upgrades")]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL rebuilds no table")
def test_triggers_are_put_back_after_a_migration_that_rebuilds_their_tables(tmp_path, template):
    with migrated_database(tmp_path / "var", "rebuilt", template) as values:
        rebuilding = values | {"DJANGO_SETTINGS_MODULE": "tests.rebuilding.settings"}
        found = run_python_for_json(rebuilding, "-m", "tests.support.processes.upgrades")
    own = sorted(
        name
        for name, trigger in DatabaseTriggers(connection).expected.items()
        if trigger.table == "funding_explanation"
    )
    assert found["before"] == found["after"] == []
    assert found["lost"] == own
    assert found["refused"] == ["A recorded explanation cannot be changed or removed"] * 2


# Triggers as an earlier version left them (on SQLite none), in a database without the migration that replaces them.
EARLIER_TRIGGERS = """
import django; django.setup()
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from tests.vru_portal.ledger.test_missing_triggers import MIGRATION
from vru_portal.ledger.append_only.database import DatabaseTriggers
with connection.cursor() as cursor:
    for trigger in DatabaseTriggers(connection).expected.values():
        if connection.vendor == "sqlite":
            cursor.execute(f'DROP TRIGGER "{trigger.name}"')
        else:
            cursor.execute(f'ALTER FUNCTION "{trigger.name}"() RESET enable_seqscan')
app, name = MIGRATION
assert MigrationRecorder.Migration.objects.filter(app=app, name=name).delete()[0] == 1
assert len(DatabaseTriggers(connection).missing()) > 100
"""


@pytest.mark.server
def test_a_portal_with_the_triggers_of_an_earlier_version_starts_and_replaces_them(tmp_path, template):
    with migrated_database(tmp_path / "var", "earlier", template) as values:
        before = run_python(values, "-c", EARLIER_TRIGGERS)
        assert before.returncode == 0, before.stderr
        with portal(tmp_path / "var", **values) as served:
            served.wait_until_ready()
        assert run_python(values, "-c", "import vru_portal.wsgi").returncode == 0


def migrated_from(*steps):
    """Return what migrates a database as if, of partners, only these steps had been applied, or all if none is given.

    All in one process: each new one would load the portal again.
    """
    return f"""
import django
from django.core.management import execute_from_command_line
django.setup()
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
rows = MigrationRecorder.Migration.objects
on_disk = MigrationLoader(None).disk_migrations
apps = {{app for (app, _), migration in on_disk.items() if migration.replaces}}
for (app, name), migration in on_disk.items():
    if app in apps:
        rows.filter(app=app, name=name).delete()
    if migration.replaces:
        replaced = [part for _, part in migration.replaces]
        rows.filter(app=app, name__in=replaced).delete()
        for name in {steps!r} or replaced if app == "partners" else replaced:
            rows.create(app=app, name=name)
execute_from_command_line(["manage.py", "migrate"])
execute_from_command_line(["manage.py", "migrate", "--check"])
"""


def test_a_database_of_the_version_before_the_squash_is_taken_over(tmp_path, template):
    with migrated_database(tmp_path / "var", "before", template) as values:
        upgraded = run_python(values, "-c", migrated_from())
        assert upgraded.returncode == 0, upgraded.stderr


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(("0001_squashed_2026_11_29", "0002_who_report_grants"), id="some of what is squashed"),
        pytest.param(("0001_initial", "0002_money"), id="nothing of what is squashed"),
    ],
)
def test_a_database_of_an_older_version_is_refused_with_the_way_out(steps, tmp_path, template):
    with migrated_database(tmp_path / "var", "older", template) as values:
        refused = run_python(values, "-c", migrated_from(*steps))
        assert refused.returncode == 1
        assert "of partners, " in refused.stderr
        assert f"git checkout {LAST_BEFORE_SQUASH}" in refused.stderr
        served = run_python(values | {"PORT": str(free_port())}, "manage.py", "serve")
        assert served.returncode == 1
        assert one_sentence(served.stderr), served.stderr
        assert f"git checkout {LAST_BEFORE_SQUASH}" in served.stderr


@pytest.mark.skipif(connection.vendor != "sqlite", reason="takes a trigger out of the embedded default's file")
@pytest.mark.server
def test_a_portal_whose_triggers_are_not_all_there_does_not_start(tmp_path, template):
    with migrated_database(tmp_path / "var", "unguarded", template) as values:
        started = run_python(values, "-c", "import vru_portal.wsgi")
        assert started.returncode == 0, started.stderr
        with sqlite3.connect(tmp_path / "var" / "portal.sqlite3") as database:
            database.execute("DROP TRIGGER funding_payment_no_delete")
        database.close()
        served = run(tmp_path / "var", "serve", PORT=free_port())
        assert served.returncode == 1
        assert one_sentence(served.stderr), served.stderr
        assert "1 of the database's triggers is missing or changed: funding_payment_no_delete." in served.stderr
        started = run_python(values, "-c", "import vru_portal.wsgi")
        assert started.returncode == 1
        assert "ImproperlyConfigured: 1 of the database's triggers is missing" in started.stderr
        migrated = 'from django.core.management import execute_from_command_line as e; e(["manage.py", "migrate"])'
        assert run_python(values, "-c", f"{migrated}; import vru_portal.wsgi").returncode == 0
