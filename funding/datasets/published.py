"""Every list of money that is published: those of a year, and of all years."""

from typing import Any

from django.http import QueryDict

from funding.datasets.budget import CONDITIONS, DECISIONS, HEADINGS, VARIATIONS
from funding.datasets.lists import ALLOCATIONS, PAYMENTS, SOURCES
from funding.datasets.totals import TOTALS
from funding.filters import MoneyFilters
from funding.models import FinancialYear
from vru_portal.tabular.datasets import Dataset

LISTS_OF_A_YEAR: dict[str, Dataset[Any]] = {
    dataset.name: dataset for dataset in (SOURCES, ALLOCATIONS, PAYMENTS, DECISIONS, VARIATIONS, CONDITIONS)
}
DATASETS: tuple[Dataset[Any], ...] = (*LISTS_OF_A_YEAR.values(), HEADINGS, TOTALS)


def filters_of_year(name: str, year: FinancialYear, data: QueryDict) -> MoneyFilters:
    """The filters of one of `LISTS_OF_A_YEAR`, as an address has them."""
    filters: Any = LISTS_OF_A_YEAR[name].filters  # made by `of_all_years`
    found: MoneyFilters = filters(data, year)
    return found
