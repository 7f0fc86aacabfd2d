"""The portal as granian serves it: a slow client holds no thread, no database connection and no lock.

Pages for everybody are answered at once, from memory (vru_portal/web/page_cache.py).

The portal itself is a WSGI application that runs in a few threads. Here, outside of them, a request's body is read
before a thread is asked for, within limits of size and time, and what a thread answers is kept until the client has
fetched it: in memory while it is small, else in an unnamed file, which granian sends by itself.

A request is handled by `Application.__rsgi__`: it is refused, answered from memory, or read (`body_of`), answered by
Django in a thread (`answer_to`) and handed to granian (`Exchange.send`). `Application` runs in one event loop, so its
counters and dictionaries need no lock. Only what is passed to `Threads.run` runs in a thread.

granian's interface for this is RSGI: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from io import BytesIO
from secrets import token_hex
from tempfile import SpooledTemporaryFile
from time import perf_counter, time
from typing import IO, Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import parse_cookie

from vru_portal import log_lines
from vru_portal.server import access_log
from vru_portal.server.connections import end_unread
from vru_portal.server.headers import environ_of, too_large
from vru_portal.server.refusals import ClientGone, RequestRefused
from vru_portal.server.threads import FilesInProgress, Threads
from vru_portal.web import page_cache, public_pages
from vru_portal.web.cookies import may_hold_own_cookie
from vru_portal.web.page_cache import Page, PageCache, PageKey, Variant
from vru_portal.wsgi import application as portal

THREADS = 4
MAX_WAITING = 500  # requests with a thread or without one yet: later ones are refused at once
MAX_FILES_WAITING = 20
LARGEST_FORM = 2**20  # bytes; `TOO_LARGE` says so, and pages that take a file
LARGEST_UPLOAD = 32 * 2**20  # bytes, from staff
TOO_LARGE = "This file or form is larger than 1 MB. Nothing was saved. Go back, and choose a smaller file."
HEADERS_TOO_LARGE = "The headers of this request are too large. Delete this site's cookies and try again.\n"
SECONDS_FOR_BODY = 30
SLOWEST_UPLOAD = 100_000  # bytes a second, which a large body is given on top of that
IN_MEMORY = 2**19  # bytes of an answer; what is larger is kept in a file
BODY_IN_MEMORY = 2**15  # bytes of a body
MAX_LARGE_BODIES = 300  # under way, of those kept in files: no small form is refused because of them
SECONDS_UNTIL_OPENED = 60  # for which an answer's file is kept open for granian, which opens it at once
# Downloads may take long to make: they have a thread of their own, so that pages never wait for them.
FILE_SUFFIXES = (".csv", ".json", ".xlsx")
CLIENT_GONE = 499  # in the log, as in nginx: the client had gone before the answer
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")  # what is accepted from a proxy
PLAIN_TEXT = ("content-type", "text/plain; charset=utf-8")
Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """What a thread has made of a request."""

    status: int = 500
    size: int = 0
    headers: Headers = field(default_factory=list)
    body: IO[bytes] = field(default_factory=lambda: cast(IO[bytes], SpooledTemporaryFile(max_size=IN_MEMORY)))  # noqa: SIM115

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> None:
        """WSGI's start_response."""
        self.status, self.headers = int(status.split(" ", 1)[0]), headers


class FileOnDisk:
    """WSGI's wsgi.file_wrapper: what is on disk already is sent from there, and copied nowhere."""

    def __init__(self, file: IO[bytes], block_size: int = 2**16) -> None:
        self.file, self.block_size = file, block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.block_size), b"")

    def close(self) -> None:
        self.file.close()

    def opened_again(self) -> IO[bytes] | None:
        """The same file, for when this one is closed; None if it is a part of one, or in memory."""
        try:
            return os.fdopen(os.dup(self.file.fileno()), "rb")
        except (AttributeError, OSError):
            return None


