from django import template
from django.conf import settings
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from partners.models import Unit

register = template.Library()


@register.simple_tag
def example_strip() -> SafeString | str:
    """The notice that all data is made up, for error pages, which have no context.

    Outside a demonstration it does not query the database, which may be what has failed.
    """
    try:
        is_example = settings.DEMO and Unit.objects.filter(is_example=True).exists()
    except DatabaseError:
        return ""
    return render_to_string("components/example_data_banner.html") if is_example else ""
