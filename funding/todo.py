from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.http import HttpRequest
from django.utils import timezone

from funding.accounts import Accounts, accounts_of
from funding.models import Allocation, FinancialYear, FundingSource, Payment, PublicationDuty
from funding.reconcile import omissions
from vru_portal.todo import Line, Way, counted, days, listed, long_day, sees, word

MOST_YEARS = 2  # with money left: each costs a question


def lines(request: HttpRequest) -> list[Line]:
    """Return what waits of the money."""
    sees_payments, sees_allocations = sees(request, Payment), sees(request, Allocation)
    said: list[Line] = []
    if sees_payments:
        said += counted(
            "Exceptions are not explained",
            "These payments are late, too much or otherwise irregular. The public sees them without a word from you.",
            word(request, "funding.add_explanation", "Explain"),
            listed(Payment, exceptions="unexplained"),
            Payment.objects.with_irregularities().irregular().filter(explanations=None).count(),
        )
    duty = PublicationDuty.objects.current() if sees_payments or sees_allocations else None
    if duty and sees_allocations:
        said += counted(
            "Contracts without a published copy",
            f"{duty} asks for a copy of each.",
            word(request, "funding.add_contractcopy", "Add the copies"),
            listed(Allocation, lacking="yes"),
            omissions.contracts_without_copy(duty).count(),
        )
    if duty and sees_payments:
        said += counted(
            "Payments do not say all that must be published",
            f"{duty} asks for more than is recorded. Reverse them, and record them anew.",
            "See which",
            listed(Payment, lacking="yes"),
            omissions.items_lacking(duty).count(),
        )
    return said


@dataclass(frozen=True)
class Money:
    """A financial year of which money is left."""

    accounts: Accounts
    today: date
    ways: tuple[Way, ...]

    @property
    def year(self) -> FinancialYear:
        """The year."""
        return self.accounts.year

    @property
    def spend_by(self) -> date:
        """The day by which it is to be spent: as stated, or the year's last."""
        return self.year.spend_by or self.year.ends_on

    @property
    def sentence(self) -> str:
        """How long is left."""
        left = (self.spend_by - self.today).days
        if left < 0:
            return f"is unspent, and had to be spent by {long_day(self.spend_by)}, {days(-left)} ago."
        return f"is unspent, and {days(left)} {'is' if left == 1 else 'are'} left until {long_day(self.spend_by)}."


def money(request: HttpRequest) -> Iterator[Money]:
    """Yield the latest years of which money is neither paid nor carried forward."""
    if not sees(request, FundingSource):
        return
    sources = FundingSource.objects.standing().with_remainder().with_paid().select_related("year")
    shown = 0
    for year, group in groupby(sources.order_by("-year__first_year", "position", "id"), lambda source: source.year):
        rows = list(group)
        if sum(row.amount - row.carried - row.paid for row in rows) <= 0 or shown == MOST_YEARS:
            continue
        shown += 1
        ways = [Way("Allocations", listed(Allocation, funding_source__year__id__exact=year.pk))]
        yield Money(accounts_of(year, rows), timezone.localdate(), tuple(ways if sees(request, Allocation) else ()))
