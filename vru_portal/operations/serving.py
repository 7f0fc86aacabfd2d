"""What is left of `manage.py serve` once everything is prepared: it runs web server and mail queue and watches them.

`serve` replaces itself with this process, which must not import Django: the portal in memory a further time, only to
wait for its processes, would take more than one of its web workers does.
"""

import ctypes
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import NamedTuple, NoReturn

from vru_portal.log_lines import OneLine
from vru_portal.operations.liveness import SECONDS_TO_ANSWER, Liveness, Pulse
from vru_portal.operations.supervision import Child, GivenUp, Inherited, Process, Supervisor

SECONDS_TO_START = 60
NICENESS = 10
WAIT = "--wait"  # an option of `vru_portal.server`: to load its code, and serve when told
GO = "go\n"
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STANDARD_INPUT = 0
AUTOGROUP = Path("/proc/self/autogroup")
ATTEMPTS_TO_BE_NICE = 10
# Two workers together take more than the 28,000 that one address can open to one port.
MAX_CONNECTIONS = 16_000  # of a worker
FILES_OF_A_CONNECTION = 3  # itself, and a large answer as granian and the portal hold it
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

logger = logging.getLogger("vru_portal.serve")


class StopRequested(BaseException):
    """The portal was asked to stop."""


class StopSignals:
    """Turns stop signals into one `StopRequested`, which the supervisor postpones while it starts a process."""

    def __init__(self) -> None:
        self.received = False
        self.postponed = False

    def listen(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self.receive)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def ignore(self) -> None:
        """Ignore the signals after this, also while Python shuts down: it would restore only its own handlers."""
        self.postponed = True
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Unwind from wherever the command is; while postponed, later. A second Ctrl-C does not disturb the end."""
        first, self.received = not self.received, True
        if first and not self.postponed:
            raise StopRequested

    @contextmanager
    def postpone(self) -> Iterator[None]:
        """Put a signal off until the end of the block."""
        self.postponed = True
        try:
            yield
        finally:
            self.postponed = False
        if self.received:
            raise StopRequested


class Waiting(NamedTuple):
    """A web server that waits. It ends by itself if whoever holds its input ends without a word."""

    process: Process
    input: int  # file descriptor

    def let_serve(self) -> None:
        """Tell it that everything is prepared. If it has ended meanwhile, whoever watches it will say so."""
        with suppress(BrokenPipeError):
            os.write(self.input, GO.encode())
        os.close(self.input)


@dataclass(frozen=True)
class Plan:
    """What to run: Python modules with their arguments, the address that is then served, and how to announce it.

    The web server has been started already, and waits to be told to serve.
    """

    web_server: list[str]
    web_server_pid: int
    web_server_input: int
    mail_queue: list[str]
    environment: dict[str, str]
    host: str
    port: int
    announcement: str
    log_as_json: bool

    def carry_out(self) -> NoReturn:
        """Replace this process with one that reads the plan from its standard input.

        A signal to stop that arrives meanwhile waits until `main` listens for it.
        """
        reading, writing = os.pipe()
        with open(writing, "w") as file:
            json.dump(asdict(self), file)
        os.dup2(reading, STANDARD_INPUT)
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        os.execv(sys.executable, [sys.executable, "-m", "vru_portal.operations.serving"])  # noqa: S606 - our own interpreter and module


def main(plan: Plan) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP, or until one of the processes ends again and again."""
    signals = StopSignals()
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(as_json=plan.log_as_json))
    logger.addHandler(handler)
    liveness = Liveness(partial(connect, plan.host, plan.port))
    pulse = Pulse()
    web_server = Child("web server", partial(start_process, plan.web_server, plan.environment, 0), liveness)
    mail_queue = Child("mail queue", partial(start_mail_queue, plan, pulse), pulse)
    supervisor = Supervisor([web_server, mail_queue], say=logger.warning)
    waiting = Waiting(Inherited(plan.web_server_pid), plan.web_server_input)
    supervisor.start(web_server, waiting.process)
    try:
        signals.listen()
        waiting.let_serve()
        with signals.postpone():
            supervisor.start(mail_queue)
        wait_until_served(supervisor, signals, plan.host, plan.port)
        print(plan.announcement, flush=True)
        Thread(target=liveness.ask_for_ever, name="liveness", daemon=True).start()
        while True:
            with signals.postpone():
                supervisor.check()
            time.sleep(0.25)
    except StopRequested:
        print("\nStopping …", flush=True)
    except GivenUp as error:
        sys.exit(str(error))
    finally:
        signals.ignore()
        supervisor.stop()
    print("Stopped.", flush=True)


