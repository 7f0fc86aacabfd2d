from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html

from programmes.results.admin.answers import answer_facts, draft_of, why_empty
from programmes.results.admin.figures import QuarterFilter
from programmes.results.models import (
    ApprovedReturn,
    Mail,
    Reporter,
    Return,
    ReturnDraft,
)
from programmes.results.resources import ReturnResource
from programmes.results.rules import approving, asking
from vru_portal.links.choices import DraftState
from vru_portal.staff.actions import RecordingForm, Section, WriteOnceAdmin
from vru_portal.staff.admin_links import admin_link, can_view
from vru_portal.staff.base_admin import PortalAdmin, ReadOnlyAdmin
from vru_portal.staff.imports.page import FileImport
from vru_portal.staff.requests import (
    ApprovalForm,
    Approve,
    Cancel,
    Erase,
    Extend,
    QuestionForm,
    RequestAction,
    SendAgain,
    SendBack,
    StateFilter,
    StillAskedMixin,
    people_of,
    question_facts,
    question_sections,
    state_of,
)
from vru_portal.text.dates import format_date, format_datetime
from vru_portal.text.form_fields import EmailAddressFormField, LineFormField, LongTextFormField

NO_ADDRESS = (
    "This return has no email address, so no email is sent. Tell them yourself. Afterwards, import a file with their "
    "answers, or choose “Send again” to send a link to somebody."
)


