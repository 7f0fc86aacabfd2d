"""Mail while the worker is killed again and again: all of it is sent, on either database."""

import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings

from tests.support.faults.reporting import rounds
from tests.support.processes.databases import migrated_database, run_python_for_json
from tests.support.processes.mail_server import TAKE, MailServer
from tests.support.processes.portal_process import environment

pytestmark = pytest.mark.server
SECONDS = 300  # where something hangs
MAILS, KILLS = max(50, rounds(200)), max(10, rounds(20))  # fewer kills might all come between two mails

INVITE = f"""
import json, django; django.setup()
from events.declarations.rules import invitations
from events.declarations.models import Mail
from tests.support import signing
from tests.support.factories import UnitFactory
UnitFactory()
signing.open_signing()
for n in range({MAILS}):
    invitations.invite(by=None, organisation=f"Body {{n}}", email=f"post{{n}}@body.example")
print(json.dumps(dict(Mail.objects.values_list("to", "message_id"))))
"""

# What the timer does a quarter of an hour later: the clocks of the rows are put back instead of waiting.
LATER = """
import json, django; django.setup()
from datetime import timedelta
from django.db.models import F
from django_tasks_db.models import DBTaskResult
from events.declarations import schedule
from events.declarations.models import Mail
passed = timedelta(minutes=15)
Mail.objects.filter(delivery="waiting").update(due_at=F("due_at") - passed)
DBTaskResult.objects.filter(status="RUNNING").update(started_at=F("started_at") - passed)
DBTaskResult.objects.filter(status="READY", run_after__lt="9000-01-01").update(run_after=F("run_after") - passed)
freed, queued = schedule.delete_stuck_tasks(), schedule.requeue_lost_mails()
counts = {name: Mail.objects.filter(delivery=name).count() for name in ("waiting", "sent", "refused", "dropped")}
print(json.dumps({"freed": freed, "queued": queued} | counts))
"""


def worker_of(values):
    """The library's worker, which serves the queue until it is stopped."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "db_worker", "--interval", "0", "--no-startup-delay", "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        env=environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | values),
    )


def test_a_worker_that_is_killed_twenty_times_while_it_sends_two_hundred_mails_sends_them_all(
    tmp_path, template, report
):
    dice = random.Random(2011)  # noqa: S311 - the same moments each time

    def slowly(to, attempt):
        time.sleep(0.02)
        return "451 come again" if attempt == 1 and int(to[4:].split("@")[0]) % 5 == 0 else TAKE

    with migrated_database(tmp_path / "var", "mail", template) as values, MailServer(slowly) as server:
        values = values | {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        wanted = run_python_for_json(values, "-c", INVITE)
        found, interrupted, kills = {"waiting": MAILS}, 0, 0
        while kills < KILLS or found["waiting"]:
            taken = len(server.taken)
            with worker_of(values) as worker:
                deadline = time.monotonic() + 20
                while len(server.taken) < taken + 1 and time.monotonic() < deadline:
                    time.sleep(0.005)  # it has begun
                time.sleep(dice.uniform(0, 1))
                worker.kill()
            kills += 1
            found = run_python_for_json(values, "-c", LATER)
            interrupted += bool(found["freed"])
            assert kills < 4 * KILLS, found
    sent = Counter(str(mail["Message-ID"]) for mail in server.taken)
    twice = sum(count > 1 for count in sent.values())
    assert set(sent) == set(wanted.values())
    assert (found["sent"], found["waiting"], found["refused"], found["dropped"]) == (MAILS, 0, 0, 0)
    assert interrupted
    report(
        "Mail worker killed",
        done=f"{kills} kills while it sends {MAILS} mails; {interrupted} in the middle of one",
        acknowledged=MAILS,
        lost=0,
        doubled=0,
        whole=f"all sent; {twice} reached the server twice, under one Message-ID each",
        control=f"without the timer, which frees what was under way, {interrupted} mails would stay in the queue",
    )


def test_a_mail_server_that_refuses_half_gets_them_all_in_the_end(tmp_path, template, report):
    """Half of the mails are put off at first, and some refused for good, which staff see."""
    for_good = [n for n in range(MAILS) if n % 10 == 9]

    def half(to, attempt):
        number = int(to[4:].split("@")[0])
        if number in for_good:
            return "550 no such mailbox"
        return "451 come again" if attempt == 1 and number % 2 else TAKE

    with migrated_database(tmp_path / "var", "mail", template) as values, MailServer(half) as server:
        values = values | {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        run_python_for_json(values, "-c", INVITE)
        deadline, at_first = time.monotonic() + SECONDS, 0
        with worker_of(values) as worker:
            while len(server.attempts) < MAILS and time.monotonic() < deadline:
                time.sleep(0.05)
            at_first = len(server.taken)
            found = {"waiting": MAILS}
            while found["waiting"] and time.monotonic() < deadline:
                time.sleep(1)
                found = run_python_for_json(values, "-c", LATER)
            worker.kill()
    counts = Counter(str(mail["Message-ID"]) for mail in server.taken)
    assert (found["sent"], found["refused"], found["waiting"]) == (MAILS - len(for_good), len(for_good), 0)
    assert at_first < MAILS - len(for_good)
    report(
        "Mail server refuses half",
        done=f"{MAILS} mails: half put off once, {len(for_good)} refused for good",
        acknowledged=MAILS,
        lost=MAILS - found["sent"] - found["refused"],
        doubled=sum(number > 1 for number in counts.values()),
        whole=f"{found['sent']} sent, {found['refused']} shown to staff as refused",
        control=f"without later attempts, {MAILS - len(for_good) - at_first} mails would not have been sent",
    )
