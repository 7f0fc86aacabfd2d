"""Pages that are the same for everybody, answered from memory without calling Django.

A page is made from a request that holds nothing but its key: the host, the path and the parameters. No header of the
first visitor can get into it. A request with a cookie of the portal or an Authorization header is always passed on.

Pages of one state of the content are kept, and all of them dropped when it changes. The state is read from the database
once a second, whenever a page is made, and after each request that may have written. While it cannot be read, pages are
sent with the remark that they may be out of date.

How a request is handled: `rsgi.Application` asks `key_of` for its key, then `PageCache.get`. If the page is not kept,
`PageCache.make_once` has a thread make it (`Application.page_for`). The view, marked with `public_pages.public_page`,
notes the state before it reads anything. `PageCache.keep` keeps the page only if that is still the state afterwards.
"""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import lru_cache, partial
from gzip import compress as gzip_compress
from http import HTTPStatus
from operator import itemgetter
from time import monotonic, time
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import brotli
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.http import http_date

from vru_portal.web.cookies import may_hold_own_cookie
from vru_portal.web.public_pages import PageState, page_state

MAX_PAGES, MAX_BYTES = 2000, 16 * 2**20  # of addresses without parameters; as much again of those with parameters
LARGEST_PAGE = 2**19  # bytes
LONGEST_QUERY = 500  # characters
MAX_ASKED_ONCE = 5000  # addresses with parameters that are remembered, to keep those requested a second time
SECONDS_BETWEEN_READS = 1
SECONDS_UNTIL_UNSURE = 2.5  # without having seen the state of the content
# A request with one of these may be from somebody in particular, or ask for something other than a page.
PASSED_ON = frozenset({
    "authorization", "range", "if-range", "if-match", "if-unmodified-since", "content-length",
    "transfer-encoding", "expect", "upgrade",
})  # fmt: skip
MADE_HERE = frozenset({"content-length", "content-encoding", "etag", "vary", "last-modified"})  # of a page's headers
OF_A_BODY = frozenset({"content-type", "content-length", "content-encoding", "content-disposition"})
COMPRESSIBLE = ("text/", "application/json", "application/xml", "application/ld+json")
SMALLEST_COMPRESSED = 200  # bytes
KEPT = [("cache-status", "vru-portal; hit")]  # RFC 9211
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": partial(brotli.compress, quality=5),
    "gzip": partial(gzip_compress, compresslevel=6, mtime=0),
}
Headers = list[tuple[str, str]]


class PageKey(NamedTuple):
    """All that a page may depend on besides the content and the day."""

    host: str
    path: str
    parameters: tuple[tuple[str, str], ...]


class Variant(NamedTuple):
    """A page in one encoding."""

    headers: Headers
    headers_of_304: Headers
    body: bytes


class Page:
    """A page as it is sent: compressed once, in each encoding that clients accept."""

    def __init__(self, status: int, headers: Headers, body: bytes, state: PageState | None = None) -> None:
        self.status, self.body = status, body
        self.state = state if is_for_everybody(status, headers, body) else None  # without one, nobody keeps it
        self.tag = hashlib.sha256(body).hexdigest()[:32]
        self.modified = time()
        self.headers = [(name.lower(), value) for name, value in headers if name.lower() not in MADE_HERE]
        kind = dict(self.headers).get("content-type", "")
        self.compresses = kind.startswith(COMPRESSIBLE) and len(body) >= SMALLEST_COMPRESSED
        self.variants: dict[str, Variant] = {}

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.body) + sum(len(variant.body) for name, variant in self.variants.items() if name)

    def variant(self, accepted: str | None) -> Variant:
        """The page as this Accept-Encoding header wants it."""
        encoding = best_encoding(accepted) if accepted and self.compresses else ""
        if (found := self.variants.get(encoding)) is None:
            found = self.variants[encoding] = self.encoded(encoding)
        return found

    def encoded(self, encoding: str) -> Variant:
        body = ENCODINGS[encoding](self.body) if encoding else self.body
        headers = [*self.headers, ("vary", "Accept-Encoding"), ("content-length", str(len(body)))]
        if encoding:
            headers.append(("content-encoding", encoding))
        if self.status == HTTPStatus.OK:
            end = f"-{encoding}" if encoding else ""
            headers += [("etag", f'"{self.tag}{end}"'), ("last-modified", http_date(self.modified))]
        return Variant(headers, [header for header in headers if header[0] not in OF_A_BODY], body)

    def is_known(self, tags: str | None) -> bool:
        """Whether a client has it already, by its If-None-Match header.

        Dates have whole seconds, and two pages may be made within one: If-Modified-Since alone proves nothing.
        """
        return self.status == HTTPStatus.OK and tags is not None and (self.tag in tags or tags == "*")


