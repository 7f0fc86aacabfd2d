"""`manage.py serve`: everything that the portal needs to run, in one command."""

import fcntl
import hashlib
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.sql import emit_post_migrate_signal
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections

from events.declarations import schedule
from events.declarations.models import RegisterKey
from events.declarations.register import kept_outside, log
from events.declarations.rules import erasure
from partners.models import Unit
from vru_portal import checks
from vru_portal.accounts import totp_secrets
from vru_portal.ledger.append_only.database import require_triggers
from vru_portal.management.commands.demo import refuse_real_unit
from vru_portal.models import Heartbeat
from vru_portal.operations.backup.lock import hold_while_running
from vru_portal.operations.serving import (
    Plan,
    StopRequested,
    StopSignals,
    listener,
    most_connections,
    start_waiting,
)
from vru_portal.operations.waiting_for_database import wait_for_database
from vru_portal.table_creation import needs_earlier_upgrade, nothing_to_migrate

MIGRATION_LOCK = 0x56525550  # of an advisory lock: any number that nothing else uses. These bytes spell "VRUP".
PYTHON = os.path.relpath(sys.executable)


class Command(BaseCommand):
    """Prepare the database and the static files, then run web server, mail queue and timer until told to stop."""

    help = "Prepares and serves the portal: web server, mail queue, timer. Ctrl-C stops all."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        """Prepare, then be replaced by the process that runs the portal. Raises CommandError for what prevents that."""
        signals = StopSignals()
        signals.listen()
        try:
            refuse_taken_port()
            self.check(tags=[checks.TAG])
            keep_restores_away()
            os.chdir(settings.BASE_DIR)
            environment = {
                "DJANGO_SETTINGS_MODULE": "vru_portal.settings",
                "PROMETHEUS_MULTIPROC_DIR": str(metrics_folder()),  # read by prometheus_client
            }
            command = web_server_command()
            web_server = start_waiting(command, environment)
            self.prepare_database()
            prepare_static_files()
            empty_metrics_folder()
            plan = Plan(
                web_server=command,
                web_server_pid=web_server.process.pid,
                web_server_input=web_server.input,
                mail_queue=["django", "mail_queue", "--timer", "60", "--skip-checks"],
                environment=environment,
                host=settings.BIND,
                port=settings.PORT,
                announcement=announcement(),
                log_as_json=settings.LOG_FORMAT == "json",
            )
            connections.close_all()
            self.stdout.flush()
            plan.carry_out()
        except StopRequested:
            signals.ignore()
            self.stdout.write("\nStopped.")

    def prepare_database(self) -> None:
        """Migrate; with the embedded database, load the content of an empty portal."""
        try:
            wait_for_database(self.stderr.write)
            if settings.DEMO and "partners_unit" in connection.introspection.table_names():
                refuse_real_unit(Unit.objects.with_organisations().first())  # before anything in it is changed
            with preparation_lock():
                if problem := needs_earlier_upgrade():
                    raise CommandError(problem)
                if nothing_to_migrate():
                    require_triggers()  # `migrate` would silently restore triggers that somebody removed
                    # What follows each migration, such as installing roles; the rest of `migrate` takes a second.
                    emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
                else:
                    call_command("migrate", interactive=False, verbosity=0)
                if settings.EMBEDDED and not Unit.objects.exists():
                    command = "demo" if settings.DEMO else "load_unit"
                    call_command(command, settings.BASE_DIR / "fixtures", stdout=self.stdout)
                if settings.EMBEDDED and not RegisterKey.objects.exists():
                    log.rotate_key()
                self.prepare_register()
                if names := totp_secrets.unreadable_accounts():
                    self.stderr.write(
                        f"The second factors of {', '.join(names)} cannot be read. Restore "
                        f"{totp_secrets.keys_file()} from your backup. If there is none: manage.py staff rotate-key"
                    )
            with suppress(DatabaseError):  # on a full disk, the public pages still work
                for part in (Heartbeat.Part.TIMER, Heartbeat.Part.MAIL_QUEUE):  # about to start: they count as running
                    Heartbeat.objects.beat(part)
            if not Unit.objects.exists():
                self.stdout.write(
                    f"The portal has no content yet. Load it with: {PYTHON} manage.py load_unit fixtures/"
                )
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{settings.VAR_DIR} cannot be written ({error.strerror}).") from error
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            place = settings.DATABASES["default"]["NAME"] if connection.vendor == "sqlite" else "DATABASE_URL"
            raise CommandError(f"The database cannot be used: {reason} Check {place}.") from error

    def prepare_register(self) -> None:
        """Refuse to start where the register's key is lost, and erase again what a restored backup brought back."""
        log.require_key()
        if erased := erasure.reapply_erasures():
            self.stdout.write(f"A backup was restored: erased the personal data of {erased} records again.")
        try:
            schedule.erase_expired_personal_data()
            kept_outside.keep_newest_checkpoint()
        except ImproperlyConfigured as error:
            self.stderr.write(f"Signing is closed. {error}")  # the public pages still work


