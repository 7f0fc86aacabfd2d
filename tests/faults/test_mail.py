"""Mail while the worker is killed again and again: all of it is sent, on either database."""

import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.conf import settings

from tests.mail_server import TAKE, MailServer
from tests.own_database import answer, migrated_database
from tests.portal_process import environment

pytestmark = pytest.mark.server
MAILS, KILLS = 200, 20

INVITE = f"""
import json, django; django.setup()
from events.declarations import rules
from events.declarations.models import Mail
from tests import signing
from tests.factories import UnitFactory
UnitFactory()
signing.open_signing()
for n in range({MAILS}):
    rules.invite(by=None, organisation=f"Body {{n}}", email=f"post{{n}}@body.example")
print(json.dumps(dict(Mail.objects.values_list("to", "message_id"))))
"""

# What the timer does a quarter of an hour later: the clocks of the rows are put back instead of waiting.
LATER = """
import json, django; django.setup()
from datetime import timedelta
from django.db.models import F
from django_tasks_db.models import DBTaskResult
from events.declarations import chores
from events.declarations.models import Mail
passed = timedelta(minutes=15)
Mail.objects.filter(delivery="waiting").update(due_at=F("due_at") - passed)
DBTaskResult.objects.filter(status="RUNNING").update(started_at=F("started_at") - passed)
DBTaskResult.objects.filter(status="READY", run_after__lt="9000-01-01").update(run_after=F("run_after") - passed)
freed, queued = chores.reap(), chores.send_lost()
counts = {name: Mail.objects.filter(delivery=name).count() for name in ("waiting", "sent", "refused", "dropped")}
print(json.dumps({"freed": freed, "queued": queued} | counts))
"""


def test_a_worker_that_is_killed_twenty_times_while_it_sends_two_hundred_mails_sends_them_all(tmp_path, template):
    dice = random.Random(2011)  # noqa: S311 - the same moments each time

    def slowly(to, attempt):
        time.sleep(0.02)
        return "451 come again" if attempt == 1 and int(to[4:].split("@")[0]) % 5 == 0 else TAKE

    with migrated_database(tmp_path / "var", "mail", template) as values, MailServer(slowly) as server:
        values = values | {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        wanted = answer(values, "-c", INVITE)
        found, interrupted, kills = {"waiting": MAILS}, 0, 0
        while kills < KILLS or found["waiting"]:
            taken = len(server.taken)
            with subprocess.Popen(
                [sys.executable, "manage.py", "db_worker", "--interval", "0", "--no-startup-delay", "--verbosity", "0"],
                cwd=settings.BASE_DIR,
                env=environment(**{"DJANGO_SETTINGS_MODULE": "vru_portal.settings"} | values),
            ) as worker:
                deadline = time.monotonic() + 20
                while len(server.taken) < taken + 1 and time.monotonic() < deadline:
                    time.sleep(0.005)  # it has begun
                time.sleep(dice.uniform(0, 1))
                worker.kill()
            kills += 1
            found = answer(values, "-c", LATER)
            interrupted += bool(found["freed"])
            assert kills < 4 * KILLS, found
    sent = Counter(str(mail["Message-ID"]) for mail in server.taken)
    twice = sum(count > 1 for count in sent.values())
    print(f"\n{MAILS} mails, worker killed {kills} times, {interrupted} times in the middle of a mail: "
          f"{found['sent']} sent, {found['waiting']} waiting; {twice} of them reached the server twice, "
          f"under one Message-ID each")  # fmt: skip
    assert set(sent) == set(wanted.values())
    assert (found["sent"], found["waiting"], found["refused"], found["dropped"]) == (MAILS, 0, 0, 0)
    assert interrupted
