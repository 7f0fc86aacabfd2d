"""Whether processes still live: one that hangs never ends, so nothing would restart it.

The web server is asked: `/healthz` is answered outside the threads that wait for the database or for clients, also
while all of those are busy. The mail queue has no address, so it gives a sign by itself, through a pipe.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ClassVar

CONNECTIONS = 4  # at a time: they spread over the workers, of which one may hang
SECONDS_BETWEEN = 10
SECONDS_TO_ANSWER = 10
MISSES = 3  # in a row
MISSES_WHILE_STARTING = 9  # until it has answered once
SECONDS_BETWEEN_PULSES = 5
SECONDS_OF_SILENCE = 120  # a machine that is only busy lets everybody have a turn in the meantime
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Liveness:
    """Counts how often in a row a web server has not answered. It starts afresh with each start of the server."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.connect = connect
        self.begin_again()

    def begin_again(self) -> None:
        self.misses, self.allowed = 0, MISSES_WHILE_STARTING

    @property
    def hangs(self) -> bool:
        return self.misses >= self.allowed

    @property
    def silence(self) -> str:
        return f"has not answered {self.misses} times in a row"

    def ask_for_ever(self) -> None:
        """Ask, wait and ask again: in a thread, so that whoever watches the processes never waits."""
        while True:
            time.sleep(SECONDS_BETWEEN)
            self.ask()

    def ask(self) -> None:
        """Ask once, on several connections. One without an answer counts, even if the others have one."""
        connections: list[socket.socket] = []
        try:
            for _ in range(CONNECTIONS):
                connections.append(self.connect())
            for connection in connections:
                connection.sendall(REQUEST)
            answered = all(has_answered(connection) for connection in connections)
        except OSError:
            answered = False
        for connection in connections:
            connection.close()
        if answered:
            self.misses, self.allowed = 0, MISSES
        else:
            self.misses += 1


class Pulse:
    """Notices when a process no longer writes to its pipe. It starts afresh with each start of the process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.reading = -1
        self.begin_again()

    def begin_again(self) -> None:
        self.felt_at = self.clock()

    def open(self) -> int:
        """Open a pipe for the next process; return the end to which it writes."""
        if self.reading >= 0:
            os.close(self.reading)
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        return writing

    @property
    def hangs(self) -> bool:
        with suppress(BlockingIOError):  # nothing since
            if os.read(self.reading, 1_000):
                self.felt_at = self.clock()
        return self.clock() - self.felt_at > SECONDS_OF_SILENCE

    @property
    def silence(self) -> str:
        return f"has given no sign of life for {SECONDS_OF_SILENCE} seconds"


class Progress:
    """Something that works for ever, step by step: it hangs if a step takes far too long."""

    longest: ClassVar[int]  # seconds that a step may take
    advanced_at: float  # when the last step began, by a monotonic clock

    def note_progress(self) -> None:
        self.advanced_at = time.monotonic()

    @property
    def is_well(self) -> bool:
        return time.monotonic() - self.advanced_at < self.longest


def all_well(watched: Iterable[Progress]) -> bool:
    return all(one.is_well for one in watched)


def give_pulse(pipe: int, is_well: Callable[[], bool]) -> None:
    """Write to the pipe for ever, for as long as all is well: in a thread of the process that is watched."""
    with suppress(BrokenPipeError):  # whoever read it has ended, and this process is about to
        while True:
            if is_well():
                os.write(pipe, b".")
            time.sleep(SECONDS_BETWEEN_PULSES)


def has_answered(connection: socket.socket) -> bool:
    """Whether a reply begins in time. Raises OSError where it does not."""
    return connection.recv(64).startswith(b"HTTP/1.1 200 ")
