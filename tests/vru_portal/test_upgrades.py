"""The guards through migrations, and at the start of a portal whose guards are not all there."""

import sqlite3

import pytest
from django.db import connection

from tests.own_database import answer, migrated_database, python
from tests.portal_process import free_port, one_sentence, run
from vru_portal.append_only import Guards

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("upgrades")]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL rebuilds no table")
def test_guards_are_put_back_after_a_migration_that_rebuilds_their_tables(tmp_path, template):
    with migrated_database(tmp_path / "var", "rebuilt", template) as values:
        found = answer(values | {"DJANGO_SETTINGS_MODULE": "tests.rebuilding.settings"}, "-m", "tests.upgrades")
    own = sorted(name for name, guard in Guards(connection).wanted.items() if guard.table == "funding_explanation")
    assert found["before"] == found["after"] == []
    assert found["lost"] == own
    assert found["refused"] == ["A recorded explanation cannot be changed or removed"] * 2


def as_of(name, *steps):
    """Return what makes a database look as if these steps of partners, and all of the other apps, had been applied."""
    return f"""
import django
django.setup()
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
rows = MigrationRecorder.Migration.objects
for (app, name), migration in MigrationLoader(None).disk_migrations.items():
    if migration.replaces:
        rows.filter(app=app).delete()
        for app, name in migration.replaces:
            if app != {name!r} or name in {steps!r}:
                rows.create(app=app, name=name)
"""


def test_a_database_of_the_version_before_the_squash_is_taken_over(tmp_path, template):
    steps = ("0001_initial", "0002_money", "0003_legal_notice", "0004_staff")
    with migrated_database(tmp_path / "var", "before", template) as values:
        assert python(values, "-c", as_of("partners", *steps)).returncode == 0
        upgraded = python(values, "manage.py", "migrate")
        assert upgraded.returncode == 0, upgraded.stderr
        assert python(values, "manage.py", "migrate", "--check").returncode == 0


def test_a_database_of_an_older_version_is_refused_with_the_way_out(tmp_path, template):
    with migrated_database(tmp_path / "var", "older", template) as values:
        assert python(values, "-c", as_of("partners", "0001_initial", "0002_money")).returncode == 0
        refused = python(values, "manage.py", "migrate")
        assert refused.returncode == 1
        assert "of partners it has only 0001_initial, 0002_money" in refused.stderr
        assert "git checkout 1822988" in refused.stderr
        served = python(values | {"PORT": str(free_port())}, "manage.py", "serve")
        assert served.returncode == 1
        assert one_sentence(served.stderr), served.stderr
        assert "git checkout 1822988" in served.stderr


@pytest.mark.skipif(connection.vendor != "sqlite", reason="takes a guard out of the embedded default's file")
@pytest.mark.server
def test_a_portal_whose_guards_are_not_all_there_does_not_start(tmp_path, template):
    with migrated_database(tmp_path / "var", "unguarded", template) as values:
        started = python(values, "-c", "import vru_portal.wsgi")
        assert started.returncode == 0, started.stderr
        with sqlite3.connect(tmp_path / "var" / "portal.sqlite3") as database:
            database.execute("DROP TRIGGER funding_payment_no_delete")
        database.close()
        served = run(tmp_path / "var", "serve", PORT=free_port())
        assert served.returncode == 1
        assert one_sentence(served.stderr), served.stderr
        assert "1 of the database's guards are missing or changed: funding_payment_no_delete." in served.stderr
        started = python(values, "-c", "import vru_portal.wsgi")
        assert started.returncode == 1
        assert "ImproperlyConfigured: 1 of the database's guards are missing" in started.stderr
        assert python(values, "manage.py", "migrate").returncode == 0
        assert python(values, "-c", "import vru_portal.wsgi").returncode == 0
