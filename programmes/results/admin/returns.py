from contextlib import suppress
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import HttpRequest
from django.utils import timezone

from programmes.results.admin.figures import QuarterFilter
from programmes.results.choices import OPEN_STATES, WAITING_STATES, DraftState
from programmes.results.models import Mail, Reporter, Return, ReturnDraft
from programmes.results.resources import ReturnResource
from programmes.results.rules import approving, asking
from programmes.results.rules.answers import SPEND, WORDS, read_figure
from programmes.results.rules.reporting import measures_of
from vru_portal.staff.actions import Action, RecordingForm, Section, WriteOnceAdmin
from vru_portal.staff.base_admin import PortalAdmin, ReadOnlyAdmin
from vru_portal.staff.imports.page import FileImport
from vru_portal.staff.links import admin_link, can_view
from vru_portal.text.inputs import CalendarDateInput, EmailAddressInput, LineInput, LongTextInput

NO_ADDRESS = (
    "This return has no email address, so no email is sent. Tell them yourself. Afterwards, import a file with their "
    "answers, or choose “Send again” to send a link to somebody."
)


def draft_of(row: Return) -> ReturnDraft:
    """The draft of a return; an empty one that was approved, for a return whose people were never recorded here."""
    try:
        return row.draft
    except ObjectDoesNotExist:
        return ReturnDraft(asked=row, state=DraftState.APPROVED)


