"""Filters of sources, allocations and payments, read from the query of an address. A page and its files share them."""

from funding.filters.money import (
    DAY_PARAMETERS,
    AllocationFilters,
    MoneyFilters,
    SourceFilters,
    read_as_at,
)
from funding.filters.payments import PaymentFilters, TotalsFilters

__all__ = [
    "DAY_PARAMETERS",
    "AllocationFilters",
    "MoneyFilters",
    "PaymentFilters",
    "SourceFilters",
    "TotalsFilters",
    "read_as_at",
]
