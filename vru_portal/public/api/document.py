"""The API's description in OpenAPI 3.1, with the values that parameters can have at this moment, and with examples."""

import json
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from partners.models import Unit
from vru_portal.public.api.endpoints import MAX_PER_PAGE, PER_PAGE, api, as_json
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.tabular.datasets import Dataset
from vru_portal.tabular.writers import Type, normalise_cell
from vru_portal.web.addresses import full_url
from vru_portal.web.filters import MAX_VALUES, Parameter
from vru_portal.web.public_pages import cached_per_content_version

EXAMPLES: dict[Type, Any] = {
    Type.TEXT: "Text",
    Type.ADDRESS: "https://portal.example.org/",
    Type.DATE: date(2031, 5, 6),
    Type.POUNDS: Decimal("1234.50"),
    Type.COUNT: 12,
}


@cache
def described_operations(root: str) -> str:
    """What does not change while the portal runs: the operations and the types of their answers."""
    return json.dumps(api.get_openapi_schema(path_prefix=root))


def openapi_document() -> dict[str, Any]:
    root = reverse("api:root")
    document: dict[str, Any] = json.loads(described_operations(root))
    unit = Unit.objects.current()
    document["info"]["title"] = f"Open data of {unit.name}"
    document["servers"] = [{"url": settings.PORTAL_URL}]
    document["externalDocs"] = {
        "url": full_url(reverse("open_data:catalogue")),
        "description": "The datasets and files",
    }
    for dataset in DATASETS.values():
        operation = document["paths"][f"{root}{dataset.name}/"]["get"]
        parameters = dataset.filters(QueryDict()).parameters
        described = (described_parameter(name, parameter) for name, parameter in parameters.items())
        operation["parameters"] = [*(one for one in described if one), *paging()]
        content = operation["responses"]["200"]["content"]["application/json"]
        content["example"] = example_of(dataset, unit)
    return document


def described_parameter(name: str, parameter: Parameter) -> dict[str, Any] | None:
    """A filter as a parameter of OpenAPI; None if no value of it exists at this moment."""
    value: dict[str, Any] = {"type": "string", "minLength": 1, **parameter.schema}
    if parameter.values:
        value = {"type": "string", "enum": list(parameter.values)}
    elif parameter.values is not None:
        return None
    schema = {"type": "array", "items": value, "maxItems": MAX_VALUES} if parameter.several else value
    return {"name": name, "in": "query", "required": False, "description": parameter.label, "schema": schema}


def paging() -> list[dict[str, Any]]:
    page = {"type": "integer", "minimum": 1, "maximum": 999_999, "default": 1}
    per_page = {"type": "integer", "minimum": 1, "maximum": MAX_PER_PAGE, "default": PER_PAGE}
    return [
        {"name": "page", "in": "query", "required": False, "description": "The number of the page", "schema": page},
        {"name": "per_page", "in": "query", "required": False, "description": "Rows on a page", "schema": per_page},
    ]


def example_row(dataset: Dataset[Any]) -> dict[str, Any]:
    """The first row that there is, or one that shows the types."""
    first = dataset.rows(dataset.filters(QueryDict())).some(0, 1)
    cells = [
        normalise_cell(column.read(next(iter(first)))) if first else EXAMPLES[column.type] for column in dataset.columns
    ]
    return {column.name: as_json(cell) for column, cell in zip(dataset.columns, cells, strict=True)}


def example_of(dataset: Dataset[Any], unit: Unit) -> dict[str, Any]:
    """A page of the dataset that holds one row."""
    row = cached_per_content_version(f"first row of dataset {dataset.name}", lambda: example_row(dataset))
    return {
        "title": dataset.title,
        "publisher": unit.name,
        "as_at": "2031-05-06",
        "basis": "now",
        "count": 1,
        **({"total": row[dataset.total_of]} if dataset.total_of else {}),
        "page": 1,
        "pages": 1,
        "next": None,
        "previous": None,
        "rows": [row],
    }
