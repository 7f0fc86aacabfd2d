from datetime import date

from django import template
from django.db.models import QuerySet
from django.utils import timezone

from events.declarations.models import DeclarationVersion, LiveSignature
from partners.models import Organisation
from vru_portal.web.prepared_queries import prepared

register = template.Library()


@register.simple_tag
def signatures_of(organisation: Organisation) -> list[LiveSignature]:
    """The signatures of an organisation in force, the latest version first."""
    return signatures_of_organisation(organisation, timezone.localdate())


@prepared
def signatures_of_organisation(organisation: Organisation, day: date) -> QuerySet[LiveSignature]:
    versions = DeclarationVersion.objects.in_force(day).order_by().values("pk")
    rows = LiveSignature.objects.filter(body__organisation=organisation, version__in=versions)
    return rows.select_related("entry", "version__declaration").order_by("-version__number")
