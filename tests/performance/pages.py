"""What pages cost: `python -m tests.performance.pages`, with the launch content on SQLite.

A page that is kept in memory beside nginx, which sends the same bytes from a file, and beside granian alone, with a
callable that does nothing but send them; then each page made anew. All is in processor time of the server for each
request, which other work on the machine disturbs least, and in requests a second. With `--against COMMIT`, the portal
as it was then is served beside this one, and asked for the same pages in turn.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import django

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or ""
CONNECTIONS, TOGETHER = 8, 2  # of a client, and requests that it sends on each before it waits for the answers
REQUESTS, ROUNDS, FRESH = 8_000, 3, 60
PAGES = (
    "/", "/initiatives/", "/initiatives/?q=young+people", "/funding/2019-20/", "/funding/2019-20/payments/",
    "/partners/", "/events/", "/about/", "/declaration/", "/declaration/register/", "/brochure/",
    "/publications/launch-brochure/", "/data/",
)  # fmt: skip
NGINX_CONF = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; default_type text/html;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; index index.html; }}
}}
"""
BARE = """
from pathlib import Path
body, headers = Path("body").read_bytes(), eval(Path("headers").read_text())
async def application(scope, protocol):
    protocol.response_bytes(200, headers, body)
"""


class Cost(NamedTuple):
    """Of a request: microseconds of the server's processor time; and how many were answered in a second."""

    microseconds: float
    rate: float


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        default="",
        help="an earlier commit to measure beside this one, with the packages of this one",
    )
    options = parser.parse_args()
    django.setup()
    from tests.support.processes.portal_process import portal

    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        with portal(folder / "one", WORKERS=1) as one:  # nginx has one, too
            one.wait_until_ready()
            measure_kept(folder, one.port, list(one.web_server()))
        # As it is served by default: with one worker alone, its threads would move to and fro between two cores.
        served = {"now": stack.enter_context(portal(folder / "now"))}
        if options.against:
            tree = stack.enter_context(worktree(folder / "tree", options.against))
            command = ("env", "-C", str(tree), sys.executable, "manage.py", "serve")
            served[options.against[:7]] = stack.enter_context(portal(folder / "then", *command))
        for each in served.values():
            each.wait_until_ready()
        workers = {each.port: list(each.web_server()) for each in served.values()}
        print(f"\n{'page made anew, ms of CPU':<34}" + "".join(f"{name:>10}" for name in served) + f"{'kB':>10}")
        for path in PAGES:
            print(f"{path:<34}{measure_fresh(path, workers)}")
        print(
            f"\n{'memory after these pages, MB':<34}"
            + "".join(f"{memory(each.members()):>10.0f}" for each in served.values())
        )
    return 0


@contextmanager
def worktree(folder: Path, commit: str) -> Iterator[Path]:
    """Check an earlier commit out into a folder of its own."""
    git = [shutil.which("git") or "git", "-C", str(Path(__file__).parent), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def measure_fresh(path: str, workers: dict[int, list[int]]) -> str:
    """Return what a page costs each server when it is made anew, and how large it is.

    There is a dash for an earlier commit that did not have the page yet.
    """
    unkept = f"{path}{'&' if '?' in path else '?'}fresh=1"  # a parameter that no page knows
    best, sizes, now = dict.fromkeys(workers, float("inf")), {}, next(iter(workers))
    for _ in range(ROUNDS):
        for port, pids in workers.items():
            head, body = answer(port, asked(unkept, port))
            if head.split()[1] == b"404" and port != now:
                continue
            assert head.split()[1] == b"200", (path, head)
            sizes[port] = len(body)
            best[port] = min(best[port], load(port, asked(unkept, port), pids, FRESH).microseconds)
    costs = [f"{best[port] / 1000:.1f}" if port in sizes else "-" for port in workers]
    return "".join(f"{cost:>10}" for cost in costs) + f"{sizes[now] / 1000:>10.1f}"


def memory(members: dict[int, str]) -> float:
    """The megabytes that all processes of a portal hold, what several share in equal parts."""
    found = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in members]
    return sum(int(re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE)[0]) for text in found) / 1000


