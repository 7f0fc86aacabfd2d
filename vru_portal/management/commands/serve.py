"""`manage.py serve`: everything that a portal needs to run, in one command."""

import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from events.declarations import chores, rules
from events.declarations.models import RegisterKey
from events.declarations.register import log, witness
from partners.models import Unit
from vru_portal.append_only import require_guards
from vru_portal.management.commands.demo import refuse_the_units_own
from vru_portal.table_creation import half_replaced

MIGRATION_LOCK = 0x56525550  # any number that only this portal takes: "VRUP"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
PYTHON = os.path.relpath(sys.executable)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Processes = dict[str, subprocess.Popen[bytes]]


class Stop(BaseException):
    """Somebody asked the portal to stop."""


class Signals:
    """Turns the signals to stop into `Stop`, once, and never between starting a process and knowing of it."""

    def __init__(self) -> None:
        self.asked = False
        self.held = False

    def listen(self) -> None:
        """Take over the signals."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.receive)

    def ignore(self) -> None:
        """Hear no more of them, to the end of the process: Python puts back only handlers of its own when it ends."""
        self.held = True
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Unwind from wherever the command is; while held, later. A second Ctrl-C does not disturb the ending."""
        first, self.asked = not self.asked, True
        if first and not self.held:
            raise Stop

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Put a signal off until the end of the block."""
        self.held = True
        try:
            yield
        finally:
            self.held = False
        if self.asked:
            raise Stop


class Command(BaseCommand):
    """Prepare the database and the static files, then run web server, mail queue and timer until told to stop."""

    help = "Prepares and serves the portal: web server, mail queue, timer. Ctrl-C stops all."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP, or until one of the processes ends by itself (CommandError)."""
        signals = Signals()
        signals.listen()
        processes: Processes = {}
        try:
            refuse_taken_port()
            self.prepare_database()
            prepare_static_files()
            for name, command in (("web server", web_server()), ("mail queue", mail_queue()), ("timer", timer())):
                with signals.hold():
                    processes[name] = start(*command)
            wait_until_served(processes)
            self.announce()
            watch(processes)
        except Stop:
            self.stdout.write("\nStopping …")
        finally:
            signals.ignore()
            end(processes)
        self.stdout.write("Stopped.")

    def prepare_database(self) -> None:
        """Migrate; on the embedded default, give an empty portal its content."""
        try:
            if settings.DEMO and "partners_unit" in connection.introspection.table_names():
                refuse_the_units_own(Unit.objects.with_bodies().first())  # before a table of it is touched
            with one_at_a_time():
                if said := half_replaced():
                    raise CommandError(said)
                if nothing_to_migrate():
                    require_guards()  # migrating, even nothing, would quietly put back what somebody took away
                call_command("migrate", interactive=False, verbosity=0)
                if settings.EMBEDDED and not Unit.objects.exists():
                    command = "demo" if settings.DEMO else "load_unit"
                    call_command(command, settings.BASE_DIR / "fixtures", stdout=self.stdout)
                if settings.EMBEDDED and not RegisterKey.objects.exists():
                    log.rotate_key()
                self.prepare_register()
            if not Unit.objects.exists():
                self.stdout.write(f"The database holds no unit yet. Load one: {PYTHON} manage.py load_unit fixtures/")
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{settings.VAR_DIR} cannot be written ({error.strerror}).") from error
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            place = settings.DATABASES["default"]["NAME"] if connection.vendor == "sqlite" else "DATABASE_URL"
            raise CommandError(f"The database cannot be used: {reason} Check {place}.") from error

    def prepare_register(self) -> None:
        """Refuse to start where the register's key is lost; drop again what a backup has brought back."""
        log.require_key()
        if erased := rules.erase_again():
            self.stdout.write(f"Erased again, after a backup was put back: the personal data of {erased} records.")
        try:
            chores.forget()
            witness.keep_checkpoint()
        except ImproperlyConfigured as error:
            self.stderr.write(f"Signing is closed. {error}")  # what is public stays up

    def announce(self) -> None:
        """Print where the portal is, and how to make the first staff account while there is none."""
        self.stdout.write(f"\nThe portal is at {settings.PORTAL_URL}/ and its admin at {settings.PORTAL_URL}/admin/")
        if not get_user_model().objects.filter(is_staff=True, is_active=True).exists():
            self.stdout.write(f"Make the first staff account: {PYTHON} manage.py staff add NAME --role Administrator")
        self.stdout.write("Ctrl-C stops it.")


