import hashlib
from datetime import date

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from programmes import querysets
from programmes.choices import Outcome
from programmes.models.initiatives import Initiative
from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, UPDATE, Trigger
from vru_portal.publishing.history import HistoryManager
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LongTextField

# Whether an assessment has a decision in force: one that is not a reversal and has not been reversed.
DECISION_EXISTS_SQL = (
    "EXISTS (SELECT 1 FROM programmes_assessmentdecision d WHERE d.assessment_id = {assessment} "
    "AND d.reverses_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision r WHERE r.reverses_id = d.id))"
)


class EvidenceAssessment(AppendOnly):
    """Why an initiative should get money. Its author can change it until somebody else has decided on it.

    The unit allocates money only after evidence has been generated and analysed (brochure, Executive Team's message).
    """

    redactable = ("evidence", "need", "expected_effect")
    frozen_once = DECISION_EXISTS_SQL.format(assessment="OLD.id")
    triggers = (
        Trigger(
            "author_stays",
            UPDATE,
            "NEW.author_id <> OLD.author_id",
            "The author of an assessment cannot be changed.",
            bypassed="An author could name somebody else as the author, and then approve the assessment alone.",
        ),
    )

    approved_on: date  # set by `objects.approved()`

    initiative = models.ForeignKey(Initiative, on_delete=models.PROTECT, related_name="assessments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")
    evidence = LongTextField(
        help_text="What was generated and analysed. It is published once approved, so do not include personal data."
    )
    need = LongTextField(help_text="Who needs it, and how much. It is published once approved.")
    expected_effect = LongTextField(help_text="What it should change, and by when. It is published once approved.")
    history = HistoricalRecords(history_manager=HistoryManager)

    objects = querysets.AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Evidence assessment {self.pk} of {self.initiative}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text, by which the decision form tells whether the text has changed since it was shown."""
        return hashlib.sha256("\0".join((self.evidence, self.need, self.expected_effect)).encode()).hexdigest()

    @property
    def decision(self) -> "AssessmentDecision | None":
        """The decision in force, if there is one."""
        return next((d for d in self.decisions.all() if d.reverses_id is None and not d.is_reversed), None)


class AssessmentDecision(Reversible):
    """The decision on an evidence assessment. It is recorded by the person who decided, who is not its author."""

    mirrored = ("assessment", "outcome", "decided_on")
    redactable = ("reasons", "reason")
    triggers = (
        Trigger(
            "four_eyes",
            INSERT,
            "NOT EXISTS (SELECT 1 FROM programmes_evidenceassessment e "
            "WHERE e.id = NEW.assessment_id AND e.author_id <> NEW.recorded_by_id)",
            "The author of an assessment cannot decide on it or reverse a decision on it. Ask a colleague.",
            bypassed="One person could both assess an initiative and approve money for it.",
        ),
        Trigger(
            "once",
            INSERT,
            f"NEW.reverses_id IS NULL AND {DECISION_EXISTS_SQL.format(assessment='NEW.assessment_id')}",
            "This assessment already has a decision. Reverse that decision first.",
            "SELECT 1 FROM programmes_evidenceassessment WHERE id = NEW.assessment_id",
            bypassed="Two people deciding at once could leave an assessment both approved and declined.",
        ),
    )

    assessment = models.ForeignKey(EvidenceAssessment, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=8, choices=Outcome)
    decided_on = CalendarDateField(help_text="Money can be allocated from this date.")
    reasons = LongTextField("reasons for the decision", blank=True)

    objects = querysets.DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            *Reversible.Meta.constraints,
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="programmes_decision_outcome_known"),
            models.CheckConstraint(condition=Q(recorded_by__isnull=False), name="programmes_decision_has_approver"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | ~Q(reasons=""),
                name="programmes_decision_has_reasons",
                violation_error_message="Enter the reasons. They are published with the decision.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display().partition(':')[0]} on {format_date(self.decided_on)}"

    def clean(self) -> None:
        """Refuse a date in the future."""
        if self.decided_on and self.decided_on > timezone.localdate():
            raise ValidationError({"decided_on": "The date must be today or in the past."})
