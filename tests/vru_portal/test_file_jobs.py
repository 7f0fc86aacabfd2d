"""Long files: tried and recorded by the worker, with a page that says how far it has come."""

import os
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker

from events.declarations.chores import all_of_them
from partners.models import Organisation
from partners.resources import OrganisationResource
from tests.factories import OrganisationFactory, PublicationFactory, UnitFactory
from tests.walk import text_of
from vru_portal import file_jobs
from vru_portal.importing import WaitingFile
from vru_portal.models import FileJob, Pending

ROWS = 501


@pytest.fixture(autouse=True)
def ground(settings, tmp_path, monkeypatch):
    """Keep files that wait apart, and the test's connection open."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)


@pytest.fixture
def clerk():
    return get_user_model().objects.create_superuser("clerk")


def work():
    """Let the worker do all that waits."""
    Worker(
        queue_names=["default"], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
        worker_id="test", excluded_queue_names=[],
    ).run()  # fmt: skip


def file_of(rows, **first):
    """Return a file of new organisations."""
    lines = [f"body-{n},Body {n},report,2031-05-06" for n in range(rows)]
    if first:
        lines[0] = ",".join(first.values())
    return "\n".join(["slug,name,source,as_at", *lines]).encode()


def job_of(content, by, dry_run=True, rows=ROWS):
    """Return a job with this file."""
    waiting = WaitingFile()
    waiting.save(content)
    return file_jobs.send(
        resource=OrganisationResource, stored=waiting.name, name="bodies.csv", form=0, rows=rows, by=by, dry_run=dry_run
    )


def address(job, name="change"):
    return reverse(f"admin:vru_portal_filejob_{name}", args=[job.pk])


@pytest.mark.django_db
def test_a_long_file_is_tried_and_recorded_by_the_worker(client, clerk):
    UnitFactory()
    PublicationFactory(slug="report")
    OrganisationFactory(slug="body-1", name="Body 1", source__slug="old", state="published")
    client.force_login(clerk)
    file = SimpleUploadedFile("bodies.csv", file_of(ROWS))
    begun = time.monotonic()
    answer = client.post(
        reverse("admin:partners_organisation_import"), {"import_file": file, "format": "0", "resource": "0"}
    )
    assert time.monotonic() - begun < 5
    job = FileJob.objects.get()
    assert answer.headers["Location"] == address(job)
    page = client.get(address(job))
    assert page.headers["Refresh"] == "3"
    assert "This file of 501 rows waits for the worker." in text_of(page)
    before = Organisation.objects.count()
    work()
    page = client.get(address(job))
    assert "Refresh" not in page.headers
    said = text_of(page)
    assert "This file would record 500 new organisations as drafts; 1 change that waits to be published." in said
    assert "The first 100 of 500 new" in said
    assert (Organisation.objects.count(), Pending.objects.count()) == (before, 0)
    for _ in range(2):  # the second click finds it sent on
        client.post(address(job, "record"))
    assert FileJob.objects.count() == 2
    work()
    done = FileJob.objects.get(dry_run=False)
    assert (done.state, done.rows_done) == ("done", ROWS)
    assert "Recorded: 500 new organisations as drafts; 1 change that waits to be published." in text_of(
        client.get(address(done))
    )
    assert (Organisation.objects.count(), Pending.objects.count()) == (before + 500, 1)
    assert Organisation.objects.get(slug="body-7").history.get().history_user == clerk
    assert LogEntry.objects.filter(change_message="Recorded from bodies.csv.", user=clerk).count() == 501
    assert not os.listdir(WaitingFile(name="x").path.parent)


@pytest.mark.django_db
def test_a_refused_file_records_nothing_and_says_why(clerk):
    PublicationFactory(slug="report")
    job = job_of(file_of(ROWS, slug="body-0", name="", source="report", as_at="2031-05-06"), clerk, dry_run=False)
    work()
    job.refresh_from_db()
    assert job.state == "refused"
    assert job.result["problems"] == ["Row 2, name: This field cannot be blank."]
    assert not Organisation.objects.filter(slug__startswith="body").exists()


@pytest.mark.django_db
def test_who_has_lost_the_right_or_left_records_nothing(clerk):
    PublicationFactory(slug="report")
    job = job_of(file_of(3), clerk, dry_run=False)
    get_user_model().objects.filter(pk=clerk.pk).update(is_superuser=False)
    work()
    job.refresh_from_db()
    assert job.result["problems"] == ["You may not record organisations. Nothing was recorded."]


@pytest.mark.django_db
def test_a_fault_is_said_and_records_nothing(clerk, monkeypatch, caplog):
    PublicationFactory(slug="report")
    job = job_of(file_of(3), clerk, dry_run=False)

    def fault(job, state, report, end=file_jobs.end):
        if state == "done":
            raise RuntimeError("secret words")
        end(job, state, report)

    monkeypatch.setattr(file_jobs, "end", fault)  # after all rows are recorded
    work()
    job.refresh_from_db()
    assert (job.state, job.result["problems"]) == ("refused", [file_jobs.FAULT])
    assert not Organisation.objects.filter(slug__startswith="body").exists()


class Killed(BaseException):
    """As if the process were gone."""


@pytest.mark.django_db
def test_a_killed_worker_leaves_nothing_half_done_and_the_file_can_be_read_again(client, clerk, monkeypatch):
    UnitFactory()
    PublicationFactory(slug="report")
    job = job_of(file_of(20), clerk, dry_run=False, rows=20)

    def killed(self):
        self.rows += 1
        if self.rows == 10:
            raise Killed

    monkeypatch.setattr(file_jobs.Progress, "__call__", killed)
    with pytest.raises(Killed):
        file_jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == "running"
    assert not Organisation.objects.filter(slug__startswith="body").exists()
    with pytest.raises(ValidationError, match="is being read"):
        file_jobs.send_again(job)
    assert file_jobs.reap() == 0
    old = time.time() - file_jobs.LOST_AFTER - 1
    os.utime(file_jobs.progress_file(job), (old, old))
    client.force_login(clerk)
    page = client.get(address(job))
    assert "The worker that read this file was stopped on the way. Nothing was recorded." in text_of(page)
    assert "Refresh" not in page.headers
    assert file_jobs.reap() == 1
    monkeypatch.undo()
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)
    client.post(address(job, "again"))
    work()
    job.refresh_from_db()
    assert job.state == "done"
    assert Organisation.objects.filter(slug__startswith="body").count() == 20


@pytest.mark.django_db
def test_a_job_is_seen_and_confirmed_by_its_sender_alone(client, clerk):
    UnitFactory()
    PublicationFactory(slug="report")
    job = job_of(file_of(3), clerk)
    work()
    other = get_user_model().objects.create_user("other", is_staff=True)
    client.force_login(other)
    assert client.get(address(job)).status_code in (302, 403)
    assert client.post(address(job, "record")).status_code == 403
    boss = get_user_model().objects.create_superuser("boss")
    client.force_login(boss)
    assert "bodies.csv" in text_of(client.get(reverse("admin:vru_portal_filejob_changelist")))
    page = client.get(address(job))
    assert page.status_code == 200
    assert "Record them" not in page.content.decode()
    assert client.post(address(job, "record")).status_code == 403
    client.force_login(clerk)
    assert client.get(address(job, "record")).status_code == 405
    assert client.post(address(job, "again"), follow=True).status_code == 200
    assert FileJob.objects.count() == 1


@pytest.mark.django_db
def test_rows_of_others_are_read_by_whoever_may_read_such_records(client, clerk):
    UnitFactory()
    report = {"headings": ["email"], "new": [{"number": 2, "cells": ["ada@example.org"]}], "new_rows": 1}
    invited, bodies = (
        FileJob.objects.create(resource=f"{kind}Resource", name=name, stored="", state="done", by=clerk, result=report)
        for kind, name in (("events.declarations.resources.Invitation", "invited.csv"),
                           ("partners.resources.Organisation", "bodies.csv"))
    )  # fmt: skip
    seen = {"Administrator": [bodies], "Auditor": [invited, bodies], "Declaration manager": [], "Editor": []}
    for role, jobs in seen.items():
        person = get_user_model().objects.create_user(role, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        client.force_login(person)
        listed = text_of(client.get(reverse("admin:vru_portal_filejob_changelist")))
        for job in (invited, bodies):
            assert (job.name in listed) == (job in jobs), (role, job.name)
            for page in ("change", "history"):
                found = client.get(address(job, page))
                assert (found.status_code == 200) == (job in jobs), (role, job.name, page)
            assert ("ada@example.org" in client.get(address(job)).text) == (job in jobs)


@pytest.mark.django_db
def test_what_rows_said_and_their_file_are_gone_a_day_after(client, clerk):
    UnitFactory()
    PublicationFactory(slug="report")
    tried, refused = job_of(file_of(3), clerk), job_of(file_of(2, slug="x", name="", s="report", d="6/5"), clerk)
    coming = job_of(file_of(1), clerk, dry_run=False)
    client.force_login(clerk)
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        work()
    FileJob.objects.filter(pk=coming.pk).update(ended_at=timezone.now() - timedelta(hours=23))
    lines = [*all_of_them()]
    assert "2 long files whose rows were forgotten" in lines
    assert "2 long files whose rows were forgotten" not in [*all_of_them()]
    for job in (tried, refused, coming):
        job.refresh_from_db()
    assert tried.result == {"form": 0, "summary": "3 new organisations as drafts", "forgotten": True, "sent_on": False}
    assert refused.result.keys() == {"form", "summary", "forgotten"}
    assert coming.result["new"]
    assert not os.listdir(WaitingFile(name="x").path.parent)
    said = text_of(client.get(address(tried)))
    assert "Nothing was recorded: nobody confirmed this file. What was in its rows was kept for a day." in said
    assert "Record them" not in client.get(address(tried)).text
    assert "Nothing was recorded. What was in its rows was kept for a day." in text_of(client.get(address(refused)))
    client.post(address(tried, "record"))
    assert FileJob.objects.count() == 3
    with pytest.raises(ValidationError, match="nothing to send again"):
        file_jobs.send_again(refused)


@pytest.mark.django_db
def test_a_file_that_was_sent_on_meanwhile_is_not_taken_away(clerk):
    PublicationFactory(slug="report")
    job = job_of(file_of(3), clerk)
    work()
    FileJob.objects.update(ended_at=timezone.now() - timedelta(hours=25))
    job.refresh_from_db()
    file_jobs.confirm(job, by=clerk)
    assert file_jobs.forget() == 1
    work()
    assert Organisation.objects.filter(slug__startswith="body").count() == 3


def test_progress_is_seen_while_the_rows_are_still_in_their_transaction(tmp_path):
    job = FileJob(pk=7, state="running", rows=10)
    progress = file_jobs.Progress(job)
    progress.written = 0
    thread = threading.Thread(target=progress)
    thread.start()
    thread.join()
    assert file_jobs.rows_done(job) == 1
