"""Files for everybody that are costly to make: made once for each state of the data, and sent from disk.

A file's state is the version of the content, the day in London, and the software and settings that made it. Only files
that everybody may read in full are kept here, never one that was made for staff or for one person.
"""

import fcntl
import gzip
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from whitenoise.responders import StaticFile

from vru_portal.ledger.content_version import content_version
from vru_portal.web.file_responses import file_headers, opened_file_response, streamed_file_response

Make = Callable[[IO[bytes]], None]

MAX_BYTES = 300_000_000  # of all files that are kept
SECONDS_KEPT = 60  # of a file of an earlier state, which somebody may be about to open
COMPRESSED = ("csv", "ics", "json")  # the others are compressed already


def shared_file_response(
    request: HttpRequest, name: str, state: str, about: object, make: Make, *, inline: bool = False
) -> HttpResponseBase:
    """The file that ``make`` writes, under this name, with ETag, Last-Modified and Range.

    ``state`` is the `file_state` before anything was read, ``about`` all else that the file depends on, as a value
    with an exact `repr`. HEAD never makes a file. A file that is `inline` is shown in the browser.
    """
    if connection.in_atomic_block:  # which may see what has not happened yet, and perhaps never will
        return own_file_response(request, name, make, inline=inline)
    path = folder() / f"{state}-{hash_of(name, about)}{Path(name).suffix}"
    if request.method == "HEAD" and not path.exists():
        return streamed_file_response(request, (), name)
    while True:
        try:
            return send(request, path, name, inline=inline)
        except FileNotFoundError:
            with one_at_a_time():
                if not path.exists():
                    remove_old_files(state)
                    write(path, make)


def own_file_response(request: HttpRequest, name: str, make: Make, *, inline: bool = False) -> HttpResponseBase:
    """The same for this request alone."""
    if request.method == "HEAD":
        return streamed_file_response(request, (), name)
    with ExitStack() as closing:
        file = closing.enter_context(tempfile.TemporaryFile())
        make(file)
        file.seek(0)
        closing.pop_all()  # the response closes it after this
    return opened_file_response(file, name, inline=inline)


# Making and keeping ---------------------------------------------------------------------------------------------------


def folder() -> Path:
    made: Path = settings.VAR_DIR / "downloads"
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def file_state() -> str:
    """What changes as soon as any file could be another. Ask for it first: a file may be newer than it, never older."""
    return hash_of(content_version(), timezone.localdate(), settings.PORTAL_URL, settings.GRANTS_PREFIX, software())[
        :16
    ]


@cache
def software() -> str:
    """What changes with the portal's own code and texts. They do not change while it runs."""
    packages = (path for path in settings.BASE_DIR.iterdir() if (path / "__init__.py").exists())
    found = [
        (str(path), path.stat().st_mtime_ns)
        for package in (*packages, settings.BASE_DIR / "templates")
        for path in sorted(package.rglob("*"))
        if path.suffix in (".py", ".html", ".txt", ".typ")
    ]
    return hash_of(*found)


def hash_of(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:40]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one process make a file, and the others wait: each file is made once, and all of them on one core at most."""
    with (folder() / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path: Path, make: Make) -> None:
    """Make a file beside its place, then put it there whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="new-")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            make(file)
            if path.suffix[1:] in COMPRESSED:
                file.seek(0)
                compress(file, compressed(path))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def compressed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def compress(file: IO[bytes], path: Path) -> None:
    unfinished = path.with_name(f"new-{path.name}")
    try:
        with gzip.GzipFile(unfinished, "wb", compresslevel=6, mtime=0) as packed:
            shutil.copyfileobj(file, packed, 2**16)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_old_files(state: str) -> None:
    """Remove the files of earlier states, and the oldest of this one where there are too many."""
    kept = []
    for path in folder().iterdir():
        with suppress(FileNotFoundError):
            found = path.stat()
            if path.name.startswith(state):
                kept.append((found.st_mtime_ns, found.st_size, path))
            elif path.suffix != ".lock" and time.time() - found.st_mtime > SECONDS_KEPT:
                path.unlink()
    size = sum(bytes_ for _, bytes_, _ in kept)
    for _, bytes_, path in sorted(kept):
        if size <= MAX_BYTES:
            break
        path.unlink(missing_ok=True)
        size -= bytes_


# Sending --------------------------------------------------------------------------------------------------------------


def send(request: HttpRequest, path: Path, name: str, *, inline: bool) -> HttpResponseBase:
    """The file, the requested part of it, or the answer that it has not changed. Raises FileNotFoundError."""
    etag = f'"{path.stem[-24:]}-{path.stat().st_mtime_ns:x}"'
    headers = [*file_headers(name, inline=inline).items(), ("ETag", etag), ("Cache-Control", "public, no-cache")]
    headers.append(("Accept-Ranges", "bytes"))
    asked: dict[str, Any] = dict(request.META)
    if asked.get("HTTP_IF_RANGE", etag) != etag:  # a part of another file is of no use
        asked.pop("HTTP_RANGE", None)
    packed = {"gzip": str(compressed(path))} if path.suffix[1:] in COMPRESSED else None
    with suppress(FileNotFoundError):
        answer = StaticFile(str(path), headers, packed).get_response(request.method, asked)
        if answer.file is None:
            response: HttpResponseBase = HttpResponse(status=int(answer.status))
        else:
            response = FileResponse(answer.file, status=int(answer.status))
        for header in ("Content-Type", "Content-Disposition", "Content-Length"):
            response.headers.pop(header, None)
        for header, value in answer.headers:
            response.headers[header] = value
        return response
    raise FileNotFoundError(path)
