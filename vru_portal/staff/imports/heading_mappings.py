"""What the headings of other systems' files mean: asked where a file was refused, and listed in the admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.utils.html import format_html_join

from vru_portal.models import HeadingMapping
from vru_portal.staff.admin_links import change_url
from vru_portal.staff.base_admin import PortalAdmin
from vru_portal.staff.imports.heading_table import NOT_READ_LABEL, HeadingTableField
from vru_portal.tabular.reading.headings import UnclearHeadings, heading_key
from vru_portal.tabular.resources import FileResource
from vru_portal.tabular.unconfirmed_files import FILE_GONE, SECONDS_TO_CONFIRM, UnconfirmedFile
from vru_portal.text.cleaning import normalise_line

SAVED_ALREADY = "The headings of {} are already saved for files of {}. Change those, or enter another name."
HOW_IT_BEGINS = (
    "You cannot add one here. If we do not know the headings of a file that you import, the page of the import asks "
    "what they mean, and saves your answers here for the next files of the same system."
)
MAPPING_PERMISSIONS = ("vru_portal.add_headingmapping", "vru_portal.change_headingmapping")


class HeadingMappingForm(forms.ModelForm[HeadingMapping]):
    """What the headings of a system's files of one kind mean."""

    columns = HeadingTableField(label="What the headings mean")

    class Meta:
        model = HeadingMapping
        fields = ("name", "columns")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "columns" in self.fields and (kind := kinds_of_file().get(self.instance.kind)):
            self.fields["columns"].offer(kind())  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        others = HeadingMapping.objects.exclude(pk=self.instance.pk).filter(kind=self.instance.kind)
        if others.filter(name__iexact=name).exists():
            raise ValidationError(SAVED_ALREADY.format(name, self.instance.kind))
        return name


class AskedHeadingsForm(HeadingMappingForm):
    """Asks what the headings of a refused file mean. The file is kept, so that nobody has to send it again.

    The answers are added to what is saved for the same system.
    """

    kept = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, resource: FileResource) -> None:
        kind, name = resource.get_display_name(), normalise_line((data or {}).get("name", ""))
        saved = HeadingMapping.objects.filter(kind=kind, name__iexact=name).first()
        super().__init__(data, instance=saved or HeadingMapping(kind=kind))

    def ask(self, unclear: UnclearHeadings, file: Any) -> None:
        """Ask what is unclear in a file that is stored; what was chosen and refused stays as it is."""
        kept = signing.dumps((file.tmp_storage_name, file.name), salt="headings")
        self.initial = {"name": unclear.system, "columns": unclear.columns, "kept": kept}
        if self.is_bound:
            data: Any = self.data
            self.data = data.copy()
            self.data["kept"] = kept  # type: ignore[index]
        self.fields["columns"].widget.examples = unclear.examples

    def clean_columns(self) -> dict[str, str]:
        chosen = self.cleaned_data["columns"]
        said = {*map(heading_key, chosen)}
        return {h: column for h, column in self.instance.columns.items() if heading_key(h) not in said} | chosen

    def clean_kept(self) -> Any:
        """The file, as if it had been sent again; raises ValidationError once a day is over.

        It stays for that day, in case somebody presses the button twice.
        """
        try:
            stored, name = signing.loads(self.cleaned_data["kept"], salt="headings", max_age=SECONDS_TO_CONFIRM)
            content = UnconfirmedFile(name=stored).read()
        except (signing.BadSignature, FileNotFoundError) as error:
            raise ValidationError(FILE_GONE) from error
        return SimpleUploadedFile(name, content)

    def save_by(self, user: Any) -> None:
        flag = CHANGE if self.instance.pk else ADDITION
        mapping = self.save()
        LogEntry.objects.log_actions(user.pk, [mapping], flag, f"For {self.cleaned_data['kept'].name}.")


def mapping_link(request: HttpRequest, key: int | None) -> tuple[str, str] | None:
    """The name and the page of the saved mapping by which a file was read, for somebody who may change it."""
    mapping = HeadingMapping.objects.filter(pk=key).first() if key else None
    if mapping is None or not admin.site.get_model_admin(HeadingMapping).has_change_permission(request, mapping):
        return None
    return mapping.name, change_url(mapping)


def kinds_of_file() -> dict[str, type[FileResource]]:
    """The kinds of files, by the words that staff see for them."""
    kinds = (kind for kind in resource_classes(FileResource) if hasattr(kind, "rows_label") or hasattr(kind, "model"))
    return {kind.get_display_name(): kind for kind in kinds}


def resource_classes(base: type[FileResource]) -> list[type[FileResource]]:
    return [found for kind in base.__subclasses__() for found in (kind, *resource_classes(kind))]


@admin.register(HeadingMapping)
class HeadingMappingAdmin(PortalAdmin):
    """What the headings of other systems' files mean. Each begins on the page of a file that was refused."""

    form = HeadingMappingForm
    list_display = ("name", "kind")
    list_filter: ClassVar[Any] = ("kind",)
    search_fields = ("name",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"introduction": HOW_IT_BEGINS, **(extra_context or {})})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "kind", "columns" if self.has_change_permission(request, obj) else "meanings")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("kind", "meanings")

    @admin.display(description="what the headings mean")
    def meanings(self, mapping: HeadingMapping) -> str:
        return format_html_join("", "<div>{}: {}</div>", ((h, c or NOT_READ_LABEL) for h, c in mapping.columns.items()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.imports(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self.imports(request, obj)

    def imports(self, request: HttpRequest, row: HeadingMapping | None) -> bool:
        """Whether a user may import such files: nobody else decides how they are read."""
        kind = kinds_of_file().get(row.kind) if row else None
        return row is None or (kind is not None and kind.can_import(request.user))
