"""The text in force, and every text that was: what each said, and who signed it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from events.declarations import rules
from events.declarations.comparison import compared
from events.declarations.models import Declaration, DeclarationVersion, Entry
from vru_portal.pages import page_of

LATEST = 8  # signatures on the declaration's own page
MOST_STROKES = 60  # beyond them a picture says less than the number
PER_PAGE = 50


def texts() -> list[DeclarationVersion]:
    """Return every wording of the declaration that is or was in force, the latest first, in one query."""
    rows = DeclarationVersion.objects.in_force(timezone.localdate()).with_progress()
    found = list(rows.select_related("declaration__event__source", "source"))
    return [version for version in found if version.declaration_id == found[0].declaration_id]


@require_safe
def declaration(request: HttpRequest) -> HttpResponse:
    """The text in force, who has signed it and how to sign; without one, that the wording is not stated."""
    versions = texts()
    version = versions[0] if versions else None
    found = version.declaration if version else Declaration.objects.public().first()
    context: dict[str, Any] = {"declaration": found, "version": version, "earlier": versions[1:]}
    if version:
        standing = Entry.objects.signatures().filter(version=version).exclude(live=None)
        context |= {
            "signatures": standing.with_status().with_names().order_by("-seq")[:LATEST],
            "strokes": strokes(version),
            "is_open": not rules.why_closed(version),
        }
    return render(request, "events/declaration.html", context)


def strokes(version: Any) -> list[bool]:
    """Return a stroke for each body that was asked: whether it has signed."""
    asked, signed = version.asked_count, version.signed_count
    return [True] * signed + [False] * (asked - signed) if 0 < asked <= MOST_STROKES else []


@require_safe
def version(request: HttpRequest, number: int) -> HttpResponse:
    """A wording that is or was in force: what it changed, and the signatures that were given to it."""
    versions = texts()
    place = next((place for place, text in enumerate(versions) if text.number == number), None)
    if place is None:
        raise Http404("There is no such version.")
    found = versions[place]
    before = versions[place + 1] if place + 1 < len(versions) else None
    signatures = Entry.objects.signatures().filter(version=found).with_status().with_names().order_by("-seq")
    difference = compared(before.text, found.text) if before else None
    return render(
        request,
        "events/declaration/version.html",
        {
            "version": found,
            "in_force": versions[0],
            "versions": versions,
            "before": before,
            "difference": difference,
            "words_differ": difference and ("<ins>" in difference or "<del>" in difference),
            "page": page_of(request, signatures, PER_PAGE),
        },
    )
