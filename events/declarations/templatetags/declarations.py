from django import template
from django.utils import timezone

from events.declarations.models import DeclarationVersion, LiveSignature
from partners.models import Organisation

register = template.Library()


@register.simple_tag
def signatures_of(organisation: Organisation) -> list[LiveSignature]:
    """The signatures of an organisation that stand, the latest version first."""
    versions = DeclarationVersion.objects.in_force(timezone.localdate()).order_by().values("pk")
    rows = LiveSignature.objects.filter(body__organisation=organisation, version__in=versions)
    return list(rows.select_related("entry", "version__declaration").order_by("-version__number"))
