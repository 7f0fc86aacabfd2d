"""What every email to people outside says of the unit: who writes, who is responsible, and how to answer."""

from django.conf import settings
from django.urls import reverse

from partners.choices import ContactKind
from partners.models import LegalNotice, Unit
from vru_portal.text.cleaning import one_line
from vru_portal.web.addresses import full_url


def email_frame(unit: Unit) -> dict[str, object]:
    """The variables of templates/mail/_base.html and _foot.txt."""
    return {
        "unit": one_line(unit.name),
        "is_example": unit.is_example,
        "contact_points": [
            point for point in unit.contact_list if point.kind in (ContactKind.EMAIL, ContactKind.PHONE)
        ],
        "controller": one_line(LegalNotice.current().controller),
        "portal": settings.PORTAL_URL,
        "privacy": full_url(reverse("partners:privacy")),
        "contact": full_url(reverse("partners:contact")),
    }


def reply_addresses(unit: Unit) -> list[str]:
    return [point.value for point in unit.contact_list if point.kind == ContactKind.EMAIL][:1]
