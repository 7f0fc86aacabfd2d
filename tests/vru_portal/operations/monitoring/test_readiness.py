"""Whether the portal can write, send email and run its timer; who is told that, and who is told why."""

import shutil
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from vru_portal.models import Heartbeat
from vru_portal.operations.monitoring import readiness

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alive", "quiet")]

ALL = ("database", "writing", "mail", "timer")
Part = Heartbeat.Part


def silent_for(part, **time):
    Heartbeat.objects.filter(part=part).update(at=timezone.now() - timedelta(**time))


def full_disk(monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def trigger_lost(monkeypatch):
    table = "" if connection.vendor == "sqlite" else " ON funding_payment"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER funding_payment_no_delete{table}")


# What is wrong, what then fails, and what the unit's monitoring reads about it.
TROUBLES = {
    "the timer hangs": (lambda _: silent_for(Part.TIMER, minutes=6), "timer", "The timer last ran at"),
    "the timer never ran": (lambda _: Heartbeat.objects.filter(part=Part.TIMER).delete(), "timer", "has never run"),
    "the clock was set back": (lambda _: silent_for(Part.TIMER, minutes=-90), "timer", "The timer last ran at"),
    "a job fails": (lambda _: Heartbeat.objects.beat(Part.TIMER, "KeyError"), "timer", "job failed: KeyError"),
    "the mail queue hangs": (lambda _: silent_for(Part.MAIL_QUEUE, minutes=16), "mail", "The mail queue last ran at"),
    "the mail server is away": (
        lambda _: Heartbeat.objects.beat(Part.MAIL_SERVER, "ConnectionRefusedError"), "mail", "ConnectionRefusedError"),
    "the disk is full": (full_disk, "writing", "is full"),
    "a trigger is gone": (trigger_lost, "writing", "1 of the database's triggers"),
}  # fmt: skip


def test_a_portal_that_works_is_ready(client, monitoring):
    response = client.get("/readyz")
    assert (response.status_code, response.text, response["Cache-Control"]) == (200, "ok\n", "no-store")
    Heartbeat.objects.beat(Part.MAIL_SERVER)
    details = client.get("/readyz", headers=monitoring).json()
    assert details == {"ready": True, "checks": dict.fromkeys(ALL, "ok")}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_fails_is_named_to_all_and_explained_to_the_units_monitoring(client, monitoring, monkeypatch, trouble):
    cause, failing, explanation = TROUBLES[trouble]
    cause(monkeypatch)
    response = client.get("/readyz")
    assert (response.status_code, response.text) == (503, f"not ready: {failing}\n")
    response = client.get("/readyz", headers=monitoring)
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert explanation in checks[failing]
    assert {name for name, said in checks.items() if said != "ok"} == {failing}


def test_where_nobody_has_written_for_long_nothing_says_that_the_portal_can(client):
    silent_for(Part.TIMER, hours=1)
    silent_for(Part.MAIL_QUEUE, hours=1)
    assert client.get("/readyz").text == "not ready: writing, mail, timer\n"


def test_a_database_that_refuses_changes_is_noticed(client, settings, tmp_path, monkeypatch):
    if connection.vendor == "sqlite":
        monkeypatch.setattr(connection, "is_in_memory_db", lambda: False)
        monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "nobody-may-write-here.sqlite3")
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
    assert client.get("/readyz").text == "not ready: writing\n"


@pytest.mark.once
def test_without_its_database_the_portal_is_alive_and_not_ready(monkeypatch, monitoring):
    def away(*args):
        raise OperationalError("connection refused by secret-host")

    monkeypatch.setattr(connection, "cursor", away)
    client = Client()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.text) == (503, "not ready: database\n")
    assert client.get("/readyz", headers=monitoring).json()["checks"] == {
        "database": "The database does not answer: OperationalError."
    }
    assert client.get("/healthz").status_code == 200


@pytest.mark.once
def test_probes_are_answered_whatever_host_they_ask_for(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    for address in ("/healthz", "/readyz"):
        assert client.get(address, headers={"host": "10.9.8.7"}).status_code == 200


@pytest.mark.once
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer wrong", "m" * 40, "Basic m", "Bearer é"])
def test_details_and_metrics_are_for_nobody_else(client, settings, monitoring, given):
    for token in (settings.MONITORING_TOKEN, ""):
        settings.MONITORING_TOKEN = token
        headers = {"authorization": given}
        assert client.get("/readyz", headers=headers).text == "ok\n"
        assert client.get("/metrics", headers=headers).status_code in (404, 503)  # as any page that does not exist


def test_asking_writes_nothing(client, monitoring):
    with CaptureQueriesContext(connection) as queries:
        client.get("/healthz")
        client.get("/readyz", headers=monitoring)
        client.get("/metrics", headers=monitoring)
    assert len(queries) > 5
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


def test_every_part_that_beats_is_asked_about():
    assert {*readiness.LONGEST_SILENCE, Part.MAIL_SERVER} == set(Part)
