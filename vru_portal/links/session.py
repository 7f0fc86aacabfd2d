"""The session of an emailed link: a signed cookie that holds its secret.

The page that the link opens moves the secret from the address into this cookie, so that no page address, log or
Referer header contains it.
"""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.http import require_http_methods

from vru_portal.web.cookies import read_cookie, set_cookie

allow_form_methods = require_http_methods(["GET", "HEAD", "POST"])


class SeeOther(HttpResponseRedirect):
    """A redirect that browsers always follow with GET, so that reloading a page never sends a form again."""

    status_code = 303


def redirect_see_other(name: str, query: str = "", **kwargs: Any) -> HttpResponse:
    return SeeOther(resolve_url(name, **kwargs) + query)


@dataclass(frozen=True)
class LinkSession:
    """The session of one kind of links."""

    cookie: str
    salt: str

    def read(self, request: HttpRequest) -> dict[str, Any]:
        """The values in the cookie; empty if there is no cookie, or if this portal did not sign it."""
        try:
            values = signing.loads(read_cookie(request, self.cookie), salt=self.salt)
        except signing.BadSignature:
            return {}
        return values if isinstance(values, dict) else {}

    def secret(self, request: HttpRequest) -> str:
        """The secret of the link that this browser opened last; an empty string, which opens nothing, without one."""
        return str(self.read(request).get("secret", ""))

    def store(self, response: HttpResponse, **values: Any) -> HttpResponse:
        """Replace the session with these values. The cookie lasts until the browser is closed."""
        set_cookie(response, self.cookie, signing.dumps(values, salt=self.salt))
        return response

    def mark(self, key: Any) -> str:
        """What a form carries to say which matter it belongs to. Nobody can open anything with it.

        Someone may open links of two organisations in one browser. A form filled in for the first must not be taken
        for the second.
        """
        return salted_hmac(self.salt, str(key)).hexdigest()[:16]

    def is_marked(self, mark: str, key: Any) -> bool:
        return constant_time_compare(mark, self.mark(key))
