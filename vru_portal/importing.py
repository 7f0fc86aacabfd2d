"""Files of rows in bulk: each row through the rule that every door goes through, all of them or none."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import time
from typing import Any, ClassVar
from uuid import uuid4

import tablib
from django.conf import settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from import_export import resources, widgets
from import_export.formats import base_formats
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import Result, RowResult
from import_export.tmp_storages import BaseStorage

from vru_portal.money import parse
from vru_portal.sheets import CSV, XLSX, control_characters, text_of

LONGEST_WAIT = 86_400  # seconds
SHOWN = 100  # rows of a kind, on a page
LONGEST_SHOWN = 120  # characters of a cell of a new row


GONE = (
    "This file was recorded already, or sent too long ago. Look at the list; if it is not there, send the file again."
)


class Text(widgets.Widget):
    """Text."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Return the cell's text."""
        return text_of(value)


class Money(widgets.Widget):
    """A sum; a spreadsheet's number counts as what it shows when it has no more than two decimals."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Decimal | None:
        """Return pounds, or None for an empty cell; raises ValueError for what is no sum."""
        if isinstance(value, bool):
            raise ValueError(f"{value} is not a sum in pounds and whole pence, such as 1234.50.")
        text = text_of(value)
        try:
            return parse(text) if text else None
        except ValidationError as error:
            raise ValueError(error.messages[0]) from error


class Day(widgets.Widget):
    """A day, as YYYY-MM-DD or as a spreadsheet's date."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date | None:
        """Return the day, or None for an empty cell; raises ValueError for what is none."""
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        text = text_of(value)
        if not text:
            return None
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is no day. Write it as 2031-05-06.") from None


class FileRow(RowResult):
    """What became of a row, with its number in the sheet, whose first row names the columns."""

    columns: ClassVar[dict[str, str]] = {}  # what a file calls fields that its columns do not name
    number: int = 0
    notes: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()  # as the file has them

    @property
    def problems(self) -> list[str]:
        """What keeps the row out, each as a sentence that names it."""
        said: list[str] = []
        if self.validation_error:
            by_field = getattr(
                self.validation_error, "message_dict", {NON_FIELD_ERRORS: self.validation_error.messages}
            )
            for name, sentences in by_field.items():
                column = self.columns.get(name, name)
                place = f"Row {self.number}" if name == NON_FIELD_ERRORS else f"Row {self.number}, {column}"
                said += [f"{place}: {sentence}" for sentence in sentences]
        return said + [f"Row {self.number}: {error.error}" for error in self.errors]


class FileResult(Result):
    """What became of a file."""

    summary = ""  # how much it records, in words

    @property
    def problems(self) -> list[str]:
        """What keeps the file out: nothing of it is recorded as long as there is anything."""
        whole = [" ".join(getattr(error.error, "messages", [str(error.error)])) for error in self.base_errors]
        return whole + [problem for row in self.rows for problem in row.problems]

    @property
    def new(self) -> list[FileRow]:
        """The rows that are recorded."""
        return [row for row in self.rows if row.is_new()]

    @property
    def logged(self) -> list[tuple[int, list[Any]]]:
        """What is written into the admin's log: records, by what happened to them."""
        return [(ADDITION, [row.instance for row in self.new])]

    def log(self, by: Any, name: str) -> None:
        """Write into the log of each record which file it came from."""
        for flag, records in self.logged:
            if records:
                LogEntry.objects.log_actions(int(str(by.pk)), records, flag, f"Recorded from {name[:200] or 'a file'}.")

    def report(self) -> dict[str, Any]:
        """Return it as JSON can hold it, without most of what is long: the page of a long file shows no more."""
        problems, notes = self.problems, self.notes
        return {
            "summary": self.summary,
            "unchanged": self.unchanged,
            "problems": problems[:SHOWN],
            "more_problems": max(0, len(problems) - SHOWN),
            "notes": notes[:SHOWN],
            "more_notes": max(0, len(notes) - SHOWN),
            "headings": list(self.new[0].row_values) if self.new else [],
            "new": [{"number": row.number, "cells": [short(cell) for cell in row.cells]} for row in self.new[:SHOWN]],
            "new_rows": len(self.new),
            "changed": [row.in_words for row in self.changed[:SHOWN]],
            "changed_rows": len(self.changed),
        }

    @property
    def changed(self) -> list[Any]:
        """The rows that change what is there already."""
        return []

    @property
    def unchanged(self) -> int:
        """How many rows are recorded already, or empty."""
        return self.totals[RowResult.IMPORT_TYPE_SKIP]

    @property
    def notes(self) -> list[str]:
        """What staff should know of rows that are no problem, each as a sentence that names the row."""
        return [f"Row {row.number}: {' '.join(row.notes)}" for row in self.rows if row.notes]


def short(cell: str) -> str:
    """Return the beginning of a long cell."""
    return cell if len(cell) <= LONGEST_SHOWN else f"{cell[:LONGEST_SHOWN].rstrip()} …"


