"""What staff do to a request that went out as an emailed link, whatever it asks for (`vru_portal.links.requests`)."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vru_portal.links import personal
from vru_portal.links.choices import OPEN_STATES, UNENDED_STATES, WAITING_STATES, DraftState, MailPurpose
from vru_portal.links.models import LinkDraft
from vru_portal.staff.actions import Action, Section
from vru_portal.staff.ledger_admin import ReasonForm
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import CalendarDateFormField, EmailAddressFormField, LineFormField, LongTextFormField

NO_LONGER_ASKED = "No longer asked for"
KEPT_IN_HISTORY = "It stays in the history of this page, so do not name the person. Enter a case number, for example."


class QuestionForm(forms.Form):
    """Asks what is unclear."""

    question = LongTextFormField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text="They get it by email. It is not published.",
    )


class ContactForm(forms.Form):
    """Asks who to send it to."""

    email = EmailAddressFormField()
    contact_name = LineFormField(max_length=120, required=False)


class DayForm(forms.Form):
    """Asks for a date."""

    day = CalendarDateFormField(label="Can be filled in until")


class RequestAction(Action):
    """Something that staff do to a request in some of its states. Its row needs `with_still_asked`."""

    states: ClassVar[tuple[str, ...]] = ()
    even_if_withdrawn: ClassVar[bool] = False

    @property
    def draft(self) -> LinkDraft:
        """What was asked of whom."""
        raise NotImplementedError

    def applies(self) -> bool:
        return not self.blocked_reason()

    def blocked_reason(self) -> str:
        if self.draft.state not in self.states:
            return f"This {self.draft.noun} is “{self.draft.get_state_display()}”."
        return "" if self.row.still_asked or self.even_if_withdrawn else self.draft.withdrawn_because


class ApprovalForm(forms.Form):
    """Approves the answers that its page shows."""

    seen = forms.CharField(widget=forms.HiddenInput)


class Approve(RequestAction):
    """Approves answers that were sent, if they are still those that were read."""

    name = "approve"
    label = "Approve and publish"
    form_class = ApprovalForm
    states = (DraftState.SUBMITTED,)

    def form(self, **data: Any) -> forms.Form:
        return super().form(initial={"seen": self.draft.fingerprint}, **data)

    def seen_in(self, form: Any) -> str:
        """The fingerprint of the answers that were read.

        If they have changed since, the page shows the current ones, and the form then holds the fingerprint of those.
        """
        seen: str = form.cleaned_data["seen"]
        form.data = form.data.copy()
        form.data["seen"] = self.draft.fingerprint
        return seen


class SendAgain(RequestAction):
    """Sends the request again."""

    name = "send-again"
    label = "Send again"
    form_class = ContactForm
    states = OPEN_STATES
    explanation = "We send a new link, to the same person or another. Earlier links still work."

    def form(self, **data: Any) -> forms.Form:
        return ContactForm(initial={"email": self.draft.email, "contact_name": self.draft.contact_name}, **data)


class SendBack(RequestAction):
    """Asks about answers that were sent."""

    name = "query"
    label = "Send back with a question"
    form_class = QuestionForm
    states = (DraftState.SUBMITTED,)


class Extend(RequestAction):
    """Keeps the request open for longer."""

    name = "extend"
    label = "Extend"
    form_class = DayForm
    states: ClassVar[tuple[str, ...]] = UNENDED_STATES


class Cancel(RequestAction):
    """Cancels the request."""

    name = "cancel"
    label = "Cancel the request"
    states = UNENDED_STATES
    even_if_withdrawn = True


class Erase(RequestAction):
    """Erases the personal data of a request early, because somebody asks for that."""

    name = "erase"
    label = "Erase personal data"
    form_class = ReasonForm
    confirmation = "Erase this data. I understand that it cannot be restored."

    def form(self, **data: Any) -> forms.Form:
        form = super().form(**data)
        form.fields["reason"].help_text = KEPT_IN_HISTORY
        return form

    def applies(self) -> bool:
        return bool(self.draft.pk) and personal.holds_personal_data(self.draft)

    def blocked_reason(self) -> str:
        return "" if self.applies() else personal.NOTHING_HELD

    def perform(self, form: Any) -> str:
        personal.erase_early(self.draft)
        return f"Personal data erased. Reason: {form.cleaned_data['reason']}"


class StillAskedMixin:
    """An admin whose rows have what `RequestAction` and `StateFilter` need."""

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)  # type: ignore[misc]
        return rows.with_still_asked()


def state_of(draft: LinkDraft, *, still_asked: bool) -> str:
    """How far a request has got, as its list and its page say it."""
    is_withdrawn = draft.state in UNENDED_STATES and not still_asked
    return NO_LONGER_ASKED if is_withdrawn else str(draft.get_state_display())


def late_requests(rows: QuerySet[Any], *, state: str = "state") -> QuerySet[Any]:
    """The requests that were due before today and can still be answered.

    ``state`` is the lookup of a request's state from these rows.
    """
    today = timezone.localdate()
    return rows.filter(**{f"{state}__in": WAITING_STATES}, due_on__lt=today, closes_on__gte=today)


class StateFilter(admin.SimpleListFilter):
    """Filters requests by how far they have got. Its rows need `with_still_asked`."""

    title = "state"
    parameter_name = "state"
    state: ClassVar[str] = "state"  # the lookup of a request's state from a row of the list

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        states = [(str(value), str(label)) for value, label in DraftState.choices]
        return [("late", "Late"), *states, ("withdrawn", NO_LONGER_ASKED)]

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() == "withdrawn":
            return queryset.filter(**{f"{self.state}__in": UNENDED_STATES}, still_asked=False)
        if self.value() == "late":
            return late_requests(queryset.filter(still_asked=True), state=self.state)
        if self.value() not in DraftState.values:
            return queryset
        found = queryset.filter(**{self.state: self.value()})
        return found.filter(still_asked=True) if self.value() in UNENDED_STATES else found


def people_of(draft: LinkDraft, filled_in_by: str = "") -> list[tuple[str, str]]:
    """Who was asked, and who has answered."""
    return [
        ("Asked", ", ".join(filter(None, (draft.contact_name, draft.email)))),
        ("Filled in by", filled_in_by or draft.prepared_by),
        ("Second person", ", ".join(filter(None, (draft.confirm_name, draft.confirm_email)))),
        ("Sent by the second person", draft.confirmed_by),
        ("Reminders", str(draft.reminders)),
    ]


def question_facts(draft: LinkDraft) -> list[tuple[str, str]]:
    """What staff asked last about answers that were sent. The day is known if the question was emailed."""
    if not draft.question:
        return []
    email = draft.mails.filter(kind=MailPurpose.QUERY).order_by("pk").last()
    return [(f"We asked on {format_date(email.created_at)}" if email else "We asked", draft.question)]


def question_sections(draft: LinkDraft) -> list[Section]:
    """The last question, for the page of a request."""
    facts = question_facts(draft)
    return [Section("Our last question", ("When", "What"), facts)] if facts else []
