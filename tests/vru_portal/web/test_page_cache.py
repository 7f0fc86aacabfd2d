"""Pages that are answered from memory: which are kept, who for, how many, and until when."""

import asyncio
import gzip
import threading
from types import SimpleNamespace

import brotli
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import override_settings

from tests.vru_portal.test_queries import PAGES
from vru_portal.web import page_cache
from vru_portal.web.cookies import set_cookie
from vru_portal.web.page_cache import Page, PageCache, PageKey, best_encoding, is_page, key_of, seconds_until_tomorrow

HOST = "localhost:8000"
HTML = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "5"), ("ETag", 'W/"of Django"')]
BODY = b"<p>Twelve thousand steps.</p>" * 40
FIRST, SECOND = ("first", "2032-05-06", 1), ("second", "2032-05-06", 1)
HOME = PageKey(HOST, "/", ())


class Headers(dict[str, str]):
    """As granian has them."""

    def get_all(self, name):
        return [value for value in self.get(name, "").split("\n") if value]


def request(path="/", query="", method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = Headers({"host": HOST, "accept": "text/html", "user-agent": "x"} | named)
    return SimpleNamespace(method=method, path=path, query_string=query, headers=given, authority=None)


@pytest.fixture(autouse=True)
def hosts(settings):
    settings.HOST_HEADERS = {HOST, "localhost"}


class Content:
    """The state of the content, as a test sets it."""

    def __init__(self):
        self.state, self.fails = FIRST, False

    def __call__(self):
        if self.fails:
            raise OperationalError("The database is away.")
        return self.state


@pytest.fixture
def content():
    return Content()


@pytest.fixture
def cache(content):
    made = PageCache(content)
    made.read_state()
    return made


class Making:
    """Makes a page, and counts how often."""

    def __init__(self, page=None, started=None, until=None):
        self.page, self.started, self.until, self.times = page, started, until, 0

    async def __call__(self):
        self.times += 1
        if self.started:
            self.started.set()
        if self.until:
            await self.until.wait()
        return self.page or Page(200, HTML, BODY, FIRST)


def ask(cache, key=HOME, make=None):
    """Ask for a page; return whether it came from memory."""
    if cache.get(key):
        return True
    asyncio.run(cache.make_once(key, make or Making(Page(200, HTML, BODY, cache.state))))
    return False


# Which requests -------------------------------------------------------------------------------------------------------


def test_a_key_has_nothing_of_the_visitor():
    plain = key_of(request())
    assert plain == HOME
    for name, value in {
        "x_forwarded_host": "evil.example.org",
        "x_original_url": "/admin/",
        "x_rewrite_url": "/admin/",
        "x_http_method_override": "POST",
        "x_forwarded_prefix": "/evil",
        "accept_language": "cy",
        "accept_encoding": "br",
        "forwarded": "host=evil.example.org",
        "origin": "https://evil.example.org",
        "if_none_match": '"x"',
    }.items():
        assert key_of(request(**{name: value})) == plain, name
    assert key_of(request(method="HEAD")) == plain
    assert key_of(request(host=HOST.upper())) == plain
    assert key_of(request(host="localhost")) != plain  # pages may name the address that was asked for


OWN_COOKIES = ("sessionid", "csrftoken", "session_changes", "known_device", "signing", "return", "onward")


@pytest.mark.parametrize("cookie", ["a=b", "a=b\n_ga=c; PHPSESSID=d", ""])
def test_cookies_of_others_change_nothing(cookie):
    assert key_of(request(cookie=cookie)) == key_of(request())


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "signing"])
def test_over_https_the_portals_cookies_have_other_names(settings, name):
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.COOKIE_PREFIX = "__Host-"
    assert key_of(request(cookie=f"a=b; __Host-{name}=x")) is None
    assert key_of(request(cookie=f"a=b; {name}=x")) == HOME


def test_a_cookie_that_is_not_declared_is_not_set():
    for name in OWN_COOKIES[2:]:
        set_cookie(HttpResponse(), name, "x")
    with pytest.raises(ValueError, match="Add another to OWN"):
        set_cookie(HttpResponse(), "another", "x")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("OPTIONS", {}),
        *(("GET", {name: "x"}) for name in sorted(page_cache.PASSED_ON)),
        *(("GET", {"cookie": f"a=b{between}{name}=x; c=d"}) for name in OWN_COOKIES for between in ("; ", ";", "\n")),
        *(("GET", {"host": host}) for host in ("evil.example.org", "localhost.", "localhost:1", f"{HOST}\n{HOST}", "")),
    ],
)
def test_requests_with_credentials_or_other_conditions_are_passed_on(method, headers):
    assert key_of(request(method=method, **headers)) is None


