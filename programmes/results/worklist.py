from django.http import HttpRequest

from programmes.results.models import Mail, Measure, Return
from vru_portal.links.choices import DraftState
from vru_portal.staff.admin_links import can_view, changelist_url
from vru_portal.staff.requests import late_requests
from vru_portal.staff.worklist import WorklistItem, count_rows, item_unless_empty, link_label


def worklist_items(request: HttpRequest) -> list[WorklistItem]:
    if not can_view(request, Return) or not Measure.objects.are_in_use():
        return []
    rows = Return.objects.still_asked()
    counts = count_rows(
        {
            "submitted": rows.filter(draft__state=DraftState.SUBMITTED),
            "late": late_requests(rows, state="draft__state"),
            "refused": rows.filter(draft__state=DraftState.REFUSED),
        }
    )
    items = item_unless_empty(
        "Figures to check",
        "Organisations have sent them. They are public once you have approved them.",
        link_label(request, "results.approve_return", "Read and approve"),
        changelist_url(Return, state=DraftState.SUBMITTED),
        counts["submitted"],
    )
    items += item_unless_empty(
        "Figures that are late",
        "They were due, and can still be sent. Pages say that they were not reported. Phone the person we asked.",
        link_label(request, "results.change_return", "See which"),
        changelist_url(Return, state="late"),
        counts["late"],
    )
    if can_view(request, Mail):
        items += item_unless_empty(
            "Requests for figures that the mail server refused",
            "Send them again, to another email address.",
            link_label(request, "results.change_return", "Send again"),
            changelist_url(Return, state=DraftState.REFUSED),
            counts["refused"],
            urgent=True,
        )
    return items
