"""The result of a file and of each of its rows, as pages and commands report it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Field
from import_export.results import Result, RowResult

from vru_portal.tabular.reading.headings import UnclearHeadings
from vru_portal.text.cleaning import truncate

MAX_ROWS_SHOWN = 100  # rows of each kind on a page
OTHERS_REFUSED = (
    "Something has changed since this file was checked, so the list of refused rows is no longer correct. Send the "
    "file again."
)
EMPTY = {str(Field.default_error_messages[code]) for code in ("null", "blank")}
EMPTY_CELL = "This cell is empty. Fill it in."
MAX_CELL_LENGTH_SHOWN = 120  # characters of a cell of a new row


class ImportedRow(RowResult):
    """The result of a row. Its number is the one that a spreadsheet shows: row 1 has the names of the columns."""

    column_names: ClassVar[dict[str, str]] = {}  # by field, where a file calls its column something else
    number: int = 0
    notes: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()  # as the file has them
    is_ignored = False  # an empty row, or a remark such as a total

    @property
    def problems(self) -> list[str]:
        """Why the row is refused: sentences that name the row and, where there is one, the column."""
        problems: list[str] = []
        if self.validation_error:
            by_field = getattr(
                self.validation_error, "message_dict", {NON_FIELD_ERRORS: self.validation_error.messages}
            )
            for name, messages in by_field.items():
                column = self.column_names.get(name, name)
                place = f"Row {self.number}" if name == NON_FIELD_ERRORS else f"Row {self.number}, {column}"
                problems += [f"{place}: {EMPTY_CELL if message in EMPTY else message}" for message in messages]
        return problems + [f"Row {self.number}: {error.error}" for error in self.errors]


class ImportResult(Result):
    """The result of a file."""

    summary = ""  # how much it records, as a phrase such as "3 payments"
    reading: Sequence[str] = ()  # sentences about what was read of the file and what was not
    unclear = UnclearHeadings()  # of a refused file
    mapping: int | None = None  # the key of the saved mapping by which its headings were read
    refused_file = ""  # where the refused rows of a file that was only checked are kept, with the reasons
    left_out: list[int] | None = None  # the rows that its sender has chosen to leave out, by their numbers
    deferred_rows = 0  # how many rows a file has that was not tried because it is for the worker

    @property
    def problems(self) -> list[str]:
        """What is wrong with the file and its rows."""
        whole_file = [" ".join(getattr(error.error, "messages", [str(error.error)])) for error in self.base_errors]
        if self.left_out is not None and self.refused_numbers != self.left_out:
            whole_file.append(OTHERS_REFUSED)
        return whole_file + [problem for row in self.rows for problem in row.problems]

    @property
    def refused_rows(self) -> list[ImportedRow]:
        return [row for row in self.rows if row.problems]

    @property
    def refused_numbers(self) -> list[int]:
        return [row.number for row in self.refused_rows]

    @property
    def is_refused(self) -> bool:
        """Whether nothing is recorded: for any problem, unless it is one of a row that its sender has left out."""
        if self.left_out is None:
            return bool(self.problems)
        return bool(self.base_errors or self.error_rows) or self.refused_numbers != self.left_out

    @property
    def can_leave_out(self) -> bool:
        """Whether there are rows that could be recorded without the refused ones."""
        return bool(self.refused_rows and self.new) and not self.base_errors and not self.error_rows

    @property
    def new(self) -> list[ImportedRow]:
        return [row for row in self.rows if row.is_new()]

    @property
    def changed(self) -> list[Any]:
        """The rows that change a record. Rows of a ledger never do."""
        return []

    @property
    def unchanged(self) -> int:
        """How many rows are already recorded."""
        return self.totals[RowResult.IMPORT_TYPE_SKIP] - sum(row.is_ignored for row in self.rows)

    @property
    def notes(self) -> list[str]:
        """What staff should know of rows that are not refused: sentences that name the row."""
        return [f"Row {row.number}: {' '.join(row.notes)}" for row in self.rows if row.notes]

    @property
    def log_entries(self) -> list[tuple[int, list[Any]]]:
        """The records that the admin's log mentions, by the flag of `LogEntry` for what happened to them."""
        return [(ADDITION, [row.instance for row in self.new])]

    def log(self, by: Any, name: str) -> None:
        """Write into the admin's log of each record which file it came from."""
        for flag, records in self.log_entries:
            if records:
                LogEntry.objects.log_actions(int(str(by.pk)), records, flag, f"Recorded from {name[:200] or 'a file'}.")

    def report(self) -> dict[str, Any]:
        """The result in a form that JSON can store, with no more rows than the page of a long file shows."""
        problems, notes = self.problems, self.notes
        return {
            "summary": self.summary,
            "reading": list(self.reading),
            "mapping": self.mapping,
            "refused_file": self.refused_file,
            "refused_rows": self.refused_numbers,
            "unchanged": self.unchanged,
            "problems": problems[:MAX_ROWS_SHOWN],
            "more_problems": max(0, len(problems) - MAX_ROWS_SHOWN),
            "notes": notes[:MAX_ROWS_SHOWN],
            "more_notes": max(0, len(notes) - MAX_ROWS_SHOWN),
            "headings": list(self.new[0].row_values) if self.new else [],
            "new": [
                {"number": row.number, "cells": [truncate(cell, MAX_CELL_LENGTH_SHOWN) for cell in row.cells]}
                for row in self.new[:MAX_ROWS_SHOWN]
            ],
            "new_rows": len(self.new),
            "changed": [row.report() for row in self.changed[:MAX_ROWS_SHOWN]],
            "changed_rows": len(self.changed),
        }
