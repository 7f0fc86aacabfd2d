"""What a reconciliation finds, and the tables that it prints."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from funding.reconcile.outputs import UnreadableError
from vru_portal.ledger.money import format_pounds


@dataclass
class ReconciliationReport:
    """The findings, as sentences, and the lines of the tables."""

    lines: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    omissions: list[str] = field(default_factory=list)

    def expect(self, where: str, what: str, found: Decimal, expected: Decimal) -> None:
        """Record a difference unless the served sum equals the expected one."""
        if found != expected:
            by = format_pounds(abs(found - expected))
            self.differences.append(
                f"{where}: {what} is {format_pounds(found)}, but {format_pounds(expected)} in the database: "
                f"a difference of {by}."
            )

    def read(self, where: str, reader: Callable[[], Any]) -> Any:
        """What the reader returns; None, and a difference, if the output cannot be read."""
        try:
            return reader()
        except UnreadableError as error:
            self.differences.append(f"{where}: {error}.")
        except Exception as error:  # anything wrong with a file is a finding, and the others are still checked
            self.differences.append(f"{where}: cannot be read: {error!r}.")
        return None

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table with its amounts right-aligned."""
        lines = [headings, *rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(headings))]
        self.lines += [
            "  " + "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]  # fmt: skip
