"""What the server does before it calls the portal: tested over HTTP, since only a server speaks its interface."""

import http.client
import json
import re
import socket
import sqlite3
import time
from contextlib import closing

import pytest
from django.db import connection

from funding.regranting.forms import LARGEST_FILE
from tests.support.processes.portal_process import SECONDS_TO_STOP, portal, run

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("serve"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the server is the same for both databases"),
]

TOKEN = "m" * 40
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def served(tmp_path_factory, template):
    folder = tmp_path_factory.mktemp("rsgi") / "var"
    template.put_unit(folder)
    with portal(folder, WORKERS=1, TRUSTED_PROXIES=1, LOG_FORMAT="json", MONITORING_TOKEN=TOKEN) as started:
        started.wait_until_ready()
        yield started


def ask(served, method, path, body=None, **headers):
    """Return the answer, and its text as far as it is text."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=SECONDS_TO_STOP)) as client:
        client.request(method, path, body, {"Host": "localhost", **headers})
        response = client.getresponse()
        return response, response.read().decode(errors="replace")


def raw(served, text):
    """Send something as it is; return the beginning of what comes back."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS_TO_STOP) as client:
        client.sendall(text)
        return client.recv(65536).decode()


def test_addresses_and_headers_arrive_as_they_were_sent(served):
    assert ask(served, "GET", "/initiatives/?q=caf%C3%A9")[1].count("café") > 0
    assert ask(served, "GET", "/caf%C3%A9%2F%ff/")[0].status == 404
    response, _ = ask(served, "GET", "/privacy/", Accept_Encoding="gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    again, text = ask(served, "GET", "/privacy/", Accept_Encoding="gzip", If_None_Match=response.headers["ETag"])
    assert (again.status, text) == (304, "")
    head, text = ask(served, "HEAD", "/privacy/")
    assert (head.status, text) == (200, "")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "get", "X" * 10_000])
