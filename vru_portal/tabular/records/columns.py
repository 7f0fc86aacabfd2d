"""The columns in which a record is written to a file and read from one: the same for every model, in both directions.

Values are compared as their texts in a file, so a file that was exported and sent back unchanged changes nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from vru_portal.tabular.readers import cell_text
from vru_portal.tabular.reading.spreadsheet_rewrites import by_resaved_form
from vru_portal.tabular.widgets import DateWidget, MoneyWidget, TimeWidget
from vru_portal.tabular.writers import TRUNCATION_NOTE, Cell
from vru_portal.text.characters import remove_forbidden
from vru_portal.text.cleaning import fold

LIST_SEPARATOR = ";"  # between the slugs of a many-to-many field
TRUE_WORDS, FALSE_WORDS = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}
MAX_VALUES_NAMED = 20  # how many possible values an error message lists
PROVENANCE_COLUMNS = ("source", "source_location", "as_at", "checked_on")  # the last columns, as in forms
STATE_FIELD = "state"  # in exports; an import cannot change it

# The fields that identify a row of a model in files, where it has no slug; none where there is only one row.
# `RecordResource` adds those of its models.
KEY_FIELDS: dict[type[models.Model], tuple[str, ...]] = {}


def key_fields(model: type[models.Model]) -> tuple[str, ...]:
    return KEY_FIELDS.get(model, ("slug",))


@cache
def key_paths(model: type[models.Model]) -> tuple[str, ...]:
    """The paths to the values that identify a row, such as `person__slug`."""
    return tuple(path for name in key_fields(model) for path in value_paths(model, name))


def value_paths(model: type[models.Model], name: str) -> list[str]:
    """The paths to the values of a field: its own, or, of a relation, those that identify the related row."""
    field: Any = model._meta.get_field(name)
    if field.many_to_one or field.one_to_one:
        return [f"{name}__{path}" for path in key_paths(field.related_model)]
    return [name]


@dataclass(frozen=True)
class RecordColumn:
    """One column: a field, or one of the values that together identify the row to which a relation leads."""

    name: str
    field: Any  # of the record
    leaf: Any  # the field at the end of the path, whose value is in the column
    path: str  # from the record to the leaf, as the ORM writes it

    @property
    def label(self) -> str:
        """What the form calls the field, if the column holds all of it."""
        return str(self.field.verbose_name) if self.field is self.leaf or self.name == self.field.name else self.name

    @property
    def about(self) -> str:
        """How the column is written, then the help text of the form."""
        return f"{self.notation} {self.field.help_text}".strip()

    @property
    def notation(self) -> str:
        if self.name == STATE_FIELD:
            return "For information: a file cannot change it. Leave it out, or do not change it."
        if self.field.many_to_many:
            return f"Slugs (the last parts of addresses) or names, separated by “{LIST_SEPARATOR}”."
        if choices := self.choices:
            return f"One of {', '.join(value for value in choices if value)}."
        match self.leaf:
            case models.BooleanField():
                return "yes or no."
            case models.DateField():
                return "A date, such as 2031-05-06 or 6/5/2031."
            case models.TimeField():
                return "A time of day, such as 9:30am or 14:30."
            case models.DecimalField():
                return "An amount in the format 1234.50."
            case models.IntegerField():
                return "A whole number."
            case models.SlugField() if self.field is not self.leaf:
                name = self.leaf.model._meta.verbose_name
                return f"The slug of the {name} (the last part of its address), or its name."
        return "Text."

    @property
    def choices(self) -> dict[str, str]:
        """The values that the column may have, with their labels on pages; empty if it may have any."""
        return {str(value): str(label) for value, label in self.leaf.flatchoices} if not self.is_relation else {}

    @property
    def is_relation(self) -> bool:
        return self.field is not self.leaf or self.field.many_to_many

    @property
    def slug_model(self) -> type[models.Model] | None:
        """The model whose slugs are in the column, if it has slugs of another model."""
        if self.field.many_to_many:
            return self.field.related_model
        return self.leaf.model if self.is_relation and self.leaf.name == "slug" else None

    def value(self, row: Any) -> Any:
        if self.field.many_to_many:
            return f"{LIST_SEPARATOR} ".join(sorted(one.slug for one in getattr(row, self.field.name).all()))
        for name in self.path.split("__"):
            row = None if row is None else getattr(row, name)
        return row

    def show(self, row: Any) -> Cell:
        """The value as exports write it."""
        value = self.value(row)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, time):
            return f"{value:%H:%M}"
        return value if value is None or isinstance(value, str | date | Decimal) else str(value)

    def text(self, row: Any) -> str:
        """The value as text, to be compared with what `read` returns for a cell."""
        value = self.show(row)
        return comparable_text(str(value) if value is not None else "")

    def read(self, cell: Any) -> str:
        """A cell as such text; raises ValueError, with a sentence, for what the column cannot have."""
        if self.field.many_to_many:
            names = {name.strip() for name in cell_text(cell).split(LIST_SEPARATOR)} - {""}
            return f"{LIST_SEPARATOR} ".join(sorted(names))
        text = comparable_text(cell if isinstance(cell, str) else cell_text(cell))
        if self.choices:
            return self.choose(text)
        match self.leaf:
            case models.BooleanField():
                if text.casefold() not in TRUE_WORDS | FALSE_WORDS:
                    raise ValueError(f"Enter yes or no, not {text!r}.")
                return "yes" if text.casefold() in TRUE_WORDS else "no"
            case models.DateField():
                day = DateWidget().clean(cell if isinstance(cell, date | datetime) else text)
                return day.isoformat() if day else ""
            case models.TimeField():
                at = TimeWidget().clean(text)
                return f"{at:%H:%M}" if at else ""
            case models.DecimalField():
                return str(MoneyWidget().clean(text) or "")
            case models.IntegerField():
                if text and not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
                    raise ValueError(f"Enter a whole number, not {text!r}.")
                return str(int(text)) if text else ""
        return text

    def choose(self, text: str) -> str:
        """The value that a cell means by itself or by its label; raises ValueError if there is none."""
        by_name = {fold(form): value for form, value in by_resaved_form(self.choices).items()}
        by_name |= {fold(label): value for value, label in self.choices.items()}
        by_name |= {fold(value): value for value in self.choices}
        if text and fold(text) not in by_name:
            raise ValueError(f"{text!r} is not one of {', '.join(value for value in self.choices if value)}.")
        return by_name.get(fold(text), "")

    def matches(self, row: Any, text: str) -> bool:
        """Whether a row has what a cell says. A workbook's cell may have had no room for all of it."""
        own = self.text(row)
        return own == text or (text.endswith(TRUNCATION_NOTE) and own.startswith(text.removesuffix(TRUNCATION_NOTE)))


