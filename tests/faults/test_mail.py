"""Mail while the worker is killed again and again: all of it is sent, on either database."""

import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings

from tests.support.faults.reporting import rounds
from tests.support.faults.waiting import wait_for
from tests.support.processes.databases import migrated_database, run_python_for_json
from tests.support.processes.mail_server import TAKE, MailServer
from tests.support.processes.portal_process import environment

pytestmark = pytest.mark.server
SECONDS = 300  # where something hangs
KILLED, HALF = "Mail worker killed", "Mail server refuses half"
FEW = 10  # mails of a control
MAILS, KILLS = max(50, rounds(200)), max(10, rounds(20))  # fewer kills might all come between two mails

INVITE = """
import json, django; django.setup()
from events.declarations.rules import invitations
from events.declarations.models import Mail
from tests.support import signing
from tests.support.factories import UnitFactory
UnitFactory()
signing.open_signing()
for n in range(%s):
    invitations.invite(by=None, organisation=f"Body {n}", email=f"post{n}@body.example")
print(json.dumps(dict(Mail.objects.values_list("to", "message_id"))))
"""

# What the timer does a quarter of an hour later: the clocks of the rows are put back instead of waiting, but those of
# running tasks only where their worker was killed. A live worker never needs that long for one.
LATER = """
import json, django; django.setup()
from datetime import timedelta
from django.db.models import F
from django_tasks_db.models import DBTaskResult
from events.declarations import schedule
from events.declarations.models import Mail
passed = timedelta(minutes=15)
Mail.objects.filter(delivery="waiting").update(due_at=F("due_at") - passed)
if %s:
    DBTaskResult.objects.filter(status="RUNNING").update(started_at=F("started_at") - passed)
DBTaskResult.objects.filter(status="READY", run_after__lt="9000-01-01").update(run_after=F("run_after") - passed)
freed, queued = %s
counts = {name: Mail.objects.filter(delivery=name).count() for name in ("waiting", "sent", "refused", "dropped")}
print(json.dumps({"freed": freed, "queued": queued} | counts))
"""

TIMER, NO_TIMER = "schedule.delete_stuck_tasks(), schedule.requeue_lost_mails()", "0, 0"


def later(values, *, timer=TIMER, killed=False):
    """Let the timer come by a quarter of an hour later; return what it did, and the counts of mails."""
    return run_python_for_json(values, "-c", LATER % (killed, timer))


# A worker that tries nothing again: what failed waits for whoever queues it.
TRIES_ONCE = (
    "-c",
    "import django; django.setup()\n"
    "import sys\n"
    "from vru_portal.links import delivery\n"
    "delivery.postpone_or_refuse = lambda *_: False\n"
    "from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(sys.argv)",
)


def worker_of(values, program=("manage.py",)):
    """The library's worker, which serves the queue until it is stopped."""
    return subprocess.Popen(
        [sys.executable, *program, "db_worker", "--interval", "0", "--no-startup-delay", "--verbosity", "0"],
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
        wanted = run_python_for_json(values, "-c", INVITE % MAILS)
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
            found = later(values, killed=True)
            interrupted += bool(found["freed"])
            assert kills < 4 * KILLS, found
    sent = Counter(str(mail["Message-ID"]) for mail in server.taken)
    twice = sum(count > 1 for count in sent.values())
    assert set(sent) == set(wanted.values())
    assert (found["sent"], found["waiting"], found["refused"], found["dropped"]) == (MAILS, 0, 0, 0)
    assert interrupted
    report(
        KILLED,
        done=f"{kills} kills while it sends {MAILS} mails; {interrupted} in the middle of one",
        acknowledged=MAILS,
        lost=0,
        doubled=0,
        whole=f"all sent; {twice} reached the server twice, under one Message-ID each",
    )


def test_without_the_timer_a_mail_whose_worker_was_killed_is_never_sent(tmp_path, template, report):
    """The control: the same kill, and nothing frees what was under way."""
    held: list[str] = []

    def hold_the_first(to, attempt):
        if not held:
            held.append(to)
            time.sleep(5)  # until its worker is killed
        return TAKE

    with migrated_database(tmp_path / "var", "mail", template) as values, MailServer(hold_the_first) as server:
        values = values | {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        run_python_for_json(values, "-c", INVITE % FEW)
        with worker_of(values) as worker:
            wait_for(lambda: held)
            worker.kill()
        with worker_of(values) as worker:
            wait_for(lambda: len(server.taken) == FEW - 1)
            for _ in range(3):
                found = later(values, timer=NO_TIMER, killed=True)
                time.sleep(2)
            assert (found["waiting"], len(server.taken)) == (1, FEW - 1)
            later(values, killed=True)  # which is all that it lacked
            wait_for(lambda: len(server.taken) == FEW)
            worker.kill()
    report(
        KILLED, control=f"without the timer, the mail under way at a kill stays in the queue: {FEW - 1} of {FEW} sent"
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
        run_python_for_json(values, "-c", INVITE % MAILS)
        deadline, at_first = time.monotonic() + SECONDS, 0
        with worker_of(values) as worker:
            while len(server.attempts) < MAILS and time.monotonic() < deadline:
                time.sleep(0.05)
            at_first = len(server.taken)
            found = {"waiting": MAILS}
            while found["waiting"] and time.monotonic() < deadline:
                time.sleep(1)
                found = later(values)
            worker.kill()
    counts = Counter(str(mail["Message-ID"]) for mail in server.taken)
    assert (found["sent"], found["refused"], found["waiting"]) == (MAILS - len(for_good), len(for_good), 0)
    assert at_first < MAILS - len(for_good)
    report(
        HALF,
        done=f"{MAILS} mails: half put off once, {len(for_good)} refused for good",
        acknowledged=MAILS,
        lost=MAILS - found["sent"] - found["refused"],
        doubled=sum(number > 1 for number in counts.values()),
        whole=f"{found['sent']} sent, {found['refused']} shown to staff as refused",
    )


def test_without_later_attempts_what_was_put_off_once_is_never_sent(tmp_path, template, report):
    """The control: a worker that tries each mail once, and no timer that would queue it again."""

    def half(to, attempt):
        return "451 come again" if attempt == 1 and int(to[4:].split("@")[0]) % 2 else TAKE

    with migrated_database(tmp_path / "var", "mail", template) as values, MailServer(half) as server:
        values = values | {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        run_python_for_json(values, "-c", INVITE % FEW)
        with worker_of(values, TRIES_ONCE) as worker:
            wait_for(lambda: len(server.attempts) == FEW)
            for _ in range(3):
                found = later(values, timer=NO_TIMER)
                time.sleep(2)
            worker.kill()
    assert (found["sent"], found["waiting"], len(server.taken)) == (FEW // 2, FEW // 2, FEW // 2)
    report(HALF, control=f"without later attempts, {found['waiting']} of {FEW} mails are never sent")
