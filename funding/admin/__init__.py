from funding.admin.allocations import AllocationAdmin, ContractCopyAdmin
from funding.admin.conditions import FulfilmentAdmin, SourceConditionAdmin
from funding.admin.decisions import DecisionAdmin, OvercommitmentAdmin
from funding.admin.duty import PublicationDutyAdmin
from funding.admin.headings import BudgetHeadingAdmin
from funding.admin.onward_requests import OnwardMailAdmin, OnwardRequestAdmin
from funding.admin.payments import ExplanationAdmin, PaymentAdmin
from funding.admin.regrants import OnwardGrantAdmin, RegrantingAdmin
from funding.admin.sources import FinancialYearAdmin, FundingSourceAdmin
from funding.admin.variations import VariationAdmin

__all__ = [
    "AllocationAdmin",
    "BudgetHeadingAdmin",
    "ContractCopyAdmin",
    "DecisionAdmin",
    "ExplanationAdmin",
    "FinancialYearAdmin",
    "FulfilmentAdmin",
    "FundingSourceAdmin",
    "OnwardGrantAdmin",
    "OnwardMailAdmin",
    "OnwardRequestAdmin",
    "OvercommitmentAdmin",
    "PaymentAdmin",
    "PublicationDutyAdmin",
    "RegrantingAdmin",
    "SourceConditionAdmin",
    "VariationAdmin",
]
