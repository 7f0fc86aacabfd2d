from django.http import HttpRequest
from django.urls import reverse

from partners.models import LegalNotice
from vru_portal.todo import Line, Way, sees, word


def lines(request: HttpRequest) -> list[Line]:
    """Return what waits of who we are and what the law wants said."""
    if not sees(request, LegalNotice):
        return []
    notice = LegalNotice.current()
    if not notice.missing:
        return []
    address = reverse(
        "admin:partners_legalnotice_add" if notice._state.adding else "admin:partners_legalnotice_changelist"
    )
    label = word(request, "partners.change_legalnotice", "Complete the legal notice")
    said = f"Nobody can be invited or sign until the legal notice states: {', '.join(notice.missing)}."
    return [Line("Signing is closed", said, (Way(label, address),), urgent=True)]
