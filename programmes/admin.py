from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html

from partners.admin import PROVENANCE, SourcedAdmin
from programmes.choices import Outcome
from programmes.forms import DocumentForm, PictureForm
from programmes.models import (
    Area,
    AssessmentDecision,
    Audience,
    Document,
    EvidenceAssessment,
    Initiative,
    Passage,
    Picture,
    Predecessor,
    PreventionLevel,
    Setting,
    Story,
    SuccessCondition,
    Term,
)
from programmes.rules import decide, write
from vru_portal.admin import PortalAdmin
from vru_portal.append_only import reverse as take_back
from vru_portal.append_only_admin import AppendOnlyAdmin, ReasonForm, RecordedElsewhereAdmin, RedactStep, standing
from vru_portal.record_admin import RecordAdmin
from vru_portal.step_admin import RecordForm, Section, Step, day, link


@admin.register(PreventionLevel)
class PreventionLevelAdmin(SourcedAdmin):
    """Levels of prevention."""

    list_display = ("name", "state", "position", "mark", "moment")
    list_filter = ("state",)
    search_fields = ("name", "definition")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ["name", "slug", "position", "mark"]}),
        ("Words", {"fields": ["moment", "summary", "definition"]}),
        PROVENANCE,
    )


@admin.register(SuccessCondition)
class SuccessConditionAdmin(SourcedAdmin):
    """Conditions for success."""

    list_display = ("number", "title", "level", "state")
    list_display_links = ("number", "title")
    list_filter = ("state", "level")
    list_select_related = ("level",)
    search_fields = ("title", "text")
    autocomplete_fields = ("level", "source")
    fieldsets = ((None, {"fields": ["number", "title", "text", "level"]}), PROVENANCE)


@admin.register(Audience, Setting, Area)
class VocabularyAdmin(PortalAdmin):
    """Words that visitors filter by."""

    list_display = ("name",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Initiative)
class InitiativeAdmin(SourcedAdmin):
    """Initiatives."""

    list_display = ("name", "level", "state", "lead_organisation", "sensitive_topic", "as_at", "checked_on")
    list_filter = ("state", "level", "audiences", "settings", "areas")
    list_select_related = ("level", "lead_organisation")
    search_fields = ("name", "summary", "description")
    autocomplete_fields = (
        "level",
        "audiences",
        "settings",
        "areas",
        "lead_organisation",
        "partners",
        "source",
    )
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "name",
                    "slug",
                    "level",
                    "position",
                    "summary",
                    "description",
                    "funded_period",
                ]
            },
        ),
        (
            "For whom and where",
            {"fields": ["audience_text", "audiences", "setting_text", "settings", "area_text", "areas"]},
        ),
        ("Taking part", {"fields": ["eligibility", "referral", "contact"]}),
        ("Who delivers it", {"fields": ["lead_organisation", "partners"]}),
        ("Safety", {"fields": ["sensitive_topic", "safety_notice"]}),
        PROVENANCE,
    )


@admin.register(Predecessor)
class PredecessorAdmin(SourcedAdmin):
    """What the unit builds on."""

    list_display = ("title", "organisation", "publication", "state", "position")
    list_filter = ("state",)
    list_select_related = ("organisation", "publication")
    search_fields = ("title", "description")
    autocomplete_fields = ("organisation", "publication", "source")
    fieldsets = (
        (None, {"fields": ["title", "description", "organisation", "publication", "position"]}),
        PROVENANCE,
    )


@admin.register(Term)
class TermAdmin(SourcedAdmin):
    """Words explained."""

    list_display = ("name", "defined_by", "level", "state")
    list_filter = ("state",)
    list_select_related = ("defined_by", "level")
    search_fields = ("name", "definition")
    autocomplete_fields = ("defined_by", "level", "source")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ["name", "slug", "definition", "defined_by", "defines_violence", "level"]}),
        PROVENANCE,
    )


@admin.register(Passage)
class PassageAdmin(SourcedAdmin):
    """The unit's own words."""

    list_display = ("slot", "title", "state", "as_at")
    list_filter = ("state",)
    search_fields = ("slot", "title", "body")
    fieldsets = ((None, {"fields": ["slot", "title", "body"]}), PROVENANCE)


@admin.register(Story)
class StoryAdmin(SourcedAdmin):
    """News."""

    list_display = ("title", "published_on", "state")
    list_filter = ("state",)
    search_fields = ("title", "summary", "body")
    date_hierarchy = "published_on"
    autocomplete_fields = ("picture", "source")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ["title", "slug", "published_on", "summary", "picture", "body"]}),
        PROVENANCE,
    )


class UploadedAdmin(RecordAdmin):
    """Files that staff upload."""

    list_filter: ClassVar[Any] = ("state",)
    search_fields: ClassVar[Any] = ("title", "slug", "credit")
    prepopulated_fields: ClassVar[Any] = {"slug": ("title",)}
    readonly_fields = ("kept",)

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/markdown.css"]}

    @admin.display(description="size", ordering="size")
    def weight(self, row: Any) -> str:
        """How much a visitor downloads."""
        return filesizeformat(row.size)

    @admin.display(description="kept now")
    def kept(self, row: Any) -> str:
        """What is kept, with a link that opens it."""
        if not row.sha256:
            return "Nothing yet: choose a file."
        kind = row.file.name.rpartition(".")[2].upper()
        return format_html('<a href="{}">{}</a>, {}', row.get_absolute_url(), kind, filesizeformat(row.size))


