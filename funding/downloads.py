"""Lists and 360Giving files to download: the rows of the page beside which they are offered, streamed."""

from collections.abc import Sequence
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from funding import exports
from funding import giving as giving_files
from funding.accounts import accounts_of
from funding.filters import AllocationQuestion, PaymentQuestion, read_as_at
from funding.models import FinancialYear, FundingSource, PublicationDuty
from funding.validators import first_year_of
from partners.models import Organisation, Unit
from vru_portal.downloads import TYPES, headed, sent
from vru_portal.tables import Table


@require_safe
def download(request: HttpRequest, label: str, list: str, format: str) -> HttpResponseBase:
    """Send a list of a year, as the same question shows it on the page; a wrong question is a 400 that says why."""
    as_at, _ = read_as_at(request.GET)
    rows = FundingSource.objects.of_all_years(as_at).filter(year__first_year=first_year_of(label) or 0)
    sources = [*rows.with_contributors()]
    if not sources or list not in exports.LISTS or format not in TYPES:
        raise Http404("There is no such list.")
    year = sources[0].year
    table, errors = table_of(request, list, year, [source for source in sources if source.counts])
    if table is None:
        return plain(" ".join(errors.values()), 400)
    example = Unit.objects.current().is_example
    return sent(request, table, format, exports.file_name(list, year, as_at, format, example=example))


def table_of(
    request: HttpRequest, name: str, year: FinancialYear, sources: Sequence[FundingSource]
) -> tuple[Table[Any] | None, dict[str, str]]:
    """Return the list that is asked for, or what is wrong with the question."""
    if name == "payments":
        payments = PaymentQuestion(year, request.GET)
        return (None, payments.errors) if payments.errors else (exports.payments_table(payments), {})
    as_at, errors = read_as_at(request.GET)
    accounts = accounts_of(year, sources, as_at)
    if name == "sources":
        return (None, errors) if errors else (exports.sources_table(accounts), {})
    allocations = AllocationQuestion(year, request.GET, accounts)
    return (None, allocations.errors) if allocations.errors else (exports.allocations_table(allocations), {})


@require_safe
def giving(request: HttpRequest, slug: str, format: str) -> HttpResponseBase:
    """Send the 360Giving file of a funder; where there is none, say why."""
    if format not in ("json", "xlsx"):
        raise Http404("There is no such file.")
    funder = Organisation.objects.public().filter(slug=slug).first()
    duty = PublicationDuty.objects.select_related("awarding_body").first()
    awards = giving_files.awards_of(funder) if funder else None
    reason = giving_files.why_not(duty, any_awards=awards is not None and awards.exists())
    if reason or funder is None or awards is None or duty is None:
        return plain(reason or "", 404)
    package = giving_files.Package(funder, duty, Unit.objects.current())
    name = f"{'example-' if package.unit.is_example else ''}360giving-{slug}.{format}"
    if request.method == "HEAD":
        return headed(HttpResponse(), format, name)
    if format == "json":
        return headed(StreamingHttpResponse(package.json_parts()), format, name)
    return headed(FileResponse(package.xlsx_file()), format, name)


def plain(text: str, status: int) -> HttpResponse:
    """Say in a sentence why there is no file."""
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
