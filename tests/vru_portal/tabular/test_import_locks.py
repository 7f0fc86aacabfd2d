"""A file of rows keeps nobody waiting while it is tried or checked, and is recorded whole or not at all."""

import pytest
from django.db import connection

from tests.support.processes.databases import migrated_database, run_python_for_json
from tests.support.processes.import_locks import ROWS

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def seen(tmp_path_factory, template, django_db_setup):
    with migrated_database(tmp_path_factory.mktemp("imports") / "var", "imports", template) as values:
        yield run_python_for_json(values, "-m", "tests.support.processes.import_locks")


@pytest.mark.parametrize("file", ["payments tried", "organisations tried"])
def test_others_write_while_a_file_is_tried(seen, file):
    assert seen[file] == {"state": "tried", "written": ROWS, "refused": 0}
    assert seen["recorded by trying"] == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows, not the database")
def test_a_file_that_is_tried_in_place_is_found(seen):
    """The control."""
    assert seen["organisations tried in place"] == {"state": "tried", "written": 0, "refused": ROWS}


def test_others_write_while_payments_are_checked_that_are_then_recorded(seen):
    assert seen["payments checked"] == {"state": "done", "written": ROWS, "refused": 0}
    assert seen["recorded"] == ROWS


def test_a_file_whose_worker_is_killed_before_the_end_is_not_recorded_at_all(seen):
    assert (seen["killed by"], seen["state after the kill"]) == ("SIGKILL", "running")
    assert seen["recorded after the kill"] == 0


def test_no_copy_of_the_database_is_left(seen):
    assert seen["copies left"] == []
