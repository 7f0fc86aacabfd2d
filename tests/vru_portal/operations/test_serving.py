"""How the processes of `manage.py serve` are started, and how many files and connections they may have."""

import os
import resource
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.support.processes.portal_process import SECONDS_TO_START, free_port
from vru_portal.management.commands.serve import web_server_command
from vru_portal.operations import serving
from vru_portal.operations.supervision import Child, GivenUp, Inherited, Supervisor, kill_group


@pytest.mark.parametrize(
    ("hard", "files", "connections"),
    [(1024, 1024, 341), (65_536, 48_000, 16_000), (resource.RLIM_INFINITY, 48_000, 16_000)],
)
def test_a_worker_accepts_connections_for_as_long_as_it_has_files(monkeypatch, hard, files, connections):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, hard))
    assert (serving.most_files(), serving.most_connections()) == (files, connections)
    command = web_server_command()
    assert command[command.index("--backpressure") + 1] == str(connections)


def test_processes_start_with_as_many_files_as_the_system_allows():
    """Under a lower limit, as most systems set one for a start, and in a process of its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"

    def prepare(ours):
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        if ours:
            serving.prepare_process(niceness=0)

    run = partial(subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run(preexec_fn=partial(prepare, False)).stdout) == 256  # the control
    assert int(run(preexec_fn=partial(prepare, True)).stdout) == serving.most_files()


@pytest.mark.skipif(not serving.AUTOGROUP.exists(), reason="this kernel shares the processor between processes alone")
def test_the_mail_queue_leaves_the_processor_to_those_who_answer_people():
    program = [sys.executable, "-c", f"print(open({str(serving.AUTOGROUP)!r}).read())"]
    run = partial(subprocess.run, program, capture_output=True, text=True, check=True, start_new_session=True)
    assert run(preexec_fn=partial(os.nice, serving.NICENESS)).stdout.split()[1:] == ["nice", "0"]  # the control
    found = run(preexec_fn=partial(serving.prepare_process, serving.NICENESS)).stdout
    assert found.split()[1:] == ["nice", str(serving.NICENESS)]


def test_a_niceness_that_linux_refuses_at_first_is_set_again(monkeypatch):
    class Busy:
        written: list[str] = []
        refusals = 2

        def write_text(self, text):
            if self.refusals:
                self.refusals -= 1
                raise BlockingIOError
            self.written.append(text)

    monkeypatch.setattr(serving, "AUTOGROUP", Busy())
    monkeypatch.setattr(os, "nice", lambda _: 0)
    serving.be_nice(10)
    serving.be_nice(0)  # nothing to set
    assert Busy.written == ["10"]


LISTENS = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"


def started(*programs):
    """A supervisor that starts its one child as each of these programs in turn."""
    waiting = list(programs)

    def start():
        return subprocess.Popen([sys.executable, "-c", waiting.pop(0)], start_new_session=True)

    supervisor = Supervisor([child := Child("web server", start)], lambda _: None)
    supervisor.start(child)
    return supervisor


def test_a_process_that_is_killed_while_the_portal_starts_is_started_again():
    port = free_port()
    supervisor = started("import os; os.kill(os.getpid(), 9)", LISTENS.format(port=port))
    try:
        serving.wait_until_served(supervisor, serving.StopSignals(), "127.0.0.1", port)
    finally:
        supervisor.stop()


def test_a_process_that_ends_with_an_error_ends_the_start():
    supervisor = started("raise SystemExit(3)", "raise SystemExit(3)")
    try:
        with pytest.raises(GivenUp, match="The web server ended with code 3 as soon as it was started"):
            serving.wait_until_served(supervisor, serving.StopSignals(), "127.0.0.1", free_port())
    finally:
        supervisor.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker asks the database for itself")
@pytest.mark.parametrize("told", [True, False])
def test_a_web_server_that_is_started_early_asks_the_database_only_when_told(tmp_path, told):
    """Nobody has prepared this database, so the server cannot serve it."""
    values = {"VAR_DIR": str(tmp_path), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
    waiting = serving.start_waiting(web_server_command(), values)
    try:
        if told:
            waiting.let_serve()
        else:
            os.close(waiting.input)  # as when `serve` ends before
        code = waiting.process.wait(SECONDS_TO_START)
    finally:
        kill_group(waiting.process)
    assert (code, (tmp_path / "portal.sqlite3").exists()) == ((1, True) if told else (0, False))


def test_a_process_that_was_started_by_an_earlier_program_is_watched_like_any_other():
    program = [sys.executable, "-c", "import time; time.sleep(600)"]
    inherited = Inherited(os.posix_spawn(sys.executable, program, os.environ, setsid=True))
    assert inherited.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        inherited.wait(timeout=0)
    supervisor = Supervisor([child := Child("web server", pytest.fail)], pytest.fail)
    supervisor.start(child, inherited)
    supervisor.stop()
    assert inherited.poll() == -signal.SIGTERM
    inherited.terminate()  # without effect: by now its number may be another's
    lost = Inherited(inherited.pid)  # as if somebody else had waited for it
    assert (lost.poll(), lost.wait()) == (0, 0)
