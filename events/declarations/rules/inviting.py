"""Inviting: everything that staff, or the timer, decide about an invitation."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import (
    OPEN,
    OVER,
    SIGNING,
    Delivery,
    InvitationState,
    MailKind,
    Purpose,
)
from events.declarations.mails import new_message_id
from events.declarations.models import (
    DeclarationVersion,
    Invitation,
    LiveSignature,
    Mail,
    SignatoryBody,
    SigningRequest,
)
from events.declarations.register import log
from events.declarations.rules.opening import in_force, require_inviting, require_open
from events.declarations.tasks import deliver
from events.declarations.validators import visible
from partners.models import Organisation, Sector

BATCH = 500  # rows in one query
ASKING = (MailKind.INVITATION, MailKind.REMINDER, MailKind.CONFIRM)  # mails that ask somebody to sign


@dataclass(frozen=True)
class Invitee:
    """A body to be invited, as typed."""

    organisation: str
    email: str
    contact_name: str = ""
    sector: Sector | None = None


@dataclass(frozen=True)
class Invited:
    """What became of an invitee: a new invitation; or why nobody was mailed, or what is wrong."""

    invitation: Invitation | None = None
    because: str = ""
    error: ValidationError | None = None


def invite(
    *,
    by: Any,
    organisation: str,
    email: str,
    contact_name: str = "",
    sector: Sector | None = None,
    again: bool = False,
) -> Invitation | None:
    """Invite a body to sign the wording in force, by mail.

    Returns None, and mails nobody, where it has signed or is invited already, whatever came of it; with ``again``, one
    whose invitation is over (declined, expired, revoked) or who withdrew is invited anew. Raises ValidationError.
    """
    (outcome,) = invite_all(by=by, invitees=[Invitee(organisation, email, contact_name, sector)], again=again)
    if outcome.error:
        raise outcome.error
    return outcome.invitation


@transaction.atomic
def invite_all(
    *, by: Any, invitees: Sequence[Invitee], again: bool = False, places: Sequence[int] = ()
) -> list[Invited]:
    """Invite many bodies, in a handful of queries, each as `invite` does; returns what became of each, in order.

    Those with an error are left out; whoever wants all or none rolls back. ``places`` are the rows of a file that they
    stand in. Raises ValidationError, with every reason, where nobody can be invited.
    """
    require_inviting()
    log.lock()  # two who invite the same body, or invite while a wording is put in force: one after the other
    version = require_inviting()
    named = [replace(row, organisation=tidy(row.organisation), email=row.email.strip()) for row in invitees]
    bodies = {same(body.name): body for body in bodies_called(named)}
    standing = why_not(version, [body for body in bodies.values() if body.pk], again=again)
    outcomes: list[Invited] = []
    first: dict[str, int] = {}  # by name: where it stands first
    for number, row in enumerate(named):
        body, key = bodies[same(row.organisation)], same(row.organisation)
        invitation = Invitation(
            body=body,
            version=version,
            email=row.email,
            contact_name=tidy(row.contact_name),
            state=InvitationState.QUEUED,
            invited_by=by,
        )
        if error := what_is_wrong(invitation):
            outcomes.append(Invited(error=error))
        elif key in first:
            place = places[first[key]] if places else first[key] + 1
            outcomes.append(repeated(row, named[first[key]], place))
        else:
            first[key] = number
            because = standing.get(body.pk, "")
            outcomes.append(Invited(because=because) if because else Invited(invitation))
    fresh = [outcome.invitation for outcome in outcomes if outcome.invitation]
    SignatoryBody.objects.bulk_create([row.body for row in fresh if row.body.pk is None], batch_size=BATCH)
    create_invitations(fresh)
    return outcomes


def tidy(text: str) -> str:
    """Return text with one blank between words, and each letter written the same way."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def same(name: str) -> str:
    """Return what two spellings of a body's name have in common."""
    return unicodedata.normalize("NFKC", name).casefold()


