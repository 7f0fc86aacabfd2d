"""Started twenty times as by a newcomer, and ended with Ctrl-C: no start hangs or leaves anything behind."""

import shutil
import time

import pytest
from django.db import connection

from tests.support.processes.portal_process import portal

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the embedded default is SQLite"),
]
STARTS = 20


def test_none_of_twenty_starts_and_ctrl_cs_hangs(tmp_path):
    make = shutil.which("make")
    command = (make, "run") if make else ()
    rows = []
    for number in range(1, STARTS + 1):
        with portal(tmp_path / "var", *command) as served:
            started = served.wait_until_ready()
            assert served.get()[0] == 200
            began = time.monotonic()
            served.interrupt()
            code = served.wait()
            stopped = time.monotonic() - began
            time.sleep(0.2)
            rows.append((number, started, stopped, code, len(served.members()), served.listening()))
            assert "Traceback" not in served.printed
    print(f"\n{' '.join(command) or 'manage.py serve'}: {STARTS} starts and Ctrl-Cs")
    print(f"{'':>4}{'start s':>10}{'stop s':>10}{'exit':>6}{'left':>6}")
    for number, started, stopped, code, left, _ in rows:
        print(f"{number:>4}{started:>10.1f}{stopped:>10.1f}{code:>6}{left:>6}")
    first, *others = (row[1] for row in rows)
    slowest = max(row[2] for row in rows)
    print(f"first start {first:.1f} s, later ones at most {max(others):.1f} s, slowest stop {slowest:.1f} s")
    assert {(left, listening) for *_, left, listening in rows} == {(0, False)}
    # make reports the interrupt with a code of its own; the portal itself ends with 0
    assert {code for _, _, _, code, _, _ in rows} <= ({0, 2, 130, -2} if command else {0})
