from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from funding.models import Allocation, OnwardMail, OnwardRequest
from funding.models.onward_requests import ENDED_STATES
from funding.regranting.presenters import onward_report
from funding.regranting.rules import approving, asking
from funding.regranting.rules.answers import Balance, Entry, read_entries, sum_of_entries
from vru_portal.ledger.money import format_pounds
from vru_portal.staff.actions import Action, ActionAdmin, Section
from vru_portal.staff.admin_links import admin_link, change_url
from vru_portal.staff.base_admin import ReadOnlyAdmin
from vru_portal.staff.help import help_link
from vru_portal.staff.requests import (
    Approve,
    Cancel,
    ContactForm,
    Erase,
    Extend,
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
from vru_portal.text.form_fields import CalendarDateFormField


class AskForm(ContactForm):
    """Whom to ask for onward grants, and until when."""

    due_on = CalendarDateFormField(
        label="Due on",
        required=False,
        help_text="Leave empty for as many days from today as organisations have to report figures.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = "The person who will report. Never published."


class AskOnwardAction(Action):
    """Ask the recipient of a grant which grants it has made out of it, on the page of the allocation."""

    name = "ask-onward"
    label = "Ask for onward grants"
    form_class = AskForm
    permission = "funding.add_onwardrequest"
    explanation = (
        "We email the recipient a link to a page where it lists the grants that it has made from this one, or "
        "uploads a file. It needs no account. Nothing is published until somebody here has read and approved the list."
    )

    def applies(self) -> bool:
        return not self.blocked_reason()

    def blocked_reason(self) -> str:
        return asking.why_not_asked(self.row)

    def facts(self) -> list[tuple[str, str]]:
        return [("Recipient", str(self.row.recipient)), *balance_facts(balance_of(self.row, []))]

    def perform(self, form: Any) -> str:
        data = form.cleaned_data
        asking.ask(
            by=self.by,
            allocation=self.row,
            email=data["email"],
            contact_name=data["contact_name"],
            due_on=data["due_on"],
        )
        return "Asked for its onward grants"

    def link_after(self) -> SafeString | str:
        request = self.row.onward_requests.exclude(state__in=ENDED_STATES).first()
        return format_html(' <a href="{}">View the request</a>', change_url(request)) if request else ""


class OnwardAction(RequestAction):
    """Something that staff do to a request for onward grants."""

    permission = "funding.change_onwardrequest"

    @property
    def draft(self) -> OnwardRequest:
        request: OnwardRequest = self.row
        return request


class ApproveOnwardAction(Approve, OnwardAction):
    """Records the grants that were sent."""

    permission = "funding.add_onwardgrant"
    explanation = (
        "The grants are recorded and published immediately, and nobody can change them. A wrong one is reversed. Check "
        "that no text names a person. Grants are part of an allocation that is counted already, so no total includes "
        "them."
    )

    def facts(self) -> list[tuple[str, str]]:
        entries = read_entries(self.row)
        listed = [(f"Grant {entry.number}", describe(entry)) for entry in entries]
        return [
            *question_facts(self.row),
            *balance_facts(balance_of(self.row.allocation, entries)),
            *(listed or [("Grants", NOTHING_AWARDED)]),
        ]

    def perform(self, form: Any) -> str:
        grants = approving.approve(by=self.by, request=self.row, seen=self.seen_in(form))
        return f"Approved: {len(grants)} onward grant{'' if len(grants) == 1 else 's'} recorded"


class QueryOnwardAction(SendBack, OnwardAction):
    """Sends grants back."""

    explanation = "We email them your question. Their link works again, and their list is still there."

    def perform(self, form: Any) -> str:
        approving.query(request=self.row, question=form.cleaned_data["question"])
        return "Sent back"


class SendAgainOnwardAction(SendAgain, OnwardAction):
    """Sends the request again."""

    def perform(self, form: Any) -> str:
        data = form.cleaned_data
        asking.send_again(request=self.row, email=data["email"], contact_name=data["contact_name"])
        return "Sent again"


class ExtendOnwardAction(Extend, OnwardAction):
    """Keeps a request open for longer."""

    explanation = "Change the last day for filling it in. A closed request opens again with everything that was saved."

    def perform(self, form: Any) -> str:
        asking.extend(request=self.row, closes_on=form.cleaned_data["day"])
        return "Extended"


class CancelOnwardAction(Cancel, OnwardAction):
    """Cancels the request for onward grants."""

    confirmation = "I understand that nothing from this list will be published."
    explanation = (
        "We tell the recipient by email, and its link will no longer work. You can ask again on the page of the grant."
    )

    def perform(self, form: Any) -> str:
        asking.cancel(request=self.row)
        return "Cancelled"


class EraseOnwardAction(Erase, OnwardAction):
    """Erases the personal data of a request for onward grants."""

    permission = "funding.erase_onwardrequest"
    explanation = (
        "This permanently erases the names and email addresses of all who were asked, their emails and links, our "
        "question and the whole list. A request that is not approved is cancelled without an email. Grants that are "
        "published stay. If one of them names a person, redact it as well."
    )


NOTHING_AWARDED = "The list has no grants: the recipient says that it has awarded nothing more."


def describe(entry: Entry) -> str:
    """A grant in a sentence, with what is wrong with it."""
    typed = entry.typed
    texts = [typed[name].strip().rstrip(".") for name in ("title", "description")]
    texts += [f"{label}: {text}" for label, text in entry.details]
    problems = [f"To be corrected: {said}" for found in entry.errors.values() for said in found]
    return ". ".join(
        [
            f"{entry.amount_text or 'No amount'} to {entry.full_name}, {entry.day_text or 'no date'}",
            *filter(None, texts),
            *problems,
        ]
    )


def balance_of(allocation: Allocation, entries: list[Entry]) -> Balance:
    allocation = Allocation.objects.with_varied().get(pk=allocation.pk)
    report = onward_report(allocation)
    return Balance(allocation.allocated, report.reported if report else sum_of_entries([]), sum_of_entries(entries))


def balance_facts(balance: Balance) -> list[tuple[str, str]]:
    facts = [("Allocated", format_pounds(balance.allocated)), ("Published so far", format_pounds(balance.published))]
    if balance.typed:
        facts.append(("In this list", format_pounds(balance.typed)))
    if balance.beyond:
        return [*facts, ("More than was allocated", f"{format_pounds(balance.beyond)}. The public page will say so.")]
    return [*facts, ("Not reported", format_pounds(balance.unreported))]


@admin.register(OnwardRequest)
class OnwardRequestAdmin(StillAskedMixin, ReadOnlyAdmin, ActionAdmin):
    """Who is asked for onward grants, and what they have listed. They are asked on the page of the allocation."""

    list_display = ("recipient", "state_name", "its_allocation", "due_on", "reported_at")
    list_select_related = ("allocation__recipient", "allocation__initiative", "allocation__heading")
    list_filter = (StateFilter,)
    search_fields = ("allocation__public_id", "allocation__recipient__name", "email", "contact_name")
    row_actions = (
        *(ApproveOnwardAction, QueryOnwardAction, SendAgainOnwardAction, ExtendOnwardAction, CancelOnwardAction),
        EraseOnwardAction,
    )
    readonly_fields = ("of", "state_name", "due_on", "closes_on", "asked_at", "asked_by", "reported_at", "erased_at")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["of", "state_name", "due_on", "closes_on"], "description": help_link("money")}),
        ("What has happened", {"fields": ["asked_at", "asked_by", "reported_at", "erased_at"]}),
    )

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """First the grants that were listed, which is what staff have come to read; then who was asked."""
        if row is None:
            return []
        entries = read_entries(row)
        listed = [
            (
                str(entry.number),
                entry.full_name,
                entry.amount_text,
                entry.day_text,
                "; ".join(entry.typed[name].strip() for name in ("title", "description") if entry.typed[name].strip()),
                "; ".join(f"{label}: {text}" for label, text in entry.details),
                " ".join(said for found in entry.errors.values() for said in found),
            )
            for entry in entries
        ]
        headings = ("", "To", "Sum", "Awarded on", "What for", "Details", "To be corrected")
        return [
            *question_sections(row),
            Section("How much is reported", ("What", "Sum"), balance_facts(balance_of(row.allocation, entries))),
            Section("The list", headings, listed, empty="Nothing has been entered.", figures=frozenset({2})),
            Section("Who reports", ("What", "Who"), [one for one in people_of(row) if one[1]]),
        ]

    @admin.display(description="state", ordering="state")
    def state_name(self, row: Any) -> str:
        return state_of(row, still_asked=row.still_asked)

    @admin.display(description="recipient", ordering="allocation__recipient__name")
    def recipient(self, row: OnwardRequest) -> str:
        return str(row.allocation.recipient)

    @admin.display(description="awarded from")
    def of(self, row: OnwardRequest) -> str:
        return admin_link(row.allocation)

    @admin.display(description="awarded from", ordering="allocation")
    def its_allocation(self, row: OnwardRequest) -> str:
        return admin_link(row.allocation, row.allocation.public_id)


@admin.register(OnwardMail)
class OnwardMailAdmin(ReadOnlyAdmin):
    """Emails about onward grants, and whether they were sent. Their text and links are made only then, never stored."""

    list_display = ("kind", "draft", "to", "delivery", "attempts", "error")
    list_select_related = (
        *("draft__allocation__recipient", "draft__allocation__initiative", "draft__allocation__heading"),
    )
    list_filter = ("delivery", "kind")
    search_fields = ("to", "draft__allocation__public_id", "draft__allocation__recipient__name")
    fields = ("kind", "draft", "to", "delivery", "attempts", "due_at", "error", "created_at", "sent_at", "message_id")
