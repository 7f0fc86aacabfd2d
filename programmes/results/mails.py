"""Writing the emails about returns, from templates/mail/return_*.txt and .html."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import timezone

from partners.choices import ContactKind
from partners.models import LegalNotice, Unit
from programmes.results import tokens
from programmes.results.choices import MAX_REMINDERS, WAITING_STATES, DraftState, LinkPurpose, MailKind
from programmes.results.models import Mail
from vru_portal.links.messages import write_message
from vru_portal.text.cleaning import one_line, truncate
from vru_portal.web.addresses import full_url

MAX_NAME_IN_SUBJECT = 60
LINK_PURPOSES = {
    MailKind.REQUEST: LinkPurpose.FILL_IN,
    MailKind.REMINDER: LinkPurpose.FILL_IN,
    MailKind.QUERY: LinkPurpose.FILL_IN,
    MailKind.CONFIRM: LinkPurpose.CONFIRM,
}  # whoever has sent the figures needs no link


def build_message(mail: Mail) -> EmailMultiAlternatives | None:
    """Write the email, with a new link if its kind has one; None if there is no longer a reason to send it."""
    if not mail.to or not is_wanted(mail):
        return None
    draft, kind, unit = mail.draft, MailKind(mail.kind), Unit.objects.current()
    asked = draft.asked
    context: dict[str, object] = {
        "max_reminders": MAX_REMINDERS,
        "unit": one_line(unit.name),
        "is_example": unit.is_example,
        "contact_points": [
            point for point in unit.contact_list if point.kind in (ContactKind.EMAIL, ContactKind.PHONE)
        ],
        "controller": one_line(LegalNotice.current().controller),
        "portal": settings.PORTAL_URL,
        "privacy": full_url(reverse("partners:privacy")),
        "contact": full_url(reverse("partners:contact")),
        "organisation": one_line(asked.organisation.name),
        "initiative": one_line(asked.initiative.name),
        "short_initiative": truncate(one_line(asked.initiative.name), MAX_NAME_IN_SUBJECT),
        "period": str(asked.period),
        "due_on": asked.due_on,
        "until": asked.closes_on,
        "is_late": asked.due_on < timezone.localdate(),
        "contact_name": one_line(name_of(mail)),
        "prepared_by": one_line(draft.prepared_by),
        "question": draft.question.strip(),
        "page": full_url(asked.initiative.get_absolute_url()),
    }
    if purpose := LINK_PURPOSES.get(kind):
        secret = tokens.issue_secret(draft=draft, purpose=purpose, to=mail.to)
        context["link"] = full_url(reverse("results:open", args=[secret]))
    reply_to = [point.value for point in unit.contact_list if point.kind == ContactKind.EMAIL][:1]
    return write_message(f"return_{kind}", context, mail, to=mail.to, reply_to=reply_to)


def name_of(mail: Mail) -> str:
    """Whom to greet; empty for somebody who was asked earlier, and whose name is no longer known."""
    draft = mail.draft
    names = {draft.confirm_email.casefold(): draft.confirm_name, draft.email.casefold(): draft.contact_name}
    return draft.confirm_name if mail.kind == MailKind.CONFIRM else names.get(mail.to.casefold(), "")


def is_wanted(mail: Mail) -> bool:
    """Whether there is still a reason to send an email, which may have been queued for days."""
    draft = mail.draft
    is_open = draft.is_open and not draft.is_closed(timezone.localdate())
    match MailKind(mail.kind):
        case MailKind.REQUEST:
            return is_open
        case MailKind.REMINDER:
            return is_open and draft.state in WAITING_STATES
        case MailKind.QUERY:
            return is_open and draft.state == DraftState.QUERIED
        case MailKind.CONFIRM:
            passed_on = draft.state == DraftState.PASSED_ON and draft.confirm_email.casefold() == mail.to.casefold()
            return is_open and passed_on
        case MailKind.RECEIVED:
            return draft.state in (DraftState.SUBMITTED, DraftState.APPROVED)
        case MailKind.APPROVED:
            return draft.state == DraftState.APPROVED
        case MailKind.CANCELLED:
            return draft.state == DraftState.CANCELLED
