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
