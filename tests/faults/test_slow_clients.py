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
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from tests.support.faults.waiting import PATIENCE, status, wait_for
from tests.support.processes.databases import run_python_for_json
from tests.support.processes.portal_process import free_port, portal, run
from tests.support.races.signatories import DETAILS, Visitor

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the server is the same for both databases"),
]

BODIES, READERS, HEADERS = 300, 300, 500
PAYMENTS = 4000  # whose JSON is larger than a socket's buffers
PAGES = ("/", "/healthz", "/declaration/ask/", "/admin/login/")
STAFF_PAGES = ("/admin/", "/admin/funding/payment/add/")
ROUNDS = 5
ESTABLISHED = 1  # of TCP's states, in <linux/tcp.h>
THREADS = 4
MAX_MEMORY = 300_000_000  # bytes more than before, in all processes together
FAULT = "Slow clients"
FORM = (
    b"POST /declaration/ask/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken=" + b"x" * 32
    + b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\na"
)  # fmt: skip
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


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


@pytest.fixture(scope="module")
def asked(served):
    """What is asked for, and how: pages of a stranger, the signing of somebody invited, pages of signed-in staff."""
    values = {"VAR_DIR": str(served.folder), "DEMO": "1", "GRANTS_PREFIX": "360G-example"}
    bodies = str(2 + 2 * ROUNDS)  # one whose page is measured, one before the first measurement, and those of both
    prepared = run_python_for_json(values, "-m", "tests.support.faults.place", "prepare", bodies, "1")
    secrets = iter(prepared["secrets"].values())
    signatory, officer = Visitor(served.port), Visitor(served.port, {"sessionid": prepared["sessions"][0]})
    signatory.begin(next(secrets))

    def sign():
        visitor = Visitor(served.port)
        visitor.sign(visitor.fill_in(next(secrets)))

    stranger = Visitor(served.port)
    return {
        **{page: partial(stranger.page, page) for page in PAGES},
        DETAILS: partial(signatory.page, DETAILS),
        **{page: partial(officer.page, page) for page in STAFF_PAGES},
        "a whole signature": sign,
    }


def seconds_for(ask):
    """Return the median of several requests, one after the other."""
    took = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        ask()
        took.append(time.monotonic() - began)
    return statistics.median(took)


def most_seconds(usual):
    """What a page may take beside the strangers: twice its usual time. So short a wait as the floor nobody notices."""
    return max(2 * usual, usual + 0.25)


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


async def trickle(raw):
    """Send a byte now and then."""
    with suppress(OSError):
        while True:
            await asyncio.sleep(3)
            await asyncio.get_running_loop().sock_sendall(raw, b"a")


async def sip(raw):
    """Read a byte now and then."""
    with suppress(OSError):
        while True:
            await asyncio.sleep(3)
            await asyncio.get_running_loop().sock_recv(raw, 1)


async def begin(port, text, stack):
    """Open a connection, and send the beginning of a request, or all of it."""
    raw = await connect(port, stack)
    await asyncio.get_running_loop().sock_sendall(raw, text)
    return raw


def is_open(raw):
    """Whether neither side has ended a connection."""
    return raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED


def is_unanswered(raw):
    try:
        raw.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False


async def beside_strangers(served, path, ask):
    """Open all of them, measure while they are open, and return what was measured.

    The portal ends each in its time, so that they are opened anew for whatever is measured.
    """
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        readers = [
            await begin(served.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), stack)
            for _ in range(READERS)
        ]
        for raw in readers:
            assert await loop.sock_recv(raw, 1) == b"H"  # the large answer has been made
        senders = [await begin(served.port, text, stack) for text in [FORM] * BODIES + [HEAD] * HEADERS]
        tasks = [asyncio.create_task(trickle(raw)) for raw in senders]
        tasks += [asyncio.create_task(sip(raw)) for raw in readers]
        try:
            took = await asyncio.to_thread(seconds_for, ask)
            held = await asyncio.to_thread(memory, served)
            # Whoever is here now was here all the while: none comes back.
            assert sum(map(is_open, [*senders, *readers])) == BODIES + READERS + HEADERS
            assert all(map(is_unanswered, senders))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return took, held


def test_a_thousand_slow_clients_slow_nobody_down(served, asked, report):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    years = set(re.findall(r'href="(/funding/[\d-]+/)', served.get("/funding/")[1]))
    path = max((f"{year}payments.json" for year in years), key=lambda path: len(served.get(path)[1]))
    size, number = len(served.get(path)[1]), len(json.loads(served.get(path)[1])["rows"])
    assert size > 1_000_000
    assert number >= PAYMENTS  # whole, though it comes from a file
    for ask in asked.values():
        ask()
    before, most, times, too_slow = memory(served), 0, [], []
    for name, ask in asked.items():
        usual = seconds_for(ask)
        took, held = asyncio.run(beside_strangers(served, path, ask))
        most = max(most, held)
        times.append(f"{name} {usual * 1000:.0f} → {took * 1000:.0f} ms")
        too_slow += [times[-1]] * (took > most_seconds(usual))
    report(
        FAULT,
        done=f"{BODIES} bodies, {READERS} readers of {size:,} bytes and {HEADERS} headers at once, all still open "
        "after each measurement",
        whole=f"medians of {ROUNDS}: {', '.join(times)}; memory {before / 1e6:.0f} → {most / 1e6:.0f} MB",
        back="never away",
    )
    assert too_slow == []
    assert most - before < MAX_MEMORY


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