class ReturnForm(RecordingForm):
    """Asks an organisation for figures."""

    email = EmailAddressInput(help_text="The email address of the person who reports. Never published.")
    contact_name = LineInput(max_length=120, required=False)

    class Meta:
        model = Return
        fields = ("initiative", "organisation", "quarter", "due_on", "closes_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("due_on", "closes_on"):
            self.fields[name].required = False
            self.fields[name].help_text += " Leave empty for what the reporting rules say."

    def _get_validation_exclusions(self) -> set[str]:
        """The rule fills in the dates, and validates the whole."""
        return {*super()._get_validation_exclusions(), "due_on", "closes_on"}  # type: ignore[misc]

    def validate_constraints(self) -> None:
        """Leave that to the rule, for the same reason."""

    def record(self) -> None:
        data = self.cleaned_data
        asking.ask(by=self.by, row=self.instance, email=data["email"], contact_name=data["contact_name"])


class QuestionForm(forms.Form):
    """Asks what is unclear."""

    question = LongTextInput(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text="They get it by email. It is not published.",
    )


class CorrectionForm(forms.Form):
    """Asks why published figures are replaced."""

    correction = LongTextInput(
        label="Why they are corrected",
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="Only if figures of this quarter are published already. It is published with the correction.",
    )


class ContactForm(forms.Form):
    """Asks whom to send it to."""

    email = EmailAddressInput()
    contact_name = LineInput(max_length=120, required=False)


class DayForm(forms.Form):
    """Asks for a date."""

    day = CalendarDateInput(label="Can be filled in until")


class ReturnAction(Action):
    """Something that staff do to a return."""

    permission = "results.change_return"
    states: ClassVar[tuple[str, ...]] = ()

    def applies(self) -> bool:
        return draft_of(self.row).state in self.states

    def blocked_reason(self) -> str:
        return "" if self.applies() else f"This return is “{draft_of(self.row).get_state_display()}”."


class ApproveAction(ReturnAction):
    """Publishes figures."""

    name = "approve"
    label = "Approve and publish"
    permission = "results.approve_return"
    form_class = CorrectionForm
    states = (DraftState.SUBMITTED,)
    explanation = (
        "The figures are published immediately and stay on record permanently. If they are corrected later, both "
        "versions are kept with their dates. Read the sentences too: they must not name anybody or mention a small "
        "number of people."
    )

    def facts(self) -> list[tuple[str, str]]:
        return answer_facts(self.row)

    def perform(self, form: Any) -> str:
        approving.approve(by=self.by, row=self.row, correction=form.cleaned_data["correction"])
        return "Approved and published"


class QuestionAction(ReturnAction):
    """Asks the organisation a question, by email if the return has an address."""

    permission = "results.approve_return"
    form_class = QuestionForm

    @property
    def has_address(self) -> bool:
        return bool(draft_of(self.row).email)

    def form(self, **data: Any) -> forms.Form:
        form = super().form(**data)
        if not self.has_address:
            form.fields["question"].help_text = "Everybody with a link to this return can read it. It is not published."
        return form


class QueryAction(QuestionAction):
    """Sends figures back."""

    name = "query"
    label = "Send back with a question"
    states = (DraftState.SUBMITTED,)

    @property
    def explanation(self) -> str:  # type: ignore[override]
        if self.has_address:
            return "We email them your question. Their link works again, and their answers are still there."
        return f"{NO_ADDRESS} Their answers are still there."

    def perform(self, form: Any) -> str:
        approving.query(row=self.row, question=form.cleaned_data["question"])
        return "Sent back"


class CorrectAction(QuestionAction):
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


class SendAgainAction(ReturnAction):
    """Sends the request again."""

    name = "send-again"
    label = "Send again"
    form_class = ContactForm
    states = OPEN_STATES
    explanation = "We send a new link, to the same person or another. Earlier links still work."

    def form(self, **data: Any) -> forms.Form:
        draft = draft_of(self.row)
        return ContactForm(initial={"email": draft.email, "contact_name": draft.contact_name}, **data)

    def perform(self, form: Any) -> str:
        data = form.cleaned_data
        asking.send_again(row=self.row, email=data["email"], contact_name=data["contact_name"])
        return "Sent again"


class ExtendAction(ReturnAction):
    """Keeps a return open for longer."""

    name = "extend"
    label = "Extend"
    form_class = DayForm
    states = (*OPEN_STATES, DraftState.SUBMITTED, DraftState.APPROVED)
    explanation = "Until when it can be filled in. A return that has closed opens again, with all that was saved."

    def perform(self, form: Any) -> str:
        asking.extend(row=self.row, closes_on=form.cleaned_data["day"])
        return "Extended"


class CancelAction(ReturnAction):
    """No longer asks for figures."""

    name = "cancel"
    label = "Cancel"
    states = (*OPEN_STATES, DraftState.SUBMITTED)
    confirmation = "Nothing of this return is to be published"
    explanation = "For example because the initiative was withdrawn. The page no longer says that figures are due."

    def applies(self) -> bool:
        return super().applies() and not self.row.approved.exists()

    def perform(self, form: Any) -> str:
        asking.cancel(row=self.row)
        return "Cancelled"


def answer_facts(row: Return) -> list[tuple[str, str]]:
    """What was entered, with what the rules say of it."""
    draft = draft_of(row)
    facts: list[tuple[str, str]] = []
    for measure in measures_of(row.initiative):
        try:
            figure = read_figure(measure, draft.answers)
        except ValidationError as error:
            facts.append((measure.name, f"To be corrected: {' '.join(error.messages)}"))
            continue
        if figure:
            groups = "; ".join(f"{group} {count:,}" for group, count in figure.groups.items())
            facts.append((measure.name, f"{figure.count:,} {measure.unit}{f' ({groups})' if groups else ''}"))
    facts += [(label, draft.answers[name]) for name, label in WORDS.items() if draft.answers.get(name)]
    if draft.answers.get(SPEND):
        facts.append(("Spend", draft.answers[SPEND]))
    return facts


class StateFilter(admin.SimpleListFilter):
    """Filters returns by how far they have got."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "Late"), *((str(value), str(label)) for value, label in DraftState.choices)]

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() == "late":
            today = timezone.localdate()
            open_ones = queryset.filter(cancelled_at=None, due_on__lt=today, closes_on__gte=today)
            return open_ones.filter(draft__state__in=WAITING_STATES)
        return queryset.filter(draft__state=self.value()) if self.value() in DraftState.values else queryset


@admin.register(Return)
class ReturnAdmin(FileImport, WriteOnceAdmin):
    """Who is asked for which figures, and what they have answered: through their links, or in a file."""

    import_template_name = "admin/results/import.html"
    resource_classes = (ReturnResource,)
    list_display = ("initiative", "period_name", "organisation", "due_on", "state_name")
    list_select_related = ("initiative", "organisation", "draft")
    list_filter = (StateFilter, QuarterFilter)
    search_fields = ("initiative__name", "organisation__name", "draft__email", "draft__contact_name")
    autocomplete_fields = ("initiative", "organisation")
    row_actions = (ApproveAction, QueryAction, CorrectAction, SendAgainAction, ExtendAction, CancelAction)
    record_form = ReturnForm
    record_fieldsets = (
        (None, {"fields": ["initiative", "organisation", "quarter"]}),
        ("Who reports", {"fields": ["email", "contact_name"]}),
        ("Dates", {"fields": ["due_on", "closes_on"]}),
    )
    fieldsets = (
        (None, {"fields": ["initiative", "organisation", "quarter", "due_on", "closes_on"]}),
        ("What has happened", {"fields": ["asked_at", "asked_by", "reported_at", "cancelled_at"]}),
    )

    @admin.display(description="quarter", ordering="quarter")
    def period_name(self, row: Return) -> str:
        return row.period.short

    @admin.display(description="state", ordering="draft__state")
    def state_name(self, row: Return) -> str:
        return draft_of(row).get_state_display()

    def lock_row(self, object_id: str) -> None:
        """Lock the draft before its return, as the rules do."""
        with suppress(ValidationError):
            asked = self.opts.pk.to_python(unquote(object_id))
            list(ReturnDraft.objects.filter(asked=asked).select_for_update().values_list("pk"))
        super().lock_row(object_id)

    def notice_before(self, request: HttpRequest) -> str:
        reasons = asking.asking_blockers()
        return f"Nobody can be asked for figures yet. {' '.join(reasons)}" if reasons else ""

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        if row is None:
            return []
        draft = draft_of(row)
        people = [
            ("State", draft.get_state_display()),
            ("Asked", f"{draft.contact_name} {draft.email}".strip()),
            ("Filled in by", f"{draft.recorded_by}, from a file" if draft.recorded_by else draft.prepared_by),
            ("Second person", f"{draft.confirm_name} {draft.confirm_email}".strip()),
            ("Sent by the second person", draft.confirmed_by),
            ("Our question", draft.question),
            ("Reminders", str(draft.reminders)),
        ]
        published = [
            (admin_link(one, f"Version {one.number}"), str(one.recorded_at.date()), one.correction)
            for one in row.approved.order_by("number")
        ]
        found = [
            Section("Answers", ("What", "Entered"), answer_facts(row), empty="Nothing has been entered."),
            Section("Published", ("Version", "Approved on", "Why corrected"), published, empty="Nothing is published."),
        ]
        if can_view(request, Reporter):
            found.insert(0, Section("Who reports", ("What", "Who"), [one for one in people if one[1]]))
        return found


@admin.register(Reporter)
class ReporterAdmin(PortalAdmin):
    """Who is asked every quarter, without anybody having to think of it."""

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
    list_select_related = ("draft__asked__initiative", "draft__asked__organisation")
    list_filter = ("delivery", "kind")
    search_fields = ("to", "draft__asked__initiative__name", "draft__asked__organisation__name")
    fields = ("kind", "draft", "to", "delivery", "attempts", "due_at", "error", "created_at", "sent_at", "message_id")
