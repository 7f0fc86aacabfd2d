from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.http import HttpRequest
from django.utils import timezone

from funding import missing_disclosures
from funding.models import Allocation, FinancialYear, FundingSource, OnwardRequest, Payment, PublicationDuty
from funding.year_accounts import YearAccounts, year_accounts
from vru_portal.links.choices import DraftState
from vru_portal.staff.admin_links import can_view, changelist_url
from vru_portal.staff.requests import late_requests
from vru_portal.staff.worklist import WorklistItem, WorklistLink, count_rows, item_unless_empty, link_label
from vru_portal.text.dates import format_date, format_days

MAX_UNSPENT_YEARS = 2  # each takes several queries


def worklist_items(request: HttpRequest) -> list[WorklistItem]:
    """What needs doing about money."""
    sees_payments, sees_allocations = can_view(request, Payment), can_view(request, Allocation)
    items: list[WorklistItem] = []
    if sees_payments:
        items += item_unless_empty(
            "Exceptions without an explanation",
            "These payments are late, too high or break another rule. The public sees them without an explanation.",
            link_label(request, "funding.add_explanation", "Explain"),
            changelist_url(Payment, exceptions="unexplained"),
            Payment.objects.with_irregularities().irregular().filter(explanations=None).count(),
        )
    duty = PublicationDuty.objects.current() if sees_payments or sees_allocations else None
    if duty and sees_allocations:
        items += item_unless_empty(
            "Contracts without a published copy",
            f"{duty} requires a copy of each to be published.",
            link_label(request, "funding.add_contractcopy", "Add the copies"),
            changelist_url(Allocation, lacking="yes"),
            missing_disclosures.contracts_without_copy(duty).count(),
        )
    if duty and sees_payments:
        items += item_unless_empty(
            "Payments with missing details",
            f"{duty} requires details that are missing. Reverse these payments, then record them again with the "
            "details.",
            "See which",
            changelist_url(Payment, lacking="yes"),
            missing_disclosures.incomplete_items(duty).count(),
        )
    return items + onward_items(request)


def onward_items(request: HttpRequest) -> list[WorklistItem]:
    """Requests for onward grants that somebody has to deal with."""
    if not can_view(request, OnwardRequest):
        return []
    rows = OnwardRequest.objects.still_asked()
    counts = count_rows(
        {
            "submitted": rows.filter(state=DraftState.SUBMITTED),
            "late": late_requests(rows),
            "refused": rows.filter(state=DraftState.REFUSED),
        }
    )
    return [
        *item_unless_empty(
            "Onward grants to check",
            "Recipients have sent them. They are public once you have approved them.",
            link_label(request, "funding.add_onwardgrant", "Read and approve"),
            changelist_url(OnwardRequest, state=DraftState.SUBMITTED),
            counts["submitted"],
        ),
        *item_unless_empty(
            "Onward grants that are late",
            "They were due, and can still be sent. Pages say how much is not reported. Phone the person we asked.",
            link_label(request, "funding.change_onwardrequest", "See which"),
            changelist_url(OnwardRequest, state="late"),
            counts["late"],
        ),
        *item_unless_empty(
            "Requests for onward grants that the mail server refused",
            "Send them again, to another email address.",
            link_label(request, "funding.change_onwardrequest", "Send again"),
            changelist_url(OnwardRequest, state=DraftState.REFUSED),
            counts["refused"],
            urgent=True,
        ),
    ]


@dataclass(frozen=True)
class UnspentYear:
    """A financial year with money left to spend."""

    accounts: YearAccounts
    today: date
    links: tuple[WorklistLink, ...]

    @property
    def year(self) -> FinancialYear:
        return self.accounts.year

    @property
    def spend_by(self) -> date:
        """The deadline: as stated, otherwise the last day of the year."""
        return self.year.spend_by or self.year.ends_on

    @property
    def sentence(self) -> str:
        left = (self.spend_by - self.today).days
        if left < 0:
            return f"has not been spent. The deadline was {format_date(self.spend_by)}, {format_days(-left)} ago."
        remain = "remains" if left == 1 else "remain"
        return f"is unspent, and {format_days(left)} {remain} until {format_date(self.spend_by)}."


def unspent_years(request: HttpRequest) -> Iterator[UnspentYear]:
    """Yield the latest years with money that is not paid, carried forward or returned."""
    if not can_view(request, FundingSource):
        return
    sources = FundingSource.objects.standing().with_remainder().with_paid().select_related("year")
    shown = 0
    for year, group in groupby(sources.order_by("-year__first_year", "position", "id"), lambda source: source.year):
        rows = list(group)
        if sum(row.amount - row.carried - row.returned - row.paid for row in rows) <= 0 or shown == MAX_UNSPENT_YEARS:
            continue
        shown += 1
        links = [WorklistLink("Allocations", changelist_url(Allocation, funding_source__year__id__exact=year.pk))]
        yield UnspentYear(
            year_accounts(year, rows), timezone.localdate(), tuple(links if can_view(request, Allocation) else ())
        )
