"""Reading the rows of a file of records: which record each is about, what it changes, and what is wrong with it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

from vru_portal.publishing.state import State
from vru_portal.tabular.readers import unreadable_cell
from vru_portal.tabular.reading.spreadsheet_rewrites import by_resaved_key, resaved_forms
from vru_portal.tabular.records.columns import MAX_VALUES_NAMED, STATE_FIELD, RecordColumn, columns_of_field
from vru_portal.tabular.records.lookup import References, rows_for_columns, split_list
from vru_portal.tabular.records.permissions import missing_permissions
from vru_portal.tabular.records.rows import RecordOutcome
from vru_portal.text.characters import FORBIDDEN, SURROGATE, forbidden_character_message
from vru_portal.text.cleaning import truncate


class RecordReader:
    """Reads all rows of a file. It writes nothing: what it finds is in the outcomes."""

    def __init__(
        self,
        model: type[models.Model],
        columns: Sequence[RecordColumn],
        key: tuple[str, ...],
        references: References,
        *,
        by: Any,
        resaved: bool,
    ) -> None:
        """`resaved` is for a file that a spreadsheet may have saved in its own way (`reading.resaved`)."""
        self.model, self.columns, self.key, self.references, self.by = model, columns, key, references, by
        self.resaved = resaved
        self.key_columns = [column for column in columns if column.field.name in key]

    def read(self, outcomes: list[RecordOutcome]) -> None:
        self.find_records(outcomes)
        new = [outcome for outcome in outcomes if outcome.texts and outcome.is_new]
        # A row may refer to a record that another row of the same file adds.
        new_keys = {self.key_of_row(outcome) for outcome in new}
        for outcome in outcomes:
            if outcome.texts:
                self.find_changes(outcome, new_keys)

    def find_records(self, outcomes: list[RecordOutcome]) -> None:
        """Read the cells and find the record of each row; two rows about the same record are an error."""
        records = {self.key_of_record(row): row for row in rows_for_columns(self.model)}
        resaved = by_resaved_key(records) if self.resaved else {}
        row_numbers: dict[tuple[str, ...], int] = {}
        for outcome in outcomes:
            if outcome.is_empty:
                continue
            self.read_cells(outcome, (column for column in self.columns if column.name in outcome.cells))
            if self.empty_key_fields(outcome):
                continue
            key = self.key_of_row(outcome)
            if key not in records and key in resaved:
                key = resaved[key]
                outcome.texts |= dict(zip((column.name for column in self.key_columns), key, strict=True))
            if key in row_numbers:
                name = self.model._meta.verbose_name
                outcome.add_error(f"This file already has the same {name} in row {row_numbers[key]}.")
            row_numbers[key] = outcome.number
            outcome.existing = records.get(key)

    def read_cells(self, outcome: RecordOutcome, columns: Iterable[RecordColumn]) -> None:
        for column in columns:
            cell = outcome.cells[column.name]
            # No database stores a surrogate, so it must not even get into a query.
            if isinstance(cell, str) and (surrogate := SURROGATE.search(cell)):
                outcome.add_error(forbidden_character_message(surrogate[0]), column.name)
                continue
            if problem := unreadable_cell(cell):
                outcome.add_error(problem, column.name)
                continue
            try:
                outcome.texts[column.name] = self.references.with_slugs(column, column.read(cell))
            except ValueError as error:
                outcome.add_error(str(error), column.name)

    def key_of_row(self, outcome: RecordOutcome) -> tuple[str, ...]:
        return tuple(outcome.texts.get(column.name, "") for column in self.key_columns)

    def key_of_record(self, record: Any) -> tuple[str, ...]:
        return tuple(column.text(record) for column in self.key_columns)

    def empty_key_fields(self, outcome: RecordOutcome) -> list[str]:
        """The fields that identify a record and are missing from a row."""
        columns = [column for column in self.key_columns if not column.field.blank]
        filled = {column.field.name for column in columns if outcome.texts.get(column.name)}
        return list(dict.fromkeys(column.field.name for column in columns if column.field.name not in filled))

    def find_changes(self, outcome: RecordOutcome, new_keys: set[tuple[str, ...]]) -> None:
        """Find out what a row changes, and what its sender, or any file, may not change."""
        if empty := self.empty_key_fields(outcome):
            for name in (name for name in empty if name not in outcome.errors):
                outcome.add_error(f"Enter a value: it identifies the {self.model._meta.verbose_name}.", name)
            return
        texts, existing = outcome.texts, outcome.existing
        editable = [column for column in self.columns if column.name in texts and column.name != STATE_FIELD]
        outcome.changed = [
            column
            for column in editable
            if (texts[column.name] if existing is None else not self.is_unchanged(column, outcome))
        ]
        self.check_state(outcome)
        if existing is None or outcome.changed:
            for message in missing_permissions(self.by, self.model, is_new=outcome.is_new):
                outcome.add_error(message)
        # What a record has already may stay: only what is new to it must be free of control characters.
        for column in outcome.changed if existing else [column for column in self.columns if column.name in texts]:
            cell = outcome.cells[column.name]
            if isinstance(cell, str) and (found := FORBIDDEN.search(cell)):
                outcome.add_error(forbidden_character_message(found[0]), column.name)
        for name in outcome.changed_fields:
            if name in outcome.errors or {c.name for c in columns_of_field(self.columns, name)} - outcome.texts.keys():
                continue
            if message := self.unknown_reference(outcome, name, new_keys):
                outcome.add_error(message, name)

    def is_unchanged(self, column: RecordColumn, outcome: RecordOutcome) -> bool:
        """Whether a row has what the record has, perhaps in the form in which a spreadsheet saved it."""
        text = outcome.texts[column.name]
        if column.matches(outcome.existing, text):
            return True
        own = column.text(outcome.existing)
        if not self.resaved or column.is_relation or text not in resaved_forms(own):
            return False
        outcome.notes.append(
            f"{column.name} stays “{truncate(own, 60)}”. A spreadsheet changed it to “{truncate(text, 60)}”."
        )
        return True

    def check_state(self, outcome: RecordOutcome) -> None:
        """A file shows whether a record is published. It cannot publish one: that needs somebody who looks at it."""
        wanted = outcome.texts.get(STATE_FIELD)
        actual = State.DRAFT if outcome.is_new else getattr(outcome.existing, STATE_FIELD, None)
        if wanted and wanted != actual:
            state = "new" if outcome.is_new else f"“{actual}”"
            outcome.add_error(
                f"The file says “{wanted}” but the record is {state}. A file cannot change this: publish or unpublish "
                "the record on its page.",
                STATE_FIELD,
            )

    def unknown_reference(self, outcome: RecordOutcome, name: str, new_keys: set[tuple[str, ...]]) -> str:
        """A sentence about the first record that a field refers to and that does not exist; empty if all exist."""
        columns = columns_of_field(self.columns, name)
        if not columns[0].is_relation:
            return ""
        model = columns[0].field.related_model
        known = self.references.primary_keys[model].keys() | (new_keys if model is self.model else set())
        texts = outcome.texts_of(columns)
        keys: list[tuple[str, ...]]
        if columns[0].field.many_to_many:
            keys = [(slug,) for slug in split_list(texts[0])]
        else:
            keys = [texts] if any(texts) else []
        unknown = next((key for key in keys if key not in known), None)
        if unknown is None:
            return ""
        quoted = repr(", ".join(part or "(nothing)" for part in unknown))
        if len(texts) == 1 and len(known) <= MAX_VALUES_NAMED:
            return f"{quoted} is not one of {', '.join(sorted(key[0] for key in known)) or '(none yet)'}."
        return f"There is no {model._meta.verbose_name} {quoted}."