class Exchange:
    """A request and what granian is given for it, with one line in the log."""

    def __init__(self, scope: Any, protocol: Any) -> None:
        self.scope, self.protocol = scope, protocol
        self.log: Callable[[log_lines.Request], None] = access_log.note
        self.began = perf_counter()
        self.id = request_id(scope.headers.get("x-request-id"))

    def send_text(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        """Send what was answered without a thread."""
        self.protocol.response_str(status, [PLAIN_TEXT, *headers, ("x-request-id", self.id)], text)
        self.note(status, len(text))

    def send(self, answer: Answer) -> None:
        """Hand an answer to granian, which lets the client take its time."""
        headers = [*answer.headers, ("x-request-id", self.id)]
        if answer.size <= IN_MEMORY:
            answer.body.seek(0)
            self.protocol.response_bytes(answer.status, headers, answer.body.read())
        else:
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            # Reopened through the descriptor, the file is read from its start, and outlives the closing of this one.
            path = f"/proc/{os.getpid()}/fd/{answer.body.fileno()}"
            self.protocol.response_file(answer.status, [*headers, ("content-length", str(answer.size))], path)
            asyncio.get_running_loop().call_later(SECONDS_UNTIL_OPENED, answer.body.close)
        self.note(answer.status, answer.size)

    def send_page(self, page: Page, variant: Variant, *more: tuple[str, str]) -> None:
        """Send a page, or that the client has it already."""
        if page.is_known(self.scope.headers.get("if-none-match")):
            self.protocol.response_empty(304, [*variant.headers_of_304, *more, ("x-request-id", self.id)])
            self.note(304, 0)
        else:
            headers = [*variant.headers, *more, ("x-request-id", self.id)]
            self.protocol.response_bytes(page.status, headers, variant.body)
            self.note(page.status, len(variant.body))

    def note(self, status: int, size: int) -> None:
        milliseconds = round((perf_counter() - self.began) * 1000, 1)
        self.log(log_lines.Request(time(), self.id, self.scope.method, self.scope.path, status, milliseconds, size))


def request_id(given: str | None) -> str:
    """The id that our own proxy has given a request, if it is well formed; else a new one."""
    if given and settings.TRUSTED_PROXIES and REQUEST_ID.fullmatch(given):
        return given
    return token_hex(16)


class Application:
    """Serves the portal; granian calls one of them in each worker."""

    def __init__(self) -> None:
        self.threads = Threads(THREADS, "portal", MAX_WAITING)
        self.files = FilesInProgress(Threads(1, "portal-files", MAX_FILES_WAITING))
        self.large_bodies = 0
        self.pages = PageCache()
        self.answered_from_memory = access_log.Batch()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch the content and the connections; granian calls this before the first request."""
        self.tasks = [loop.create_task(self.pages.watch()), loop.create_task(end_unread())]

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        for task in self.tasks:
            task.cancel()
        self.answered_from_memory.write()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer a request."""
        exchange = Exchange(scope, protocol)
        if too_large(scope.headers.items()):
            exchange.send_text(431, HEADERS_TOO_LARGE, ("connection", "close"))
            return
        if scope.method not in settings.HTTP_METHODS:
            exchange.send_text(405, "", ("allow", ", ".join(settings.HTTP_METHODS)), ("connection", "close"))
            return
        if scope.path == "/healthz":  # also while every thread waits for the database
            exchange.send_text(200, "ok\n")
            return
        key = page_cache.key_of(scope)
        if key is not None and (page := self.pages.get(key)) is not None:
            variant = self.pages.variant(key, page, scope.headers.get("accept-encoding"))
            exchange.log = self.answered_from_memory.add
            exchange.send_page(page, variant, *self.pages.remarks)
            return
        body: IO[bytes] | None = None
        try:
            environ = environ_of(scope)
            environ["vru_portal.request_id"] = exchange.id
            if key is not None and page_cache.is_page(key):
                page = await self.pages.make_once(key, partial(self.threads.run, self.page_for, key, environ))
                exchange.send_page(page, page.variant(scope.headers.get("accept-encoding")))
                return
            if scope.method not in ("GET", "HEAD"):
                environ[public_pages.READ_STATE] = self.pages.read_state
            body = await self.body_of(environ, protocol)
            exchange.began = perf_counter()  # the client's own slowness is over
            environ["wsgi.input"] = body
            answer = await self.answer(environ, protocol)
        except RequestRefused as refused:
            # What is left of an unread body would be taken for the next request of the same connection.
            exchange.send_text(refused.status, f"{refused.sentence}\n", ("connection", "close"), ("retry-after", "10"))
        except ClientGone:
            exchange.note(CLIENT_GONE, 0)
        else:
            exchange.send(answer)
        finally:
            if body is not None:
                body.close()

    async def answer(self, environ: dict[str, Any], protocol: Any) -> Answer:
        """Let the portal answer. Public files that many ask for at the same moment are made once for all of them."""
        if is_file(environ):
            key = key_of_file(environ) or object()
            made = await self.files.make(key, partial(answer_to, environ), protocol.client_disconnect())
        else:
            made = await self.threads.run(answer_to, environ)
        return cast(Answer, made)

    def page_for(self, key: PageKey, environ: dict[str, Any]) -> Page:
        """Let the portal make the page of a key, from a request that holds nothing else."""
        environ = {
            **{name: value for name, value in environ.items() if not name.startswith(("HTTP_", "CONTENT_"))},
            # no page depends on it, but how often one client may have costly ones made
            "HTTP_X_FORWARDED_FOR": environ.get("HTTP_X_FORWARDED_FOR", ""),
            "HTTP_X_FORWARDED_PROTO": settings.ADDRESS.scheme,
            "HTTP_HOST": key.host,
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": urlencode(key.parameters),
            "wsgi.input": BytesIO(),
            public_pages.READ_STATE: self.pages.read_state,
        }
        answer = answer_to(environ)
        with answer.body as body:
            body.seek(0)
            return Page(answer.status, answer.headers, body.read(), environ.get(public_pages.STATE))

    async def body_of(self, environ: dict[str, Any], protocol: Any) -> IO[bytes]:
        """Read a request's body. Raises RequestRefused if it is too large or takes too long, or states no length."""
        length = length_of(environ)
        if length > LARGEST_FORM:
            allowed = length <= LARGEST_UPLOAD and environ["PATH_INFO"].startswith("/admin/")
            if not allowed or not await self.threads.run(has_staff_session, environ):
                raise RequestRefused(413, TOO_LARGE)
        is_large = length > BODY_IN_MEMORY
        if is_large and self.large_bodies >= MAX_LARGE_BODIES:
            raise RequestRefused(503, "Too many people are sending files at the moment. Try again in a minute.")
        self.large_bodies += is_large
        try:
            async with asyncio.timeout(SECONDS_FOR_BODY + length / SLOWEST_UPLOAD):
                return await receive_body(length, protocol)
        except TimeoutError:
            raise RequestRefused(408, "This took too long to send. Check your connection and send it again.") from None
        finally:
            self.large_bodies -= is_large


async def receive_body(length: int, protocol: Any) -> IO[bytes]:
    """Read a body that must have this length; the caller closes it."""
    body = cast(IO[bytes], SpooledTemporaryFile(max_size=BODY_IN_MEMORY))  # noqa: SIM115
    try:
        if length:
            async for chunk in protocol:
                if body.tell() + len(chunk) > length:
                    raise RequestRefused(400, "The body is longer than it says.")
                body.write(chunk)
            if body.tell() < length:
                raise ClientGone
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


def length_of(environ: dict[str, Any]) -> int:
    """The length that a request says its body has; raises RequestRefused where it says none, or nonsense."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise RequestRefused(411, "Say how long the body is (Content-Length).")
    text = environ.get("CONTENT_LENGTH") or "0"
    if not text.isascii() or not text.isdecimal():
        raise RequestRefused(400, "Content-Length is not a number.")
    return int(text)


def has_staff_session(environ: dict[str, Any]) -> bool:
    """Whether a request comes with the session of somebody who has signed in. The view still asks what they may."""
    key = parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME)
    return key is not None and "_auth_user_id" in import_module(settings.SESSION_ENGINE).SessionStore(key)


def is_file(environ: dict[str, Any]) -> bool:
    return environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(FILE_SUFFIXES)


def key_of_file(environ: dict[str, Any]) -> tuple[Any, ...] | None:
    """What two requests for the same public file have in common; None for whatever may be personal."""
    if may_hold_own_cookie(environ.get("HTTP_COOKIE", "")) or "HTTP_AUTHORIZATION" in environ:
        return None
    matter = (
        "PATH_INFO", "QUERY_STRING", "HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "HTTP_ACCEPT_ENCODING",
        "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE", "HTTP_IF_RANGE",
    )  # fmt: skip
    return tuple(environ.get(name) for name in matter)


def answer_to(environ: dict[str, Any]) -> Answer:
    """Build the whole response first, so that no database connection is held while the client reads."""
    answer = Answer()
    environ["wsgi.file_wrapper"] = FileOnDisk
    with log_lines.log_context(request_id=environ["vru_portal.request_id"]):
        parts: Iterable[bytes] = cast(Any, portal)(environ, answer.start)
        try:
            if isinstance(parts, FileOnDisk) and (whole := parts.opened_again()):
                answer.body, answer.size = whole, os.fstat(whole.fileno()).st_size
                return answer
            for part in parts:
                answer.body.write(part)
        finally:
            if close := getattr(parts, "close", None):
                close()
    answer.size = answer.body.tell()
    answer.body.flush()
    return answer


application = Application()
