"""Long files, each on a page that says how far it has come: whose it is confirms it there."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST

from vru_portal import file_jobs
from vru_portal.admin import OnlySeenAdmin
from vru_portal.models import FileJob
from vru_portal.record_resource import may
from vru_portal.step_admin import row_url

AGAIN_IN = 3  # seconds until the page of a file that is being read looks again
SEES_ALL = "admin.view_logentry"  # who may read what everybody did


@admin.register(FileJob)
class FileJobAdmin(OnlySeenAdmin):
    """Long files: everybody's own, whose rows may name people."""

    list_display = ("name", "what", "state", "rows", "by", "begun_at")
    list_filter = ("state",)
    list_select_related = ("by",)
    search_fields = ("name",)

    @admin.display(description="of")
    def what(self, job: FileJob) -> str:
        """What the file holds."""
        return file_jobs.resource_of(job).get_display_name()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Show their own; to whoever sees what everybody did, also those of what they may see."""
        rows = super().get_queryset(request)
        shown = Q(by=request.user.pk)
        if request.user.has_perm(SEES_ALL):
            kinds = FileJob.objects.order_by().values_list("resource", flat=True).distinct()
            shown |= Q(resource__in=[kind for kind in kinds if may(request.user, "view", import_string(kind).held())])
        return rows.filter(shown)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Offer the list to whoever may send files."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: FileJob | None = None) -> bool:
        """Whoever may send files, or has sent one."""
        own = FileJob.objects.filter(by=request.user.pk)
        return super().has_view_permission(request, obj) or own.exists()

    def get_urls(self) -> list[Any]:
        """Add what its sender can do."""
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
        """Show how far a file has come, and what it does or did."""
        job = self.get_object(request, object_id)
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        lost = file_jobs.is_lost(job)
        coming = job.state in (FileJob.State.WAITING, FileJob.State.RUNNING) and not lost
        context = self.admin_site.each_context(request) | {
            "title": job.name,
            "subtitle": file_jobs.resource_of(job).get_display_name(),
            "opts": self.opts,
            "job": job,
            "mine": job.by_id == request.user.pk,
            "result": job.result,
            "rows_done": file_jobs.rows_done(job),
            "coming": coming,
            "lost": lost or file_jobs.LOST in job.result.get("problems", []),
            "media": self.media,
        }
        response = TemplateResponse(request, "admin/files/file_job.html", context)
        if coming:
            response.headers["Refresh"] = str(AGAIN_IN)
        return response

    @method_decorator(require_POST)
    def record_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have recorded what was tried."""
        job = self.own(request, pk)
        try:
            job = file_jobs.confirm(job, by=request.user)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        return HttpResponseRedirect(row_url(job))

    @method_decorator(require_POST)
    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin anew with a file whose worker was killed."""
        job = self.own(request, pk)
        try:
            file_jobs.send_again(job)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        return HttpResponseRedirect(row_url(job))

    def own(self, request: HttpRequest, pk: int) -> FileJob:
        """Return a file that this person has sent and may send."""
        job = FileJob.objects.filter(pk=pk, by=request.user.pk).first()
        if job is None or not file_jobs.resource_of(job).permits(request.user):
            raise PermissionDenied
        return job
