"""Downloads: `python -m tests.performance.downloads`, all payments in each format, on SQLite.

Counted is processor time, which other work on the machine disturbs least, and by how much the process grows while it
writes: a file that is streamed takes no more memory for more rows.
"""

import os
import resource
import sys
import tempfile
import time
from argparse import ArgumentParser
from typing import IO, cast

import django

ROWS = 20_000


class Nowhere:
    """A file that counts what is written to it."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Keep nothing."""


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows: int = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:  # never in the portal's own
        own = {"VAR_DIR": folder, "DEMO": "1", "REGISTER_KEYS": "", "SECOND_FACTOR_KEYS": "", "DATABASE_URL": ""}
        os.environ |= own | {"DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
        measure(rows)
    return 0


def measure(rows: int) -> None:
    """Fill a database, and print a line for each format."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.http import QueryDict

    from funding.datasets.lists import PAYMENTS
    from vru_portal.public.open_data.tables import dataset_table
    from vru_portal.tabular.downloads import write_table

    call_command("migrate", verbosity=0)
    call_command("demo", settings.BASE_DIR / "fixtures", scale=rows, stdout=sys.stderr)
    filters = PAYMENTS.filters(QueryDict(""))
    print(f"{'payments':<10}{'rows':>10}{'rows a CPU second':>20}{'MB grown':>10}{'MB':>8}")
    for form in ("csv", "json", "xlsx"):
        table, file = dataset_table(PAYMENTS, filters), Nowhere()
        began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        write_table(table, form, cast(IO[bytes], file))
        took, grown = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        count = table.totals.count
        print(f"{form:<10}{count:>10,}{count / took:>20,.0f}{grown / 1024:>10.1f}{file.size / 1e6:>8.1f}")


if __name__ == "__main__":
    sys.exit(main())
