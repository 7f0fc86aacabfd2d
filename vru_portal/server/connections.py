"""Has the kernel end connections whose client reads nothing of an answer: granian would keep them for ever."""

import asyncio
import os
import socket
import stat
import sys
from contextlib import suppress

SECONDS_UNREAD = 60
SECONDS_BETWEEN_LOOKS, LOOKS = 0.2, 300


async def end_unread() -> None:
    """Wait until this process listens, then limit how long a client may read nothing. Only Linux can do so."""
    for _ in range(LOOKS if sys.platform == "linux" else 0):
        if limit_unread(SECONDS_UNREAD):
            break
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def limit_unread(seconds: float) -> int:
    """Limit it for all connections that are accepted from now on; returns on how many ports.

    granian makes its socket itself and gives it to nobody, so it is looked for. Only sockets are touched: closing a
    copy of SQLite's file would end the locks that this process holds on it.
    """
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # it has just been closed, or is no socket of TCP
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as candidate:
                if candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
                    found += 1
    return found
