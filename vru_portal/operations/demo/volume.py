"""As much example money as a benchmark needs, inserted in batches: memory stays flat, and every trigger still fires."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models, reset_queries

from funding.choices import AllocationKind
from funding.models import Allocation, Contributor, Decision, FinancialYear, FundingSource, Payment
from partners.models import Organisation
from programmes.choices import Mark, Outcome
from programmes.models import AssessmentDecision, Audience, EvidenceAssessment, Initiative, PreventionLevel, Setting
from vru_portal.operations.demo.money import ALLOCATION_TEXTS, ASSESSMENT
from vru_portal.operations.demo.people import EXAMPLE, DemoPeople, noon_of, random_public_id
from vru_portal.publishing.state import State

BATCH_SIZE = 500  # initiatives, each with its allocation, inserted together
PAYMENTS_PER_ALLOCATION = 10
ALLOCATIONS_PER_SOURCE = 100
LARGEST_AWARD = Decimal(10_000)
Row = TypeVar("Row", bound=models.Model)


@dataclass
class DemoVolume:
    """Initiatives, sources, allocations and payments in bulk, with nothing that makes any of them special."""

    people: DemoPeople
    year: FinancialYear
    today: date
    dice: random.Random
    levels: list[PreventionLevel] = field(init=False)
    organisations: list[Organisation] = field(init=False)

    def __post_init__(self) -> None:
        following, _ = FinancialYear.objects.get_or_create(first_year=self.year.first_year + 1, defaults=self.origin)
        if following.starts_on + timedelta(days=60) < self.today:
            self.year = following  # its budget is not stated, so that no stated total contradicts these sums

    @property
    def origin(self) -> dict[str, Any]:
        """The source of a made-up record, and its date."""
        return {"source": self.people.publication, "as_at": self.people.publication.published_on}

    def add_payments(self, payments: int, report: Callable[[str], object]) -> None:
        """Add this many payments, a tenth as many allocations and initiatives, and their sources."""
        allocations = -(-payments // PAYMENTS_PER_ALLOCATION)
        self.levels = list(PreventionLevel.objects.public()) or [self.create_level()]
        self.organisations = self.insert(
            [self.organisation(n) for n in range(allocations // ALLOCATIONS_PER_SOURCE + 1)]
        )
        sources = self.insert([self.source(n) for n in range(allocations // ALLOCATIONS_PER_SOURCE + 1)])
        Contributor.objects.bulk_create(
            Contributor(funding_source=source, organisation=organisation)
            for source, organisation in zip(sources, self.organisations, strict=True)
        )
        for first in range(0, allocations, BATCH_SIZE):
            numbers = range(first, min(first + BATCH_SIZE, allocations))
            self.add_batch(numbers, sources, payments)
            reset_queries()  # with DEBUG, Django keeps every query in memory
            report(f"{min((numbers[-1] + 1) * PAYMENTS_PER_ALLOCATION, payments):,} of {payments:,} payments")

    def add_batch(self, numbers: range, sources: Sequence[FundingSource], payments: int) -> None:
        """Add some initiatives with their assessment, allocation and payments."""
        initiatives = self.insert([self.initiative(n) for n in numbers])
        self.add_terms(initiatives)
        opened = self.day(0)
        made = {"recorded_by": self.people.author, "recorded_at": noon_of(opened)}
        assessments = self.insert(
            [EvidenceAssessment(initiative=i, author=self.people.author, **ASSESSMENT, **made) for i in initiatives]
        )
        made["recorded_by"] = self.people.approver
        approved = {"outcome": Outcome.APPROVED, "decided_on": opened, "reasons": f"{EXAMPLE}the evidence is sound."}
        self.insert([AssessmentDecision(assessment=row, **approved, **made) for row in assessments])
        decision = self.decision(numbers[0])
        allocations = self.insert(
            [
                self.allocation(n, decision, sources[n // ALLOCATIONS_PER_SOURCE], assessment)
                for n, assessment in zip(numbers, assessments, strict=True)
            ]
        )
        rows = (
            (n, k)
            for n in numbers
            for k in range(PAYMENTS_PER_ALLOCATION)
            if n * PAYMENTS_PER_ALLOCATION + k < payments
        )
        self.insert(
            [
                self.payment(n * PAYMENTS_PER_ALLOCATION + k, allocations[n - numbers[0]], self.day(k + 1))
                for n, k in rows
            ]
        )

    def insert(self, rows: list[Row]) -> list[Row]:
        """Insert rows, with the first version of those that have a history."""
        inserted: list[Row] = type(rows[0])._default_manager.bulk_create(rows, batch_size=BATCH_SIZE)
        if history := getattr(type(rows[0]), "history", None):
            history.bulk_history_create(inserted, default_change_reason="Made up for the demonstration")
        return inserted

    def day(self, number: int) -> date:
        """One of evenly spread days, from the year's beginning to its end or to today."""
        span = (min(self.year.ends_on, self.today) - self.year.starts_on).days
        return self.year.starts_on + timedelta(days=number * span // (PAYMENTS_PER_ALLOCATION + 1))

    def create_level(self) -> PreventionLevel:
        """Create a level of prevention where the unit has none."""
        texts = {"moment": f"{EXAMPLE}at any time", "summary": f"{EXAMPLE}a level.", "definition": f"{EXAMPLE}a level."}
        names = {"name": f"{EXAMPLE}level", "slug": "example-level", "position": 1000}
        free = [mark for mark in Mark if not PreventionLevel.objects.filter(mark=mark).exists()]
        return PreventionLevel.objects.create(mark=free[0], state=State.PUBLISHED, **names, **texts, **self.origin)

    def organisation(self, number: int) -> Organisation:
        name = f"{EXAMPLE}organisation {number:06}"
        return Organisation(name=name, slug=f"example-organisation-{number:06}", state=State.PUBLISHED, **self.origin)

    def source(self, number: int) -> FundingSource:
        """A source that covers the allocations made from it."""
        amount = LARGEST_AWARD * ALLOCATIONS_PER_SOURCE
        return FundingSource(
            year=self.year,
            name=f"{EXAMPLE}source {number:06}",
            slug=f"example-source-{number:06}",
            amount=amount,
            stated_as=f"{EXAMPLE}£{amount:,}",
            position=1000 + number,
            recorded_by=self.people.officer,
            recorded_at=noon_of(self.year.starts_on),
            **self.origin,
        )

    def initiative(self, number: int) -> Initiative:
        return Initiative(
            name=f"{EXAMPLE}initiative {number:06}",
            slug=f"example-initiative-{number:06}",
            level=self.levels[number % len(self.levels)],
            position=1000 + number,
            summary=f"{EXAMPLE}one of many.",
            description=f"{EXAMPLE}one of many.",
            lead_organisation=self.organisations[number % len(self.organisations)],
            state=State.PUBLISHED,
            **self.origin,
        )

    def add_terms(self, initiatives: list[Initiative]) -> None:
        """Give each initiative a term of each of the unit's vocabularies, so that filters have something to count."""
        for vocabulary, relation in ((Audience, Initiative.audiences), (Setting, Initiative.settings)):
            terms = list(vocabulary._default_manager.values_list("pk", flat=True))
            through: Any = relation.through
            name = vocabulary._meta.model_name
            rows = [
                through(initiative=row, **{f"{name}_id": terms[place % len(terms)]})
                for place, row in enumerate(initiatives)
                if terms
            ]
            through._default_manager.bulk_create(rows)

    def decision(self, number: int) -> Decision:
        """One decision for all allocations of a batch."""
        row = Decision(
            year=self.year,
            reference=f"EXAMPLE N{number:06}",
            decided_on=self.day(0),
            decided_by=self.people.chair,
            title=f"{EXAMPLE}many awards at once",
            reasons=f"{EXAMPLE}each was the best of its kind.",
            notice_url=f"https://example.org/decisions/n{number}",
            recorded_by=self.people.officer,
            recorded_at=noon_of(self.day(0)),
        )
        return self.insert([row])[0]

    def allocation(
        self, number: int, decision: Decision, source: FundingSource, assessment: EvidenceAssessment
    ) -> Allocation:
        """An allocation; every fifth is a contract."""
        return Allocation(
            public_id=random_public_id(self.dice),
            funding_source=source,
            initiative=assessment.initiative,
            assessment=assessment,
            decision=decision,
            recipient=self.organisations[number % len(self.organisations)],
            awarded_by=self.people.awarding_organisation,
            kind=AllocationKind.CONTRACT if number % 5 == 0 else AllocationKind.GRANT,
            amount=LARGEST_AWARD - self.dice.randrange(1000),
            awarded_on=self.day(0),
            starts_on=self.day(1),
            purpose=f"{EXAMPLE}number {number}.",
            recorded_by=self.people.officer,
            recorded_at=noon_of(self.day(0)),
            **ALLOCATION_TEXTS,
        )

    def payment(self, number: int, allocation: Allocation, day: date) -> Payment:
        """A payment of £800 to £1,050. Ten of them come to more than the allocation now and then: an exception."""
        return Payment(
            reference=f"EXAMPLE-N{number:08}",
            allocation=allocation,
            payee=allocation.recipient,
            paid_on=day,
            amount=Decimal(self.dice.randrange(80_000, 105_000)) / 100,
            purpose=f"{EXAMPLE}instalment.",
            recorded_by=self.people.officer,
            recorded_at=noon_of(day),
        )
