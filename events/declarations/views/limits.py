"""How often people may ask, guess and repeat while signing the declaration.

A working link is limited by itself alone, never by the address it is used from: a whole council, or all of the NHS, may
share one address, and an invited signatory must not be locked out by somebody else there. Viewing a page never writes
to the database, whether or not its link works.
"""

from django.http import HttpRequest

from vru_portal.web.limits import Limit, client_network

SIGNING_REQUESTS = Limit("ask", most=30)  # requests to sign, from one network
INVALID_LINKS = Limit("link", most=120, in_memory=True)  # links that do not work, from one network
FORMS = Limit("answer", most=60)  # forms submitted with one link
WITHDRAWAL_LINKS = Limit("withdraw", most=10)  # requests for a withdrawal link, with one receipt's link


def count_signing_request(request: HttpRequest) -> None:
    """Raises TooMany."""
    SIGNING_REQUESTS.count(client_network(request))


def count_invalid_link(request: HttpRequest) -> None:
    """Count a link that does not work, whatever is wrong with it; raises TooMany. Never call it for one that works."""
    INVALID_LINKS.count(client_network(request))


def count_form(secret: str) -> None:
    """Count a form submitted with a working link; raises TooMany."""
    FORMS.count(secret)


def require_forms_left(secret: str) -> None:
    """Raise TooMany if this link has submitted too many forms. A signature is not counted: it uses up its link."""
    FORMS.require(secret)


def count_withdrawal_request(secret: str) -> None:
    """Count a request for a withdrawal link, made with a receipt's working link; raises TooMany."""
    WITHDRAWAL_LINKS.count(secret)
