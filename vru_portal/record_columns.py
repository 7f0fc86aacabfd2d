"""The columns in which a record is written into a file and read from one: the same for every model, in both ways.

A value is compared as its text in a file, so what was exported and sent back unchanged changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from vru_portal.importing import Day, Money
from vru_portal.sheets import CONTROL, text_of
from vru_portal.tables import CUT, Cell

BETWEEN = ";"  # the slugs of a list
YES, NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}
MOST_NAMED = 20  # of what a cell may say, in a message
PROVENANCE = ("source", "source_location", "as_at", "checked_on")  # last, as in forms
STATE = "state"  # shown by a file, changed by steps alone


# The fields that name a row of a model in files where no slug does: none for what there is only one of.
KEYS: dict[type[models.Model], tuple[str, ...]] = {}


def key_fields(model: type[models.Model]) -> tuple[str, ...]:
    """Return the fields that name a row of a model in files."""
    return KEYS.get(model, ("slug",))


@cache
def key_paths(model: type[models.Model]) -> tuple[str, ...]:
    """Return the way to each value that names a row, such as `person__slug`."""
    return tuple(path for name in key_fields(model) for path in paths_of(model, name))


def paths_of(model: type[models.Model], name: str) -> list[str]:
    """Return the way to each value that a field is written as: those that name the row it leads to, or its own."""
    field: Any = model._meta.get_field(name)
    if field.many_to_one or field.one_to_one:
        return [f"{name}__{path}" for path in key_paths(field.related_model)]
    return [name]


@dataclass(frozen=True)
class RecordColumn:
    """One column: a field, or, of a field that leads to a row which several values name, one of these."""

    name: str
    field: Any  # of the record
    leaf: Any  # whose value stands in the column
    path: str

    @property
    def about(self) -> str:
        """How it is written, then what the form says of it."""
        return f"{self.written} {self.field.help_text}".strip()

    @property
    def written(self) -> str:
        """How its cells are written."""
        if self.name == STATE:
            return "Shown only: a file cannot change it. Leave it out or as it is."
        if self.field.many_to_many:
            return f"Slugs (the last parts of addresses) or names, with “{BETWEEN}” between them."
        if choices := self.choices:
            return f"One of {', '.join(value for value in choices if value)}."
        match self.leaf:
            case models.BooleanField():
                return "yes or no."
            case models.DateField():
                return "A day, as 2031-05-06."
            case models.DecimalField():
                return "A sum, as 1234.50."
            case models.IntegerField():
                return "A whole number."
            case models.SlugField() if self.field is not self.leaf:
                return (
                    f"The slug of the {self.leaf.model._meta.verbose_name} (the last part of its address), or its name."
                )
        return "Text."

    @property
    def choices(self) -> dict[str, str]:
        """Values, with what pages call them."""
        return {str(value): str(label) for value, label in self.leaf.flatchoices} if not self.is_relation else {}

    @property
    def is_relation(self) -> bool:
        """Whether it names another row."""
        return self.field is not self.leaf or self.field.many_to_many

    @property
    def named(self) -> type[models.Model] | None:
        """The model whose slugs stand in it."""
        if self.field.many_to_many:
            return self.field.related_model
        return self.leaf.model if self.is_relation and self.leaf.name == "slug" else None

    def value(self, row: Any) -> Any:
        """Return what a row has."""
        if self.field.many_to_many:
            return f"{BETWEEN} ".join(sorted(one.slug for one in getattr(row, self.field.name).all()))
        for name in self.path.split("__"):
            row = None if row is None else getattr(row, name)
        return row

    def show(self, row: Any) -> Cell:
        """Return it as a list shows it."""
        found = self.value(row)
        if isinstance(found, bool):
            return "yes" if found else "no"
        return found if found is None or isinstance(found, str | date | Decimal) else str(found)

    def text(self, row: Any) -> str:
        """Return it as text, to be compared with what `read` makes of a cell."""
        found = self.show(row)
        return plain_text(str(found) if found is not None else "")

    def read(self, cell: Any) -> str:
        """Return a cell as such text; raises ValueError where it is none of what the column can say."""
        if self.field.many_to_many:
            return f"{BETWEEN} ".join(sorted({name.strip() for name in text_of(cell).split(BETWEEN)} - {""}))
        text = plain_text(cell if isinstance(cell, str) else text_of(cell))
        if self.choices:
            return self.chosen(text)
        match self.leaf:
            case models.BooleanField():
                if text.casefold() not in YES | NO:
                    raise ValueError(f"{self.name} {text!r} is not yes or no")
                return "yes" if text.casefold() in YES else "no"
            case models.DateField():
                found = Day().clean(cell if isinstance(cell, date | datetime) else text)
                return found.isoformat() if found else ""
            case models.DecimalField():
                return str(Money().clean(text) or "")
            case models.IntegerField():
                if text and not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
                    raise ValueError(f"{self.name} {text!r} is not a whole number")
                return str(int(text)) if text else ""
        return text

    def chosen(self, text: str) -> str:
        """Return the value that a cell says by itself or by its label."""
        by_name = {label.casefold(): value for value, label in self.choices.items()}
        by_name |= {value.casefold(): value for value in self.choices}
        if text and text.casefold() not in by_name:
            known = ", ".join(value for value in self.choices if value)
            raise ValueError(f"{self.name} {text!r} is not one of {known}")
        return by_name.get(text.casefold(), "")

    def same(self, row: Any, text: str) -> bool:
        """Whether a row has what a cell says; also where a workbook had no place for all of it."""
        own = self.text(row)
        return own == text or (text.endswith(CUT) and own.startswith(text.removesuffix(CUT)))


def plain_text(text: str) -> str:
    """Return text without what no form keeps and no workbook holds: blanks around it, ways to end a line, controls."""
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


@cache
def columns_of(model: type[models.Model]) -> tuple[RecordColumn, ...]:
    """Return the columns of a model: those that name a row first, then whatever else its form has."""
    names = [field.name for field in fields_of(model)]
    first = [*key_fields(model), *([STATE] if STATE in names else [])]
    ordered = [*first, *(name for name in names if name not in first)]
    return tuple(column for name in ordered for column in columns_for(model, name))


def fields_of(model: type[models.Model]) -> list[Any]:
    """Return the fields that a form has and a file can hold."""
    found = [*model._meta.concrete_fields, *model._meta.many_to_many]
    shown = [f for f in found if f.editable and not f.primary_key and not isinstance(f, models.FileField)]
    return sorted(shown, key=lambda field: field.name in PROVENANCE)


def columns_for(model: type[models.Model], name: str) -> Iterator[RecordColumn]:
    """Yield the columns of a field."""
    field = model._meta.get_field(name)
    paths = paths_of(model, name)
    for path in paths:
        short = path.removesuffix("__slug").replace("__", "_")
        yield RecordColumn(name if len(paths) == 1 else short, field, leaf_of(model, path), path)


def leaf_of(model: type[models.Model], path: str) -> Any:
    """Return the field at the end of a way."""
    first, _, rest = path.partition("__")
    field: Any = model._meta.get_field(first)
    return leaf_of(field.related_model, rest) if rest else field


def value_of(field: Any, text: str) -> Any:
    """Return what a field without relation holds, from its text; raises ValidationError."""
    if isinstance(field, models.BooleanField):
        return text == "yes"
    if text == "" and not isinstance(field, models.CharField | models.TextField):
        return None
    try:
        return field.to_python(text)
    except ValidationError as error:
        raise ValidationError({field.name: error}) from error
