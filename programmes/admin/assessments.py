from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from programmes.choices import Outcome
from programmes.models import AssessmentDecision, EvidenceAssessment
from programmes.models.assessments import COMMUNITY_FIELDS, TEXT_FIELDS
from programmes.rules import decide_on_assessment, write_assessment
from vru_portal.ledger.append_only.recording import reverse
from vru_portal.staff.actions import Action, RecordingForm, Section
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.help import help_link
from vru_portal.staff.ledger_admin import (
    AppendOnlyAdmin,
    ReasonForm,
    RecordedElsewhereAdmin,
    RedactAction,
    reversal_status,
)
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import CalendarDateFormField, LongTextFormField


class AssessmentForm(RecordingForm):
    """A new assessment, or its author's changes."""

    class Meta:
        model = EvidenceAssessment
        fields = ("initiative", *TEXT_FIELDS, "approach")

    def record(self) -> None:
        try:
            write_assessment(by=self.by, assessment=self.instance)
        except PermissionDenied as error:  # as a message on the form: an error page would lose what was typed
            raise forms.ValidationError(str(error)) from error


class AssessmentDecisionForm(forms.Form):
    """The decision of a second person on an assessment."""

    outcome = forms.ChoiceField(choices=Outcome, widget=forms.RadioSelect)
    decided_on = CalendarDateFormField(
        widget=AdminDateWidget,
        initial=timezone.localdate,
        help_text="Money can be allocated from this date.",
    )
    reasons = LongTextFormField(
        widget=forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
        help_text="Published with the decision. Do not include personal data.",
    )
    seen = forms.CharField(widget=forms.HiddenInput)


def community_facts(row: EvidenceAssessment) -> list[tuple[str, str]]:
    """Who in the community was asked and with what result, or why nobody was."""
    if row.not_asked_because:
        return [("Why nobody in the community was asked", row.not_asked_because)]
    labels = ("Who in the community was asked", "What they said", "What changed")
    return [(label, getattr(row, name) or "Not stated") for label, name in zip(labels, COMMUNITY_FIELDS, strict=True)]


def approach_facts(row: EvidenceAssessment) -> list[tuple[str, str]]:
    """The approach that it cites, as its toolkit rates it."""
    if row.approach is None:
        return []
    ratings = "; ".join(f"{about.lower()}: {rating or 'not stated'}" for about, rating in row.approach.ratings)
    return [("Approach", f"{row.approach}, read on {format_date(row.approach.read_on)}. {ratings}")]


class DecideAction(Action):
    """Approve or decline an assessment."""

    name = "decide"
    label = "Decide"
    permission = "programmes.add_assessmentdecision"
    explanation = (
        "Read the evidence, the need, the expected effect and what the community said below. Once you decide, nobody "
        "can change the assessment. Your decision and your reasons are published with it, without your name."
    )

    def applies(self) -> bool:
        return self.row.decision is None

    def blocked_reason(self) -> str:
        if self.row.decision:
            return f"This assessment already has a decision: {self.row.decision}. Reverse that decision first."
        if self.row.author_id == self.by.pk:
            return (
                "You wrote this assessment, so somebody else must decide on it. Ask a colleague who can approve "
                "assessments to open this page."
            )
        return ""

    def facts(self) -> list[tuple[str, str]]:
        return [
            ("Evidence", self.row.evidence),
            ("Need", self.row.need),
            ("Expected effect", self.row.expected_effect),
            *community_facts(self.row),
            *approach_facts(self.row),
            ("Written by", str(self.row.author)),
        ]

    def form(self, **data: Any) -> forms.Form:
        return AssessmentDecisionForm(initial={"seen": self.row.fingerprint}, **data)

    def perform(self, form: Any) -> str:
        # If the decision is refused because the text has changed, the page shows the form again with the new text. The
        # form that is sent from there is about that new text.
        form.data = form.data.copy()
        form.data["seen"] = self.row.fingerprint
        return f"Decided: {decide_on_assessment(by=self.by, assessment=self.row, **form.cleaned_data)}"


class ReverseAssessmentDecisionAction(Action):
    """Reverse the decision on an assessment."""

    name = "reverse-decision"
    label = "Reverse the decision"
    form_class = ReasonForm
    permission = "programmes.add_assessmentdecision"
    explanation = (
        "The decision stays on record, with your reason for reversing it. The author can then change the assessment, "
        "and somebody else can decide on it again. You cannot reverse a decision while money is allocated on it."
    )

    def applies(self) -> bool:
        return self.row.decision is not None

    def blocked_reason(self) -> str:
        return "" if self.applies() else "This assessment has no decision to reverse."

    def perform(self, form: Any) -> str:
        decision, reason = self.row.decision, form.cleaned_data["reason"]
        reverse(decision, by=self.by, reason=reason)
        return f"Decision reversed: {decision}"


