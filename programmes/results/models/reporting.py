from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from programmes.results.choices import WorkbookField
from programmes.results.models.measures import DEFAULT_THRESHOLD, Measure
from vru_portal.text.fields import LineField, SmallCountField


class ReportingRules(models.Model):
    """When figures are due, and which are too small to publish. A single row, whose key is always 1."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    threshold = SmallCountField(
        "smallest number published",
        default=DEFAULT_THRESHOLD,
        validators=[MinValueValidator(2), MaxValueValidator(1000)],
        help_text="Smaller numbers of people are suppressed, with those from which they could be worked out. A change "
        "applies to figures that are approved from then on: what is published cannot be made unknown.",
    )
    days_to_report = SmallCountField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text="How many days after the end of a quarter its figures are due.",
    )  # fmt: skip
    days_open = SmallCountField(
        "days open after that",
        default=60,
        validators=[MaxValueValidator(366)],
        help_text="How many days after the due date a return can still be filled in.",
    )

    class Meta:
        verbose_name_plural = "reporting rules"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="results_rules_are_one"),
            models.CheckConstraint(condition=Q(threshold__gte=2), name="results_threshold_hides_something"),
        ]

    def __str__(self) -> str:
        return "Reporting rules"

    @classmethod
    def current(cls) -> "ReportingRules":
        """The rules, or the default ones if the unit has none."""
        return cls.objects.first() or cls()


class WorkbookColumn(models.Model):
    """A column of the workbook of a year's returns, under the heading that the grant's own form has."""

    rules = models.ForeignKey(ReportingRules, on_delete=models.CASCADE, related_name="columns")
    heading = LineField(max_length=120)
    holds = models.CharField(max_length=12, choices=WorkbookField)
    measure = models.ForeignKey(
        Measure,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="For the count of a measure.",
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["rules", "heading"], name="results_column_heading_once"),
            models.CheckConstraint(
                condition=Q(holds=WorkbookField.MEASURE, measure__isnull=False)
                | ~Q(holds=WorkbookField.MEASURE) & Q(measure=None),
                name="results_column_measure_stated",
                violation_error_message="Select a measure if the column holds the count of one, and only then.",
            ),
        ]

    def __str__(self) -> str:
        return self.heading

    def clean(self) -> None:
        if (self.holds == WorkbookField.MEASURE) != bool(self.measure_id):
            raise ValidationError({"measure": "Select a measure if the column holds the count of one, and only then."})
