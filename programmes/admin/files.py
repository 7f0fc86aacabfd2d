from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html

from programmes.forms import DocumentForm, PictureForm
from programmes.models import Document, Picture
from vru_portal.staff.help import help_link
from vru_portal.staff.records.admin import RecordAdmin


class UploadedFileAdmin(RecordAdmin):
    """Files that staff upload."""

    list_filter: ClassVar[Any] = ("state",)
    search_fields: ClassVar[Any] = ("title", "slug", "credit")
    readonly_fields = ("current_file",)

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/markdown.css"]}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.note:
            messages.warning(request, form.note)

    @admin.display(description="size", ordering="size")
    def file_size(self, row: Any) -> str:
        return filesizeformat(row.size)

    @admin.display(description="current file")
    def current_file(self, row: Any) -> str:
        if not row.sha256:
            return "No file yet. Choose one below."
        kind = row.file.name.rpartition(".")[2].upper()
        return format_html('<a href="{}">{}</a>, {}', row.get_absolute_url(), kind, filesizeformat(row.size))


@admin.register(Picture)
class PictureAdmin(UploadedFileAdmin):
    """Pictures."""

    form = PictureForm
    list_display = ("title", "state", "alternative_text", "dimensions", "file_size")
    search_fields = ("title", "slug", "credit", "alternative_text")
    fieldsets = (
        (
            None,
            {
                "description": help_link("pictures"),
                "fields": ["title", "slug", "current_file", "file", "alternative_text", "credit"],
            },
        ),
    )

    @admin.display(description="pixels")
    def dimensions(self, row: Picture) -> str:
        return f"{row.width} by {row.height}"

    @admin.display(description="current file")
    def current_file(self, row: Picture) -> str:
        if not row.sha256:
            return super().current_file(row)
        return format_html(
            '<img src="{}" alt="{}" width="{}" height="{}"><br>{}',
            row.get_absolute_url(), row.alternative_text, row.width, row.height, super().current_file(row),
        )  # fmt: skip


@admin.register(Document)
class DocumentAdmin(UploadedFileAdmin):
    """Documents."""

    form = DocumentForm
    list_display = ("title", "state", "publication", "file_size")
    list_select_related = ("publication",)
    autocomplete_fields = ("publication",)
    fieldsets = (
        (
            None,
            {"description": help_link("pictures"), "fields": ["title", "slug", "current_file", "file", "credit"]},
        ),
        ("Publication", {"description": help_link("publications"), "fields": ["publication", "role"]}),
    )
