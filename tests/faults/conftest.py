from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.support.faults import reporting
from tests.support.faults.servers import loaded
from tests.support.processes.databases import Template, empty_database

FACTS = "fault"  # the property of a test in which its part of a row is


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Report what was done and the result, as a part of a row (the columns: tests/support/faults/reporting.py)."""

    def _report(fault: str, **facts: Any) -> None:
        assert facts.keys() <= reporting.COLUMNS.keys()
        record_property(FACTS, {"fault": fault, "database": connection.vendor} | facts)

    return _report


@pytest.fixture
def unit(tmp_path: Path, template: Template) -> Iterator[dict[str, str]]:
    """The settings of a portal that holds what its first start would have made."""
    folder = tmp_path / "var"
    if connection.vendor == "sqlite":
        template.put_unit(folder)
        yield {"VAR_DIR": str(folder)}
        return
    with empty_database(folder, "faults") as values:
        loaded(values)
        yield values


def reasons(reports: list[Any]) -> Iterator[str]:
    """Why tests were skipped."""
    for one in reports:
        yield f"{one.nodeid.rpartition('/')[2]}: {one.longrepr[2].removeprefix('Skipped: ')}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rows of this run, unless another command prints those of several."""
    ended = list(chain.from_iterable(terminalreporter.stats.values()))
    told = chain.from_iterable(
        getattr(one, "user_properties", ()) for one in ended if getattr(one, "when", "") == "call"
    )
    rows = reporting.merged(facts for name, facts in told if name == FACTS)
    reporting.write({
        "rows": rows,
        "skipped": sorted(reasons(terminalreporter.stats.get("skipped", []))),
        "failed": sorted(one.nodeid for kind in ("failed", "error") for one in terminalreporter.stats.get(kind, [])),
    })  # fmt: skip
    terminalreporter.write_line("\n".join(reporting.as_table(rows)))
