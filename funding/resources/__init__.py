"""Imports of allocations, payments and financial years."""

from funding.resources.allocations import AllocationResource
from funding.resources.onward_grants import OnwardGrantResource
from funding.resources.payments import PaymentResource
from funding.resources.years import FinancialYearResource

__all__ = ["AllocationResource", "FinancialYearResource", "OnwardGrantResource", "PaymentResource"]
