"""A web server that hangs does not end, so that nobody notices but those who wait for its pages."""

import os
import signal
import time

import pytest

from tests.support.processes.portal_process import portal

pytestmark = pytest.mark.server
SECONDS = 120  # three times ten seconds without an answer, and a start
FAULT = "Web server stopped in the middle"


def served_after(served, stopped):
    """Stop these processes; return after how many seconds the home page is served again."""
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    while not served.answers():
        assert time.monotonic() - began < SECONDS, served.printed
        time.sleep(0.2)
    return time.monotonic() - began


def test_a_web_server_that_hangs_is_replaced(unit, tmp_path, report):
    with portal(tmp_path / "var", **unit | {"WORKERS": "2"}) as served:
        served.wait_until_ready()
        time.sleep(25)  # control: it has been asked, and is left alone
        assert "has not answered" not in served.printed
        hung = served.web_server()
        back = served_after(served, hung)
        assert "The web server has not answered 3 times in a row and is ended." in served.printed
        assert not served.web_server() & hung
    report(FAULT, done="all its processes were stopped with SIGSTOP", back=f"{back:.1f} s")
