"""Downloads that are not datasets: the report on a year, and 360Giving files."""

from typing import IO

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from funding.datasets import threesixtygiving as giving_files
from funding.datasets.year_report import write_year_report
from funding.models import FinancialYear, PublicationDuty
from funding.validators import parse_year_label
from partners.models import Organisation, Unit
from vru_portal.tabular.downloads import unknown_format
from vru_portal.web.file_responses import text_response
from vru_portal.web.limits import COSTLY_FILES, limit_filtered_file
from vru_portal.web.shared_files import file_state, shared_file_response


@require_safe
def year_report(request: HttpRequest, label: str) -> HttpResponseBase:
    """Send the report on a year as a PDF."""
    state = file_state()
    years = FinancialYear.objects.with_money().select_related("source")
    year = get_object_or_404(years, first_year=parse_year_label(label) or 0)
    example = "example-" if Unit.objects.current().is_example else ""

    def make(file: IO[bytes]) -> None:
        limit_filtered_file(request, COSTLY_FILES)
        write_year_report(year, file)

    name = f"{example}funding-{year.label}.pdf"
    return shared_file_response(request, name, state, ("report", year.label), make, inline=True)


@require_safe
def grants_file(request: HttpRequest, slug: str, format: str) -> HttpResponseBase:
    """Send the 360Giving file of a funder, or say why there is none."""
    state = file_state()
    if format not in giving_files.FORMATS:
        return unknown_format(format, giving_files.FORMATS)
    funder = Organisation.objects.public().filter(slug=slug).first()
    duty = PublicationDuty.objects.select_related("awarding_body").first()
    awards = giving_files.grants_awarded_by(funder) if funder else None
    reason = giving_files.unavailable_reason(duty, any_awards=awards is not None and awards.exists())
    if reason or funder is None or awards is None or duty is None:
        return text_response(reason or "", 404)
    package = giving_files.GrantsFile(funder, duty, Unit.objects.current())
    name = f"{'example-' if package.unit.is_example else ''}360giving-{slug}.{format}"

    def make(file: IO[bytes]) -> None:
        limit_filtered_file(request, COSTLY_FILES)
        package.write(format, file)

    return shared_file_response(request, name, state, slug, make)
