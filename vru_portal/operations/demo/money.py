"""A year of example money, through the real rules: assessed, allocated, paid, corrected, carried forward."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from funding.choices import AllocationKind, RegrantType
from funding.models import (
    Allocation,
    BudgetHeading,
    ContractCopy,
    Decision,
    Explanation,
    FinancialYear,
    FundingSource,
    OnwardGrant,
    Payment,
    Regranting,
)
from funding.rules import allocations, payments, sources, variations
from programmes.choices import Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment, Initiative, ToolkitApproach
from vru_portal.ledger.append_only.recording import record
from vru_portal.ledger.money import format_pounds
from vru_portal.operations.demo.budget import DemoBudget
from vru_portal.operations.demo.people import EXAMPLE, DemoPeople, noon_of, random_public_id
from vru_portal.publishing.addresses import slug_of
from vru_portal.publishing.state import State
from vru_portal.text.dates import format_date, format_month
from vru_portal.text.sums import PENNY

SHARE_ALLOCATED = Decimal("0.80")
WEIGHTS = (42, 70, 47, 45, 60, 16, 54)
ASSESSMENT = {
    "evidence": f"{EXAMPLE}records of schools, surgeries and the police over three years were compared.",
    "need": f"{EXAMPLE}in two districts, twice as many young people are hurt as elsewhere.",
    "expected_effect": f"{EXAMPLE}a tenth fewer injuries within a year, measured at the same places.",
    "community_asked": f"{EXAMPLE}forty young people and twelve parents, in four evening meetings.",
    "community_said": f"{EXAMPLE}the way home is where they feel unsafe, and they want adults they know.",
    "community_changed": f"{EXAMPLE}the work begins after school instead of in lessons.",
}
NOBODY_ASKED = {
    **dict.fromkeys(("community_asked", "community_said", "community_changed"), ""),
    "not_asked_because": f"{EXAMPLE}the same young people had been asked two months before.",
}
# What the recipient of a grant awards on: the share, and to whom. A quarter of the grant stays unreported.
ONWARD = (
    (Decimal("0.30"), "neighbourhood club"),
    (Decimal("0.25"), "boxing gym"),
    (Decimal("0.20"), "parents' group"),
)
# Each toolkit has a scale of its own.
APPROACHES = (
    {"title": "mentoring", "toolkit": "first toolkit", "impact": "High", "evidence": "4 out of 5", "cost": "££"},
    {"title": "after-school clubs", "toolkit": "first toolkit", "impact": "Moderate", "evidence": "2 out of 5"},
    {"title": "street outreach", "toolkit": "second toolkit", "impact": "Promising", "cost": "Low"},
)
ALLOCATION_TEXTS = {
    "conditions": f"{EXAMPLE}a report every three months; what is not spent is paid back.",
    "reasons": f"{EXAMPLE}it reached the most people for its cost of all that were looked at.",
    "value_for_money": f"{EXAMPLE}the lowest of three quotes that met the need.",
    "department": f"{EXAMPLE}prevention",
    "merchant_category": f"{EXAMPLE}training and support",
}


def round_as_awarded(amount: Decimal) -> Decimal:
    """Round down as people award sums: to whole thousands from £10,000 on, to the penny below."""
    return amount.quantize(PENNY, ROUND_DOWN) if amount < 10_000 else amount // 1000 * 1000


@dataclass
class DemoMoney:
    """What happens to the money of one financial year. Nothing is recorded for a day that is still to come."""

    people: DemoPeople
    year: FinancialYear
    sources: list[FundingSource]
    start: date
    today: date
    dice: random.Random = field(default_factory=lambda: random.Random(2011))  # noqa: S311 - the same each time
    payments: int = 0
    decisions: dict[tuple[int, date], Decision] = field(default_factory=dict)

    def record_all(self) -> None:
        funded = self.assess(list(Initiative.objects.public().order_by("level__position", "position", "name")))
        if not funded or not self.sources or self.start + timedelta(days=14) > self.today:
            return
        largest = max(self.sources, key=lambda source: source.amount)
        grants = [grant for source in self.sources for grant in self.allocate_source(source, source == largest, funded)]
        for grant in grants:
            self.pay_monthly(grant, first=grant == grants[0], unpaid=funded[3:4] == [grant.initiative])
        for grant in grants[1:2]:
            self.award_on(grant)
        self.correct_allocation(largest, funded[0])
        self.make_contracts(largest, funded[0])
        DemoBudget(self).record_all(largest, grants)
        self.carry_forward(largest, funded[1 if len(funded) > 1 else 0])

    def assess(self, initiatives: list[Initiative]) -> list[Initiative]:
        """Assess every initiative, and return those that money goes to.

        The last initiative of each level with several gets none: the first of these is still to be decided on, the
        second is declined, the others are approved and have no allocation yet.
        """
        levels = defaultdict(list)
        for initiative in initiatives:
            levels[initiative.level_id].append(initiative)
        unfunded = [rows[-1] for rows in levels.values() if len(rows) > 1]
        approaches = [*self.approaches(), None] if initiatives else []
        for number, initiative in enumerate(initiatives):
            place = unfunded.index(initiative) if initiative in unfunded else None
            row = EvidenceAssessment(initiative=initiative, author=self.people.author, **ASSESSMENT)
            row.approach = approaches[number % len(approaches)]
            if number == 1:
                for name, text in NOBODY_ASKED.items():
                    setattr(row, name, text)
            self.record(row, self.start, self.people.author)
            if place != 0:
                outcome = Outcome.DECLINED if place == 1 else Outcome.APPROVED
                reasons = f"{EXAMPLE}the evidence is {'too thin' if place == 1 else 'sound, and the need is plain'}."
                day = self.start + timedelta(days=7)
                decision = AssessmentDecision(assessment=row, outcome=outcome, reasons=reasons, decided_on=day)
                if day <= self.today:
                    self.record(decision, day, self.people.approver)
        return [initiative for initiative in initiatives if initiative not in unfunded]

    def approaches(self) -> list[ToolkitApproach]:
        """Record what made-up toolkits say about approaches, as read on the first day."""
        return [
            ToolkitApproach.objects.create(
                **stated | {name: f"{EXAMPLE}{stated[name]}" for name in ("title", "toolkit")},
                slug=f"example-{slug_of(stated['title'])}",
                url="https://example.org/toolkit",
                read_on=self.start,
                state=State.PUBLISHED,
            )
            for stated in APPROACHES
        ]

    def allocate_source(self, source: FundingSource, is_largest: bool, funded: list[Initiative]) -> list[Allocation]:
        """Allocate most of a source: the largest to all initiatives, any other to three of them."""
        first = self.sources.index(source)
        chosen = range(len(funded)) if is_largest else {(first + i) % len(funded) for i in range(3)}
        weights = {number: WEIGHTS[number % len(WEIGHTS)] for number in chosen}
        grants = []
        for number, weight in weights.items():
            amount = round_as_awarded(source.amount * SHARE_ALLOCATED * weight / sum(weights.values()))
            dates: dict[str, date] = {}
            if number != 3:  # the fourth states no start date
                dates["starts_on"] = self.start + timedelta(days=14)
            if number == 2:  # the third has ended
                dates["ends_on"] = self.year.ends_on
            if amount:
                grants.append(self.allocate(source, funded[number], amount, number, **dates))
        return grants

    def decision(self, year: FinancialYear, day: date) -> Decision:
        """The decision of a day about the money of a year, recorded on that day."""
        if (year.pk, day) not in self.decisions:
            row = Decision(
                year=year,
                reference=f"EXAMPLE {len(self.decisions) + 1:02}",
                decided_on=day,
                decided_by=self.people.chair,
                title=f"{EXAMPLE}money of {year}, decided on {format_date(day)}",
                reasons=f"{EXAMPLE}the board agreed with what its officers advised.",
                notice_url=f"https://example.org/decisions/{len(self.decisions) + 1}",
                recorded_at=noon_of(day),
            )
            self.decisions[year.pk, day] = variations.decide(by=self.people.officer, decision=row)
        return self.decisions[year.pk, day]

    def allocate(
        self, source: FundingSource, subject: Initiative | BudgetHeading, amount: Decimal, number: int, **stated: Any
    ) -> Allocation:
        """Allocate through the rules. Where no day is stated, it is just after the assessment was approved.

        ``number`` chooses the recipient; ``recorded_on`` is the day it was recorded, where that is not the day itself.
        """
        day = stated.pop("awarded_on", self.start + timedelta(days=12))
        recorded_on = stated.pop("recorded_on", day)
        row = Allocation(
            public_id=random_public_id(self.dice),
            funding_source=source,
            decision=self.decision(source.year, day),
            **{"initiative" if isinstance(subject, Initiative) else "heading": subject},
            recipient=self.people.organisations[number % len(self.people.organisations)],
            awarded_by=self.people.awarding_organisation,
            amount=amount,
            awarded_on=day,
            recorded_at=noon_of(recorded_on),
            **{"purpose": f"{EXAMPLE}staff, rooms and materials.", **ALLOCATION_TEXTS, **stated},
        )
        return allocations.allocate(by=self.people.officer, allocation=row)

    def pay(self, allocation: Allocation, day: date, amount: Decimal, **stated: Any) -> Payment | None:
        """Pay through the rules; None where the day is still to come."""
        recorded_on = stated.pop("recorded_on", day)
        if max(day, recorded_on) > self.today or not amount:
            return None
        self.payments += 1
        row = Payment(
            reference=f"EXAMPLE-{self.payments:05}",
            allocation=allocation,
            paid_on=day,
            amount=amount,
            recorded_at=noon_of(recorded_on),
            **{"purpose": f"{EXAMPLE}instalment of {format_month(day)}.", **stated},
        )
        return payments.pay(by=self.people.officer, payment=row)

    def pay_monthly(self, grant: Allocation, *, first: bool, unpaid: bool) -> None:
        """Pay an eighth of a grant each month to March. The first also has a corrected instalment and a refund."""
        amount = (grant.amount / 8).quantize(PENNY, ROUND_DOWN)
        year = self.year.first_year
        months = [date(year, month, 20) for month in (10, 11, 12)] + [date(year + 1, month, 20) for month in (1, 2, 3)]
        for day in [] if unpaid else [day for day in months if day >= grant.awarded_on]:
            if first and day.month == 12:
                self.correct_payment(grant, day, amount)
            else:
                self.pay(grant, day, amount)
        if first:
            refund = -(amount / 10).quantize(PENNY, ROUND_DOWN)
            self.pay(grant, date(year + 1, 2, 26), refund, purpose=f"{EXAMPLE}rent paid back.")

    def award_on(self, grant: Allocation) -> None:
        """Have the recipient of a grant award most of it on to three others, and report that."""
        day = self.start + timedelta(days=60)
        if day > self.today:
            return
        self.record(
            Regranting(allocation=grant, regrant_type=RegrantType.COMMON), grant.awarded_on, self.people.officer
        )
        for number, (share, name) in enumerate(ONWARD, 1):
            row = OnwardGrant(
                reference=f"EXAMPLE-ONWARD-{number}",
                allocation=grant,
                recipient_name=f"{EXAMPLE}{name}",
                amount=round_as_awarded(grant.amount * share),
                awarded_on=day,
                reported_on=day,
                title=f"{EXAMPLE}clubs after school",
            )
            if row.amount:
                self.record(row, day, self.people.officer)

    def correct_payment(self, grant: Allocation, day: date, amount: Decimal) -> None:
        """Record an instalment at twice its amount, reverse it a month later, and record what was really paid."""
        found = day + timedelta(days=33)
        wrong = self.pay(grant, day, amount * 2)
        if wrong and found <= self.today:
            self.reverse(wrong, found, f"{EXAMPLE}two instalments were recorded as one.")
            self.pay(grant, day, amount, recorded_on=found)

    def correct_allocation(self, source: FundingSource, initiative: Initiative) -> None:
        """Allocate to the wrong organisation, reverse that, and record it for the right one with its original date."""
        day, found = self.start + timedelta(days=30), self.start + timedelta(days=100)
        amount = round_as_awarded(self.remainder_of(source) / 10)
        if found > self.today or not amount:
            return
        purpose = f"{EXAMPLE}a pilot in three places."
        wrong = self.allocate(source, initiative, amount, 1, awarded_on=day, purpose=purpose)
        self.reverse(wrong, found, f"{EXAMPLE}recorded for the wrong organisation.")
        self.allocate(source, initiative, amount, 2, awarded_on=day, recorded_on=found, purpose=purpose)

    def make_contracts(self, source: FundingSource, initiative: Initiative) -> None:
        """Make three contracts, two of them without a copy, with every kind of payment exception on them."""
        small, medium, large = Decimal(3400), Decimal(15000), Decimal(24000)
        if self.remainder_of(source) < small + medium + large:
            return
        rooms, mentors, training = (
            self.allocate(
                source, initiative, amount, number, kind=AllocationKind.CONTRACT, purpose=f"{EXAMPLE}{purpose}."
            )
            for number, (amount, purpose) in enumerate(
                [(small, "hire of rooms"), (medium, "mentors for a term"), (large, "training of mentors")]
            )
        )
        copy = ContractCopy(allocation=training, title=f"{EXAMPLE}contract", url="https://example.org/contract.pdf")
        self.record(copy, training.awarded_on, self.people.officer)
        november = self.start + timedelta(days=40)
        reasons = {"value_for_money": ALLOCATION_TEXTS["value_for_money"]}
        vat = {"irrecoverable_vat": Decimal(2000)}
        self.pay(training, november, large / 2, **reasons, **vat)
        self.pay(training, november + timedelta(days=30), large / 2, **reasons, **vat)
        self.pay(mentors, november, Decimal(9000))
        over = self.pay(mentors, november + timedelta(days=60), Decimal(7000))
        self.explain(over, "a second school asked to take part. The contract is being changed.")
        # Items are published above £500: one exactly at that threshold, one a penny above it.
        self.pay(rooms, november, Decimal("500.00"), **reasons)
        self.pay(rooms, november + timedelta(days=7), Decimal("500.01"), **reasons)
        early = self.pay(rooms, self.start + timedelta(days=2), Decimal("799.99"), recorded_on=november, **reasons)
        self.explain(early, "a deposit that could not wait. It was reported to the board.")
        self.pay(rooms, self.year.ends_on + timedelta(days=20), Decimal(800), **reasons)
        if self.year.spend_by:
            self.pay(rooms, self.year.spend_by + timedelta(days=8), Decimal(800), **reasons)

    def carry_forward(self, source: FundingSource, initiative: Initiative) -> None:
        """Carry part of what is left into the next year, and continue an award there."""
        day = self.year.ends_on
        amount = round_as_awarded(self.remainder_of(source) / 2)
        if day + timedelta(days=10) > self.today or not amount:
            return
        made_up = {"source": self.people.publication, "as_at": day}
        FinancialYear.objects.get_or_create(
            first_year=self.year.first_year + 1,
            defaults={**made_up, "purpose": f"{EXAMPLE}what was not spent in the year before."},
        )
        carried = FundingSource(
            name=f"{EXAMPLE}carried forward from {source.name}"[:160],
            slug=f"example-carried-{source.slug}"[:80],
            amount=amount,
            stated_as=f"{EXAMPLE}{format_pounds(amount)}",
            recorded_at=noon_of(day),
            **made_up,
        )
        sources.carry_forward(by=self.people.officer, source=source, carried=carried)
        award = source.allocations.filter(initiative=initiative, kind=AllocationKind.GRANT, reverses=None).earliest(
            "awarded_on"
        )
        recipient = self.people.organisations.index(award.recipient)
        april = day + timedelta(days=10)
        stated = {"awarded_on": april, "starts_on": april, "continues": award, "purpose": f"{EXAMPLE}its second year."}
        second = self.allocate(carried, initiative, round_as_awarded(amount / 2), recipient, **stated)
        self.pay(second, april + timedelta(days=40), round_as_awarded(second.amount / 4))

    def remainder_of(self, source: FundingSource) -> Decimal:
        """What is neither allocated nor carried forward."""
        return FundingSource.objects.with_remainder().get(pk=source.pk).remainder

    def reverse(self, row: Any, day: date, reason: str) -> None:
        reversal = row.build_reversal()
        reversal.reason = reason
        if isinstance(reversal, Allocation):
            reversal.public_id = random_public_id(self.dice)
        self.record(reversal, day, self.people.officer)

    def explain(self, payment: Payment | None, text: str) -> None:
        """Record the explanation of a payment exception, the day after; nothing where the payment is still to come."""
        if payment:
            day = min(payment.recorded_at.date() + timedelta(days=1), self.today)
            self.record(Explanation(payment=payment, text=EXAMPLE + text), day, self.people.officer)

    def record(self, row: Any, day: date, by: Any) -> None:
        row.recorded_at = noon_of(day)
        record(row, by=by)
