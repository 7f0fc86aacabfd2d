"""How often people may guess links and send forms. A working link is limited by itself, never by its address."""

from django.http import HttpRequest

from vru_portal.web.limits import Limit, client_network

INVALID_LINKS = Limit("return-link", most=120, in_memory=True)  # links that do not work, from one network
FORMS = Limit("return-form", most=300)  # forms sent with one link


def count_invalid_link(request: HttpRequest) -> None:
    """Count a link that does not work, whatever is wrong with it; raises TooMany."""
    INVALID_LINKS.count(client_network(request))


def count_form(secret: str) -> None:
    """Count a form sent with a link; raises TooMany."""
    FORMS.count(secret)
