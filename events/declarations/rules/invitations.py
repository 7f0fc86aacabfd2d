"""Inviting organisations to sign, and everything that staff or the scheduled job then decide about an invitation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import (
    ENDED_INVITATION_STATES,
    OPEN_INVITATION_STATES,
    SIGNING_PURPOSES,
    InvitationState,
    MailKind,
    SigningLinkPurpose,
)
from events.declarations.models import (
    DeclarationVersion,
    Invitation,
    LiveSignature,
    Mail,
    Preparation,
    SignatoryBody,
)
from events.declarations.register import log
from events.declarations.rules.availability import require_inviting_open
from events.declarations.rules.mail_queue import BATCH_SIZE, queue_mail, queue_mails
from events.declarations.rules.mailboxes import mailbox_note, organisations_invited_at
from events.declarations.validators import validate_readable
from partners.models import Organisation, Sector
from vru_portal.links.models import Delivery
from vru_portal.tabular.batches import in_batches
from vru_portal.tabular.reading.sheets import join_names
from vru_portal.text.cleaning import fold, normalise_email, normalise_line

MAX_DAYS_AHEAD = 366
# Somebody who decides on a day needs time afterwards to find the email and sign.
DAYS_TO_SIGN_AFTER_DECISION = 14


@dataclass(frozen=True)
class Invitee:
    """An organisation to invite, as typed."""

    organisation: str
    email: str
    contact_name: str = ""
    sector: Sector | None = None


@dataclass(frozen=True)
class InvitationOutcome:
    """The result for an invitee: a new invitation, the reason why it was skipped, or an error."""

    invitation: Invitation | None = None
    skipped_reason: str = ""
    error: ValidationError | None = None
    note: str = ""  # what staff should know about a new invitation


# Inviting -------------------------------------------------------------------------------------------------------------


def invite(
    *,
    by: Any,
    organisation: str,
    email: str,
    contact_name: str = "",
    sector: Sector | None = None,
    again: bool = False,
) -> Invitation | None:
    """Invite an organisation, by email, to sign the version in force.

    Returns None, and sends nothing, if it has signed or has ever been invited to this version. With ``again``, it is
    invited again if its invitation has ended (declined, expired, revoked) or its signature was withdrawn. Raises
    ValidationError.
    """
    (outcome,) = invite_all(by=by, invitees=[Invitee(organisation, email, contact_name, sector)], again=again)
    if outcome.error:
        raise outcome.error
    return outcome.invitation


@transaction.atomic
def invite_all(
    *, by: Any, invitees: Sequence[Invitee], again: bool = False, row_numbers: Sequence[int] = ()
) -> list[InvitationOutcome]:
    """Do what `invite` does for many organisations, in a few queries; returns the outcome of each, in order.

    Invitees with an error are left out and the others invited: a caller that wants all or none rolls back.
    ``row_numbers`` say where in a file the invitees stand, for messages. Raises ValidationError, with every reason, if
    nobody can be invited.
    """
    require_inviting_open()  # before the lock: this answers with a reason where there is no register to lock yet
    log.lock_head()  # serialises with others who invite the same organisation, and with a new version
    version = require_inviting_open()
    rows = [
        replace(row, organisation=normalise_line(row.organisation), email=normalise_email(row.email))
        for row in invitees
    ]
    organisations = {fold(body.name): body for body in organisations_named(rows)}
    saved = [body for body in organisations.values() if body.pk]
    reasons = reasons_not_to_invite(version, saved, again=again)
    outcomes: list[InvitationOutcome] = []
    first_index: dict[str, int] = {}  # by name: where the organisation occurs first
    first_at_mailbox: dict[str, int] = {}
    invited_at = organisations_invited_at(version, [row.email for row in rows])
    for index, row in enumerate(rows):
        key = fold(row.organisation)
        body = organisations[key]
        invitation = Invitation(
            body=body,
            version=version,
            email=row.email,
            contact_name=normalise_line(row.contact_name),
            state=InvitationState.QUEUED,
            invited_by=by,
        )
        if error := validation_error(invitation):
            outcomes.append(InvitationOutcome(error=error))
        elif key in first_index:
            first = first_index[key]
            outcomes.append(duplicate_outcome(row, rows[first], row_numbers[first] if row_numbers else first + 1))
        else:
            first_index[key] = index
            if reason := reasons.get(body.pk, ""):
                outcomes.append(InvitationOutcome(skipped_reason=reason))
                continue
            first = first_at_mailbox.setdefault(fold(row.email), index)
            note = mailbox_note(invited_at.get(fold(row.email), []), body)
            if first != index and not note:
                number = row_numbers[first] if row_numbers else first + 1
                note = f"This mailbox is also in row {number}, for {join_names([rows[first].organisation])}."
            outcomes.append(InvitationOutcome(invitation, note=note))
    new = [outcome.invitation for outcome in outcomes if outcome.invitation]
    SignatoryBody.objects.bulk_create([row.body for row in new if row.body.pk is None], batch_size=BATCH_SIZE)
    create_invitations(new)
    return outcomes


def organisations_named(invitees: Sequence[Invitee]) -> list[SignatoryBody]:
    """The signatory organisations with these names; new ones are unsaved.

    A new one is linked to the organisation of the same name in the portal, if there is one.
    """
    wanted = {fold(row.organisation): row for row in reversed(invitees)}  # the first spelling wins
    # Names are compared here, since no two databases fold the case of Unicode alike.
    all_names = SignatoryBody.objects.values_list("pk", "name")
    existing = [pk for pk, name in all_names if fold(name) in wanted]
    found = [body for batch in in_batches(existing) for body in SignatoryBody.objects.in_bulk(batch).values()]
    missing = wanted.keys() - {fold(body.name) for body in found}
    in_portal: dict[str, Organisation] = {}
    if missing:
        rows = Organisation.objects.select_related("sector").only("name", "sector")
        in_portal = {fold(row.name): row for row in rows if fold(row.name) in missing}
    new = [
        SignatoryBody(
            name=wanted[key].organisation,
            organisation=in_portal.get(key),
            sector=wanted[key].sector or (in_portal[key].sector if key in in_portal else None),
        )
        for key in missing
    ]
    return [*found, *new]


def reasons_not_to_invite(
    version: DeclarationVersion, organisations: Sequence[SignatoryBody], *, again: bool
) -> dict[int, str]:
    """By key, why some of these organisations are not invited to this version."""
    reasons: dict[int, str] = {}
    for batch in in_batches([body.pk for body in organisations]):
        for row in Invitation.objects.filter(body__in=batch, version=version).order_by("created_at", "pk"):
            state = row.get_state_display()
            if row.state not in ENDED_INVITATION_STATES:
                reasons[row.body_id] = f"Already invited ({state.lower()})."
            elif not again:
                reasons.setdefault(row.body_id, f"{state}. To invite it again, go to the page of its invitation.")
        signed = LiveSignature.objects.filter(body__in=batch, version=version)
        reasons |= dict.fromkeys(signed.values_list("body", flat=True), "It has already signed.")
    return reasons


def check_invitee(invitee: Invitee) -> None:
    """Raise ValidationError for all that is wrong with an invitee, without a question to the database."""
    body = SignatoryBody(name=normalise_line(invitee.organisation))
    email, contact_name = normalise_email(invitee.email), normalise_line(invitee.contact_name)
    if error := validation_error(Invitation(body=body, email=email, contact_name=contact_name)):
        raise error


def validation_error(invitation: Invitation) -> ValidationError | None:
    """What is wrong with an invitation or its organisation, by field. Does not query the database."""
    errors: dict[str, Any] = {}
    body = invitation.body
    try:
        if body.pk is None:
            body.clean_fields(exclude=["sector", "organisation"])
    except ValidationError as error:
        errors["organisation"] = error.message_dict["name"]
    try:
        invitation.clean_fields(exclude=["body", "version", "invited_by", "entry"])
    except ValidationError as error:
        errors |= error.message_dict
    if not invitation.email:
        errors["email"] = ["Enter the email address that the invitation goes to."]
    for name, text in {"organisation": body.name, "contact_name": invitation.contact_name}.items():
        try:
            if text:
                validate_readable(text)
        except ValidationError as error:
            errors[name] = error.messages
    return ValidationError(errors) if errors else None


def duplicate_outcome(row: Invitee, first: Invitee, first_row_number: int) -> InvitationOutcome:
    """The outcome for an organisation that is in a list twice."""
    if fold(row.email) == fold(first.email):
        return InvitationOutcome(skipped_reason=f"Same as row {first_row_number}, so skipped.")
    message = f"This organisation is also in row {first_row_number}, with {first.email}. Keep one of the two."
    return InvitationOutcome(error=ValidationError({"organisation": message}))


def create_invitations(invitations: list[Invitation]) -> None:
    """Save invitations that were checked, and queue their emails."""
    Invitation.objects.bulk_create(invitations, batch_size=BATCH_SIZE)
    queue_mails(MailKind.INVITATION, invitations)


# Sending again --------------------------------------------------------------------------------------------------------


@transaction.atomic
def resend_invitation(*, by: Any, invitation: Invitation) -> Mail:
    """Send an invitation again. Links sent earlier keep working."""
    require_inviting_open()
    log.lock_head()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state not in OPEN_INVITATION_STATES:
        raise ValidationError(f"{locked}. There is nothing to send.")
    if locked.mails.filter(kind=MailKind.INVITATION, delivery=Delivery.WAITING).exists():
        raise ValidationError("An email to this organisation is already waiting to be sent.")
    if locked.state == InvitationState.REFUSED:
        locked.state = InvitationState.QUEUED
        locked.save(update_fields=["state"])
    return queue_mail(MailKind.INVITATION, locked)


@transaction.atomic
def remind_invitation(*, invitation: Invitation) -> Mail | None:
    """Queue a reminder; None if the organisation has answered, or was reminded, in the meantime."""
    log.lock_head()
    due = Invitation.objects.to_remind(timezone.localdate()).filter(pk=invitation.pk).first()
    if due is None:
        return None
    due.reminders += 1
    due.save(update_fields=["reminders"])
    return queue_mail(MailKind.REMINDER, due)


# Ending ---------------------------------------------------------------------------------------------------------------


def end_invitation(invitation: Invitation, state: InvitationState, *changed: str) -> None:
    """Save this final state, together with other fields that were changed, and revoke the invitation's links.

    Links of an expired invitation are not revoked. They stop working while its state is expired, and work again if
    staff extend it.
    """
    invitation.state = state
    invitation.save(update_fields=["state", *changed])
    if state != InvitationState.EXPIRED:
        # This time distinguishes a link that has signed from one revoked before, even if the clock was set back.
        at = max(timezone.now(), invitation.entry.recorded_at) if invitation.entry else timezone.now()
        invitation.tokens.filter(burnt_at=None, purpose__in=SIGNING_PURPOSES).update(burnt_at=at)


def tell_of_end(invitation: Invitation, *, ended_by: str = "") -> None:
    """Queue the email that says that links which were sent no longer work, to all who have one but did not end it.

    Call it before the invitation ends: afterwards nobody knows who had a link.
    """
    sent = invitation.mails.filter(kind=MailKind.INVITATION, delivery=Delivery.SENT)
    passed_on = Preparation.objects.filter(invitation=invitation, passed_on_at__isnull=False)
    addresses = [*([invitation.email] if sent.exists() else []), *passed_on.values_list("email", flat=True)]
    for address in {fold(address): address for address in addresses if fold(address) != fold(ended_by)}.values():
        queue_mail(MailKind.ENDED, invitation, to=address)


@transaction.atomic
def expire_invitation(*, invitation: Invitation) -> None:
    """End an invitation whose last day has passed, unless it was answered or extended in the meantime."""
    log.lock_head()
    overdue = Invitation.objects.overdue(timezone.localdate()).filter(pk=invitation.pk).first()
    if overdue:
        end_invitation(overdue, InvitationState.EXPIRED)


@transaction.atomic
def revoke_invitation(*, by: Any, invitation: Invitation) -> None:
    """End an invitation on staff's decision. Its links stop working."""
    log.lock_head()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state not in (InvitationState.DRAFT, *OPEN_INVITATION_STATES):
        raise ValidationError(
            f"{locked}. There is nothing to revoke. Only the person at the email address that signed can withdraw it."
        )
    tell_of_end(locked)
    end_invitation(locked, InvitationState.REVOKED)


