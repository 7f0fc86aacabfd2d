"""One line for each event, with what belongs together marked, and without secrets or what people typed."""

import json
import logging
import re
import sys

import pytest
from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.test import Client
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from tests.support.addresses import url_patterns
from tests.support.factories import UnitFactory
from tests.support.signing import invite, open_signing
from vru_portal import log_lines
from vru_portal.log_lines import LINK_PREFIXES, OneLine, mask
from vru_portal.logs import line_formatter
from vru_portal.management.commands.mail_queue import PatientWorker
from vru_portal.server import access_log

pytestmark = pytest.mark.once

SECRET = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"  # noqa: S105 - a made-up one


def record(message, *args, error=None, **extra):
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("vru_portal.x", logging.ERROR, __file__, 1, message, args, exc_info)
    made.__dict__ |= extra
    return made


def raised(error, cause=None):
    try:
        raise error from cause
    except type(error):
        return sys.exc_info()[1]


def test_an_event_is_one_line_of_keys_and_values():
    line = OneLine().format(record("Two\nlines %s", "x", **log_lines.fields(path="/a/b", count=3, said='a "b"')))
    assert line.partition(" ")[2] == (
        'level=error logger=vru_portal.x event="Two\\nlines x" path=/a/b count=3 said="a \\"b\\""'
    )


def test_an_event_is_one_line_of_json():
    line = OneLine(as_json=True).format(record("Two\nlines", **log_lines.fields(count=3)))
    assert "\n" not in line
    assert json.loads(line) | {"time": 0} == {
        "time": 0,
        "level": "error",
        "logger": "vru_portal.x",
        "event": "Two\nlines",
        "count": 3,
    }


def test_no_character_can_begin_a_new_line_or_rewrite_the_terminal():
    for as_json in (True, False):
        line = OneLine(as_json=as_json).format(
            record("a\r\n\x1b[2K\x85\u2028\u202eb", **log_lines.fields(path="\ud800"))
        )
        assert line.isascii()
        assert line.isprintable()


def test_a_long_value_is_cut():
    assert len(OneLine().format(record("x" * 100_000))) < 5000


@pytest.mark.parametrize(
    "text",
    [
        f"Not Found: /declaration/sign/{SECRET}/",
        f"/declaration/sign/{SECRET}",
        f"/results/return/{SECRET}/",
        f"/onward-grants/report/{SECRET}/x",
        f"/declaration/sign/ {SECRET}/",
        f'/declaration/sign/"{SECRET}"/',
        f"/declaration/sign/<{SECRET}>/",
        f"/declaration/sign//{SECRET}/",
        f"/declaration/./sign/{SECRET}/",
        f"//Declaration/Sign/{SECRET}/",
        f"/declaration/sign/?{SECRET}",
        f"/declaration/ sign/{SECRET}/",
        f"/declaration/sign%2F{SECRET}",
        f"/onward- grants/report/{SECRET}/",
        "/declaration/sign/" + "=".join(SECRET[at : at + 15] for at in range(0, len(SECRET), 15)),
        f"GET /x/?token={SECRET}&a=b",
        f"GET /x/?a=b&access_token={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f"Cookie: sessionid={SECRET}; a=b",
        f"session_changes={SECRET}",
        f"csrfmiddlewaretoken={SECRET}",
        f"{{'session_key': '{SECRET}'}}",
        f'{{"password": "{SECRET}"}}',
        f"password1={SECRET}",
        f"SECRET_KEY={SECRET}",
        f"MONITORING_TOKEN={SECRET}",
        f"postgres://user:{SECRET}@host/vru",
        f"smtp+tls://:{SECRET}@host:587",
        f"connection failed: host=db password={SECRET} user=vru",
    ],
)
def test_secrets_are_masked_and_the_text_around_them_stays(text):
    assert SECRET not in mask(text)
    assert "***" in mask(text)
    assert SECRET not in OneLine().format(record("%s", text))
    assert SECRET not in OneLine(as_json=True).format(record("x", **log_lines.fields(value=text)))
    assert mask(text)[:3] == text[:3]


def test_every_address_of_an_emailed_link_is_known_and_nginx_masks_its_secret_too(settings):
    links = "<str:secret>/"
    opened = {f"/{address.removesuffix(links).lstrip('/')}" for address, _ in url_patterns() if address.endswith(links)}
    assert opened == {*LINK_PREFIXES}
    proxy = (settings.BASE_DIR / "deploy/nginx.conf").read_text()
    found = re.search(r'"~\*\((\S+)\)\[\^ \]"', proxy)
    assert found
    assert found[1].split("|") == [*LINK_PREFIXES]
    for prefix in LINK_PREFIXES:
        assert mask(f"{prefix}{SECRET}/") == f"{prefix}***/"


