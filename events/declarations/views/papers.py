"""Receipts and texts as files. The two receipts are the signatory's: `links.journey` and KeepPersonal see to that."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from events.declarations import pdf, receipts, rules, seal
from events.declarations.choices import Purpose
from events.declarations.models import Declaration, DeclarationVersion, Entry
from events.declarations.views import links


@require_safe
@cache_control(public=True, max_age=300)
def version_pdf(request: HttpRequest, number: int) -> HttpResponse:
    """Send a wording that is or was in force, without any link to sign by; ConditionalGetMiddleware adds the ETag."""
    declaration = Declaration.objects.public().first()
    if declaration is None:
        raise Http404
    public = DeclarationVersion.objects.in_force(timezone.localdate()).select_related("declaration")
    version = get_object_or_404(public, declaration=declaration, number=number)
    name = f"{declaration.slug}-version-{version.number}.pdf"
    return file(pdf.version(version), "application/pdf", name, inline=True)


@require_safe
@links.journey
def receipt_json(request: HttpRequest) -> HttpResponse:
    """Send the receipt that `verify.py` reads."""
    entry = signed(request)
    return file(receipts.as_json(entry), "application/json", f"receipt-{entry.seq}.json")


@require_safe
@links.journey
def receipt_pdf(request: HttpRequest) -> HttpResponse:
    """Send the receipt as paper, sealed like the one that was mailed."""
    entry = signed(request)
    return file(seal.sealed(pdf.receipt(entry)), "application/pdf", f"receipt-{entry.seq}.pdf")


def signed(request: HttpRequest) -> Entry:
    """Return the signature whose receipt this browser may see; raises InvalidLink."""
    entry = links.token_of(request, Purpose.RECEIPT).invitation.entry
    if entry is None:
        raise rules.InvalidLink
    return entry


def file(content: bytes, media_type: str, name: str, *, inline: bool = False) -> HttpResponse:
    """Return a file to be kept under this name."""
    how = "inline" if inline else "attachment"
    return HttpResponse(content, content_type=media_type, headers={"Content-Disposition": f'{how}; filename="{name}"'})
