"""Asking the web server whether it still answers: a process that hangs never ends, so nothing would restart it.

`/healthz` is answered outside the threads that wait for the database or for clients, also while all of those are busy.
"""

import socket
import time
from collections.abc import Callable

CONNECTIONS = 4  # at a time: they spread over the workers, of which one may hang
SECONDS_BETWEEN = 10
SECONDS_TO_ANSWER = 10
MISSES = 3  # in a row
MISSES_WHILE_STARTING = 9  # until it has answered once
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


def has_answered(connection: socket.socket) -> bool:
    """Whether a reply begins in time. Raises OSError where it does not."""
    return connection.recv(64).startswith(b"HTTP/1.1 200 ")
