from decimal import Decimal

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from funding.models import FinancialYear
from funding.validators import first_year_of
from programmes.models import PreventionLevel


def latest(request: HttpRequest) -> HttpResponse:
    """Lead to the latest year that has a source; where there is none, say so."""
    year = FinancialYear.objects.with_money().first()
    return redirect(year) if year else render(request, "funding/none.html")


def year(request: HttpRequest, label: str) -> HttpResponse:
    """A financial year: its sources, their sum, until when it may be spent, and what is not stated."""
    years = list(FinancialYear.objects.with_money().select_related("source"))
    found = next((year for year in years if year.first_year == first_year_of(label)), None)
    if found is None:
        raise Http404(f"No funding is recorded for {label[:20]}.")
    sources = list(found.sources.select_related("source").with_contributors())
    return render(
        request,
        "funding/year.html",
        {
            "year": found,
            "years": years,
            "sources": sources,
            "total": sum((source.amount for source in sources), Decimal(0)),
            "budget": found.budget(sources),
            "levels": list(PreventionLevel.objects.public().select_related("source").with_counts().with_initiatives()),
        },
    )
