"""The public pages of budget headings and of decisions about money."""

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from funding.filters import DecisionFilters
from funding.filters.money import years_with_money
from funding.models import Allocation, BudgetHeading, Variation
from funding.views.money import get_year_or_404, query_context
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters, public_page

DECISIONS_PER_PAGE = 50


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
    related = ("year", "decided_by__person", "decided_by__organisation")
    rows = filters.rows.select_related(*related).prefetch_related(
        Prefetch("allocations", decided_allocations(filters), to_attr="made"),
        Prefetch("variations", decided_variations(filters), to_attr="varied"),
        "overcommitments__funding_source",
    )
    return render(
        request,
        "funding/decisions.html",
        {
            "year": year,
            "filters": filters,
            "page": get_page_or_404(request, rows, DECISIONS_PER_PAGE),
            "count": filters.rows.count(),
            "list_url": reverse("funding:decisions", args=[label]),
            **query_context(filters, {}),
        },
    )


def decided_allocations(filters: DecisionFilters) -> QuerySet[Allocation]:
    rows = Allocation.objects.standing(filters.cut_off).order_by("awarded_on", "pk")
    return rows.select_related("initiative", "heading", "recipient")


def decided_variations(filters: DecisionFilters) -> QuerySet[Variation]:
    rows = Variation.objects.standing(filters.cut_off).order_by("varied_on", "pk")
    return rows.select_related("funding_source__year", "allocation__recipient", "allocation__reverses")
