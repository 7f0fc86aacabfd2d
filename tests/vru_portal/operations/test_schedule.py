import time
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from events.declarations.models import Invitation
from events.declarations.register import kept_outside, log
from events.declarations.rules import signing
from tests.support.factories import LevelFactory, UnitFactory
from tests.support.signing import days_from_today, invite, new_link, open_signing, sign
from vru_portal.models import Heartbeat
from vru_portal.operations import schedule
from vru_portal.publishing import schedule as publishing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signing_is_open(time_machine):
    time_machine.move_to("2031-05-06T10:00:00Z")
    UnitFactory()
    LevelFactory()
    return open_signing()


ADDRESS = "post@body.example"  # not in the line that fails, which the traceback quotes


def fail():
    raise DatabaseError(f"Key (email)=({ADDRESS}) already exists.")


def test_ended_tasks_are_deleted_after_a_week(time_machine):
    invite()
    DBTaskResult.objects.update(
        status=TaskResultStatus.SUCCESSFUL, started_at=timezone.now(), finished_at=timezone.now()
    )
    time_machine.move_to(timezone.now() + timedelta(days=6))
    assert schedule.delete_ended_tasks() == 0
    time_machine.move_to(timezone.now() + timedelta(days=2))
    assert schedule.delete_ended_tasks() == 1


def test_every_app_with_jobs_is_among_those_that_are_run():
    folders = ("events", "funding", "partners", "programmes", "vru_portal")
    paths = [path for folder in folders for path in (settings.BASE_DIR / folder).glob("**/schedule.py")]
    names = [".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts) for path in paths]
    with_jobs = {name for name in names if hasattr(import_module(name), "JOBS")}
    assert {app.__name__ for app in schedule.APPS} == with_jobs - {schedule.__name__}


@pytest.mark.parametrize("app", schedule.APPS, ids=lambda app: app.__name__)
def test_every_job_of_every_app_is_run(monkeypatch, app):
    monkeypatch.setattr(app, "JOBS", ((lambda: 3, "things done"), (lambda: 2, ""), (lambda: 0, "others done")))
    assert "3 things done" in list(schedule.run_all())
    assert not [line for line in schedule.run_all() if line.startswith(("2", "0"))]


def test_a_job_that_fails_stops_no_other(monkeypatch):
    invitation = invite().invitation
    signing.decline_invitation(secret=new_link(invitation), reason="Not for us.")
    entry = sign(invite("Another", "another@body.example"))
    monkeypatch.setattr(publishing, "JOBS", ((fail, ""),))
    Invitation.objects.filter(pk=invitation.pk).update(closes_on=days_from_today(-9999))
    with pytest.raises(DatabaseError):
        list(schedule.run_all())
    assert Invitation.objects.get(pk=invitation.pk).email == ""
    assert kept_outside.checkpoint_file().read_text() == entry.checkpoint


def test_the_command_continues_after_an_error_and_names_nobody(monkeypatch, log):
    waits = []

    class Enough(BaseException):
        pass

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise Enough

    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(publishing, "JOBS", ((fail, ""),))
    # closing the connection would end this test's transaction
    monkeypatch.setattr("vru_portal.operations.schedule.close_old_connections", lambda: None)
    with pytest.raises(Enough):
        call_command("run_schedule", "--every", "300")
    assert waits == [300, 300]
    assert 'event="A timed job failed and will be tried again." error=DatabaseError at=' in log.text
    assert ADDRESS not in log.text


def test_a_run_is_noted_with_what_failed(monkeypatch):
    list(schedule.run_all())
    assert Heartbeat.objects.get(part="timer").fault == ""
    monkeypatch.setattr(publishing, "JOBS", ((fail, ""),))
    with pytest.raises(DatabaseError):
        list(schedule.run_all())
    assert Heartbeat.objects.get().fault == "DatabaseError"


def test_a_lost_key_is_one_sentence(time_machine):
    sign(invite())
    log.key_path(log.current_key().vkey).unlink()
    call_command("run_schedule")  # nothing is to be appended
    time_machine.move_to(timezone.now() + timedelta(days=2191))
    with pytest.raises(CommandError, match="key is missing"):
        call_command("run_schedule")


def test_a_register_restored_from_an_old_backup_is_one_sentence():
    sign(invite())
    kept_outside.checkpoint_file().write_text("name\n9\nroot\n\nsignature\n")
    with pytest.raises(CommandError, match="older backup"):
        call_command("run_schedule")