def start_mail_queue(plan: Plan, pulse: Pulse) -> subprocess.Popen[bytes]:
    writing = pulse.open()
    try:
        return start_process([*plan.mail_queue, "--pulse", str(writing)], plan.environment, NICENESS, writing)
    finally:
        os.close(writing)


def start_waiting(web_server: list[str], environment: dict[str, str]) -> Waiting:
    """Start the web server before it may serve, so that it loads in the meantime."""
    reading, writing = os.pipe()
    module, *arguments = web_server
    try:
        process = start_process([module, WAIT, *arguments], environment, 0, standard_input=reading)
    finally:
        os.close(reading)
    os.set_inheritable(writing, True)  # by the program that takes the place of this one
    return Waiting(process, writing)


def start_process(
    module: list[str],
    environment: dict[str, str],
    niceness: int,
    *descriptors: int,
    standard_input: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a Python module in its own session, so that Ctrl-C in the terminal reaches only the supervisor.

    A nice one leaves the processor to those who answer people. Emails can wait for a rush of signatures to pass.
    It inherits these file descriptors.
    """
    return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
        [sys.executable, "-m", *module],
        env=os.environ | environment,
        stdin=standard_input,
        start_new_session=True,
        pass_fds=descriptors,
        preexec_fn=partial(prepare_process, niceness),
    )


def prepare_process(niceness: int) -> None:
    be_nice(niceness)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    end_with_parent()


def be_nice(niceness: int) -> None:
    """Lower the priority of this process, which leads a session of its own.

    Linux shares the processor equally between sessions, whatever their processes' niceness, unless a session has a
    niceness of its own: "The autogroup feature" in sched(7).
    """
    os.nice(niceness)
    for _ in range(ATTEMPTS_TO_BE_NICE if niceness else 0):
        try:
            AUTOGROUP.write_text(str(niceness))
        except BlockingIOError:  # Linux allows one such write in a tenth of a second, whoever makes it
            time.sleep(0.11)
        except OSError:  # a kernel without such groups
            return
        else:
            return


def most_files() -> int:
    """How many files a process may open, as far as the system allows what connections can need."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = MAX_CONNECTIONS * FILES_OF_A_CONNECTION
    return needed if hard == resource.RLIM_INFINITY else min(hard, needed)


def most_connections() -> int:
    """How many connections a worker may hold: fewer than would leave it without files, when it accepts none at all."""
    return most_files() // FILES_OF_A_CONNECTION


def end_with_parent() -> None:
    """On Linux, have the kernel end this process when the supervisor is killed and cannot do so itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def listener(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def connect(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), SECONDS_TO_ANSWER)


def wait_until_served(supervisor: Supervisor, signals: StopSignals, host: str, port: int) -> None:
    """Return once the port answers. Raises GivenUp where it does not, or where a process ends with an error meanwhile.

    One that is killed, as by a system that runs out of memory, is started again.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        for child, _, code in supervisor.ended():
            if code >= 0:
                raise GivenUp(f"The {child.name} ended with code {code} as soon as it was started.")
        with signals.postpone():
            supervisor.check()
        with listener(host) as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)
    raise GivenUp(f"The web server did not answer within {SECONDS_TO_START} seconds.")


if __name__ == "__main__":
    main(Plan(**json.load(sys.stdin)))
