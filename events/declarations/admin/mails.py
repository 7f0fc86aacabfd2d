from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from events.declarations import rules
from events.declarations.admin.steps import NothingAddedAdmin
from events.declarations.choices import Delivery
from events.declarations.models import Mail
from events.declarations.querysets import FAILED
from vru_portal.step_admin import Step, link


class RetryStep(Step):
    """Try a refused mail again."""

    name = "retry"
    label = "Try again"
    permission = "declarations.change_mail"
    explanation = (
        "The mail is put into the queue again and tried for three more days, with the same Message-ID. Where the "
        "mailbox does not exist, invite the body again at another one instead."
    )

    def applies(self) -> bool:
        """Only what was refused is tried again."""
        return self.row.delivery == Delivery.REFUSED

    def obstacle(self) -> str:
        """Say how far it has come."""
        return "" if self.applies() else f"This mail was not refused: {self.row.get_delivery_display().lower()}."

    def facts(self) -> list[tuple[str, str]]:
        """Say what the mail server said."""
        return [("To", self.row.to), ("What the mail server said", self.row.error)]

    def form(self, **data: Any) -> forms.Form:
        """Ask nothing."""
        return forms.Form(**data)

    def take(self, form: Any) -> str:
        """Queue it through the rule."""
        rules.retry(by=self.by, mail=self.row)
        return "Waiting to be sent again"


class FailedFilter(admin.SimpleListFilter):
    """What somebody must see to."""

    title = "what to do"
    parameter_name = "failed"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Failed for good")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        return queryset.filter(FAILED) if self.value() == "yes" else queryset


@admin.register(Mail)
class MailAdmin(NothingAddedAdmin):
    """Every mail, and how far it has come. Its words and its link are made when it leaves, and kept nowhere."""

    list_display = ("kind", "its_body", "to", "delivery", "attempts", "error")
    list_display_links = ("kind",)
    list_filter = (FailedFilter, "delivery", "kind")
    list_select_related = ("invitation__body",)
    search_fields = ("to", "invitation__body__name", "error")
    search_help_text = "Mailbox, body, or what the mail server said."
    steps = (RetryStep,)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["kind", "its_invitation", "to", "delivery"]}),
        ("Attempts", {"fields": ["attempts", "due", "error", "created_at", "sent_at", "message_id"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Mail | None = None) -> tuple[str, ...]:
        """Nothing is changed."""
        return ("its_invitation", "due")

    @admin.display(description="body", ordering="invitation__body__name")
    def its_body(self, row: Mail) -> str:
        """Whom it concerns."""
        return str(row.invitation.body)

    @admin.display(description="invitation")
    def its_invitation(self, row: Mail) -> str:
        """The invitation, to go there."""
        return link(row.invitation)

    @admin.display(description="next attempt", ordering="due_at")
    def due(self, row: Mail) -> Any:
        """When it is tried next, while it waits."""
        return row.due_at if row.delivery == Delivery.WAITING else None
