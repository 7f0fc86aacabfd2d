from django.http import HttpRequest
from django.urls import reverse

from partners.models import LegalNotice
from vru_portal.staff.admin_links import can_view
from vru_portal.staff.worklist import WorklistItem, WorklistLink, link_label


def worklist_items(request: HttpRequest) -> list[WorklistItem]:
    if not can_view(request, LegalNotice):
        return []
    notice = LegalNotice.current()
    if not notice.missing:
        return []
    address = reverse(
        "admin:partners_legalnotice_add" if notice._state.adding else "admin:partners_legalnotice_changelist"
    )
    label = link_label(request, "partners.change_legalnotice", "Complete the legal notice")
    explanation = f"Nobody can be invited or sign until the legal notice states: {', '.join(notice.missing)}."
    return [WorklistItem("Signing is closed", explanation, (WorklistLink(label, address),), urgent=True)]