@transaction.atomic
def invite_anew(*, by: Any, invitation: Invitation, email: str, contact_name: str = "") -> Invitation:
    """Invite an organisation again whose invitation has ended, or whose mailbox refuses our email.

    The earlier invitation keeps its state; one whose email was refused is revoked.
    """
    require_inviting_open()
    log.lock_head()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state == InvitationState.REFUSED:
        end_invitation(locked, InvitationState.REVOKED)
    body = locked.body
    (outcome,) = invite_all(by=by, invitees=[Invitee(body.name, email, contact_name)], again=True)
    if outcome.error:
        raise outcome.error
    if outcome.invitation is None:
        raise ValidationError(f"{body}: {outcome.skipped_reason}")
    return outcome.invitation


# Dates ----------------------------------------------------------------------------------------------------------------


def require_within_a_year(day: date, field: str) -> None:
    if not timezone.localdate() <= day <= timezone.localdate() + timedelta(days=MAX_DAYS_AHEAD):
        raise ValidationError({field: "Enter a date between today and a year from now."})


@transaction.atomic
def note_decision_date(*, by: Any, invitation: Invitation, until: date) -> None:
    """Record the day on which an organisation decides, as it has told staff. No reminder is sent before."""
    log.lock_head()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state not in OPEN_INVITATION_STATES:
        raise ValidationError(f"{locked}. No reminders are sent for it.")
    set_decision_date(locked, until)


