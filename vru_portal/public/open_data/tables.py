"""A dataset as a table, for a file or the API: the rows that its filters leave, with publisher, licence and date."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from django.utils import timezone

from funding.models import PublicationDuty
from partners.models import Unit
from vru_portal.ledger.cut_off import NOW, Basis
from vru_portal.tabular.datasets import Dataset
from vru_portal.tabular.writers import Column, Table

EXAMPLE_COLUMN = Column[Any]("example", "Whether this is example data", lambda row: "Example data")


def columns_of(dataset: Dataset[Any], unit: Unit) -> Sequence[Column[Any]]:
    """The columns that are published: of a demonstration, each row says that it is one."""
    return (*dataset.columns, EXAMPLE_COLUMN) if unit.is_example else dataset.columns


def licence_of(dataset: Dataset[Any], duty: PublicationDuty | None) -> tuple[str, str]:
    """The name and the address of the licence; both empty where the unit has stated none."""
    if duty is None or not (dataset.is_money or duty.licence_covers_all):
        return "", ""
    return duty.licence_name, duty.licence_url


def dataset_table(dataset: Dataset[Any], filters: Any, only: Collection[str] = ()) -> Table[Any]:
    """The table of these filters, with ``only`` some of the columns if any are named."""
    unit, duty = Unit.objects.current(), PublicationDuty.objects.first()
    columns = [column for column in columns_of(dataset, unit) if not only or column.name in only]
    year, cut_off = getattr(filters, "year", None), getattr(filters, "cut_off", NOW)
    title = f"{dataset.title} {year.label}" if year else dataset.title
    facts: dict[str, str | bool | None] = {
        "title": f"{'Example data: ' if unit.is_example else ''}{title}",
        "publisher": unit.name,
        "licence": licence_of(dataset, duty)[1],
        "financial_year": year.label if year else None,
        "as_at": (cut_off.day or timezone.localdate()).isoformat(),
        "basis": str(cut_off.basis.label) if cut_off.day else "now",
        "generated": timezone.now().isoformat(timespec="seconds"),
        "currency": "GBP" if dataset.is_money else None,
        "example": unit.is_example or None,
    }
    has_total = any(column.name == dataset.total_of for column in columns)
    return Table(facts, columns, dataset.rows(filters), total_of=dataset.total_of if has_total else "")


def file_name(dataset: Dataset[Any], filters: Any, form: str) -> str:
    """The name under which a browser saves a file."""
    year, cut_off = getattr(filters, "year", None), getattr(filters, "cut_off", NOW)
    example = "example-" if Unit.objects.current().is_example else ""
    day: date = cut_off.day or timezone.localdate()
    basis = "dated-by" if cut_off.day and cut_off.basis == Basis.DATED else "as-at"
    return f"{example}{dataset.name}{f'-{year.label}' if year else ''}-{basis}-{day}.{form}"
