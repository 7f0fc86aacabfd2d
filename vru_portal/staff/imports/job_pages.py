"""The admin of long imports, which the worker reads: a page shows the progress, and its sender confirms it there."""

from typing import Any

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST

from vru_portal.models import FileJob
from vru_portal.permissions import has_model_permission
from vru_portal.staff.admin_links import change_url
from vru_portal.staff.base_admin import ReadOnlyAdmin
from vru_portal.staff.imports.heading_mappings import mapping_link
from vru_portal.tabular import job_state, jobs

REFRESH_SECONDS = 3
VIEW_ALL_PERMISSION = "admin.view_logentry"  # anyone who may read the log may see whose files there are


@admin.register(FileJob)
class FileJobAdmin(ReadOnlyAdmin):
    """Long imports. Everybody sees only their own: the rows may name people."""

    list_display = ("name", "contents", "state", "rows", "by", "begun_at")
    list_filter = ("state",)
    list_select_related = ("by",)
    search_fields = ("name",)

    @admin.display(description="of")
    def contents(self, job: FileJob) -> str:
        return job_state.resource_class_of(job).get_display_name()

    def get_queryset(self, request: HttpRequest) -> Any:
        """A user's own; for those who may see all, also those of models that they may view."""
        rows = super().get_queryset(request)
        shown = Q(by=request.user.pk)
        if request.user.has_perm(VIEW_ALL_PERMISSION):
            kinds = FileJob.objects.order_by().values_list("resource", flat=True).distinct()
            visible = [
                kind for kind in kinds if has_model_permission(request.user, "view", import_string(kind).row_model())
            ]
            shown |= Q(resource__in=visible)
        return rows.filter(shown)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: FileJob | None = None) -> bool:
        """Also for anyone who has sent a file."""
        return super().has_view_permission(request, obj) or FileJob.objects.filter(by=request.user.pk).exists()

    def get_urls(self) -> list[Any]:
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"vru_portal_filejob_{name}",
            )
            for name, view in (("record", self.record_view), ("again", self.again_view))
        ] + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        is_lost = job_state.is_lost(job)
        model, refused = job_state.resource_class_of(job).row_model()._meta, job.result.get("refused_file")
        in_progress = job.state in (FileJob.State.WAITING, FileJob.State.RUNNING) and not is_lost
        context = self.admin_site.each_context(request) | {
            "title": job.name,
            "subtitle": job_state.resource_class_of(job).get_display_name(),
            "opts": self.opts,
            "job": job,
            "mine": job.by_id == request.user.pk,
            "result": job.result,
            "mapping": mapping_link(request, job.result.get("mapping")),
            "refused_rows": [
                (name, reverse(f"admin:{model.app_label}_{model.model_name}_refused_rows", args=[form]))
                for name, form in (("CSV", "csv"), ("Excel", "xlsx"))
            ],
            "refused_file": signing.dumps(refused, salt="refused rows") if refused else "",
            "rows_done": job_state.rows_done(job),
            "in_progress": in_progress,
            "lost": is_lost or jobs.WORKER_STOPPED in job.result.get("problems", []),
            "media": self.media,
        }
        response = TemplateResponse(request, "admin/files/file_job.html", context)
        if in_progress:
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

    @method_decorator(require_POST)
    def record_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have a file recorded that was only checked so far."""
        job = self.get_own_job(request, pk)
        try:
            job = jobs.confirm_job(job, by=request.user)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        return HttpResponseRedirect(change_url(job))

    @method_decorator(require_POST)
    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read a file again whose worker was killed."""
        job = self.get_own_job(request, pk)
        try:
            jobs.retry_lost_job(job)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        return HttpResponseRedirect(change_url(job))

    def get_own_job(self, request: HttpRequest, pk: int) -> FileJob:
        """A file that this user has sent and may still send; raises PermissionDenied."""
        job = FileJob.objects.filter(pk=pk, by=request.user.pk).first()
        if job is None or not job_state.resource_class_of(job).can_import(request.user):
            raise PermissionDenied
        return job
