"""The admin of records, which the public reads: a draft is edited directly, a published record in a pending change."""

import copy
from typing import Any, Self

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.text import capfirst

from vru_portal.models import Pending
from vru_portal.publishing import pending_changes, submissions, workflow
from vru_portal.publishing.changesets import FIRST_PLACEHOLDER_ID, changeset_between
from vru_portal.publishing.differences import Difference, describe_differences, summarise_changeset
from vru_portal.publishing.snapshots import owning_record, record_fingerprint, take_snapshot
from vru_portal.publishing.state import Part
from vru_portal.staff.actions import CONCURRENT_WRITE, Action, ActionAdmin, Section
from vru_portal.staff.admin_links import action_url, change_url
from vru_portal.staff.base_admin import OptionFilter
from vru_portal.staff.history import HistoryMixin, revert_page
from vru_portal.staff.records.bulk_publishing import BulkPublishing
from vru_portal.staff.records.edit_conflicts import SEEN, refused
from vru_portal.staff.records.files import RecordFiles
from vru_portal.staff.records.notices import (
    handover_sentences,
    last_editor,
    replaced_sentence,
    saved_message,
    visibility_sentences,
)
from vru_portal.staff.records.preview import PreviewPages
from vru_portal.staff.records.publishing_actions import (
    CancelDateAction,
    DiscardPendingChangeAction,
    MarkReadyAction,
    PublishAction,
    SendBackAction,
    TakeBackAction,
    UnpublishAction,
    dates_to_be_cancelled,
    linked_from,
)
from vru_portal.text.dates import format_datetime

EDIT_CONFLICT = (
    "{} saved this while you were editing. Your changes are not saved yet, but they are not lost: “Differences” shows "
    "both versions. Copy anything you want to keep from theirs, then save again. Your version then replaces theirs."
)
CANNOT_BE_APPLIED = (
    "The pending changes can no longer be applied. You cannot save anything here until you discard them (“Discard "
    "pending changes”). {}"
)


class PendingChangeFilter(OptionFilter):
    """Whether a record has a pending change."""

    title = "pending changes"
    parameter_name = "waits"
    options = {
        "yes": ("With pending changes", lambda rows: rows.filter(has_pending_change=True)),
        "no": ("Without", lambda rows: rows.filter(has_pending_change=False)),
    }


