"""The table “Your heading → what it is”, from which staff choose what the headings of a file mean."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vru_portal.tabular.reading.headings import LEFT_OUT, heading_key
from vru_portal.tabular.reading.sheets import join_names
from vru_portal.tabular.resources import FileResource

NOT_READ_LABEL = "Not read"


def column_label(column: str) -> str:
    """A column's name, as staff read it."""
    return re.sub(r"\bvat\b", "VAT", column.replace("_", " ").capitalize())


class HeadingTable(forms.Widget):
    """One row for each heading, with a select of the columns. It works without a script."""

    template_name = "admin/files/heading_table.html"
    choices: Sequence[tuple[str, str]] = ()  # columns and their labels
    examples: Mapping[str, str] = {}  # by heading, what a cell below it says

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {
            "choices": self.choices,
            "rows": [(heading, column, self.examples.get(heading, "")) for heading, column in (value or {}).items()],
        }
        return context

    def id_for_label(self, id_: str) -> str:
        """The first select."""
        return f"{id_}-1" if id_ else id_

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:
        headings, columns = data.getlist(f"{name}-heading"), data.getlist(f"{name}-column")
        return dict(zip((" ".join(heading.split()) for heading in headings), columns, strict=False))

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-heading" not in data


class HeadingTableField(forms.Field):
    """What headings mean: a column, or nothing, for each of them."""

    widget = HeadingTable

    def offer(self, resource: FileResource) -> None:
        """Offer the columns of a kind of file."""
        names = [field.column_name for field in resource.get_import_fields()]
        required = dict.fromkeys(resource.required, " (required)")
        labels = [(name, f"{column_label(name)}{required.get(name, '')}") for name in names]
        self.columns = {*names, LEFT_OUT}
        self.widget.choices = [(LEFT_OUT, NOT_READ_LABEL), *labels]

    def clean(self, value: Any) -> dict[str, str]:
        """Raises ValidationError for a column that there is not, and for one that several headings would mean."""
        chosen: dict[str, str] = super().clean(value)
        if unknown := sorted({*chosen.values()} - self.columns):
            raise ValidationError(f"There is no column {join_names(unknown)}.")
        headings: dict[str, list[str]] = {}
        for heading, column in chosen.items():
            if column:
                headings.setdefault(column, []).append(heading)
        repeated = [(column, texts) for column, texts in headings.items() if len({*map(heading_key, texts)}) > 1]
        if repeated:
            raise ValidationError(
                [
                    f"{join_names(texts)} cannot {'both' if len(texts) == 2 else 'all'} mean “{column_label(column)}”. "
                    f"Choose “{NOT_READ_LABEL}” for all but one of them."
                    for column, texts in repeated
                ]
            )
        return chosen
