"""The admin of what the headings of other systems' files mean."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from vru_portal.models import HeadingMapping
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.tabular.resources import FileResource


class HeadingMappingForm(forms.ModelForm[HeadingMapping]):
    """Refuses columns that such files do not have."""

    class Meta:
        model = HeadingMapping
        fields = ("name", "kind", "lines")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kinds = kinds_of_file()
        if cleaned.get("kind") not in kinds:
            raise ValidationError({"kind": f"Enter one of: {', '.join(sorted(kinds))}."})
        known = {field.column_name for field in kinds[cleaned["kind"]]().get_import_fields()}
        columns = HeadingMapping(lines=cleaned.get("lines", "")).columns
        if unknown := sorted({*columns.values()} - known - {""}):
            raise ValidationError(
                {"lines": f"There is no column {', '.join(unknown)}. The columns are: {', '.join(sorted(known))}."}
            )
        if "" in columns:
            raise ValidationError({"lines": "Write the heading, an equals sign, and the column on each line."})
        return cleaned


def kinds_of_file() -> dict[str, type[FileResource]]:
    return {kind.rows_label: kind for kind in resource_classes(FileResource) if hasattr(kind, "rows_label")}


def resource_classes(base: type[FileResource]) -> list[type[FileResource]]:
    return [found for kind in base.__subclasses__() for found in (kind, *resource_classes(kind))]


@admin.register(HeadingMapping)
class HeadingMappingAdmin(PortalAdmin):
    """Headings of other systems, and the columns that they mean."""

    form = HeadingMappingForm
    list_display = ("name", "kind")
    list_filter: ClassVar[Any] = ("kind",)
    search_fields = ("name", "lines")

    def response_post_save_add(self, request: HttpRequest, obj: HeadingMapping) -> HttpResponseRedirect:
        """Lead back to where the file was refused that the mapping is for: it is to be sent again."""
        meta = kinds_of_file()[obj.kind].row_model()._meta
        return redirect(f"admin:{meta.app_label}_{meta.model_name}_import")
