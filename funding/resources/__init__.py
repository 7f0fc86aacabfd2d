"""Imports of allocations, payments, financial years and budget headings."""

from funding.resources.allocations import AllocationResource
from funding.resources.headings import BudgetHeadingResource
from funding.resources.onward_grants import OnwardGrantResource
from funding.resources.payments import PaymentResource
from funding.resources.years import FinancialYearResource

__all__ = [
    "AllocationResource",
    "BudgetHeadingResource",
    "FinancialYearResource",
    "OnwardGrantResource",
    "PaymentResource",
]
