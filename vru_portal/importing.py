"""Files of rows in bulk: each row through the rule that every door goes through, all of them or none."""

from itertools import islice
from pathlib import Path
from time import time
from typing import Any, ClassVar
from uuid import uuid4

import tablib
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from import_export import resources, widgets
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import Result, RowResult
from import_export.tmp_storages import BaseStorage

from vru_portal.sheets import control_characters, text_of

LONGEST_WAIT = 86_400  # seconds


class Text(widgets.Widget):
    """Text."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Return the cell's text."""
        return text_of(value)


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
    def unchanged(self) -> int:
        """How many rows are recorded already, or empty."""
        return self.totals[RowResult.IMPORT_TYPE_SKIP]

    @property
    def notes(self) -> list[str]:
        """What staff should know of rows that are no problem, each as a sentence that names the row."""
        return [f"Row {row.number}: {' '.join(row.notes)}" for row in self.rows if row.notes]


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
        if other.stat().st_mtime < time() - LONGEST_WAIT:
            other.unlink(missing_ok=True)


class FileResource(resources.Resource):
    """What all files have in common: known columns, keys looked up at once, all rows or none."""

    required: ClassVar[tuple[str, ...]]
    required_note: ClassVar[str] = ""
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

    def __init__(self, *, by: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by = by

    def run(self, dataset: tablib.Dataset, *, dry_run: bool) -> Any:
        """Record a file, or show what recording it would do; where a row is refused, nothing is recorded."""
        return self.import_data(dataset, dry_run=dry_run, use_transactions=True, rollback_on_validation_errors=True)

    def import_data(self, *args: Any, **kwargs: Any) -> Any:
        """Record the rows of a file; the result says how much that is."""
        result = super().import_data(*args, **kwargs)
        result.summary = self.summary(result)
        return result

    def summary(self, result: Any) -> str:
        """Say how much a file records."""
        return f"{len(result.new)} {self.what}"

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
        """Refuse a file with other columns than these, then look up all that its rows name."""
        known = [field.column_name for field in self.get_import_fields()]
        dataset.headers = [self.column_of(heading, known) for heading in dataset.headers]
        if unknown := [name for name in dataset.headers if name not in known]:
            raise ValidationError(f"Unknown columns: {', '.join(unknown)}. Known are: {', '.join(known)}.")
        if len(set(dataset.headers)) < len(dataset.headers):
            raise ValidationError("A column is there twice.")
        if missing := [name for name in self.required if name not in dataset.headers]:
            raise ValidationError(f"Missing columns: {', '.join(missing)}. Known are: {', '.join(known)}.")
        if said := list(islice(control_characters(dataset), 10)):
            raise ValidationError(said)
        self.look_up({name: {text_of(cell) for cell in dataset[name]} - {""} for name in dataset.headers})

    def column_of(self, heading: str, known: list[str]) -> str:
        """Return the column that a heading names, in whatever case; the heading itself where there is none."""
        plain = heading.strip().casefold().replace(" ", "_")
        name = self.aliases.get(plain, plain)
        return name if name in known else heading

    def look_up(self, keys: dict[str, set[str]]) -> None:
        """Fetch what the cells of each column name."""
        raise NotImplementedError
