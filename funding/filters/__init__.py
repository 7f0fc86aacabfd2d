"""Filters of sources, allocations and payments, read from the query of an address. A page and its files share them."""

from funding.filters.money import AllocationFilters, MoneyFilters, SourceFilters
from funding.filters.payments import PaymentFilters, TotalsFilters
from funding.filters.steps import ConditionFilters, DecisionFilters, VariationFilters
from vru_portal.web.as_at import DAY_PARAMETERS, read_as_at

__all__ = [
    "DAY_PARAMETERS",
    "AllocationFilters",
    "ConditionFilters",
    "DecisionFilters",
    "MoneyFilters",
    "PaymentFilters",
    "SourceFilters",
    "TotalsFilters",
    "VariationFilters",
    "read_as_at",
]
