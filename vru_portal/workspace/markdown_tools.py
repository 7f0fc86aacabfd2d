"""What the script of a Markdown field requests: a preview of the text, and the addresses of records to link to."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST, require_safe

from events.declarations.models import DeclarationVersion
from events.models import Event
from funding.models import FinancialYear
from partners.models import Organisation, Person, Statement
from programmes.models import Document, Initiative, Picture, PreventionLevel, Story
from vru_portal.staff.base_admin import MAX_SEARCH_CHARACTERS
from vru_portal.text.characters import remove_forbidden
from vru_portal.text.cleaning import normalise_text
from vru_portal.text.folded_search import fold_for_search
from vru_portal.text.markdown import left_out_of, problem_of, render
from vru_portal.text.pasting import normalise_markdown
from vru_portal.web.file_responses import text_response

MATCHES_PER_MODEL = 5

# Pages that are not records.
PAGES_WITHOUT_RECORD = (
    ("Initiatives", "programmes:initiatives"),
    ("Partners", "partners:directory"),
    ("Events", "events:events"),
    ("Declaration", "declarations:declaration"),
    ("Register", "declarations:register"),
    ("About", "about"),
    ("News", "programmes:stories"),
    ("Contact", "partners:contact"),
)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What will be shown of a text, as it would be stored, and below it what will not be shown, and why."""
    text = normalise_markdown(normalise_text(remove_forbidden(request.POST.get("text", ""))))
    if problem := problem_of(text):
        return text_response(problem, status=413)
    left_out = format_html_join("", "<li>{}</li>", ((sentence,) for sentence in left_out_of(text)))
    note = format_html('<div class="errornote"><p>Not shown:</p><ul>{}</ul></div>', left_out) if left_out else ""
    return HttpResponse(render(text) + note)


@require_safe
def links(request: HttpRequest) -> HttpResponse:
    """The public pages whose names contain the query, as JSON with the kind, name and address of each."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:MAX_SEARCH_CHARACTERS]
    targets = link_targets(query) if query else []
    return JsonResponse({"results": [dict(zip(("kind", "name", "address"), one, strict=True)) for one in targets]})


def link_targets(query: str) -> list[tuple[str, str, str]]:
    """The kind, name and address of each page that a text may link to: only what the public can read."""
    folded = fold_for_search(query)
    if not folded:  # nothing that counts, such as an apostrophe alone
        return []
    targets = [("Page", name, reverse(page)) for name, page in PAGES_WITHOUT_RECORD if folded in fold_for_search(name)]
    for kind, field, rows in searchable_records():
        for row in rows.filter(**{f"{field}__folded_contains": query})[:MATCHES_PER_MODEL]:
            targets.append((kind, link_text(row), row.get_absolute_url()))
    # The names of these records are not stored, so they are searched here. There are few of either.
    for version in DeclarationVersion.objects.in_force(timezone.localdate()):
        if folded in fold_for_search(name := f"Declaration, version {version.number}"):
            targets.append(("Declaration", name, version.get_absolute_url()))
    for year in FinancialYear.objects.with_money():
        if folded in fold_for_search(name := f"Funding {year.label}"):
            targets.append(("Year", name, year.get_absolute_url()))
    return targets


def link_text(row: Any) -> str:
    """The name of a record, without the square brackets that would end the text of a link in Markdown."""
    return str(row).replace("[", "(").replace("]", ")")


def searchable_records() -> list[tuple[str, str, QuerySet[Any]]]:
    """Each kind of record that has a page: what it is called, the field that is searched, and its public rows."""
    return [
        ("Initiative", "name", Initiative.objects.public()),
        ("Level", "name", PreventionLevel.objects.public()),
        ("Person", "name", Person.objects.public()),
        ("Organisation", "name", Organisation.objects.public()),
        ("Event", "title", Event.objects.public()),
        ("Story", "title", Story.objects.public()),
        ("Message", "title", Statement.objects.public()),
        ("Document", "title", Document.objects.public()),
        ("Picture", "title", Picture.objects.public()),
    ]
