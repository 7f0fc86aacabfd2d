"""Whether a file of rows holds up who else writes, on a database of its own: `… import_locks` prints JSON.

A payments file and a file of organisations are tried and recorded as the worker does it. With each row another
connection writes, and never waits: it is refused at once where the file holds the lock that it needs.
"""

import json
import logging
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from typing import Any
from unittest.mock import patch

import django
import psycopg

ROWS = 30


def main() -> None:
    from funding.models import Payment
    from funding.resources import PaymentResource
    from partners.models import Organisation
    from partners.resources import OrganisationResource
    from tests.support.factories import AllocationFactory, PublicationFactory, UnitFactory, UserFactory
    from vru_portal.tabular.unconfirmed_files import import_folder

    logging.disable(logging.CRITICAL)
    UnitFactory()
    allocation, report = AllocationFactory(awarded_on=date(2020, 5, 6)), PublicationFactory()
    by = UserFactory(is_superuser=True)
    payments = "reference,allocation,paid_on,amount\n" + "".join(
        f"REF-{n},{allocation.public_id},{allocation.awarded_on},{n}.00\n" for n in range(1, ROWS + 1)
    )
    bodies = "slug,name,source,as_at\n" + "".join(
        f"imported-{n},Imported {n},{report.slug},2031-05-06\n" for n in range(ROWS)
    )
    found: dict[str, Any] = {
        "payments tried": attempts(job_of(PaymentResource, payments, by, dry_run=True)),
        "organisations tried": attempts(job_of(OrganisationResource, bodies, by, dry_run=True)),
        "recorded by trying": [
            *Payment.objects.values_list("reference", flat=True),
            *Organisation.objects.filter(slug__startswith="imported-").values_list("slug", flat=True),
        ],
    }
    with patch("vru_portal.tabular.resources.trial_copy", nullcontext):
        found["organisations tried in place"] = attempts(job_of(OrganisationResource, bodies, by, dry_run=True))
    killed = job_of(PaymentResource, payments, by, dry_run=False)
    found["killed by"] = run_until_killed(killed)
    killed.refresh_from_db()
    found |= {"state after the kill": killed.state, "recorded after the kill": Payment.objects.count()}
    found["payments checked"] = attempts(job_of(PaymentResource, payments, by, dry_run=False))
    found["recorded"] = Payment.objects.count()
    found["copies left"] = [path.name for path in import_folder().glob("trial-*")]
    print(json.dumps(found))


def job_of(resource: Any, content: str, by: Any, *, dry_run: bool) -> Any:
    """Hand a file to the worker."""
    from vru_portal.tabular import jobs
    from vru_portal.tabular.unconfirmed_files import UnconfirmedFile

    stored = UnconfirmedFile()
    stored.save(content.encode())
    return jobs.enqueue_file(
        resource=resource, stored=stored.name, name="rows.csv", form=0, rows=ROWS, by=by, dry_run=dry_run
    )


def attempts(job: Any) -> dict[str, Any]:
    """Read a file; return how it ended, and how often another writer succeeded and was refused meanwhile."""
    from vru_portal.tabular.tasks import read_file

    write = another_writer()
    outcomes: list[bool] = []
    with patch("vru_portal.tabular.job_state.ProgressCounter.__call__", lambda counter: outcomes.append(write())):
        read_file.call(job.pk)
    job.refresh_from_db()
    assert not job.result["problems"], job.result
    return {"state": job.state, "written": outcomes.count(True), "refused": outcomes.count(False)}


def another_writer() -> Callable[[], bool]:
    """A connection of its own, which says whether it could write at once."""
    from django.conf import settings
    from django.db import connection

    sql = "UPDATE vru_portal_contentversion SET token = token"
    if connection.vendor == "sqlite":
        connected: Any = sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=0, isolation_level=None)
    else:
        connected = connection.copy().get_new_connection(connection.get_connection_params())
        connected.autocommit = True
        connected.execute("SET lock_timeout = '50ms'")
        sql = "UPDATE vru_portal_heartbeat SET part = part"

    def write() -> bool:
        try:
            connected.execute(sql)
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
            return False
        return True

    return write


def run_until_killed(job: Any) -> str:
    """Have a process killed once all rows are written and before they are committed; return the signal's name."""
    from django.db import connection

    from vru_portal.tabular.tasks import read_file

    connection.close()
    if (pid := os.fork()) == 0:
        with patch("vru_portal.tabular.tasks.finish", lambda *args: os.kill(os.getpid(), signal.SIGKILL)):
            read_file.call(job.pk)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {status}"


if __name__ == "__main__":
    django.setup()
    main()
