"""Files in the admin of records: the list as it is filtered, to be saved; and sent back, changed."""

from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone

from vru_portal.downloads import TYPES, sent
from vru_portal.import_admin import FileImport
from vru_portal.record_columns import columns_of
from vru_portal.record_resource import RESOURCES, RecordResource, rows_with_all
from vru_portal.sheets import CSV, JSON, XLSX
from vru_portal.tables import Column, Table

AT_ONCE = 500


class ListExport:
    """Saves the list as it is filtered and searched, for whoever may see it. What it holds comes from its columns."""

    change_list_template: Any = "admin/files/change_list.html"

    def file_columns(self) -> list[Column[Any]]:
        """Return the columns."""
        return [Column(column.name, column.about, column.show) for column in columns_of(self.model)]  # type: ignore[attr-defined]

    def get_urls(self) -> list[Any]:
        """Add the address of the file."""
        name = "{}_{}_export".format(*self.info)
        view = self.admin_site.admin_view(self.export_view)  # type: ignore[attr-defined]
        return [path("export/<str:form>/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    @property
    def info(self) -> tuple[str, str]:
        """App and model, as addresses name them."""
        return self.opts.app_label, self.opts.model_name  # type: ignore[attr-defined]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Send the list."""
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        if form not in TYPES:
            raise Http404("There is no such file.")
        try:
            rows = self.get_changelist_instance(request).queryset  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:{}_{}_changelist".format(*self.info)) + "?e=1")
        keys = rows.order_by().values("pk")
        ordered = rows_with_all(self.model).filter(pk__in=keys).order_by(*(self.opts.ordering or ["pk"]), "pk")  # type: ignore[attr-defined]
        day = timezone.localdate()
        facts = {"list": str(self.opts.verbose_name_plural), "as_at": day.isoformat(), "drafts": "included"}  # type: ignore[attr-defined]
        table = Table(facts, self.file_columns(), ordered.iterator(AT_ONCE))
        return sent(request, table, form, f"{self.opts.model_name}-{day.isoformat()}.{form}")  # type: ignore[attr-defined]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Offer the files beside the list."""
        base = "admin:{}_{}_export".format(*self.info)
        files = [(form.upper(), reverse(base, args=[form])) for form in TYPES]
        return super().changelist_view(request, {**(extra_context or {}), "files": files})  # type: ignore[misc]


class RecordFiles(ListExport, FileImport):
    """Both ways, for a model with a resource."""

    formats: ClassVar[list[Any]] = [CSV, XLSX, JSON]
    import_template_name = "admin/files/import.html"
    import_export_change_list_template = None

    @property
    def resource_classes(self) -> tuple[type[RecordResource], ...]:  # type: ignore[override]
        """What reads the files: none for a model whose rows are recorded in another way."""
        return (RESOURCES[self.model],) if self.model in RESOURCES else ()

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may change one record may change many."""
        return bool(self.resource_classes) and super().has_import_permission(request)

    def get_urls(self) -> list[Any]:
        """Add the address of an empty file."""
        name = "{}_{}_import_template".format(*self.info)
        view = self.admin_site.admin_view(self.template_view)
        return [path("import/empty.csv", view, name=name), *super().get_urls()]

    def template_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send a file with the headings alone."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        return sent(request, Table({}, self.file_columns(), []), "csv", f"{self.opts.model_name}-empty.csv")

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say what each column holds."""
        columns = columns_of(self.model)
        empty = reverse("admin:{}_{}_import_template".format(*self.info))
        return super().get_import_context_data(**kwargs) | {"record_columns": columns, "empty_file": empty}

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Try a file, for a model that takes any."""
        if not self.resource_classes:
            raise Http404("Rows of this list are not recorded from files.")
        return super().import_action(request, **kwargs)
