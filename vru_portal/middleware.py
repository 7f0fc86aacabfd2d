"""What happens around every request."""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from events.declarations.limits import TooMany
from partners.models import Unit

Handler = Callable[[HttpRequest], HttpResponse]


class AnswerProbes:
    """Answer what load balancers ask before anything else: they come by IP address, over HTTP, with no host's name."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or pass on. `/healthz`: this process answers. `/readyz`: the database does too; a fault is a 503."""
        if request.path not in ("/healthz", "/readyz"):
            return self.get_response(request)
        answer, status = "ok", 200
        if request.path == "/readyz":
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except DatabaseError:
                answer, status = "the database does not answer", 503
        return HttpResponse(f"{answer}\n", status=status, content_type="text/plain; charset=utf-8")


class RefuseNullCharacters:
    """Answer 404 where an address or a cookie contains NUL: PostgreSQL cannot store one, so nothing can match."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or pass on."""
        address = request.META.get("QUERY_STRING", "") + request.path
        if "\0" in address or "%00" in address or any("\0" in value for value in request.COOKIES.values()):
            raise Http404("The address or a cookie contains a NUL character.")
        return self.get_response(request)


class ExplainEmptyPortal:
    """Where no unit is loaded yet, say so and how to load one, instead of failing."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn the missing unit into a page of its own; leave every other fault alone."""
        if isinstance(exception, Unit.DoesNotExist):
            return render(request, "no_unit.html", status=503)
        return None


class AnswerTooMany:
    """Where somebody did something too often, say so, and when it can be done again."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn a limit that is reached into a page of its own; leave every other fault alone."""
        if not isinstance(exception, TooMany):
            return None
        response = render(request, "429.html", {"minutes": exception.minutes}, status=429)
        response["Retry-After"] = str(exception.seconds)
        response["Cache-Control"] = "no-store"
        return response