@admin.register(Picture)
class PictureAdmin(UploadedAdmin):
    """Pictures."""

    form = PictureForm
    list_display = ("title", "state", "alternative_text", "measures", "weight")
    search_fields = ("title", "slug", "credit", "alternative_text")
    fieldsets = ((None, {"fields": ["title", "slug", "kept", "file", "alternative_text", "credit"]}),)

    @admin.display(description="pixels")
    def measures(self, row: Picture) -> str:
        """How large it is shown at most."""
        return f"{row.width} by {row.height}"

    @admin.display(description="kept now")
    def kept(self, row: Picture) -> str:
        """The picture itself."""
        if not row.sha256:
            return super().kept(row)
        return format_html(
            '<img src="{}" alt="{}" width="{}" height="{}"><br>{}',
            row.get_absolute_url(), row.alternative_text, row.width, row.height, super().kept(row),
        )  # fmt: skip


@admin.register(Document)
class DocumentAdmin(UploadedAdmin):
    """Documents."""

    form = DocumentForm
    list_display = ("title", "state", "weight")
    fieldsets = ((None, {"fields": ["title", "slug", "kept", "file", "credit"]}),)


# Evidence, with four eyes ---------------------------------------------------------------------------------------------


class AssessmentForm(RecordForm):
    """A new assessment, or its author's changes."""

    class Meta:
        model = EvidenceAssessment
        fields = ("initiative", "evidence", "need", "expected_effect")

    def record(self) -> None:
        """Save it through the rule."""
        try:
            write(by=self.by, assessment=self.instance)
        except PermissionDenied as error:  # its author changed hands between opening and sending: say it, lose nothing
            raise forms.ValidationError(str(error)) from error


class DecisionForm(forms.Form):
    """What the second pair of eyes decides."""

    outcome = forms.ChoiceField(choices=Outcome, widget=forms.RadioSelect)
    decided_on = forms.DateField(
        widget=AdminDateWidget,
        initial=timezone.localdate,
        help_text="The day of the decision. Money can be allocated from this day on, not before.",
    )
    reasons = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
        help_text="Published with the decision. No personal data.",
    )
    read = forms.CharField(widget=forms.HiddenInput)


class DecideStep(Step):
    """Approve or decline."""

    name = "decide"
    label = "Decide"
    permission = "programmes.add_assessmentdecision"
    explanation = (
        "Read the evidence, the need and the expected effect below. Once you have decided, the assessment cannot be "
        "changed any more; your decision and your reasons are published with it, without your name."
    )

    def applies(self) -> bool:
        """It is decided on once."""
        return self.row.decision is None

    def obstacle(self) -> str:
        """Say why this person, or anybody, cannot decide."""
        if self.row.decision:
            return f"This is decided already: {self.row.decision}. Reverse that decision first."
        if self.row.author_id == self.by.pk:
            return (
                "You wrote this assessment, so somebody else decides on it. Ask a colleague who may approve "
                "assessments to open this page."
            )
        return ""

    def facts(self) -> list[tuple[str, str]]:
        """Show what is decided on."""
        return [
            ("Evidence", self.row.evidence),
            ("Need", self.row.need),
            ("Expected effect", self.row.expected_effect),
            ("Written by", str(self.row.author)),
        ]

    def form(self, **data: Any) -> forms.Form:
        """Ask for the decision on what is shown."""
        return DecisionForm(initial={"read": self.row.fingerprint}, **data)

    def take(self, form: Any) -> str:
        """Record the decision."""
        # Sent again after a refusal, the form is about the text that is shown with it.
        form.data = form.data.copy()
        form.data["read"] = self.row.fingerprint
        return f"Decided: {decide(by=self.by, assessment=self.row, **form.cleaned_data)}"


class ReverseDecisionStep(Step):
    """Take the decision back."""

    name = "reverse-decision"
    label = "Reverse the decision"
    permission = "programmes.add_assessmentdecision"
    explanation = (
        "The decision is taken back and stays on record with your reason. The author can then change the assessment, "
        "and somebody else decides anew. Not possible while money is allocated on it."
    )

    def applies(self) -> bool:
        """Whether there is a decision to reverse."""
        return self.row.decision is not None

    def obstacle(self) -> str:
        """Say that there is none."""
        return "" if self.applies() else "No decision stands on this assessment, so there is nothing to reverse."

    def form(self, **data: Any) -> forms.Form:
        """Ask for the reason."""
        return ReasonForm(**data)

    def take(self, form: Any) -> str:
        """Record the reversal."""
        decision, reason = self.row.decision, form.cleaned_data["reason"]
        take_back(decision, by=self.by, reason=reason)
        return f"Decision reversed: {decision}"


