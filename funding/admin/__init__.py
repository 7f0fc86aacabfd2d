from funding.admin.allocations import AllocationAdmin
from funding.admin.duty import PublicationDutyAdmin
from funding.admin.payments import PaymentAdmin
from funding.admin.sources import FinancialYearAdmin, FundingSourceAdmin

__all__ = ["AllocationAdmin", "FinancialYearAdmin", "FundingSourceAdmin", "PaymentAdmin", "PublicationDutyAdmin"]
