"""Writing the emails about returns, from templates/mail/return_*.txt and .html."""

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.urls import reverse

from partners.documents.emails import email_frame, reply_addresses
from partners.models import Unit
from programmes.results.choices import ReturnMailKind
from programmes.results.models import Mail
from vru_portal.links import mailing
from vru_portal.links.answering import issue_secret
from vru_portal.links.messages import write_message
from vru_portal.text.cleaning import one_line, truncate
from vru_portal.web.addresses import full_url


@transaction.atomic
def build_message(mail: Mail) -> EmailMultiAlternatives | None:
    """Write the email, with a new link if its kind has one; None if there is no longer a reason to send it."""
    if not mailing.is_wanted(mail):
        return None
    draft, kind, unit = mail.draft, ReturnMailKind(mail.kind), Unit.objects.current()
    row = draft.return_of_figures
    context: dict[str, object] = {
        **email_frame(unit),
        **mailing.request_context(mail),
        "organisation": one_line(row.organisation.name),
        "initiative": one_line(row.initiative.name),
        "short_initiative": truncate(one_line(row.initiative.name), mailing.MAX_NAME_IN_SUBJECT),
        "period": str(row.period),
        "page": full_url(row.initiative.get_absolute_url()),
    }
    if purpose := mailing.LINK_PURPOSES.get(kind):
        secret = issue_secret(draft=draft, purpose=purpose, to=mail.to)
        context["link"] = full_url(reverse("results:open", args=[secret]))
    return write_message(f"return_{kind}", context, mail, to=mail.to, reply_to=reply_addresses(unit))
