"""Filters of sources, allocations and payments, read from the query of an address. A page and its files share them."""

from funding.filters.budget import ConditionFilters, DecisionFilters, VariationFilters
from funding.filters.money import AllocationFilters, MoneyFilters, SourceFilters
from funding.filters.payments import PaymentFilters, TotalsFilters

__all__ = [
    "AllocationFilters",
    "ConditionFilters",
    "DecisionFilters",
    "MoneyFilters",
    "PaymentFilters",
    "SourceFilters",
    "TotalsFilters",
    "VariationFilters",
]
