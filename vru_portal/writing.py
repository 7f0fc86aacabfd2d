"""What the script of a Markdown field asks for: a preview, and the addresses of records."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from events.declarations.models import DeclarationVersion
from events.models import Event
from funding.models import FinancialYear
from partners.models import Organisation, Person, Statement
from programmes.models import Document, Initiative, Picture, PreventionLevel, Story
from vru_portal.admin import LONGEST_SEARCH
from vru_portal.markdown import render

LARGEST = 100_000  # bytes of Markdown: a long report
OF_A_KIND = 5

# Pages that are no records.
PAGES = (
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
    """Return Markdown as pages show it."""
    text = request.POST.get("text", "")
    if len(text.encode("utf-8", "replace")) > LARGEST:
        advice = "This text is too long for a preview. Save it, and look at the preview of the page."
        return HttpResponse(advice, status=413, content_type="text/plain; charset=utf-8")
    return HttpResponse(render(text.replace("\0", "")))


@require_safe
def links(request: HttpRequest) -> HttpResponse:
    """Return the public records whose name holds the words asked for: kind, name and address of each."""
    asked = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    found = list(named_like(asked)) if asked else []
    return JsonResponse({"results": [dict(zip(("kind", "name", "address"), one, strict=True)) for one in found]})


def named_like(words: str) -> list[tuple[str, str, str]]:
    """Return kind, name and address of what the public may read and of what a link may lead to."""
    found = [("Page", name, reverse(page)) for name, page in PAGES if words.lower() in name.lower()]
    for kind, field, rows in linked():
        for row in rows.filter(**{f"{field}__icontains": words})[:OF_A_KIND]:
            found.append((kind, name_of(row), row.get_absolute_url()))
    # Few rows, whose names are made, not stored.
    for version in DeclarationVersion.objects.in_force(timezone.localdate()):
        if words.lower() in (name := f"Declaration, version {version.number}").lower():
            found.append(("Declaration", name, version.get_absolute_url()))
    for year in FinancialYear.objects.with_money():
        if words.lower() in (name := f"Funding {year.label}").lower():
            found.append(("Year", name, year.get_absolute_url()))
    return found


def name_of(row: Any) -> str:
    """Return what a link says: brackets would end it."""
    return str(row).replace("[", "(").replace("]", ")")


def linked() -> list[tuple[str, str, QuerySet[Any]]]:
    """Return each kind of record that has a page, with the field that is searched."""
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
