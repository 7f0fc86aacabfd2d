"""A server that hangs is ended and started again; one that is busy, or is still starting, is left alone."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial

import pytest

from tests.support.faults.waiting import wait_for
from tests.support.processes.portal_process import free_port
from vru_portal.management.commands.mail_queue import LONGEST_TASK, PatientWorker
from vru_portal.models import Heartbeat
from vru_portal.operations import schedule
from vru_portal.operations.liveness import (
    CONNECTIONS,
    MISSES,
    MISSES_WHILE_STARTING,
    SECONDS_OF_SILENCE,
    Liveness,
    Pulse,
    all_well,
)
from vru_portal.operations.schedule import LONGEST_JOB, Timer, run_all
from vru_portal.operations.supervision import Child, Supervisor

SECONDS = 0.5  # to answer
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def connect(port):
    return socket.create_connection(("127.0.0.1", port), SECONDS)


@contextmanager
def one_worker_hanging(hanging):
    """A server that answers all connections, except the second of every few if it is told so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            kept = []
            try:
                for number in range(10 * CONNECTIONS):
                    connection, _ = server.accept()
                    kept.append(connection)
                    if not (hanging and number % CONNECTIONS == 1):
                        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            except OSError:
                pass  # the test is over
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield partial(connect, server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_web_server_of_which_one_worker_hangs_is_found():
    with one_worker_hanging(False) as connects:
        liveness = Liveness(connects)
        liveness.ask()
        assert (liveness.misses, liveness.allowed) == (0, MISSES)
    with one_worker_hanging(True) as connects:
        liveness.connect = connects
        for _ in range(MISSES):
            assert not liveness.hangs
            liveness.ask()
    assert liveness.hangs


def test_one_that_is_still_starting_is_given_longer_and_one_answer_clears_what_was_missed():
    port = free_port()
    liveness = Liveness(partial(connect, port))
    for _ in range(MISSES_WHILE_STARTING - 1):
        liveness.ask()
    assert not liveness.hangs
    liveness.ask()
    assert liveness.hangs
    with one_worker_hanging(False) as connects:
        liveness.connect = connects
        liveness.ask()
    assert liveness.misses == 0


@pytest.mark.parametrize("stopped", [True, False])
def test_what_hangs_is_killed_and_started_again_and_nothing_else_is(stopped):
    port = free_port()
    said: list[str] = []
    liveness = Liveness(partial(connect, port))

    def start():
        return subprocess.Popen(
            [sys.executable, "-c", SERVER, str(port)], start_new_session=True, stderr=subprocess.DEVNULL
        )

    def answers():
        supervisor.check()
        liveness.ask()
        return liveness.allowed == MISSES

    child = Child("web server", start, liveness)
    supervisor = Supervisor([child], said.append)
    supervisor.start(child)
    try:
        wait_for(answers)
        first = child.process
        assert first is not None
        if stopped:
            os.kill(first.pid, signal.SIGSTOP)
        for _ in range(MISSES):
            liveness.ask()
        supervisor.check()
        if not stopped:
            assert (child.process, said) == (first, [])
            return
        assert said[0] == f"The web server has not answered {MISSES} times in a row and is ended."
        wait_for(answers)
        assert child.process is not first
    finally:
        supervisor.stop()


def test_a_process_is_alive_for_as_long_as_it_writes_to_its_pipe():
    now = 0.0
    pulse = Pulse(lambda: now)
    writing = pulse.open()
    for _ in range(3):
        now += SECONDS_OF_SILENCE
        assert not pulse.hangs
        os.write(writing, b"..")
        assert not pulse.hangs
    now += SECONDS_OF_SILENCE + 1
    assert pulse.hangs
    pulse.begin_again()
    os.close(writing)
    writing = pulse.open()
    assert not pulse.hangs
    os.close(writing)
    now += SECONDS_OF_SILENCE + 1
    assert pulse.hangs, "one that has closed it, too"
    os.close(pulse.reading)


def test_a_mail_queue_is_well_until_a_task_has_taken_far_too_long():
    worker = PatientWorker()
    assert worker.is_well
    worker.advanced_at -= LONGEST_TASK
    assert not worker.is_well


def test_a_timer_is_well_until_a_job_has_taken_far_too_long(monkeypatch):
    timer = Timer(60)
    timer.advanced_at -= LONGEST_JOB
    assert not timer.is_well
    seen = []

    def job():
        seen.append(timer.is_well)
        timer.advanced_at -= LONGEST_JOB
        return 0

    monkeypatch.setattr(schedule, "APPS", ())
    monkeypatch.setattr(schedule, "JOBS", ((job, ""), (job, "")))
    monkeypatch.setattr(Heartbeat.objects, "beat", lambda *_: None)
    assert list(run_all(timer.note_progress)) == []
    assert seen == [True, True], "each job has the whole time"
    assert not timer.is_well, "until the next begins, or all are done"


def test_a_mail_queue_gives_no_sign_while_the_timer_in_it_hangs():
    worker, timer = PatientWorker(), Timer(60)
    assert all_well([worker, timer])
    timer.advanced_at -= LONGEST_JOB
    assert not all_well([worker, timer])
    assert all_well([worker])
