"""More ways in which a served portal starts and ends; tests/vru_portal/operations/test_serve.py has the first ones."""

import shutil
import time

import pytest
from django.db import connection

from tests.support.processes.databases import run_python, run_python_for_json
from tests.support.processes.portal_process import free_port, portal

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the embedded default is SQLite"),
]


@pytest.fixture
def folder(tmp_path, template):
    template.put(tmp_path / "var")
    return tmp_path / "var"


def test_a_backup_that_is_put_back_is_noticed_and_forgets_again_what_was_erased(folder):
    """Signing is closed until somebody has looked; what is public stays up."""
    values = {"VAR_DIR": str(folder)}

    def say(*words):
        return run_python_for_json(values, "-m", "tests.support.races.signing_place", *words)

    assert say("sign", "2") == [1, 2]
    shutil.copy(folder / "portal.sqlite3", folder / "backup.sqlite3")
    assert say("erase", "1") == 3
    assert say("sign", "1") == [4]
    assert run_python(values, "manage.py", "run_schedule").returncode == 0
    assert say("count")["faults"] == []
    shutil.copy(folder / "backup.sqlite3", folder / "portal.sqlite3")
    with portal(folder) as served:
        served.wait_until_ready()
        assert "A backup was restored: erased the personal data of 1 records again." in served.printed
        assert (
            "Signing is closed. The register does not match the checkpoint over 4 entries that is kept"
            in served.printed
        )
        assert served.get("/declaration/register/")[0] == 200
        assert served.get("/declaration/ask/")[0] == 503
    assert run_python(values, "manage.py", "register", "verify").returncode == 1


def test_it_answers_on_the_port_of_a_loopback_portal_url_and_bears_an_impatient_operator(folder):
    port = free_port()
    values = {"PORTAL_URL": f"http://127.0.0.1:{port}", "PORT": ""}
    with portal(folder, **values) as served:
        served.port = port
        assert served.process.poll() is None
        served.wait_until_ready()
        assert served.get("/healthz") == (200, "ok\n")
        for _ in range(3):
            served.interrupt()
            time.sleep(0.2)
        assert served.wait() == 0
        assert served.wait_until_gone() == ({}, False)
