from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.utils import timezone

from events.declarations.admin.base import (
    DateForm,
    DeclarationWriteOnceAdmin,
    VersionFilter,
    short_date_or_dash,
    signing_closed_notice,
    signing_closed_notice_for,
)
from events.declarations.admin.invitation_lists import InvitationImportMixin, InvitationRecordingForm
from events.declarations.admin.overview import overview_counts
from events.declarations.choices import ENDED_INVITATION_STATES, OPEN_INVITATION_STATES, InvitationState
from events.declarations.models import Invitation
from events.declarations.models.invitations import closing_date
from events.declarations.rules import availability, invitations
from events.declarations.rules.mailboxes import note_of
from vru_portal.links.models import Delivery
from vru_portal.staff.actions import Action, Section
from vru_portal.staff.admin_links import admin_link
from vru_portal.staff.base_admin import OptionFilter
from vru_portal.staff.help import help_link
from vru_portal.text.dates import format_date
from vru_portal.text.form_fields import EmailAddressFormField, LineFormField

MAX_BULK_ROWS = 500  # invitations that one bulk action sends again or extends


class InvitationAction(Action):
    """An action on an invitation, offered while the invitation is in one of its ``states``."""

    permission = "declarations.change_invitation"
    states: ClassVar[tuple[InvitationState, ...]] = OPEN_INVITATION_STATES

    def applies(self) -> bool:
        return self.row.state in self.states

    def blocked_reason(self) -> str:
        return "" if self.applies() else f"{self.row}. You cannot do this with an invitation in this state."


class ResendAction(InvitationAction):
    """Sends the invitation again."""

    name = "resend"
    label = "Send again"
    explanation = (
        "We will send an email with a new link. Earlier links still work, because people may use the first email."
    )

    def facts(self) -> list[tuple[str, str]]:
        return [("To", self.row.email)]

    def perform(self, form: Any) -> str:
        invitations.resend_invitation(by=self.by, invitation=self.row)
        return "Waiting to be sent again"


class ExtendAction(InvitationAction):
    """Keeps the invitation open for longer."""

    name = "extend"
    label = "Extend"
    states = (InvitationState.DRAFT, *OPEN_INVITATION_STATES, InvitationState.EXPIRED)
    explanation = (
        "The invitation and all links that were sent will work until the end of the date you enter. If it has expired, "
        "it will open again. We will not email anyone."
    )

    def facts(self) -> list[tuple[str, str]]:
        return [("Can be used until", format_date(self.row.closes_on))]

    def form(self, **data: Any) -> forms.Form:
        return DateForm(initial={"day": max(self.row.closes_on, closing_date())}, **data)

    def perform(self, form: Any) -> str:
        until: date = form.cleaned_data["day"]
        try:
            invitations.extend_invitation(by=self.by, invitation=self.row, until=until)
        except ValidationError as error:
            raise as_date_field_error(error) from error
        return f"Can be used until {format_date(until)}"


def as_date_field_error(error: ValidationError) -> ValidationError:
    """The rule's error about ``until``, under the name that the field has in DateForm."""
    errors = getattr(error, "error_dict", {})
    return ValidationError({"day": errors["until"]}) if "until" in errors else error


class RevokeAction(InvitationAction):
    """Ends the invitation."""

    name = "revoke"
    label = "Revoke"
    states = (InvitationState.DRAFT, *OPEN_INVITATION_STATES)
    explanation = (
        "All links that were sent will stop working, and we will send no more emails. We will not tell anyone. You can "
        "invite the organisation again later."
    )

    def perform(self, form: Any) -> str:
        invitations.revoke_invitation(by=self.by, invitation=self.row)
        return "Revoked"


class InviteAgainForm(forms.Form):
    """Asks where to send the new invitation."""

    email = EmailAddressFormField(widget=forms.EmailInput(attrs={"class": "vTextField"}))
    contact_name = LineFormField(max_length=120, required=False, widget=forms.TextInput(attrs={"class": "vTextField"}))


