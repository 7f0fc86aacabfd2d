"""What the cells of a file refer to: other records, by their slugs, their names, or the values that identify them."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from vru_portal.tabular.reading.spreadsheet_rewrites import by_resaved_form
from vru_portal.tabular.records.columns import (
    LIST_SEPARATOR,
    RecordColumn,
    columns_of,
    columns_of_field,
    comparable_text,
    key_fields,
)
from vru_portal.text.cleaning import fold


class SlugLookup:
    """The slugs of a model, and what else may mean one: a slug in another case, or the name of a record.

    A slug in its own case comes before one in another, that before a name, and that before what a spreadsheet has made
    of a slug. A name that two records share stands
    for neither.
    """

    def __init__(self, model: type[models.Model], new_slugs: Iterable[str] = ()) -> None:
        name_field = next((field.name for field in model._meta.fields if field.name in ("name", "title")), "slug")
        rows = [
            (slug, comparable_text(str(name))) for slug, name in model._default_manager.values_list("slug", name_field)
        ]
        self.slugs = {slug for slug, _ in rows} | {*new_slugs}
        by_name = unambiguous((name, slug) for slug, name in rows if name)
        self.alternatives = (
            {fold(form): slug for form, slug in by_resaved_form(self.slugs).items()}
            | by_name
            | unambiguous((slug, slug) for slug in self.slugs)
        )

    def find(self, text: str) -> str:
        """The slug that a text means; the text itself if it means none."""
        return text if text in self.slugs else self.alternatives.get(fold(text), text)


def unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The slug of each text, by the folded text, without the texts that mean several slugs."""
    slugs_by_text: dict[str, set[str]] = {}
    for text, slug in pairs:
        slugs_by_text.setdefault(fold(text), set()).add(slug)
    return {text: min(slugs) for text, slugs in slugs_by_text.items() if len(slugs) == 1}


class References:
    """All records that the columns of a file can refer to, fetched once and not row by row."""

    def __init__(self, model: type[models.Model], columns: Iterable[RecordColumn], new_slugs: Iterable[str]) -> None:
        """`columns` are those of the file; `new_slugs` are in its slug column, if it has one."""
        # Primary keys by model and by the texts that identify a row in files.
        self.primary_keys: dict[type[models.Model], dict[tuple[str, ...], Any]] = {}
        self.slugs: dict[type[models.Model], SlugLookup] = {}
        for column in columns:
            related = column.field.related_model
            if column.is_relation and related not in self.primary_keys:
                self.primary_keys[related] = primary_keys_by_texts(related)
            if (slug_model := column.slug_model) and slug_model not in self.slugs:
                self.slugs[slug_model] = SlugLookup(slug_model, new_slugs if slug_model is model else ())

    def with_slugs(self, column: RecordColumn, text: str) -> str:
        """The text of a cell with slugs in place of names and of slugs in another case."""
        lookup = self.slugs.get(column.slug_model) if column.slug_model else None
        if lookup is None:
            return text
        if column.field.many_to_many:
            return f"{LIST_SEPARATOR} ".join(sorted({lookup.find(name) for name in split_list(text)}))
        return lookup.find(text)


def split_list(text: str) -> list[str]:
    return [slug for name in text.split(LIST_SEPARATOR) if (slug := name.strip())]


def primary_keys_by_texts(model: type[models.Model]) -> dict[tuple[str, ...], Any]:
    """The primary keys of all rows of a model, by the texts that identify a row in files."""
    columns = [column for name in key_fields(model) for column in columns_of_field(columns_of(model), name)]
    rows = model._default_manager.values_list("pk", *(column.path for column in columns))
    return {tuple(comparable_text("" if value is None else str(value)) for value in values): pk for pk, *values in rows}


def rows_for_columns(model: type[models.Model]) -> Any:
    """The rows of a model with everything that their columns show, in a few queries however many rows there are."""
    columns = columns_of(model)
    single = {
        path for c in columns if c.is_relation and not c.field.many_to_many if (path := c.path.rpartition("__")[0])
    }
    lists = [column.field.name for column in columns if column.field.many_to_many]
    return model._default_manager.select_related(*sorted(single)).prefetch_related(*lists)
