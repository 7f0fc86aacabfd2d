"""More ways in which a served portal ends; tests/vru_portal/test_serve.py has the first ones."""

import time

import pytest
from django.db import connection

from tests.portal_process import free_port, portal
from tests.vru_portal.test_serve import one_part_dies

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the embedded default is SQLite"),
]


@pytest.fixture
def folder(tmp_path, template):
    template.put(tmp_path / "var")
    return tmp_path / "var"


def test_where_the_queue_dies_the_web_server_ends_too_and_the_exit_code_says_so(folder):
    one_part_dies(folder, "db_worker")


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
        assert served.listening() is False
