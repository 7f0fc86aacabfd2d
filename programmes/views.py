from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from partners.models import Publication, Statement
from programmes.filters import FACETS, InitiativeFilter, options
from programmes.forms import catalogue_form
from programmes.models import (
    Document,
    Initiative,
    Picture,
    Predecessor,
    PreventionLevel,
    Story,
    SuccessCondition,
    Term,
)
from programmes.querysets import InitiativeQuerySet
from programmes.uploads import TYPES
from vru_portal.pages import page_of
from vru_portal.structured_data import json_ld

NEAR_ONES = 3
INSTEAD = 10


Annotate = Callable[[InitiativeQuerySet], InitiativeQuerySet]


@dataclass(frozen=True)
class Choice:
    """A link that asks the same question with one thing changed."""

    label: str
    address: str
    count: int | None = None
    current: bool = False
    level: PreventionLevel | None = None


def as_they_are(rows: InitiativeQuerySet) -> InitiativeQuerySet:
    """Return initiatives with nothing that other apps know of them."""
    return rows


def about(request: HttpRequest) -> HttpResponse:
    """What is meant by violence, the approach, the conditions for success, what the unit builds on."""
    terms = list(Term.objects.public().select_related("source", "defined_by", "level"))
    return render(
        request,
        "about.html",
        {
            "definition": next((term for term in terms if term.defines_violence), None),
            "terms": terms,
            "conditions": SuccessCondition.objects.public().select_related("source", "level"),
            "predecessors": Predecessor.objects.public().select_related("source", "organisation", "publication"),
            "publications": Publication.objects.public().with_authors(),
            "statements": Statement.objects.public().select_related("speaker"),
        },
    )


def initiatives(request: HttpRequest, asked: type[InitiativeFilter] = InitiativeFilter) -> HttpResponse:
    """The catalogue with its filters; ``asked`` is what can be asked of it."""
    question = asked(request.GET)
    page = page_of(request, question.qs.select_related("level", "source"))
    # A question that nothing answers still leads somewhere.
    instead = [] if page.object_list else list(question.initiatives().select_related("level", "source")[:INSTEAD])
    levels = list(PreventionLevel.objects.public().with_counts())
    return render(
        request,
        "programmes/initiatives.html",
        {
            "levels": levels,
            "question": question,
            "total": sum(level.initiative_count for level in levels),
            "page": page,
            "form": catalogue_form(question),
            "chips": chips(question),
            "level_tabs": level_tabs(question, levels),
            "sort_links": sort_links(question),
            "instead": instead,
            "any_sensitive": any(initiative.sensitive_topic for initiative in [*page, *instead]),
        },
    )


def initiative(request: HttpRequest, slug: str, annotate: Annotate = as_they_are) -> HttpResponse:
    """One initiative; ``annotate`` adds what others know of it."""
    rows = annotate(Initiative.objects.public()).select_related("level", "source", "lead_organisation")
    found = get_object_or_404(rows, slug=slug)
    this = Initiative.objects.filter(pk=found.pk)
    shared: dict[str, list[tuple[str, str]]] = {name: [] for name in FACETS}
    for name, word, label, _, _ in options(this, dict.fromkeys(FACETS, this)):
        shared[name].append((label, word))
    near = Initiative.objects.public().near(found).select_related("level", "source")[:NEAR_ONES]
    return render(
        request,
        "programmes/initiative.html",
        {
            "initiative": found,
            "shared": shared,
            "near": near,
            "any_sensitive": bool(found.sensitive_topic) or any(other.sensitive_topic for other in near),
            "json_ld": json_ld("GovernmentService", name=found.name, description=found.summary),
        },
    )


def level(request: HttpRequest, slug: str, annotate: Annotate = as_they_are) -> HttpResponse:
    """A level of prevention: what it means, its conditions for success, its initiatives."""
    found = get_object_or_404(PreventionLevel.objects.public().select_related("source"), slug=slug)
    page = page_of(request, annotate(found.initiatives.public()).select_related("level", "source"))
    return render(
        request,
        "programmes/level.html",
        {
            "level": found,
            "page": page,
            "conditions": found.conditions.public().select_related("source"),
            "any_sensitive": any(initiative.sensitive_topic for initiative in page),
        },
    )


