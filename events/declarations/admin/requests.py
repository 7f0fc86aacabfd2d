from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from events.declarations import rules
from events.declarations.admin.steps import NothingAddedAdmin, closed_sentence
from events.declarations.models import SigningRequest
from vru_portal.step_admin import Step, day, link


class RequestStep(Step):
    """A request is answered once."""

    permission = "declarations.change_signingrequest"

    def applies(self) -> bool:
        """Only one that waits is answered."""
        return self.row.answered_at is None

    def obstacle(self) -> str:
        """Say that it is answered."""
        return "" if self.applies() else f"This request was answered on {day(self.row.answered_at)}."

    def form(self, **data: Any) -> forms.Form:
        """Ask nothing."""
        return forms.Form(**data)


class ApproveStep(RequestStep):
    """Invite a body that asks to sign."""

    name = "approve"
    label = "Approve and invite"
    explanation = "The body is invited like any other, by mail to the address below. Make sure first that it is theirs."

    def facts(self) -> list[tuple[str, str]]:
        """Say whom it invites."""
        sector = str(self.row.sector) if self.row.sector else "Not stated"
        return [("Body", self.row.name), ("Sector", sector), ("Mail to", f"{self.row.contact_name}, {self.row.email}")]

    def take(self, form: Any) -> str:
        """Approve it through the rule."""
        rules.approve(by=self.by, request=self.row)
        return "Invited"


class TurnDownStep(RequestStep):
    """Answer no."""

    name = "turn-down"
    label = "Turn down"
    explanation = "Nobody is mailed: tell them yourself. What was written in the request is dropped within the hour."

    def take(self, form: Any) -> str:
        """Turn it down through the rule."""
        rules.turn_down(by=self.by, request=self.row)
        return "Turned down"


class AnsweredFilter(admin.SimpleListFilter):
    """Whether requests are answered."""

    title = "answer"
    parameter_name = "answered"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("no", "Waiting"), ("yes", "Answered")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        chosen = {"no": True, "yes": False}.get(str(self.value()))
        return queryset if chosen is None else queryset.filter(answered_at__isnull=chosen)


@admin.register(SigningRequest)
class SigningRequestAdmin(NothingAddedAdmin):
    """Bodies that were not invited and ask to sign."""

    list_display = ("name", "contact", "mailbox", "asked_at", "state")
    list_filter = (AnsweredFilter,)
    list_select_related = ("sector", "invitation__body")
    search_fields = ("name", "contact_name", "email")
    steps = (ApproveStep, TurnDownStep)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["name", "sector", "contact", "mailbox", "message"]}),
        ("Answer", {"fields": ["asked_at", "state", "led_to"]}),
    )
    readonly_fields = ("contact", "mailbox", "state", "led_to")

    def notice(self, request: HttpRequest, row: SigningRequest) -> str:
        """Say why nothing can be approved."""
        return "" if row.answered_at else closed_sentence()

    @admin.display(description="who asks", ordering="contact_name")
    def contact(self, row: SigningRequest) -> str:
        """Their name: the public form, whose words the field has, calls it yours."""
        return row.contact_name

    @admin.display(description="their mailbox", ordering="email")
    def mailbox(self, row: SigningRequest) -> str:
        """Where they are written to."""
        return row.email

    @admin.display(description="state", ordering="answered_at")
    def state(self, row: SigningRequest) -> str:
        """Whether it is answered."""
        if row.answered_at is None:
            return "Waiting"
        return "Invited" if row.invitation_id else "Turned down"

    @admin.display(description="invitation")
    def led_to(self, row: SigningRequest) -> str:
        """The invitation that it led to."""
        return link(row.invitation) or "-"
