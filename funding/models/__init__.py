"""Money: what comes in, what goes out, and what must be published about it."""

from funding.models.allocations import Allocation, ContractCopy
from funding.models.conditions import Fulfilment, SourceCondition
from funding.models.decisions import Decision, Overcommitment
from funding.models.duty import DutyColumn, PublicationDuty
from funding.models.headings import BudgetHeading
from funding.models.onward_requests import OnwardMail, OnwardRequest, OnwardToken
from funding.models.payments import Explanation, Payment
from funding.models.regrants import OnwardGrant, Regranting
from funding.models.variations import Variation
from funding.models.years import Contributor, FinancialYear, FundingSource

__all__ = [
    "Allocation",
    "BudgetHeading",
    "ContractCopy",
    "Contributor",
    "Decision",
    "DutyColumn",
    "Explanation",
    "FinancialYear",
    "Fulfilment",
    "FundingSource",
    "OnwardGrant",
    "OnwardMail",
    "OnwardRequest",
    "OnwardToken",
    "Overcommitment",
    "Payment",
    "PublicationDuty",
    "Regranting",
    "SourceCondition",
    "Variation",
]
