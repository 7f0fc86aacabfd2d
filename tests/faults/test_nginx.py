"""deploy/nginx.conf as Debian's nginx runs it, in front of a portal that serves an https address."""

import http.client
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection

from tests.support.processes.certificates import certificate
from tests.support.processes.databases import run_python_for_json
from tests.support.processes.portal_process import free_port, portal
from vru_portal.log_lines import LINK_PREFIXES

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or ""
CONFIGURATION = settings.BASE_DIR / "deploy" / "nginx.conf"
SLOW_BODIES = 20
pytestmark = [
    pytest.mark.server,
    pytest.mark.once,
    pytest.mark.skipif(not NGINX, reason="nginx is not installed (apt-get install nginx-light)"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the proxy is the same for both databases"),
]


def configured(folder, ports, upstream, **changes):
    """Write the configuration with this test's addresses and folders, and nothing else changed except on request."""
    text = CONFIGURATION.read_text()
    for written, here in {
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "listen 80;": f"listen 127.0.0.1:{ports['http']};",
        "listen 443 ssl": f"listen 127.0.0.1:{ports['https']} ssl",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "server_name vru.example.org": "server_name localhost",
        "/etc/ssl/vru.example.org": f"{folder}/portal",
        "/var/log/nginx": str(folder),
        "/var/cache/nginx/portal": f"{folder}/cache",
        **changes,
    }.items():
        assert written in text, written
        text = text.replace(written, here)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As root, nginx would serve as another user, who may not enter a test's folder.
    (folder / "main.conf").write_text(
        f"user root; daemon off; pid {folder}/pid; error_log {folder}/start.log; events {{}}\n"
        f"http {{{temporary}\n{text}\n}}"
    )
    return folder / "main.conf"


class Proxied:
    """A portal behind nginx, and how a browser reaches it."""

    def __init__(self, folder, ports, served, tls):
        self.folder, self.ports, self.served, self.tls = folder, ports, served, tls

    def ask(self, method, path, body=None, source="127.0.0.1", seconds=30, **headers):
        """Send a request over https from an address of this machine; return status, headers and text."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = http.client.HTTPSConnection(
            "localhost", self.ports["https"], timeout=seconds, context=self.tls, source_address=(source, 0)
        )
        with closing(asked):
            asked.request(method, path, body, headers)
            response = asked.getresponse()
            return response.status, response.headers, response.read().decode("utf-8", "replace")

    def post(self, path, values, **options):
        """Fetch the form of a page as a browser does, then send it."""
        _, headers, text = self.ask("GET", path)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
        assert token, text
        return self.ask(
            "POST",
            path,
            urlencode(values | {"csrfmiddlewaretoken": token[1]}),
            Cookie=headers["Set-Cookie"].partition(";")[0],
            Content_Type="application/x-www-form-urlencoded",
            Origin=f"https://localhost:{self.ports['https']}",
            Referer=f"https://localhost:{self.ports['https']}{path}",
            **options,
        )


@contextmanager
def nginx(folder, ports, upstream, **changes):
    main = configured(folder, ports, upstream, **changes)
    with (folder / "nginx.out").open("wb") as output:
        process = subprocess.Popen([NGINX, "-c", main, "-p", folder], stdout=output, stderr=output)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", ports["https"])) == 0:
                    break
            assert process.poll() is None, (folder / "nginx.out").read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory, template):
    folder = tmp_path_factory.mktemp("nginx")
    template.put_unit(folder / "var")
    ports = {"http": free_port(), "https": free_port()}
    tls = certificate(folder)
    address = f"https://localhost:{ports['https']}"
    with portal(folder / "var", PORTAL_URL=address, PORT=free_port(), TRUSTED_PROXIES=1) as served:
        served.wait_until_ready()
        with nginx(folder, ports, served.port):
            yield Proxied(folder, ports, served, tls)


def test_pages_and_static_files_come_through_with_the_portals_own_headers(proxied):
    status, headers, text = proxied.ask("GET", "/")
    assert status == 200
    assert headers.get_all("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains; preload"]
    assert headers.get_all("Content-Security-Policy")
    sheet = re.findall(r'href="(/static/css/[^"]+\.css)"', text)[0]
    for _ in range(2):  # the second one from the proxy's own store
        status, headers, _ = proxied.ask("GET", sheet, Accept_Encoding="gzip")
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert "immutable" in headers["Cache-Control"]
    plain = http.client.HTTPConnection("127.0.0.1", proxied.ports["http"], timeout=30)
    with closing(plain):
        plain.request("GET", "/about/?a=b")
        response = plain.getresponse()
        assert (response.status, response.headers["Location"]) == (308, "https://localhost/about/?a=b")


# The networks whose wrong passwords were counted, under a hash that only the portal can make.
COUNTED = """
import django; django.setup()
import json
from django_smart_ratelimit.models import RateLimitCounter
from vru_portal.accounts.sign_in_throttling import NETWORK_GUESSES
networks = ("127.0.0.1", "127.0.0.2", "203.0.113.9")
rows = RateLimitCounter.objects
print(json.dumps([one for one in networks if rows.filter(key__contains=NETWORK_GUESSES.key(one)).exists()]))
"""


def test_the_portal_sees_the_clients_address_and_no_forged_one(proxied):
    wrong = {"login": "nobody", "password": "wrong"}
    for source, forged in (("127.0.0.1", {}), ("127.0.0.1", {"X_Forwarded_For": "203.0.113.9"}), ("127.0.0.2", {})):
        status, _, text = proxied.post("/admin/login/", wrong, source=source, **forged)
        assert status == 200, text  # past the CSRF check
    assert run_python_for_json({"VAR_DIR": str(proxied.folder / "var")}, "-c", COUNTED) == ["127.0.0.1", "127.0.0.2"]


def test_the_portals_log_has_the_id_that_the_proxy_gave_and_no_forged_one(proxied):
    _, headers, _ = proxied.ask("GET", "/about/", X_Request_ID="forged-by-a-client")
    given = headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", given)
    log, until = proxied.folder / "portal.log", time.monotonic() + 10
    while given not in log.read_text() and time.monotonic() < until:
        time.sleep(0.05)  # a line is written after its answer
    assert given in log.read_text()


def test_a_forged_scheme_does_not_pass(proxied):
    assert proxied.ask("GET", "/", X_Forwarded_Proto="http")[0] == 200  # or it would be redirected to https for ever


def test_a_large_body_ends_at_the_proxy(proxied):
    for path, size in (("/declaration/ask/", 2 * 2**20), ("/admin/login/", 33 * 2**20)):
        # The head alone: nginx answers before the body has come.
        status, headers, _ = proxied.ask("POST", path, b"", Content_Length=str(size))
        assert (status, headers["Server"]) == (413, "nginx"), path
    # A form's limit is not that of staff's files, for which nginx waits.
    with pytest.raises(TimeoutError):
        proxied.ask("POST", "/admin/login/", b"", seconds=2, Content_Length=str(2 * 2**20))


def connections_to(port):
    """How many connections to this port are open, as the kernel lists them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f":{port:04X}"
    return sum(line.split()[1].endswith(wanted) and line.split()[3] == "01" for line in lines)


def open_with_slow_bodies(proxied):
    """How many more connections the portal has while bodies trickle in."""
    before = connections_to(proxied.served.port)
    with ExitStack() as stack:
        for _ in range(SLOW_BODIES):
            raw = stack.enter_context(socket.create_connection(("localhost", proxied.ports["https"])))
            secure = stack.enter_context(proxied.tls.wrap_socket(raw, server_hostname="localhost"))
            secure.sendall(b"POST /declaration/ask/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\na")
        time.sleep(1)
        assert proxied.ask("GET", "/healthz")[0] == 200
        return connections_to(proxied.served.port) - before


def test_a_slow_body_stays_with_the_proxy(proxied, report):
    beside = open_with_slow_bodies(proxied)
    assert beside <= 2
    folder = proxied.folder / "unbuffered"
    folder.mkdir()
    for name in ("portal.pem", "portal.key"):
        shutil.copy(proxied.folder / name, folder)
    ports = {"http": free_port(), "https": free_port()}
    control = Proxied(folder, ports, proxied.served, proxied.tls)
    with nginx(folder, ports, proxied.served.port, **{"request_buffering on": "request_buffering off"}):
        reached = open_with_slow_bodies(control)
    assert reached >= SLOW_BODIES
    report(
        "Slow bodies at nginx",
        done=f"{SLOW_BODIES} bodies that trickle, over TLS",
        whole=f"{beside} of their connections reached the portal, which answered beside them",
        control=f"without proxy_request_buffering, {reached} reached it",
    )


def test_many_files_in_a_row_are_too_many_and_a_links_secret_is_in_no_log(proxied):
    assert {proxied.ask("GET", "/funding/2019-20/payments.json")[0] for _ in range(40)} >= {429}
    assert proxied.ask("GET", "/")[0] == 200
    log, secret = proxied.folder / "portal.log", "s" * 32
    whole = [f"{prefix}{secret}/?from=mail" for prefix in LINK_PREFIXES]
    mangled = [f"/declaration/{rest}{secret}/" for rest in ("/sign/", "sign%2F", "./sign/", "sign/%20", "Sign/")]
    for number, address in enumerate([*whole, *mangled], start=1):
        proxied.ask("GET", address)
        until = time.monotonic() + 10
        while log.read_text().count("/***") < number and time.monotonic() < until:
            time.sleep(0.05)  # a line is written after its answer
        assert log.read_text().count("/***") == number, address
    assert secret not in "".join(path.read_text() for path in proxied.folder.glob("*.log"))
