"""A year of example money by the rules of real money: assessed, allocated, paid, corrected, carried forward."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.utils import timezone

from funding import rules
from funding.choices import Kind
from funding.models import Allocation, ContractCopy, Explanation, FinancialYear, FundingSource, Payment
from funding.validators import ALPHABET, ID_LENGTH
from programmes.choices import Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment, Initiative
from vru_portal.append_only import record
from vru_portal.demo.cast import SAY, Cast
from vru_portal.money import PENNY, pounds

PART_ALLOCATED = Decimal("0.80")
WEIGHTS = (42, 70, 47, 45, 60, 16, 54)
ASSESSMENT = {
    "evidence": f"{SAY}records of schools, surgeries and the police over three years were compared.",
    "need": f"{SAY}in two districts, twice as many young people are hurt as elsewhere.",
    "expected_effect": f"{SAY}a tenth fewer injuries within a year, measured at the same places.",
}
STATEMENTS = {
    "conditions": f"{SAY}a report every three months; what is not spent is paid back.",
    "reasons": f"{SAY}it reached the most people for its cost of all that were looked at.",
    "value_for_money": f"{SAY}the lowest of three quotes that met the need.",
    "department": f"{SAY}prevention",
    "merchant_category": f"{SAY}training and support",
}


def at(day: date) -> datetime:
    """Return noon of a day: when an example row was recorded."""
    return timezone.make_aware(datetime.combine(day, time(12)))


def whole(amount: Decimal) -> Decimal:
    """Return a sum rounded down as people award sums: to thousands where it is large, to the penny where it is not."""
    return amount.quantize(PENNY, ROUND_DOWN) if amount < 10_000 else amount // 1000 * 1000


def public_id(dice: random.Random) -> str:
    """Return the id of an example allocation: the same in every demonstration."""
    return "".join(dice.choice(ALPHABET) for _ in range(ID_LENGTH))


@dataclass
class Story:
    """What happens to the money of one financial year; nothing of it in the future."""

    cast: Cast
    year: FinancialYear
    sources: list[FundingSource]
    start: date
    today: date
    dice: random.Random = field(default_factory=lambda: random.Random(2011))  # noqa: S311 - the same each time
    payments: int = 0

    def tell(self) -> None:
        """Record all of it."""
        funded = self.assess(list(Initiative.objects.public().order_by("level__position", "position", "name")))
        if not funded or not self.sources or self.start + timedelta(days=14) > self.today:
            return
        largest = max(self.sources, key=lambda source: source.amount)
        grants = [grant for source in self.sources for grant in self.share_out(source, source == largest, funded)]
        for grant in grants:
            self.pay_monthly(grant, first=grant == grants[0], nothing=funded[3:4] == [grant.initiative])
        self.correct_allocation(largest, funded[0])
        self.buy(largest, funded[0])
        self.carry_forward(largest, funded[1 if len(funded) > 1 else 0])

    def assess(self, initiatives: list[Initiative]) -> list[Initiative]:
        """Assess every initiative, and return those that money goes to.

        The last of each level that has several is left out: one waits for a decision, one is declined, others are
        approved and get nothing yet.
        """
        levels = defaultdict(list)
        for initiative in initiatives:
            levels[initiative.level_id].append(initiative)
        without = [rows[-1] for rows in levels.values() if len(rows) > 1]
        for initiative in initiatives:
            place = without.index(initiative) if initiative in without else None
            row = EvidenceAssessment(initiative=initiative, author=self.cast.author, **ASSESSMENT)
            self.record(row, self.start, self.cast.author)
            if place != 0:
                outcome = Outcome.DECLINED if place == 1 else Outcome.APPROVED
                reasons = f"{SAY}the evidence is {'too thin' if place == 1 else 'sound, and the need is plain'}."
                day = self.start + timedelta(days=7)
                decision = AssessmentDecision(assessment=row, outcome=outcome, reasons=reasons, decided_on=day)
                if day <= self.today:
                    self.record(decision, day, self.cast.approver)
        return [initiative for initiative in initiatives if initiative not in without]

    def share_out(self, source: FundingSource, is_largest: bool, funded: list[Initiative]) -> list[Allocation]:
        """Allocate most of a source: the largest to all, another to three of them."""
        first = self.sources.index(source)
        chosen = range(len(funded)) if is_largest else {(first + i) % len(funded) for i in range(3)}
        weights = {number: WEIGHTS[number % len(WEIGHTS)] for number in chosen}
        grants = []
        for number, weight in weights.items():
            amount = whole(source.amount * PART_ALLOCATED * weight / sum(weights.values()))
            dates: dict[str, date] = {}
            if number != 3:  # the fourth has no day on which its work begins
                dates["starts_on"] = self.start + timedelta(days=14)
            if number == 2:  # the third's work is over
                dates["ends_on"] = self.year.ends_on
            if amount:
                grants.append(self.allocate(source, funded[number], amount, number, **dates))
        return grants

    def allocate(
        self, source: FundingSource, initiative: Initiative, amount: Decimal, body: int, **stated: Any
    ) -> Allocation:
        """Allocate through the rules, on the day that is stated or else as soon as the assessment is approved."""
        day = stated.pop("awarded_on", self.start + timedelta(days=12))
        known = stated.pop("known", day)
        row = Allocation(
            public_id=public_id(self.dice),
            funding_source=source,
            initiative=initiative,
            recipient=self.cast.bodies[body % len(self.cast.bodies)],
            awarded_by=self.cast.awarding_body,
            amount=amount,
            awarded_on=day,
            recorded_at=at(known),
            **{"purpose": f"{SAY}staff, rooms and materials.", **STATEMENTS, **stated},
        )
        return rules.allocate(by=self.cast.officer, allocation=row)

    def pay(self, allocation: Allocation, day: date, amount: Decimal, **stated: Any) -> Payment | None:
        """Pay through the rules, unless the day has not come."""
        known = stated.pop("known", day)
        if max(day, known) > self.today or not amount:
            return None
        self.payments += 1
        row = Payment(
            reference=f"EXAMPLE-{self.payments:05}",
            allocation=allocation,
            paid_on=day,
            amount=amount,
            recorded_at=at(known),
            **{"purpose": f"{SAY}instalment of {day:%B %Y}.", **stated},
        )
        return rules.pay(by=self.cast.officer, payment=row)

    def pay_monthly(self, grant: Allocation, *, first: bool, nothing: bool) -> None:
        """Pay an eighth of a grant each month to March; of the first, correct an instalment and pay a part back."""
        amount = (grant.amount / 8).quantize(PENNY, ROUND_DOWN)
        year = self.year.first_year
        months = [date(year, month, 20) for month in (10, 11, 12)] + [date(year + 1, month, 20) for month in (1, 2, 3)]
        for day in [] if nothing else [day for day in months if day >= grant.awarded_on]:
            if first and day.month == 12:
                self.correct_payment(grant, day, amount)
            else:
                self.pay(grant, day, amount)
        if first:
            refund = -(amount / 10).quantize(PENNY, ROUND_DOWN)
            self.pay(grant, date(year + 1, 2, 26), refund, purpose=f"{SAY}rent paid back.")

    def correct_payment(self, grant: Allocation, day: date, amount: Decimal) -> None:
        """Record an instalment twice as large, find that out a month later, and record it as it was."""
        found = day + timedelta(days=33)
        wrong = self.pay(grant, day, amount * 2)
        if wrong and found <= self.today:
            self.reverse(wrong, found, f"{SAY}two instalments were recorded as one.")
            self.pay(grant, day, amount, known=found)

    def correct_allocation(self, source: FundingSource, initiative: Initiative) -> None:
        """Allocate to the wrong body, find that out, and record it for the right one, dated as it was."""
        day, found = self.start + timedelta(days=30), self.start + timedelta(days=100)
        amount = whole(self.left_of(source) / 10)
        if found > self.today or not amount:
            return
        purpose = f"{SAY}a pilot in three places."
        wrong = self.allocate(source, initiative, amount, 1, awarded_on=day, purpose=purpose)
        self.reverse(wrong, found, f"{SAY}recorded for the wrong body.")
        self.allocate(source, initiative, amount, 2, awarded_on=day, known=found, purpose=purpose)

    def buy(self, source: FundingSource, initiative: Initiative) -> None:
        """Make three contracts, one without a copy, and every kind of exception on them."""
        small, medium, large = Decimal(3400), Decimal(15000), Decimal(24000)
        if self.left_of(source) < small + medium + large:
            return
        rooms, mentors, training = (
            self.allocate(source, initiative, amount, number, kind=Kind.CONTRACT, purpose=f"{SAY}{purpose}.")
            for number, (amount, purpose) in enumerate(
                [(small, "hire of rooms"), (medium, "mentors for a term"), (large, "training of mentors")]
            )
        )
        copy = ContractCopy(allocation=training, title=f"{SAY}contract", url="https://example.org/contract.pdf")
        self.record(copy, training.awarded_on, self.cast.officer)
        november = self.start + timedelta(days=40)
        because = {"value_for_money": STATEMENTS["value_for_money"]}
        vat = {"irrecoverable_vat": Decimal(2000)}
        self.pay(training, november, large / 2, **because, **vat)
        self.pay(training, november + timedelta(days=30), large / 2, **because, **vat)
        self.pay(mentors, november, Decimal(9000))
        over = self.pay(mentors, november + timedelta(days=60), Decimal(7000))
        self.explain(over, "a second school asked to take part. The contract is being changed.")
        # one item at the sum above which items are listed, and one a penny above it
        self.pay(rooms, november, Decimal("500.00"), **because)
        self.pay(rooms, november + timedelta(days=7), Decimal("500.01"), **because)
        early = self.pay(rooms, self.start + timedelta(days=2), Decimal("799.99"), known=november, **because)
        self.explain(early, "a deposit that could not wait. It was reported to the board.")
        self.pay(rooms, self.year.ends_on + timedelta(days=20), Decimal(800), **because)
        if self.year.spend_by:
            self.pay(rooms, self.year.spend_by + timedelta(days=8), Decimal(800), **because)

    def carry_forward(self, source: FundingSource, initiative: Initiative) -> None:
        """Carry a part of what is left into the next year, and go on with an award there."""
        day = self.year.ends_on
        amount = whole(self.left_of(source) / 2)
        if day + timedelta(days=10) > self.today or not amount:
            return
        made_up = {"source": self.cast.publication, "as_at": day}
        FinancialYear.objects.get_or_create(
            first_year=self.year.first_year + 1,
            defaults={**made_up, "purpose": f"{SAY}what was not spent in the year before."},
        )
        carried = FundingSource(
            name=f"{SAY}carried forward from {source.name}"[:160],
            slug=f"example-carried-{source.slug}"[:80],
            amount=amount,
            stated_as=f"{SAY}{pounds(amount)}",
            recorded_at=at(day),
            **made_up,
        )
        rules.carry_forward(by=self.cast.officer, source=source, carried=carried)
        award = source.allocations.filter(initiative=initiative, kind=Kind.GRANT, reverses=None).earliest("awarded_on")
        body = self.cast.bodies.index(award.recipient)
        april = day + timedelta(days=10)
        stated = {"awarded_on": april, "starts_on": april, "continues": award, "purpose": f"{SAY}its second year."}
        second = self.allocate(carried, initiative, whole(amount / 2), body, **stated)
        self.pay(second, april + timedelta(days=40), whole(second.amount / 4))

    def left_of(self, source: FundingSource) -> Decimal:
        """Return what is neither allocated nor carried forward."""
        return FundingSource.objects.with_remainder().get(pk=source.pk).remainder

    def reverse(self, row: Any, day: date, reason: str) -> None:
        """Take a row back on a day of the story."""
        opposite = row.opposite()
        opposite.reason = reason
        if isinstance(opposite, Allocation):
            opposite.public_id = public_id(self.dice)
        self.record(opposite, day, self.cast.officer)

    def explain(self, payment: Payment | None, text: str) -> None:
        """Say why a payment is an exception, the day after."""
        if payment:
            day = min(payment.recorded_at.date() + timedelta(days=1), self.today)
            self.record(Explanation(payment=payment, text=SAY + text), day, self.cast.officer)

    def record(self, row: Any, day: date, by: Any) -> None:
        """Record a row on a day of the story."""
        row.recorded_at = at(day)
        record(row, by=by)
