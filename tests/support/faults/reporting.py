"""The table of `make faults`: what was done to a portal, the result, and the same without what protects it."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1000"))  # the most of anything; fewer show only that the tests work
ROWS_FILE = "FAULT_ROWS"  # the variable that names the file into which a run writes what it has found
# The facts of a row, and what each is called.
COLUMNS = {
    "fault": "Fault",
    "database": "Database",
    "done": "What was done",
    "acknowledged": "Acknowledged",
    "lost": "Lost",
    "doubled": "Doubled",
    "whole": "Afterwards",
    "back": "Answered again after",
    "control": "Control: without the protection",
}
NONE = "-"
Row = dict[str, Any]


def rounds(number: int) -> int:
    """How often to do something that `make faults` does so often."""
    return min(number, ROUNDS)


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row for each fault and database: several tests may tell of it, such as one that is its control."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        found.setdefault((row["fault"], row["database"]), {}).update(row)
    return list(found.values())


def faults_of(row: Row) -> list[str]:
    """What is wrong with a row: something was lost or doubled, or nobody has tried the fault without the protection."""
    wrong = [f"{name}: {row[name]}" for name in ("lost", "doubled") if row.get(name)]
    return wrong if row.get("control") else [*wrong, "no control"]


def as_table(rows: Iterable[Row]) -> list[str]:
    """The lines of a table in Markdown."""
    lines = [list(COLUMNS.values()), ["---"] * len(COLUMNS)]
    lines += [[str(row.get(name, NONE)) for name in COLUMNS] for row in rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def write(found: dict[str, Any]) -> None:
    """Keep the results of this run, if somebody requested that."""
    if name := os.environ.get(ROWS_FILE):
        Path(name).write_text(json.dumps(found))