def measure_kept(folder: Path, port: int, workers: list[int]) -> None:
    """Print what the home page costs from memory, and what the same bytes cost elsewhere."""
    request = asked("/", port)
    for _ in range(2):
        head, body = answer(port, request)
    assert b"vru-portal; hit" in head, head
    rows = {"the portal, from memory": (port, workers)}
    with ExitStack() as stack:
        if NGINX:
            rows["nginx, a file"] = stack.enter_context(nginx(folder / "nginx", body))
        rows["granian, nothing but sending"] = stack.enter_context(bare_granian(folder / "bare", head, body))
        found: dict[str, list[Cost]] = {name: [] for name in rows}
        for _ in range(ROUNDS):  # in turn, so that other work on the machine disturbs all of them alike
            for name, (where, pids) in rows.items():
                found[name].append(load(where, asked("/", where), pids, REQUESTS))
    best = {name: min(costs) for name, costs in found.items()}
    file = best.get("nginx, a file")
    headings = "".join(f"{heading:>10}" for heading in ("µs of CPU", "of nginx", "a second", "of nginx"))
    print(f"{'home, ' + format(len(body), ',') + ' bytes':<34}{headings}")
    for name, cost in best.items():
        cheap = f"{file.microseconds / cost.microseconds:.2f}" if file else "-"
        fast = f"{cost.rate / file.rate:.2f}" if file else "-"
        print(f"{name:<34}{cost.microseconds:>10.0f}{cheap:>10}{cost.rate:>10,.0f}{fast:>10}")
    if not file:
        print("There is no nginx on this machine to compare with.")


@contextmanager
def nginx(folder: Path, body: bytes) -> Iterator[tuple[int, list[int]]]:
    """Serve a page as a file, with Debian's nginx and one worker."""
    from tests.support.processes.portal_process import free_port

    (folder / "www").mkdir(parents=True)
    for one in (folder, folder / "www"):
        one.chmod(0o755)  # its worker may be another account
    folder.parent.chmod(0o755)
    (folder / "www" / "index.html").write_bytes(body)
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=port))
    with process([NGINX, "-c", str(folder / "nginx.conf")], folder, port) as started:
        yield port, children(started)


@contextmanager
def bare_granian(folder: Path, head: bytes, body: bytes) -> Iterator[tuple[int, list[int]]]:
    """Serve the same bytes, with the same headers, as the portal's server does, and nothing else."""
    from tests.support.processes.portal_process import free_port

    folder.mkdir()
    headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")[1:]]
    (folder / "headers").write_text(repr([pair for pair in headers if pair[0] not in ("server", "date")]))
    (folder / "body").write_bytes(body)
    (folder / "bare.py").write_text(BARE)
    port = free_port()
    options = ["--interface", "rsgi", "--port", str(port), "--workers", "1", "--no-ws", "--log-level", "warning"]
    with process([sys.executable, "-m", "granian", *options, "bare:application"], folder, port) as started:
        yield port, children(started)


@contextmanager
def process(command: list[str], folder: Path, port: int) -> Iterator[int]:
    """Run a server until it is no longer needed."""
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as started:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield started.pid
        finally:
            started.terminate()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def asked(path: str, port: int) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()


def answer(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send one request; return head and body of the answer."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += client.recv(2**16)
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < int(length.split(b":")[1]):
            body += client.recv(2**16)
        return head, body


def load(port: int, request: bytes, pids: list[int], requests: int) -> Cost:
    """Send a request so often; all answers have the length of the first."""
    length = sum(map(len, answer(port, request))) + 4
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]
        buffer, sent = bytearray(2**20), 0
        used, began = processor_seconds(pids), time.monotonic()
        while sent < requests:
            for client in clients:
                client.sendall(request * TOGETHER)
            for client in clients:
                left = length * TOGETHER
                while left:
                    left -= client.recv_into(buffer, min(left, len(buffer)))
            sent += TOGETHER * CONNECTIONS
        took = time.monotonic() - began
    return Cost((processor_seconds(pids) - used) / sent * 1e6, sent / took)


def processor_seconds(pids: list[int]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vru_portal.settings")
    sys.exit(main())
