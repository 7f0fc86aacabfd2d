from django.db.models import Count, Exists, Min
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from partners.models import Unit
from programmes.models import EvidenceAssessment, Initiative, Synonym
from vru_portal.search.words import words_of
from vru_portal.search.zero_results import often_missed
from vru_portal.staff.admin_links import can_view, change_url, changelist_url
from vru_portal.staff.worklist import WorklistItem, WorklistLink, item_unless_empty, link_label
from vru_portal.text.dates import format_days

MISSED_WORDS_SHOWN = 10
NAMES_SHOWN = 5


def worklist_items(request: HttpRequest) -> list[WorklistItem]:
    return [*help_line_items(request), *assessment_items(request), *missed_word_items(request)]


def help_line_items(request: HttpRequest) -> list[WorklistItem]:
    """Published pages are about matters in which people may be in danger, and the unit has stated no help lines."""
    if not request.user.has_perm("partners.change_unit"):
        return []
    sensitive = Initiative.objects.public().exclude(sensitive_topic="").order_by("name")
    without_help = sensitive.filter(Exists(Unit.objects.filter(help_lines="")))
    names = list(without_help.values_list("name", flat=True)[:NAMES_SHOWN])
    if not names:
        return []
    explanation = (
        f"The pages of {', '.join(names)} do not say where to get help. Add the unit's help lines: they are shown "
        "there, on the contact page and where a search finds nothing."
    )
    link = WorklistLink("Add help lines", change_url(Unit(pk=1)))
    return [WorklistItem("No help lines are stated", explanation, (link,))]


def missed_word_items(request: HttpRequest) -> list[WorklistItem]:
    """Words that visitors have lately searched for several times, and that neither a page nor a synonym has."""
    if not can_view(request, Synonym):
        return []
    known = {word for synonym in Synonym.objects.all() for word in words_of(synonym.typed)}
    words = [row for row in often_missed() if row.word not in known][:MISSED_WORDS_SHOWN]
    if not words:
        return []
    said = ", ".join(f"{row.word} ({row.count})" for row in words)
    label = link_label(request, "programmes.add_synonym", "Add a synonym")
    address = reverse("admin:programmes_synonym_add") if label != "View" else changelist_url(Synonym)
    return [
        WorklistItem("Visitors searched for words that no page contains", f"{said}.", (WorklistLink(label, address),))
    ]


def assessment_items(request: HttpRequest) -> list[WorklistItem]:
    if not can_view(request, EvidenceAssessment):
        return []
    undecided = EvidenceAssessment.objects.undecided().aggregate(count=Count("pk"), oldest=Min("recorded_at"))
    days_waited = (timezone.now() - undecided["oldest"]).days if undecided["count"] else 0
    return item_unless_empty(
        "Evidence assessments are waiting for a decision",
        "Money can be allocated on them only once somebody other than the author has approved them. "
        f"The oldest has waited for {format_days(days_waited)}.",
        link_label(request, "programmes.add_assessmentdecision", "Review"),
        changelist_url(EvidenceAssessment, state="waiting"),
        undecided["count"],
    )
