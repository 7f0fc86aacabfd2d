"""The public pages of budget headings and of decisions about money."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from funding.filters import DecisionFilters
from funding.filters.money import years_with_money
from funding.forms import decision_form
from funding.models import Allocation, BudgetHeading, Decision, Variation
from funding.views.money import get_year_or_404, query_context
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters, public_page

LINES_PER_PART = 20  # one decision may allocate to hundreds of recipients


@dataclass(frozen=True)
class DecisionPart:
    """A decision with some of what it allocated and varied: all of that, unless it is very much."""

    decision: int
    allocations: Sequence[int]
    variations: Sequence[int]
    is_continued: bool


@require_safe
@public_page
def heading(request: HttpRequest, slug: str) -> HttpResponse:
    """A budget heading: what it pays for, and what is allocated to it and paid, year by year."""
    found = get_object_or_404(BudgetHeading.objects.public().select_related("source"), slug=slug)
    return render(request, "funding/heading.html", {"heading": found})


@require_safe
@public_page
def decisions(request: HttpRequest, label: str) -> HttpResponse:
    """The decisions about a year's money, the latest first, with what was allocated and varied by each."""
    years = years_with_money()
    year = get_year_or_404(label, years)
    filters = DecisionFilters(year, request.GET)
    declare_parameters(request, filters.valid)
    parts = list(parts_of(filters))
    page = get_page_or_404(request, parts)
    here = reverse("funding:decisions", args=[label])
    return render(
        request,
        "funding/decisions.html",
        {
            "year": year,
            "filters": filters,
            "page": page,
            "decisions": list(shown_parts(list(page), filters)),
            "count": sum(not part.is_continued for part in parts),
            "list_url": here,
            "filter_form": decision_form(filters, action=here),
            **query_context(filters, {}),
        },
    )


def parts_of(filters: DecisionFilters) -> Iterator[DecisionPart]:
    """The list of decisions, in parts of about the same length."""
    lines: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for kind, rows in (("allocation", decided_allocations(filters)), ("variation", decided_variations(filters))):
        for decision, pk in rows.filter(decision__in=filters.rows.order_by()).values_list("decision", "pk"):
            lines[decision].append((kind, pk))
    for decision in filters.rows.values_list("pk", flat=True):
        for start in range(0, len(lines[decision]) or 1, LINES_PER_PART):
            part = lines[decision][start : start + LINES_PER_PART]
            allocations, variations = ([pk for kind, pk in part if kind == k] for k in ("allocation", "variation"))
            yield DecisionPart(decision, allocations, variations, is_continued=start > 0)


def shown_parts(parts: Sequence[DecisionPart], filters: DecisionFilters) -> Iterator[dict[str, Any]]:
    """What the page shows of each part."""
    related = ("year", "decided_by__person", "decided_by__organisation")
    rows = filters.rows.select_related(*related)
    decisions: dict[int, Decision] = rows.in_bulk({part.decision for part in parts})
    allocations = decided_allocations(filters).in_bulk([pk for part in parts for pk in part.allocations])
    variations = decided_variations(filters).in_bulk([pk for part in parts for pk in part.variations])
    for part in parts:
        yield {
            "decision": decisions[part.decision],
            "made": [allocations[pk] for pk in part.allocations],
            "varied": [variations[pk] for pk in part.variations],
            "is_continued": part.is_continued,
        }


def decided_allocations(filters: DecisionFilters) -> QuerySet[Allocation]:
    rows = Allocation.objects.standing(filters.cut_off).order_by("awarded_on", "pk")
    return rows.select_related("initiative", "heading", "recipient")


def decided_variations(filters: DecisionFilters) -> QuerySet[Variation]:
    rows = Variation.objects.standing(filters.cut_off).order_by("varied_on", "pk")
    return rows.select_related("funding_source__year", "allocation__recipient", "allocation__reverses")
