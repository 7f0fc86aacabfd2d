"""What ends is started again, at growing intervals; what keeps ending is given up."""

import os
import signal
import subprocess

import pytest

from tests.support.faults.waiting import wait_for
from vru_portal.operations.supervision import MAX_FAILURES, PAUSES, SETTLED_AFTER, Child, GivenUp, Supervisor


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Ended:
    """A process that ended as soon as it was started; none of the system's has its number."""

    pid = 2**22 + 1

    def __init__(self, code=1):
        self.code = code

    def poll(self):
        return self.code


@pytest.fixture
def clock():
    return Clock()


def supervised(clock, *processes, said=None):
    """Return a supervisor whose one child is started as each of these processes in turn."""
    waiting = list(processes)
    child = Child("mail queue", lambda: waiting.pop(0))
    supervisor = Supervisor([child], (said if said is not None else []).append, clock)
    supervisor.start(child)
    return supervisor, child, waiting


def test_what_has_ended_is_started_again_after_its_pause(clock):
    said: list[str] = []
    supervisor, child, waiting = supervised(clock, Ended(-9), Ended(), said=said)
    supervisor.check()
    assert said == ["The mail queue ended with code -9; it is started again in 0.5 seconds."]
    assert child.process is None
    supervisor.check()
    assert len(waiting) == 1  # not before its time
    clock.now += PAUSES[0]
    supervisor.check()
    assert waiting == []


def test_pauses_grow_and_are_reset_once_it_has_run_for_a_while(clock):
    supervisor, child, _ = supervised(clock, *(Ended() for _ in range(6)))
    pauses = []
    for _ in range(4):
        supervisor.check()
        pauses.append(child.start_again_at - clock.now)
        clock.now = child.start_again_at
        supervisor.check()
    assert pauses == list(PAUSES[:4])
    clock.now += SETTLED_AFTER
    supervisor.check()
    assert child.start_again_at - clock.now == PAUSES[0]


def test_what_ends_again_and_again_is_given_up_with_a_sentence(clock):
    supervisor, child, _ = supervised(clock, *(Ended(3) for _ in range(MAX_FAILURES)))
    for _ in range(2 * (MAX_FAILURES - 1)):
        supervisor.check()
        clock.now = child.start_again_at
    with pytest.raises(GivenUp, match=f"The mail queue ended {MAX_FAILURES} times in a row, the last time with code 3"):
        supervisor.check()
    assert clock.now - 1000 > 60  # a machine that is only busy has got over it by then


def test_what_a_process_leaves_behind_is_killed_before_it_is_started_again(tmp_path):
    """As granian's workers are left behind, holding the port, when granian itself is killed."""
    left = tmp_path / "left"

    def start():
        return subprocess.Popen(["/bin/sh", "-c", f"sleep 600 & echo $! > {left}; wait"], start_new_session=True)

    child = Child("web server", start)
    supervisor = Supervisor([child], lambda _: None)
    supervisor.start(child)
    try:
        wait_for(lambda: left.exists() and left.read_text())
        orphan = int(left.read_text())
        assert child.process is not None
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        supervisor.check()
        wait_for(lambda: not is_running(orphan))
    finally:
        supervisor.stop()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
