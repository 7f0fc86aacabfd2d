from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from events.declarations.admin.base import FilledFilter, NoAddAdmin, signing_closed_notice
from events.declarations.models import SigningRequest
from events.declarations.rules import requests
from events.declarations.rules.mailboxes import note_of
from vru_portal.staff.actions import Action
from vru_portal.staff.admin_links import admin_link
from vru_portal.text.dates import format_date


class SigningRequestAction(Action):
    """Answers a request to sign. A request can be answered only once."""

    permission = "declarations.change_signingrequest"

    def applies(self) -> bool:
        return self.row.answered_at is None

    def blocked_reason(self) -> str:
        return "" if self.applies() else f"This request was answered on {format_date(self.row.answered_at)}."


class ApproveRequestAction(SigningRequestAction):
    """Invites an organisation that asked to sign."""

    name = "approve"
    label = "Approve and invite"
    explanation = (
        "We will email an invitation to the address below. First make sure that it belongs to the organisation."
    )

    def facts(self) -> list[tuple[str, str]]:
        sector = str(self.row.sector) if self.row.sector else "Not stated"
        return [
            ("Organisation", self.row.name),
            ("Sector", sector),
            ("Email to", f"{self.row.contact_name}, {self.row.email}"),
        ]

    def perform(self, form: Any) -> str:
        invitation = requests.approve_request(by=self.by, request=self.row)
        return f"Invited. {note_of(invitation)}".rstrip(" .")


class TurnDownRequestAction(SigningRequestAction):
    """Turns a request to sign down."""

    name = "turn-down"
    label = "Turn down"
    explanation = (
        "We will email them to say that they are not invited and how to contact you. The portal then deletes what they "
        "wrote in the request."
    )

    def perform(self, form: Any) -> str:
        requests.turn_down_request(by=self.by, request=self.row)
        return "Turned down"


class AnsweredRequestFilter(FilledFilter):
    """Filters requests by whether they are answered."""

    title = "answer"
    parameter_name = "answered"
    field_name = "answered_at"
    labels = ("Waiting", "Answered")


@admin.register(SigningRequest)
class SigningRequestAdmin(NoAddAdmin):
    """Requests to sign from organisations that were not invited."""

    list_display = ("name", "contact", "mailbox", "asked_at", "state")
    list_filter = (AnsweredRequestFilter,)
    list_select_related = ("sector", "invitation__body")
    search_fields = ("name", "contact_name", "email")
    row_actions = (ApproveRequestAction, TurnDownRequestAction)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["name", "sector", "contact", "mailbox", "message"]}),
        ("Answer", {"fields": ["asked_at", "state", "resulting_invitation_link"]}),
    )
    readonly_fields = ("contact", "mailbox", "state", "resulting_invitation_link")

    def notice(self, request: HttpRequest, row: SigningRequest) -> str:
        return "" if row.answered_at else signing_closed_notice()

    @admin.display(description="contact name", ordering="contact_name")
    def contact(self, row: SigningRequest) -> str:
        # The model's label (“Your name”) is meant for the public form.
        return row.contact_name

    @admin.display(description="email", ordering="email")
    def mailbox(self, row: SigningRequest) -> str:
        return row.email

    @admin.display(description="state", ordering="answered_at")
    def state(self, row: SigningRequest) -> str:
        if row.answered_at is None:
            return "Waiting"
        return "Invited" if row.invitation_id else "Turned down"

    @admin.display(description="invitation")
    def resulting_invitation_link(self, row: SigningRequest) -> str:
        return admin_link(row.invitation) or "-"
