"""What each process counts for Prometheus, in one folder, which `manage.py serve` names and empties."""

import os
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import OperationalError
from django.db.backends.signals import connection_created
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads this variable
FILE_BYTES = 2**16  # what prometheus_client gives a file at first, and far more than the metrics below need


class Counts:
    """What this process counts: in files of its own, or in memory where the disk has no room for them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from zero, also in a process that was forked from one that counts."""
        values.close_all_multiprocess_files()  # type: ignore[no-untyped-call] # of the process it was forked from
        self.in_files = reserve_files()
        values.ValueClass = values.MultiProcessValue() if self.in_files else values.MutexValue  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.requests = Counter("portal_requests", "Requests answered.", ["method", "status"], registry=self.registry)
        self.seconds = Histogram(
            "portal_request_seconds",
            "Seconds from receiving a request to having its answer, without the client's own time. "
            "Answers from memory and /healthz are not among them.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.exceptions = Counter(
            "portal_exceptions", "Errors that were logged, by class.", ["error"], registry=self.registry
        )
        self.lock_waits = Histogram(
            "portal_database_wait_seconds",
            "Seconds until the database gave a lock to write (SQLite: BEGIN IMMEDIATE; PostgreSQL: FOR UPDATE).",
            buckets=(0.001, 0.01, 0.1, 0.5, 1, 5, 10, 20),
            registry=self.registry,
        )
        self.locks_refused = Counter(
            "portal_database_locks_refused", "How often no lock was given.", registry=self.registry
        )


def reserve_files() -> bool:
    """Reserve this process's space on the disk; say whether there is any.

    prometheus_client maps sparse files into memory: on a full disk, the first count would end the process (SIGBUS).
    """
    if FOLDER not in os.environ:
        return False
    files = [Path(os.environ[FOLDER], f"{kind}_{os.getpid()}.db") for kind in ("counter", "histogram")]
    try:
        for path in files:
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
    except OSError:
        for path in files:
            with suppress(OSError):
                path.unlink()  # an empty file cannot be read: no process could show metrics any more
        return False
    return True


counts = Counts()
os.register_at_fork(after_in_child=counts.begin)

METHODS = ("GET", "HEAD", "POST")  # others count as one: anybody may make up more


def count_request(method: str, status: int, seconds: float) -> None:
    count_answers(method, status, 1)
    counts.seconds.observe(seconds)


def count_answers(method: str, status: int, number: int) -> None:
    """Count answers, without their times."""
    counts.requests.labels(method if method in METHODS else "other", f"{status // 100}xx").inc(number)


def time_lock(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """A wrapper of every statement (django.db.connection.execute_wrappers) that times those which wait for a lock."""
    if not isinstance(sql, str) or not (sql.startswith("BEGIN ") or " FOR UPDATE" in sql):
        return execute(sql, params, many, context)
    began = perf_counter()
    try:
        return execute(sql, params, many, context)
    except OperationalError:
        counts.locks_refused.inc()
        raise
    finally:
        counts.lock_waits.observe(perf_counter() - began)


def time_locks_of(connection: Any, **options: Any) -> None:
    if time_lock not in connection.execute_wrappers:  # which outlive a lost connection
        connection.execute_wrappers.append(time_lock)


def time_locks() -> None:
    """From now on, time the locks of every connection that this process opens."""
    connection_created.connect(time_locks_of)


def collect() -> CollectorRegistry:
    """The metrics of all processes; without their folder, of this one."""
    if not counts.in_files:
        return counts.registry
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
