"""Whether the conditions of a year's sources are met, missed or open on a day, with the arithmetic.

What counts towards a condition is what is allocated (less what was varied), what is paid (net of refunds), what others
gave, or what was claimed. `funding/reconcile/budget.py` works out the same in SQL of its own.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from funding.choices import ConditionKind, ConditionState, CostKind
from funding.models import FinancialYear, Fulfilment, Payment, SourceCondition
from funding.year_accounts import AllocationBalance, SourceAccount, YearAccounts
from vru_portal.ledger.cut_off import CutOff
from vru_portal.ledger.money import format_pounds, sum_of_pounds
from vru_portal.text.sums import PENNY
from vru_portal.web.prepared_queries import prepared

NOTHING = Decimal(0)


class PaidOnADay(NamedTuple):
    """What was paid of a source on a day, net of refunds and reversals, by what it was for."""

    source: int
    heading: int | None
    level: int | None
    heading_kind: str | None
    day: date
    amount: Decimal

    @property
    def cost_kind(self) -> str:
        return self.heading_kind or CostKind.INTERVENTIONS.value


@dataclass(frozen=True)
class JudgedCondition:
    """A condition on a day: what it requires, what counts towards it, and whether that is enough."""

    condition: SourceCondition
    account: SourceAccount
    base: Decimal  # what a share is a share of
    required: Decimal
    counted: Decimal
    last_day: date
    today: date

    @property
    def difference(self) -> Decimal:
        """What is missing; for at most, what is still allowed. Negative: beyond it."""
        return self.required - self.counted

    @property
    def state(self) -> ConditionState:
        over = self.today > self.last_day
        if self.condition.kind == ConditionKind.AT_MOST:
            if self.difference < 0:
                return ConditionState.MISSED
            return ConditionState.MET if over else ConditionState.OPEN
        if self.difference <= 0:
            return ConditionState.MET
        return ConditionState.MISSED if over else ConditionState.OPEN

    @property
    def what(self) -> str:
        """The condition in words."""
        return self.condition.in_words

    @property
    def counted_as(self) -> str:
        """What it is that counts."""
        if self.condition.counts_paid:
            return "Paid" if self.condition.kind == ConditionKind.AT_MOST else "Paid by then"
        return COUNTED_AS[ConditionKind(self.condition.kind)]

    @property
    def arithmetic(self) -> str:
        """How the two sums were arrived at, and the difference between them."""
        row = self.condition
        required = format_pounds(self.required)
        if row.share is not None:
            required = f"{row.share.normalize():f}% of {format_pounds(self.base)} = {required}"
        elif row.kind in (ConditionKind.SPEND_BY, ConditionKind.CLAIM_BY):
            taken = [f" − {format_pounds(sum_)} {what}" for sum_, what in self.leaving if sum_]
            required = (
                f"{format_pounds(self.account.source.amount)}{''.join(taken)} = {required}" if taken else required
            )
        counted = format_pounds(self.counted) if self.counted else "nothing yet"
        word = "Allowed" if self.condition.kind == ConditionKind.AT_MOST else "Required"
        return f"{word}: {required}. {self.counted_as}: {counted}. {self.difference_text}"

    @property
    def leaving(self) -> list[tuple[Decimal, str]]:
        return [(self.account.carried, "carried forward"), (self.account.returned, "returned")]

    @property
    def difference_text(self) -> str:
        if not self.difference:
            return "Exactly the limit." if self.condition.kind == ConditionKind.AT_MOST else "Exactly what is required."
        size = format_pounds(abs(self.difference))
        if self.condition.kind == ConditionKind.AT_MOST:
            return f"{size} too much." if self.difference < 0 else f"{size} below the limit."
        return f"{size} missing." if self.difference > 0 else f"{size} more than required."


COUNTED_AS = {
    ConditionKind.AT_LEAST: "Allocated",
    ConditionKind.AT_MOST: "Allocated",
    ConditionKind.MATCH: "Given by others",
    ConditionKind.SPEND_BY: "Paid by then",
    ConditionKind.CLAIM_BY: "Claimed by then",
}


def judged_conditions(accounts: YearAccounts) -> list[JudgedCondition]:
    """The conditions of the year's sources, not reversed as at the day of the accounts, by source."""
    rows = list(conditions_of(accounts.year, cut_off=accounts.cut_off))
    if not rows:
        return []
    done: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for condition, day, amount in fulfilments_of(accounts.year, cut_off=accounts.cut_off):
        done[condition].append((day, amount))
    paid: dict[int, list[PaidOnADay]] = defaultdict(list)
    if any(row.kind == ConditionKind.SPEND_BY or row.counts_paid for row in rows):
        for fields in paid_by_day(accounts.year, cut_off=accounts.cut_off):
            paid[fields[0]].append(PaidOnADay(*fields))
    by_source = {account.source.pk: account for account in accounts.sources}
    today = accounts.cut_off.day or timezone.localdate()
    return [
        judge(
            row,
            by_source[row.funding_source_id],
            accounts.year,
            paid[row.funding_source_id],
            done[row.pk],
            today,
        )
        for row in rows
        if row.funding_source_id in by_source
    ]