def comparable_text(text: str) -> str:
    """Text without what forms and workbooks do not keep: spaces around it, kinds of line end, control characters."""
    return remove_forbidden(text.replace("\r\n", "\n").replace("\r", "\n")).strip()


@cache
def columns_of(model: type[models.Model]) -> tuple[RecordColumn, ...]:
    """The columns of a model: first those that identify a row, then the state, then the other fields of its form."""
    names = [field.name for field in importable_fields(model)]
    first = [*key_fields(model), *([STATE_FIELD] if STATE_FIELD in names else [])]
    ordered = [*first, *(name for name in names if name not in first)]
    return tuple(column for name in ordered for column in make_columns(model, name))


def columns_of_field(columns: Iterable[RecordColumn], name: str) -> list[RecordColumn]:
    return [column for column in columns if column.field.name == name]


def importable_fields(model: type[models.Model]) -> list[Any]:
    """The fields that are in the form of a model and that a cell can hold."""
    fields = [*model._meta.concrete_fields, *model._meta.many_to_many]
    suitable = [f for f in fields if f.editable and not f.primary_key and not isinstance(f, models.FileField)]
    return sorted(suitable, key=lambda field: field.name in PROVENANCE_COLUMNS)


def make_columns(model: type[models.Model], name: str) -> Iterator[RecordColumn]:
    field = model._meta.get_field(name)
    paths = value_paths(model, name)
    for path in paths:
        short = path.removesuffix("__slug").replace("__", "_")
        yield RecordColumn(name if len(paths) == 1 else short, field, resolve_path(model, path), path)


def resolve_path(model: type[models.Model], path: str) -> Any:
    """The field at the end of a path."""
    first, _, rest = path.partition("__")
    field: Any = model._meta.get_field(first)
    return resolve_path(field.related_model, rest) if rest else field


def field_value(field: Any, text: str) -> Any:
    """The value of a field that is not a relation, from its text; raises ValidationError."""
    if isinstance(field, models.BooleanField):
        return text == "yes"
    if text == "" and not isinstance(field, models.CharField | models.TextField):
        return None
    try:
        return field.to_python(text)
    except ValidationError as error:
        raise ValidationError({field.name: error}) from error
