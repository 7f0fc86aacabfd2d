"""What administrators get wrong, each found by name and with the way to mend it; and a portal with nothing wrong."""

import json
import shutil
import smtplib
import ssl
import time
from datetime import timedelta
from importlib.metadata import version

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations.models import Entry
from events.declarations.register import kept_outside, log
from tests.support.factories import UnitFactory
from tests.support.second_factors import give_app
from tests.support.signing import invite, open_signing, sign
from vru_portal.accounts import totp_secrets
from vru_portal.environment import parse_portal_url
from vru_portal.models import Heartbeat
from vru_portal.operations.backup.status import BackupStatus, write_status
from vru_portal.operations.doctor import database, machine
from vru_portal.operations.doctor.examination import examine

pytestmark = pytest.mark.django_db


class MailServer:
    """A mail server that answers, or fails as it is told to."""

    fault: Exception | None = None

    def open(self):
        if self.fault:
            raise self.fault

    def close(self):
        pass


@pytest.fixture
def portal(settings, tmp_path, monkeypatch):
    """A public portal with nothing wrong."""
    settings.ADDRESS = parse_portal_url("https://vru.example.org")
    settings.EMBEDDED, settings.TRUSTED_PROXIES, settings.SECOND_FACTOR_REQUIRED = False, 1, True
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.EMAIL_BACKEND, settings.EMAIL_USE_TLS = "django.core.mail.backends.smtp.EmailBackend", True
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example.org", "The unit <portal@vru.example.org>"
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir(mode=0o700)
    settings.BACKUPS = settings.VAR_DIR / "backups"
    write_status(BackupStatus(timezone.now(), "daily.tar"))
    monkeypatch.setattr(mail, "get_connection", lambda **options: MailServer())
    monkeypatch.setattr(machine, "certificate_ends_at", lambda *_: time.time() + 60 * 86400)
    UnitFactory()
    open_signing()
    sign(invite())
    give_app(get_user_model().objects.create_superuser("ada"))
    for part in Heartbeat.Part:
        Heartbeat.objects.beat(part)
    return settings


def urgent():
    return {(heading, finding.problem, finding.remedy) for heading, finding in examine() if finding.urgent}


def test_where_nothing_is_wrong_nothing_is_urgent_and_nothing_is_written(portal, capsys):
    with CaptureQueriesContext(connection) as queries:
        call_command("doctor")
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
    printed = capsys.readouterr().out
    assert "✗" not in printed
    assert "0 problems to fix" in printed or "Nothing is wrong." in printed


def no_proxy_setting(portal, patch):
    portal.SECURE_HSTS_SECONDS = 0


def proxy_unknown(portal, patch):
    portal.TRUSTED_PROXIES = 0


def open_port(portal, patch):
    portal.ADDRESS, portal.TRUSTED_PROXIES, portal.BIND = parse_portal_url("http://localhost"), 0, "192.0.2.1"
    portal.SECURE_SSL_REDIRECT = False


def http_only(portal, patch):
    portal.ADDRESS = parse_portal_url("http://vru.example.org")


def old_certificate(portal, patch):
    patch.setattr(machine, "certificate_ends_at", lambda *_: time.time() + 3 * 86400)


def wrong_certificate(portal, patch):
    def refuse(*_):
        error = ssl.SSLCertVerificationError()
        error.verify_message = "self-signed certificate"
        raise error

    patch.setattr(machine, "certificate_ends_at", refuse)


def no_mail(portal, patch):
    portal.EMAIL_BACKEND = "vru_portal.web.mail_files.EmailBackend"


def mail_server_away(portal, patch):
    patch.setattr(MailServer, "fault", ConnectionRefusedError())


def wrong_mail_password(portal, patch):
    patch.setattr(MailServer, "fault", smtplib.SMTPAuthenticationError(535, b"no"))


def mail_in_clear(portal, patch):
    portal.EMAIL_USE_TLS = False


