"""Example results, through the real rules: figures that were approved, corrected, suppressed, sent, and never came."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from partners.models import Organisation
from programmes.models import Initiative
from programmes.results.choices import MeasureKind
from programmes.results.models import (
    ApprovedReturn,
    Breakdown,
    BreakdownGroup,
    Mail,
    Measure,
    Return,
    ReturnDraft,
    Target,
)
from programmes.results.quarters import Quarter
from programmes.results.rules import approving, asking, reporting
from programmes.results.rules.answers import Answers, Figure, total_name
from programmes.results.rules.requests import measures_of
from programmes.results.tasks import deliver
from vru_portal.links.answering import issue_secret
from vru_portal.links.choices import DraftState, LinkPurpose
from vru_portal.operations.demo.people import EXAMPLE, DemoPeople, noon_of
from vru_portal.web.addresses import full_url

REPORTER = "reporter@office.example"
DAYS_TO_APPROVE = 40
DAYS_OPEN = 60
AGES = ("Under 10", "10 to 17", "18 to 24", "25 and over", "Not known")
AGE_SHARES = (10, 45, 30, 13, 2)  # per cent
MEASURES = (
    ("People reached", "people-reached", MeasureKind.REACH, "people", True),
    ("Sessions held", "sessions-held", MeasureKind.OUTPUT, "sessions", False),
    ("People who say that they feel safer", "feel-safer", MeasureKind.OUTCOME, "people", True),
)
WELL = f"{EXAMPLE}more people came than in the quarter before, most of them because a friend had told them."
BADLY = f"{EXAMPLE}two rooms could not be used for a month, and some people did not come back afterwards."


@dataclass
class DemoResults:
    """Results of a few initiatives that money went to, in a year's last two quarters."""

    people: DemoPeople
    first_year: int
    today: date
    dice: random.Random = field(default_factory=lambda: random.Random(1864))  # noqa: S311 - the same each time
    published: int = 0

    def record_all(self) -> str:
        """Record everything; returns the address of a return to fill in, empty if there is none."""
        measures = self.measures()
        initiatives = list(
            Initiative.objects.public().filter(allocations__reverses=None, allocations__reversed_by=None).distinct()
        )
        quarters = [Quarter(date(self.first_year, 10, 1)), Quarter(date(self.first_year + 1, 1, 1))]
        done = [quarter for quarter in quarters if self.approval_day(quarter) <= self.today]
        for place, initiative in enumerate(initiatives[:5]):
            organisation = self.people.organisations[place % len(self.people.organisations)]
            for quarter in done:
                if place == 4 and quarter == done[-1]:  # never came
                    self.ask(initiative, organisation, quarter, DraftState.SENT)
                else:
                    self.publish(initiative, organisation, quarter, measures, small=place == 3)
        if done and initiatives:
            self.correct(initiatives[0], self.people.organisations[0], done[0], measures)
            self.set_target(initiatives[0], measures[0], done)
        if not initiatives or asking.asking_blockers():
            return ""
        if len(initiatives) > 1:
            self.report_unchecked(initiatives[1], self.people.organisations[1])
        return self.ask_now(initiatives[0], self.people.organisations[0])

    def approval_day(self, quarter: Quarter) -> date:
        return quarter.ends_on + timedelta(days=DAYS_TO_APPROVE)

    def measures(self) -> list[Measure]:
        """The unit's own measures or, where it has none, three that are made up."""
        if own := list(Measure.objects.prefetch_related("breakdowns__groups")):
            return own
        ages = Breakdown.objects.create(name=f"{EXAMPLE}age", slug="example-age")
        for place, name in enumerate(AGES):
            BreakdownGroup.objects.create(breakdown=ages, name=name, position=place)
        reached = None
        for place, (name, slug, kind, unit, counts_people) in enumerate(MEASURES):
            measure = Measure.objects.create(
                name=f"{EXAMPLE}{name[0].lower()}{name[1:]}",
                slug=f"example-{slug}",
                kind=kind,
                unit=unit,
                counts=f"{EXAMPLE}each is counted once a year, in the quarter of the first time.",
                counts_people=counts_people,
                part_of=reached if kind == MeasureKind.OUTCOME else None,
                position=place,
            )
            if kind == MeasureKind.REACH:
                measure.breakdowns.add(ages)
                reached = measure
        return list(Measure.objects.prefetch_related("breakdowns__groups"))

    def answers(self, measures: list[Measure], *, small: bool) -> Answers:
        reach = self.dice.randrange(8, 30) if small else self.dice.randrange(120, 480)
        figures = []
        for measure in measures:
            count = self.count(measure, reach)
            groups: dict[BreakdownGroup, int] = {}
            for breakdown in measure.breakdowns.all():
                groups |= divide(count, list(breakdown.groups.all()))
            figures.append(Figure(measure, count, groups))
        return Answers(figures, WELL, BADLY, Decimal(self.dice.randrange(2_000_00, 9_000_00)) / 100)

    def count(self, measure: Measure, reach: int) -> int:
        if measure.kind == MeasureKind.REACH:
            return reach
        return reach // 7 if measure.kind == MeasureKind.OUTPUT else reach * self.dice.randrange(40, 70) // 100

    def ask(self, initiative: Initiative, organisation: Organisation, quarter: Quarter, state: DraftState) -> Return:
        """A return as it was asked for in its time."""
        due_on = quarter.ends_on + timedelta(days=30)
        row = Return(
            initiative=initiative,
            organisation=organisation,
            quarter=quarter.starts_on,
            due_on=due_on,
            closes_on=due_on + timedelta(days=60),
            asked_at=noon_of(quarter.next.starts_on),
            reported_at=noon_of(due_on - timedelta(days=6)) if state == DraftState.APPROVED else None,
        )
        row.full_clean()
        row.save()
        ReturnDraft.objects.create(return_of_figures=row, state=state, email=REPORTER, contact_name=f"{EXAMPLE}Robin")
        return row

    def publish(
        self,
        initiative: Initiative,
        organisation: Organisation,
        quarter: Quarter,
        measures: list[Measure],
        *,
        small: bool = False,
    ) -> None:
        row = self.ask(initiative, organisation, quarter, DraftState.APPROVED)
        same = {"initiative": initiative, "organisation": organisation, "quarter": quarter.starts_on}
        approving.publish(
            by=self.people.approver,
            approved=ApprovedReturn(**same, return_of_figures=row),
            answers=self.answers(measures, small=small),
            recorded_at=noon_of(self.approval_day(quarter)),
        )
        self.published += 1

    def correct(
        self, initiative: Initiative, organisation: Organisation, quarter: Quarter, measures: list[Measure]
    ) -> None:
        """Correct the figures of a quarter, a month after they were approved."""
        day = self.approval_day(quarter) + timedelta(days=30)
        if day > self.today:
            return
        same = {"initiative": initiative, "organisation": organisation, "quarter": quarter.starts_on}
        row = Return.objects.get(**same)
        approving.publish(
            by=self.people.approver,
            approved=ApprovedReturn(**same, return_of_figures=row, correction=f"{EXAMPLE}one group had been left out."),
            answers=self.answers(measures, small=False),
            recorded_at=noon_of(day),
        )

    def set_target(self, initiative: Initiative, measure: Measure, quarters: list[Quarter]) -> None:
        Target.objects.get_or_create(
            initiative=initiative,
            measure=measure,
            first_quarter=quarters[0].starts_on,
            last_quarter=quarters[-1].starts_on,
            defaults={"count": 600, "source": self.people.publication, "as_at": self.people.publication.published_on},
        )

    def report_unchecked(self, initiative: Initiative, organisation: Organisation) -> None:
        """Figures of the quarter before the last, which wait for staff."""
        link = self.ask_for(initiative, organisation, Quarter.of(self.today).previous)
        measures = measures_of(initiative)
        typed = {total_name(measure): str(self.count(measure, 140)) for measure in measures}
        reporting.save_answers(secret=link, typed={**typed, "went_well": WELL, "went_badly": BADLY}, before={})
        reporting.submit(secret=link, name=f"{EXAMPLE}Robin")

    def ask_now(self, initiative: Initiative, organisation: Organisation) -> str:
        """Ask for the quarter that has ended last; returns the address at which it can be filled in."""
        secret = self.ask_for(initiative, organisation, Quarter.of(self.today).previous)
        self.send_mails()
        return full_url(reverse("results:open", args=[secret]))

    def ask_for(self, initiative: Initiative, organisation: Organisation, quarter: Quarter) -> str:
        row = Return(initiative=initiative, organisation=organisation, quarter=quarter.starts_on)
        row.closes_on = self.today + timedelta(days=DAYS_OPEN)  # whatever day the demonstration is made on
        row.due_on = min(self.today, quarter.ends_on + timedelta(days=30))
        asking.ask(by=None, row=row, email=REPORTER, contact_name=f"{EXAMPLE}Robin")
        draft = ReturnDraft.objects.select_related("return_of_figures").get(return_of_figures=row)
        return issue_secret(draft=draft, purpose=LinkPurpose.FILL_IN)

    def send_mails(self) -> None:
        """Send what was queued, into the folder where a demonstration keeps its emails."""
        for number in Mail.objects.order_by("pk").values_list("pk", flat=True):
            deliver.call(number)
        DBTaskResult.objects.filter(task_path=deliver.module_path).delete()


def divide(count: int, groups: list[BreakdownGroup]) -> dict[BreakdownGroup, int]:
    """A count divided among groups, the rest in the largest."""
    shares = [AGE_SHARES[place % len(AGE_SHARES)] for place in range(len(groups))]
    counts = [count * share // sum(shares) for share in shares]
    if counts:
        counts[shares.index(max(shares))] += count - sum(counts)
    return dict(zip(groups, counts, strict=True))