def bodies_called(invitees: Sequence[Invitee]) -> list[SignatoryBody]:
    """Return the bodies of these names, those that are not there yet unsaved; each with its organisation, if any."""
    wanted = {same(row.organisation): row for row in reversed(invitees)}  # as it is written first
    names = {name: pk for pk, name in SignatoryBody.objects.values_list("pk", "name")}
    known = [pk for name, pk in names.items() if same(name) in wanted]
    found = {pk: body for part in parts(known) for pk, body in SignatoryBody.objects.in_bulk(part).items()}
    missing = wanted.keys() - {same(body.name) for body in found.values()}
    pages: dict[str, Organisation] = {}
    if missing:
        rows = Organisation.objects.select_related("sector").only("name", "sector")
        pages = {same(row.name): row for row in rows if same(row.name) in missing}
    fresh = [
        SignatoryBody(
            name=wanted[key].organisation,
            organisation=pages.get(key),
            sector=wanted[key].sector or (pages[key].sector if key in pages else None),
        )
        for key in missing
    ]
    return [*found.values(), *fresh]


def why_not(version: DeclarationVersion, bodies: Sequence[SignatoryBody], *, again: bool) -> dict[int, str]:
    """Return why bodies are not mailed, by their keys."""
    because: dict[int, str] = {}
    for part in parts([body.pk for body in bodies]):
        rows = Invitation.objects.filter(body__in=part, version=version).order_by("created_at", "pk")
        for row in rows:
            state = row.get_state_display()
            if row.state not in OVER:
                because[row.body_id] = f"Invited already ({state.lower()})."
            elif not again:
                because.setdefault(row.body_id, f"{state}: invite it again on the page of its invitation.")
        signed = LiveSignature.objects.filter(body__in=part, version=version)
        because |= dict.fromkeys(signed.values_list("body", flat=True), "It has signed already.")
    return because


def what_is_wrong(invitation: Invitation) -> ValidationError | None:
    """Return what is wrong with an invitation or its body, by field, without asking the database."""
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
        errors["email"] = ["Give the mailbox that the invitation goes to."]
    for name, text in {"organisation": body.name, "contact_name": invitation.contact_name}.items():
        try:
            if text:
                visible(text)
        except ValidationError as error:
            errors[name] = error.messages
    return ValidationError(errors) if errors else None


def repeated(row: Invitee, before: Invitee, place: int) -> Invited:
    """Return what becomes of a body that stands a second time in one list."""
    if row.email.casefold() == before.email.casefold():
        return Invited(because=f"The same as row {place}: left out.")
    sentence = f"This body stands in row {place} too, with {before.email}. Keep one of the two."
    return Invited(error=ValidationError({"organisation": sentence}))


def create_invitations(invitations: list[Invitation]) -> None:
    """Record invitations that were checked, and queue their mails."""
    Invitation.objects.bulk_create(invitations, batch_size=BATCH)
    send_all(MailKind.INVITATION, invitations)


def parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield rows in as many pieces as one query each can take."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def send(kind: MailKind, invitation: Invitation, *, to: str = "") -> Mail:
    """Put a mail into the queue; the worker sees it once this transaction is committed."""
    (mail,) = send_all(kind, [invitation], to=to)
    return mail


def send_all(kind: MailKind, invitations: Sequence[Invitation], *, to: str = "") -> list[Mail]:
    """Put a mail for each invitation into the queue, in the same transaction: all of it is there, or none."""
    mails = [Mail(kind=kind, invitation=row, to=to or row.email, message_id=new_message_id()) for row in invitations]
    Mail.objects.bulk_create(mails, batch_size=BATCH)
    for mail in mails:
        deliver.enqueue(mail.pk)
    return mails


@transaction.atomic
def resend(*, by: Any, invitation: Invitation) -> Mail:
    """Send an invitation once more; the links that were sent before stay good."""
    require_inviting()
    log.lock()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state not in OPEN:
        raise ValidationError(f"{locked}. There is nothing to send.")
    if locked.mails.filter(kind=MailKind.INVITATION, delivery=Delivery.WAITING).exists():
        raise ValidationError("A mail to this body is waiting to be sent already.")
    if locked.state == InvitationState.REFUSED:
        locked.state = InvitationState.QUEUED
        locked.save(update_fields=["state"])
    return send(MailKind.INVITATION, locked)


