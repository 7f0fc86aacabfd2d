"""A row of a file of records: what it says while it is read, and the result once it is saved."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from import_export.results import RowResult

from vru_portal.publishing.snapshots import owning_record
from vru_portal.tabular.outcomes import ImportedRow, ImportResult
from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.records.columns import RecordColumn
from vru_portal.text.differences import Excerpt, changed_words


@dataclass
class RecordOutcome:
    """A row of a file and what becomes of it. `RecordReader` fills it in, then `RecordWriter` saves it."""

    number: int  # as a spreadsheet shows it
    cells: dict[str, Any]  # by column
    texts: dict[str, str] = field(default_factory=dict)  # by column, as `RecordColumn.read` returns them
    existing: Any = None  # the record that the row is about, without a pending change; None for a new record
    changed: list[RecordColumn] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)  # by column, found while the row was read
    notes: list[str] = field(default_factory=list)  # what its sender should know although nothing is wrong
    refusal: ValidationError | None = None  # why the record could not be saved
    saved: Any = None
    is_pending: bool = False  # whether the public does not see the change until somebody publishes it

    @property
    def is_new(self) -> bool:
        return self.existing is None

    @property
    def is_empty(self) -> bool:
        return not any(cell_text(cell) for cell in self.cells.values())

    @property
    def changed_fields(self) -> list[str]:
        return list(dict.fromkeys(column.field.name for column in self.changed))

    def add_error(self, message: str, column: str = NON_FIELD_ERRORS) -> None:
        self.errors.setdefault(column, []).append(message)

    def texts_of(self, columns: Iterable[RecordColumn]) -> tuple[str, ...]:
        return tuple(self.texts[column.name] for column in columns)

    def differences(self) -> list[tuple[str, Excerpt, Excerpt]]:
        """Each changed column with what it said and what it says; nothing for a new record."""
        if self.is_new:
            return []
        return [(c.name, *changed_words(c.text(self.existing), self.texts[c.name])) for c in self.changed]

    def result(self) -> "RecordRow":
        """The result of the row, in the terms of django-import-export."""
        row = RecordRow()
        row.number, row.cells, row.row_values = self.number, tuple(map(cell_text, self.cells.values())), self.cells
        row.notes = tuple(self.notes)
        if self.errors or self.refusal:
            row.import_type = RowResult.IMPORT_TYPE_INVALID
            row.validation_error = self.refusal or ValidationError(self.errors)
        elif self.saved is None:
            row.import_type = RowResult.IMPORT_TYPE_SKIP
        else:
            row.import_type = RowResult.IMPORT_TYPE_NEW if self.is_new else RowResult.IMPORT_TYPE_UPDATE
            row.instance, row.is_pending, row.object_repr = self.saved, self.is_pending, str(self.saved)
            row.changed_root = None if self.is_new and not self.is_pending else owning_record(self.saved)
            row.differences = tuple(self.differences())
        return row


class RecordRow(ImportedRow):
    """The result of a row."""

    changed_root: Any = None  # the record whose log mentions the change; None for a record that is new itself
    is_pending = False
    differences: tuple[tuple[str, Excerpt, Excerpt], ...] = ()

    def report(self) -> dict[str, Any]:
        """What the row changes, in a form that JSON can store."""
        differences = [{"column": column, "before": old, "after": new} for column, old, new in self.differences]
        return {
            "number": self.number,
            "record": self.object_repr,
            "is_pending": self.is_pending,
            "differences": differences,
        }


class RecordResult(ImportResult):
    """The result of a file."""

    @property
    def changed(self) -> list[RecordRow]:
        return [row for row in self.rows if row.is_update()]

    @property
    def log_entries(self) -> list[tuple[int, list[Any]]]:
        """The records that the admin's log mentions: a part, or a pending change, is a change of its root."""
        new = [row.instance for row in self.new if not row.is_pending]
        roots = [row.changed_root for row in [*self.changed, *self.new] if row.changed_root]
        changed = {(type(root), root.pk): root for root in roots}
        return [(ADDITION, new), (CHANGE, list(changed.values()))]
