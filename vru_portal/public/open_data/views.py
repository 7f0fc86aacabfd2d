"""The pages about open data, and the files of each dataset."""

import json
from typing import IO, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from funding.datasets.published import LISTS_OF_A_YEAR, filters_of_year
from funding.datasets.threesixtygiving import publishing_body
from funding.models import FinancialYear
from funding.validators import parse_year_label
from partners.models import Unit
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.public.open_data.descriptions import (
    data_package,
    dcat_catalogue,
    describe,
    describe_all,
    schema_org,
    schema_org_columns,
)
from vru_portal.public.open_data.refusals import list_of, refusals
from vru_portal.public.open_data.tables import columns_of, dataset_table, file_name
from vru_portal.tabular.downloads import FORMATS, unknown_format, write_table
from vru_portal.web.file_responses import text_response
from vru_portal.web.limits import COSTLY_FILES, limit_filtered_file
from vru_portal.web.public_pages import public_page
from vru_portal.web.shared_files import file_state, shared_file_response
from vru_portal.web.structured_data import json_ld

FROM_ANYWHERE = {"Access-Control-Allow-Origin": "*"}  # what everybody may read, scripts of other sites may, too


@require_safe
@public_page
def catalogue(request: HttpRequest) -> HttpResponse:
    """All datasets, each with its files, licence, number of rows and last change."""
    unit, descriptions = Unit.objects.current(), describe_all()
    described = json_ld(
        "DataCatalog",
        name=f"Open data of {unit.name}",
        url=request.build_absolute_uri(),
        dataset=[{"@type": "Dataset", **schema_org(description)} for description in descriptions],
    )
    context = {"descriptions": descriptions, "grants_by": publishing_body(), "json_ld": described}
    return render(request, "open_data/index.html", context)


@require_safe
@public_page
def dataset(request: HttpRequest, name: str) -> HttpResponse:
    """One dataset with its columns; a 404 that lists the datasets where there is none of this name."""
    if name not in DATASETS:
        return render(request, "open_data/unknown.html", {"datasets": DATASETS.values()}, status=404)
    description = describe(name)
    parameters = description.dataset.filters(request.GET.__class__()).parameters
    context = {
        "description": description,
        "parameters": parameters.items(),
        "json_ld": json_ld("Dataset", **schema_org(description), variableMeasured=schema_org_columns(description)),
    }
    return render(request, "open_data/dataset.html", context)


@require_safe
@public_page
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """The Table Schema of a dataset."""
    if name not in DATASETS:
        return text_response(f"There is no dataset “{name[:60]}”. Use one of: {list_of(DATASETS)}.", 404)
    return json_response(describe(name).schema)


@require_safe
@public_page
def dcat(request: HttpRequest) -> HttpResponse:
    return json_response(dcat_catalogue(describe_all(), Unit.objects.current()), "application/ld+json")


@require_safe
@public_page
def package(request: HttpRequest) -> HttpResponse:
    return json_response(data_package(describe_all(), Unit.objects.current()))


def json_response(content: dict[str, Any], media_type: str = "application/json") -> HttpResponse:
    text = json.dumps(content, ensure_ascii=False)  # without `indent`, which Python's own encoder writes, not C's
    return HttpResponse(f"{text}\n", content_type=media_type, headers=FROM_ANYWHERE)


@require_safe
def download(request: HttpRequest, name: str, form: str) -> HttpResponseBase:
    """Send a dataset, filtered like its page, with all of its columns or those that ``columns`` names.

    What does not exist is answered with a list of what does.
    """
    if name not in DATASETS:
        if form in FORMATS:
            return text_response(f"There is no dataset “{name[:60]}”. Use one of: {list_of(DATASETS)}.", 404)
        raise Http404("There is no such file.")
    if form not in FORMATS:
        return unknown_format(form)
    state = file_state()
    found = DATASETS[name]
    filters = found.filters(request.GET)
    columns = [column.name for column in columns_of(found, Unit.objects.current())]
    chosen = [word for value in request.GET.getlist("columns")[:40] for word in value.split(",") if word]
    refused = refusals(filters)
    if unknown := [word for word in chosen if word not in columns]:
        refused["columns"] = f"There is no column “{unknown[0][:60]}”. Use one of: {list_of(columns)}."
    if refused:
        return text_response("\n".join(f"{parameter}: {text}" for parameter, text in refused.items()), 400)
    table, about = dataset_table(found, filters, chosen), (name, filters.data.urlencode(), sorted(set(chosen)))

    def make(file: IO[bytes]) -> None:
        limit_filtered_file(request, COSTLY_FILES)
        write_table(table, form, file)

    response = shared_file_response(request, file_name(found, filters, form), state, about, make)
    described_by = f'<{reverse("open_data:schema", args=[name])}>; rel="describedby"; type="application/json"'
    for header, value in {**FROM_ANYWHERE, "Link": described_by}.items():
        response.headers[header] = value
    return response


@require_safe
def download_of_year(request: HttpRequest, label: str, name: str, form: str) -> HttpResponseBase:
    """Send a list of a year, filtered like the page with the same query. With errors, a 400 that names them.

    What does not exist in a year is answered with a list of what does.
    """
    state = file_state()
    year = FinancialYear.objects.with_money().filter(first_year=parse_year_label(label) or 0).first()
    if year is None or (name not in LISTS_OF_A_YEAR and form not in FORMATS):
        raise Http404("There is no such list.")
    if name not in LISTS_OF_A_YEAR:
        return text_response(f"A year has no list “{name[:60]}”. Use one of: {list_of(LISTS_OF_A_YEAR)}.", 404)
    if form not in FORMATS:
        return unknown_format(form)
    found, filters = LISTS_OF_A_YEAR[name], filters_of_year(name, year, request.GET)
    if filters.errors:
        return text_response(" ".join(filters.errors.values()), 400)
    table = dataset_table(found, filters)

    def make(file: IO[bytes]) -> None:
        if name != "sources":  # a year has only a few of them
            limit_filtered_file(request, COSTLY_FILES)
        write_table(table, form, file)

    about = (label, name, filters.data.urlencode())
    return shared_file_response(request, file_name(found, filters, form), state, about, make)
