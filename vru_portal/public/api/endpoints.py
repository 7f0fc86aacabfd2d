"""The API's operations: one for each dataset, and a list of them."""

import re
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from ninja import NinjaAPI, Status

from vru_portal.public.api.schemas import DatasetList, Problem, page_type
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.public.open_data.descriptions import describe_all
from vru_portal.public.open_data.refusals import refusals
from vru_portal.public.open_data.tables import dataset_table
from vru_portal.tabular.datasets import Dataset
from vru_portal.tabular.writers import PENNY
from vru_portal.text.dates import parse_iso_date
from vru_portal.web.addresses import full_url
from vru_portal.web.filters import DATE_ERROR, MAX_LENGTH, MAX_VALUES, Filters
from vru_portal.web.limits import COSTLY_PAGES, TooMany, limit_costly_request
from vru_portal.web.public_pages import declare_parameters

PER_PAGE, MAX_PER_PAGE = 50, 200
WHOLE_NUMBER = re.compile(r"[1-9]\d{0,5}", re.ASCII)
PROBLEM = "There is a problem with the parameters."
FREE_TEXT = ("q", "reference")  # whose spaces do no harm
PAGING = ("page", "per_page")

api = NinjaAPI(
    title="Open data",
    version="1",
    description="The same rows as the open data files, in the same order, in pages. Read-only, and no key needed. "
    "Amounts are text, so that no program rounds them.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api-operations",
)


def list_rows(dataset: Dataset[Any]) -> Callable[[HttpRequest], Any]:
    """The operation that lists a dataset."""

    def operation(request: HttpRequest) -> Any:
        """The requested page of rows, or what is wrong with the request."""
        filters = dataset.filters(request.GET)
        problems = problems_of(request.GET, filters)
        if problems:
            # What is not wrong, only not there yet.
            not_yet = set(problems) == {"as_at"} and parse_iso_date(filters.value("as_at"))
            title = "There are no figures for a future date." if not_yet else PROBLEM
            return Status(404 if not_yet else 400, {"title": title, "errors": problems})
        if filters.value("exceptions"):  # each row's are worked out again
            limit_costly_request(request, COSTLY_PAGES)
        number, per_page = int(request.GET.get("page", 1)), int(request.GET.get("per_page", PER_PAGE))
        declare_parameters(request, filters.valid)
        declare_parameters(request, [(name, request.GET[name]) for name in PAGING if name in request.GET])
        rows = dataset.rows(filters)
        count = rows.count
        pages = max(1, ceil(count / per_page))
        if number > pages:
            last = address_of(request, filters, per_page, pages)
            return Status(404, {"title": f"There is no page {number}. The last one is {pages}.", "available": [last]})
        table = dataset_table(dataset, filters)
        some = rows.some((number - 1) * per_page, number * per_page)
        names = [column.name for column in table.columns]
        facts = {name: table.facts[name] for name in ("title", "publisher", "licence", "as_at", "basis", "currency")}
        total = rows.total
        return {
            **{name: fact for name, fact in facts.items() if fact},
            "count": count,
            **({} if total is None else {"total": str(total.quantize(PENNY))}),
            "page": number,
            "pages": pages,
            "next": address_of(request, filters, per_page, number + 1) if number < pages else None,
            "previous": address_of(request, filters, per_page, number - 1) if number > 1 else None,
            "rows": [
                {name: as_json(cell) for name, cell in zip(names, cells, strict=True)}
                for cells in replace(table, rows=some).cells()
            ],
        }

    return operation


def as_json(cell: Any) -> Any:
    """A cell as the JSON files have it."""
    return cell if cell is None or isinstance(cell, str | int) else str(cell)


def problems_of(query: QueryDict, filters: Filters) -> dict[str, str]:
    """What is wrong with each parameter. A script has no use for an answer to another question than it has asked."""
    known = {*filters.parameters, *PAGING}
    found = refusals(filters, [name for name in query if name not in known])
    for name, parameter in filters.parameters.items():
        values = query.getlist(name)
        if parameter.schema.get("format") == "date" and any(parse_iso_date(value) is None for value in values):
            found[name] = DATE_ERROR  # pages also take days as people write them; the API keeps to its description
        if len(values) > (MAX_VALUES if parameter.several else 1):
            found[name] = f"Give at most {MAX_VALUES} values." if parameter.several else "Give one value."
        elif not all(values) or (name not in FREE_TEXT and any(value.strip() != value for value in values)):
            found[name] = "Remove empty values and surrounding spaces."
        elif max(map(len, values), default=0) > MAX_LENGTH:
            found[name] = f"Give at most {MAX_LENGTH} characters."
    limits = {"page": 999_999, "per_page": MAX_PER_PAGE}
    for name, most in limits.items():
        values = query.getlist(name)
        if values and not (len(values) == 1 and WHOLE_NUMBER.fullmatch(values[0]) and int(values[0]) <= most):
            found[name] = f"Enter a whole number from 1 to {most}."
    return found


def address_of(request: HttpRequest, filters: Filters, per_page: int, number: int) -> str:
    """The address of another page of the same answer."""
    query = f"{filters.prefix()}page={number}"
    return full_url(f"{request.path}?{query}" + ("" if per_page == PER_PAGE else f"&per_page={per_page}"))


@api.get("datasets/", response={200: DatasetList, 400: Problem}, operation_id="datasets", summary="All datasets")
def list_datasets(request: HttpRequest) -> Any:
    """The datasets, each with its number of rows and the address at which the API lists it."""
    if request.GET:
        return Status(400, {"title": "This list takes no parameters."})
    return {
        "datasets": [
            {
                "name": description.dataset.name,
                "title": description.title,
                "description": description.dataset.about,
                "count": description.count,
                "modified": timezone.localtime(changed).isoformat(timespec="seconds")
                if (changed := description.changed)
                else None,
                "licence": description.licence_url or None,
                "url": full_url(description.api),
                "page": description.identifier,
            }
            for description in describe_all()
        ]
    }


for _dataset in DATASETS.values():
    api.get(
        f"{_dataset.name}/",
        response={200: page_type(_dataset), 400: Problem, 404: Problem, 429: Problem},
        operation_id=_dataset.name.replace("-", "_"),
        summary=_dataset.title,
        description=_dataset.about,
        exclude_unset=True,
    )(list_rows(_dataset))


@api.exception_handler(TooMany)
def refuse(request: HttpRequest, error: TooMany) -> HttpResponse:
    title = f"You have asked for this too often. Try again in {error.minutes} minutes."
    response = api.create_response(request, {"title": title, "errors": {}, "available": []}, status=429)
    response["Retry-After"] = str(error.seconds)
    return response


def not_found(request: HttpRequest) -> HttpResponse:
    """What the API answers for an address that does not exist."""
    title = "There is no such address. These are the datasets."
    available = [full_url(reverse("api:list", args=[name])) for name in DATASETS]
    return api.create_response(request, {"title": title, "errors": {}, "available": available}, status=404)