class InviteAgainAction(InvitationAction):
    """Sends a new invitation to an organisation whose invitation has ended."""

    name = "invite-again"
    label = "Invite again"
    permission = "declarations.add_invitation"
    states = (*ENDED_INVITATION_STATES, InvitationState.REFUSED)
    explanation = (
        "We will email a new invitation to sign the text in force to the address below. This invitation stays in the "
        "list. If the mail server refused it, it will be revoked and its links will stop working."
    )

    def form(self, **data: Any) -> forms.Form:
        return InviteAgainForm(initial={"email": self.row.email, "contact_name": self.row.contact_name}, **data)

    def perform(self, form: Any) -> str:
        new = invitations.invite_anew(by=self.by, invitation=self.row, **form.cleaned_data)
        done = f"Invited again. The new invitation is first in the list. {note_of(new)}"
        return done.rstrip(" .")


class SetDecisionDateAction(InvitationAction):
    """Records when the organisation decides."""

    name = "decides-on"
    label = "They decide on"
    explanation = (
        "Use this if an organisation has told you when its committee meets. We will not send a reminder before that "
        "date, and the invitation will work for at least two weeks after it."
    )

    def form(self, **data: Any) -> forms.Form:
        return DateForm(initial={"day": self.row.decides_on}, **data)

    def perform(self, form: Any) -> str:
        until: date = form.cleaned_data["day"]
        invitations.note_decision_date(by=self.by, invitation=self.row, until=until)
        return f"They decide on {format_date(until)}"


class ChaseFilter(OptionFilter):
    """Filters by whether staff need to follow an invitation up."""

    title = "what to do"
    parameter_name = "chase"
    options = {
        "yes": ("Needs chasing", lambda rows: rows.to_chase(timezone.localdate())),
        "silent": ("Not started for days", lambda rows: rows.filter(rows.not_started(timezone.now()))),
        "later": (
            "They decide later",
            lambda rows: rows.filter(state__in=OPEN_INVITATION_STATES, decides_on__gte=timezone.localdate()),
        ),
    }


class MailFilter(admin.SimpleListFilter):
    """Filters by the status of the last email."""

    title = "last email"
    parameter_name = "mail"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return Delivery.choices

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(last_delivery=self.value()) if self.value() in Delivery.values else queryset


