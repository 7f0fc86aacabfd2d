"""What happens around every request."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from partners.models import Unit

Handler = Callable[[HttpRequest], HttpResponse]


class RefuseNullCharacters:
    """Answer 404 where an address contains NUL: PostgreSQL cannot store one, so no record can match."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or pass on."""
        address = request.META.get("QUERY_STRING", "") + request.path
        if "\0" in address or "%00" in address:
            raise Http404("The address contains a NUL character.")
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
