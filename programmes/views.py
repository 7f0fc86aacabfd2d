from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from partners.models import Publication, Statement, Unit
from partners.querysets import with_author_links
from programmes.filters import InitiativeFilters, NewsFilters
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
from programmes.presenters.news import FindMilestones, add_stories, all_news
from vru_portal.permissions import has_model_permission
from vru_portal.web.addresses import full_url
from vru_portal.web.file_responses import file_response
from vru_portal.web.filters import QueryLink
from vru_portal.web.pagination import get_page_or_404, in_order
from vru_portal.web.prepared_queries import first_or_404, prepared
from vru_portal.web.public_pages import declare_parameters, public_page
from vru_portal.web.structured_data import json_ld, reference

SIMILAR_INITIATIVES = 3
SUGGESTIONS = 10

# Sets on initiatives what other apps know of them. Those apps build on this one, so `vru_portal.urls` passes it in.
AddDetails = Callable[[Collection[Initiative]], None]


@dataclass(frozen=True)
class LevelTab(QueryLink):
    """A link to the catalogue at one level of prevention, or at all of them."""

    level: PreventionLevel | None = None


def add_no_details(initiatives: Collection[Initiative]) -> None:
    """Leave the initiatives as they are."""


@public_page
def about(request: HttpRequest) -> HttpResponse:
    """The about page: the definition of violence, the approach, the conditions for success, earlier work, sources."""
    terms = public_terms()
    return render(
        request,
        "about.html",
        {
            "definition": next((term for term in terms if term.defines_violence), None),
            "terms": terms,
            "conditions": public_conditions(),
            "predecessors": public_predecessors(),
            "publications": with_author_links(public_publications()),
            "statements": public_statements(),
        },
    )


@prepared
def public_terms() -> QuerySet[Term]:
    return Term.objects.public().select_related("source", "defined_by")


@prepared
def public_conditions() -> QuerySet[SuccessCondition]:
    return SuccessCondition.objects.public().select_related("source", "level")


@prepared
def public_predecessors() -> QuerySet[Predecessor]:
    return Predecessor.objects.public().select_related("source", "organisation", "publication")


@prepared
def public_publications() -> QuerySet[Publication]:
    return Publication.objects.public().with_authors()


@prepared
def public_statements() -> QuerySet[Statement]:
    return Statement.objects.public().select_related("speaker")


@public_page
def initiatives(request: HttpRequest, filter_class: type[InitiativeFilters] = InitiativeFilters) -> HttpResponse:
    """The catalogue with its filters."""
    filters = filter_class(request.GET)
    declare_parameters(request, filters.valid)
    levels = PreventionLevel.objects.listed()
    tabs = level_tabs(filters, levels)  # first: the keys of all initiatives follow from the facets
    page = get_page_or_404(request, filters.keys)
    page.object_list = in_order(page.object_list, initiatives_with_level(*page.object_list))
    # A search without a result still leads somewhere.
    suggestions = [] if filters.matching_keys else suggested_initiatives()
    listed_initiatives = [*page, *suggestions]
    filters.add_details(listed_initiatives)
    return render(
        request,
        "programmes/initiatives.html",
        {
            "levels": levels,
            "total": sum(level.initiative_count for level in levels),
            "page": page,
            "filters": filters,
            # Links choose the level.
            "form": filters.form("Show initiatives", reverse("programmes:initiatives"), leave_out=("level",)),
            "removal_links": filters.chips,
            "level_tabs": tabs,
            "sort_links": filters.sort_links,
            "suggestions": suggestions,
            "any_sensitive": any(initiative.sensitive_topic for initiative in listed_initiatives),
        },
    )


@prepared
def initiatives_with_level(*keys: int) -> QuerySet[Initiative]:
    return Initiative.objects.filter(pk__in=keys).select_related("level", "source").order_by()


@prepared
def suggested_initiatives() -> QuerySet[Initiative]:
    return Initiative.objects.public().select_related("level", "source")[:SUGGESTIONS]


@public_page
def initiative(request: HttpRequest, slug: str, add_details: AddDetails = add_no_details) -> HttpResponse:
    """The page of an initiative."""
    found = first_or_404(initiatives_at(slug))
    add_details([found])
    vocabularies = {"audience": "audiences", "setting": "settings", "area": "areas"}
    filter_words = {facet: sorted(vocabulary_of(found, relation=relation)) for facet, relation in vocabularies.items()}
    similar = initiatives_like(found, found.level)
    return render(
        request,
        "programmes/initiative.html",
        {
            "initiative": found,
            "filter_words": filter_words,
            "similar": similar,
            "any_sensitive": bool(found.sensitive_topic) or any(other.sensitive_topic for other in similar),
            "json_ld": initiative_structured_data(found, filter_words),
        },
    )


@prepared
def initiatives_at(slug: str) -> QuerySet[Initiative]:
    return Initiative.objects.public().filter(slug=slug).select_related("level", "source", "lead_organisation")


@prepared
def vocabulary_of(initiative: Initiative, *, relation: str) -> QuerySet[Initiative, tuple[str, str]]:
    """The names and slugs of the words of one vocabulary that an initiative is filtered by."""
    rows = Initiative.objects.filter(**{"pk": initiative, f"{relation}__isnull": False}).order_by()
    return rows.values_list(f"{relation}__name", f"{relation}__slug")


