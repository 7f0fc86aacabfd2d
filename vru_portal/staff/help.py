"""Help for staff: a page for each subject, which explains its rules and terms.

Each is Markdown, written as a template (templates/admin/help), which can say what the code defines.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from vru_portal.accounts.roles import ROLES
from vru_portal.text.markdown import render

FOLDER = settings.BASE_DIR / "templates" / "admin" / "help"


@dataclass(frozen=True)
class Subject:
    """What one page explains."""

    slug: str
    title: str
    text: str  # Markdown without its first line, the title

    @property
    def url(self) -> str:
        return reverse("staff_help_subject", args=[self.slug])


@cache
def subjects() -> dict[str, Subject]:
    """All subjects by their slug, in the order of their titles."""
    found = []
    for path in FOLDER.glob("*.md"):
        written = render_to_string(f"admin/help/{path.name}", {"roles": ROLES})
        title, _, text = written.partition("\n")
        found.append(Subject(path.stem, title.removeprefix("# "), text.strip()))
    return {subject.slug: subject for subject in sorted(found, key=lambda subject: subject.title)}


def matching_subjects(query: str) -> list[Subject]:
    """The subjects that contain all words of the query."""
    words = query.lower().split()
    return [one for one in subjects().values() if all(word in f"{one.title} {one.text}".lower() for word in words)]


def help_link(slug: str) -> Any:
    """A link to a subject, for the description above the fields that it explains."""
    return lazy(partial(_link, slug), str)()


def _link(slug: str) -> SafeString:
    subject = subjects()[slug]
    return format_html('<a href="{}">Help: {}</a>', subject.url, subject.title[:1].lower() + subject.title[1:])


@require_safe
def help_index(request: HttpRequest) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Help", "subjects": subjects().values()}
    return TemplateResponse(request, "admin/help/page.html", context)


@require_safe
def help_page(request: HttpRequest, slug: str) -> HttpResponse:
    subject = subjects().get(slug)
    if subject is None:
        raise Http404("There is no help on this subject.")
    context = {
        **admin.site.each_context(request),
        "title": subject.title,
        "body": render(subject.text),
        "subjects": [one for one in subjects().values() if one is not subject],
    }
    return TemplateResponse(request, "admin/help/page.html", context)
