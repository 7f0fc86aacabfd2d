from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from partners.provenance import Sourced
from programmes.models import Area, Initiative
from programmes.results import querysets
from programmes.results.choices import RETURN_COLUMNS, MeasureKind
from programmes.results.fields import QuarterField
from programmes.results.quarters import Quarter
from vru_portal.publishing.history import HistoryManager
from vru_portal.publishing.slugs import Slugged
from vru_portal.tabular.reading.headings import heading_key
from vru_portal.text.fields import CountField, LineField, LongTextField

DEFAULT_THRESHOLD = 5
PARTS_ARE_PEOPLE = "Only a measure that counts people can be part of another one."
QUARTER_HELP = "For example, Apr to Jun 2031, 2031-32 Q1 or 1 April 2031."


class Breakdown(Slugged):
    """A way to divide the people a measure counts, such as by age."""

    name = LineField(max_length=60, unique=True, help_text="Such as “Age”.")
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest number comes first.")

    objects = querysets.BreakdownQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class BreakdownGroup(models.Model):
    """One group of a breakdown. Together, the groups take in everybody: one of them can be “Not known”."""

    breakdown = models.ForeignKey(Breakdown, on_delete=models.CASCADE, related_name="groups")
    name = LineField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["breakdown", "name"], name="results_group_once")]

    def __str__(self) -> str:
        return self.name


class Measure(Slugged):
    """Something that is counted, the same way by everybody who reports it."""

    name = LineField(max_length=120, unique=True, help_text="Such as “Young people reached”.")
    kind = models.CharField(
        max_length=7, choices=MeasureKind, help_text="Who was reached, what was done, or what changed."
    )
    unit = LineField("unit of count", max_length=60, help_text="What a figure is a number of, such as “people”.")
    counts = LongTextField(
        "what counts",
        help_text="Who or what is counted, and when. For people, say that each is counted once a year, in the quarter "
        "in which they first take part: figures of several quarters are added.",
    )
    counts_people = models.BooleanField(
        default=True,
        help_text="Small numbers of people are not published, since somebody could be recognised. Untick this only for "
        "what is not a person, such as sessions.",
    )
    part_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="part_measures",
        help_text="The measure that also counts everybody counted here, such as “Young people reached”. If only a few "
        "people are counted there and not here, this figure is suppressed too, so that nobody can work out how many.",
    )
    breakdowns = models.ManyToManyField(Breakdown, blank=True, related_name="measures")
    initiatives = models.ManyToManyField(
        Initiative,
        blank=True,
        related_name="measures",
        help_text="Which initiatives report it. Leave empty if all of them do.",
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest number comes first.")
    history = HistoricalRecords(history_manager=HistoryManager)

    objects = querysets.MeasureQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=MeasureKind.values), name="results_measure_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind=MeasureKind.REACH) | Q(counts_people=True),
                name="results_reach_counts_people",
                violation_error_message="Reach is a number of people. Tick “counts people”, or choose another kind.",
            ),
            models.CheckConstraint(
                condition=Q(part_of=None) | Q(counts_people=True) & ~Q(part_of=F("id")),
                name="results_part_counts_people",
                violation_error_message=PARTS_ARE_PEOPLE,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what would change the meaning of published figures, and a name that files use as a heading."""
        super().clean()
        taken = [name for name in ("name", "slug") if heading_key(getattr(self, name)) in RETURN_COLUMNS]
        if taken:
            raise ValidationError(dict.fromkeys(taken, "This is a column of files of figures. Choose something else."))
        self.check_part()
        before = type(self).objects.filter(pk=self.pk, figures__isnull=False).first() if self.pk else None
        changed = [
            name
            for name in ("kind", "unit", "counts_people")
            if before and getattr(before, name) != getattr(self, name)
        ]
        if changed:
            message = (
                "Figures are published under this measure, so this cannot be changed. Add another measure instead."
            )
            raise ValidationError(dict.fromkeys(changed, message))

    def check_part(self) -> None:
        """Refuse parts of parts: what to suppress is decided once, for a whole and all its parts.

        Published figures are no reason to refuse: otherwise later figures would not be compared either.
        """
        whole = self.part_of
        if whole is None:
            if self.pk and not self.counts_people and self.part_measures.exists():
                raise ValidationError({"counts_people": f"“{self.part_measures.first()}” is part of this measure."})
        elif not (self.counts_people and whole.counts_people):
            raise ValidationError({"part_of": PARTS_ARE_PEOPLE})
        elif whole.part_of_id or whole.pk == self.pk or (self.pk and self.part_measures.exists()):
            raise ValidationError(
                {"part_of": "A part cannot have parts itself. Choose the measure that counts everybody."}
            )


class Target(Sourced):
    """What an initiative is to reach by a measure, from one quarter to another."""

    initiative = models.ForeignKey(Initiative, on_delete=models.CASCADE, related_name="targets")
    measure = models.ForeignKey(Measure, on_delete=models.PROTECT, related_name="targets")
    first_quarter = QuarterField(help_text=QUARTER_HELP)
    last_quarter = QuarterField(help_text=f"{QUARTER_HELP} It can be the same.")
    count = CountField("target", validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["first_quarter", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["initiative", "measure", "first_quarter", "last_quarter"], name="results_target_once"
            ),
            models.CheckConstraint(
                condition=Q(last_quarter__gte=F("first_quarter")),
                name="results_target_quarters_in_order",
                violation_error_message="The last quarter must not be before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.initiative}: {self.count} {self.measure.unit}, {self.period}"

    @property
    def quarters(self) -> list[Quarter]:
        return list(Quarter(self.first_quarter).until(Quarter(self.last_quarter)))

    @property
    def period(self) -> str:
        first, last = Quarter(self.first_quarter), Quarter(self.last_quarter)
        return str(first) if first == last else f"{first.starts_on:%B %Y} to {last.ends_on:%B %Y}"


class AreaPopulation(Sourced):
    """How many people live in an area: no initiative that serves only this area can reach more."""

    area = models.OneToOneField(Area, on_delete=models.CASCADE, related_name="population")
    people = CountField(validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["area__name"]

    def __str__(self) -> str:
        return f"{self.area}: {self.people:,} people"
