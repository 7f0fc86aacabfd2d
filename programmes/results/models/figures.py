"""The figures that staff have approved. They are then public, and never change: a correction is a new row."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from partners.models import Organisation
from programmes.models import Initiative
from programmes.results import querysets
from programmes.results.choices import SUPPRESSED
from programmes.results.fields import QuarterField
from programmes.results.models.measures import BreakdownGroup, Measure
from programmes.results.models.returns import Return
from programmes.results.quarters import Quarter
from vru_portal.ledger.append_only.models import AppendOnly
from vru_portal.ledger.append_only.trigger import INSERT, Trigger
from vru_portal.ledger.money import PoundsField
from vru_portal.text.fields import CountField, LongTextField, SmallCountField

# What was approved before of the same initiative, organisation and quarter.
EARLIER = (
    "FROM results_approvedreturn a WHERE a.initiative_id = NEW.initiative_id "
    "AND a.organisation_id = NEW.organisation_id AND a.quarter = NEW.quarter"
)

RECORDED_ALONE = "You recorded these figures from a file. Somebody else has to approve them."


class ApprovedReturn(AppendOnly):
    """What an organisation reported of an initiative for a quarter. A later one, with the next number, corrects it."""

    names_published = ("initiative", "organisation")
    redactable = ("went_well", "went_badly", "correction")
    triggers = (
        Trigger(
            "follows",
            INSERT,
            f"NEW.number <> 1 + (SELECT COUNT(*) {EARLIER}) "
            f"OR EXISTS (SELECT 1 {EARLIER} AND a.recorded_at > NEW.recorded_at)",
            "Somebody else may have approved these figures at the same time. Check what is published first.",
            prevents="What was published on an earlier day could be made to look different.",
        ),
        Trigger(
            "approved_alone",
            INSERT,
            "EXISTS (SELECT 1 FROM results_returndraft d WHERE d.return_of_figures_id = NEW.return_of_figures_id "
            "AND d.recorded_by_id = NEW.recorded_by_id)",
            RECORDED_ALONE,
            prevents="One person could publish figures of an organisation that nobody else has seen.",
        ),
    )

    initiative = models.ForeignKey(Initiative, on_delete=models.PROTECT, related_name="approved_returns")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="approved_returns")
    quarter = QuarterField()
    number = models.PositiveSmallIntegerField(default=1, editable=False)
    return_of_figures = models.ForeignKey(
        Return, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="approved"
    )
    went_well = LongTextField("what went well", blank=True)
    went_badly = LongTextField("what did not go well", blank=True)
    spend = PoundsField("spend reported", null=True, blank=True)
    correction = LongTextField("why it was corrected", blank=True)

    objects = querysets.ApprovedReturnQuerySet.as_manager()

    class Meta:
        verbose_name = "approved return"
        ordering = ["-quarter", "initiative__name", "-number", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["initiative", "organisation", "quarter", "number"], name="results_approved_number_once"
            ),
            models.CheckConstraint(condition=Q(recorded_by__isnull=False), name="results_approved_by_somebody"),
            models.CheckConstraint(
                condition=Q(spend=None) | Q(spend__gte=0),
                name="results_spend_not_negative",
                violation_error_message="The spend of a quarter cannot be below £0.",
            ),
            models.CheckConstraint(
                condition=Q(number=1) | ~Q(correction=""),
                name="results_correction_has_reason",
                violation_error_message="Say why the figures are corrected. It is published with them.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.initiative}, {self.period}, {self.organisation}"

    @property
    def period(self) -> Quarter:
        return Quarter(self.quarter)


FOUND_FROM_WHOLE = (
    "A number must be suppressed if one that is too small could be worked out from it, by comparing a measure with the "
    "one of which it is part."
)


class Suppressible:
    """A count that is published unless it is suppressed."""

    count: Any
    is_suppressed: Any

    @property
    def published_count(self) -> int | None:
        """What the public may know; None if it is suppressed."""
        return None if self.is_suppressed else self.count

    @property
    def shown(self) -> str:
        return SUPPRESSED if self.is_suppressed else f"{self.count:,}"


class ApprovedFigure(Suppressible, AppendOnly):
    """The count of one measure in an approved return."""

    triggers = (
        Trigger(
            "hidden_with_whole",
            INSERT,
            # `o` is another figure of the same return: the whole of this one, a part of it, or a part of the same whole
            "EXISTS (SELECT 1 FROM results_approvedfigure o JOIN results_measure om ON om.id = o.measure_id "
            "JOIN results_measure nm ON nm.id = NEW.measure_id WHERE o.approved_id = NEW.approved_id AND ("
            "(nm.part_of_id = o.measure_id AND NOT NEW.is_suppressed "
            "AND (o.is_suppressed OR o.count - NEW.count < NEW.threshold)) "
            "OR (om.part_of_id = NEW.measure_id AND NOT o.is_suppressed "
            "AND (NEW.is_suppressed OR NEW.count - o.count < o.threshold OR EXISTS (SELECT 1 "
            "FROM results_approvedfigure s JOIN results_measure sm ON sm.id = s.measure_id "
            "WHERE s.approved_id = NEW.approved_id AND sm.part_of_id = NEW.measure_id AND s.is_suppressed))) "
            "OR (nm.part_of_id = om.part_of_id AND o.is_suppressed <> NEW.is_suppressed AND EXISTS (SELECT 1 "
            "FROM results_approvedfigure w WHERE w.approved_id = NEW.approved_id AND w.measure_id = om.part_of_id))))",
            FOUND_FROM_WHOLE,
            prevents="Somebody could be recognised by the difference of two numbers that are published.",
        ),
        Trigger(
            "leave_enough_together",
            INSERT,
            # The whole less the parts that are published so far, this row included, in any order. Without the whole, or
            # without a part, it is as large as a published number. The rule adds up every choice of parts.
            "NOT NEW.is_suppressed AND NEW.count >= NEW.threshold AND ABS((SELECT SUM(CASE WHEN m.part_of_id IS NULL "
            "THEN 1 ELSE -1 END * CASE WHEN m.id = NEW.measure_id THEN NEW.count ELSE o.count END) "
            "FROM results_measure n JOIN results_measure m "
            "ON COALESCE(m.part_of_id, m.id) = COALESCE(n.part_of_id, n.id) "
            "LEFT JOIN results_approvedfigure o ON o.measure_id = m.id AND o.approved_id = NEW.approved_id "
            "AND NOT o.is_suppressed WHERE n.id = NEW.measure_id)) BETWEEN 1 AND NEW.threshold - 1",
            FOUND_FROM_WHOLE,
            prevents="Somebody could be recognised by what the published parts of a number leave of it.",
        ),
    )

    approved = models.ForeignKey(ApprovedReturn, on_delete=models.PROTECT, related_name="figures")
    measure = models.ForeignKey(Measure, on_delete=models.PROTECT, related_name="figures")
    count = CountField()
    threshold = SmallCountField(default=0, help_text="The smallest number published, if people are counted.")
    is_suppressed = models.BooleanField(default=False)

    objects = querysets.ApprovedFigureQuerySet.as_manager()

    class Meta:
        verbose_name = "approved figure"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["approved", "measure"], name="results_figure_once"),
            models.CheckConstraint(
                condition=Q(is_suppressed=True) | Q(count__gte=F("threshold")), name="results_small_figure_suppressed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure}: {self.shown}"


class ApprovedPart(Suppressible, AppendOnly):
    """How many of the people in a figure belong to one group of a breakdown."""

    triggers = (
        Trigger(
            "hidden_with_total",
            INSERT,
            "NOT NEW.is_suppressed AND EXISTS (SELECT 1 FROM results_approvedfigure f WHERE f.id = NEW.figure_id "
            "AND (f.is_suppressed OR NEW.count < f.threshold))",
            "A number that is too small to publish, or part of one, must be suppressed.",
            prevents="Somebody could be recognised by a number that is meant to be suppressed.",
        ),
        Trigger(
            "hidden_with_whole",
            INSERT,
            # `o` is the same group of another figure of the return: of the whole of this one, or of a part of it
            "EXISTS (SELECT 1 FROM results_approvedfigure f JOIN results_measure fm ON fm.id = f.measure_id "
            "JOIN results_approvedfigure g ON g.approved_id = f.approved_id "
            "JOIN results_measure gm ON gm.id = g.measure_id "
            "JOIN results_approvedpart o ON o.figure_id = g.id AND o.group_id = NEW.group_id "
            "WHERE f.id = NEW.figure_id AND ((fm.part_of_id = g.measure_id AND NOT NEW.is_suppressed "
            "AND (o.is_suppressed OR o.count - NEW.count < f.threshold)) "
            "OR (gm.part_of_id = f.measure_id AND NOT o.is_suppressed "
            "AND (NEW.is_suppressed OR NEW.count - o.count < g.threshold))))",
            FOUND_FROM_WHOLE,
            prevents="Somebody could be recognised by the difference of two numbers that are published.",
        ),
        Trigger(
            "leave_enough_together",
            INSERT,
            # Like that of figures, for the same group of the whole and of its parts.
            "NOT NEW.is_suppressed AND EXISTS (SELECT 1 FROM results_approvedfigure f WHERE f.id = NEW.figure_id "
            "AND NEW.count >= f.threshold AND ABS((SELECT SUM(CASE WHEN m.part_of_id IS NULL THEN 1 ELSE -1 END "
            "* CASE WHEN m.id = f.measure_id THEN NEW.count ELSE o.count END) "
            "FROM results_measure n JOIN results_measure m "
            "ON COALESCE(m.part_of_id, m.id) = COALESCE(n.part_of_id, n.id) "
            "LEFT JOIN results_approvedfigure g ON g.measure_id = m.id AND g.approved_id = f.approved_id "
            "LEFT JOIN results_approvedpart o ON o.figure_id = g.id AND o.group_id = NEW.group_id "
            "AND NOT o.is_suppressed WHERE n.id = f.measure_id)) BETWEEN 1 AND f.threshold - 1)",
            FOUND_FROM_WHOLE,
            prevents="Somebody could be recognised by what the published parts of a number leave of it.",
        ),
    )

    figure = models.ForeignKey(ApprovedFigure, on_delete=models.PROTECT, related_name="parts")
    group = models.ForeignKey(BreakdownGroup, on_delete=models.PROTECT, related_name="parts")
    count = CountField()
    is_suppressed = models.BooleanField(default=False)

    objects = querysets.ApprovedPartQuerySet.as_manager()

    class Meta:
        verbose_name = "approved figure of a group"
        verbose_name_plural = "approved figures of groups"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["figure", "group"], name="results_part_once")]

    def __str__(self) -> str:
        return f"{self.group}: {self.shown}"