def set_decision_date(invitation: Invitation, day: date) -> None:
    """Hold back reminders until this day, and keep the invitation open for two weeks after it at least."""
    require_within_a_year(day, "day")
    invitation.decides_on = day
    invitation.closes_on = max(invitation.closes_on, day + timedelta(days=DAYS_TO_SIGN_AFTER_DECISION))
    invitation.save(update_fields=["decides_on", "closes_on"])
    extend_links(invitation)


@transaction.atomic
def extend_invitation(*, by: Any, invitation: Invitation, until: date) -> None:
    """Keep an invitation and its links working to the end of this day, within a year.

    An expired invitation is opened again, for the version in force.
    """
    log.lock_head()
    locked = Invitation.objects.select_related("body", "version").get(pk=invitation.pk)
    require_within_a_year(until, "until")
    if locked.state not in (InvitationState.DRAFT, InvitationState.EXPIRED, *OPEN_INVITATION_STATES):
        raise ValidationError(f"{locked}. It cannot be extended.")
    if locked.state == InvitationState.EXPIRED:
        reopen_invitation(locked)
    locked.closes_on = until
    locked.save(update_fields=["state", "version", "closes_on"])
    extend_links(locked)


def reopen_invitation(invitation: Invitation) -> None:
    """Open an expired invitation again, without saving it. Raises ValidationError if it could no longer be signed."""
    if not invitation.email:
        raise ValidationError("The email address was deleted when the invitation ended. Invite the organisation again.")
    version = require_inviting_open()
    others = invitation.body.invitations.filter(version__declaration=version.declaration_id).exclude(pk=invitation.pk)
    if others.exclude(state__in=(*ENDED_INVITATION_STATES, InvitationState.SIGNED)).exists():
        raise ValidationError("This organisation has been invited again since. Extend that invitation.")
    if LiveSignature.objects.filter(body=invitation.body, version=version).exists():
        raise ValidationError("This organisation has signed the version in force.")
    invitation.version, invitation.state = version, InvitationState.SENT


def extend_links(invitation: Invitation) -> None:
    """Let the links that were sent, and not revoked, work for as long as the invitation does."""
    links = invitation.tokens.filter(purpose__in=SIGNING_PURPOSES, burnt_at=None)
    links.update(expires_at=tokens.signing_link_expiry(invitation, SigningLinkPurpose.SIGN))
