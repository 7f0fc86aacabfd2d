"""Staff's list of what waits for a decision: records that are ready to publish, sent back, or have lost their date."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from vru_portal.models import Submission
from vru_portal.publishing import submissions
from vru_portal.staff.admin_links import action_url, admin_link, changelist_url, model_label
from vru_portal.staff.base_admin import ReadOnlyAdmin
from vru_portal.staff.records.bulk_publishing import BulkPublishing
from vru_portal.staff.worklist import WorklistItem, WorklistLink, WorklistRow

ROWS_ON_START_PAGE = 5  # of each kind on the start page; the list has all

HEADINGS_FOR_PUBLISHERS = {
    Submission.State.READY: ("Ready to publish", "Check each, then publish it or send it back.", False),
    Submission.State.DATE_CANCELLED: (
        "Dates cancelled by a later change",
        "Each had a publication date. Check the change, then set the date again.",
        True,
    ),
}


@admin.register(Submission)
class SubmissionAdmin(BulkPublishing, ReadOnlyAdmin):
    """Messages between Editors and Publishers. They are answered on the page of the record, or from this list."""

    actions = ("publish_selected", "send_back_selected")
    list_display = ("record_link", "kind", "state", "note", "by", "concerns", "at")
    list_display_links = None
    list_filter = ("state",)
    list_select_related = ("content_type", "by", "concerns")
    search_fields = ("note", "by__username", "concerns__username")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("record")

    def record_of(self, row: Any) -> Any:
        return row.record

    @admin.display(description="record")
    def record_link(self, submission: Submission) -> str:
        return admin_link(submission.record)

    @admin.display(description="kind of record", ordering="content_type")
    def kind(self, submission: Submission) -> str:
        return model_label(submission.content_type)


def submission_items(request: HttpRequest) -> list[WorklistItem]:
    """What waits for this person: a decision if they may publish, and what was sent back to them."""
    waiting = submissions.waiting_for(request.user)
    items = []
    for state, (heading, explanation, urgent) in HEADINGS_FOR_PUBLISHERS.items():
        rows = [one for one in waiting if one.state == state]
        items += _item(heading, explanation, rows, "publish", state, urgent=urgent)
    sent_back = [one for one in waiting if one.state == Submission.State.SENT_BACK]
    return [*items, *_item("Sent back to you", "Each note says what must change.", sent_back, "change")]


def _item(
    heading: str, explanation: str, rows: list[Submission], page: str, state: str = "", *, urgent: bool = False
) -> list[WorklistItem]:
    if not rows:
        return []
    shown = tuple(
        WorklistRow(str(one.record), action_url(one.record, page), submissions.describe(one))
        for one in rows[:ROWS_ON_START_PAGE]
    )
    links = (WorklistLink("View the list", changelist_url(Submission, state__exact=state), len(rows)),) if state else ()
    return [WorklistItem(heading, explanation, links, rows=shown, urgent=urgent)]
