"""Exports and imports in the admin of records: a list is saved as a file, edited, and imported again."""

from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone

from vru_portal.staff.imports.page import FileImport
from vru_portal.tabular.batches import fetch_in_batches
from vru_portal.tabular.downloads import FORMATS, table_response
from vru_portal.tabular.readers import CSV, JSON, ODS, XLSX
from vru_portal.tabular.records.columns import columns_of
from vru_portal.tabular.records.lookup import rows_for_columns
from vru_portal.tabular.records.resources import RESOURCES, RecordResource
from vru_portal.tabular.writers import Column, Table


class ListExport:
    """Exports the list as it is filtered and searched, for those who may view it."""

    change_list_template: Any = "admin/files/change_list.html"

    def file_columns(self) -> list[Column[Any]]:
        return [Column(column.name, column.about, column.show) for column in columns_of(self.model)]  # type: ignore[attr-defined]

    def get_urls(self) -> list[Any]:
        name = "{}_{}_export".format(*self.info)
        view = self.admin_site.admin_view(self.export_view)  # type: ignore[attr-defined]
        return [path("export/<str:form>/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    @property
    def info(self) -> tuple[str, str]:
        """The app and model as they appear in the names of URL patterns."""
        return self.opts.app_label, self.opts.model_name  # type: ignore[attr-defined]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        if form not in FORMATS:
            raise Http404("There is no such file.")
        try:
            rows = self.get_changelist_instance(request).queryset  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:{}_{}_changelist".format(*self.info)) + "?e=1")
        keys = rows.order_by().values("pk")
        ordered = rows_for_columns(self.model).filter(pk__in=keys).order_by(*(self.opts.ordering or ["pk"]), "pk")  # type: ignore[attr-defined]
        today = timezone.localdate()
        facts = {"list": str(self.opts.verbose_name_plural), "as_at": today.isoformat(), "drafts": "included"}  # type: ignore[attr-defined]
        table = Table(facts, self.file_columns(), fetch_in_batches(ordered))
        return table_response(request, table, form, f"{self.opts.model_name}-{today.isoformat()}.{form}")  # type: ignore[attr-defined]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        base = "admin:{}_{}_export".format(*self.info)
        files = [(form.upper(), reverse(base, args=[form])) for form in FORMATS]
        return super().changelist_view(request, {**(extra_context or {}), "files": files})  # type: ignore[misc]


class RecordFiles(ListExport, FileImport):
    """Exports, and imports for a model that has a resource (see `vru_portal.tabular`)."""

    formats: ClassVar[list[Any]] = [CSV, XLSX, JSON, ODS]
    import_template_name = "admin/files/import.html"
    import_export_change_list_template = None

    @property
    def resource_classes(self) -> tuple[type[RecordResource], ...]:  # type: ignore[override]
        """None for a model whose rows are only recorded one by one."""
        return (RESOURCES[self.model],) if self.model in RESOURCES else ()

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.resource_classes) and super().has_import_permission(request)

    def template_columns(self) -> list[Column[Any]]:
        return self.file_columns()

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        columns = columns_of(self.model)
        return super().get_import_context_data(**kwargs) | {"record_columns": columns}

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not self.resource_classes:
            raise Http404("This list has no import.")
        return super().import_action(request, **kwargs)
