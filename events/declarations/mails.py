"""What mails say: text and HTML from one template a kind, with a link that is made when the mail leaves."""

import secrets
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from events.declarations import pdf, receipts, seal, tokens
from events.declarations.choices import OPEN, MailKind, Purpose
from events.declarations.models import Entry, LiveSignature, Mail, Preparation
from events.declarations.words import one_line, shortened
from partners.choices import ContactKind
from partners.models import LegalNotice, Unit

PURPOSES = {
    MailKind.INVITATION: Purpose.SIGN,
    MailKind.REMINDER: Purpose.SIGN,
    MailKind.CONFIRM: Purpose.CONFIRM,
    MailKind.RECEIPT: Purpose.RECEIPT,
    MailKind.WITHDRAW: Purpose.WITHDRAW,
}
LONGEST_NAME = 80  # characters of a name in a subject


class Enclosure(NamedTuple):
    """A file that a mail brings along."""

    name: str
    content: bytes
    media_type: str


def new_message_id() -> str:
    """Return a Message-ID of this portal's."""
    return f"<{secrets.token_hex(16)}@{settings.ADDRESS.host}>"


def message(mail: Mail) -> EmailMultiAlternatives | None:
    """Make a link, and return the mail that brings it; None where its reason is gone."""
    kind, invitation = MailKind(mail.kind), mail.invitation
    to = invitation.email if PURPOSES[kind] == Purpose.SIGN else mail.to
    if not to or not is_wanted(mail):
        return None
    secret = tokens.mint(invitation=invitation, purpose=PURPOSES[kind], to=to)
    unit = Unit.objects.current()
    context = words(mail, unit) | {
        "link": settings.PORTAL_URL + reverse("declarations:open", args=[secret]),
        "until": tokens.expiry(invitation, PURPOSES[kind]),
    }
    subject, _, text = render_to_string(f"mail/{kind}.txt", context).strip().partition("\n")
    sent = EmailMultiAlternatives(
        subject=one_line(subject),
        body=text.strip() + "\n",
        to=[to],
        reply_to=[point.value for point in unit.contact_list if point.kind == ContactKind.EMAIL][:1],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )
    sent.attach_alternative(render_to_string(f"mail/{kind}.html", context), "text/html")
    if kind == MailKind.RECEIPT and invitation.entry:
        for file in enclosed(invitation.entry):
            sent.attach(*file)
    return sent


def is_wanted(mail: Mail) -> bool:
    """Return whether the reason of a mail is still there, which may have waited for days."""
    invitation, today = mail.invitation, timezone.localdate()
    is_open = invitation.state in OPEN and invitation.closes_on >= today
    match MailKind(mail.kind):
        case MailKind.INVITATION:
            return is_open
        case MailKind.REMINDER:
            return is_open and not (invitation.decides_on and invitation.decides_on >= today)
        case MailKind.CONFIRM:  # passed on to this mailbox, and not taken back since
            passed_on = Preparation.objects.filter(invitation=invitation, passed_on_at__isnull=False)
            return is_open and passed_on.filter(email__iexact=mail.to).exists()
        case MailKind.RECEIPT:
            return invitation.entry is not None
        case MailKind.WITHDRAW:
            return LiveSignature.objects.filter(entry=invitation.entry_id).exists()


def words(mail: Mail, unit: Unit) -> dict[str, object]:
    """Return what a mail's templates name: each of it on one line, whatever was typed."""
    invitation, entry = mail.invitation, mail.invitation.entry
    preparation = Preparation.objects.filter(invitation=invitation).first()
    version = entry.version if entry and mail.kind in (MailKind.RECEIPT, MailKind.WITHDRAW) else invitation.version
    body = one_line(invitation.body.name)
    notice = LegalNotice.current()
    return {
        "unit": one_line(unit.name),
        "is_example": unit.is_example,
        "points": [point for point in unit.contact_list if point.kind in (ContactKind.EMAIL, ContactKind.PHONE)],
        "body": body,
        "short_body": shortened(body, LONGEST_NAME),
        "title": one_line(version.declaration.title),
        "version": version,
        "text": settings.PORTAL_URL + version.get_absolute_url(),
        "paper": settings.PORTAL_URL + reverse("declarations:version_pdf", args=[version.number]),
        "contact_name": one_line(invitation.contact_name),
        "signatory": one_line(preparation.name) if preparation else "",
        "prepared_by": one_line(preparation.prepared_by) if preparation else "",
        "entry": entry,
        "entry_address": settings.PORTAL_URL + entry.get_absolute_url() if entry else "",
        "controller": one_line(notice.controller),
        "portal": settings.PORTAL_URL,
        "register": settings.PORTAL_URL + reverse("declarations:register"),
        "privacy": settings.PORTAL_URL + reverse("partners:privacy"),
        "contact": settings.PORTAL_URL + reverse("partners:contact"),
    }


def enclosed(entry: Entry) -> Iterator[Enclosure]:
    """Yield the files that a receipt's mail brings along."""
    yield Enclosure(f"receipt-{entry.seq}.pdf", seal.sealed(pdf.receipt(entry)), "application/pdf")
    yield Enclosure(f"receipt-{entry.seq}.json", receipts.as_json(entry), "application/json")