class RecordAdmin(BulkPublishing, RecordFiles, PreviewPages, HistoryMixin, ActionAdmin):
    """A table of records that the public reads, or of their parts.

    A part (a person's post, an event's agenda item) has a page of its own here, but it is published, reverted, added
    and deleted with the record that it belongs to, its root.
    """

    change_form_template = "admin/record/change_form.html"
    delete_confirmation_template = "admin/record/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/record/delete_selected_confirmation.html"
    row_actions: tuple[type[Action], ...] = (
        MarkReadyAction,
        TakeBackAction,
        PublishAction,
        SendBackAction,
        CancelDateAction,
        UnpublishAction,
        DiscardPendingChangeAction,
    )
    checks_edit_conflicts = False  # it compares whole records (`_save_unless_conflict`)
    refusal = ""  # an error with which every form is refused (see `_refusing`)

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        if issubclass(model, Part):
            self.row_actions = ()

    # Permissions ------------------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not issubclass(self.model, Part)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return super().has_publish_permission(request) and not issubclass(self.model, Part)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only drafts can be deleted; a published record is unpublished first."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_public)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*(super().get_exclude(request, obj) or ()), "state"]  # it changes by actions only

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        _warn(request, submissions.dates_lost_by(request.user, owning_record(obj)))
        workflow.delete_draft(obj, by=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    @admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask to confirm, with what links to the pages that are about to go."""
        response = super().delete_selected(request, queryset)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            response.context_data["facts"] = [
                (f"{heading}: {row}", text)
                for row in queryset
                for heading, text in [*linked_from(row), *dates_to_be_cancelled(owning_record(row), request.user)]
            ]
        return response

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        row = context["object"]
        facts = [*linked_from(row), *dates_to_be_cancelled(owning_record(row), request.user)]
        return super().render_delete_form(request, context | {"facts": facts})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A part stays with its owner."""
        fixed = super().get_readonly_fields(request, obj)
        return [*fixed, self.model.owner_name] if obj is not None and issubclass(self.model, Part) else fixed

    # The list ---------------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        kind = ContentType.objects.get_for_model(self.model)
        pending = Pending.objects.filter(content_type=kind, object_id=OuterRef("pk"))
        day = Subquery(pending.values("publish_at")[:1])
        return super().get_queryset(request).annotate(has_pending_change=Exists(pending), publish_at=day)

    def get_list_display(self, request: HttpRequest) -> Any:
        return ["visibility" if name == "state" else name for name in super().get_list_display(request)]

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        return filters if issubclass(self.model, Part) else [*filters, PendingChangeFilter]

    @admin.display(description="visible to", ordering="state")
    def visibility(self, row: Any) -> str:
        due = f", to be published on {format_datetime(row.publish_at)}" if row.publish_at else ""
        if not row.is_public:
            return f"Staff only: a draft{due}"
        return f"Everybody, with pending changes{due}" if row.has_pending_change else "Everybody"

    # The form ---------------------------------------------------------------------------------------------------------

    def find_root(self, object_id: str) -> Any:
        """The record that is edited on the page of this row, or None.

        The row may be a part that exists only in the record's pending change, under a placeholder ID.
        """
        try:
            pk = self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            return None
        if pk is not None and pk >= FIRST_PLACEHOLDER_ID:
            return pending_changes.root_with_new_part(f"{self.opts.label_lower}:{pk}")
        row = self.model._default_manager.filter(pk=pk).first()
        return row and owning_record(row)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show the form, and accept it, as if the pending change were published already.

        ``extra_context`` carries what the page says beside the form: "pending_differences", between what the public
        sees and the form, and "conflict", between what somebody else has saved and what this person sent.
        """
        args = (object_id, form_url)
        context = dict(extra_context or {})
        root = self.find_root(object_id) if object_id else None
        if request.method == "POST":
            try:
                with transaction.atomic():
                    if root is None:
                        return self._render_form(request, *args, context)
                    return self._save(request, workflow.lock_record(root), args, context)
            except ValidationError as error:
                refusal = CANNOT_BE_APPLIED.format(" ".join(error.messages))
            except IntegrityError:
                refusal = CONCURRENT_WRITE
            return self._refusing(refusal)._render_form(request, *args, context)
        if root is None:
            return super().changeform_view(request, *args, context)
        before = take_snapshot(root) if pending_changes.pending_change(root) else None
        try:
            with pending_changes.viewing_with_pending_change(root):
                if before:
                    context["pending_differences"] = describe_differences(before, take_snapshot(root))
                return self._render_form(request, *args, context)
        except ValidationError as error:
            messages.error(request, CANNOT_BE_APPLIED.format(" ".join(error.messages)))
            return super().changeform_view(request, *args, context)

    def _save(self, request: HttpRequest, root: Any, args: tuple[Any, ...], context: dict[str, Any]) -> HttpResponse:
        """Save a draft, or a published record's pending change; or show the form again, with what is wrong."""
        if not root.is_public:
            response = self._save_unless_conflict(request, root, args, context)
            if _has_saved(response):
                cancelled = submissions.note_edit(root, by=request.user)
                messages.success(request, format_html("{} has been saved as a draft. Only staff can see it.", root))
                _warn(request, cancelled)
            return response
        before = take_snapshot(root)
        with pending_changes.editing_with_pending_change(root):
            context["pending_differences"] = describe_differences(before, take_snapshot(root))
            response = self._save_unless_conflict(request, root, args, context)
            after = take_snapshot(root)
        if _has_saved(response):
            earlier = pending_changes.pending_change(root)
            cancelled = submissions.note_edit(root, by=request.user)
            pending_changes.save_pending_change(root, changeset_between(before, after), by=request.user)
            pending = pending_changes.pending_change(root)
            replaced = replaced_sentence(earlier, pending, request.user)
            if pending:
                summary = f"Changes saved, to be published: {summarise_changeset(pending.changes)}"
                self.log_change(request, root, f"{summary}. {replaced}" if replaced else summary)
            messages.success(request, saved_message(root))
            _warn(request, [*cancelled, *([replaced] if replaced else [])])
        return response

    def _save_unless_conflict(
        self, request: HttpRequest, root: Any, args: tuple[Any, ...], context: dict[str, Any]
    ) -> HttpResponse:
        """Let Django's form save, unless somebody else has saved the record since the form was opened."""
        if request.POST.get(SEEN) == record_fingerprint(root) or not self.has_change_permission(request):
            return self._render_form(request, *args, context)
        theirs = take_snapshot(root)
        with pending_changes.rolled_back():  # save for a moment, to see how the two versions differ
            self._render_form(request, *args, context)
            context["conflict"] = describe_differences(theirs, take_snapshot(root))
        for file in request.FILES.values():
            file.seek(0)  # type: ignore[union-attr]
        return self._refusing(EDIT_CONFLICT.format(last_editor(root)))._render_form(request, *args, context)

    def _render_form(self, request: HttpRequest, *args: Any) -> HttpResponse:
        """Django's answer, rendered at once: the pending change is visible only inside the caller's context manager."""
        response: Any = super().changeform_view(request, *args)
        return response.render() if hasattr(response, "render") else response

    def _refusing(self, refusal: str) -> Self:
        """A copy of this admin, for one request, whose form is never valid: it shows this error, and all input."""
        refusing = copy.copy(self)
        refusing.refusal = refusal
        return refusing

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return refused(form, lambda _: self.refusal) if self.refusal else form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        context.setdefault("conflict", None)
        context |= {
            "record": True,
            SEEN: record_fingerprint(owning_record(row)) if row else "",
            "publishes": request.user.has_perm(PublishAction.permission),
        }
        response = super().render_change_form(request, context, *args, **kwargs)
        if differences := context.get("pending_differences"):
            response.context_data["sections"] = [_differences_section(differences), *response.context_data["sections"]]
        return response

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._requested_page(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Go where the pressed button leads. `_save` says what was saved: Django's own message would be wrong."""
        if "_popup" in request.POST:
            return super().response_change(request, obj)
        if response := self._requested_page(request, obj):
            return response
        if "_continue" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_change(request, obj)

    def _requested_page(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """A redirect to the preview, or to the action for which a button saves first, if that was pressed."""
        name = next((name for name in ("preview", "ready", "publish") if f"_{name}" in request.POST), None)
        return HttpResponseRedirect(action_url(owning_record(obj), name)) if name else None

    # Beside the form --------------------------------------------------------------------------------------------------

    def tools(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        root = owning_record(row)
        own = [(f"Open {root}", change_url(root))] if root is not row else super().tools(request, row)
        return [*own, ("Preview", action_url(root, "preview"))]

    def notice(self, request: HttpRequest, row: Any) -> str:
        """Who sees this record, and what happens to a change of it."""
        root = owning_record(row)
        can_change = self.has_change_permission(request, row)
        return " ".join([*visibility_sentences(root, can_change=can_change), *handover_sentences(request, root)])

    # Preview and revert -----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        if issubclass(self.model, Part):
            return super().get_urls()
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/preview/", view(self.preview_view), name=f"{name}_preview"),
            path("<path:object_id>/history/<int:version>/", view(self.revert_view), name=f"{name}_revert"),
            *super().get_urls(),
        ]

    def revert_view(self, request: HttpRequest, object_id: str, version: int) -> HttpResponse:
        return revert_page(self, request, object_id, version)


def _differences_section(differences: list[Difference]) -> Section:
    rows = [(capfirst(one.what), one.before or "nothing", one.after or "nothing") for one in differences]
    return Section("Pending changes", ("What", "The public sees", "Once published"), rows)


def _has_saved(response: Any) -> bool:
    """Whether Django's form has saved: it redirects, or closes the popup that another form had opened."""
    return isinstance(response, HttpResponseRedirect) or "popup_response_data" in (response.context_data or {})


def _warn(request: HttpRequest, sentences: list[str]) -> None:
    for sentence in sentences:
        messages.warning(request, sentence)
