"""Writing emails: plain text and HTML from templates/mail/, with a link that is created when the email is sent."""

from collections.abc import Iterator
from typing import NamedTuple

from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import timezone

from events.declarations import tokens
from events.declarations.choices import OPEN_INVITATION_STATES, InvitationState, MailKind, SigningLinkPurpose
from events.declarations.documents import pdf, receipts, seal
from events.declarations.models import Entry, Invitation, LiveSignature, Mail, Preparation
from events.declarations.querysets import MAX_REMINDERS
from partners.documents.emails import email_frame, reply_addresses
from partners.models import Unit
from vru_portal.links.messages import write_message
from vru_portal.text.cleaning import one_line, truncate
from vru_portal.web.addresses import full_url

LINK_PURPOSES = {
    MailKind.INVITATION: SigningLinkPurpose.SIGN,
    MailKind.REMINDER: SigningLinkPurpose.SIGN,
    MailKind.CONFIRM: SigningLinkPurpose.CONFIRM,
    MailKind.RECEIPT: SigningLinkPurpose.RECEIPT,
    MailKind.WITHDRAW: SigningLinkPurpose.WITHDRAW,
}  # the other kinds have no link that does anything
ABOUT_A_SIGNATURE = (MailKind.RECEIPT, MailKind.WITHDRAW, MailKind.SIGNED, MailKind.WITHDRAWN)
MAX_NAME_IN_SUBJECT = 80  # characters: longer subjects are cut off by mail programs


class Attachment(NamedTuple):
    """A file attached to an email."""

    name: str
    content: bytes
    media_type: str


def build_message(mail: Mail) -> EmailMultiAlternatives | None:
    """Write the email, with a link if its kind has one; None if there is no longer a reason to send it.

    The link is created here, and not when the email is queued, so that its secret is never stored.
    """
    kind, invitation = MailKind(mail.kind), mail.invitation
    purpose = LINK_PURPOSES.get(kind)
    to = invitation.email if invitation and purpose == SigningLinkPurpose.SIGN else mail.to
    if not to or not is_wanted(mail):
        return None
    unit = Unit.objects.current()
    context = template_context(mail, unit)
    if invitation and purpose:
        secret = tokens.issue_secret(invitation=invitation, purpose=purpose, to=to)
        context["link"] = full_url(reverse("declarations:open", args=[secret]))
        context["until"] = tokens.signing_link_expiry(invitation, purpose)
    email = write_message(kind, context, mail, to=to, reply_to=reply_addresses(unit))
    if kind == MailKind.RECEIPT and invitation and invitation.entry:
        for attachment in receipt_attachments(invitation.entry):
            email.attach(*attachment)
    return email


def is_wanted(mail: Mail) -> bool:
    """Whether there is still a reason to send an email, which may have been queued for days."""
    invitation, today = mail.invitation, timezone.localdate()
    if invitation is None:
        return True  # an answer to a request, which is deleted together with the request
    is_open = invitation.state in OPEN_INVITATION_STATES and invitation.closes_on >= today
    match MailKind(mail.kind):
        case MailKind.INVITATION:
            return is_open
        case MailKind.REMINDER:
            return is_open and not (invitation.decides_on and invitation.decides_on >= today)
        case MailKind.CONFIRM:  # still passed on to this mailbox, not taken back
            passed_on = Preparation.objects.filter(invitation=invitation, passed_on_at__isnull=False)
            return is_open and passed_on.filter(email__iexact=mail.to).exists()
        case MailKind.RECEIPT | MailKind.SIGNED:
            return invitation.entry is not None
        case MailKind.WITHDRAWN:
            return invitation.state == InvitationState.WITHDRAWN
        case MailKind.WITHDRAW:
            return LiveSignature.objects.filter(entry=invitation.entry_id).exists()
        case MailKind.ENDED:
            return invitation.state not in OPEN_INVITATION_STATES
        case MailKind.TURNED_DOWN:
            return False  # it has no invitation


def template_context(mail: Mail, unit: Unit) -> dict[str, object]:
    """The variables of an email's templates. What people typed is put on one line, so that it cannot add paragraphs."""
    organisation = one_line(mail.organisation)
    return {
        **email_frame(unit),
        "organisation": organisation,
        "short_organisation": truncate(organisation, MAX_NAME_IN_SUBJECT),
        "register": full_url(reverse("declarations:register")),
        "declaration": full_url(reverse("declarations:declaration")),
        "contact_name": one_line(mail.request.contact_name if mail.request else ""),
    } | (invitation_context(mail.invitation, MailKind(mail.kind)) if mail.invitation else {})


def invitation_context(invitation: Invitation, kind: MailKind) -> dict[str, object]:
    """The variables of the emails that are about an invitation."""
    entry = invitation.entry
    preparation = Preparation.objects.filter(invitation=invitation).first()
    version = entry.version if entry and kind in ABOUT_A_SIGNATURE else invitation.version
    return {
        "title": one_line(version.declaration.title),
        "version": version,
        "text_address": full_url(version.get_absolute_url()),
        "pdf_address": full_url(reverse("declarations:version_pdf", args=[version.number])),
        "contact_name": one_line(invitation.contact_name),
        "state": invitation.state,
        "max_reminders": MAX_REMINDERS,
        "has_asked": hasattr(invitation, "request"),
        "signatory": one_line(preparation.name) if preparation else "",
        "prepared_by": one_line(preparation.prepared_by) if preparation else "",
        "entry": entry,
        "entry_address": full_url(entry.get_absolute_url()) if entry else "",
    }


def receipt_attachments(entry: Entry) -> Iterator[Attachment]:
    yield Attachment(
        f"receipt-{entry.seq}.pdf", seal.seal_if_configured(pdf.render_receipt_pdf(entry)), "application/pdf"
    )
    yield Attachment(f"receipt-{entry.seq}.json", receipts.receipt_as_json(entry), "application/json")