def test_parameters_are_put_in_order_and_odd_queries_are_passed_on():
    assert key_of(request(query="level=b&level=a&q=x+y")) == key_of(request(query="q=x%20y&level=b&level=a"))
    # of a parameter that takes one value, the last one counts
    assert key_of(request(query="sort=name&sort=level")) != key_of(request(query="sort=level&sort=name"))
    assert key_of(request(query="sort=name&sort=level")) == PageKey(HOST, "/", (("sort", "name"), ("sort", "level")))
    assert key_of(request(query="q=x")) != key_of(request(query="q=y"))
    for odd in ("q=%ff", "q=" + "x" * 600, "&".join(f"a{n}=1" for n in range(41))):
        assert key_of(request(query=odd)) is None, odd


def test_behind_https_only_what_came_by_https_is_kept(settings):
    settings.ADDRESS = SimpleNamespace(is_secure=True)
    assert key_of(request()) is None
    assert key_of(request(x_forwarded_proto="http")) is None
    assert key_of(request(x_forwarded_proto="https")) == HOME


def test_with_debug_nothing_is_kept():
    with override_settings(DEBUG=True):
        assert key_of(request()) is None


PERSONAL = (
    "/declaration/ask/", "/declaration/sign/", "/declaration/sign/details/", "/declaration/sign/receipt.pdf",
    f"/declaration/sign/{'s' * 43}/", "/admin/", "/admin/account/login/", "/healthz", "/readyz", "/metrics",
    "/pictures/draft/", "/documents/draft/", "/nope/", "/declaration/register/consistency.json",
)  # fmt: skip


def test_only_pages_whose_view_says_so_are_for_everybody():
    assert [path for path in PERSONAL if is_page(PageKey(HOST, path, ()))] == []
    named = dict.fromkeys(("initiative", "story", "organisation", "person", "publication", "statement", "heading"), "x")
    missed = [path for path in PAGES if not is_page(PageKey(HOST, path.partition("?")[0].format(**named), ()))]
    # The calendar is a file on disk, which is shared in another way.
    assert missed == ["/funding/", "/events.ics", "/nope/", "/healthz", "/readyz"]


@pytest.mark.django_db
@pytest.mark.once
def test_a_page_is_made_from_its_key_alone(monkeypatch):
    from vru_portal.server import rsgi  # which looks for the folder of static files

    asked = {}

    def portal(environ, start):
        asked.update(environ)
        start("200 OK", HTML)
        return [BODY]

    monkeypatch.setattr(rsgi, "portal", portal)
    application = rsgi.Application()
    given = {
        "REQUEST_METHOD": "HEAD", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1", "vru_portal.request_id": "a" * 8,
        "QUERY_STRING": "q=a&level=b", "CONTENT_TYPE": "text/evil", "wsgi.url_scheme": "http",
        **{f"HTTP_{name}": "evil" for name in ("COOKIE", "X_FORWARDED_HOST", "X_ORIGINAL_URL", "ACCEPT_LANGUAGE")},
    }  # fmt: skip
    key = PageKey(HOST, "/", (("level", "b"), ("q", "a")))
    assert application.page_for(key, given).body == BODY
    assert "evil" not in asked.values()
    assert (asked["REQUEST_METHOD"], asked["QUERY_STRING"], asked["HTTP_HOST"]) == ("GET", "level=b&q=a", HOST)
    assert {name for name in asked if name.startswith("HTTP_")} == {
        "HTTP_HOST", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO",
    }  # fmt: skip