class WaitingFile(BaseStorage):
    """A file that waits for its confirmation, for a day: readable by the portal alone, in a folder of its own."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(settings.VAR_DIR, "imports", self.name)

    def save(self, data: bytes) -> None:
        """Keep it, and clear away what nobody confirmed."""
        clear_away()
        self.name = uuid4().hex
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        self.path.write_bytes(data)

    def read(self) -> bytes:
        """Return it; raises FileNotFoundError once it is recorded or cleared away."""
        return self.path.read_bytes()

    def remove(self) -> None:
        """Clear it away."""
        self.path.unlink(missing_ok=True)


def clear_away() -> None:
    """Remove files that nobody has confirmed for a day: they may name people."""
    folder = Path(settings.VAR_DIR, "imports")
    for other in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # the worker, or the chores, were faster
            if other.stat().st_mtime < time() - LONGEST_WAIT:
                other.unlink()


class LongFile(Exception):  # noqa: N818 - nothing is wrong with it
    """Raised for a file that would keep its sender waiting: the worker tries and records it (`vru_portal.tasks`)."""

    def __init__(self, rows: int) -> None:
        self.rows = rows


class FileResource(resources.Resource):
    """What all files have in common: known columns, keys looked up at once, all rows or none."""

    required: ClassVar[tuple[str, ...]]
    required_note: ClassVar[str] = ""
    formats: ClassVar[tuple[type[base_formats.Format], ...]] = (CSV, XLSX)
    aliases: ClassVar[dict[str, str]] = {}  # other headings, and the columns that they stand for
    what: ClassVar[str]
    permission: ClassVar[str]

    class Meta:
        instance_loader_class = BaseInstanceLoader
        force_init_instance = True
        skip_diff = True
        store_instance = True
        store_row_values = True
        report_skipped = True
        clean_model_instances = False  # the rules do it

    def __init__(self, *, by: Any = None, name: str = "", longest: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by, self.name, self.longest = by, name, longest
        self.step: Callable[[], object] = lambda: None  # called after each row: a long file says how far it has come

    @classmethod
    def permits(cls, by: Any) -> bool:
        """Whether somebody may send such a file: whoever may record one row may record many."""
        return by.has_perm(cls.permission)

    def import_row(self, *args: Any, **kwargs: Any) -> Any:
        """Record a row."""
        result = super().import_row(*args, **kwargs)
        self.step()
        return result

    def run(self, dataset: tablib.Dataset, *, dry_run: bool) -> Any:
        """Record a file, or show what recording it would do; where a row is refused, nothing is recorded."""
        return self.import_data(dataset, dry_run=dry_run, use_transactions=True, rollback_on_validation_errors=True)

    def import_data(self, dataset: tablib.Dataset, *args: Any, **kwargs: Any) -> Any:
        """Record the rows of a file; the result says how much that is. Raises LongFile for one that is long."""
        if self.longest and len(dataset) > self.longest:
            raise LongFile(len(dataset))
        result = super().import_data(dataset, *args, **kwargs)
        result.summary = self.summary(result)
        return result

    def summary(self, result: Any) -> str:
        """Say how much a file records."""
        number = len(result.new)
        return f"{number} {self.held()._meta.verbose_name if number == 1 else self.what}"

    @classmethod
    def held(cls) -> Any:
        """Return the model of what a file holds."""
        return cls._meta.model

    @classmethod
    def get_display_name(cls) -> str:
        """What a file holds, as the admin's form asks."""
        return cls.what

    @classmethod
    def get_row_result_class(cls) -> type[FileRow]:
        """Rows know their numbers."""
        return FileRow

    @classmethod
    def get_result_class(cls) -> type[FileResult]:
        """Results are said in sentences."""
        return FileResult

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Check the columns and look up what rows name; where that fails, leave the rows alone."""
        try:
            self.prepare(dataset)
        except ValidationError:
            dataset.wipe()
            raise

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the columns and the characters, then look up all that the rows name."""
        self.check_columns(dataset)
        if said := list(islice(control_characters(dataset), 10)):
            raise ValidationError(said)
        self.look_up({name: {text_of(cell) for cell in dataset[name]} - {""} for name in dataset.headers})

    def check_columns(self, dataset: tablib.Dataset) -> None:
        """Refuse a file with other columns than these."""
        known = [field.column_name for field in self.get_import_fields()]
        dataset.headers = [self.column_of(heading, known) for heading in dataset.headers]
        if unknown := [name for name in dataset.headers if name not in known]:
            raise ValidationError(f"Unknown columns: {', '.join(unknown)}. Known are: {', '.join(known)}.")
        if len(set(dataset.headers)) < len(dataset.headers):
            raise ValidationError("A column is there twice.")
        if missing := [name for name in self.required if name not in dataset.headers]:
            raise ValidationError(f"Missing columns: {', '.join(missing)}. Known are: {', '.join(known)}.")

    def column_of(self, heading: str, known: list[str]) -> str:
        """Return the column that a heading names, in whatever case; the heading itself where there is none."""
        plain = heading.strip().casefold().replace(" ", "_")
        name = self.aliases.get(plain, plain)
        return name if name in known else heading

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch what the cells of each column name."""
        raise NotImplementedError
