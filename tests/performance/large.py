"""What strangers may request of a large portal: `python -m tests.performance.large`, on SQLite.

A demonstration with many payments is asked for its dearest pages, files that are sent whole among them. The processor
time of each is that of the quickest of a few. It fails where one takes longer than `MAX_SECONDS`.
"""

import os
import sys
import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime

import django

from tests.performance.speed import LIMITS, REFERENCE, measured, prepare

PAYMENTS = 20_000
MAX_SECONDS = 0.25
ROUNDS = 3
TODAY = datetime.now(UTC).date()  # by which all of it is known: nothing is left out
COSTLY = (
    "/payments/",
    "/payments/?q=school",
    "/payments/?q=zzzz",
    "/payments/?from=2019-12-01&to=2020-03-31&min=100&sort=largest",
    "/payments/totals/",
    "/payments/totals/?by=month",
    f"/funding/2019-20/?as_at={TODAY}",
    f"/funding/2019-20/?as_at={TODAY}&basis=dated",
    f"/funding/2019-20/payments/?as_at={TODAY}",
    f"/funding/2019-20/payments/?as_at={TODAY}&basis=dated",
    f"/funding/2019-20/payments/?as_at={TODAY}&q=school&sort=largest",
    "/initiatives/?sort=name&q=young",
    "/search/?q=violence+against+young+people",
    "/search/?q=" + "a+b+c+d+e+f+g+h+i+j+" * 20,
    "/declaration/register/?sort=-entry",
    "/news/",
    "/feed.atom",
    "/events.ics",
    "/sitemap.xml",
    "/data/",
    "/data/payments/",
    "/api/v1/openapi.json",
    "/api/v1/payments/",
    "/api/v1/payments/?page=100",
)


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=PAYMENTS)
    payments: int = parser.parse_args().payments
    with tempfile.TemporaryDirectory() as folder:  # never in the portal's own
        own = {"VAR_DIR": folder, "DEMO": "1", "REGISTER_KEYS": "", "SECOND_FACTOR_KEYS": "", "DATABASE_URL": ""}
        os.environ |= own | {"DJANGO_SETTINGS_MODULE": "vru_portal.settings"}
        django.setup()
        prepare(payments)
        found, queries = measured([*LIMITS, *COSTLY], ROUNDS)
    print(f"{'page, with ' + format(payments, ',') + ' payments':<72}{'ms':>7}{'queries':>9}")
    for path, seconds in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{path[:70]:<72}{seconds * 1000:>7.1f}{queries[path]:>9}")
    slow = [path for path, seconds in found.items() if seconds > MAX_SECONDS and path != REFERENCE]
    if slow:
        print(f"Longer than {MAX_SECONDS * 1000:.0f} ms: {', '.join(slow)}")
    return len(slow) > 0


if __name__ == "__main__":
    sys.exit(main())
