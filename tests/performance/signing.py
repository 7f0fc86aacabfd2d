"""How many signatures a second: `python -m tests.performance.signing`, on both databases, by the rules and over HTTP.

By the rules: processes that do nothing but sign. Over HTTP: the same number of visitors who send the details and the
last page's button to a portal as `manage.py serve` runs it, its mail queue working beside it. Afterwards the register
is verified.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import django

PROCESSES = 4


def main() -> int:
    """Measure one database, or, if none is named, each in turn; print one table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", type=int, default=400, help="for each measurement")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--here", action="store_true", help="on the database of this environment, as JSON")
    options = parser.parse_args()
    if options.here:
        with tempfile.TemporaryDirectory() as folder:  # never in the portal's own
            os.environ |= {"VAR_DIR": folder, "REGISTER_KEYS": "", "DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
            print(json.dumps(measured(options)))
        return 0
    asked = [f"--signatures={options.signatures}", f"--processes={options.processes}", "--here"]
    here = [sys.executable, "-m", "tests.performance.signing", *asked]
    print(f"{options.processes} at once, {options.signatures} signatures each time, {os.cpu_count()} cores")
    print(f"{'database':<12}{'by':<28}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}")
    for name, before in (("SQLite", []), ("PostgreSQL", [sys.executable, "-m", "tests.support.processes.postgres"])):
        done = subprocess.run([*before, *here], stdout=subprocess.PIPE, check=True)
        for by, rate, middle, slow in json.loads(done.stdout.splitlines()[-1]):
            print(f"{name:<12}{by:<28}{rate:>10.0f}{middle:>9.1f}{slow:>9.1f}")
    return 0


def measured(options: Namespace) -> list[tuple[str, float, float, float]]:
    """Return what was measured on the database of this environment."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests.support.processes.portal_process import portal

    call_command("migrate", verbosity=0)
    call_command("load_unit", settings.BASE_DIR / "fixtures", verbosity=0, stdout=sys.stderr)
    rows = [row("rules.sign", *by_rules(options.signatures, options.processes))]
    values = {name: os.environ[name] for name in ("DATABASE_URL", "SECRET_KEY") if name in os.environ}
    with portal(Path(settings.VAR_DIR), **values) as served:
        served.wait_until_ready()
        rows += over_http(served.port, options.signatures, options.processes)
    verify(2 * options.signatures)
    return rows


def row(by: str, times: list[float], took: float) -> tuple[str, float, float, float]:
    """Return how many were done in a second, and in how many milliseconds each."""
    return by, len(times) / took, median(times) * 1000, quantiles(times, n=20)[-1] * 1000


def at_once(work: Callable[[list[Any]], list[Any]], shares: list[list[Any]]) -> tuple[list[Any], float]:
    """Do each share of the work in a process of its own; return the result, and how many seconds it took."""
    from django.db import connection

    connection.close()  # each process has its own
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(shares), context) as pool:
        began = time.monotonic()
        found = [one for part in pool.map(work, shares) for one in part]
        return found, time.monotonic() - began


def by_rules(signatures: int, processes: int) -> tuple[list[float], float]:
    """Sign by the rules alone."""
    from events.declarations.rules import signing as signing_rules
    from tests.support import signing

    text = signing.open_signing().sha256
    invited = [signing.invite(f"By rules {n}", f"post{n}@rules.example") for n in range(signatures)]
    asked = []
    for one in invited:
        checked = signing_rules.Signatory.from_preparation(signing.prepare(one)).fingerprint
        asked.append({"secret": one.secret, "checked": checked, "text_sha256": text})
    return at_once(sign_all, [asked[n::processes] for n in range(processes)])


def sign_all(share: list[dict[str, str]]) -> list[float]:
    """Sign each of these; return how long each took."""
    from events.declarations.rules import signing as signing_rules

    times = []
    for one in share:
        began = time.monotonic()
        signing_rules.sign(**one)
        times.append(time.monotonic() - began)
    return times


def over_http(port: int, signatures: int, processes: int) -> list[tuple[str, float, float, float]]:
    """Sign in a served portal: everybody sends the details, then everybody signs. Pages that are read do not count."""
    from tests.support import signing

    secrets = [signing.invite(f"By HTTP {n}", f"post{n}@http.example").secret for n in range(signatures)]
    shares: list[list[Any]] = [[(port, secret) for secret in secrets[n::processes]] for n in range(processes)]
    parts, _ = at_once(visit_all, shares)
    details, checks = zip(*parts, strict=True)
    took = [max(map(sum, form)) for form in (details, checks)]  # one after the other in each process
    each = [[seconds for part in form for seconds in part] for form in (details, checks)]
    both = [sum(pair) for pair in zip(*each, strict=True)]
    return [
        row("HTTP: POST details", each[0], took[0]),
        row("HTTP: POST check", each[1], took[1]),
        row("HTTP: the two together", both, sum(took)),
    ]


def visit_all(share: list[tuple[int, str]]) -> list[tuple[list[float], list[float]]]:
    """Sign by each of these links; return how long the details took, and the signatures."""
    from tests.support.races.signatories import ANSWERS, Visitor

    visitors = [Visitor(port) for port, _ in share]
    forms = [visitor.begin(secret) | ANSWERS for visitor, (_, secret) in zip(visitors, share, strict=True)]
    details = [timed(visitor.answer, form) for visitor, form in zip(visitors, forms, strict=True)]
    forms = [visitor.last_page() for visitor in visitors]
    return [(details, [timed(visitor.sign, form) for visitor, form in zip(visitors, forms, strict=True)])]


def timed(do: Callable[[dict[str, str]], None], form: dict[str, str]) -> float:
    """Send a form; return how many seconds it took."""
    began = time.monotonic()
    do(form)
    return time.monotonic() - began


def verify(signatures: int) -> None:
    """Check that each signature is in the register, and that the register is whole."""
    from events.declarations.models import Entry, LiveSignature
    from events.declarations.register import audit

    found = Entry.objects.count(), LiveSignature.objects.count(), list(audit.find_faults())
    assert found == (signatures, signatures, []), found


if __name__ == "__main__":
    sys.exit(main())