@transaction.atomic
def remind(*, invitation: Invitation) -> Mail | None:
    """Remind a body that has not answered; nothing, where it has in the meantime or was reminded."""
    log.lock()
    due = Invitation.objects.to_remind(timezone.localdate()).filter(pk=invitation.pk).first()
    if due is None:
        return None
    due.reminders += 1
    due.save(update_fields=["reminders"])
    return send(MailKind.REMINDER, due)


@transaction.atomic
def expire(*, invitation: Invitation) -> None:
    """End an invitation whose last day is over, unless it was answered or extended in the meantime."""
    log.lock()
    past = Invitation.objects.past(timezone.localdate()).filter(pk=invitation.pk).first()
    if past:
        close(past, InvitationState.EXPIRED)


@transaction.atomic
def revoke(*, by: Any, invitation: Invitation) -> None:
    """End an invitation: its links open nothing from now on."""
    log.lock()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state not in (InvitationState.DRAFT, *OPEN):
        raise ValidationError(
            f"{locked}. There is nothing to revoke; a signature is withdrawn only from the mailbox that gave it."
        )
    close(locked, InvitationState.REVOKED)


@transaction.atomic
def invite_anew(*, by: Any, invitation: Invitation, email: str, contact_name: str = "") -> Invitation:
    """Invite a body once more whose invitation is over, or whose mailbox the mail server refuses: perhaps another one.

    The invitation before stays as it ended; where its mail was refused it is revoked.
    """
    require_inviting()
    log.lock()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state == InvitationState.REFUSED:
        close(locked, InvitationState.REVOKED)
    body = locked.body
    (outcome,) = invite_all(by=by, invitees=[Invitee(body.name, email, contact_name)], again=True)
    if outcome.error:
        raise outcome.error
    if outcome.invitation is None:
        raise ValidationError(f"{body}: {outcome.because}")
    return outcome.invitation


@transaction.atomic
def retry(*, by: Any, mail: Mail) -> None:
    """Try a mail again that the mail server has refused: once its mailbox works again, say."""
    log.lock()
    locked = Mail.objects.select_for_update(of=("self",)).select_related("invitation__body").get(pk=mail.pk)
    if locked.delivery != Delivery.REFUSED:
        raise ValidationError("Only a mail that was refused is tried again.")
    invitation = locked.invitation
    if locked.kind in ASKING:
        require_inviting()
        if invitation.state not in OPEN:
            raise ValidationError(f"{invitation}. This mail has no reason any more.")
    if locked.kind == MailKind.INVITATION:
        waiting = Invitation.objects.filter(pk=invitation.pk, state=InvitationState.REFUSED)
        waiting.update(state=InvitationState.QUEUED)
    locked.delivery, locked.attempts, locked.due_at, locked.error = Delivery.WAITING, 0, timezone.now(), ""
    locked.save()
    deliver.enqueue(locked.pk)


@transaction.atomic
def hold(*, by: Any, invitation: Invitation, until: date) -> None:
    """Note on which day a body decides, as it has told staff: no reminder before."""
    log.lock()
    locked = Invitation.objects.get(pk=invitation.pk)
    if locked.state not in OPEN:
        raise ValidationError(f"{locked}. There is nothing to hold.")
    note_day(locked, until)


def note_day(invitation: Invitation, day: date) -> None:
    """Hold reminders until the day on which a body decides; it can sign for two weeks after it at least."""
    if not timezone.localdate() <= day <= timezone.localdate() + timedelta(days=366):
        raise ValidationError({"day": "Enter a day from today on, within a year."})
    invitation.decides_on = day
    invitation.closes_on = max(invitation.closes_on, day + timedelta(days=14))
    invitation.save(update_fields=["decides_on", "closes_on"])
    stretch_links(invitation)


