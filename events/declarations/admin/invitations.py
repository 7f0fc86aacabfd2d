from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from events.declarations import rules
from events.declarations.admin.inviting import InvitationForm, InvitingMixin
from events.declarations.admin.overview import figures
from events.declarations.admin.steps import (
    DayForm,
    DeclarationRecordedAdmin,
    VersionFilter,
    closed_sentence,
    said_closed,
    shown_day,
)
from events.declarations.choices import OPEN, OVER, Delivery, InvitationState
from events.declarations.models import Invitation
from events.declarations.models.invitations import closing_date
from vru_portal.step_admin import Section, Step, link

MOST = 500  # invitations that one click sends again or extends


class InvitationStep(Step):
    """Something done to an invitation."""

    permission = "declarations.change_invitation"
    states: ClassVar[tuple[InvitationState, ...]] = OPEN

    def applies(self) -> bool:
        """It is offered in some states only."""
        return self.row.state in self.states

    def obstacle(self) -> str:
        """Say in which state it is."""
        return "" if self.applies() else f"{self.row}. This cannot be done to it."

    def form(self, **data: Any) -> forms.Form:
        """Ask nothing."""
        return forms.Form(**data)


class ResendStep(InvitationStep):
    """Send it once more."""

    name = "resend"
    label = "Send again"
    explanation = "A mail with a new link is queued. Links that were sent before stay good: people keep the first mail."

    def facts(self) -> list[tuple[str, str]]:
        """Say where it goes."""
        return [("To", self.row.email)]

    def take(self, form: Any) -> str:
        """Send it through the rule."""
        rules.resend(by=self.by, invitation=self.row)
        return "Waiting to be sent again"


class ExtendStep(InvitationStep):
    """Keep it open for longer."""

    name = "extend"
    label = "Extend"
    states = (InvitationState.DRAFT, *OPEN, InvitationState.EXPIRED)
    explanation = (
        "The invitation, and every link of it that was sent, can be used until the end of the day that you choose. "
        "One that has expired is open again; nobody is mailed."
    )

    def facts(self) -> list[tuple[str, str]]:
        """Say until when it is good."""
        return [("Can be used until", f"{self.row.closes_on:%-d %B %Y}")]

    def form(self, **data: Any) -> forms.Form:
        """Ask for the day."""
        return DayForm(initial={"day": max(self.row.closes_on, closing_date())}, **data)

    def take(self, form: Any) -> str:
        """Extend it through the rule."""
        until: date = form.cleaned_data["day"]
        try:
            rules.extend(by=self.by, invitation=self.row, until=until)
        except ValidationError as error:
            raise at_day(error) from error
        return f"Can be used until {until:%-d %B %Y}"


def at_day(error: ValidationError) -> ValidationError:
    """Return what a rule says of a day under the name of the form's field."""
    said = getattr(error, "error_dict", {})
    return ValidationError({"day": said["until"]}) if "until" in said else error


class RevokeStep(InvitationStep):
    """End it."""

    name = "revoke"
    label = "Revoke"
    states = (InvitationState.DRAFT, *OPEN)
    explanation = (
        "Every link of this invitation that was sent opens nothing from now on, and no mail follows. Nobody is told. "
        "The body can be invited again afterwards."
    )

    def take(self, form: Any) -> str:
        """Revoke it through the rule."""
        rules.revoke(by=self.by, invitation=self.row)
        return "Revoked"


class AgainForm(forms.Form):
    """Where a new invitation goes."""

    email = forms.EmailField(widget=forms.EmailInput(attrs={"class": "vTextField"}))
    contact_name = forms.CharField(
        max_length=120, required=False, widget=forms.TextInput(attrs={"class": "vTextField"})
    )


class AgainStep(InvitationStep):
    """Invite the body anew."""

    name = "invite-again"
    label = "Invite again"
    permission = "declarations.add_invitation"
    states = (*OVER, InvitationState.REFUSED)
    explanation = (
        "A new invitation to the wording in force, by mail to the mailbox below. This one stays in the list as it "
        "ended; where the mail server has refused it, it is revoked, and its links with it."
    )

    def form(self, **data: Any) -> forms.Form:
        """Ask for the mailbox."""
        return AgainForm(initial={"email": self.row.email, "contact_name": self.row.contact_name}, **data)

    def take(self, form: Any) -> str:
        """Invite it through the rule."""
        rules.invite_anew(by=self.by, invitation=self.row, **form.cleaned_data)
        return "Invited again: its new invitation is the newest in the list"


