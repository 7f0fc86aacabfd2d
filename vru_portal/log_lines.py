"""Lines of the log, as `key=value` or as JSON, without secrets. It does not need Django: `serving` does not load it."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple

LONGEST_VALUE = 4000  # characters of one value: an address alone may have 8,000
PLAIN_VALUE = re.compile(r"[\w./:@+-]+", re.ASCII)  # needs no quotes
ROOT = f"{Path(__file__).parent.parent}/"

# Where the addresses of emailed links begin. What follows is a secret; `deploy/nginx.conf` masks it too.
LINK_PREFIXES = ("/declaration/sign/", "/results/return/", "/onward-grants/report/")
# An emailed link, also as people mistype or miscopy it. What follows is masked piece by piece.
LINK = re.compile("|".join(r"\W+".join(re.findall(r"\w+", prefix)) + r"\W" for prefix in LINK_PREFIXES), re.IGNORECASE)
SECRET_OF_LINK = re.compile(r"[^/\s?#\"'<>]{16,}")
# Each keeps what is before a secret. More people can read a log than a mailbox or a settings file.
SECRETS = (
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[^\s\"',;]+"),  # an Authorization header
    re.compile(r"(://[^/\s:@]*:)[^/\s]+(?=@)"),  # a password in an address
    # a form, a query, a cookie or a setting
    re.compile(
        r"(?i)((?:token|secret|passw(?:or)?d|session_?(?:id|key|changes)|csrf|api_?key)\w{0,20}"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s&;,\"'}]+"
    ),
)
context_fields: ContextVar[Mapping[str, object]] = ContextVar("context_fields")


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Put these fields on every line that is logged inside, such as the id of the request."""
    token = context_fields.set({**context_fields.get({}), **fields})
    try:
        yield
    finally:
        context_fields.reset(token)


def fields(**values: object) -> dict[str, Any]:
    """Fields of a single line: ``logger.info("Job queued", extra=fields(job=7))``."""
    return {"fields": values}


def mask(text: str) -> str:
    """Leave the secrets out of a text."""
    for secret in SECRETS:
        text = secret.sub(r"\1***", text)
    if link := LINK.search(text):
        text = text[: link.end()] + SECRET_OF_LINK.sub("***", text[link.end() :])
    return text


class Request(NamedTuple):
    """A request that was answered."""

    at: float  # seconds since 1970
    request_id: str
    method: str
    path: str
    status: int
    ms: float
    bytes: int


class OneLine(logging.Formatter):
    """Formats a record as one line; `as_json` says how. A record of several requests has a line for each.

    An error's message may quote a name, an address or a whole row: only those of `quotable` classes are logged.
    """

    def __init__(self, *, as_json: bool = False, quotable: tuple[type[BaseException], ...] = ()) -> None:
        super().__init__()
        self.as_json = as_json
        self.quotable = quotable
        self.same_of_requests = lru_cache(maxsize=1024)(self._same_of_requests)

    def format(self, record: logging.LogRecord) -> str:
        if requests := getattr(record, "requests", ()):
            event = self.join_fields({"level": "info", "logger": record.name, "event": record.getMessage()})
            return "\n".join(self._request_line(event, request) for request in requests)
        values: dict[str, object] = {
            "time": iso_time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **context_fields.get({}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and (error := record.exc_info[1]):
            values |= {"error": describe(error, self.quotable), "at": place_of(error)}
        clean = {
            name: mask(value[:LONGEST_VALUE]) if isinstance(value, str) else value for name, value in values.items()
        }
        return self.whole(self.join_fields(clean))

    def join_fields(self, values: Mapping[str, object]) -> str:
        """Fields as a line writes them."""
        if self.as_json:
            return json.dumps(values, default=str)[1:-1]
        return " ".join(f"{name}={plain(value)}" for name, value in values.items())

    def whole(self, *parts: str) -> str:
        return f"{{{', '.join(parts)}}}" if self.as_json else " ".join(parts)

    def _request_line(self, event: str, request: Request) -> str:
        """The line of one of many requests: what they share is formatted once. Ids and numbers need no quotes."""
        time = time_of_millisecond(int(request.at) * 1000 + round(request.at % 1 * 1e6) // 1000)
        same = self.same_of_requests(request.method, request.path, request.status)
        if self.as_json:
            return (
                f'{{"time": "{time}", {event}, "request_id": "{request.request_id}", {same}, '
                f'"ms": {request.ms}, "bytes": {request.bytes}}}'
            )
        return f"time={time} {event} request_id={request.request_id} {same} ms={request.ms} bytes={request.bytes}"

    def _same_of_requests(self, method: str, path: str, status: int) -> str:
        return self.join_fields({"method": method, "path": mask(path[:LONGEST_VALUE]), "status": status})


def iso_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@lru_cache(maxsize=1024)
def time_of_millisecond(milliseconds: int) -> str:
    return iso_time(milliseconds / 1000)


def plain(value: object) -> str:
    """A value as written after an equals sign: if necessary, in quotes and with line breaks escaped."""
    text = str(value)
    return text if PLAIN_VALUE.fullmatch(text) else json.dumps(text)


def describe(error: BaseException, quotable: tuple[type[BaseException], ...]) -> str:
    """The class of an error and of those that led to it, with its message where that quotes nobody."""
    described = f"{type(error).__name__}: {error}" if isinstance(error, quotable) else type(error).__name__
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{described} < {type(cause).__name__}" if cause else described


def place_of(error: BaseException) -> str:
    """Where an error was raised: file, line and function of each call, the last one first."""
    calls = [
        f"{frame.f_code.co_filename.removeprefix(ROOT)}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    return " < ".join(reversed(calls))
