"""The clock is set back while people sign: the register stays in order, and nothing that was acknowledged is lost."""

import json
from pathlib import Path

import pytest

from tests.support.faults.load import PAYING, Load, compared
from tests.support.faults.reporting import rounds
from tests.support.faults.waiting import wait_for
from tests.support.processes.databases import run_python, run_python_for_json
from tests.support.processes.portal_process import portal

pytestmark = pytest.mark.server
HOURS, SIGNATURES = 2, rounds(20)
FAULT = "Clock set back"
# Python imports this module at each start: from then on, all that the process asks for the time is wrong.
SLOW_CLOCK = f"""
from datetime import UTC, datetime, timedelta
import time_machine
time_machine.travel(datetime.now(UTC) - timedelta(hours={HOURS}), tick=True).start()
"""
# Signs with a clock that is right and then with one that is not, where the register believes each of them.
BELIEVED = f"""
import django; django.setup()
import json
from datetime import UTC, datetime, timedelta
import time_machine
from events.declarations.register import audit, log
from tests.support.races.signing_place import sign
log.max = lambda at, previous: at
sign(1)
try:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours={HOURS}), tick=True):
        sign(1)
    said = list(audit.find_faults())
except Exception as error:
    said = [f"{{type(error).__name__}}: {{error}}"]
print(json.dumps(said))
"""


def sign_and_pay(values, number, **more):
    """Serve the portal until so many have signed; return what was acknowledged."""
    prepared = run_python_for_json(values, "-m", "tests.support.faults.place", "prepare", str(4 * number), str(PAYING))
    with portal(Path(values["VAR_DIR"]), **values | more) as served:
        served.wait_until_ready()
        with Load(served, prepared) as load:
            wait_for(lambda: len(load.signed) >= number)
    load.require_expected()
    return load


def test_a_clock_that_is_set_back_loses_nothing_and_leaves_the_register_in_order(unit, tmp_path, report):
    (tmp_path / "sitecustomize.py").write_text(SLOW_CLOCK)
    loads = [sign_and_pay(unit, SIGNATURES, **more) for more in ({}, {"PYTHONPATH": tmp_path}, {})]
    found = run_python_for_json(unit, "-m", "tests.support.faults.place", "count")
    counted = compared(loads, found)
    for words in (["register", "verify"], ["reconcile"]):
        done = run_python(unit, "manage.py", *words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (counted["lost"], counted["doubled"], found["faults"]) == (0, 0, [])
    report(
        FAULT,
        done=f"{HOURS} hours back and forth again; 4 sign, 2 record payments",
        whole="register verifies, books reconcile",
        back="at once",
        **counted,
    )


def test_a_register_that_believed_every_clock_would_be_out_of_order(unit, report):
    said = run_python_for_json(unit, "-c", BELIEVED)
    assert said
    report(FAULT, control=f"the register's check, or the database, says: {json.dumps(said[0])[:80]}")
