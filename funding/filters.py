"""What can be asked of a year's allocations and payments, read from an address: the same for a page and its downloads.

What is asked wrongly (a day that is none, a kind that does not exist) is told in `errors`, and nothing is shown; a slug
that nothing has is a fair question that finds nothing.
"""

import re
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Count, Q, Sum
from django.http import QueryDict
from django.utils import timezone

from funding.accounts import Accounts, Entry, Sums
from funding.choices import Basis, DutyList, Kind
from funding.models import Allocation, FinancialYear, Payment, PublicationDuty
from funding.querysets import NOW, AllocationQuerySet, AsAt, PaymentQuerySet
from funding.rules import LIST_OF

KIND_OF = {name: kind for kind, name in LIST_OF.items()}
MOST_CHOICES = 50  # of one filter in one address: more than that is nobody's question
SLUG = re.compile(r"[-\w]{1,200}", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


def read_as_at(data: QueryDict) -> tuple[AsAt, dict[str, str]]:
    """Return the day and basis that an address asks for, and what is wrong with them."""
    errors = {}
    basis, typed = data.get("basis", "") or Basis.KNOWN, data.get("as_at", "").strip()
    if basis not in Basis.values:
        errors["basis"] = f"Choose “{Basis.KNOWN}” or “{Basis.DATED}”."
    day = day_of(typed) if typed else None
    if typed and day is None:
        errors["as_at"] = "This is no day. Write it as year, month and day, such as 2019-12-01."
    elif day and day > timezone.localdate():
        errors["as_at"] = "This day has not come yet. Choose today or a day before."
    return (NOW if errors or day is None else AsAt(day, Basis(basis))), errors


def day_of(typed: str) -> date | None:
    """Return the day that is written YYYY-MM-DD, or None."""
    if not DAY.fullmatch(typed):
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:  # 30 February
        return None


class Question:
    """What an address asks of a year's rows."""

    SLUGS: ClassVar[dict[str, str]]  # filters by a slug, and the field that has it
    DUTIES: ClassVar[tuple[DutyList, ...]]  # the lists of the publication duty that these rows can be
    FILTERS: ClassVar[tuple[str, ...]]  # every filter but the day, in the order of the form

    def __init__(self, year: FinancialYear, data: QueryDict, *, duty: PublicationDuty | None = None) -> None:
        """Read the address; ``duty`` saves a query where a list of the duty is asked for."""
        self.year, self.data = year, data
        self.as_at, self.errors = read_as_at(data)
        if duty:
            self.duty = duty
        if self.one("kind") and self.one("kind") not in Kind.values:
            self.errors["kind"] = "There is no such kind."
        if self.one("duty") and self.one("duty") not in self.DUTIES:
            self.errors["duty"] = "There is no such list."

    def chosen(self, name: str) -> list[str]:
        """Return the answers to one filter, each once."""
        return list(dict.fromkeys(value for value in self.data.getlist(name)[:MOST_CHOICES] if value))

    def one(self, name: str) -> str:
        """Return the answer to a filter that has one."""
        return self.data.get(name, "") or ""

    @property
    def is_filtered(self) -> bool:
        """Whether anything but a day is asked for."""
        return any(self.chosen(name) for name in self.FILTERS)

    @property
    def duty_list(self) -> DutyList | None:
        """The list of the publication duty that is asked for."""
        return DutyList(self.one("duty")) if self.one("duty") in self.DUTIES else None

    @cached_property
    def duty(self) -> PublicationDuty | None:
        """What this unit must publish."""
        return PublicationDuty.objects.first()

    def threshold(self, name: DutyList) -> Decimal | None:
        """Return the sum above which the duty lists something; None: everything is listed."""
        return getattr(self.duty, PublicationDuty.THRESHOLDS[name], None)

    def by_slugs(self) -> Q | None:
        """Return the condition of all filters by a slug; None where one asks only for what can be nobody's slug."""
        condition = Q()
        for name, field in self.SLUGS.items():
            if asked := self.chosen(name):
                slugs = [slug for slug in asked if SLUG.fullmatch(slug)]
                if not slugs:
                    return None
                condition &= Q(**{f"{field}__in": slugs})
        return condition


class AllocationQuestion(Question):
    """What an address asks of a year's allocations."""

    SLUGS = {
        "source": "funding_source__slug",
        "level": "initiative__level__slug",
        "initiative": "initiative__slug",
        "recipient": "recipient__slug",
    }
    DUTIES = (DutyList.GRANTS, DutyList.CONTRACTS)
    FILTERS = (*SLUGS, "kind", "duty")

    def __init__(
        self, year: FinancialYear, data: QueryDict, accounts: Accounts, *, duty: PublicationDuty | None = None
    ) -> None:
        """Read the address. ``accounts`` are the year's as at the day that it asks for: see `read_as_at`."""
        super().__init__(year, data, duty=duty)
        self.accounts = accounts

    @cached_property
    def rows(self) -> AllocationQuerySet:
        """The allocations, in the order of their days."""
        condition = None if self.errors else self.by_slugs()
        if condition is None:
            return Allocation.objects.none()
        rows = Allocation.objects.standing(self.as_at).filter(condition, funding_source__year=self.year)
        if kind := self.one("kind"):
            rows = rows.filter(kind=kind)
        if self.duty_list:
            rows = rows.above(KIND_OF[self.duty_list], self.threshold(self.duty_list), self.as_at)
        related = ("funding_source__year", "initiative__level", "recipient", "awarded_by")
        rows = rows.with_paid(self.as_at).with_approval().with_award(self.as_at).select_related(*related)
        return rows.order_by("awarded_on", "pk")

    @cached_property
    def entries(self) -> list[Entry]:
        """The entries of the same allocations in the accounts: their sums need no query."""
        if self.errors:
            return []
        slugs = {account.source.pk: account.source.slug for account in self.accounts.sources}
        found = []
        for entry in self.accounts.entries:
            has = {
                "source": slugs.get(entry.source, ""),
                "level": entry.level_slug,
                "initiative": entry.initiative_slug,
                "recipient": entry.recipient_slug,
            }
            asked = all(value in (self.chosen(name) or [value]) for name, value in has.items())
            if entry.allocated and asked and self.one("kind") in ("", entry.kind) and self.is_listed(entry):
                found.append(entry)
        return found

    def is_listed(self, entry: Entry) -> bool:
        """Return whether an allocation is in the list of the duty that is asked for, if any is."""
        if self.duty_list is None:
            return True
        return entry.is_listed(KIND_OF[self.duty_list], self.threshold(self.duty_list))

    @property
    def count(self) -> int:
        """How many allocations there are."""
        return len(self.entries)

    @property
    def total(self) -> Decimal:
        """What is allocated by them."""
        return Sums(self.entries).allocated

    @property
    def paid(self) -> Decimal:
        """What is paid on them."""
        return Sums(self.entries).paid


class PaymentQuestion(Question):
    """What an address asks of a year's payments: of the whole ledger, so that the total is the sum of the rows."""

    SLUGS = {
        "source": "allocation__funding_source__slug",
        "level": "allocation__initiative__level__slug",
        "initiative": "allocation__initiative__slug",
        "recipient": "payee__slug",
    }
    DUTIES = (DutyList.ITEMS,)
    FILTERS = (*SLUGS, "kind", "month", "duty", "exceptions")

    def __init__(self, year: FinancialYear, data: QueryDict, *, duty: PublicationDuty | None = None) -> None:
        """Read the address; see `Question`."""
        super().__init__(year, data, duty=duty)
        if self.one("month") and not MONTH.fullmatch(self.one("month")):
            self.errors["month"] = "This is no month. Write it as year and month, such as 2019-12."
        if self.one("exceptions") not in ("", "1"):
            self.errors["exceptions"] = "Write 1 for payments that are exceptions only."

    @cached_property
    def found(self) -> PaymentQuerySet:
        """The payments, with nothing but what is needed to find them."""
        condition = None if self.errors else self.by_slugs()
        if condition is None:
            return Payment.objects.none()
        rows = Payment.objects.counted(self.as_at).filter(condition, allocation__funding_source__year=self.year)
        if kind := self.one("kind"):
            rows = rows.filter(allocation__kind=kind)
        if month := self.one("month"):
            first = date.fromisoformat(f"{month}-01")
            rows = rows.filter(paid_on__year=first.year, paid_on__month=first.month)
        if self.duty_list:
            rows = rows.items(self.threshold(self.duty_list))
        if self.one("exceptions"):
            rows = rows.with_irregularities(self.as_at).irregular()
        return rows

    @cached_property
    def rows(self) -> PaymentQuerySet:
        """The payments, in the order of their days."""
        related = (
            "payee",
            "allocation__initiative__level",
            "allocation__recipient",
            "allocation__funding_source__year",
        )
        rows = self.found.with_irregularities(self.as_at).select_related(*related, "reverses", "reversed_by")
        return rows.prefetch_related("explanations").order_by("paid_on", "pk")

    @cached_property
    def sums(self) -> dict[str, Any]:
        """How many there are, and what they come to, in one query."""
        return self.found.aggregate(count=Count("pk"), total=Sum("amount"))

    @property
    def count(self) -> int:
        """How many payments there are."""
        return self.sums["count"] or 0

    @property
    def total(self) -> Decimal:
        """What they come to, refunds and reversals set against them."""
        return self.sums["total"] or Decimal(0)
