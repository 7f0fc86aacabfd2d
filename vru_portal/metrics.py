"""What each process counts for Prometheus, in one folder, which `manage.py serve` names and empties."""

import os
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import OperationalError
from django.db.backends.signals import connection_created

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads this variable when it is imported
FILE_BYTES = 2**16  # what prometheus_client gives a file at first, and far more than the metrics below need


def reserve_files() -> None:
    """Reserve this process's space on the disk, or count in memory only.

    prometheus_client maps sparse files into memory: on a full disk, the first count would end the process (SIGBUS).
    """
    if FOLDER in os.environ:
        try:
            for kind in ("counter", "histogram"):
                with Path(os.environ[FOLDER], f"{kind}_{os.getpid()}.db").open("ab") as file:
                    os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
        except OSError:
            del os.environ[FOLDER]


reserve_files()

from prometheus_client import CollectorRegistry, Counter, Histogram  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

own = CollectorRegistry()
REQUESTS = Counter("portal_requests", "Requests answered.", ["method", "status"], registry=own)
SECONDS = Histogram(
    "portal_request_seconds",
    "Seconds from receiving a request to having its answer, without the client's own time.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=own,
)
EXCEPTIONS = Counter("portal_exceptions", "Errors that were logged, by class.", ["error"], registry=own)
LOCK_WAITS = Histogram(
    "portal_database_wait_seconds",
    "Seconds until the database gave a lock to write (SQLite: BEGIN IMMEDIATE; PostgreSQL: FOR UPDATE).",
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 5, 10, 20),
    registry=own,
)
LOCKS_REFUSED = Counter("portal_database_locks_refused", "How often no lock was given.", registry=own)

METHODS = ("GET", "HEAD", "POST")  # others count as one: anybody may make up more


def count_request(method: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method if method in METHODS else "other", f"{status // 100}xx").inc()
    SECONDS.observe(seconds)


def time_lock(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """A wrapper of every statement (django.db.connection.execute_wrappers) that times those which wait for a lock."""
    if not isinstance(sql, str) or not (sql.startswith("BEGIN ") or " FOR UPDATE" in sql):
        return execute(sql, params, many, context)
    began = perf_counter()
    try:
        return execute(sql, params, many, context)
    except OperationalError:
        LOCKS_REFUSED.inc()
        raise
    finally:
        LOCK_WAITS.observe(perf_counter() - began)


def time_locks_of(connection: Any, **options: Any) -> None:
    if time_lock not in connection.execute_wrappers:  # which outlive a lost connection
        connection.execute_wrappers.append(time_lock)


def time_locks() -> None:
    """From now on, time the locks of every connection that this process opens."""
    connection_created.connect(time_locks_of)


def collect() -> CollectorRegistry:
    """The metrics of all processes; without their folder, of this one."""
    if FOLDER not in os.environ:
        return own
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
