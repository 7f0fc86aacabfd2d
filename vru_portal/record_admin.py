"""Staff's pages for what the public reads: a draft is edited, a public record's changes wait to be published."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vru_portal import drafts, preview
from vru_portal.history_admin import WithHistory, revert_view
from vru_portal.models import Pending
from vru_portal.publishing import Part
from vru_portal.publishing_steps import DiscardStep, PublishStep, UnpublishStep, sentence, when
from vru_portal.record_files_admin import RecordFiles
from vru_portal.step_admin import MEANWHILE, Section, Step, StepAdmin, link, step_url

CONFLICT = (
    "{} saved this while you were editing. Nothing of yours is saved yet, and nothing is lost: “What differs” shows "
    "where the two differ. Take over what you want of theirs, then save again; your values then stand."
)
CANNOT_BE_MADE = (
    "The change that waits cannot be made any more, so nothing can be saved here until it is dropped (“Drop what "
    "waits”): {}"
)
SEEN = "seen"  # the hidden field that says which state of the record the person has before them


class WaitingFilter(admin.SimpleListFilter):
    """Whether a change waits."""

    title = "changes that wait"
    parameter_name = "waits"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Wait to be published"), ("no", "None wait")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        return queryset.filter(waits=self.value() == "yes") if self.value() in ("yes", "no") else queryset


class RecordAdmin(RecordFiles, WithHistory, StepAdmin):
    """A table of records that the public reads."""

    change_form_template = "admin/record/change_form.html"
    steps: tuple[type[Step], ...] = (PublishStep, UnpublishStep, DiscardStep)

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        if issubclass(model, Part):
            self.steps = ()  # what it belongs to is published as a whole

    # What may be done -------------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A part is added on the page of what it belongs to."""
        return super().has_add_permission(request) and not issubclass(self.model, Part)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the public sees is unpublished first; a part goes on the page of what it belongs to."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_public)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out who sees a record: that changes by steps alone."""
        return [*(super().get_exclude(request, obj) or ()), "state"]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it with what waits for it; a day that was set for the record of a part is taken back."""
        drafts.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete them one by one, likewise."""
        for obj in queryset:
            drafts.remove(obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave a part with its owner."""
        fixed = super().get_readonly_fields(request, obj)
        return [*fixed, self.model.owner_name] if obj is not None and issubclass(self.model, Part) else fixed

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Suggest a slug to a new record alone: others have an address that is known."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    # The list ---------------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add whether a change waits."""
        kind = ContentType.objects.get_for_model(self.model)
        return super().get_queryset(request).annotate(
            waits=Exists(Pending.objects.filter(content_type=kind, object_id=OuterRef("pk")))
        )  # fmt: skip

    def get_list_display(self, request: HttpRequest) -> Any:
        """Say in one column who sees a record, and whether a change waits."""
        return ["shown" if name == "state" else name for name in super().get_list_display(request)]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer the changes that wait."""
        return super().get_list_filter(request) if issubclass(self.model, Part) else [
            *super().get_list_filter(request), WaitingFilter,
        ]  # fmt: skip

    @admin.display(description="shown to", ordering="state")
    def shown(self, row: Any) -> str:
        """Who sees it."""
        return ("Everybody, a change waits" if row.waits else "Everybody") if row.is_public else "Staff: a draft"

    # The form ---------------------------------------------------------------------------------------------------------

    def found(self, object_id: str) -> Any:
        """Return the record that is edited, also that of a part which is new in a change that waits; or None."""
        try:
            pk = self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            return None
        if pk is not None and pk >= drafts.PLACEHOLDERS:
            return drafts.root_of_new(f"{self.opts.label_lower}:{pk}")
        row = self.model._default_manager.filter(pk=pk).first()
        return row and drafts.root_of(row)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show and take the form as if the change that waits were published already."""
        args = (object_id, form_url, extra_context)
        root = self.found(object_id) if object_id else None
        if request.method == "POST":
            try:
                with transaction.atomic():
                    return self.edited(request, drafts.lock(root), *args) if root else self.rendered(request, *args)
            except ValidationError as error:
                refusal = CANNOT_BE_MADE.format(" ".join(error.messages))
            except IntegrityError:
                refusal = MEANWHILE
            request.refusal = refusal  # type: ignore[attr-defined]
            return self.rendered(request, *args)
        if root is None:
            return super().changeform_view(request, *args)
        live = drafts.snapshot(root) if drafts.pending_of(root) else None
        try:
            with drafts.viewing_proposed(root):
                if live:
                    request.waiting = drafts.worded(live, drafts.snapshot(root))  # type: ignore[attr-defined]
                return self.rendered(request, *args)
        except ValidationError as error:
            messages.error(request, CANNOT_BE_MADE.format(" ".join(error.messages)))
            return super().changeform_view(request, *args)

    def edited(self, request: HttpRequest, root: Any, *args: Any) -> HttpResponse:
        """Save what was sent; or show the form again, with what keeps it from being saved."""
        if not root.is_public:
            response = self.taken_over(request, root, *args)
            if is_done(response):
                drafts.discard(root)  # a day on which it was to be published was set for what it said before
                messages.success(request, format_html("{} is saved as a draft: only staff see it.", root))
            return response
        live = drafts.snapshot(root)
        with drafts.editing_proposed(root):
            request.waiting = drafts.worded(live, drafts.snapshot(root))  # type: ignore[attr-defined]
            response = self.taken_over(request, root, *args)
            after = drafts.snapshot(root)
        if is_done(response):
            drafts.keep(root, drafts.difference(live, after), by=request.user)
            if waiting := drafts.pending_of(root):
                self.log_change(request, root, f"Changes saved, to be published: {drafts.names(waiting.changes)}")
            messages.success(request, saved(root))
        return response

    def taken_over(self, request: HttpRequest, root: Any, *args: Any) -> HttpResponse:
        """Let Django's form save, unless somebody else has saved since it was opened."""
        if request.POST.get(SEEN) != drafts.fingerprint(root) and self.has_change_permission(request):
            theirs = drafts.snapshot(root)
            with drafts.undone():
                self.rendered(request, *args)
                request.conflict = drafts.worded(theirs, drafts.snapshot(root))  # type: ignore[attr-defined]
            for file in request.FILES.values():
                file.seek(0)  # type: ignore[union-attr]
            request.refusal = CONFLICT.format(who_saved(root))  # type: ignore[attr-defined]
        return self.rendered(request, *args)

    def rendered(self, request: HttpRequest, *args: Any) -> HttpResponse:
        """Return Django's answer, made while the database is as the form has it."""
        response: Any = super().changeform_view(request, *args)
        return response.render() if hasattr(response, "render") else response

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form; one that is refused as a whole says why, and keeps what was typed."""
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, "refusal", "")
        if not refusal:
            return form

        class Refused(form):  # type: ignore[misc, valid-type]
            def clean(self) -> Any:
                super().clean()
                raise ValidationError(refusal)

        return Refused

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add which state is shown, and what two people's versions differ in."""
        row = kwargs.get("obj")
        context |= {
            "record": True,
            "conflict": getattr(request, "conflict", None),
            SEEN: drafts.fingerprint(drafts.root_of(row)) if row else "",
            "publishes": request.user.has_perm(PublishStep.permission),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Go on to the preview, or to publishing."""
        return self.onward(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Go on to where the pressed button leads; what was saved is said by `edited`."""
        if "_popup" in request.POST:
            return super().response_change(request, obj)
        if onward := self.onward(request, obj):
            return onward
        if "_continue" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_change(request, obj)

    def onward(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Return the way to the preview or to publishing, where that was asked for."""
        asked = next((name for name in ("preview", "publish") if f"_{name}" in request.POST), None)
        return HttpResponseRedirect(step_url(drafts.root_of(obj), asked)) if asked else None

    # What is said above and below it ----------------------------------------------------------------------------------

    def tools(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        """Return the steps of a record; for a part, the way to what it belongs to."""
        root = drafts.root_of(row)
        if root is not row:
            return [(f"Open {root}", step_url(root, "change")), ("Preview", step_url(root, "preview"))]
        return [*super().tools(request, row), ("Preview", step_url(row, "preview"))]

    def notice(self, request: HttpRequest, row: Any) -> str:
        """Say who sees this, and what becomes of a change."""
        root = drafts.root_of(row)
        waiting = drafts.pending_of(root)
        if not root.is_public:
            due = f" It is to be published on {when(waiting.publish_at)}." if waiting and waiting.publish_at else ""
            return f"Draft: only staff see this.{due}"
        if waiting is None:
            return "The public sees this. What you change waits until it is published."
        due = f", to be published on {when(waiting.publish_at)}" if waiting.publish_at else ""
        fault = f" It could not be published: {waiting.fault}" if waiting.fault else ""
        return (
            f"The public sees this without the change that waits{due}: saved by {waiting.by or 'nobody'} on "
            f"{when(waiting.saved_at)}. The form shows it with that change.{fault}"
        )

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """Return what the change that waits changes: looked up before the form is shown as if it were published."""
        changes = getattr(request, "waiting", None)
        if not changes:
            return []
        rows = [
            (one.what[:1].upper() + one.what[1:], one.before or "nothing", one.after or "nothing") for one in changes
        ]
        return [Section("The change that waits", ("What", "The public sees", "Once it is published"), rows)]

    # Preview and revert -----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        """Add the preview, and the way back to an earlier version."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        if issubclass(self.model, Part):
            return super().get_urls()
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/preview/", view(self.preview_view), name=f"{name}_preview"),
            path("<path:object_id>/history/<int:version>/", view(self.revert_view), name=f"{name}_revert"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the public's page as it would be."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.found(object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            if hasattr(row, "file") and "file" not in request.GET:
                return self.file_preview(request, row)
            return preview.of(request, row)
        except ValidationError as error:
            context = {
                **self.admin_site.each_context(request),
                "title": "No preview yet",
                "opts": self.opts,
                "original": row,
                "back": step_url(row, "change"),
                "reasons": [sentence(one) for one in error.messages],
            }
            return TemplateResponse(request, "admin/record/no_preview.html", context)

    def file_preview(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Show a file that stands on no page of its own, with what is said of it."""
        with drafts.viewing_proposed(row):
            context = {
                **self.admin_site.each_context(request),
                "title": "Preview",
                "opts": self.opts,
                "original": self.model._default_manager.get(pk=row.pk),
                "is_picture": hasattr(row, "alternative_text"),
            }
            return TemplateResponse(request, "admin/record/file_preview.html", context).render()

    def revert_view(self, request: HttpRequest, object_id: str, version: int) -> HttpResponse:
        """Offer to bring an earlier version back."""
        return revert_view(self, request, object_id, version)


def who_saved(root: Any) -> str:
    """Return who saved a record last, as far as that is known."""
    waiting = drafts.pending_of(root)
    last = root.history.select_related("history_user").first() if hasattr(root, "history") else None
    by = waiting.by if waiting else last and last.history_user
    return str(by) if by else "Somebody else"


def is_done(response: Any) -> bool:
    """Return whether Django's form has saved: it leads on, or closes the window that was opened from another form."""
    return isinstance(response, HttpResponseRedirect) or "popup_response_data" in (response.context_data or {})


def saved(root: models.Model) -> SafeString:
    """Return what to say once a public record's change is saved."""
    if drafts.pending_of(root) is None:
        return format_html("Nothing differs from what the public sees of {}, so no change waits.", link(root))
    return format_html(
        'Saved. The public still sees {} as it was, until the change is published. <a href="{}">Preview</a>',
        link(root), step_url(root, "preview"),
    )  # fmt: skip
