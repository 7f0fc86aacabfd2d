from django import template

from events.models import Appearance
from partners.models import Organisation, Person

register = template.Library()


@register.simple_tag
def appearances_of(who: Organisation | Person) -> list[Appearance]:
    """Return where a person, or a body and its people, appeared: the latest event first."""
    rows = Appearance.objects.public().with_names()
    rows = rows.of_person(who) if isinstance(who, Person) else rows.of_organisation(who)
    return list(rows.order_by("-item__event__held_on", "item__position", "position"))
