from django import template
from django.conf import settings
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from partners.models import Unit

register = template.Library()


@register.simple_tag
def example_strip() -> SafeString | str:
    """Say that data are made up, on pages that have no context: those of errors.

    Outside a demonstration they ask the database nothing, which may be what has failed.
    """
    try:
        is_example = settings.DEMO and Unit.objects.filter(is_example=True).exists()
    except DatabaseError:
        return ""
    return render_to_string("components/example_strip.html") if is_example else ""
