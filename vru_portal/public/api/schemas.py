"""The types of the API's answers, made from the columns of the datasets."""

from datetime import date
from functools import cache
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field, create_model

from vru_portal.public.open_data.tables import EXAMPLE_COLUMN
from vru_portal.tabular.datasets import Dataset
from vru_portal.tabular.writers import Column, Type

TYPES: dict[Type, Any] = {
    Type.TEXT: str,
    Type.ADDRESS: Annotated[str, Field(json_schema_extra={"format": "uri"})],
    Type.DATE: date,
    # As text: a binary fraction cannot hold pennies.
    Type.POUNDS: Annotated[str, Field(pattern=r"^-?\d+\.\d\d$")],
    Type.COUNT: int,
}


class Problem(Schema):
    """What is wrong with a request, and what there is instead."""

    title: str = Field(description="What is wrong, in one sentence", examples=["There is a problem with the filters."])
    errors: dict[str, str] = Field(
        default_factory=dict,
        description="What is wrong with each parameter",
        examples=[{"kind": "“gift” is not a valid value. Use one of: grant, contract."}],
    )
    available: list[str] = Field(
        default_factory=list, description="Valid alternatives", examples=[["/api/v1/initiatives/"]]
    )


class DatasetSummary(Schema):
    """A dataset that the API offers."""

    name: str
    title: str
    description: str
    count: int
    modified: str | None
    licence: str | None
    url: str
    page: str


class DatasetList(Schema):
    """All datasets."""

    datasets: list[DatasetSummary]


@cache
def row_type(dataset: Dataset[Any]) -> type[Schema]:
    """A row of a dataset. Cells that are not known are null."""
    fields: dict[str, Any] = {column.name: (cell_type(column), described(column)) for column in dataset.columns}
    # Only a demonstration has it.
    fields[EXAMPLE_COLUMN.name] = (str, Field(default="", description=EXAMPLE_COLUMN.about))
    name = "".join(word.capitalize() for word in dataset.name.split("-"))
    return create_model(f"{name}Row", __base__=Schema, __doc__=dataset.about, **fields)


def cell_type(column: Column[Any]) -> Any:
    return TYPES[column.type] | None


def described(column: Column[Any]) -> Any:
    return Field(..., title=column.heading, description=column.meaning)


@cache
def page_type(dataset: Dataset[Any]) -> type[Schema]:
    """A page of a dataset's rows."""
    row = row_type(dataset)
    fields: dict[str, Any] = {
        "title": (str, Field(description="The dataset")),
        "publisher": (str, Field(description="Who publishes it")),
        "licence": (str, Field(default="", description="The address of the licence, if one is stated")),
        "as_at": (date, Field(description="The date on which the rows were true")),
        "basis": (str, Field(default="", description="How the date is applied: now, as known, or as dated")),
        "currency": (str, Field(default="", description="Of the amounts, if there are any")),
        "count": (int, Field(ge=0, description="The number of rows on all pages")),
        **total_of(dataset),
        "page": (int, Field(ge=1, description="The number of this page")),
        "pages": (int, Field(ge=1, description="The number of pages")),
        "next": (str | None, Field(description="The address of the next page")),
        "previous": (str | None, Field(description="The address of the page before")),
        "rows": (list[row], Field(description="The rows of this page")),  # type: ignore[valid-type]
    }
    return create_model(row.__name__.replace("Row", "Page"), __base__=Schema, **fields)


def total_of(dataset: Dataset[Any]) -> dict[str, Any]:
    about = f"The sum of the column “{dataset.total_of}” on all pages"
    return {"total": (TYPES[Type.POUNDS], Field(description=about))} if dataset.total_of else {}
