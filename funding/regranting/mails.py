"""Writing the emails about requests for onward grants, from templates/mail/onward_*.txt and .html."""

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.urls import reverse

from funding.choices import OnwardMailKind
from funding.models import Allocation, OnwardMail
from partners.documents.emails import email_frame, reply_addresses
from partners.models import Unit
from vru_portal.ledger.money import format_pounds
from vru_portal.links import mailing
from vru_portal.links.answering import issue_secret
from vru_portal.links.messages import write_message
from vru_portal.text.cleaning import one_line, truncate
from vru_portal.web.addresses import full_url


@transaction.atomic
def build_message(mail: OnwardMail) -> EmailMultiAlternatives | None:
    """Write the email, with a new link if its kind has one; None if there is no longer a reason to send it."""
    if not mailing.is_wanted(mail):
        return None
    draft, kind, unit = mail.draft, OnwardMailKind(mail.kind), Unit.objects.current()
    allocation = Allocation.objects.with_varied().get(pk=draft.allocation_id)
    context: dict[str, object] = {
        **email_frame(unit),
        **mailing.request_context(mail),
        "organisation": one_line(allocation.recipient.name),
        "subject": one_line(str(allocation.subject)),
        "short_subject": truncate(one_line(str(allocation.subject)), mailing.MAX_NAME_IN_SUBJECT),
        "sum": format_pounds(allocation.allocated),
        "awarded": format_pounds(allocation.amount),
        "awarded_on": allocation.awarded_on,
        "page": full_url(f"{allocation.get_absolute_url()}#onward"),
    }
    if purpose := mailing.LINK_PURPOSES.get(kind):
        secret = issue_secret(draft=draft, purpose=purpose, to=mail.to)
        context["link"] = full_url(reverse("funding:onward_open", args=[secret]))
    return write_message(f"onward_{kind}", context, mail, to=mail.to, reply_to=reply_addresses(unit))
