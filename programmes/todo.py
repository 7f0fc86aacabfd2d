from django.db.models import Count, Min
from django.http import HttpRequest
from django.utils import timezone

from programmes.models import EvidenceAssessment
from vru_portal.todo import Line, counted, days, listed, sees, word


def lines(request: HttpRequest) -> list[Line]:
    """Return what waits of what the unit does."""
    if not sees(request, EvidenceAssessment):
        return []
    found = EvidenceAssessment.objects.undecided().aggregate(n=Count("pk"), oldest=Min("recorded_at"))
    waited = (timezone.now() - found["oldest"]).days if found["n"] else 0
    return counted(
        "Evidence assessments wait for a second pair of eyes",
        "No money can be allocated on them until somebody other than the author has decided. "
        f"The oldest has waited {days(waited)}.",
        word(request, "programmes.add_assessmentdecision", "Review"),
        listed(EvidenceAssessment, state="waiting"),
        found["n"],
    )