def announcement() -> str:
    """What to say once the portal is served: where it is, and what is still to be done."""
    lines = [f"\nThe portal is at {settings.PORTAL_URL}/ and its admin at {settings.PORTAL_URL}/admin/"]
    if not get_user_model().objects.filter(is_staff=True, is_active=True).exists():
        command = f"{environment_of_commands()}{PYTHON} manage.py staff add NAME --role Administrator"
        lines.append(f"Create the first staff account with: {command}")
    return "\n".join([*lines, "Ctrl-C stops it."])


def environment_of_commands() -> str:
    """What to put in front of a command so that it uses the same database as this server."""
    if not settings.DEMO:
        return ""
    env_file = settings.BASE_DIR / ".env"  # which may set the database of the unit's own portal
    return "DEMO=1 DATABASE_URL= " if settings.EMBEDDED and env_file.is_file() else "DEMO=1 "


def refuse_taken_port() -> None:
    """Raise CommandError where the portal could not listen on its address."""
    with listener(settings.BIND) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.PORT} on {settings.BIND} cannot be used ({error.strerror}). "
                "Stop what uses it, or set PORT to another port."
            ) from error


def keep_restores_away() -> None:
    try:
        hold_while_running()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error


@contextmanager
def preparation_lock() -> Iterator[None]:
    """Let servers that start together prepare the database one after the other.

    On PostgreSQL they may run on several machines, so the lock is the database's own; otherwise it is a file's.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")  # another may be migrating for longer
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            cursor.execute("RESET lock_timeout")
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
    else:
        with (settings.VAR_DIR / "preparing.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def prepare_static_files() -> None:
    """Collect and compress the static files if they have changed. Raises CommandError where they cannot be written."""
    collected, fingerprint = settings.VAR_DIR / "static-collected", static_files_fingerprint()
    try:
        manifest = settings.STATIC_ROOT / "staticfiles.json"
        if manifest.exists() and collected.exists() and collected.read_text() == fingerprint:
            return
        collected.unlink(missing_ok=True)  # if what follows is interrupted, the next start begins again
        call_command("collectstatic", interactive=False, verbosity=0)
        collected.write_text(fingerprint)
    except OSError as error:
        raise CommandError(
            f"{settings.STATIC_ROOT} cannot be written ({error.strerror}). Set VAR_DIR to a folder that can be written."
        ) from error


def static_files_fingerprint() -> str:
    """A hash that changes with any static file, and with the settings and libraries that process them."""
    versions = [version(name) for name in ("django", "whitenoise", "brotli")]
    only_hashed = settings.WHITENOISE_KEEP_ONLY_HASHED_FILES
    digest = hashlib.sha256(
        repr((settings.STATIC_URL, settings.STORAGES["staticfiles"], only_hashed, versions)).encode()
    )
    for finder in get_finders():
        for path, storage in finder.list([]):
            with storage.open(path) as file:
                digest.update(f"{path}\0{file.size}\0".encode() + file.read())
    return digest.hexdigest()


def metrics_folder() -> Path:
    return Path(settings.VAR_DIR) / "metrics"


def empty_metrics_folder() -> None:
    """Counting starts again from zero, as Prometheus expects after a restart.

    The web server has begun to load, but only its workers count, and they have yet to be started.
    """
    shutil.rmtree(metrics_folder(), ignore_errors=True)
    with suppress(OSError):  # without the folder, each process counts for itself
        metrics_folder().mkdir(mode=0o700, exist_ok=True)


def web_server_command() -> list[str]:
    # Without workers-kill-timeout, granian's workers sometimes never end.
    options = {
        "--interface": "rsgi",
        "--http": "1",  # HTTP/2 is for proxies; its compressed headers can be a thousand times as long as what was sent
        "--host": settings.BIND,
        "--port": settings.PORT,
        "--workers": settings.WORKERS,
        "--backlog": 2048,
        "--backpressure": most_connections(),  # open ones, idle or not: beyond them, a worker accepts none
        "--http1-buffer-size": 2**16,  # bytes for each connection
        "--workers-kill-timeout": 3,
        "--respawn-interval": 1,
        "--log-level": "warning",
    }
    flags = ("--no-ws", "--respawn-failed-workers")
    arguments = (str(argument) for option in options.items() for argument in option)
    return ["vru_portal.server", *arguments, *flags, "vru_portal.server.rsgi:application"]