@admin.register(Invitation)
class InvitationAdmin(InvitationImportMixin, DeclarationWriteOnceAdmin):
    """Invitations and their state. Only an entry in the register means that an organisation has signed."""

    list_display = (
        "organisation_name",
        "version_label",
        "state_label",
        "sent_date",
        "reminders",
        "closes_date",
        "decision_date",
        "last_mail",
    )
    list_filter = ("state", ChaseFilter, MailFilter, ("version", VersionFilter))
    list_select_related = ("body", "version__declaration", "entry", "invited_by")
    search_fields = ("body__name", "email", "contact_name")
    search_help_text = "Search by organisation, email address or contact name."
    show_full_result_count = False
    row_actions = (ResendAction, ExtendAction, SetDecisionDateAction, InviteAgainAction, RevokeAction)
    record_form = InvitationRecordingForm
    record_fieldsets = (
        (
            None,
            {
                "description": help_link("declaration"),
                "fields": ["organisation", "sector", "email", "contact_name"],
            },
        ),
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ["organisation_link", "version", "state_label", "declined_because", "entry_link"]}),
        ("Sent to", {"fields": ["email", "contact_name", "invited_by", "created_at"]}),
        ("When", {"fields": ["sent_at", "reminders", "closes_on", "decides_on"]}),
    )
    actions = ("resend", "extend")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return super().get_queryset(request).with_last_mail()  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> tuple[str, ...]:
        return ("organisation_link", "state_label", "entry_link") if obj else ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        version = availability.version_in_force()
        overview = {"counts": overview_counts(version), "closed": signing_closed_notice_for(version)}
        return super().changelist_view(request, (extra_context or {}) | overview)

    def notice_before(self, request: HttpRequest) -> str:
        return signing_closed_notice()

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if note := note_of(obj):
            messages.warning(request, note)

    def sections(self, request: HttpRequest, row: Invitation | None) -> list[Section]:
        if row is None:
            return []
        mails = row.mails.all()[:50]
        prepared = getattr(row, "preparation", None)
        return [
            Section(
                "Emails",
                ("Kind", "To", "Status", "Attempts", "Sent", "Message from the mail server"),
                [
                    (
                        admin_link(mail, mail.get_kind_display()),
                        mail.to,
                        mail.get_delivery_display(),
                        mail.attempts,
                        mail.sent_at or "",
                        mail.error,
                    )
                    for mail in mails
                ],
                empty="No emails were sent.",
                figures=frozenset({3}),
            ),
            Section(
                "Details entered but not signed",
                ("Signatory", "Role", "Email", "Prepared by", "Passed on"),
                [
                    (prepared.name, prepared.role, prepared.email, prepared.prepared_by, prepared.passed_on_at or "")
                    for prepared in [prepared]
                    if prepared
                ],
                empty="No details were entered.",
            ),
        ]

    # In bulk ---------------------------------------------------------------------------------------------------------

    def has_change_any_permission(self, request: HttpRequest) -> bool:
        """Django asks this for bulk actions with ``permissions=["change_any"]``.

        `has_change_permission` is useless here: it is false, because invitations change only through actions.
        """
        return request.user.has_perm("declarations.change_invitation")

    @admin.action(description="Send again", permissions=["change_any"])
    def resend(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> HttpResponse | None:
        return self.confirm_and_perform(request, chosen, ResendAction)

    @admin.action(description="Extend", permissions=["change_any"])
    def extend(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> HttpResponse | None:
        return self.confirm_and_perform(request, chosen, ExtendAction)

    def confirm_and_perform(
        self, request: HttpRequest, chosen: QuerySet[Invitation], action_class: type[InvitationAction]
    ) -> HttpResponse | None:
        """Ask for confirmation, then perform the action on each chosen row that it applies to."""
        rows = list(chosen.order_by("body__name")[: MAX_BULK_ROWS + 1])
        if len(rows) > MAX_BULK_ROWS:
            messages.error(request, f"Nothing was changed. Select at most {MAX_BULK_ROWS} invitations at a time.")
            return None
        applicable = [action for row in rows if (action := action_class(row, request.user)).applies()]
        if not applicable:
            messages.error(request, "Nothing was changed. This does not apply to any of the selected invitations.")
            return None
        confirmed = "confirmed" in request.POST
        form = applicable[0].form(**({"data": request.POST} if confirmed else {}))
        if confirmed and form.is_valid():
            self.perform_all(request, applicable, form)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": action_class.label,
            "opts": self.opts,
            "action": applicable[0],
            "rows": [action.row for action in applicable],
            "skipped": [row for row in rows if row not in [action.row for action in applicable]],
            "bulk_action": request.POST.get("action", ""),
            "checkbox": ACTION_CHECKBOX_NAME,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/declarations/bulk.html", context)

    def perform_all(self, request: HttpRequest, actions: list[InvitationAction], form: forms.Form) -> None:
        """Perform the action on each row. Show an error for each row for which a rule refuses it."""
        done = 0
        for action in actions:
            try:
                outcome = action.perform(form)
            except ValidationError as error:
                messages.error(request, f"{action.row.body}: {' '.join(error.messages)}")
            else:
                self.log_change(request, action.row, outcome)
                done += 1
        if done:
            messages.success(request, f"{actions[0].label}: {done} invitation{pluralize(done)} changed.")

    # What is shown ---------------------------------------------------------------------------------------------------

    @admin.display(description="organisation", ordering="body__name")
    def organisation_name(self, row: Invitation) -> str:
        return str(row.body)

    @admin.display(description="organisation")
    def organisation_link(self, row: Invitation) -> str:
        return admin_link(row.body)

    @admin.display(description="version", ordering="version__number")
    def version_label(self, row: Invitation) -> str:
        return str(row.version)

    @admin.display(description="state", ordering="state")
    def state_label(self, row: Invitation) -> str:
        return row.get_state_display()

    @admin.display(description="entry of the register")
    def entry_link(self, row: Invitation) -> str:
        return admin_link(row.entry) or "-"

    @admin.display(description="sent", ordering="sent_at")
    def sent_date(self, row: Invitation) -> str:
        return short_date_or_dash(row.sent_at and timezone.localdate(row.sent_at))

    @admin.display(description="closes on", ordering="closes_on")
    def closes_date(self, row: Invitation) -> str:
        return short_date_or_dash(row.closes_on)

    @admin.display(description="decides on", ordering="decides_on")
    def decision_date(self, row: Invitation) -> str:
        return short_date_or_dash(row.decides_on)

    @admin.display(description="last email")
    def last_mail(self, row: Any) -> str:
        return Delivery(row.last_delivery).label if row.last_delivery else "-"
