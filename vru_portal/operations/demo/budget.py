"""The rest of an example budget: its headings, what happened to unspent money, and what its funder asks."""

from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from funding.choices import AllocationKind, ConditionKind, CostKind, VariationKind
from funding.models import (
    Allocation,
    BudgetHeading,
    Fulfilment,
    FundingSource,
    Overcommitment,
    SourceCondition,
    Variation,
)
from funding.rules import variations
from vru_portal.operations.demo.people import EXAMPLE, noon_of, random_public_id
from vru_portal.publishing.state import State
from vru_portal.text.sums import PENNY

if TYPE_CHECKING:
    from vru_portal.operations.demo.money import DemoMoney

# Name, kind of cost, kind of allocation, and the share of what is left of the source.
HEADINGS = (
    ("team", CostKind.STAFF, AllocationKind.OWN, Decimal("0.20")),
    ("evaluation", CostKind.EVALUATION, AllocationKind.CONTRACT, Decimal("0.10")),
    ("capacity of councils", CostKind.CAPACITY, AllocationKind.GRANT, Decimal("0.15")),
)


class DemoBudget:
    """Everything in an example year but initiatives and their payments. Nothing is dated in the future."""

    def __init__(self, money: "DemoMoney") -> None:
        self.money, self.people, self.year = money, money.people, money.year
        self.made_up: dict[str, Any] = {"source": self.people.publication, "as_at": money.start}

    def record_all(self, source: FundingSource, grants: list[Allocation]) -> None:
        self.state_conditions(source)
        self.over_commit(grants)
        allocations = self.allocate_to_headings(source)
        if not allocations:
            return
        self.vary(source, grants, allocations)

    def over_commit(self, grants: list[Allocation]) -> None:
        """Let a decision allow a share beyond the second largest source, and allocate a part of that."""
        day, sources = self.money.start + timedelta(days=25), sorted(self.money.sources, key=lambda one: -one.amount)
        grant = next((grant for grant in grants if grant.funding_source in sources[1:2]), None)
        if grant is None or day > self.money.today:
            return
        source, beyond = grant.funding_source, (grant.funding_source.amount / 50).quantize(PENNY, ROUND_DOWN)
        row = Overcommitment(
            funding_source=source,
            decision=self.money.decision(self.year, day),
            share=Decimal(5),
            allowed_on=day,
            recorded_at=noon_of(day),
        )
        variations.allow_overcommitment(by=self.people.officer, overcommitment=row)
        place = self.people.organisations.index(grant.recipient) + 1
        amount = self.money.remainder_of(source) + beyond
        self.money.allocate(source, grant.subject, amount, place, awarded_on=day, starts_on=day)

    def allocate_to_headings(self, source: FundingSource) -> list[Allocation]:
        """Allocate to each heading, and pay the team month by month."""
        left, day = self.money.remainder_of(source), self.money.start + timedelta(days=20)
        rows: list[Allocation] = []
        for position, (name, cost, kind, share) in enumerate(HEADINGS, start=1):
            amount = (left * share).quantize(PENNY, ROUND_DOWN)
            if day > self.money.today or not amount:
                return rows
            heading = BudgetHeading.objects.create(
                name=f"{EXAMPLE}{name}",
                slug=f"example-{name.replace(' ', '-')}",
                kind=cost,
                summary=f"{EXAMPLE}what the unit spends on its {name}.",
                position=position,
                state=State.PUBLISHED,
                **self.made_up,
            )
            purpose = f"{EXAMPLE}{name}."
            rows.append(
                self.money.allocate(source, heading, amount, position, kind=kind, awarded_on=day, purpose=purpose)
            )
        for month in (11, 12):
            self.money.pay(rows[0], date(self.year.first_year, month, 28), (rows[0].amount / 4).quantize(PENNY))
        return rows

    def vary(self, source: FundingSource, grants: list[Allocation], allocations: list[Allocation]) -> None:
        """Release, move, end and return: one of each, during the year."""
        year, capacity = self.year.first_year, allocations[-1]
        first, second, last = date(year + 1, 1, 15), date(year + 1, 2, 15), date(year + 1, 3, 15)
        if first <= self.money.today:
            self.step(VariationKind.RELEASE, grants[-1], first, self.share_of(grants[-1], 4), "two places closed early")
            into = Allocation(
                heading=capacity.heading,
                recipient=self.people.organisations[0],
                awarded_by=capacity.awarded_by,
                kind=capacity.kind,
                purpose=f"{EXAMPLE}another council takes part.",
                conditions=capacity.conditions,
                reasons=capacity.reasons,
                value_for_money=capacity.value_for_money,
                department=capacity.department,
                merchant_category=capacity.merchant_category,
            )
            self.step(
                VariationKind.MOVE, capacity, first, self.share_of(capacity, 2), "one council did not take part", into
            )
        if second <= self.money.today:
            self.step(VariationKind.END, capacity, second, None, "the work was done for less")
        if last <= self.money.today:
            returned = (self.money.remainder_of(source) / 5).quantize(PENNY, ROUND_DOWN)
            self.step(VariationKind.RETURN, None, last, returned, "it could not be spent in the year", source=source)

    def share_of(self, allocation: Allocation, parts: int) -> Decimal:
        """A part of what is not paid of an allocation."""
        found = Allocation.objects.with_paid().with_varied().get(pk=allocation.pk)
        return (found.still_to_pay / parts).quantize(PENNY, ROUND_DOWN)

    def step(
        self,
        kind: VariationKind,
        allocation: Allocation | None,
        day: date,
        amount: Decimal | None,
        why: str,
        into: Allocation | None = None,
        source: FundingSource | None = None,
    ) -> None:
        if amount is not None and amount <= 0:
            return
        row = Variation(
            public_id=random_public_id(self.money.dice),
            kind=kind,
            allocation=allocation,
            funding_source=allocation.funding_source if allocation else source,
            amount=amount,  # type: ignore[misc]  # of the end of an award, the rule works it out
            varied_on=day,
            decision=self.money.decision(self.year, day),
            reasons=f"{EXAMPLE}{why}.",
            recorded_at=noon_of(day),
        )
        if into is not None:
            into.public_id, into.recorded_at = random_public_id(self.money.dice), noon_of(day)
        variations.vary(by=self.people.officer, variation=row, into=into)

    def state_conditions(self, source: FundingSource) -> None:
        """What a funder may ask: shares for interventions, evaluation and staff, match funding, and two days."""
        wanted: tuple[dict[str, Any], ...] = (
            {"kind": ConditionKind.AT_LEAST, "share": Decimal(60), "cost_kind": CostKind.INTERVENTIONS},
            {
                "kind": ConditionKind.AT_LEAST,
                "share": Decimal(10),
                "share_of": CostKind.INTERVENTIONS,
                "cost_kind": CostKind.EVALUATION,
            },
            {"kind": ConditionKind.AT_MOST, "share": Decimal(10), "cost_kind": CostKind.STAFF},
            {"kind": ConditionKind.MATCH, "share": Decimal(5)},
            {"kind": ConditionKind.SPEND_BY, "by_day": self.year.spend_by or self.year.ends_on},
            {"kind": ConditionKind.CLAIM_BY, "by_day": self.year.ends_on + timedelta(days=30)},
        )
        for stated in wanted:
            row = SourceCondition(funding_source=source, wording=f"{EXAMPLE}a condition", **self.made_up, **stated)
            self.money.record(row, self.money.start, self.people.officer)
            day = self.money.start + timedelta(days=60)
            if row.kind == ConditionKind.MATCH and day <= self.money.today:
                gift = Fulfilment(
                    condition=row,
                    organisation=self.people.organisations[1],
                    amount=(source.amount / 40).quantize(PENNY, ROUND_DOWN),
                    happened_on=day,
                    **self.made_up,
                )
                self.money.record(gift, day, self.people.officer)
