"""A portal as its operator starts it: `manage.py serve` in a process, on a folder and a port of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

# Where something has hung: what merely takes its time, on a machine with other work, is waited for.
SECONDS_TO_START = 300
SECONDS_TO_STOP = 120
SETTINGS = (
    "BIND",
    "DATABASE_URL",
    "DEBUG",
    "DEMO",
    "EMAIL_URL",
    "EXIT_URL",
    "GRANTS_PREFIX",
    "LOG_FORMAT",
    "MAIL_FROM",
    "MONITORING_TOKEN",
    "PORT",
    "PORTAL_URL",
    "REGISTER_KEYS",
    "SEAL_CERTIFICATE",
    "SEAL_KEY",
    "SEAL_PASSWORD",
    "SECOND_FACTOR_KEYS",
    "SECRET_KEY",
    "TRUSTED_PROXIES",
    "VAR_DIR",
    "WORKERS",
)


def free_port() -> int:
    """Return a port that nothing uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def environment(**values: object) -> dict[str, str]:
    """Return the environment with these settings of the portal and no others."""
    clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return clean | {name: str(value) for name, value in values.items()}


class Portal:
    """A started portal, and all the processes that belong to it."""

    def __init__(self, folder: Path, *command: str, **values: object) -> None:
        self.folder = folder
        self.port = int(str(values.get("PORT") or free_port()))
        self.output = folder.parent / f"{folder.name}-{time.monotonic_ns()}.log"
        self.mark = f"TEST_PORTAL={uuid.uuid4()}"
        self.began = time.monotonic()
        self.ready_after: float | None = None
        # a group of its own, as a terminal gives a command: Ctrl-C reaches all of the group
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command or (sys.executable, "manage.py", "serve"),
                cwd=settings.BASE_DIR,
                env=environment(**{"VAR_DIR": folder, "PORT": self.port} | values | dict([self.mark.split("=")])),
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    @property
    def printed(self) -> str:
        """Its output so far."""
        return self.output.read_text(errors="replace")  # a killed process may have written half a character

    def url(self, path: str = "/", host: str = "localhost") -> str:
        """Return the address of a page."""
        return f"http://{host}:{self.port}{path}"

    def get(self, path: str = "/", host: str = "localhost", **headers: str) -> tuple[int, str]:
        """Return status and text of a page."""
        request = urllib.request.Request(self.url(path, host), headers=headers)  # noqa: S310 - http only
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_TO_STOP) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until_ready(self) -> float:
        """Wait for the line that ends the announcement; return the seconds since the start."""
        while time.monotonic() - self.began < SECONDS_TO_START:
            if "Ctrl-C stops it." in self.printed:
                self.ready_after = time.monotonic() - self.began
                return self.ready_after
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"The portal did not start (code {self.process.poll()}): {self.printed}")

    def wait_until_gone(self) -> tuple[dict[int, str], bool]:
        """Wait until nothing of it is left; return what still lives, and whether its port answers, if that hangs."""
        until = time.monotonic() + SECONDS_TO_STOP
        while (left := (self.members(), self.listening())) != ({}, False) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal to the whole group, as a terminal sends Ctrl-C."""
        os.killpg(self.process.pid, number)

    def wait(self, seconds: float = SECONDS_TO_STOP) -> int:
        """Return the exit code."""
        return self.process.wait(seconds)

    def members(self) -> dict[int, str]:
        """Return the living processes that carry this portal's mark in their environment: all that it has started."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if stat != "Z" and self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                    found[int(entry.name)] = command
            except OSError:
                continue  # it has just ended, or is somebody else's
        return found

    def web_server(self) -> set[int]:
        """The processes of its web server that live. Earlier versions started granian itself."""
        return {pid for pid, command in self.members().items() if re.search(r"vru_portal\.server|granian", command)}

    def resident_memory(self) -> int:
        """How much memory the process that was started takes, in kB, without those that it has started."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])  # type: ignore[index]

    def answers(self) -> bool:
        """Whether its home page is served. Connections that a killed web server had not yet accepted are reset."""
        try:
            return self.get()[0] == 200
        except OSError:
            return False

    def listening(self) -> bool:
        """Whether anything answers on its port."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """End whatever is left of it, by force."""
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def portal(folder: Path, *command: str, **values: object) -> Iterator[Portal]:
    """Start a portal; whatever happens, leave none of its processes behind."""
    started = Portal(folder, *command, **values)
    try:
        yield started
    finally:
        started.kill()


def run(folder: Path, *arguments: str, **values: object) -> subprocess.CompletedProcess[str]:
    """Run a management command of the portal in this folder to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment(**{"VAR_DIR": folder} | values),
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_START,
        check=False,
    )


def one_sentence(text: str) -> bool:
    """Whether this is one line for a person, and no traceback."""
    lines = text.strip().splitlines()
    return len(lines) == 1 and "Traceback" not in text and bool(re.search(r"[.:]", lines[0]))