def sender_without_domain(portal, patch):
    portal.DEFAULT_FROM_EMAIL = "portal@localhost"


def open_folder(portal, patch):
    portal.VAR_DIR.chmod(0o755)


def open_key(portal, patch):
    log.key_path(log.current_key().vkey).chmod(0o644)


def open_second_factor_key(portal, patch):
    totp_secrets.keys_file().chmod(0o640)


def small_disk(portal, patch):
    usage = shutil.disk_usage("/")._replace(free=300 * 2**20)
    patch.setattr(shutil, "disk_usage", lambda path: usage)


def no_backup(portal, patch):
    write_status(BackupStatus())


def old_backup(portal, patch):
    write_status(BackupStatus(timezone.now() - timedelta(days=3), "daily.tar"))


def failed_backup(portal, patch):
    write_status(BackupStatus(timezone.now(), "daily.tar", failed_at=timezone.now(), failure="No room."))


def no_database(portal, patch):
    def away():
        raise OperationalError("password=secret")

    patch.setattr(connection, "ensure_connection", away)


def missing_trigger(portal, patch):
    table = "" if connection.vendor == "sqlite" else " ON funding_payment"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER funding_payment_no_delete{table}")


def missing_migration(portal, patch):
    ((app, newest),) = MigrationLoader(None).graph.leaf_nodes("sessions")  # which replaces none
    MigrationRecorder.Migration.objects.filter(app=app, name=newest).delete()


def lost_key(portal, patch):
    log.key_path(log.current_key().vkey).unlink()


def older_database(portal, patch):
    kept_outside.checkpoint_file().write_text("name\n9\nroot\n\nsignature\n")


def no_second_factor(portal, patch):
    get_user_model().objects.create_user("bea", is_staff=True)


def lost_second_factor_key(portal, patch):
    totp_secrets.keys_file().unlink()


def other_second_factor_key(portal, patch):
    totp_secrets.keys_file().write_text(totp_secrets.new_key())


def clock_set_back(portal, patch):
    before = timezone.now() - timedelta(minutes=3)
    patch.setattr("vru_portal.operations.doctor.database.timezone.now", lambda: before)


def timer_stopped(portal, patch):
    Heartbeat.objects.filter(part="timer").update(at=timezone.now() - timedelta(hours=1))


def mail_queue_stopped(portal, patch):
    Heartbeat.objects.filter(part="mail queue").delete()


def failing_job(portal, patch):
    Heartbeat.objects.beat("timer", "KeyError")