class RedactAssessmentAction(RedactAction):
    """Redact text in an assessment."""

    def blocked_reason(self) -> str:
        if self.row.decision is None:
            return "This assessment has no decision yet, so its author can still change the text."
        return super().blocked_reason()


class DecisionFilter(admin.SimpleListFilter):
    """Filters assessments by their decision."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting for a decision"), ("approved", "Approved"), ("declined", "Declined")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        in_force = {"decisions__reverses": None, "decisions__reversed_by": None}
        if self.value() == "waiting":
            return queryset.undecided()  # type: ignore[attr-defined]
        return queryset.filter(decisions__outcome=self.value(), **in_force) if self.value() else queryset


@admin.register(EvidenceAssessment)
class EvidenceAssessmentAdmin(AppendOnlyAdmin):
    """Assessments: written by one person, decided on by another."""

    list_display = ("initiative", "author", "state", "decided_on", "recorded_at")
    list_display_links = ("initiative",)
    list_filter = (DecisionFilter,)
    list_select_related = ("initiative", "author", "approach")
    search_fields = ("initiative__name", "evidence", "need")
    autocomplete_fields = ("initiative", "approach")
    record_form = AssessmentForm
    record_fieldsets = (
        (
            None,
            {
                "fields": ["initiative", "evidence", "need", "expected_effect"],
                "description": "You can save this as often as you need. Nobody can change it once somebody else has "
                "decided on it.",
            },
        ),
        ("Approach", {"fields": ["approach"]}),
        (
            "The community",
            {
                "fields": [*COMMUNITY_FIELDS, "not_asked_because"],
                "description": help_link("evidence"),
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["initiative", "author", "state"]}),
        ("Evidence", {"fields": ["evidence", "need", "expected_effect", "approach", "redaction"]}),
        ("The community", {"fields": [*COMMUNITY_FIELDS, "not_asked_because"]}),
    )
    row_actions = (DecideAction, ReverseAssessmentDecisionAction, RedactAssessmentAction)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvidenceAssessment]:
        decisions = AssessmentDecision.objects.select_related("reversed_by", "recorded_by")
        return super().get_queryset(request).prefetch_related(Prefetch("decisions", queryset=decisions))

    def has_change_permission(self, request: HttpRequest, obj: EvidenceAssessment | None = None) -> bool:
        """Only the author can change an assessment, until somebody decides on it."""
        is_own = obj is None or (obj.author_id == request.user.pk and obj.decision is None)
        return is_own and self.has_add_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if self.has_change_permission(request, obj):
            kwargs["form"] = self.record_form
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            self.record_fieldsets if self.has_change_permission(request, obj) else super().get_fieldsets(request, obj)
        )

    def notice(self, request: HttpRequest, row: EvidenceAssessment) -> str:
        if row.decision:
            return f"{row.decision}. To change this assessment, reverse the decision first or write a new assessment."
        if row.author_id != request.user.pk:
            return (
                f"This assessment is waiting for a decision. Until then, only its author, {row.author}, can change it."
            )
        return "This assessment is waiting for a decision by somebody other than you. Until then, you can change it."

    def sections(self, request: HttpRequest, row: EvidenceAssessment | None) -> list[Section]:
        if row is None:
            return []
        rows = [
            (
                format_date(decision.recorded_at),
                admin_link(decision, "Reversal" if decision.reverses_id else decision),
                decision.recorded_by,
                decision.reason or decision.reasons,
                reversal_status(decision),
            )
            for decision in row.decisions.all()
        ]
        headings = ("Recorded", "Decision", "By", "Reasons", "State")
        return [Section("Decisions", headings, rows, empty="None yet.")]

    @admin.display(description="state")
    def state(self, row: EvidenceAssessment) -> str:
        return Outcome(row.decision.outcome).label.partition(":")[0] if row.decision else "Waiting"

    @admin.display(description="decided on")
    def decided_on(self, row: EvidenceAssessment) -> str:
        return format_date(row.decision.decided_on) if row.decision else "-"


@admin.register(AssessmentDecision)
class AssessmentDecisionAdmin(RecordedElsewhereAdmin):
    """Decisions. They are made on the page of their assessment; here they are listed."""

    list_display = ("assessment", "outcome", "decided_on", "recorded_by", "state")
    list_filter = ("outcome",)
    list_select_related = ("assessment__initiative", "recorded_by", "reversed_by")
    search_fields = ("assessment__initiative__name", "reasons")
    row_actions = (RedactAction,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["assessment_link", "outcome", "decided_on", "recorded_by", "state"]}),
        ("Reasons", {"fields": ["reasons", "reason", "redaction"]}),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Anyone who can decide on assessments can also see the decisions."""
        return super().has_view_permission(request, obj) or request.user.has_perm(DecideAction.permission)

    @admin.display(description="assessment")
    def assessment_link(self, row: AssessmentDecision) -> str:
        return admin_link(row.assessment)