class ReturnForm(RecordingForm):
    """Asks an organisation for figures."""

    email = EmailAddressFormField(help_text="The person who will report. Never published.")
    contact_name = LineFormField(max_length=120, required=False)

    class Meta:
        model = Return
        fields = ("initiative", "organisation", "quarter", "due_on", "closes_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("due_on", "closes_on"):
            self.fields[name].required = False
            self.fields[name].help_text += " Leave empty to use the reporting rules."

    def _get_validation_exclusions(self) -> set[str]:
        """The rule fills in the dates, and validates the whole."""
        return {*super()._get_validation_exclusions(), "due_on", "closes_on"}  # type: ignore[misc]

    def validate_constraints(self) -> None:
        """Leave that to the rule, for the same reason."""

    def record(self) -> None:
        data = self.cleaned_data
        asking.ask(by=self.by, row=self.instance, email=data["email"], contact_name=data["contact_name"])


class CorrectionForm(ApprovalForm):
    """Asks why published figures are replaced."""

    correction = LongTextFormField(
        label="Why they are corrected",
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="It is published with the correction.",
    )


class ReturnAction(RequestAction):
    """Something that staff do to a return."""

    permission = "results.change_return"

    @property
    def draft(self) -> ReturnDraft:
        return draft_of(self.row)


class ApproveAction(Approve, ReturnAction):
    """Publishes figures."""

    permission = "results.approve_return"
    form_class = CorrectionForm
    explanation = (
        "The figures are published immediately and stay on record permanently. If they are corrected later, both "
        "versions are kept with their dates. Read the sentences too: they must not name anybody or mention a small "
        "number of people."
    )

    def facts(self) -> list[tuple[str, str]]:
        return [*question_facts(self.draft), *answer_facts(self.row)]

    def form(self, **data: Any) -> forms.Form:
        """Why figures are corrected is asked only where some are published."""
        form = super().form(**data)
        same = {name: getattr(self.row, name) for name in ("initiative", "organisation", "quarter")}
        if not ApprovedReturn.objects.filter(**same).exists():
            del form.fields["correction"]
        return form

    def perform(self, form: Any) -> str:
        correction = form.cleaned_data.get("correction", "")
        approving.approve(by=self.by, row=self.row, correction=correction, seen=self.seen_in(form))
        return "Approved and published"


class QuestionAction(ReturnAction):
    """Asks the organisation a question, by email if the return has an address."""

    permission = "results.approve_return"
    form_class = QuestionForm

    @property
    def has_address(self) -> bool:
        return bool(self.draft.email)

    def form(self, **data: Any) -> forms.Form:
        form = super().form(**data)
        if not self.has_address:
            form.fields["question"].help_text = "Anyone who opens this return's link can read it. It is not published."
        return form


class QueryAction(SendBack, QuestionAction):
    """Sends figures back."""

    @property
    def explanation(self) -> str:  # type: ignore[override]
        if self.has_address:
            return "We email them your question. Their link works again, and their answers are still there."
        return f"{NO_ADDRESS} Their answers are still there."

    def perform(self, form: Any) -> str:
        approving.query(row=self.row, question=form.cleaned_data["question"])
        return "Sent back"


class AskForCorrectionAction(QuestionAction):
    """Opens a return whose figures are published."""

    name = "correct"
    label = "Ask for a correction"
    states = (DraftState.APPROVED,)

    @property
    def explanation(self) -> str:  # type: ignore[override]
        told = "We email them what needs correcting, and their link works again." if self.has_address else NO_ADDRESS
        return (
            f"{told} What is published stays until you approve the corrected figures. Then both stay on record, each "
            "with its date."
        )

    def perform(self, form: Any) -> str:
        approving.ask_for_correction(row=self.row, question=form.cleaned_data["question"])
        return "Opened for a correction"


class SendAgainAction(SendAgain, ReturnAction):
    """Sends the request for a return again."""

    def perform(self, form: Any) -> str:
        data = form.cleaned_data
        asking.send_again(row=self.row, email=data["email"], contact_name=data["contact_name"])
        return "Sent again"


class ExtendAction(Extend, ReturnAction):
    """Keeps a return open for longer, also one whose figures are to be corrected."""

    states = (*Extend.states, DraftState.APPROVED)
    explanation = "Change the last day for filling it in. A closed return opens again with everything that was saved."

    def perform(self, form: Any) -> str:
        asking.extend(row=self.row, closes_on=form.cleaned_data["day"])
        return "Extended"


class CancelAction(Cancel, ReturnAction):
    """Cancels the request for figures."""

    confirmation = "I understand that nothing from this return will be published."
    explanation = (
        "Cancel the request if these figures are no longer needed, for example because the initiative was withdrawn. "
        "The page of the initiative will no longer say that they are due."
    )

    def blocked_reason(self) -> str:
        return super().blocked_reason() or (asking.ALREADY_PUBLISHED if self.row.approved.exists() else "")

    def perform(self, form: Any) -> str:
        asking.cancel(row=self.row)
        return "Cancelled"


class EraseAction(Erase, ReturnAction):
    """Erases the personal data of a return."""

    permission = "results.erase_return"
    explanation = (
        "This permanently erases the names and email addresses of all who were asked, their emails and links, our "
        "question and the answers, also those from a file. Published figures stay. If their sentences name a person, "
        "redact them as well. Answers that nobody has approved count as not reported: you can ask somebody else for "
        "them. If the person reports every quarter, change that list too."
    )


def link_to_published(row: Return) -> str:
    """A link to where the public sees the figures."""
    initiative = row.initiative
    if not (initiative.is_public and initiative.level.is_public):
        return ""
    return format_html('<a href="{}#results">See them on the site</a>', initiative.get_absolute_url())


class ReturnStateFilter(StateFilter):
    """Filters returns by how far they have got."""

    state = "draft__state"


@admin.register(Return)
class ReturnAdmin(StillAskedMixin, FileImport, WriteOnceAdmin):
    """Who is asked for which figures, and what they have answered: through their links, or in a file."""

    import_template_name = "admin/results/import.html"
    resource_classes = (ReturnResource,)
    list_display = ("initiative", "state_name", "period_name", "organisation", "due_on")
    list_select_related = ("initiative", "organisation", "draft")
    list_filter = (ReturnStateFilter, QuarterFilter)
    search_fields = ("initiative__name", "organisation__name", "draft__email", "draft__contact_name")
    autocomplete_fields = ("initiative", "organisation")
    row_actions = (
        ApproveAction,
        QueryAction,
        AskForCorrectionAction,
        SendAgainAction,
        ExtendAction,
        CancelAction,
        EraseAction,
    )
    record_form = ReturnForm
    record_fieldsets = (
        (None, {"fields": ["initiative", "organisation", "quarter"]}),
        ("Who reports", {"fields": ["email", "contact_name"]}),
        ("Dates", {"fields": ["due_on", "closes_on"]}),
    )
    fieldsets = (
        (None, {"fields": ["initiative", "organisation", "period_name", "state_name", "due_on", "closes_on"]}),
        ("What has happened", {"fields": ["asked_at", "asked_by", "reported_at", "cancelled_at", "erased_at"]}),
    )

    @admin.display(description="personal data erased")
    def erased_at(self, row: Return) -> str:
        at = draft_of(row).erased_at
        return format_datetime(at) if at else "-"

    @admin.display(description="quarter", ordering="quarter")
    def period_name(self, row: Return) -> str:
        return row.period.short

    @admin.display(description="state", ordering="draft__state")
    def state_name(self, row: Any) -> str:
        return state_of(draft_of(row), still_asked=row.still_asked)

    def lock_row(self, object_id: str) -> None:
        """Lock the draft before its return, as the rules do."""
        with suppress(ValidationError):
            key = self.opts.pk.to_python(unquote(object_id))
            list(ReturnDraft.objects.filter(return_of_figures=key).select_for_update().values_list("pk"))
        super().lock_row(object_id)

    def notice_before(self, request: HttpRequest) -> str:
        reasons = asking.asking_blockers()
        return f"Nobody can be asked for figures yet. {' '.join(reasons)}" if reasons else ""

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        if row is None:
            return []
        draft = draft_of(row)
        people = people_of(draft, f"{draft.recorded_by}, from a file" if draft.recorded_by else "")
        published = [
            (admin_link(one, f"Version {one.number}"), format_date(one.recorded_at), one.correction)
            for one in row.approved.order_by("number")
        ]
        found = [
            *question_sections(draft),
            Section("Answers", ("What", "Entered"), answer_facts(row), empty=why_empty(draft)),
            Section(
                "Published",
                ("Version", "Approved on", "Why corrected"),
                published,
                empty="Nothing is published.",
                note=link_to_published(row) if published else "",
            ),
        ]
        if can_view(request, Reporter):
            found.append(Section("Who reports", ("What", "Who"), [one for one in people if one[1]]))
        return found


@admin.register(Reporter)
class ReporterAdmin(PortalAdmin):
    """Who is asked every quarter, automatically."""

    list_display = ("initiative", "organisation", "contact_name", "first_quarter", "last_quarter")
    list_select_related = ("initiative", "organisation")
    search_fields = ("initiative__name", "organisation__name", "email", "contact_name")
    autocomplete_fields = ("initiative", "organisation")
    fieldsets = (
        (None, {"fields": ["initiative", "organisation"]}),
        ("Who reports", {"fields": ["email", "contact_name"]}),
        ("From when to when", {"fields": [("first_quarter", "last_quarter")]}),
    )


@admin.register(Mail)
class ReturnMailAdmin(ReadOnlyAdmin):
    """Emails about returns, and whether they were sent. Their text and links are made only then, and never stored."""

    list_display = ("kind", "draft", "to", "delivery", "attempts", "error")
    list_select_related = ("draft__return_of_figures__initiative", "draft__return_of_figures__organisation")
    list_filter = ("delivery", "kind")
    search_fields = ("to", "draft__return_of_figures__initiative__name", "draft__return_of_figures__organisation__name")
    fields = ("kind", "draft", "to", "delivery", "attempts", "due_at", "error", "created_at", "sent_at", "message_id")
