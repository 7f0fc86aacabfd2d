from collections.abc import Collection
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from partners.models import Unit
from programmes.results.documents import workbooks
from programmes.results.filters import BY, FigureFilters, ReturnFilters, not_reported, query_of_groups
from programmes.results.models import ApprovedReturn, Measure, Return
from programmes.results.presenters.figures import return_sentence
from programmes.results.quarters import Quarter
from programmes.results.totals import totals_by
from vru_portal.web.filters import QueryLink
from vru_portal.web.pagination import get_page_or_404
from vru_portal.web.public_pages import declare_parameters, public_page
from vru_portal.web.shared_files import file_state, shared_file_response

FIGURES_PER_PAGE = 50
MAX_LATE = 20  # on the page; the file of returns has all


@require_safe
@public_page
def results(request: HttpRequest) -> HttpResponse:
    """Results: totals, the figures behind them, and what was not reported."""
    filters = FigureFilters(request.GET)
    declare_parameters(request, filters.valid)
    rows = filters.rows.select_related("measure", "approved__initiative", "approved__organisation")
    totals = totals_by(filters) if filters.count else []
    largest = max((total.count for total in totals), default=0)
    page = get_page_or_404(request, rows, FIGURES_PER_PAGE, count=filters.count)
    # Which figures were asked for by an earlier day is not shown.
    returns = None if filters.cut_off.day else ReturnFilters(request.GET)
    late, late_count = late_returns(returns) if returns else ([], 0)
    here = reverse("results:results")
    return render(
        request,
        "results/results.html",
        {
            "filters": filters,
            "cut_off": filters.cut_off,
            "now_url": filters.link(as_at=[]),
            "by": dict(BY)[filters.by],
            "by_links": [
                QueryLink(label, filters.link(by=[value] if value != BY[0][0] else []), current=value == filters.by)
                for value, label in BY
            ],
            "totals": [(total, f"{100 * total.count / largest:.1f}" if largest else "0") for total in totals],
            "page": page,
            "late": [(row, return_sentence(row)) for row in late],
            "more_late": late_count - len(late),
            "query_of_groups": query_of_groups(filters),
            "query_of_returns": None if returns is None or returns.errors else returns.query,
            "years": [] if filters.cut_off.day else years_with_returns(),
            "any_measures": Measure.objects.are_in_use(),
            "form": filters.form("Show results", here),
        },
    )


def late_returns(filters: ReturnFilters) -> tuple[Collection[Return], int]:
    """The first of the matching returns that were due and were not reported, and how many there are."""
    if filters.errors or not Measure.objects.are_in_use():
        return [], 0
    rows = not_reported(filters.rows).select_related("initiative", "organisation")
    found = list(rows[: MAX_LATE + 1])
    return found[:MAX_LATE], rows.count() if len(found) > MAX_LATE else len(found)


def years_with_returns() -> list[str]:
    quarters = ApprovedReturn.objects.order_by("-quarter").values_list("quarter", flat=True).distinct()
    return list(dict.fromkeys(Quarter(day).year_label for day in quarters))


@require_safe
def workbook(request: HttpRequest, label: str) -> HttpResponseBase:
    """The approved returns of a financial year, in the columns of the grant's own form."""
    quarter = Quarter.from_slug(f"{label}-q1")
    if quarter is None or label not in years_with_returns():
        raise Http404(f"No figures are published for {label[:20]}.")
    state = file_state()
    example = "example-" if Unit.objects.current().is_example else ""
    make = partial(workbooks.write_workbook, quarter.first_year)
    return shared_file_response(request, f"{example}returns-{label}.xlsx", state, label, make)