@prepared
def initiatives_like(initiative: Initiative, level: PreventionLevel) -> QuerySet[Initiative]:
    rows = Initiative.objects.public().similar_to(initiative, level)
    return rows.select_related("level", "source")[:SIMILAR_INITIATIVES]


@public_page
def level(request: HttpRequest, slug: str, add_details: AddDetails = add_no_details) -> HttpResponse:
    """The page of a level of prevention: its definition, its conditions for success and its initiatives."""
    found = first_or_404(levels_at(slug))
    page = get_page_or_404(request, found.initiatives.public().select_related("source"))
    add_details([*page])
    return render(
        request,
        "programmes/level.html",
        {
            "level": found,
            "page": page,
            "conditions": success_conditions_of(found),
            "any_sensitive": any(initiative.sensitive_topic for initiative in page),
        },
    )


@prepared
def levels_at(slug: str) -> QuerySet[PreventionLevel]:
    return PreventionLevel.objects.public().filter(slug=slug).select_related("source")


@prepared
def success_conditions_of(level: PreventionLevel) -> QuerySet[SuccessCondition]:
    return SuccessCondition.objects.public().filter(level=level).select_related("source")


@public_page
def stories(request: HttpRequest, find_milestones: FindMilestones = list) -> HttpResponse:
    """Stories and milestones, page by page."""
    filters = NewsFilters(request.GET, all_news(find_milestones()))
    declare_parameters(request, filters.valid)
    page = get_page_or_404(request, filters.found)
    add_stories(page)
    context = {"page": page, "filters": filters, "form": filters.form("Show news", reverse("programmes:stories"))}
    return render(request, "programmes/stories.html", context)


@public_page
def story(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Story.objects.public().select_related("source", "picture"), slug=slug)
    unit = Unit.objects.current()
    picture = found.picture if found.picture and found.picture.is_public else None
    data = json_ld(
        "NewsArticle",
        headline=found.title,
        description=found.summary,
        url=full_url(found.get_absolute_url()),
        mainEntityOfPage=full_url(found.get_absolute_url()),
        datePublished=found.published_on.isoformat(),
        image=full_url(picture.get_absolute_url()) if picture else None,
        author=reference("Organization", unit.organisation),
        publisher=reference("Organization", unit.organisation),
    )
    context = {"unit": unit, "contact_points": unit.contact_list, "story": found, "json_ld": data}
    return render(request, "programmes/story.html", context)


def initiative_structured_data(initiative: Initiative, words: dict[str, list[tuple[str, str]]]) -> SafeString:
    """What is stated of a service; `words` are those that visitors filter by."""
    lead = initiative.lead_organisation
    audiences = [initiative.audience_text] if initiative.audience_text else [name for name, _ in words["audience"]]
    areas = [name for name, _ in words["area"]] or [initiative.area_text]
    return json_ld(
        "GovernmentService",
        name=initiative.name,
        description=initiative.summary,
        url=full_url(initiative.get_absolute_url()),
        serviceType=initiative.level.full_name,
        provider=reference("Organization", lead) if lead and lead.is_public else None,
        audience=[{"@type": "Audience", "audienceType": name} for name in audiences],
        areaServed=[{"@type": "AdministrativeArea", "name": name} for name in areas if name],
    )


@require_safe
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    return uploaded_file_response(request, Picture.objects.all(), slug, inline=True)


@require_safe
def document(request: HttpRequest, slug: str) -> HttpResponse:
    return uploaded_file_response(request, Document.objects.all(), slug, inline=False)


def uploaded_file_response(request: HttpRequest, rows: Any, slug: str, *, inline: bool) -> HttpResponse:
    """An uploaded file: for everybody once it is published, before that only for staff who may view the record.

    Nothing of the path comes from the request: the record names the file on disk, and its extension was chosen from its
    content when it was uploaded.
    """
    row = get_object_or_404(rows, slug=slug)
    if not row.is_public and not can_view_draft(request, row):
        raise Http404("This file is a draft, which only staff can see.")
    extension = row.file.name.rpartition(".")[2]
    try:
        with row.file.open() as file:
            response = file_response(file.read(), f"{row.slug}.{extension}", inline=inline)
    except FileNotFoundError as error:
        raise Http404(f"The file of {row} is missing from the uploads folder.") from error
    # Should a hostile file get past the checks on upload, a browser still runs nothing of it on this origin.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "public, max-age=300" if row.is_public else "no-store"
    response["ETag"] = f'"{row.sha256}"'
    return response


def can_view_draft(request: HttpRequest, row: Any) -> bool:
    """Whether the user may view this record in the admin, which can also demand a second factor."""
    user: Any = getattr(request, "user", None)
    return bool(user and admin.site.has_permission(request) and has_model_permission(user, "view", type(row)))


def level_tabs(filters: InitiativeFilters, levels: list[PreventionLevel]) -> list[LevelTab]:
    """A tab for all levels and one for each level, with the number of initiatives that it would show."""
    chosen = filters.values("level")
    counts = {option.slug: option.count for option in filters.facets.get("level", [])}
    tabs = [LevelTab("All levels", filters.link(level=[]), sum(counts.values()), current=not chosen)]
    for level in levels:
        address = filters.link(level=[level.slug])
        tabs.append(LevelTab(level.name, address, counts.get(level.slug, 0), chosen == [level.slug], level))
    return tabs
