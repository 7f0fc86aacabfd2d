"""`make faults`: every fault on SQLite and, at the same time, on PostgreSQL, to the end; one table of the results.

FAULT_ROUNDS lowers how often each is tried; FAULTS_TABLE names a file for the table. Words after the command go to
pytest: `python -m tests.support.faults -k killed`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.faults import reporting

TESTS = ("tests/faults", "tests/funding/test_races.py", "tests/events/declarations/rules/test_races.py")
RACE_ROUNDS = 40
POSTGRESQL = ("-m", "tests.support.processes.postgres", sys.executable)
NO_TESTS = 5  # pytest's exit code where none was selected


@dataclass(frozen=True)
class Half:
    """What came of the faults on one database."""

    name: str
    code: int
    found: dict[str, Any]
    minutes: float

    @property
    def lines(self) -> list[str]:
        return [
            f"{self.name}: {self.minutes:.0f} minutes.",
            *(f"Failed on {self.name}: {test}" for test in self.found["failed"]),
            *(f"Skipped on {self.name}: {reason}" for reason in self.found["skipped"]),
        ]


def run_on(name: str, *before: str) -> Half:
    """Run the tests in a process of their own; `before` is what stands between Python and pytest."""
    values, began = os.environ | {"RACE_ROUNDS": str(reporting.rounds(RACE_ROUNDS))}, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        command = [sys.executable, *before, "-m", "pytest", "-n", "0", *TESTS, *sys.argv[1:]]
        code = subprocess.call(command, env=values | {reporting.ROWS_FILE: str(file)})
        nothing: dict[str, Any] = {"rows": [], "skipped": [], "failed": ["the run itself"]}
        found = json.loads(file.read_text()) if file.exists() else nothing
    return Half(name, code, found, (time.monotonic() - began) / 60)


def main() -> int:
    """Run all; return 0 if everything passed, nothing was lost or doubled, and every fault has its control."""
    with ThreadPoolExecutor() as pool:  # most of the time is spent waiting
        running = [pool.submit(run_on, "SQLite"), pool.submit(run_on, "PostgreSQL", *POSTGRESQL)]
        halves = [run.result() for run in running]
    rows: list[reporting.Row] = [row for half in halves for row in half.found["rows"]]
    failed = any(half.code not in (0, NO_TESTS) for half in halves)
    faults = [f"{row['fault']} on {row['database']}: {wrong}" for row in rows for wrong in reporting.faults_of(row)]
    lowered = [f"Nothing was tried more than {reporting.ROUNDS} times (FAULT_ROUNDS)."] * (reporting.ROUNDS < 100)
    lines = [line for half in halves for line in half.lines]
    total = f"All of it: {max(half.minutes for half in halves):.0f} minutes."
    text = "\n".join([*reporting.as_table(rows), "", *lowered, *lines, *faults, total, ""])
    sys.stdout.write(text)
    if table := os.environ.get("FAULTS_TABLE"):
        Path(table).write_text(text)
    return 1 if failed or faults else 0


if __name__ == "__main__":
    sys.exit(main())