def stories(request: HttpRequest) -> HttpResponse:
    """News."""
    return render(
        request, "programmes/stories.html", {"page": page_of(request, Story.objects.public().select_related("picture"))}
    )


def story(request: HttpRequest, slug: str) -> HttpResponse:
    """One story."""
    found = get_object_or_404(Story.objects.public().select_related("source", "picture"), slug=slug)
    return render(request, "programmes/story.html", {"story": found})


def asking(data: QueryDict, **changes: list[str]) -> str:
    """Return the address of the question with these answers in place of its own, on its first page."""
    query = data.copy()
    query.pop("page", None)
    for name, values in changes.items():
        query.setlist(name, values)
    return f"?{query.urlencode()}" if any(query.values()) else "?"


@require_safe
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    """One picture."""
    return sent(request, Picture.objects.all(), slug, "inline")


@require_safe
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """One document, to be saved."""
    return sent(request, Document.objects.all(), slug, "attachment")


def sent(request: HttpRequest, rows: Any, slug: str, disposition: str) -> HttpResponse:
    """Return an uploaded file: a published one to everybody, a draft to staff who may look at it.

    The name on disk comes from the row, the ending from what the file was found to be: no path from the request.
    """
    row = get_object_or_404(rows, slug=slug)
    if not row.is_public and not may_view(request, row):
        raise Http404("Only staff see this file yet.")
    try:
        with row.file.open() as file:
            response = HttpResponse(file.read())
    except FileNotFoundError as error:
        raise Http404(f"The file of {row} is not where it was kept.") from error
    ending = row.file.name.rpartition(".")[2]
    response["Content-Type"] = TYPES.get(ending, "application/octet-stream")
    response["Content-Disposition"] = f'{disposition}; filename="{row.slug}.{ending}"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "public, max-age=300" if row.is_public else "no-store"
    response["ETag"] = f'"{row.sha256}"'
    return response


def may_view(request: HttpRequest, row: Any) -> bool:
    """Return whether this is somebody who may be in the admin, with all that it asks of them, and see a draft there."""
    user: Any = getattr(request, "user", None)
    permission = f"{row._meta.app_label}.view_{row._meta.model_name}"
    return bool(user and admin.site.has_permission(request) and user.has_perm(permission))


def chips(question: InitiativeFilter) -> list[Choice]:
    """Return a link for each answer in use that undoes it; what does not exist can be undone too."""
    links = []
    if words := question.data.get("q", ""):
        links.append(Choice(f"Words: {words[:60]}", asking(question.data, q=[])))
    for name, label in question.labels.items():
        names = {option.slug: option.name for option in question.facets.get(name, [])}
        chosen = question.chosen(name)
        for slug in dict.fromkeys(chosen):
            others = [other for other in chosen if other != slug]
            links.append(Choice(f"{label}: {names.get(slug, slug[:60])}", asking(question.data, **{name: others})))
    return links


def level_tabs(question: InitiativeFilter, levels: list[PreventionLevel]) -> list[Choice]:
    """Return a link for all levels and for each of them, with the number of initiatives that it would show."""
    chosen = question.chosen("level")
    counts = {option.slug: option.count for option in question.facets.get("level", [])}
    tabs = [Choice("All levels", asking(question.data, level=[]), sum(counts.values()), current=not chosen)]
    for level in levels:
        address = asking(question.data, level=[level.slug])
        tabs.append(Choice(level.name, address, counts.get(level.slug, 0), chosen == [level.slug], level))
    return tabs


def sort_links(question: InitiativeFilter) -> list[Choice]:
    """Return a link for each order."""
    by_name = question.data.get("sort") == "name"
    return [
        Choice("By level", asking(question.data, sort=[]), current=not by_name),
        Choice("By name", asking(question.data, sort=["name"]), current=by_name),
    ]
