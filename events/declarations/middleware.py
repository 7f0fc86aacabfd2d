from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

# What is reached by a link that was mailed, and the form that asks for one.
PERSONAL = ("/declaration/sign", "/declaration/ask")


class KeepPersonal:
    """Let nobody store or index an answer of the signing journey: redirects, refusals and faults like pages."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and say so in the headers."""
        response = self.get_response(request)
        if request.path.startswith(PERSONAL):
            response["Cache-Control"] = "no-store"
            response["X-Robots-Tag"] = "noindex"
        return response