class Shelf:
    """Pages in bounded number and size. When full, it drops the least recently used page."""

    def __init__(self) -> None:
        self.pages: OrderedDict[PageKey, Page] = OrderedDict()
        self.sizes: dict[PageKey, int] = {}
        self.size = 0

    def get(self, key: PageKey) -> Page | None:
        if (page := self.pages.get(key)) is not None:
            self.pages.move_to_end(key)
        return page

    def put(self, key: PageKey, page: Page) -> None:
        """Keep a page, or note that one has grown by another encoding."""
        self.size += page.size - self.sizes.get(key, 0)
        self.pages[key], self.sizes[key] = page, page.size
        while len(self.pages) > MAX_PAGES or self.size > MAX_BYTES:
            oldest, _ = self.pages.popitem(last=False)
            self.size -= self.sizes.pop(oldest)


class PageCache:
    """The pages that one process keeps. All but `read_state` is for its event loop alone."""

    def __init__(self, read: Callable[[], PageState] = page_state) -> None:
        self.read = read
        self.state: PageState | None = None  # the last that was seen
        self.seen_at = float("-inf")  # when looking for it began
        self.reads = self.last_read = 0
        self.lock = threading.Lock()
        self.watcher = ThreadPoolExecutor(1, "portal-pages")
        self.modified: dict[PageKey, tuple[str, float]] = {}
        self.drop()

    def drop(self) -> None:
        """Start again, without pages and without those that are being made."""
        self.kept_state = self.state
        self.plain, self.filtered = Shelf(), Shelf()
        self.in_progress: dict[PageKey, asyncio.Future[Page]] = {}
        self.asked_once: set[int] = set()

    def drop_outdated(self) -> None:
        if self.kept_state != self.state:
            kept = (*self.plain.pages.items(), *self.filtered.pages.items())
            self.modified = {key: (page.tag, page.modified) for key, page in kept}
            self.drop()

    # What the content is like -----------------------------------------------------------------------------------------

    def read_state(self) -> PageState:
        """Read the state of the content; callable from any thread.

        Of several readings at once, the one that began last is right: what is written when it is called is seen.
        """
        with self.lock:
            self.reads += 1
            mine, began = self.reads, monotonic()
        state = self.read()
        with self.lock:
            if mine > self.last_read:
                self.last_read, self.seen_at, self.state = mine, began, state
        return state

    async def watch(self) -> None:
        """Read the state once a second, and at midnight, for as long as the process runs."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self.watcher, self.read_state_if_possible)
            await asyncio.sleep(min(SECONDS_BETWEEN_READS, seconds_until_tomorrow()))

    def read_state_if_possible(self) -> None:
        """Read the state with a database connection of its own, which is given back as after a request."""
        close_old_connections()
        try:
            self.read_state()
        except DatabaseError:  # pages say that they may be out of date, until this succeeds again
            pass
        finally:
            close_old_connections()

    @property
    def remarks(self) -> Headers:
        """Headers of a kept page: that it was kept, and how old it is if nobody can tell whether it is out of date."""
        since = monotonic() - self.seen_at
        if since < SECONDS_UNTIL_UNSURE:
            return KEPT
        return [
            ("age", str(int(since))),
            ("cache-status", f"vru-portal; hit; ttl=-{int(since)}"),
            ("warning", '110 - "Response is Stale"'),
        ]

    # Pages ------------------------------------------------------------------------------------------------------------

    def get(self, key: PageKey) -> Page | None:
        """The page, if it is kept."""
        self.drop_outdated()
        return self.shelf(key).get(key)

    def shelf(self, key: PageKey) -> Shelf:
        return self.filtered if key.parameters else self.plain

    async def make_once(self, key: PageKey, make: Callable[[], Awaitable[Page]]) -> Page:
        """The page, made now: once for all who request it meanwhile, unless it turns out to be personal."""
        self.drop_outdated()
        if (running := self.in_progress.get(key)) is not None:
            page = await asyncio.shield(running)
            return page if page.state else await make()
        running = asyncio.ensure_future(make())
        self.in_progress[key] = running
        running.add_done_callback(partial(self.keep, key))
        # A client that goes away cancels its own request, not the page that others are waiting for.
        return await asyncio.shield(running)

    def keep(self, key: PageKey, made: "asyncio.Future[Page]") -> None:
        self.drop_outdated()
        if self.in_progress.get(key) is made:
            del self.in_progress[key]
        if made.cancelled() or made.exception():
            return
        page = made.result()
        if page.state is None or page.state != self.state or not self.is_worth_keeping(key):
            return
        tag, modified = self.modified.get(key, ("", 0.0))
        if tag == page.tag:
            page.modified = modified
        self.shelf(key).put(key, page)

    def is_worth_keeping(self, key: PageKey) -> bool:
        """Whether an address has no parameters, or is requested again. Crawlers make up any number, each once."""
        if not key.parameters or hash(key) in self.asked_once:
            return True
        if len(self.asked_once) >= MAX_ASKED_ONCE:
            self.asked_once.clear()
        self.asked_once.add(hash(key))
        return False

    def variant(self, key: PageKey, page: Page, accepted: str | None) -> Variant:
        """A kept page in the encoding that an Accept-Encoding header prefers."""
        encodings = len(page.variants)
        found = page.variant(accepted)
        if len(page.variants) != encodings:
            self.shelf(key).put(key, page)
        return found


def is_for_everybody(status: int, headers: Headers, body: bytes) -> bool:
    """Whether an answer can be sent to others, too, whatever its view said."""
    fields = [(name.lower(), value.lower()) for name, value in headers]
    varies = {part.strip() for name, value in fields if name == "vary" for part in value.split(",")}
    has_cookie = any(name == "set-cookie" for name, _ in fields)
    return (
        status == HTTPStatus.OK and len(body) <= LARGEST_PAGE and not has_cookie and varies <= {"", "accept-encoding"}
    )


# Requests -------------------------------------------------------------------------------------------------------------


def key_of(scope: Any) -> PageKey | None:
    """The key of a request for a page; None for whatever must be passed on."""
    headers = scope.headers
    if scope.method not in ("GET", "HEAD") or not PASSED_ON.isdisjoint(headers.keys()):
        return None
    if any(map(may_hold_own_cookie, headers.get_all("cookie"))):
        return None
    if settings.DEBUG or (settings.ADDRESS.is_secure and headers.get("x-forwarded-proto") != "https"):
        return None
    hosts = headers.get_all("host") or [scope.authority or ""]
    if len(hosts) != 1 or (host := hosts[0].lower()) not in settings.HOST_HEADERS:
        return None
    if not (query := scope.query_string):
        return PageKey(host, scope.path, ())
    if len(query) > LONGEST_QUERY:
        return None
    try:
        parameters = parse_qsl(query, keep_blank_values=True, max_num_fields=40, errors="strict")
    except ValueError:
        return None
    # By name alone: if a name is repeated, a view may read the last value.
    return PageKey(host, scope.path, tuple(sorted(parameters, key=itemgetter(0))))


def is_page(key: PageKey) -> bool:
    """Whether the view at this address says that its pages are for everybody."""
    try:
        return hasattr(resolve(key.path).func, "is_public_page")
    except Resolver404:
        return False


@lru_cache(maxsize=256)
def best_encoding(accepted: str) -> str:
    """The encoding that an Accept-Encoding header allows and that is smallest; empty for none."""
    allowed = set()
    for part in accepted[:200].lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "").strip("0.") != "q=":  # q=0 is a refusal
            allowed.add(name.strip())
    return next((encoding for encoding in ENCODINGS if encoding in allowed), "")


def seconds_until_tomorrow() -> float:
    """The seconds until the next day begins in London."""
    now = timezone.localtime()
    tomorrow = timezone.make_aware(datetime.combine(now.date() + timedelta(days=1), datetime.min.time()))
    return tomorrow.timestamp() - now.timestamp()