# What was got wrong: under which heading it is found, with which words, and what to do about it.
WRONG = {
    no_proxy_setting: ("Settings and proxy", "security.W004", "PORTAL_URL"),
    proxy_unknown: ("Settings and proxy", "vru_portal.W001", "TRUSTED_PROXIES"),
    open_port: ("Settings and proxy", "listens on 192.0.2.1 without a proxy", "deploy/nginx.conf"),
    http_only: ("HTTPS", "unencrypted", "proxy"),
    old_certificate: ("HTTPS", "expires in 3 days", "Renew"),
    wrong_certificate: ("HTTPS", "self-signed certificate", "Renew"),
    no_mail: ("Mail", "saved as files and not sent", "EMAIL_URL"),
    mail_server_away: ("Mail", "mail.example.org:25 does not answer: ConnectionRefusedError", "EMAIL_URL"),
    wrong_mail_password: ("Mail", "refuses the password", "EMAIL_URL"),
    mail_in_clear: ("Mail", "unencrypted", "smtp+tls://"),
    sender_without_domain: ("Mail", "localhost", "MAIL_FROM"),
    open_folder: ("Permissions", "can open", "chmod go= "),
    open_key: ("Permissions", ".key", "chmod go= "),
    open_second_factor_key: ("Permissions", "second-factor-keys", "chmod go= "),
    small_disk: ("Disk", "only 300 MB", "enlarge"),
    no_backup: ("Backups", "No backup", "manage.py backup"),
    old_backup: ("Backups", "The last backup was made on", "manage.py backup"),
    failed_backup: ("Backups", "No room.", "manage.py backup"),
    no_database: ("Database", "cannot be reached: OperationalError.", "DATABASE_URL"),
    missing_trigger: ("Triggers", "funding_payment_no_delete", "manage.py reconcile"),
    missing_migration: ("Migrations", "have not been applied: 1", "manage.py migrate"),
    lost_key: ("Register's keys", "lost", "Restore it from your backup"),
    older_database: ("Register's keys", "older", "older backup"),
    no_second_factor: (
        "Second factors",
        "Accounts without a second factor, so anyone who knows the password can set one up: bea.",
        "deactivate",
    ),
    lost_second_factor_key: ("Second factors", "ada cannot sign in", "from your backup"),
    other_second_factor_key: ("Second factors", "ada cannot sign in", "staff rotate-key"),
    clock_set_back: ("Clock", "This machine's clock says", "timedatectl"),
    timer_stopped: ("Processes", "The timer last ran", "run_schedule"),
    mail_queue_stopped: ("Processes", "The mail queue has never run", "mail_queue"),
    failing_job: ("Processes", "KeyError", "log"),
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_what_is_wrong_is_found_with_the_way_to_mend_it(portal, monkeypatch, capsys, wrong):
    assert urgent() == set()
    wrong(portal, monkeypatch)
    heading, problem, remedy = WRONG[wrong]
    [(found_heading, found_problem, found_remedy)] = urgent()
    assert found_heading == heading
    assert problem in found_problem
    assert remedy in found_remedy
    assert "secret" not in found_problem
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    assert ended.value.code == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is False
    assert found_problem.split()[0] in {row["problem"].split()[0] for row in printed["findings"] if row["urgent"]}


@pytest.mark.once
def test_packages_that_differ_from_the_tested_ones_are_named(portal, monkeypatch):
    assert machine.packages_that_differ() == []
    monkeypatch.setattr(
        "vru_portal.operations.doctor.machine.version", lambda name: "0.1" if name == "django" else version(name)
    )
    assert [finding.problem for finding in machine.versions() if finding.urgent] == [
        "Package versions differ from those the portal was tested with: django."
    ]


@pytest.mark.once
def test_a_missing_database_is_not_made_by_looking_for_it(settings, tmp_path, monkeypatch):
    if connection.vendor == "sqlite":
        monkeypatch.setattr(connection, "is_in_memory_db", lambda: False)
        monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "none.sqlite3")
        [finding] = database.unreachable()
        assert "There is no database at" in finding.problem
        assert list(tmp_path.glob("none*")) == []


@pytest.mark.once
def test_the_default_installation_gets_advice_but_no_urgent_problems(portal):
    portal.ADDRESS, portal.EMBEDDED, portal.SECOND_FACTOR_REQUIRED = parse_portal_url("http://localhost"), True, False
    portal.EMAIL_BACKEND = "vru_portal.web.mail_files.EmailBackend"
    portal.TRUSTED_PROXIES, portal.BIND = 0, "0.0.0.0"  # noqa: S104 - what a container listens on
    get_user_model().objects.create_user("bea", is_staff=True)
    assert urgent() == set()
    assert {"Settings and proxy", "HTTPS", "Mail", "Second factors"} <= {
        heading for heading, finding in examine() if not finding.urgent
    }
    assert Entry.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("python", "slow"),
    [((3, 11, 9), True), ((3, 11, 10), False), ((3, 12, 5), True), ((3, 12, 6), False), ((3, 13, 0), False)],
)
def test_a_python_that_is_slow_to_read_cookies_is_named(settings, monkeypatch, python, slow):
    assert machine.has_slow_cookies(python) is slow
    monkeypatch.setattr(machine, "has_slow_cookies", lambda _: slow)
    found = [finding for finding in machine.versions() if "CVE-2024-7592" in finding.problem]
    assert [finding.urgent for finding in found] == [False] * slow
