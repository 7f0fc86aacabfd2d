"""Publishing or sending back several records from a list: each on its own, with its own result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from vru_portal.publishing import workflow
from vru_portal.publishing.snapshots import row_key
from vru_portal.publishing.state import PUBLISH
from vru_portal.staff.admin_links import action_url
from vru_portal.staff.records.publishing_actions import NoteForm, as_sentence, draft_choices

MAX_RECORDS = 50  # at a time: each is checked as if it were published
LINKS_NOT_CONFIRMED = (
    "It has links that do not work for visitors. Correct them, or confirm that you want to publish it."
)


@dataclass(frozen=True)
class SelectedRecord:
    """A selected record, as its reader is shown it before deciding."""

    key: Any  # of the row in the list
    record: Any
    fingerprint: str
    reasons: list[str]  # why it cannot be published, even with the drafts that it names
    warnings: list[str]  # links that visitors cannot follow then
    together: list[tuple[str, Any]]  # these drafts, as choices

    @property
    def preview(self) -> str:
        return action_url(self.record, "preview")


class BulkPublishing:
    """A list in which several records can be ticked, to publish them or send them back."""

    actions: Any = ("delete_selected", "publish_selected", "send_back_selected")

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(PUBLISH))

    def record_of(self, row: Any) -> Any:
        """The record that a row of the list is about."""
        return row

    @admin.action(description="Publish selected", permissions=["publish"])
    def publish_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        published_with: dict[str, Any] = {}

        def publish(row: Any, record: Any) -> str:
            if other := published_with.get(row_key(record)):
                return f"Published, together with “{other}”"
            ticked = request.POST.getlist(f"together_{row.pk}")
            together = {key: draft for key, draft in workflow.review_record(record).together.items() if key in ticked}
            drafts = list(together.values())
            if f"despite_{row.pk}" not in request.POST and workflow.link_warnings(record, drafts):
                raise ValidationError(LINKS_NOT_CONFIRMED)
            seen = request.POST.get(f"seen_{row.pk}", "")
            chosen = dict(key.split() for key in together)
            workflow.publish(record, by=request.user, seen_fingerprint=seen, together=chosen)
            published_with.update({row_key(draft): record for draft in drafts})
            names = ", ".join(f"“{draft}”" for draft in drafts)
            return f"Published, together with {names}" if names else "Published"

        return self._decide(request, queryset, "publish_selected", "Publish", publish)

    @admin.action(description="Send selected back", permissions=["publish"])
    def send_back_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        form = NoteForm(request.POST if "decided" in request.POST else None)

        def send_back(_: Any, record: Any) -> str:
            note = form.cleaned_data["note"]
            workflow.send_back(record, by=request.user, note=note)
            return f"Sent back: “{note}”"

        return self._decide(request, queryset, "send_back_selected", "Send back", send_back, form)

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        action: str,
        label: str,
        decide: Callable[[Any, Any], str],
        form: Any = None,
    ) -> HttpResponse | None:
        """Show what was selected and, once that is confirmed, decide on each."""
        rows = list(queryset[: MAX_RECORDS + 1])
        if len(rows) > MAX_RECORDS:
            messages.error(request, f"Nothing was changed. Select at most {MAX_RECORDS}.")
            return None
        if "decided" in request.POST and (form is None or form.is_valid()):
            self._decide_each(request, rows, decide)
            return None
        staff: Any = self
        context = {
            **staff.admin_site.each_context(request),
            "title": f"{label}: {len(rows)} selected",
            "opts": staff.opts,
            "action": action,
            "label": label,
            "form": form,
            "candidates": [_selected_record(row.pk, self.record_of(row)) for row in rows],
            "checkbox": ACTION_CHECKBOX_NAME,
            "publishes": form is None,
        }
        return TemplateResponse(request, "admin/record/decide_on_selected.html", context)

    def _decide_each(self, request: HttpRequest, rows: list[Any], decide: Callable[[Any, Any], str]) -> None:
        """Decide on each record; on one that names another of them after that, in whatever order they were selected."""
        waiting, refused = rows, dict[Any, ValidationError]()
        while waiting:
            refused = {}
            for row in waiting:
                record = self.record_of(row)
                try:
                    with transaction.atomic():
                        done = decide(row, record)
                except ValidationError as error:
                    refused[row] = error
                else:
                    self.log_change(request, record, done)  # type: ignore[attr-defined]
                    messages.success(request, f"{record}. {done}")
            if len(refused) == len(waiting):
                break
            waiting = list(refused)
        for row, refusal in refused.items():
            why = " ".join(map(as_sentence, refusal.messages))
            messages.error(request, f"“{self.record_of(row)}” stays as it was. {why}")


def _selected_record(key: Any, record: Any) -> SelectedRecord:
    if not workflow.has_something_to_publish(record):
        return SelectedRecord(key, record, "", [workflow.NOTHING_TO_PUBLISH], [], [])
    try:
        review = workflow.review_record(record)
    except ValidationError as error:
        return SelectedRecord(key, record, "", list(error.messages), [], [])
    warnings = list(map(as_sentence, review.warnings))
    return SelectedRecord(key, record, review.fingerprint, review.blockers, warnings, draft_choices(review.together))