def refuse_taken_port() -> None:
    """Raise CommandError where the address cannot be listened on."""
    with listener() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.PORT} on {settings.BIND} cannot be used ({error.strerror}). "
                f"Stop what uses it, or set PORT to another."
            ) from error


def listener() -> socket.socket:
    """Return a socket of the kind that BIND asks for."""
    return socket.socket(socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let servers that start together prepare the database one after the other.

    On PostgreSQL by a lock of the database's, since they may stand on several machines; otherwise by a file's.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
    else:
        with (settings.VAR_DIR / "preparing.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def nothing_to_migrate() -> bool:
    """Return whether the database has every table as this version wants it."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def prepare_static_files() -> None:
    """Collect and compress the static files where they have changed; raises CommandError where that cannot be done."""
    collected, wanted = settings.VAR_DIR / "static-collected", static_files_fingerprint()
    try:
        manifest = settings.STATIC_ROOT / "staticfiles.json"
        if manifest.exists() and collected.exists() and collected.read_text() == wanted:
            return
        collected.unlink(missing_ok=True)  # what follows may break off half-way
        call_command("collectstatic", interactive=False, verbosity=0)
        collected.write_text(wanted)
    except OSError as error:
        raise CommandError(
            f"{settings.STATIC_ROOT} cannot be written ({error.strerror}). Set VAR_DIR to a folder that can."
        ) from error


def static_files_fingerprint() -> str:
    """Return what changes with a static file that is to be served, or the settings and libraries behind them."""
    versions = [version(name) for name in ("django", "whitenoise", "brotli")]
    digest = hashlib.sha256(repr((settings.STATIC_URL, settings.STORAGES["staticfiles"], versions)).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            with storage.open(path) as file:
                digest.update(f"{path}\0{file.size}\0".encode() + file.read())
    return digest.hexdigest()


def web_server() -> tuple[str, ...]:
    """Return the command of the web server."""
    # workers-kill-timeout: without it granian's workers sometimes never end.
    options = {
        "--interface": "wsgi",
        "--host": settings.BIND,
        "--port": settings.PORT,
        "--workers": settings.WORKERS,
        "--blocking-threads": 4,
        "--workers-kill-timeout": 3,
        "--log-level": "warning",
    }
    words = (str(word) for option in options.items() for word in option)
    return ("granian", *words, "--no-ws", "vru_portal.wsgi:application")


def mail_queue() -> tuple[str, ...]:
    """Return the command of the worker that sends queued mail."""
    return ("django", "db_worker", "--verbosity", "0")


def timer() -> tuple[str, ...]:
    """Return the command that does every minute what must be done."""
    return ("django", "chores", "--every", "60")


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a Python module in a session of its own, so that Ctrl-C in the terminal reaches only this command."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )


def end_with_parent() -> None:
    """Ask Linux to end this process when the command is killed and cannot do it; elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until_served(processes: Processes) -> None:
    """Return once the port answers; raises CommandError where it does not, or where a process ends."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        raise_if_ended(processes)
        with listener() as probe:
            probe.settimeout(1)
            if probe.connect_ex((settings.BIND, settings.PORT)) == 0:
                return
        time.sleep(0.1)
    raise CommandError(f"The web server did not answer within {SECONDS_TO_START} seconds.")


def watch(processes: Processes) -> None:
    """Wait until a process ends by itself, which is a fault."""
    while True:
        raise_if_ended(processes)
        time.sleep(0.5)


def raise_if_ended(processes: Processes) -> None:
    """Raise CommandError where a process has ended."""
    for name, process in processes.items():
        if (code := process.poll()) is not None:
            raise CommandError(f"The {name} ended with code {code}; the portal stops.")


def end(processes: Processes) -> None:
    """End the processes and all that they started: politely, then by force.

    A process that has ended by itself may have left others behind, such as granian's workers: its group is ended too.
    """
    for process in processes.values():
        process.terminate()
    deadline = time.monotonic() + SECONDS_TO_STOP
    for process in processes.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # each leads a session, so its group bears its number
        process.wait()
