"""Files of rows: `python -m tests.performance.imports`, on both databases, a file of payments tried and then recorded.

The worker's part runs in one process, as the mail queue runs it. Meanwhile another writes a little every few
milliseconds, as somebody who signs in does: how long that was kept waiting is how long the file has held up the portal.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from contextlib import suppress
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple

import django

ROWS = 20_000
SECONDS_BETWEEN_WRITES = 0.01


class Took(NamedTuple):
    """What became of a file: seconds, of the clock and of the processor, and the longest that another writer waited."""

    what: str
    seconds: float
    processor: float
    longest_wait: float


def main() -> int:
    """Measure one database, or, if none is named, each in turn; print one table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--here", action="store_true", help="on the database of this environment, as JSON")
    options = parser.parse_args()
    if options.here:
        with tempfile.TemporaryDirectory() as folder:  # never in the portal's own
            own = {"VAR_DIR": folder, "DEMO": "1", "REGISTER_KEYS": "", "SECOND_FACTOR_KEYS": ""}
            os.environ |= own | {"DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
            print(json.dumps(measured(options.rows)))
        return 0
    here = [sys.executable, "-m", "tests.performance.imports", f"--rows={options.rows}", "--here"]
    print(f"a file of {options.rows:,} payments, {os.cpu_count()} cores")
    print(f"{'database':<12}{'':<10}{'seconds':>9}{'of CPU':>9}{'longest wait of another writer':>32}")
    for name, before in (("SQLite", []), ("PostgreSQL", [sys.executable, "-m", "tests.support.processes.postgres"])):
        done = subprocess.run([*before, *here], stdout=subprocess.PIPE, check=True)
        for row in json.loads(done.stdout.splitlines()[-1]):
            what, *figures, wait = Took(*row)
            print(f"{name:<12}{what:<10}{figures[0]:>9.1f}{figures[1]:>9.1f}{wait:>32.2f}")
    return 0


def measured(rows: int) -> list[Took]:
    """Try and record a file on the database of this environment, which is filled first."""
    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from funding.models import Payment

    call_command("migrate", verbosity=0)
    call_command("demo", settings.BASE_DIR / "fixtures", scale=1000, stdout=sys.stderr)
    content, before = payments_csv(rows), Payment.objects.count()
    by = get_user_model()._default_manager.create_superuser("clerk")
    found = [took("dry run", content, rows, by, dry_run=True), took("recorded", content, rows, by, dry_run=False)]
    assert Payment.objects.count() == before + rows
    return found


def payments_csv(rows: int) -> bytes:
    """Payments on all allocations in turn, each of its own sum and day."""
    from funding.models import Allocation

    allocations = list(Allocation.objects.standing().values_list("public_id", "recipient__slug", "awarded_on"))
    lines = ["reference,allocation,paid_on,amount,irrecoverable_vat,payee,purpose"]
    for number in range(rows):
        public_id, payee, day = allocations[number % len(allocations)]
        amount = f"{number // 100 + 1}.{number % 100:02}"
        lines.append(f"BENCH-{number:06},{public_id},{day},{amount},0.01,{payee},Instalment {number}")
    return "\n".join(lines).encode()


def took(what: str, content: bytes, rows: int, by: Any, *, dry_run: bool) -> Took:
    """Have the worker's task read a file while another process writes."""
    from django.db import connection

    from funding.resources import PaymentResource
    from vru_portal.models import FileJob
    from vru_portal.tabular import jobs
    from vru_portal.tabular.tasks import read_file
    from vru_portal.tabular.unconfirmed_files import UnconfirmedFile

    stored = UnconfirmedFile()
    stored.save(content)
    job = jobs.enqueue_file(
        resource=PaymentResource, stored=stored.name, name="bench.csv", form=0, rows=rows, by=by, dry_run=dry_run
    )
    connection.close()  # the other process makes its own
    context = multiprocessing.get_context("fork")
    stop, waits = context.Event(), context.SimpleQueue()
    other = context.Process(target=write_now_and_then, args=(stop, waits))
    other.start()
    began, processor = time.monotonic(), time.process_time()
    read_file.call(job.pk)
    seconds, processor = time.monotonic() - began, time.process_time() - processor
    stop.set()
    longest: float = waits.get()
    other.join()
    job.refresh_from_db()
    assert job.state == (FileJob.State.TRIED if dry_run else FileJob.State.DONE), job.result
    return Took(what, seconds, processor, longest)


def write_now_and_then(stop: Event, waits: Any) -> None:
    """Write until stopped; return the longest time that a write took."""
    from django.db import OperationalError

    from vru_portal.models import Heartbeat

    longest = 0.0
    while not stop.is_set():
        began = time.monotonic()
        with suppress(OperationalError):  # it gave up waiting, as a page would
            Heartbeat.objects.beat(Heartbeat.Part.TIMER)
        longest = max(longest, time.monotonic() - began)
        time.sleep(SECONDS_BETWEEN_WRITES)
    waits.put(longest)


if __name__ == "__main__":
    sys.exit(main())