# Which answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "body", "state"),
    [
        (200, [], BODY, None),  # the view did not say that it is for everybody, or not for this address
        (404, [], BODY, FIRST),
        (301, [], b"", FIRST),
        (200, [("Set-Cookie", "sessionid=x")], BODY, FIRST),
        (200, [("Vary", "Accept-Encoding, Cookie")], BODY, FIRST),
        (200, [], b"x" * (page_cache.LARGEST_PAGE + 1), FIRST),
        (200, [], BODY, SECOND),  # of a state that is not the present one
    ],
)
def test_other_answers_are_not_kept(cache, status, headers, body, state):
    assert not ask(cache, make=Making(Page(status, [*HTML, *headers], body, state)))
    assert cache.get(HOME) is None


def test_a_page_is_kept_and_its_variants_are_made_once(cache):
    assert not ask(cache)
    assert ask(cache)
    page = cache.get(HOME)
    for accepted, unpacked in {
        "gzip, deflate, br, zstd": brotli.decompress,
        "gzip": gzip.decompress,
        "": bytes,
        "identity, *;q=0": bytes,
    }.items():
        variant = cache.variant(HOME, page, accepted)
        headers = dict(variant.headers)
        assert unpacked(variant.body) == BODY, accepted
        assert headers["content-length"] == str(len(variant.body))
        assert headers["vary"] == "Accept-Encoding"
        assert variant is cache.variant(HOME, page, accepted)
    tags = {dict(cache.variant(HOME, page, accepted).headers)["etag"] for accepted in ("br", "gzip", "")}
    assert len(tags) == 3
    assert all(page.is_known(f'W/"other", {tag}') for tag in tags)
    assert page.is_known("*")
    assert not page.is_known('"other"')
    assert not page.is_known(None)
    assert not {"content-type", "content-length"} & dict(page.variant("br").headers_of_304).keys()


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, br", "br"), ("br;q=0, gzip", "gzip"), ("gzip;q=0.000", ""), ("GZIP;q=0.5", "gzip"), ("zstd", ""),
        ("x" * 10_000, ""), ("gzip ; q=1", "gzip"), ("xgzip", ""),
    ],
)  # fmt: skip
def test_the_smallest_encoding_that_is_allowed_is_sent(accepted, encoding):
    assert best_encoding(accepted) == encoding


def test_the_date_of_a_page_that_has_not_changed_stays(cache, content, time_machine):
    time_machine.move_to("2032-05-06 12:00+00:00", tick=False)
    ask(cache)
    time_machine.move_to("2032-05-06 13:00+00:00", tick=False)
    content.state = SECOND
    cache.read_state()
    ask(cache)
    assert dict(cache.get(HOME).variant("").headers)["last-modified"] == "Thu, 06 May 2032 12:00:00 GMT"
    content.state = FIRST
    cache.read_state()
    ask(cache, make=Making(Page(200, HTML, b"Another.", FIRST)))
    assert dict(cache.get(HOME).variant("").headers)["last-modified"] == "Thu, 06 May 2032 13:00:00 GMT"


# How many -------------------------------------------------------------------------------------------------------------


def test_a_thousand_made_up_addresses_fill_nothing(cache):
    ask(cache)
    for number in range(1000):
        assert not ask(cache, PageKey(HOST, "/", (("q", str(number)),)))
    assert (len(cache.plain.pages), len(cache.filtered.pages)) == (1, 0)
    wanted = PageKey(HOST, "/", (("q", "walk"),))
    assert [ask(cache, wanted) for _ in range(3)] == [False, False, True]


def test_there_is_an_end_to_what_is_kept_and_what_is_asked_for_stays(cache, monkeypatch):
    monkeypatch.setattr(page_cache, "MAX_PAGES", 10)
    monkeypatch.setattr(page_cache, "MAX_ASKED_ONCE", 20)
    ask(cache)
    for number in range(100):
        ask(cache, PageKey(HOST, f"/partners/{number}/", ()))
        assert ask(cache)
        for _ in range(2):
            ask(cache, PageKey(HOST, "/", (("q", str(number)),)))
    assert (len(cache.plain.pages), len(cache.filtered.pages)) == (10, 10)
    assert len(cache.asked_once) <= 20


def test_bytes_are_counted_in_every_encoding(cache, monkeypatch):
    monkeypatch.setattr(page_cache, "MAX_BYTES", 3 * len(BODY))
    for path in ("/a/", "/b/", "/c/"):
        ask(cache, PageKey(HOST, path, ()))
    assert cache.plain.size == 3 * len(BODY)
    last = PageKey(HOST, "/c/", ())
    cache.variant(last, cache.get(last), "br")
    assert [key.path for key in cache.plain.pages] == ["/b/", "/c/"]
    assert cache.plain.size == sum(page.size for page in cache.plain.pages.values()) < 3 * len(BODY)