@transaction.atomic
def extend(*, by: Any, invitation: Invitation, until: date) -> None:
    """Keep an invitation, and the links of it that were sent, good to the end of this day, within a year.

    One that has expired is open again, for the wording in force.
    """
    log.lock()
    locked = Invitation.objects.select_related("body", "version").get(pk=invitation.pk)
    today = timezone.localdate()
    if not today <= until <= today + timedelta(days=366):
        raise ValidationError({"until": "Enter a day from today on, within a year."})
    if locked.state not in (InvitationState.DRAFT, InvitationState.EXPIRED, *OPEN):
        raise ValidationError(f"{locked}. It cannot be extended.")
    if locked.state == InvitationState.EXPIRED:
        reopen(locked)
    locked.closes_on = until
    locked.save(update_fields=["state", "version", "closes_on"])
    stretch_links(locked)


def reopen(invitation: Invitation) -> None:
    """Open an invitation again that has expired; raises ValidationError where nothing is left to sign by it."""
    if not invitation.email:
        raise ValidationError("The mailbox was dropped when the invitation ended. Invite the body again.")
    version = require_inviting()
    others = invitation.body.invitations.filter(version__declaration=version.declaration_id).exclude(pk=invitation.pk)
    if others.exclude(state__in=(*OVER, InvitationState.SIGNED)).exists():
        raise ValidationError("This body was invited again since: extend that invitation.")
    if LiveSignature.objects.filter(body=invitation.body, version=version).exists():
        raise ValidationError("This body has signed the wording in force.")
    invitation.version, invitation.state = version, InvitationState.SENT


def stretch_links(invitation: Invitation) -> None:
    """Let the links that were sent, and not taken back, work for as long as the invitation does."""
    links = invitation.tokens.filter(purpose__in=SIGNING, burnt_at=None)
    links.update(expires_at=tokens.expiry(invitation, Purpose.SIGN))


def close(invitation: Invitation, state: InvitationState, *changed: str) -> None:
    """End an invitation in this state, together with other fields that were changed; burn its links.

    Those of one that has expired work no more, and again where it is extended: none but those that were taken back
    before is burnt.
    """
    invitation.state = state
    invitation.save(update_fields=["state", *changed])
    if state != InvitationState.EXPIRED:
        invitation.tokens.filter(burnt_at=None, purpose__in=SIGNING).update(burnt_at=timezone.now())


@transaction.atomic
def ask(*, name: str, contact_name: str, email: str, sector: Sector | None = None, message: str = "") -> None:
    """Note that a body which was not invited asks to sign. Asked twice, it is one request."""
    require_open(in_force())
    waiting = SigningRequest.objects.filter(name__iexact=name, email__iexact=email, answered_at=None)
    if waiting.exists():
        return
    asked = SigningRequest(name=name, contact_name=contact_name, email=email, sector=sector, message=message)
    asked.full_clean()
    asked.save()


@transaction.atomic
def approve(*, by: Any, request: SigningRequest) -> Invitation:
    """Invite a body that has asked to sign, like any other."""
    require_inviting()
    log.lock()  # before the request, as whoever signs locks: two cannot wait for each other
    locked = SigningRequest.objects.select_for_update().get(pk=request.pk)
    if locked.answered_at:
        raise ValidationError("This request is answered already.")
    invitation = invite(
        by=by,
        organisation=locked.name,
        email=locked.email,
        contact_name=locked.contact_name,
        sector=locked.sector,
        again=True,
    )
    if invitation is None:
        raise ValidationError(f"{locked.name} is invited already: send that again, or turn the request down.")
    locked.answered_at, locked.invitation = timezone.now(), invitation
    locked.save()
    return invitation


@transaction.atomic
def turn_down(*, by: Any, request: SigningRequest) -> None:
    """Answer a request with no: its personal data goes with the next chores."""
    locked = SigningRequest.objects.select_for_update().get(pk=request.pk)
    if locked.answered_at:
        raise ValidationError("This request is answered already.")
    locked.answered_at = timezone.now()
    locked.save()
