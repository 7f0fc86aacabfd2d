"""A demonstration served beside the unit's own portal: one never touches the other's database."""

import sqlite3

import pytest
from django.db import connection

from tests.support.processes.portal_process import free_port, one_sentence, portal, run
from tests.vru_portal.operations.test_demo import STRIP

pytestmark = pytest.mark.server


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the embedded default is SQLite")
def test_serving_it_beside_the_unit_s_own_leaves_that_as_it_was(tmp_path):
    own = tmp_path / "var" / "portal.sqlite3"
    with portal(tmp_path / "var") as served:
        served.wait_until_ready()
        assert STRIP not in served.get()[1]
        served.interrupt()
        served.wait()
    before = own.read_bytes()
    values = {"DEMO": 1, "GRANTS_PREFIX": "360G-example", "DATABASE_URL": "", "PORTAL_URL": ""}
    with portal(tmp_path / "var", **values) as served:
        served.wait_until_ready()
        assert "Filled with example data" in served.printed
        for address, code in (("/", 200), ("/initiatives/", 200), ("/nope/", 404), ("/admin/login/", 200)):
            status, text = served.get(address)
            assert (status, STRIP in text) == (code, True), address
        assert served.get(Host="evil.example.org")[0] == 400
        served.interrupt()
        served.wait()
    assert own.read_bytes() == before
    assert (tmp_path / "var" / "demo" / "portal.sqlite3").is_file()
    for command in ("serve", "demo"):
        result = run(tmp_path / "other", command, DEMO=1, DATABASE_URL=f"sqlite:///{own}", SECRET_KEY="k" * 50,
                     PORT=free_port())  # fmt: skip
        assert (result.returncode, result.stdout.strip()) == (1, "")
        assert one_sentence(result.stderr), result.stderr
        assert "not a demonstration" in result.stderr
    assert own.read_bytes() == before
    with sqlite3.connect(own) as database:
        assert database.execute("SELECT is_example FROM partners_unit").fetchall() == [(0,)]
    database.close()
