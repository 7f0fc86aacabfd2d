from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from events.declarations.models import Declaration, DeclarationVersion


def declaration(request: HttpRequest) -> HttpResponse:
    """The text in force; without one, that the wording is not stated and signing not open."""
    version = DeclarationVersion.objects.in_force().select_related("source").first()
    declaration = Declaration.objects.with_public_event().first()
    return render(request, "events/declaration.html", {"version": version, "declaration": declaration})
