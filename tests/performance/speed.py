"""Whether a page has become slow: `make check-speed` fails when one costs more than `LIMITS` says it may.

Pages of the launch content are made anew, in turn with a plain page of this file's own that asks the database nothing
and goes through the same middleware. What is compared is the processor time of the quickest of many: other work on the
machine, which slows both, hardly changes their ratio.
"""

import os
import sys
import tempfile
from http import HTTPStatus
from time import thread_time
from urllib.parse import parse_qsl

import django

ROUNDS = 25
WAITED = 3  # rounds before the first that counts: what is looked up or put together once for all
REFERENCE = "/reference/"
# How many times the plain page's processor time a page may take; found from 29 November to 1 December 2026, with a
# quarter on top.
LIMITS = {
    "/": 8.5,
    "/initiatives/": 8.5,
    "/initiatives/?q=young+people&level=primary": 10.5,
    "/initiatives/iris/": 6.0,
    "/prevention/primary/": 7.0,
    "/funding/2019-20/": 12.0,
    "/funding/2019-20/payments/": 8.5,
    "/partners/": 10.0,
    "/partners/west-midlands-police/": 6.5,
    "/people/david-jamieson/": 5.5,
    "/events/launch/": 11.0,
    "/about/": 8.5,
    "/declaration/": 7.0,
    "/declaration/register/": 6.0,
    "/privacy/": 4.0,
    "/brochure/": 14.0,
    "/publications/launch-brochure/": 14.5,
    "/data/": 7.5,
    "/sitemap.xml": 15.5,
    "/api/v1/openapi.json": 8.0,
    "/api/v1/payments/": 4.0,
}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"VAR_DIR": folder, "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
        django.setup()
        prepare()
        found, queries = measured(list(LIMITS))
    reference = found[REFERENCE]
    print(f"{'page':<46}{'ms':>7}{'ratio':>8}{'limit':>8}{'queries':>9}")
    slow = []
    for path, seconds in found.items():
        ratio, limit = seconds / reference, LIMITS.get(path, 1.0)
        print(f"{path:<46}{seconds * 1000:>7.1f}{ratio:>8.2f}{limit:>8.2f}{queries[path]:>9}")
        if ratio > limit:
            slow.append(path)
    if slow:
        print(f"Slower than they may be: {', '.join(slow)}. Profile them, or say in the commit why they cost more.")
    return len(slow) > 0


def prepare(payments: int = 0) -> None:
    """Make a database with the launch content or a demonstration, and add the plain page to the addresses."""
    from django.conf import settings
    from django.core.management import call_command

    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.ROOT_URLCONF = "tests.performance.plain_page"
    call_command("migrate", verbosity=0)
    if payments:
        call_command("demo", settings.BASE_DIR / "fixtures", scale=payments, stdout=sys.stderr)
    else:
        call_command("load_unit", settings.BASE_DIR / "fixtures", verbosity=0, stdout=sys.stderr)


def measured(paths: list[str], rounds: int = ROUNDS) -> tuple[dict[str, float], dict[str, int]]:
    """Return the least processor time of each page, and its number of queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    seconds: dict[str, list[float]] = {path: [] for path in (REFERENCE, *paths)}
    queries = {}
    for number in range(WAITED + rounds):
        for path, times in seconds.items():
            began = thread_time()
            make(path)
            if number >= WAITED:
                times.append(thread_time() - began)
    for path in seconds:
        with CaptureQueriesContext(connection) as asked:
            make(path)
        queries[path] = len(asked)
    return {path: min(times) for path, times in seconds.items()}, queries


def make(address: str) -> None:
    """Make a page as the server makes those that it keeps."""
    from vru_portal.server.rsgi import application
    from vru_portal.web.page_cache import PageKey

    path, _, query = address.partition("?")
    environ = {
        "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "8000", "vru_portal.request_id": "",
        "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
    }  # fmt: skip
    page = application.page_for(PageKey("localhost", path, tuple(parse_qsl(query))), environ)
    assert page.status == HTTPStatus.OK, (address, page.status)


if __name__ == "__main__":
    sys.exit(main())
