"""Filters of a year's allocations and payments, read from the query of an address. A page and its downloads share them.

A value that cannot be right (an impossible date, an unknown kind) is reported in `errors`, and nothing is found. A slug
that no record has is valid: it finds nothing either, but without an error.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import ClassVar, TypeVar

from django.db.models import Q, QuerySet
from django.http import QueryDict

from funding.choices import DUTY_LIST_OF_KIND, AllocationKind, DutyList
from funding.filters.tally import (
    OF_HEADINGS,
    OF_INITIATIVES,
    TALLIED,
    WITHOUT_LEVEL,
    FacetChoice,
    PaymentGroup,
    Tally,
    named_choice,
)
from funding.models import Allocation, FinancialYear, FundingSource, PublicationDuty
from funding.querysets import AllocationQuerySet, SourceQuerySet
from funding.validators import parse_year_label
from funding.year_accounts import AllocationBalance, BalanceTotals, YearAccounts
from programmes.models import PreventionLevel
from vru_portal.web.cut_off import DAY_PARAMETERS, read_cut_off
from vru_portal.web.filters import Order, Parameter, SortedFilters, choice, slugs
from vru_portal.web.prepared_queries import prepared

Value = TypeVar("Value", date, Decimal)
KIND_OF_DUTY_LIST = {name: kind for kind, name in DUTY_LIST_OF_KIND.items()}


SLUG_PARAMETERS = {
    name: slugs(label)
    for name, label in {
        "source": "Source",
        "level": "Level of prevention",
        "initiative": "Initiative",
        "heading": "Budget heading",
        "recipient": "Recipient",
    }.items()
}
KIND = choice(
    "Kind", AllocationKind.values, error=f"Enter one of these as the kind: {', '.join(AllocationKind.values)}."
)


def year_parameter() -> Parameter:
    """The financial years that have money."""
    labels = [year.label for year in years_with_money()]
    return choice("Financial year", labels, error="Select only financial years from the list.", several=True)


@prepared
def years_with_money() -> QuerySet[FinancialYear]:
    return FinancialYear.objects.with_money().select_related("source")


def in_order(first: Value | None, last: Value | None) -> tuple[Value | None, Value | None]:
    """The ends of a range, whichever way round they were typed."""
    return (last, first) if first is not None and last is not None and last < first else (first, last)


def duty_parameter(lists: Sequence[DutyList]) -> Parameter:
    return choice("List", lists, error=f"Enter one of these as the list: {', '.join(lists)}.")


class MoneyFilters(SortedFilters):
    """What all filters of lists of money have in common. Subclasses say which parameters there are."""

    SLUG_FIELDS: ClassVar[Mapping[str, str]]  # the field that each parameter of slugs filters
    DUTY_LISTS: ClassVar[tuple[DutyList, ...]]  # the lists of the publication duty that these rows can be on
    PARAMETERS: ClassVar[Mapping[str, Parameter]]
    YEAR_FIELD: ClassVar[str]

    def __init__(self, year: FinancialYear | None, data: QueryDict, *, duty: PublicationDuty | None = None) -> None:
        """Filter the rows of one year or, without one, of those years that the address asks for: if it names none, all.

        ``duty`` saves a query if the address asks for a list of the duty and the caller has it already.
        """
        years = {} if year else {"year": year_parameter()}
        super().__init__(data, {**years, **self.PARAMETERS, **DAY_PARAMETERS})
        self.year = year
        self.cut_off, errors = read_cut_off(data)
        self.errors |= errors
        if duty:
            self.duty = duty

    @property
    def duty_list(self) -> DutyList | None:
        """The list of the publication duty to which the rows are limited, if any."""
        return next((DutyList(name) for name in self.valid.getlist("duty")), None)

    @cached_property
    def duty(self) -> PublicationDuty | None:
        return PublicationDuty.objects.first()

    def threshold(self, name: DutyList) -> Decimal | None:
        """The sum above which the duty lists something; None if it lists everything."""
        return getattr(self.duty, PublicationDuty.THRESHOLDS[name], None)

    @property
    def first_years(self) -> list[int]:
        """The years that are asked for, by the calendar year in which each begins; none for all years."""
        if self.year:
            return [self.year.first_year]
        return [first for label in self.valid.getlist("year") if (first := parse_year_label(label)) is not None]

    def slug_condition(self) -> Q | None:
        """The condition of the years and slugs asked for; None if a parameter holds only text that no slug can be."""
        condition = Q(**{f"{self.YEAR_FIELD}__first_year__in": years}) if (years := self.first_years) else Q()
        for name, field in self.SLUG_FIELDS.items():
            if self.values(name):
                slugs = self.valid.getlist(name)
                if not slugs:
                    return None
                condition &= Q(**{f"{field}__in": slugs})
        return condition


class SourceFilters(MoneyFilters):
    """Filters of the sources of money."""

    YEAR_FIELD = "year"
    SLUG_FIELDS = {"source": "slug"}
    PARAMETERS = {"source": SLUG_PARAMETERS["source"]}

    @property
    def rows(self) -> SourceQuerySet:
        condition = None if self.errors else self.slug_condition()
        if condition is None:
            return FundingSource.objects.none()
        return FundingSource.objects.standing(self.cut_off).filter(condition).order_by("year", "position", "id")


class AllocationFilters(MoneyFilters):
    """Filters of a year's allocations."""

    SLUG_FIELDS = {
        "source": "funding_source__slug",
        "level": "initiative__level__slug",
        "initiative": "initiative__slug",
        "heading": "heading__slug",
        "recipient": "recipient__slug",
    }
    YEAR_FIELD = "funding_source__year"
    DUTY_LISTS = (DutyList.GRANTS, DutyList.CONTRACTS)
    ORDERS = {
        "date": Order("By date", ("awarded_on", "pk")),
        "newest": Order("Newest first", ("-awarded_on", "-pk")),
        "largest": Order("Largest award first", ("-amount", "awarded_on", "pk")),
        "recipient": Order("By recipient", ("recipient__name", "awarded_on", "pk")),
    }
    PARAMETERS = {
        **SLUG_PARAMETERS,
        "kind": KIND,
        "duty": duty_parameter(DUTY_LISTS),
        "sort": choice("Sort", ORDERS, narrows=False),
    }

    def __init__(
        self,
        year: FinancialYear | None,
        data: QueryDict,
        accounts: YearAccounts | None = None,
        *,
        duty: PublicationDuty | None = None,
    ) -> None:
        """``accounts`` must be the year's as at the day that the address asks for: see `read_cut_off`."""
        super().__init__(year, data, duty=duty)
        self.accounts = accounts

    @cached_property
    def rows(self) -> AllocationQuerySet:
        """The allocations, in order."""
        condition = None if self.errors else self.slug_condition()
        if condition is None:
            return Allocation.objects.none()
        rows = Allocation.objects.standing(self.cut_off).filter(condition)
        if kind := self.value("kind"):
            rows = rows.filter(kind=kind)
        if self.duty_list:
            rows = rows.with_award_over(KIND_OF_DUTY_LIST[self.duty_list], self.threshold(self.duty_list), self.cut_off)
        return rows.order_by(*self.order)

    @cached_property
    def balances(self) -> list[AllocationBalance]:
        """The balances of the same allocations, picked from the accounts without a query, unless they are sorted.

        This repeats the conditions of `rows`; a test holds the two together.
        """
        if self.errors or self.accounts is None:
            return []
        source_slugs = {account.source.pk: account.source.slug for account in self.accounts.sources}
        found = []
        for balance in self.accounts.balances:
            slugs_of_balance = {
                "source": source_slugs.get(balance.source, ""),
                "level": balance.level_slug or "",
                "initiative": balance.initiative_slug or "",
                "heading": balance.heading_slug or "",
                "recipient": balance.recipient_slug,
            }
            matches = all(value in (self.values(name) or [value]) for name, value in slugs_of_balance.items())
            if (
                balance.awarded
                and matches
                and self.value("kind") in ("", balance.kind)
                and self._is_on_chosen_list(balance)
            ):
                found.append(balance)
        if self.sort != next(iter(self.ORDERS)):  # the accounts are in the first order
            places = {pk: place for place, pk in enumerate(self.rows.values_list("pk", flat=True))}
            found.sort(key=lambda balance: places.get(balance.pk, len(places)))  # one may just have been reversed
        return found

    def tally(self, levels: Iterable[PreventionLevel]) -> Tally:
        """The year's allocations by recipient, level, source and so on, counted for each value that can be chosen."""
        accounts = self.accounts
        if self.errors or accounts is None or self.year is None:
            return Tally([], {})
        year = FacetChoice(0, self.year.label, self.year.label)
        sources = {
            account.source.pk: FacetChoice(account.source.position, account.source.name, account.source.slug)
            for account in accounts.sources
        }
        of_level = {level.pk: FacetChoice(level.position, level.full_name, level.slug) for level in levels}
        kinds = {
            kind.value: FacetChoice(number, str(kind.label), kind.value) for number, kind in enumerate(AllocationKind)
        }
        groups = [
            PaymentGroup(
                1,
                balance.allocated,
                (
                    year,
                    sources.get(balance.source, FacetChoice(0, balance.source_name, "")),
                    of_level.get(balance.level or 0, FacetChoice(0, balance.level_slug, balance.level_slug))
                    if balance.level_slug
                    else WITHOUT_LEVEL,
                    named_choice(balance.initiative_name, balance.initiative_slug, otherwise=OF_HEADINGS),
                    named_choice(balance.heading_name, balance.heading_slug, otherwise=OF_INITIATIVES),
                    FacetChoice(balance.recipient_name.casefold(), balance.recipient_name, balance.recipient_slug),
                    kinds[balance.kind],
                ),
            )
            for balance in accounts.balances
            if balance.awarded and self._is_on_chosen_list(balance)
        ]
        return Tally(groups, {name: self.values(name) for name in TALLIED if name in self.parameters})

    def _is_on_chosen_list(self, balance: AllocationBalance) -> bool:
        """Whether an allocation is on the list of the duty to which the rows are limited, if any."""
        if self.duty_list is None:
            return True
        return balance.is_on_duty_list(KIND_OF_DUTY_LIST[self.duty_list], self.threshold(self.duty_list))

    @property
    def count(self) -> int:
        return len(self.balances)

    @property
    def total(self) -> Decimal:
        return BalanceTotals(self.balances).allocated

    @property
    def paid(self) -> Decimal:
        return BalanceTotals(self.balances).paid
