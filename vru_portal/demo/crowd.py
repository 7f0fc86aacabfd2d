"""As much example money as a benchmark needs, in batches: flat memory, and the database's guards look at every row."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models, reset_queries

from funding.choices import Kind
from funding.models import Allocation, Contributor, FinancialYear, FundingSource, Payment
from partners.models import Organisation
from programmes.choices import Mark, Outcome
from programmes.models import AssessmentDecision, Audience, EvidenceAssessment, Initiative, PreventionLevel, Setting
from vru_portal.demo.cast import SAY, Cast
from vru_portal.demo.story import ASSESSMENT, STATEMENTS, at, public_id
from vru_portal.publishing import State

BATCH = 500  # initiatives, each with its allocation
EACH = 10  # payments on an allocation
SHARED = 100  # allocations from one source
AWARD = Decimal(10_000)
Row = TypeVar("Row", bound=models.Model)


@dataclass
class Crowd:
    """Initiatives, sources, allocations and payments without a story."""

    cast: Cast
    year: FinancialYear
    today: date
    dice: random.Random
    levels: list[PreventionLevel] = field(init=False)
    bodies: list[Organisation] = field(init=False)

    def __post_init__(self) -> None:
        following, _ = FinancialYear.objects.get_or_create(first_year=self.year.first_year + 1, defaults=self.made_up)
        if following.starts_on + timedelta(days=60) < self.today:
            self.year = following  # its budget is not stated, so nothing contradicts it

    @property
    def made_up(self) -> dict[str, Any]:
        """Where a made-up record comes from, and as at when it holds."""
        return {"source": self.cast.publication, "as_at": self.cast.publication.published_on}

    def gather(self, payments: int, say: Callable[[str], object]) -> None:
        """Add this many payments, a tenth as many allocations and initiatives, and their sources."""
        allocations = -(-payments // EACH)
        self.levels = list(PreventionLevel.objects.public()) or [self.level()]
        self.bodies = self.add([self.body(n) for n in range(allocations // SHARED + 1)])
        sources = self.add([self.source(n) for n in range(allocations // SHARED + 1)])
        Contributor.objects.bulk_create(
            Contributor(funding_source=source, organisation=body)
            for source, body in zip(sources, self.bodies, strict=True)
        )
        for first in range(0, allocations, BATCH):
            numbers = range(first, min(first + BATCH, allocations))
            self.add_batch(numbers, sources, payments)
            reset_queries()  # which DEBUG collects
            say(f"{min(numbers[-1] * EACH + EACH, payments):,} of {payments:,} payments")

    def add_batch(self, numbers: range, sources: Sequence[FundingSource], payments: int) -> None:
        """Add some initiatives with their assessment, allocation and payments."""
        initiatives = self.add([self.initiative(n) for n in numbers])
        self.share_words(initiatives)
        opened = self.day(0)
        made = {"recorded_by": self.cast.author, "recorded_at": at(opened)}
        assessments = self.add(
            [EvidenceAssessment(initiative=i, author=self.cast.author, **ASSESSMENT, **made) for i in initiatives]
        )
        made["recorded_by"] = self.cast.approver
        approved = {"outcome": Outcome.APPROVED, "decided_on": opened, "reasons": f"{SAY}the evidence is sound."}
        self.add([AssessmentDecision(assessment=row, **approved, **made) for row in assessments])
        allocations = self.add(
            [
                self.allocation(n, sources[n // SHARED], assessment)
                for n, assessment in zip(numbers, assessments, strict=True)
            ]
        )
        rows = ((n, k) for n in numbers for k in range(EACH) if n * EACH + k < payments)
        self.add([self.payment(n * EACH + k, allocations[n - numbers[0]], self.day(k + 1)) for n, k in rows])

    def add(self, rows: list[Row]) -> list[Row]:
        """Insert rows, and begin the history of those that have one."""
        added: list[Row] = type(rows[0])._default_manager.bulk_create(rows, batch_size=BATCH)
        if history := getattr(type(rows[0]), "history", None):
            history.bulk_history_create(added, default_change_reason="Made up for the demonstration")
        return added

    def day(self, number: int) -> date:
        """Return one of the days from the year's beginning to its end, or to today."""
        span = (min(self.year.ends_on, self.today) - self.year.starts_on).days
        return self.year.starts_on + timedelta(days=number * span // (EACH + 1))

    def level(self) -> PreventionLevel:
        """Record a level where the unit has none."""
        words = {"moment": f"{SAY}at any time", "summary": f"{SAY}a level.", "definition": f"{SAY}a level."}
        names = {"name": f"{SAY}level", "slug": "example-level", "position": 1000}
        free = [mark for mark in Mark if not PreventionLevel.objects.filter(mark=mark).exists()]
        return PreventionLevel.objects.create(mark=free[0], state=State.PUBLISHED, **names, **words, **self.made_up)

    def body(self, number: int) -> Organisation:
        """Return a body that does not exist."""
        name = f"{SAY}body {number:06}"
        return Organisation(name=name, slug=f"example-body-{number:06}", state=State.PUBLISHED, **self.made_up)

    def source(self, number: int) -> FundingSource:
        """Return a source that is enough for the allocations that share it."""
        amount = AWARD * SHARED
        return FundingSource(
            year=self.year,
            name=f"{SAY}source {number:06}",
            slug=f"example-source-{number:06}",
            amount=amount,
            stated_as=f"{SAY}£{amount:,}",
            position=1000 + number,
            recorded_by=self.cast.officer,
            recorded_at=at(self.year.starts_on),
            **self.made_up,
        )

    def initiative(self, number: int) -> Initiative:
        """Return an initiative that does not exist."""
        return Initiative(
            name=f"{SAY}initiative {number:06}",
            slug=f"example-initiative-{number:06}",
            level=self.levels[number % len(self.levels)],
            position=1000 + number,
            summary=f"{SAY}one of many.",
            description=f"{SAY}one of many.",
            lead_organisation=self.bodies[number % len(self.bodies)],
            state=State.PUBLISHED,
            **self.made_up,
        )

    def share_words(self, initiatives: list[Initiative]) -> None:
        """Give each initiative one of the unit's own words, so that filters have something to count."""
        for vocabulary, relation in ((Audience, Initiative.audiences), (Setting, Initiative.settings)):
            words = list(vocabulary._default_manager.values_list("pk", flat=True))
            through: Any = relation.through
            name = vocabulary._meta.model_name
            rows = [
                through(initiative=row, **{f"{name}_id": words[place % len(words)]})
                for place, row in enumerate(initiatives)
                if words
            ]
            through._default_manager.bulk_create(rows)

    def allocation(self, number: int, source: FundingSource, assessment: EvidenceAssessment) -> Allocation:
        """Return an allocation; every fifth is a contract."""
        return Allocation(
            public_id=public_id(self.dice),
            funding_source=source,
            initiative=assessment.initiative,
            assessment=assessment,
            recipient=self.bodies[number % len(self.bodies)],
            awarded_by=self.cast.awarding_body,
            kind=Kind.CONTRACT if number % 5 == 0 else Kind.GRANT,
            amount=AWARD - self.dice.randrange(1000),
            awarded_on=self.day(0),
            starts_on=self.day(1),
            purpose=f"{SAY}number {number}.",
            recorded_by=self.cast.officer,
            recorded_at=at(self.day(0)),
            **STATEMENTS,
        )

    def payment(self, number: int, allocation: Allocation, day: date) -> Payment:
        """Return a payment; some allocations are overpaid by a few of theirs."""
        return Payment(
            reference=f"EXAMPLE-N{number:08}",
            allocation=allocation,
            payee=allocation.recipient,
            paid_on=day,
            amount=Decimal(self.dice.randrange(80_000, 105_000)) / 100,
            purpose=f"{SAY}instalment.",
            recorded_by=self.cast.officer,
            recorded_at=at(day),
        )
