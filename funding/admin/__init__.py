from funding.admin.allocations import AllocationAdmin, ContractCopyAdmin
from funding.admin.duty import PublicationDutyAdmin
from funding.admin.payments import ExplanationAdmin, PaymentAdmin
from funding.admin.regrants import OnwardGrantAdmin, RegrantingAdmin
from funding.admin.sources import FinancialYearAdmin, FundingSourceAdmin

__all__ = [
    "AllocationAdmin",
    "ContractCopyAdmin",
    "ExplanationAdmin",
    "FinancialYearAdmin",
    "FundingSourceAdmin",
    "OnwardGrantAdmin",
    "PaymentAdmin",
    "PublicationDutyAdmin",
    "RegrantingAdmin",
]
