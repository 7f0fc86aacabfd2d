"""Whether the conditions of a year's sources are met, missed or open on a day, with the arithmetic.

What counts towards a condition is what is allocated (less what was varied), what is paid, what others gave, or what was
claimed. `funding/reconcile/steps.py` works out the same in SQL of its own.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import QuerySet
from django.utils import timezone

from funding.accounts import AllocationBalance, SourceAccount, YearAccounts
from funding.choices import ConditionKind, ConditionState, CostKind
from funding.models import FinancialYear, Fulfilment, Payment, SourceCondition
from vru_portal.ledger.as_at import AsAt
from vru_portal.ledger.money import format_pounds, sum_of_pounds
from vru_portal.text.dates import format_date
from vru_portal.text.sums import PENNY
from vru_portal.web.prepared_queries import prepared

NOTHING = Decimal(0)


@dataclass(frozen=True)
class JudgedCondition:
    """A condition on a day: what it requires, what counts towards it, and whether that is enough."""

    condition: SourceCondition
    account: SourceAccount
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
        row = self.condition
        amount = share_text(row) if row.share is not None else format_pounds(row.sum or NOTHING)
        match row.kind:
            case ConditionKind.MATCH:
                return f"Match funding of {amount}"
            case ConditionKind.SPEND_BY:
                return f"To be spent by {format_date(self.last_day)}"
            case ConditionKind.CLAIM_BY:
                return f"To be claimed by {format_date(self.last_day)}"
        subject = row.heading or row.level or CostKind(row.cost_kind).label
        return f"{row.get_kind_display()} {amount} for {subject}"

    @property
    def arithmetic(self) -> str:
        """How the two sums were arrived at, and the difference between them."""
        row, verb = self.condition, COUNTED_AS[ConditionKind(self.condition.kind)]
        required = format_pounds(self.required)
        if row.share is not None:
            base = format_pounds(base_of(row, self.account))
            required = f"{row.share.normalize():f}% of {base} = {required}"
        elif row.kind in (ConditionKind.SPEND_BY, ConditionKind.CLAIM_BY):
            taken = [f" - {format_pounds(sum_)} {what}" for sum_, what in self.leaving if sum_]
            required = (
                f"{format_pounds(self.account.source.amount)}{''.join(taken)} = {required}" if taken else required
            )
        counted = format_pounds(self.counted) if self.counted else "nothing yet"
        return f"Required: {required}. {verb}: {counted}. {self.difference_text}"

    @property
    def leaving(self) -> list[tuple[Decimal, str]]:
        return [(self.account.carried, "carried forward"), (self.account.returned, "returned")]

    @property
    def difference_text(self) -> str:
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


def share_text(row: SourceCondition) -> str:
    of = CostKind(row.share_of).label.lower() if row.share_of else "the source"
    return f"{(row.share or NOTHING).normalize():f}% of {of}"


def base_of(row: SourceCondition, account: SourceAccount) -> Decimal:
    """What a share is a share of: the source less what was returned, or what is allocated to a kind of cost."""
    if row.share_of:
        return sum((each.allocated for each in account.balances if each.cost_kind == row.share_of), NOTHING)
    return account.source.amount - account.returned


def judged_conditions(accounts: YearAccounts) -> list[JudgedCondition]:
    """The conditions of the year's sources that stand as at the day of the accounts, by source."""
    rows = list(conditions_of(accounts.year, as_at=accounts.as_at))
    if not rows:
        return []
    done: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for condition, day, amount in fulfilments_of(accounts.year, as_at=accounts.as_at):
        done[condition].append((day, amount))
    paid: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    if any(row.kind == ConditionKind.SPEND_BY for row in rows):
        for source, day, amount in paid_by_day(accounts.year, as_at=accounts.as_at):
            paid[source].append((day, amount))
    by_source = {account.source.pk: account for account in accounts.sources}
    today = accounts.as_at.day or timezone.localdate()
    return [
        judge(
            row,
            by_source[row.funding_source_id],
            accounts.year,
            paid[row.funding_source_id] if row.kind == ConditionKind.SPEND_BY else done[row.pk],
            today,
        )
        for row in rows
        if row.funding_source_id in by_source
    ]


def judge(
    row: SourceCondition,
    account: SourceAccount,
    year: FinancialYear,
    dated: Iterable[tuple[date, Decimal]],
    today: date,
) -> JudgedCondition:
    """A condition judged. ``dated`` is what was paid, given or claimed on which day."""
    last_day = row.by_day or year.spend_by or year.ends_on
    if row.kind in (ConditionKind.SPEND_BY, ConditionKind.CLAIM_BY):
        required = account.source.amount - account.carried - account.returned
    else:
        required = required_sum(row, account)
    if row.kind in (ConditionKind.AT_LEAST, ConditionKind.AT_MOST):
        counted = sum((each.allocated for each in account.balances if counts(row, each)), NOTHING)
    else:
        counted = sum((amount for day, amount in dated if day <= last_day), NOTHING)
    return JudgedCondition(row, account, required, counted, last_day, today)


def required_sum(row: SourceCondition, account: SourceAccount) -> Decimal:
    """The sum, or the share in pounds to the penny; half a penny is rounded up."""
    if row.sum is not None:
        return row.sum
    return (base_of(row, account) * (row.share or NOTHING) / 100).quantize(PENNY, ROUND_HALF_UP)


def counts(row: SourceCondition, balance: AllocationBalance) -> bool:
    """Whether an allocation counts towards a condition for a heading, level or kind of cost."""
    if row.heading_id:
        return balance.heading == row.heading_id
    if row.level_id:
        return balance.level == row.level_id
    return balance.cost_kind == row.cost_kind


@prepared
def conditions_of(year: FinancialYear, *, as_at: AsAt) -> QuerySet[SourceCondition]:
    rows = SourceCondition.objects.standing(as_at).filter(funding_source__year=year)
    return rows.select_related("heading", "level", "source").order_by(
        "funding_source__position", "funding_source", "pk"
    )


@prepared
def fulfilments_of(year: FinancialYear, *, as_at: AsAt) -> QuerySet[Fulfilment, tuple[int, date, Decimal]]:
    rows = Fulfilment.objects.standing(as_at).filter(condition__funding_source__year=year).order_by()
    return rows.values_list("condition", "happened_on", "amount")


@prepared
def paid_by_day(year: FinancialYear, *, as_at: AsAt) -> QuerySet[Payment, tuple[int, date, Decimal]]:
    """What was paid of each source on each day, net of refunds and reversals."""
    rows = Payment.objects.counted(as_at).filter(allocation__funding_source__year=year).order_by()
    return rows.values_list("allocation__funding_source", "paid_on").annotate(total=sum_of_pounds("amount"))
