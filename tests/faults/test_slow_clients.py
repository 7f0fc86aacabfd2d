"""Hundreds of clients that send and read as slowly as they can, and nobody else notices."""

import asyncio
import json
import re
import resource
import socket
import statistics
import sys
import time
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from django.db import connection

from tests.support.faults.waiting import PATIENCE, status, wait_for
from tests.support.processes.portal_process import free_port, portal, run

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the server is the same for both databases"),
]

BODIES, READERS, HEADERS = 300, 300, 500
PAYMENTS = 4000  # whose JSON is larger than a socket's buffers
PAGES = ("/", "/healthz", "/declaration/ask/", "/admin/login/")
ROUNDS = 5
THREADS = 4
MAX_MEMORY = 300_000_000  # bytes more than before, in all processes together
FAULT = "Slow clients"
FORM = (
    b"POST /declaration/ask/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken=" + b"x" * 32
    + b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\na"
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow") / "var"
    values = {"DEMO": 1, "GRANTS_PREFIX": "360G-example"}
    assert run(folder, "migrate", "--verbosity", "0", **values).returncode == 0
    filled = run(folder, "demo", "--scale", str(PAYMENTS), **values)
    assert filled.returncode == 0, filled.stderr
    with portal(folder, WORKERS=2, **values) as started:
        started.wait_until_ready()
        yield started


def seconds_for(served, path):
    """Return the median of several requests, one after the other."""
    took = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        assert served.get(path)[0] == 200, path
        took.append(time.monotonic() - began)
    return statistics.median(took)


def memory(served):
    """Return the memory that the portal's processes have to themselves, in bytes."""
    found = 0
    for pid in served.members():
        with suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            found += 1024 * sum(map(int, re.findall(r"^Private_\w+:\s+(\d+)", rollup, re.MULTILINE)))
    return found


async def connect(port, stack):
    raw = stack.enter_context(socket.socket())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    return raw


async def trickle(raw, text, rest=b"a"):
    """Send a beginning, then a byte now and then."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(raw, text)
    with suppress(OSError):
        while True:
            await asyncio.sleep(3)
            await loop.sock_sendall(raw, rest)


async def sip(raw, path):
    """Ask for something large; read a byte now and then."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(raw, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    with suppress(OSError):
        while True:
            await asyncio.sleep(3)
            await loop.sock_recv(raw, 1)


async def attack(served, path, stack):
    """Open all of them, measure while they are open, and return what was measured."""
    begun = [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] * HEADERS
    clients = [trickle(await connect(served.port, stack), text) for text in [FORM] * BODIES + begun]
    clients += [sip(await connect(served.port, stack), path) for _ in range(READERS)]
    tasks = [asyncio.create_task(client) for client in clients]
    await asyncio.sleep(15)  # until each of the large answers has been made
    try:
        measured = {page: await asyncio.to_thread(seconds_for, served, page) for page in PAGES}
        return measured, await asyncio.to_thread(memory, served)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_a_thousand_slow_clients_slow_nobody_down(served, report):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    path = re.findall(r'href="(/funding/[\d-]+/)', served.get("/funding/")[1])[0] + "payments.json"
    size, number = len(served.get(path)[1]), len(json.loads(served.get(path)[1])["rows"])
    assert size > 1_000_000
    assert number >= PAYMENTS  # whole, though it comes from a file
    alone, before = {page: seconds_for(served, page) for page in PAGES}, memory(served)
    with ExitStack() as stack:
        beside, after = asyncio.run(attack(served, path, stack))
    # each page has answered while all of them were open: whoever waited for one would have waited for longer than that
    assert after - before < MAX_MEMORY
    times = ", ".join(f"{page} {alone[page] * 1000:.0f} → {beside[page] * 1000:.0f} ms" for page in PAGES)
    report(
        FAULT,
        done=f"{BODIES} bodies, {READERS} readers of {size:,} bytes and {HEADERS} headers at once",
        whole=f"{times}; {(after - before) / 1e6:.0f} MB more memory",
        back="never away",
    )


def test_a_body_that_trickles_is_refused_when_its_time_is_over(served):
    """Each byte comes in time for the next one: only the body as a whole has a deadline."""
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.settimeout(1)
        raw.sendall(FORM)
        began, answer = time.monotonic(), b""
        while not answer:
            assert time.monotonic() - began < PATIENCE
            with suppress(TimeoutError):
                answer = raw.recv(2**16)
            with suppress(OSError):  # once it is refused
                raw.sendall(b"a")
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_threads_that_read_bodies_themselves_are_held_up(served, report):
    """The control: Django's own WSGI application, in four threads."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--workers",
        "1",
        "--blocking-threads",
        str(THREADS),
        "--log-level",
        "warning",
        "vru_portal.wsgi:application",
    ]
    values = {"DEMO": 1, "GRANTS_PREFIX": "360G-example", "DJANGO_SETTINGS_MODULE": "vru_portal.settings", "PORT": port}
    with portal(served.folder, *command, **values) as threaded, ExitStack() as stack:
        wait_for(lambda: status(threaded, "/healthz") == 200)
        for _ in range(2 * THREADS):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            raw.sendall(FORM)
        time.sleep(1)
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(threaded.url("/healthz"), timeout=5)  # noqa: S310 - http only
    report(FAULT, control=f"{2 * THREADS} bodies hold up {THREADS} threads that read them: nothing answers")
