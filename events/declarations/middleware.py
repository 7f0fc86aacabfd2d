from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

# Pages that are reached by a mailed link, and the form that asks for an invitation.
PRIVATE_PATHS = ("/declaration/sign", "/declaration/ask")


class PrivateSigningPages:
    """Keep every response of the signing pages out of caches and search engines, redirects and errors included.

    A middleware rather than a decorator, because error pages come from outside the views.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(PRIVATE_PATHS):
            response["Cache-Control"] = "no-store"
            response["X-Robots-Tag"] = "noindex"
        return response
