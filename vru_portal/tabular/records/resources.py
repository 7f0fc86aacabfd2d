"""Files of records, which staff can also edit one by one.

A file can do nothing that the form cannot: the same permissions, fields and rules apply, and nothing becomes public by
it. A draft is changed at once; a published record gets a pending change. All rows are recorded, or none.
"""

import types
from typing import Any, ClassVar

import tablib
from django.core.exceptions import ValidationError
from django.db import models
from import_export import fields

from vru_portal.permissions import has_model_permission
from vru_portal.publishing.state import Publishable
from vru_portal.tabular.readers import CSV, JSON, ODS, XLSX, cell_text
from vru_portal.tabular.records.columns import KEY_FIELDS, columns_of
from vru_portal.tabular.records.lookup import References
from vru_portal.tabular.records.reader import RecordReader
from vru_portal.tabular.records.rows import RecordOutcome, RecordResult, RecordRow
from vru_portal.tabular.records.writer import RecordWriter
from vru_portal.tabular.resources import FileResource

# Filled by `RecordResource.__init_subclass__`: each app's `resources.py` declares those of its models.
RESOURCES: dict[type[models.Model], type["RecordResource"]] = {}


class RecordResource(FileResource):
    """The files of one model, with a column for each field of its form (`records.columns`)."""

    model: ClassVar[type[models.Model]]
    key: ClassVar[tuple[str, ...]] = ("slug",)  # the fields that identify a record; empty if there is only one record
    formats = (CSV, XLSX, JSON, ODS)

    class Meta(FileResource.Meta):
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        RESOURCES[cls.model] = cls
        KEY_FIELDS[cls.model] = cls.key

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = columns_of(self.model)
        self.required = tuple(column.name for column in self.columns if column.field.name in self.key)  # type: ignore[misc]
        self.aliases = {column.name: (column.label,) for column in self.columns}  # type: ignore[misc]
        self.fields = {column.name: fields.Field(column_name=column.name) for column in self.columns}

    @classmethod
    def can_import(cls, user: Any) -> bool:
        """Whether a user may add or change such records by hand; each row is then checked for the one it needs."""
        return has_model_permission(user, "add", cls.model) or has_model_permission(user, "change", cls.model)

    @classmethod
    def row_model(cls) -> type[models.Model]:
        return cls.model

    @classmethod
    def get_display_name(cls) -> str:
        return str(cls.model._meta.verbose_name_plural)

    @classmethod
    def get_row_result_class(cls) -> type[RecordRow]:
        return RecordRow

    @classmethod
    def get_result_class(cls) -> type[RecordResult]:
        return RecordResult

    def get_import_order(self) -> list[str]:
        return list(self.fields)

    def summarise(self, result: RecordResult) -> str:
        """How much a file adds and changes, such as "2 new stories as drafts; 1 pending change"."""
        rows = [*result.new, *result.changed]
        pending = sum(row.is_pending for row in rows)
        changed = sum(not row.is_pending for row in result.changed)
        new = sum(not row.is_pending for row in result.new)
        as_drafts = (" as a draft" if new == 1 else " as drafts") if issubclass(self.model, Publishable) else ""
        parts = [
            f"{new} new {self.count_name(new)}{as_drafts}" if new else "",
            f"{changed} changed {self.count_name(changed)}" if changed else "",
            f"{pending} pending change{'' if pending == 1 else 's'}" if pending else "",
        ]
        return "; ".join(part for part in parts if part) or "nothing"

    def count_name(self, count: int) -> str:
        return str(self.model._meta.verbose_name if count == 1 else self.model._meta.verbose_name_plural)

    def prepare(self, dataset: tablib.Dataset) -> None:
        """Check the columns, then record all rows; `import_row` only reports the result of each.

        They cannot be recorded one by one, as django-import-export would do: rows may refer to each other, and the
        rows about one record and its parts make one pending change.
        """
        self.check_columns(dataset)
        if not len(dataset):
            raise ValidationError("This file has column names, but no rows below them.")
        self.outcomes = self.read_outcomes(dataset)
        in_file = [column for column in self.columns if column.name in dataset.headers]
        new_slugs = [cell_text(outcome.cells["slug"]) for outcome in self.outcomes if "slug" in outcome.cells]
        references = References(self.model, in_file, new_slugs)
        resaved = not getattr(dataset, "has_raw_text", False)
        reader = RecordReader(self.model, self.columns, self.key, references, by=self.by, resaved=resaved)
        reader.read(self.outcomes)
        to_save = [outcome for outcome in self.outcomes if outcome.changed and not outcome.errors]
        for _ in range(len(self.outcomes) - len(to_save)):
            self.on_row_done()
        writer = RecordWriter(
            self.model,
            self.columns,
            self.key,
            references,
            by=self.by,
            file_name=self.name,
            on_row_done=self.on_row_done,
        )
        for outcome in self.outcomes:
            if outcome.texts and outcome.errors:
                writer.check_other_cells(outcome)
        writer.write(to_save)

    def read_outcomes(self, dataset: tablib.Dataset) -> list[RecordOutcome]:
        return [
            RecordOutcome(number, dict(zip(dataset.headers, row, strict=True)))
            for number, row in enumerate(dataset, self.first_row)
        ]

    def check_columns(self, dataset: tablib.Dataset) -> None:
        """Refuse also a file that has only some of the columns which together refer to another record."""
        super().check_columns(dataset)
        headings = set(dataset.headers)
        fields_in_file = {column.field.name for column in self.columns if column.name in headings}
        missing = [c.name for c in self.columns if c.field.name in fields_in_file and c.name not in headings]
        if missing:
            raise ValidationError(f"Missing columns: {', '.join(missing)}. Other columns in the file need them.")

    def import_row(self, row: Any, instance_loader: Any, **kwargs: Any) -> RecordRow:
        return self.outcomes[kwargs["row_number"] - 1].result()


def record_resource(model: type[models.Model], *, key: tuple[str, ...] = ("slug",)) -> type[RecordResource]:
    """A resource with nothing of its own. Assign it to ``<Model>Resource`` in the app's `resources.py`.

    The class says that it was defined there. `FileJob.resource` stores module and name, and a worker in another process
    imports the class by them (`job_state.resource_class_of`): this module has no such name.
    """
    app = model.__module__.partition(".")[0]
    names = {"__module__": f"{app}.resources", "model": model, "key": key}
    return types.new_class(f"{model.__name__}Resource", (RecordResource,), exec_body=lambda body: body.update(names))
