"""How much: money in, money out, and what must be published of it."""

from funding.models.duty import DutyColumn, PublicationDuty
from funding.models.ledger import Allocation, ContractCopy, Explanation, Payment
from funding.models.regrants import OnwardGrant, Regranting
from funding.models.years import Contributor, FinancialYear, FundingSource

__all__ = [
    "Allocation",
    "ContractCopy",
    "Contributor",
    "DutyColumn",
    "Explanation",
    "FinancialYear",
    "FundingSource",
    "OnwardGrant",
    "Payment",
    "PublicationDuty",
    "Regranting",
]