# At the same moment ---------------------------------------------------------------------------------------------------


def test_twenty_simultaneous_requests_make_a_page_once(cache):
    async def crowd(make, until):
        asking = [asyncio.ensure_future(cache.make_once(HOME, make)) for _ in range(20)]
        await asyncio.sleep(0)
        asking[0].cancel()  # who came first goes away again
        until.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    until = asyncio.Event()
    make = Making(until=until)
    gone, *pages = asyncio.run(crowd(make, until))
    assert isinstance(gone, asyncio.CancelledError)
    assert ({page.body for page in pages}, make.times) == ({BODY}, 1)
    assert cache.get(HOME)


def test_what_is_nobody_elses_is_made_for_each(cache):
    async def crowd():
        return await asyncio.gather(*(cache.make_once(HOME, make) for _ in range(5)))

    make = Making(Page(200, [*HTML, ("Set-Cookie", "csrftoken=x")], BODY, FIRST))
    asyncio.run(crowd())
    assert make.times == 5


def test_a_page_that_was_begun_before_a_change_is_given_to_nobody_after_it(cache, content):
    async def race():
        started, until = asyncio.Event(), asyncio.Event()
        early = asyncio.ensure_future(cache.make_once(HOME, Making(started=started, until=until)))
        await started.wait()
        content.state = SECOND
        cache.read_state()
        make = Making(Page(200, HTML, b"Now.", SECOND))
        late = await cache.make_once(HOME, make)
        until.set()
        await early
        return late.body, cache.get(HOME).body

    assert asyncio.run(asyncio.wait_for(race(), 60)) == (b"Now.", b"Now.")


def test_an_error_reaches_everybody_and_is_not_kept(cache):
    async def fail():
        raise RuntimeError("No.")

    async def crowd():
        return await asyncio.gather(*(cache.make_once(HOME, fail) for _ in range(3)), return_exceptions=True)

    assert {type(error) for error in asyncio.run(crowd())} == {RuntimeError}
    assert cache.in_progress == {}


# Until when -----------------------------------------------------------------------------------------------------------


def test_pages_go_when_the_content_changes_and_stay_while_it_does_not(cache, content):
    ask(cache)
    cache.read_state()
    assert ask(cache)
    content.state = SECOND
    assert ask(cache)  # the control: nobody has looked yet
    cache.read_state()
    assert not ask(cache)


def test_of_two_simultaneous_looks_the_later_one_counts():
    """A slow reading that began before a change must not bring back what was there before it."""
    reading, go_on = threading.Event(), threading.Event()
    states = iter([FIRST, SECOND])

    def read():
        state = next(states)
        if state is FIRST:
            reading.set()
            go_on.wait(60)
        return state

    cache = PageCache(read)
    slow = threading.Thread(target=cache.read_state)
    slow.start()
    reading.wait(60)
    cache.read_state()
    go_on.set()
    slow.join()
    assert cache.state == SECOND


def test_without_the_database_pages_are_sent_and_say_that_they_may_be_old(cache, content, monkeypatch):
    ask(cache)
    assert cache.remarks == page_cache.KEPT
    content.fails = True
    monkeypatch.setattr(page_cache, "close_old_connections", lambda: None)
    cache.read_state_if_possible()
    cache.seen_at -= 7
    assert ask(cache)
    said = dict(cache.remarks)
    assert (said["age"], said["cache-status"]) == ("7", "vru-portal; hit; ttl=-7")
    assert said["warning"].startswith("110 ")
    content.fails = False
    cache.read_state_if_possible()
    assert cache.remarks == page_cache.KEPT
    assert ask(cache)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        ("2032-05-06 22:59:59+00:00", 1),  # midnight in London is an hour earlier in summer
        ("2032-01-06 22:59:59+00:00", 3601),
        ("2032-10-30 23:00:00+00:00", 25 * 3600),  # the clocks go back
    ],
)
def test_the_next_day_begins_in_london(now, seconds, time_machine):
    time_machine.move_to(now, tick=False)
    assert seconds_until_tomorrow() == seconds
