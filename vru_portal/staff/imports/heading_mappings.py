"""The admin of what the headings of other systems' files mean."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from vru_portal.models import HeadingMapping
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.tabular.reading.headings import heading_key
from vru_portal.tabular.resources import FileResource


class HeadingMappingForm(forms.ModelForm[HeadingMapping]):
    """Refuses columns that such files do not have, and files that the user does not import."""

    by: Any = None  # the user who fills it in; the admin sets it

    class Meta:
        model = HeadingMapping
        fields = ("name", "kind", "lines")

    def __init__(self, *args: Any, **options: Any) -> None:
        """Name the columns of the kind of file that was refused, or whose mapping is changed."""
        super().__init__(*args, **options)
        kind = self["kind"].value() if "kind" in self.fields else None  # it has no fields for those who may only read
        if kind in (kinds := kinds_of_file(self.by)):
            columns = ", ".join(column_names(kinds[kind]))
            self.fields["lines"].help_text += f" The columns of {kind} are: {columns}."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kinds = kinds_of_file(self.by)
        if cleaned.get("kind") not in kinds:
            raise ValidationError({"kind": f"Enter one of: {', '.join(sorted(kinds))}."})
        known = {*column_names(kinds[cleaned["kind"]])}
        cleaned["lines"] = with_column_names(cleaned.get("lines", ""), known)
        columns = HeadingMapping(lines=cleaned["lines"]).columns
        if unknown := sorted({*columns.values()} - known - {""}):
            raise ValidationError(
                {"lines": f"There is no column {', '.join(unknown)}. The columns are: {', '.join(sorted(known))}."}
            )
        if "" in columns:
            raise ValidationError({"lines": "Write the heading, an equals sign, and the column on each line."})
        return cleaned


def column_names(kind: type[FileResource]) -> list[str]:
    return [field.column_name for field in kind().get_import_fields()]


def with_column_names(lines: str, known: Iterable[str]) -> str:
    """Lines of a mapping with each column as files name it, however it was typed: “Paid on” is paid_on."""
    names = {heading_key(name): name for name in known}
    pairs = [line.rpartition("=") for line in lines.splitlines()]
    return "\n".join(f"{before}{sign}{names.get(heading_key(column), column)}" for before, sign, column in pairs)


def kinds_of_file(user: Any) -> dict[str, type[FileResource]]:
    """The kinds of files that a user may import: nobody else decides how they are read."""
    kinds = (kind for kind in resource_classes(FileResource) if hasattr(kind, "rows_label"))
    return {kind.rows_label: kind for kind in kinds if kind.can_import(user)}


def resource_classes(base: type[FileResource]) -> list[type[FileResource]]:
    return [found for kind in base.__subclasses__() for found in (kind, *resource_classes(kind))]


@admin.register(HeadingMapping)
class HeadingMappingAdmin(PortalAdmin):
    """Headings of other systems, and the columns that they mean."""

    form = HeadingMappingForm
    list_display = ("name", "kind")
    list_filter: ClassVar[Any] = ("kind",)
    search_fields = ("name", "lines")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.imports(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self.imports(request, obj)

    def imports(self, request: HttpRequest, row: HeadingMapping | None) -> bool:
        return row is None or row.kind in kinds_of_file(request.user)

    def response_post_save_add(self, request: HttpRequest, obj: HeadingMapping) -> HttpResponseRedirect:
        """Lead back to where the file was refused that the mapping is for: it is to be sent again."""
        meta = kinds_of_file(request.user)[obj.kind].row_model()._meta
        return redirect(f"admin:{meta.app_label}_{meta.model_name}_import")
