from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from events.declarations.admin.base import NoAddAdmin
from events.declarations.models import Mail
from events.declarations.querysets import FAILED_MAILS
from events.declarations.rules import mail_queue
from vru_portal.links.models import Delivery
from vru_portal.staff.actions import Action
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.base_admin import OptionFilter


class RetryMailAction(Action):
    """Queues an email again that the mail server refused."""

    name = "retry"
    label = "Try again"
    permission = "declarations.change_mail"
    explanation = (
        "The email goes back into the queue. The portal will try to send it for three more days. If the mailbox does "
        "not exist, invite the organisation again at another email address instead."
    )

    def applies(self) -> bool:
        return self.row.delivery == Delivery.REFUSED

    def blocked_reason(self) -> str:
        return (
            "" if self.applies() else f"This email was not refused. Its status is “{self.row.get_delivery_display()}”."
        )

    def facts(self) -> list[tuple[str, str]]:
        return [("To", self.row.to), ("Message from the mail server", self.row.error)]

    def perform(self, form: Any) -> str:
        mail_queue.retry_mail(by=self.by, mail=self.row)
        return "Waiting to be sent again"


class FailedMailFilter(OptionFilter):
    """Filters the emails that staff must deal with."""

    title = "what to do"
    parameter_name = "failed"
    options = {"yes": ("Failed permanently", lambda rows: rows.filter(FAILED_MAILS))}


@admin.register(Mail)
class MailAdmin(NoAddAdmin):
    """All emails and whether they were sent. Their text and links are made when they are sent, and never stored."""

    list_display = ("kind", "organisation_name", "to", "delivery", "attempts", "error")
    list_display_links = ("kind",)
    list_filter = (FailedMailFilter, "delivery", "kind")
    list_select_related = ("invitation__body", "request")
    search_fields = ("to", "invitation__body__name", "request__name", "error")
    search_help_text = "Search by email address, organisation or the mail server's message."
    row_actions = (RetryMailAction,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["kind", "matter_link", "to", "delivery"]}),
        ("Attempts", {"fields": ["attempts", "due", "error", "created_at", "sent_at", "message_id"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Mail | None = None) -> tuple[str, ...]:
        return ("matter_link", "due")

    @admin.display(description="organisation", ordering="invitation__body__name")
    def organisation_name(self, row: Mail) -> str:
        return row.organisation

    @admin.display(description="about")
    def matter_link(self, row: Mail) -> str:
        return admin_link(row.invitation or row.request)

    @admin.display(description="next attempt", ordering="due_at")
    def due(self, row: Mail) -> Any:
        return row.due_at if row.delivery == Delivery.WAITING else None