class RedactAssessmentStep(RedactStep):
    """Take text out of an assessment."""

    permission = "programmes.change_evidenceassessment"

    def obstacle(self) -> str:
        """Leave a draft to its author."""
        if self.row.decision is None:
            return "This is a draft: its author can change the text itself."
        return super().obstacle()


class DecidedFilter(admin.SimpleListFilter):
    """How far assessments have come."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("waiting", "Waiting for a second pair of eyes"), ("approved", "Approved"), ("declined", "Declined")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        stands = {"decisions__reverses": None, "decisions__reversed_by": None}
        if self.value() == "waiting":
            return queryset.undecided()  # type: ignore[attr-defined]
        return queryset.filter(decisions__outcome=self.value(), **stands) if self.value() else queryset


@admin.register(EvidenceAssessment)
class EvidenceAssessmentAdmin(AppendOnlyAdmin):
    """Assessments: written by one person, decided on by another."""

    list_display = ("initiative", "author", "state", "decided_on", "recorded_at")
    list_display_links = ("initiative",)
    list_filter = (DecidedFilter,)
    list_select_related = ("initiative", "author")
    search_fields = ("initiative__name", "evidence", "need")
    autocomplete_fields = ("initiative",)
    record_form = AssessmentForm
    record_fieldsets = (
        (
            None,
            {
                "fields": ["initiative", "evidence", "need", "expected_effect"],
                "description": "Save it as often as you need. Somebody else then decides on it; from then on it cannot "
                "be changed.",
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["initiative", "author", "state"]}),
        ("Evidence", {"fields": ["evidence", "need", "expected_effect", "redaction"]}),
    )
    steps = (DecideStep, ReverseDecisionStep, RedactAssessmentStep)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvidenceAssessment]:
        """Add the decisions."""
        decisions = AssessmentDecision.objects.select_related("reversed_by", "recorded_by")
        return super().get_queryset(request).prefetch_related(Prefetch("decisions", queryset=decisions))

    def has_change_permission(self, request: HttpRequest, obj: EvidenceAssessment | None = None) -> bool:
        """Its author changes an assessment, until it is decided on."""
        mine = obj is None or (obj.author_id == request.user.pk and obj.decision is None)
        return mine and self.has_add_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the same form to write and to change."""
        if self.has_change_permission(request, obj):
            kwargs["form"] = self.record_form
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the form for its author, the facts for others."""
        return (
            self.record_fieldsets if self.has_change_permission(request, obj) else super().get_fieldsets(request, obj)
        )

    def notice(self, request: HttpRequest, row: EvidenceAssessment) -> str:
        """Say why it cannot be changed here, and who does what next."""
        if row.decision:
            return (
                f"{row.decision}. It cannot be changed any more: reverse the decision first, or write a new assessment."
            )
        if row.author_id != request.user.pk:
            return f"This waits for a second pair of eyes. Only its author, {row.author}, can change it."
        return (
            "This waits for a second pair of eyes: somebody other than you decides on it. Until then you can change it."
        )

    def sections(self, request: HttpRequest, row: EvidenceAssessment | None) -> list[Section]:
        """Return the decisions, with what took them back."""
        if row is None:
            return []
        rows = [
            (
                day(decision.recorded_at),
                link(decision, "Reversal" if decision.reverses_id else decision),
                decision.recorded_by,
                decision.reason or decision.reasons,
                standing(decision),
            )
            for decision in row.decisions.all()
        ]
        headings = ("Recorded", "Decision", "By", "Reasons", "State")
        return [Section("Decisions", headings, rows, empty="None yet.")]

    @admin.display(description="state")
    def state(self, row: EvidenceAssessment) -> str:
        """How far it has come."""
        return Outcome(row.decision.outcome).label.partition(":")[0] if row.decision else "Waiting"

    @admin.display(description="decided on")
    def decided_on(self, row: EvidenceAssessment) -> str:
        """The day of the decision that stands."""
        return f"{row.decision.decided_on:%-d %B %Y}" if row.decision else "-"


class RedactDecisionStep(RedactStep):
    """Take text out of a decision, or of the reversal of one."""

    permission = "programmes.change_assessmentdecision"


@admin.register(AssessmentDecision)
class AssessmentDecisionAdmin(RecordedElsewhereAdmin):
    """Decisions: taken on the page of their assessment, listed here."""

    list_display = ("assessment", "outcome", "decided_on", "recorded_by", "state")
    list_filter = ("outcome",)
    list_select_related = ("assessment__initiative", "recorded_by", "reversed_by")
    search_fields = ("assessment__initiative__name", "reasons")
    steps = (RedactDecisionStep,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["of", "outcome", "decided_on", "recorded_by", "state"]}),
        ("Reasons", {"fields": ["reasons", "reason", "redaction"]}),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may decide can look at what was decided."""
        return super().has_view_permission(request, obj) or request.user.has_perm(DecideStep.permission)

    @admin.display(description="assessment")
    def of(self, row: AssessmentDecision) -> str:
        """The assessment, to go there."""
        return link(row.assessment)

    @admin.display(description="state")
    def state(self, row: AssessmentDecision) -> str:
        """Whether it stands."""
        return standing(row)