class HoldStep(InvitationStep):
    """Note when they decide."""

    name = "decides-on"
    label = "They decide on"
    explanation = (
        "For a body that has told you when its committee meets: no reminder is sent before that day, and the "
        "invitation can be used for two weeks after it at least."
    )

    def form(self, **data: Any) -> forms.Form:
        """Ask for the day."""
        return DayForm(initial={"day": self.row.decides_on}, **data)

    def take(self, form: Any) -> str:
        """Note it through the rule."""
        until: date = form.cleaned_data["day"]
        rules.hold(by=self.by, invitation=self.row, until=until)
        return f"They decide on {until:%-d %B %Y}"


class ChaseFilter(admin.SimpleListFilter):
    """What needs chasing, and what does not."""

    title = "what to do"
    parameter_name = "chase"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("yes", "Needs chasing"), ("silent", "Not started for days"), ("later", "They decide later")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        today = timezone.localdate()
        if self.value() == "yes":
            return queryset.to_chase(today)  # type: ignore[attr-defined]
        if self.value() == "silent":
            return queryset.filter(queryset.not_started(timezone.now()))  # type: ignore[attr-defined]
        return queryset.filter(state__in=OPEN, decides_on__gte=today) if self.value() == "later" else queryset


class MailFilter(admin.SimpleListFilter):
    """How far the last mail has come."""

    title = "last mail"
    parameter_name = "mail"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        """Return the choices."""
        return Delivery.choices

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the choice."""
        return queryset.filter(last_delivery=self.value()) if self.value() in Delivery.values else queryset


@admin.register(Invitation)
class InvitationAdmin(InvitingMixin, DeclarationRecordedAdmin):
    """Who was invited, and how far each has come. Only an entry of the register means that a body has signed."""

    list_display = ("its_body", "how_far", "sent", "reminders", "closes", "decides", "last_mail")
    list_filter = ("state", ChaseFilter, MailFilter, ("version", VersionFilter))
    list_select_related = ("body", "version__declaration", "entry", "invited_by")
    search_fields = ("body__name", "email", "contact_name")
    search_help_text = "Body, mailbox or contact name."
    show_full_result_count = False
    steps = (ResendStep, ExtendStep, HoldStep, AgainStep, RevokeStep)
    record_form = InvitationForm
    record_fieldsets = ((None, {"fields": ["organisation", "sector", "email", "contact_name"]}),)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["the_body", "version", "how_far", "declined_because", "the_entry"]}),
        ("Whom it went to", {"fields": ["email", "contact_name", "invited_by", "created_at"]}),
        ("When", {"fields": ["sent_at", "reminders", "closes_on", "decides_on"]}),
    )
    actions = ("resend", "extend")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        """Add how far the newest mail has come."""
        return super().get_queryset(request).with_last_mail()  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> tuple[str, ...]:
        """The facts are read."""
        return ("the_body", "how_far", "the_entry") if obj else ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Put the numbers above the list."""
        version = rules.in_force()
        above = {"figures": figures(version), "closed": said_closed(version)}
        return super().changelist_view(request, (extra_context or {}) | above)

    def notice_before(self, request: HttpRequest) -> str:
        """Say why nobody can be invited."""
        return closed_sentence()

    def sections(self, request: HttpRequest, row: Invitation | None) -> list[Section]:
        """Return what was prepared and by whom, and the mails."""
        if row is None:
            return []
        mails = row.mails.all()[:50]
        prepared = getattr(row, "preparation", None)
        return [
            Section(
                "Mails",
                ("Kind", "To", "How far", "Attempts", "Sent", "What the mail server said"),
                [
                    (
                        link(mail, mail.get_kind_display()),
                        mail.to,
                        mail.get_delivery_display(),
                        mail.attempts,
                        mail.sent_at or "",
                        mail.error,
                    )
                    for mail in mails
                ],
                empty="No mail was sent.",
                figures=frozenset({3}),
            ),
            Section(
                "What is filled in and not signed",
                ("Signatory", "Role", "Mailbox", "Prepared by", "Passed on"),
                [
                    (prepared.name, prepared.role, prepared.email, prepared.prepared_by, prepared.passed_on_at or "")
                    for prepared in [prepared]
                    if prepared
                ],
                empty="Nothing.",
            ),
        ]

    # In bulk ---------------------------------------------------------------------------------------------------------

    def has_change_any_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may do to many what the steps do to one."""
        return request.user.has_perm("declarations.change_invitation")

    @admin.action(description="Send again", permissions=["change_any"])
    def resend(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> HttpResponse | None:
        """Send the chosen invitations again, once confirmed."""
        return self.in_bulk(request, chosen, ResendStep)

    @admin.action(description="Extend", permissions=["change_any"])
    def extend(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> HttpResponse | None:
        """Extend the chosen invitations, once confirmed."""
        return self.in_bulk(request, chosen, ExtendStep)

    def in_bulk(
        self, request: HttpRequest, chosen: QuerySet[Invitation], step_class: type[InvitationStep]
    ) -> HttpResponse | None:
        """Ask whether to take a step for the chosen rows; then take it for each that it applies to."""
        rows = list(chosen.order_by("body__name")[: MOST + 1])
        if len(rows) > MOST:
            messages.error(request, f"Nothing was done: choose at most {MOST} at once.")
            return None
        apply = [step for row in rows if (step := step_class(row, request.user)).applies()]
        if not apply:
            messages.error(request, "Nothing was done: this can be done to none of them.")
            return None
        confirmed = "confirmed" in request.POST
        form = apply[0].form(**({"data": request.POST} if confirmed else {}))
        if confirmed and form.is_valid():
            self.take_all(request, apply, form)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": step_class.label,
            "opts": self.opts,
            "step": apply[0],
            "rows": [step.row for step in apply],
            "others": len(rows) - len(apply),
            "action": request.POST.get("action", ""),
            "checkbox": ACTION_CHECKBOX_NAME,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/declarations/bulk.html", context)

    def take_all(self, request: HttpRequest, steps: list[InvitationStep], form: forms.Form) -> None:
        """Take a step for each row; name those that a rule refuses, and why."""
        done = 0
        for step in steps:
            try:
                said = step.take(form)
            except ValidationError as error:
                messages.error(request, f"{step.row.body}: {' '.join(error.messages)}")
            else:
                self.log_change(request, step.row, said)
                done += 1
        if done:
            messages.success(request, f"{steps[0].label}: done for {done}.")

    # What is shown ---------------------------------------------------------------------------------------------------

    @admin.display(description="body", ordering="body__name")
    def its_body(self, row: Invitation) -> str:
        """The body, in a cell that wraps."""
        return str(row.body)

    @admin.display(description="body")
    def the_body(self, row: Invitation) -> str:
        """The body, to go there."""
        return link(row.body)

    @admin.display(description="state", ordering="state")
    def how_far(self, row: Invitation) -> str:
        """How far it has come."""
        return row.get_state_display()

    @admin.display(description="entry of the register")
    def the_entry(self, row: Invitation) -> str:
        """The entry that means that it has signed."""
        return link(row.entry) or "-"

    @admin.display(description="sent", ordering="sent_at")
    def sent(self, row: Invitation) -> str:
        """The day of the first mail."""
        return shown_day(row.sent_at and timezone.localdate(row.sent_at))

    @admin.display(description="closes on", ordering="closes_on")
    def closes(self, row: Invitation) -> str:
        """The last day."""
        return shown_day(row.closes_on)

    @admin.display(description="decides on", ordering="decides_on")
    def decides(self, row: Invitation) -> str:
        """When they decide."""
        return shown_day(row.decides_on)

    @admin.display(description="last mail")
    def last_mail(self, row: Any) -> str:
        """How far the newest mail has come."""
        return Delivery(row.last_delivery).label if row.last_delivery else "-"
