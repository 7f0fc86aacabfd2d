from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from events.declarations.models import Declaration, DeclarationVersion


def declaration(request: HttpRequest) -> HttpResponse:
    """The text in force; without one, that the wording is not stated and signing not open."""
    declaration = Declaration.objects.public().first()
    versions = DeclarationVersion.objects.in_force(timezone.localdate()).select_related("source")
    version = versions.filter(declaration=declaration).first() if declaration else None
    return render(request, "events/declaration.html", {"version": version, "declaration": declaration})
