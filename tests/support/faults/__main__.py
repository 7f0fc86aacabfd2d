"""`make faults`: every fault on SQLite, then on PostgreSQL, to the end, and one table of the results.

FAULT_ROUNDS lowers how often each is tried; FAULTS_TABLE names a file for the table. Words after the command go to
pytest: `python -m tests.support.faults -k killed`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.faults import reporting

TESTS = ("tests/faults", "tests/funding/test_races.py", "tests/events/declarations/rules/test_races.py")
RACE_ROUNDS = 40
POSTGRESQL = ("-m", "tests.support.processes.postgres", sys.executable)
NO_TESTS = 5  # pytest's exit code where none was selected


def main() -> int:
    """Run all; return 0 if everything passed, nothing was lost or doubled, and every fault has its control."""
    rows: list[reporting.Row] = []
    lines: list[str] = []
    began, failed = time.monotonic(), 0
    values = os.environ | {"RACE_ROUNDS": str(reporting.rounds(RACE_ROUNDS))}
    with tempfile.TemporaryDirectory() as folder:
        for name, before in (("SQLite", ()), ("PostgreSQL", POSTGRESQL)):
            file, started = Path(folder) / f"{name}.json", time.monotonic()
            command = [sys.executable, *before, "-m", "pytest", "-n", "0", *TESTS, *sys.argv[1:]]
            code = subprocess.call(command, env=values | {reporting.ROWS_FILE: str(file)})
            nothing: dict[str, Any] = {"rows": [], "skipped": [], "failed": ["the run itself"]}
            found = json.loads(file.read_text()) if file.exists() else nothing
            rows += found["rows"]
            failed += code not in (0, NO_TESTS)
            lines.append(f"{name}: {(time.monotonic() - started) / 60:.0f} minutes.")
            lines += [f"Failed on {name}: {test}" for test in found["failed"]]
            lines += [f"Skipped on {name}: {reason}" for reason in found["skipped"]]
    faults = [f"{row['fault']} on {row['database']}: {wrong}" for row in rows for wrong in reporting.faults_of(row)]
    lowered = [f"Nothing was tried more than {reporting.ROUNDS} times (FAULT_ROUNDS)."] * (reporting.ROUNDS < 100)
    total = f"All of it: {(time.monotonic() - began) / 60:.0f} minutes."
    text = "\n".join([*reporting.as_table(rows), "", *lowered, *lines, *faults, total, ""])
    sys.stdout.write(text)
    if table := os.environ.get("FAULTS_TABLE"):
        Path(table).write_text(text)
    return 1 if failed or faults else 0


if __name__ == "__main__":
    sys.exit(main())
