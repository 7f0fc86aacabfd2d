"""Metrics: for the unit's monitoring only, about requests, errors, waits, jobs, emails, backups and the register."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from prometheus_client.parser import text_string_to_metric_families

from tests.support.factories import UnitFactory
from tests.support.signing import invite, open_signing, sign
from vru_portal import log_lines, metrics
from vru_portal.models import Heartbeat
from vru_portal.operations.backup.status import BackupStatus, write_status
from vru_portal.server import access_log

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alive", "quiet")]


@pytest.fixture
def scrape(client, monitoring, settings, tmp_path):
    """Ask for the metrics; return a function that finds a value by name and labels."""
    settings.VAR_DIR = tmp_path

    def ask():
        response = client.get("/metrics", headers=monitoring)
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/plain; version=0.0.4")
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }
        return lambda *name: samples.get(name)

    return ask


def test_jobs_mail_and_register_are_counted(scrape):
    UnitFactory()
    open_signing()
    value = scrape()
    assert (value("portal_register_entries"), value("portal_jobs_waiting")) == (0, 0)
    entry = sign(invite())
    DBTaskResult.objects.update(enqueued_at=timezone.now() - timedelta(minutes=3))
    value = scrape()
    assert value("portal_register_entries") == entry.seq == 1
    assert value("portal_jobs_waiting") == DBTaskResult.objects.count() > 0
    assert 180 <= value("portal_jobs_oldest_seconds") < 240
    assert value("portal_mails", "waiting") == DBTaskResult.objects.count()
    assert value("portal_mails", "refused") == 0


def test_readiness_heartbeats_and_the_disk_are_there(scrape):
    Heartbeat.objects.beat(Heartbeat.Part.TIMER, "KeyError")
    value = scrape()
    assert (value("portal_ready", "timer"), value("portal_ready", "mail")) == (0, 1)
    assert value("portal_heartbeat_timestamp_seconds", "timer") > 1.7e9
    assert value("portal_disk_free_bytes") > 0


@pytest.mark.once
def test_the_last_successful_backup_is_reported_and_having_none_is_not_an_error(scrape, settings, tmp_path):
    settings.BACKUPS = tmp_path / "backups"
    assert scrape()("portal_backup_timestamp_seconds") is None
    made_at = datetime.fromtimestamp(1.5e9, UTC)
    write_status(BackupStatus(made_at, "daily.tar", failed_at=made_at + timedelta(days=1), failure="No room."))
    assert scrape()("portal_backup_timestamp_seconds") == 1.5e9


@pytest.mark.once
def test_requests_and_errors_are_counted_by_class_and_nothing_that_a_client_makes_up(scrape):
    metrics.count_request("GET", 200, 0.02)
    metrics.count_request("GET", 503, 4)
    metrics.count_request("PROPFIND", 404, 0.02)
    value = scrape()
    assert value("portal_requests_total", "GET", "2xx") >= 1
    assert value("portal_requests_total", "GET", "5xx") >= 1
    assert value("portal_requests_total", "other", "4xx") >= 1
    assert value("portal_request_seconds_bucket", "0.025") < value("portal_request_seconds_bucket", "5.0")


@pytest.mark.once
def test_answers_from_memory_and_healthz_are_counted_without_their_times(scrape):
    requests = [("GET", "2xx"), ("HEAD", "3xx"), ("HEAD", "2xx")]
    names = [*(("portal_requests_total", *labels) for labels in requests), ("portal_request_seconds_count",)]
    before = scrape()
    batch = access_log.Batch()
    page = log_lines.Request(1_967_000_000.25, "a1b2c3d4", "GET", "/", 200, 0.1, 12)
    batch.requests = [page, page, page, page._replace(method="HEAD", status=304), page._replace(method="HEAD")]
    batch.write()
    access_log.note(page._replace(path="/healthz"))
    after = scrape()
    assert [after(*name) - (before(*name) or 0) for name in names] == [4, 1, 1, 0]


@pytest.mark.once
def test_exceptions_that_are_logged_are_counted_and_refusals_of_bad_requests_are_not(client, scrape, monkeypatch):
    logging.disable(logging.NOTSET)
    before = scrape()("portal_exceptions_total", "ZeroDivisionError") or 0
    monkeypatch.setattr("partners.models.Unit.objects.current", lambda: 1 / 0)
    client.raise_request_exception = False
    client.get("/")
    client.get("/", headers={"host": "evil.example.org"})
    value = scrape()
    assert value("portal_exceptions_total", "ZeroDivisionError") == before + 1
    assert value("portal_exceptions_total", "DisallowedHost") is None


def test_a_lock_is_timed_and_one_that_is_refused_is_counted(scrape):
    statement = "BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "SELECT 1 FOR UPDATE"
    before = scrape()
    metrics.time_locks_of(connection)
    metrics.time_locks_of(connection)  # as when it connects again
    try:
        with transaction.atomic():  # a savepoint: no lock
            assert metrics.time_lock(lambda *_: 7, statement, (), False, {}) == 7
            Heartbeat.objects.select_for_update().first()

        def refuse(*args):
            raise OperationalError("database is locked")

        with pytest.raises(OperationalError):
            metrics.time_lock(refuse, statement, (), False, {})
    finally:
        connection.execute_wrappers.remove(metrics.time_lock)
    assert metrics.time_lock not in connection.execute_wrappers
    value = scrape()
    expected = 2 if connection.vendor == "sqlite" else 3  # where SELECT … FOR UPDATE exists
    assert value("portal_database_wait_seconds_count") == before("portal_database_wait_seconds_count") + expected
    assert value("portal_database_locks_refused_total") == before("portal_database_locks_refused_total") + 1


COUNT_IN_FIVE_PROCESSES = """
import os, sys
sys.path.insert(0, ".")
folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]

def count_in_a_fork():
    if os.fork() == 0:
        from vru_portal import metrics
        metrics.count_request("GET", 200, 0.1)
        os._exit(0)
    assert os.wait()[1] == 0

count_in_a_fork()
from vru_portal import metrics
from prometheus_client import generate_latest
metrics.count_request("GET", 200, 0.1)
count_in_a_fork()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = "missing"
count_in_a_fork()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
reserve, os.posix_fallocate = os.posix_fallocate, lambda *_: exec("raise OSError(28, 'No space left on device')")
count_in_a_fork()
os.posix_fallocate = reserve
print(generate_latest(metrics.collect()).decode())
"""


@pytest.mark.once
def test_processes_count_in_one_folder_whose_space_is_reserved(tmp_path):
    """A process that could not reserve its space counts alone: the full disk would otherwise end it."""
    for folder, total in ((tmp_path, "3.0"), (tmp_path / "missing", "1.0")):
        done = subprocess.run(
            [sys.executable, "-c", COUNT_IN_FIVE_PROCESSES],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert f'portal_requests_total{{method="GET",status="2xx"}} {total}' in done.stdout
    files = list(tmp_path.glob("*.db"))
    assert len(files) == 6
    assert all(file.stat().st_blocks * 512 >= metrics.FILE_BYTES for file in files)
