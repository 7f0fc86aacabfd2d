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
from programmes.models.approaches import ToolkitApproach
from programmes.models.initiatives import Initiative
from vru_portal.ledger.append_only.models import AppendOnly, Reversible
from vru_portal.ledger.append_only.trigger import INSERT, UPDATE, Trigger
from vru_portal.publishing.history import HistoryManager
from vru_portal.text.dates import format_date
from vru_portal.text.fields import CalendarDateField, LongTextField
from vru_portal.text.typed_dates import IN_OUR_TIME

# Whether an assessment has a decision in force: one that is not a reversal and has not been reversed.
DECISION_EXISTS_SQL = (
    "EXISTS (SELECT 1 FROM programmes_assessmentdecision d WHERE d.assessment_id = {assessment} "
    "AND d.reverses_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM programmes_assessmentdecision r WHERE r.reverses_id = d.id))"
)
# Whether an assessment says who in the community was asked, with what result, or why nobody was.
COMMUNITY_STATED_SQL = (
    "EXISTS (SELECT 1 FROM programmes_evidenceassessment e WHERE e.id = {assessment} "
    "AND (TRIM(e.community_asked) <> '' AND TRIM(e.community_said) <> '' AND TRIM(e.community_changed) <> '' "
    "OR TRIM(e.not_asked_because) <> ''))"
)
COMMUNITY_NOT_STATED = (
    "This assessment does not say whether the community was asked. Its author states who was asked, what they said and "
    "what changed, or why nobody was asked. Then it can be approved."
)
COMMUNITY_FIELDS = ("community_asked", "community_said", "community_changed")
TEXT_FIELDS = ("evidence", "need", "expected_effect", *COMMUNITY_FIELDS, "not_asked_because")


class EvidenceAssessment(AppendOnly):
    """Why an initiative should get money. Its author can change it until somebody else has decided on it.

    The unit allocates money only after evidence has been generated and analysed (brochure, Executive Team's message).
    """

    redactable = TEXT_FIELDS
    frozen_when = DECISION_EXISTS_SQL.format(assessment="OLD.id")
    triggers = (
        Trigger(
            "author_stays",
            UPDATE,
            "NEW.author_id <> OLD.author_id",
            "The author of an assessment cannot be changed.",
            prevents="An author could name somebody else as the author, and then approve the assessment alone.",
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
    approach = models.ForeignKey(
        ToolkitApproach,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assessments",
        verbose_name="approach of a toolkit",
        help_text="If a public toolkit rates what the initiative does.",
    )
    community_asked = LongTextField(
        "who in the community was asked",
        blank=True,
        help_text="Such as young people, families or a neighbourhood, and how many. No personal data.",
    )
    community_said = LongTextField("what they said", blank=True, help_text="No personal data.")
    community_changed = LongTextField(
        "what changed",
        blank=True,
        help_text="What is done differently because of it. If nothing is, say so and why.",
    )
    not_asked_because = LongTextField(
        "why nobody was asked", blank=True, help_text="Only if nobody was asked. It is published once approved."
    )
    history = HistoricalRecords(history_manager=HistoryManager)

    objects = querysets.AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Evidence assessment {self.pk} of {self.initiative}"

    def clean(self) -> None:
        """Refuse both answers to whether the community was asked."""
        super().clean()
        if self.not_asked_because and any(getattr(self, name) for name in COMMUNITY_FIELDS):
            raise ValidationError(
                {
                    "not_asked_because": "State either who was asked, what they said and what changed, or why nobody "
                    "was asked. Leave the other empty."
                }
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is decided on, by which the decision form tells whether it has changed since it was shown."""
        approach = self.approach
        cited = (str(approach), approach.url, *(text for _, text in approach.ratings)) if approach else ()
        texts = (*(getattr(self, name) for name in TEXT_FIELDS), *cited)
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

    @property
    def community_is_stated(self) -> bool:
        """Whether it says who was asked, what they said and what changed, or why nobody was asked."""
        answers = [getattr(self, name).strip() for name in COMMUNITY_FIELDS]
        return all(answers) or bool(self.not_asked_because.strip())

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
            prevents="One person could both assess an initiative and approve money for it.",
        ),
        Trigger(
            "once",
            INSERT,
            f"NEW.reverses_id IS NULL AND {DECISION_EXISTS_SQL.format(assessment='NEW.assessment_id')}",
            "This assessment already has a decision. Reverse that decision first.",
            "SELECT 1 FROM programmes_evidenceassessment WHERE id = NEW.assessment_id",
            prevents="Two people deciding at once could leave an assessment both approved and declined.",
        ),
        Trigger(
            "community_stated",
            INSERT,
            "NEW.reverses_id IS NULL AND NEW.outcome = 'approved' "
            f"AND NOT {COMMUNITY_STATED_SQL.format(assessment='NEW.assessment_id')}",
            COMMUNITY_NOT_STATED,
            "SELECT 1 FROM programmes_evidenceassessment WHERE id = NEW.assessment_id",
            prevents="Money could go to work without a record of whether the people it is for were asked.",
        ),
    )

    assessment = models.ForeignKey(EvidenceAssessment, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=8, choices=Outcome)
    decided_on = CalendarDateField(**IN_OUR_TIME, help_text="Money can be allocated from this date.")
    reasons = LongTextField("reasons for the decision", blank=True)

    objects = querysets.AssessmentDecisionQuerySet.as_manager()

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