def test_a_link_that_was_broken_over_two_lines_leaves_less_than_half_of_its_secret():
    for at in range(len(SECRET)):
        left = mask(f"/declaration/sign/{SECRET[:at]} {SECRET[at:]}/").replace("***", "")
        assert len(left) < len(f"/declaration/sign/ {SECRET}/") - len(SECRET) / 2


@pytest.mark.parametrize("text", ["/declaration/sign/receipt.json", "/initiatives/?q=knife", "at 10:15: a key is lost"])
def test_text_that_is_not_secret_stays(text):
    assert mask(text) == text


def test_an_error_is_its_class_and_its_place_and_quotes_nobody():
    quoting = raised(IntegrityError("Key (email)=(ada@body.example) exists"), cause=KeyError("ada@body.example"))
    line = line_formatter().format(record("Failed", error=quoting))
    assert 'error="IntegrityError < KeyError" at="tests/vru_portal/test_logs.py:' in line
    assert line.endswith(' raised"')
    assert "ada" not in line
    assert 'error="OperationalError: disk full"' in line_formatter().format(
        record("x", error=raised(OperationalError("disk full")))
    )


@pytest.mark.parametrize(
    "error",
    [
        DisallowedHost("x"),
        RequestDataTooBig("x"),
        MultiPartParserError("x"),
        UnreadablePostError("x"),
        SuspiciousOperation(),
    ],
)
def test_a_clients_fault_is_a_warning_without_a_traceback(log, error):
    logging.getLogger("django.request").error("Bad Request", exc_info=raised(error))
    [line] = log.lines
    assert "level=warning" in line
    assert " at=" not in line


def test_what_is_bound_is_on_every_line_inside(log):
    with log_lines.log_context(request_id="a"), log_lines.log_context(job=7):
        logging.getLogger("x").warning("inside")
    logging.getLogger("x").warning("outside")
    assert "request_id=a job=7" in log.lines[0]
    assert "request_id" not in log.lines[1]


@pytest.mark.django_db
def test_a_body_that_breaks_off_in_a_view_is_the_clients_fault(log, monkeypatch):
    def broken(*args):
        raise UnreadablePostError("broke off")

    monkeypatch.setattr("partners.models.Unit.objects.current", broken)
    response = Client(raise_request_exception=False).get("/")
    assert response.status_code == 400
    [line] = [line for line in log.lines if "django.request" in line]
    assert "level=warning" in line
    assert " at=" not in line


@pytest.mark.django_db
def test_a_job_can_be_followed_from_what_queued_it_to_its_end(log, django_capture_on_commit_callbacks):
    """The job's id leads from the request's lines to the worker's, and those name the email."""
    UnitFactory()
    open_signing()
    with log_lines.log_context(request_id="r1"), django_capture_on_commit_callbacks(execute=True):
        mail = invite().invitation.mails.get()
    job = f"job={DBTaskResult.objects.get().id}"
    [queued] = [line for line in log.lines if "Job queued" in line]
    assert "request_id=r1" in queued
    assert f'{job} task=deliver arguments="[{mail.pk}]"' in queued
    Worker.run(PatientWorker())  # until the queue is empty
    followed = [line for line in log.lines if job in line and line != queued]
    assert [line for line in followed if 'event="Mail sent"' in line and f"mail={mail.pk}" in line]
    assert [line for line in followed if 'event="Job ended"' in line and "status=SUCCESSFUL" in line]


@pytest.mark.parametrize("as_json", [False, True])
def test_requests_that_are_logged_together_have_the_lines_that_each_would_have_had(as_json):
    formatter = log_lines.OneLine(as_json=as_json)
    requests = [
        log_lines.Request(1_967_000_000.0499997 + number, "a1b2c3d4", "GET", path, 200, 0.5, 12)
        for number, path in enumerate(("/", "/news/été/", 'a "b"', f"/declaration/sign/{'s' * 43}/", "/"))
    ]
    together = logging.makeLogRecord({"name": "access", "msg": "Request", "levelname": "INFO", "requests": requests})
    one_by_one = []
    for request in requests:
        fields = {name: value for name, value in request._asdict().items() if name != "at"}
        known = {"name": "access", "msg": "Request", "levelname": "INFO", "created": request.at, "fields": fields}
        one_by_one.append(formatter.format(logging.makeLogRecord(known)))
    assert formatter.format(together).splitlines() == one_by_one
    assert "s" * 43 not in formatter.format(together)


def test_what_is_asked_every_few_seconds_has_no_lines(log):
    for path in ("/healthz", "/readyz"):
        access_log.note(log_lines.Request(1_967_000_000.25, "a1b2c3d4", "GET", path, 200, 0.5, 3))
    [line] = log.lines
    assert "path=/readyz" in line
