"""Keeps the processes of `manage.py serve` running: one that ends by itself, or hangs, is started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from vru_portal.operations.liveness import Liveness, Pulse

SETTLED_AFTER = 30  # seconds: whatever has run for longer did start, and what ended it may well be over
PAUSES = (0.5, 1, 2, 5, 10, 20, 30)  # seconds before each start in a row; the last one repeats
MAX_FAILURES = 10  # starts in a row that did not last: some three minutes
SECONDS_TO_STOP = 10


class GivenUp(Exception):  # noqa: N818 - it says what happened, not what was wrong
    """A process ends again and again: starting it once more would not help."""


class Inherited:
    """A child that was started by the program whose place this one has taken (`exec`)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        if self.code is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # its code is lost, as where SIGCHLD is ignored
                self.code = 0
            else:
                self.code = os.waitstatus_to_exitcode(status) if ended else None
        return self.code

    def wait(self, timeout: float = float("inf")) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired after so many seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.05)
        return code

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


Process = subprocess.Popen[bytes] | Inherited


@dataclass
class Child:
    """One process, and how its last starts went."""

    name: str
    start: Callable[[], Process]
    liveness: Liveness | Pulse | None = None  # of one that can be seen to hang
    process: Process | None = None
    started_at: float = 0.0
    failures: int = 0  # ends in a row before it had settled
    start_again_at: float = 0.0


class Supervisor:
    """Starts processes, and restarts each that ends: at once the first time, then after longer and longer pauses.

    ``say`` gets one line for people whenever a process ends. The clock is a monotonic one, in seconds.
    """

    def __init__(
        self, children: Iterable[Child], say: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.children = list(children)
        self.say = say
        self.clock = clock

    def start(self, child: Child, process: Process | None = None) -> None:
        """Start a process, unless it is the one given, which has been started already."""
        child.process, child.started_at = process or child.start(), self.clock()
        if child.liveness:
            child.liveness.begin_again()

    def ended(self) -> list[tuple[Child, Process, int]]:
        """The processes that have ended and are not started again yet, each with its exit code."""
        running = [(child, child.process) for child in self.children if child.process is not None]
        return [(child, process, code) for child, process in running if (code := process.poll()) is not None]

    def check(self) -> None:
        """End what hangs, and start again what has ended, once its pause is over. Raises GivenUp for what keeps ending.

        What hangs is killed: it would not listen to anything else.
        """
        for child in self.children:
            if child.process is not None and child.liveness and child.liveness.hangs:
                self.say(f"The {child.name} {child.liveness.silence} and is ended.")
                kill_group(child.process)
                with suppress(subprocess.TimeoutExpired):  # looked at again with the next check
                    child.process.wait(timeout=SECONDS_TO_STOP)
        for child, process, code in self.ended():
            kill_group(process)  # what it started may still hold the port
            child.process = None
            if self.clock() - child.started_at >= SETTLED_AFTER:
                child.failures = 0
            child.failures += 1
            if child.failures >= MAX_FAILURES:
                raise GivenUp(
                    f"The {child.name} ended {child.failures} times in a row, the last time with code {code}. "
                    "The lines above say why; fix that, then start the portal again."
                )
            pause = PAUSES[min(child.failures, len(PAUSES)) - 1]
            child.start_again_at = self.clock() + pause
            self.say(f"The {child.name} ended with code {code}; it is started again in {pause:g} seconds.")
        for child in self.children:
            if child.process is None and self.clock() >= child.start_again_at:
                self.start(child)

    def stop(self) -> None:
        """End everything: politely, then by force."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            kill_group(process)
            process.wait()


def kill_group(process: Process) -> None:
    """Kill what is left of a process and of all that it started, such as the web server's workers.

    Each child leads a session of its own, so its group bears its number, also after it has ended.
    """
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
