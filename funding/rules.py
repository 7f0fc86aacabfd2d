from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import Sum

from funding.models import FinancialYear
from vru_portal.money import pounds


def check_budget(*, year: FinancialYear) -> None:
    """Hold the year's sources to the budget that was stated; raises ValidationError with both sums."""
    total = year.sources.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    if year.stated_total is not None and total != year.stated_total:
        raise ValidationError(
            f"The sources of {year} add up to {pounds(total)}, "
            f"the stated budget is {pounds(year.stated_total)}: correct one of them."
        )
