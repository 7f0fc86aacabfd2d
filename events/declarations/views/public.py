"""The declaration's public pages: the text in force, earlier texts, and who signed each."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from events.declarations.documents.comparison import comparison_html
from events.declarations.models import Declaration, DeclarationVersion, Entry
from events.declarations.querysets import add_progress
from events.declarations.rules import availability
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import public_page

LATEST_SIGNATURES = 8  # on the declaration's own page
MAX_STROKES = 60  # with more strokes, a picture says less than the number
SIGNATURES_PER_PAGE = 50


def texts_in_force() -> list[DeclarationVersion]:
    """All texts of the current declaration that are or were in force, the latest first, with counts of answers."""
    in_force = DeclarationVersion.objects.in_force(timezone.localdate())
    all_versions = list(in_force.select_related("declaration__event__source", "source"))
    versions = [version for version in all_versions if version.declaration_id == all_versions[0].declaration_id]
    add_progress(versions)
    return versions


@require_safe
@public_page
def declaration_page(request: HttpRequest) -> HttpResponse:
    """Show the text in force, who has signed it and how to sign; without a text, say that none is published."""
    versions = texts_in_force()
    version = versions[0] if versions else None
    found = version.declaration if version else Declaration.objects.public().first()
    context: dict[str, Any] = {"declaration": found, "version": version, "earlier": versions[1:]}
    if version:
        live_signatures = Entry.objects.signatures().filter(version=version).exclude(live=None)
        context |= {
            "signatures": live_signatures.with_status().with_names().order_by("-seq")[:LATEST_SIGNATURES],
            "strokes": signature_strokes(version),
            "is_open": not availability.signing_blockers(version),
        }
    return render(request, "events/declaration.html", context)


def signature_strokes(version: Any) -> list[bool]:
    """One stroke for each organisation that was asked: true if it has signed. Empty if there would be too many."""
    asked, signed = version.asked_count, version.signed_count
    return [True] * signed + [False] * (asked - signed) if 0 < asked <= MAX_STROKES else []


@require_safe
@public_page
def version_page(request: HttpRequest, number: int) -> HttpResponse:
    """Show a text that is or was in force, what it changed, and who signed it."""
    versions = texts_in_force()
    index = next((index for index, text in enumerate(versions) if text.number == number), None)
    if index is None:
        raise Http404("There is no such version.")
    found = versions[index]
    before = versions[index + 1] if index + 1 < len(versions) else None
    signatures = Entry.objects.signatures().filter(version=found).with_status().with_names().order_by("-seq")
    difference = comparison_html(before.text, found.text) if before else None
    return render(
        request,
        "events/declaration/version.html",
        {
            "version": found,
            "in_force": versions[0],
            "versions": versions,
            "before": before,
            "difference": difference,
            "has_changed_words": difference and ("<ins>" in difference or "<del>" in difference),
            "page": get_page_or_404(request, signatures, SIGNATURES_PER_PAGE),
        },
    )