@pytest.mark.parametrize("path", ["/", "/healthz", "/admin/", "/static/x"])
def test_a_method_that_nothing_answers_is_refused(served, method, path):
    answer = raw(served, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert re.match(r"HTTP/1.1 (405|400) ", answer), answer[:200]
    assert "TRACE" not in answer


@pytest.mark.parametrize(
    "hosts",
    [("localhost.",), ("localhost:1",), ("localhost@evil.example.org",), ("localhost", "evil.example.org"), ("[::1",)],
)
def test_another_spelling_of_the_host_and_a_second_one_are_refused(served, hosts):
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    assert raw(served, f"GET / HTTP/1.1\r\n{lines}\r\n".encode()).startswith("HTTP/1.1 400 ")
    assert raw(served, b"GET / HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n").startswith("HTTP/1.1 200 ")
    assert "Traceback" not in served.printed


def test_http_2_is_refused_and_so_are_large_headers(served):
    assert not raw(served, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0").startswith("\0")  # a frame
    for lines in ("X: y\r\n" * 101, f"X: {'y' * 33_000}\r\n", f"Cookie: {'y' * 9_000}\r\n"):
        answer = raw(served, f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        assert answer.startswith("HTTP/1.1 431 "), answer


def test_a_cookie_and_a_form_arrive_and_two_cookies_are_two(served):
    page, text = ask(served, "GET", "/admin/account/login/")
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', text)[0]
    cookie = page.headers["Set-Cookie"].split(";")[0]
    body = f"csrfmiddlewaretoken={token}&login=nobody&password=nothing"
    answer, text = ask(served, "POST", "/admin/account/login/", body, Cookie=f"a=b; {cookie}", **FORM)
    assert answer.status == 200
    assert "nobody" in text


@pytest.mark.parametrize(
    "path", ["/declaration/ask/", "/onward-grants/report/file/", "/admin/programmes/picture/add/", "/nope/"]
)
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(served, path):
    for length in (2**20 + 1, 300_000_000):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid=made-up\r\nContent-Length: {length}\r\n\r\n"
        )
        answer = raw(served, head.encode())
        assert answer.startswith("HTTP/1.1 413 ")
        assert "This file or form is larger than 1 MB. Nothing was saved." in answer


def test_the_largest_file_of_grants_is_read_from_whoever_has_a_link(served):
    file = "x" * LARGEST_FILE
    body = f'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n{file}\r\n--b--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer, _ = ask(served, "POST", "/onward-grants/report/file/", body, **kind)
    assert answer.status == 403  # read, and refused for want of a token


def test_staff_may_send_more_and_not_just_anything(served):
    made = run(served.folder, "shell", "-v0", "-c", SIGN_IN)
    assert made.returncode == 0, made.stderr
    cookie = f"sessionid={made.stdout.strip()}"
    large = "x" * (2**20 + 1)
    answer, _ = ask(served, "POST", "/admin/programmes/picture/add/", large, Cookie=cookie, **FORM)
    assert answer.status == 403  # read, and refused for want of a token
    for path, length in (("/declaration/ask/", len(large)), ("/admin/", 300_000_000)):
        # its head alone: a client that is still sending when the answer comes finds the connection closed
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n"
        assert raw(served, head.encode()).startswith("HTTP/1.1 413 ")


SIGN_IN = """
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from vru_portal.accounts.sessions import SessionStore
user = get_user_model().objects.create_superuser("large")
session = SessionStore()
session.update({"_auth_user_id": str(user.pk), "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[0],
    HASH_SESSION_KEY: user.get_session_auth_hash()})
session.create()
print(session.session_key)
"""


def test_a_body_of_no_stated_length_and_nonsense_are_refused(served):
    head = "POST /declaration/ask/ HTTP/1.1\r\nHost: localhost\r\n"
    chunked = raw(served, f"{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode())
    assert chunked.startswith("HTTP/1.1 411 ")
    assert raw(served, f"{head}Content-Length: ten\r\n\r\n".encode()).startswith("HTTP/1.1 400 ")


def test_a_body_that_breaks_off_reaches_nobody(served):
    before = rows(served)
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"POST /declaration/ask/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname=")
    assert served.get("/healthz") == (200, "ok\n")
    assert rows(served) == before
    assert "Traceback" not in served.printed


def rows(served):
    with sqlite3.connect(served.folder / "portal.sqlite3") as database:
        found = database.execute("SELECT count(*) FROM declarations_signingrequest").fetchone()
    database.close()
    return found


def test_a_file_is_sent_whole(served):
    """From memory; tests/faults/test_slow_clients.py asks for larger ones, which come from the disk."""
    response, text = ask(served, "GET", "/declaration/register/verify.py")
    assert response.status == 200
    assert len(text.encode()) == int(response.headers["Content-Length"])


# Pages that are answered from memory ----------------------------------------------------------------------------------


def from_memory(served, path, **headers):
    """Ask until a page comes from memory; return the answer and its text."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer, text = ask(served, "GET", path, **headers)
        if "cache-status" in answer.headers:
            return answer, text
    raise AssertionError(f"{path} is never kept.")


def sql(served, *statements):
    """Write as no form of the portal does."""
    with closing(sqlite3.connect(served.folder / "portal.sqlite3", timeout=60)) as database, database:
        for statement in statements:
            database.execute(statement)


def slogan(served, text):
    sql(served, f"UPDATE partners_unit SET slogan = '{text}', slogan_emphasis = ''")  # noqa: S608


def shown_after(served, path, wanted, seconds=60):
    """Return whether a page shows a text before so many seconds are over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if wanted in ask(served, "GET", path)[1]:
            return True
        time.sleep(0.05)
    return False


def test_a_page_from_memory_is_the_same_page(served):
    made, text = ask(served, "GET", "/cookies/")
    kept, again = from_memory(served, "/cookies/")
    differing = {"x-request-id", "date", "cache-status", "last-modified"}
    assert text == again
    assert [pair for pair in made.headers.items() if pair[0] not in differing] == [
        pair for pair in kept.headers.items() if pair[0] not in differing
    ]
    head, nothing = ask(served, "HEAD", "/cookies/")
    assert (head.status, nothing, head.headers["Content-Length"]) == (200, "", str(len(text.encode())))
    for accepted in ("gzip", "br", "identity"):
        answer, _ = ask(served, "GET", "/cookies/", Accept_Encoding=accepted)
        assert answer.headers.get("Content-Encoding", "identity") == accepted
        unchanged, text = ask(served, "GET", "/cookies/", If_None_Match=answer.headers["ETag"])
        assert (unchanged.status, text, "Content-Type" in unchanged.headers) == (304, "", False)


def test_what_a_visitor_sends_gets_into_no_page(served):
    evil = "evil.example.org"
    poison = {
        "X_Forwarded_Host": evil,
        "X_Original_URL": "/admin/",
        "Accept_Language": "cy",
        "Forwarded": f"host={evil}",
    }
    slogan(served, "Before the poison")
    assert shown_after(served, "/", "Before the poison")
    first, text = ask(served, "GET", "/events/", **poison)
    assert evil not in text
    kept, again = from_memory(served, "/events/")
    assert (again, kept.headers["ETag"]) == (text, first.headers["ETag"])
    assert from_memory(served, "/events/", Cookie="a=b; _ga=c")[1] == text
    for headers in ({"Cookie": "a=b; csrftoken=c"}, {"Authorization": "Basic eA=="}, {"Range": "bytes=0-9"}):
        assert "cache-status" not in ask(served, "GET", "/events/", **headers)[0].headers, headers
    assert ask(served, "GET", "/events/", Host=evil)[0].status == 400
    cookies = {ask(served, "GET", "/admin/account/login/")[0].headers["Set-Cookie"] for _ in range(3)}
    assert len(cookies) == 3


def test_sql_of_another_process_changes_a_kept_page_and_without_the_trigger_does_not(served):
    slogan(served, "Written elsewhere")
    assert shown_after(served, "/", "Written elsewhere")
    from_memory(served, "/")
    slogan(served, "Written again")
    assert shown_after(served, "/", "Written again")
    from_memory(served, "/")
    with closing(sqlite3.connect(served.folder / "portal.sqlite3")) as database:
        [trigger] = database.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'partners_unit_content_update'"
        ).fetchone()
    sql(served, "DROP TRIGGER partners_unit_content_update")
    slogan(served, "Never noticed")
    assert not shown_after(served, "/", "Never noticed", seconds=3)  # the control
    sql(served, trigger)
    slogan(served, "Noticed")
    assert shown_after(served, "/", "Noticed")


def test_an_unpublished_page_is_gone_immediately(served):
    made = run(served.folder, "shell", "-v0", "-c", SIGN_IN.replace('"large"', '"unpublishes"') + STORY)
    assert made.returncode == 0, made.stderr
    key, story, path = made.stdout.split()
    assert from_memory(served, path)[0].status == 200
    address = f"/admin/programmes/story/{story}/unpublish/"
    page, text = ask(served, "GET", address, Cookie=f"sessionid={key}")
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', text)[0]
    cookie = f"sessionid={key}; {page.headers['Set-Cookie'].split(';')[0]}"
    answer, _ = ask(served, "POST", address, f"csrfmiddlewaretoken={token}", Cookie=cookie, **FORM)
    assert answer.status == 302
    assert ask(served, "GET", path)[0].status == 404


STORY = """
from tests.support.factories import StoryFactory
story = StoryFactory()
print(story.pk, story.get_absolute_url())
"""


def test_while_the_database_is_away_kept_pages_are_served_and_say_so(served):
    from_memory(served, "/")
    database, away = served.folder / "portal.sqlite3", served.folder / "away.sqlite3"
    database.rename(away)
    database.mkdir()  # nothing can make a new one in its place
    try:
        until = time.monotonic() + 60
        while "warning" not in (answer := ask(served, "GET", "/")[0]).headers and time.monotonic() < until:
            time.sleep(0.1)
        assert answer.status == 200
        assert answer.headers["warning"] == '110 - "Response is Stale"'
        assert int(answer.headers["age"]) > 0
        while ask(served, "GET", f"/complaints/?{time.monotonic()}")[0].status == 200:
            assert time.monotonic() < until  # a connection that is open already outlives it for a while
            time.sleep(0.5)
    finally:
        database.rmdir()
        away.rename(database)
    slogan(served, "Back again")
    assert shown_after(served, "/", "Back again")
    assert "warning" not in from_memory(served, "/")[0].headers


def test_an_answer_from_memory_is_one_line_and_is_counted(served):
    answer, text = from_memory(served, "/cookies/")
    [line] = lines(served, answer.headers["X-Request-ID"])
    assert {name: value for name, value in line.items() if name not in ("time", "ms")} == {
        "level": "info",
        "logger": "vru_portal.access",
        "event": "Request",
        "request_id": answer.headers["X-Request-ID"],
        "method": "GET",
        "path": "/cookies/",
        "status": 200,
        "bytes": len(text.encode()),
    }
    before = counted(served)
    last = [from_memory(served, "/cookies/")[0].headers["X-Request-ID"] for _ in range(5)][-1]
    lines(served, last)
    assert counted(served) >= before + 5


def counted(served):
    text = ask(served, "GET", "/metrics", Authorization=f"Bearer {TOKEN}")[1]
    return int(re.findall(r'^portal_requests_total\{method="GET",status="2xx"\} (\d+)', text, re.MULTILINE)[0])


# The log and the metrics ----------------------------------------------------------------------------------------------


def lines(served, request_id):
    """Return what the log says about a request, once it says that it was answered."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        whole = served.printed.rpartition("\n")[0].splitlines()  # the last line may be being written
        events = [json.loads(line) for line in whole if line.startswith("{")]
        found = [event for event in events if event.get("request_id") == request_id]
        if any(event["event"] == "Request" for event in found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{request_id} is not in the log: {served.printed}")


@pytest.mark.parametrize(
    ("given", "accepted"),
    [("a1b2c3d4-ours", True), ("short", False), ("a" * 65, False), ('a1b2c3d4"; x=1', False), ("", False)],
)
def test_each_answer_bears_an_id_which_a_proxy_may_have_given(served, given, accepted):
    response, _ = ask(served, "GET", "/robots.txt?q=who", X_Request_ID=given)
    request_id = response.headers["X-Request-ID"]
    assert (request_id == given) is accepted
    [line] = lines(served, request_id)
    assert {name: line[name] for name in ("level", "logger", "method", "path", "status", "bytes")} == {
        "level": "info",
        "logger": "vru_portal.access",
        "method": "GET",
        "path": "/robots.txt",
        "status": 200,
        "bytes": int(response.headers["Content-Length"]),
    }
    assert line["ms"] > 0


def test_what_is_refused_before_and_in_the_portal_is_one_line_and_one_warning(served):
    """A made-up host, a field too many, a broken file; a body that is too large for the portal to be asked."""
    many = "&".join(f"a{n}=1" for n in range(1001))
    cookie = {"Cookie": f"csrftoken={'a' * 32}"}  # so that the body is read
    broken = {"Content-Type": "multipart/form-data"}
    for number, (body, headers) in enumerate(
        [(None, {"Host": "evil.example.org"}), (many, FORM | cookie), ("x", broken | cookie)]
    ):
        response, _ = ask(served, "POST", "/declaration/ask/", body, **headers, X_Request_ID=f"refused-{number}")
        assert response.status == 400
        found = lines(served, f"refused-{number}")
        assert [line["level"] for line in found] == ["warning", "info"]
        assert not [line for line in found if "at" in line]
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: too-large\r\nContent-Length: {2**20 + 1}\r\n\r\n"
    assert "x-request-id: too-large\r\n" in raw(served, head.encode())
    assert [(line["level"], line["status"]) for line in lines(served, "too-large")] == [("info", 413)]
    assert "Traceback" not in served.printed


def test_a_secret_link_is_in_no_line(served):
    secret = "s" * 43
    response, _ = ask(served, "GET", f"/declaration/sign/{secret}/?token={secret}")
    found = lines(served, response.headers["X-Request-ID"])
    assert {line["path"] for line in found if "path" in line} == {"/declaration/sign/***/"}
    assert secret not in served.printed


def test_the_units_monitoring_gets_the_metrics_of_all_processes(served):
    lines(served, ask(served, "GET", "/robots.txt")[0].headers["X-Request-ID"])  # it is counted before it is logged
    answer, text = ask(served, "GET", "/metrics", Authorization=f"Bearer {TOKEN}")
    assert answer.status == 200
    requests = re.findall(r'^portal_requests_total\{method="GET",status="2xx"\} (\d+)', text, re.MULTILINE)
    assert int(requests[0]) > 0
    assert "portal_database_wait_seconds_count" in text
    assert ask(served, "GET", "/metrics")[0].status == 404
    assert served.get("/readyz") == (200, "ok\n")