def judge(
    row: SourceCondition,
    account: SourceAccount,
    year: FinancialYear,
    paid: Sequence[PaidOnADay],
    done: Sequence[tuple[date, Decimal]],
    today: date,
) -> JudgedCondition:
    """A condition judged. ``done`` is what was given or claimed on which day."""
    last_day = row.by_day or year.spend_by or year.ends_on
    in_time = [each for each in paid if each.day <= last_day]
    base = account.source.amount - account.returned
    if row.kind in (ConditionKind.SPEND_BY, ConditionKind.CLAIM_BY):
        required = base - account.carried
        if row.kind == ConditionKind.SPEND_BY:
            done = [(each.day, each.amount) for each in in_time]
        counted = sum((amount for day, amount in done if day <= last_day), NOTHING)
        return JudgedCondition(row, account, base, required, counted, last_day, today)
    used: list[tuple[AllocationBalance | PaidOnADay, Decimal]] = [(each, each.allocated) for each in account.balances]
    if row.counts_paid:  # what was paid late is still too much, but does not make up for what was missing
        used = [(each, each.amount) for each in (paid if row.kind == ConditionKind.AT_MOST else in_time)]
    if row.share_of:
        base = sum((amount for each, amount in used if each.cost_kind == row.share_of), NOTHING)
    if row.kind == ConditionKind.MATCH:
        counted = sum((amount for day, amount in done if day <= last_day), NOTHING)
    else:
        counted = sum((amount for each, amount in used if counts(row, each)), NOTHING)
    return JudgedCondition(row, account, base, required_sum(row, base), counted, last_day, today)


def required_sum(row: SourceCondition, base: Decimal) -> Decimal:
    """The sum, or the share in pounds to the penny; half a penny is rounded up."""
    if row.sum is not None:
        return row.sum
    return (base * (row.share or NOTHING) / 100).quantize(PENNY, ROUND_HALF_UP)


def counts(row: SourceCondition, money: AllocationBalance | PaidOnADay) -> bool:
    """Whether money counts towards a condition for a heading, level or kind of cost."""
    if row.heading_id:
        return money.heading == row.heading_id
    if row.level_id:
        return money.level == row.level_id
    return money.cost_kind == row.cost_kind


@prepared
def conditions_of(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[SourceCondition]:
    rows = SourceCondition.objects.standing(cut_off).filter(funding_source__year=year)
    return rows.select_related("heading", "level", "source").order_by(
        "funding_source__position", "funding_source", "pk"
    )


@prepared
def fulfilments_of(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[Fulfilment, tuple[int, date, Decimal]]:
    rows = Fulfilment.objects.standing(cut_off).filter(condition__funding_source__year=year).order_by()
    return rows.values_list("condition", "happened_on", "amount")


@prepared
def paid_by_day(year: FinancialYear, *, cut_off: CutOff) -> QuerySet[Payment, tuple[Any, ...]]:
    """The fields of PaidOnADay, in their order."""
    rows = Payment.objects.counted(cut_off).filter(allocation__funding_source__year=year).order_by()
    of = "allocation__"
    return rows.values_list(
        *(f"{of}funding_source", f"{of}heading", f"{of}initiative__level", f"{of}heading__kind", "paid_on")
    ).annotate(total=sum_of_pounds("amount"))
