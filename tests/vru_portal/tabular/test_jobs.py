"""Long files: tried and recorded by the worker, with a page that shows the progress."""

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

from partners.models import Organisation
from partners.resources import OrganisationResource
from tests.support.crawler import text_of
from tests.support.factories import OrganisationFactory, PublicationFactory, UnitFactory
from tests.support.processes.worker import run_worker
from vru_portal.models import FileJob, Pending
from vru_portal.operations.schedule import run_all
from vru_portal.tabular import job_state, jobs, tasks
from vru_portal.tabular.unconfirmed_files import UnconfirmedFile

ROWS = 501


@pytest.fixture(autouse=True)
def isolate_files(settings, tmp_path, monkeypatch):
    """Use a folder of the test for unconfirmed files, and keep the test's connection open."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)


@pytest.fixture
def clerk():
    return get_user_model().objects.create_superuser("clerk")


def organisations_csv(rows, **first):
    lines = [f"body-{n},Body {n},report,2031-05-06" for n in range(rows)]
    if first:
        lines[0] = ",".join(first.values())
    return "\n".join(["slug,name,source,as_at", *lines]).encode()


def enqueue_organisations(content, by, dry_run=True, rows=ROWS):
    waiting = UnconfirmedFile()
    waiting.save(content)
    return jobs.enqueue_file(
        resource=OrganisationResource, stored=waiting.name, name="bodies.csv", form=0, rows=rows, by=by, dry_run=dry_run
    )


def job_url(job, name="change"):
    return reverse(f"admin:vru_portal_filejob_{name}", args=[job.pk])


@pytest.mark.django_db
def test_a_long_file_is_tried_and_recorded_by_the_worker(client, clerk):
    UnitFactory()
    PublicationFactory(slug="report")
    OrganisationFactory(slug="body-1", name="Body 1", source__slug="old", state="published")
    client.force_login(clerk)
    file = SimpleUploadedFile("bodies.csv", organisations_csv(ROWS))
    answer = client.post(
        reverse("admin:partners_organisation_import"), {"import_file": file, "format": "0", "resource": "0"}
    )
    job = FileJob.objects.get()
    assert (job.state, job.rows_done) == ("waiting", 0)
    assert answer.headers["Location"] == job_url(job)
    page = client.get(job_url(job))
    assert page.headers["Refresh"] == "3"
    assert "This file of 501 rows is in the queue." in text_of(page)
    before = Organisation.objects.count()
    run_worker()
    page = client.get(job_url(job))
    assert "Refresh" not in page.headers
    said = text_of(page)
    assert "This file would record 500 new organisations as drafts; 1 pending change." in said
    assert "The first 100 of 500 new" in said
    assert (Organisation.objects.count(), Pending.objects.count()) == (before, 0)
    for _ in range(2):  # the second click finds it sent on
        client.post(job_url(job, "record"))
    assert FileJob.objects.count() == 2
    run_worker()
    done = FileJob.objects.get(dry_run=False)
    assert (done.state, done.rows_done) == ("done", ROWS)
    assert "Recorded: 500 new organisations as drafts; 1 pending change." in text_of(client.get(job_url(done)))
    assert (Organisation.objects.count(), Pending.objects.count()) == (before + 500, 1)
    assert Organisation.objects.get(slug="body-7").history.get().history_user == clerk
    assert LogEntry.objects.filter(change_message="Recorded from bodies.csv.", user=clerk).count() == 501
    assert not os.listdir(UnconfirmedFile(name="x").path.parent)


@pytest.mark.django_db
def test_a_refused_file_records_nothing_and_says_why(clerk):
    PublicationFactory(slug="report")
    job = enqueue_organisations(
        organisations_csv(ROWS, slug="body-0", name="", source="report", as_at="2031-05-06"), clerk, dry_run=False
    )
    run_worker()
    job.refresh_from_db()
    assert job.state == "refused"
    assert job.result["problems"] == ["Row 2, name: This cell is empty. Fill it in."]
    assert not Organisation.objects.filter(slug__startswith="body").exists()


@pytest.mark.django_db
def test_a_sender_who_has_lost_the_permission_records_nothing(clerk):
    PublicationFactory(slug="report")
    job = enqueue_organisations(organisations_csv(3), clerk, dry_run=False)
    get_user_model().objects.filter(pk=clerk.pk).update(is_superuser=False)
    run_worker()
    job.refresh_from_db()
    assert job.result["problems"] == ["You do not have permission to record organisations. Nothing was recorded."]


@pytest.mark.django_db
def test_an_unexpected_error_is_reported_and_records_nothing(clerk, monkeypatch, caplog):
    PublicationFactory(slug="report")
    job = enqueue_organisations(organisations_csv(3), clerk, dry_run=False)

    def fault(job, state, report, end=job_state.finish):
        if state == "done":
            raise RuntimeError("secret words")
        end(job, state, report)

    monkeypatch.setattr(tasks, "finish", fault)  # after all rows are recorded
    run_worker()
    job.refresh_from_db()
    assert (job.state, job.result["problems"]) == ("refused", [tasks.UNEXPECTED_ERROR])
    assert not Organisation.objects.filter(slug__startswith="body").exists()


class Killed(BaseException):
    """Raised in place of the end of the process."""


@pytest.mark.django_db
def test_a_killed_worker_records_nothing_and_the_job_can_be_retried(client, clerk, monkeypatch):
    UnitFactory()
    PublicationFactory(slug="report")
    job = enqueue_organisations(organisations_csv(20), clerk, dry_run=False, rows=20)

    def killed(self):
        self.rows += 1
        if self.rows == 10:
            raise Killed

    monkeypatch.setattr(job_state.ProgressCounter, "__call__", killed)
    with pytest.raises(Killed):
        tasks.read_file.func(job.pk)
    job.refresh_from_db()
    assert job.state == "running"
    assert not Organisation.objects.filter(slug__startswith="body").exists()
    with pytest.raises(ValidationError, match="is reading this file"):
        jobs.retry_lost_job(job)
    assert jobs.fail_lost_jobs() == 0
    old = time.time() - job_state.SECONDS_UNTIL_LOST - 1
    os.utime(job_state.progress_file(job), (old, old))
    client.force_login(clerk)
    page = client.get(job_url(job))
    assert "Reading this file was interrupted. Nothing was recorded." in text_of(page)
    assert "Refresh" not in page.headers
    assert jobs.fail_lost_jobs() == 1
    monkeypatch.undo()
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)
    client.post(job_url(job, "again"))
    run_worker()
    job.refresh_from_db()
    assert job.state == "done"
    assert Organisation.objects.filter(slug__startswith="body").count() == 20


@pytest.mark.django_db
def test_only_the_sender_can_confirm_a_job(client, clerk):
    UnitFactory()
    PublicationFactory(slug="report")
    job = enqueue_organisations(organisations_csv(3), clerk)
    run_worker()
    other = get_user_model().objects.create_user("other", is_staff=True)
    client.force_login(other)
    assert client.get(job_url(job)).status_code in (302, 403)
    assert client.post(job_url(job, "record")).status_code == 403
    boss = get_user_model().objects.create_superuser("boss")
    client.force_login(boss)
    assert "bodies.csv" in text_of(client.get(reverse("admin:vru_portal_filejob_changelist")))
    page = client.get(job_url(job))
    assert page.status_code == 200
    assert 'value="Record"' not in page.content.decode()
    assert client.post(job_url(job, "record")).status_code == 403
    client.force_login(clerk)
    assert client.get(job_url(job, "record")).status_code == 405
    assert client.post(job_url(job, "again"), follow=True).status_code == 200
    assert FileJob.objects.count() == 1


@pytest.mark.django_db
def test_rows_of_others_are_shown_only_to_those_who_may_view_such_records(client, clerk):
    UnitFactory()
    report = {"headings": ["email"], "new": [{"number": 2, "cells": ["ada@example.org"]}], "new_rows": 1}
    invited, bodies = (
        FileJob.objects.create(resource=f"{kind}Resource", name=name, stored="", state="done", by=clerk, result=report)
        for kind, name in (("events.declarations.resources.Invitation", "invited.csv"),
                           ("partners.resources.Organisation", "bodies.csv"))
    )  # fmt: skip
    seen = {"Administrator": [bodies], "Auditor": [invited, bodies], "Declaration manager": [], "Editor": []}
    for role, readable in seen.items():
        person = get_user_model().objects.create_user(role, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        client.force_login(person)
        listed = text_of(client.get(reverse("admin:vru_portal_filejob_changelist")))
        for job in (invited, bodies):
            assert (job.name in listed) == (job in readable), (role, job.name)
            for page in ("change", "history"):
                found = client.get(job_url(job, page))
                assert (found.status_code == 200) == (job in readable), (role, job.name, page)
            assert ("ada@example.org" in client.get(job_url(job)).text) == (job in readable)


@pytest.mark.django_db
def test_rows_and_files_are_erased_after_a_day(client, clerk):
    UnitFactory()
    PublicationFactory(slug="report")
    tried, refused = (
        enqueue_organisations(organisations_csv(3), clerk),
        enqueue_organisations(organisations_csv(2, slug="x", name="", s="report", d="6/5"), clerk),
    )
    coming = enqueue_organisations(organisations_csv(1), clerk, dry_run=False)
    client.force_login(clerk)
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        run_worker()
    FileJob.objects.filter(pk=coming.pk).update(ended_at=timezone.now() - timedelta(hours=23))
    lines = [*run_all()]
    assert "2 old imports emptied" in lines
    assert "2 old imports emptied" not in [*run_all()]
    for job in (tried, refused, coming):
        job.refresh_from_db()
    assert tried.result == {"form": 0, "summary": "3 new organisations as drafts", "forgotten": True, "sent_on": False}
    assert refused.result.keys() == {"form", "summary", "forgotten"}
    assert coming.result["new"]
    assert not os.listdir(UnconfirmedFile(name="x").path.parent)
    said = text_of(client.get(job_url(tried)))
    assert (
        "Nothing was recorded, because nobody confirmed this file. The contents of its rows were kept for one day only."
        in said
    )
    assert 'value="Record"' not in client.get(job_url(tried)).text
    assert "Nothing was recorded. The contents of its rows were kept for one day only." in text_of(
        client.get(job_url(refused))
    )
    client.post(job_url(tried, "record"))
    assert FileJob.objects.count() == 3
    with pytest.raises(ValidationError, match="do not need to send it again"):
        jobs.retry_lost_job(refused)


@pytest.mark.django_db
def test_a_file_that_was_confirmed_meanwhile_is_not_erased(clerk):
    PublicationFactory(slug="report")
    job = enqueue_organisations(organisations_csv(3), clerk)
    run_worker()
    FileJob.objects.update(ended_at=timezone.now() - timedelta(hours=25))
    job.refresh_from_db()
    jobs.confirm_job(job, by=clerk)
    assert jobs.erase_job_details() == 1
    run_worker()
    assert Organisation.objects.filter(slug__startswith="body").count() == 3


def test_progress_is_visible_before_the_transaction_ends(tmp_path):
    job = FileJob(pk=7, state="running", rows=10)
    progress = job_state.ProgressCounter(job)
    progress.written = 0
    thread = threading.Thread(target=progress)
    thread.start()
    thread.join()
    assert job_state.rows_done(job) == 1
