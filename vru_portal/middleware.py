"""Middleware: what is refused before any view, and the pages of two exceptions that views may raise."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

from partners.models import Unit
from vru_portal.web.file_responses import text_response
from vru_portal.web.limits import TooMany
from vru_portal.web.public_pages import READ_STATE

Handler = Callable[[HttpRequest], HttpResponse]


class RefuseUnknownMethods:
    """Answer 405 to every method that the portal does not use. Methods are in capitals (RFC 9110, 9.1)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META["REQUEST_METHOD"] not in settings.HTTP_METHODS:  # request.method is always in capitals
            return HttpResponseNotAllowed(settings.HTTP_METHODS)
        return self.get_response(request)


class SeeOwnWrites:
    """After a request that may have written, have this process see at once what the public can read now."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in ("GET", "HEAD") and (read_state := request.META.get(READ_STATE)):
            with suppress(DatabaseError):  # then it will within a second, like the others
                read_state()
        return response


class RequireOwnAddress:
    """Let everything that follows see the host as PORTAL_URL spells it; refuse one with a final dot or another port.

    Django refuses other hosts by itself, but would take these for the portal's own.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        header = request.META.get("HTTP_HOST", "").lower()
        if header in settings.HOST_HEADERS:
            request.META["HTTP_HOST"] = header if settings.ADDRESS.is_loopback else settings.ADDRESS.host_with_port
        elif split_domain_port(header)[0] in settings.ADDRESS.allowed_hosts:
            return text_response(f"This portal is at {settings.PORTAL_URL}/. Open it there.", status=400)
        return self.get_response(request)


class CompressPages(GZipMiddleware):
    """Compress pages, but not files: those worth compressing are compressed once, and clients request ranges."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if isinstance(response, FileResponse) else super().process_response(request, response)


class RefuseNullCharacters:
    """Answer 404 where an address or a cookie contains NUL: PostgreSQL cannot store one, so nothing can match."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("QUERY_STRING", "") + request.path
        if "\0" in address or "%00" in address or any("\0" in value for value in request.COOKIES.values()):
            raise Http404("The address or a cookie contains a NUL character.")
        return self.get_response(request)


class ExplainEmptyPortal:
    """Where no unit is loaded yet, show a page that says how to load one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Unit.DoesNotExist):
            return render(request, "no_unit.html", status=503)
        return None


class AnswerTooMany:
    """Turn `TooMany` into a page that says when to try again."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooMany):
            return None
        response = render(request, "429.html", {"minutes": exception.minutes}, status=429)
        response["Retry-After"] = str(exception.seconds)
        response["Cache-Control"] = "no-store"
        return response
