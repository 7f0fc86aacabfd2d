"""Which headers are too many to be looked at, and a request as WSGI describes it."""

import sys
from itertools import chain
from typing import Any

# What a browser sends is far below these.
MAX_HEADER_FIELDS = 100
MAX_HEADER_CHARACTERS = 2**15  # of all names and values
MAX_COOKIE_CHARACTERS = 2**13


def too_large(fields: list[tuple[str, str]]) -> bool:
    """Whether headers are too many or too long. Ask before anything reads them."""
    characters = sum(map(len, chain.from_iterable(fields)))
    if len(fields) > MAX_HEADER_FIELDS or characters > MAX_HEADER_CHARACTERS:
        return True
    if characters <= MAX_COOKIE_CHARACTERS:  # then so are cookies, which are a part of these
        return False
    return sum(len(value) for name, value in fields if name == "cookie") > MAX_COOKIE_CHARACTERS


def environ_of(scope: Any) -> dict[str, Any]:
    """A request as WSGI describes it (PEP 3333): text holds bytes, each as the character of its number."""
    host, _, port = scope.server.rpartition(":")
    client = scope.client.rpartition(":")[0] or scope.client
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": as_latin_1(scope.path),
        "QUERY_STRING": as_latin_1(scope.query_string),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "REMOTE_ADDR": client.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    found: dict[str, list[str]] = {}
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        found.setdefault(key, []).append(as_latin_1(value))
    # A list may come in several headers. Cookies have a separator of their own.
    environ |= {key: ("; " if key == "HTTP_COOKIE" else ",").join(values) for key, values in found.items()}
    if "HTTP_COOKIE" in environ:
        environ["HTTP_COOKIE"] = without_escapes(environ["HTTP_COOKIE"])
    if "HTTP_HOST" not in environ and scope.authority:
        environ["HTTP_HOST"] = as_latin_1(scope.authority)
    return environ


def without_escapes(cookies: str) -> str:
    """Leave out cookies with a backslash. The portal sets none, and Python takes seconds for many (CVE-2024-7592)."""
    return ";".join(part for part in cookies.split(";") if "\\" not in part)


def as_latin_1(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
