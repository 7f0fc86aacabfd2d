"""Declaration texts and receipts as files to download.

Only the signatory can get a receipt: `signing_page` requires their link; `PrivatePages` keeps it out of caches.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from events.declarations.choices import SigningLinkPurpose
from events.declarations.documents import pdf, receipts, seal
from events.declarations.models import Declaration, DeclarationVersion, Entry
from events.declarations.views import signing_session
from vru_portal.links.answering import InvalidLink
from vru_portal.web.file_responses import file_response
from vru_portal.web.public_pages import public_page


@require_safe
@public_page
def version_pdf(request: HttpRequest, number: int) -> HttpResponse:
    """Send a text that is or was in force. It contains no signing link, so committees can pass it round."""
    version = get_public_version_or_404(number)
    return file_response(pdf.render_version_pdf(version), f"{version.file_stem}.pdf", inline=True)


@require_safe
@public_page
def version_text(request: HttpRequest, number: int) -> HttpResponse:
    """Send the exact bytes of a text that is or was in force: those whose SHA-256 every signature names."""
    version = get_public_version_or_404(number)
    return file_response(version.text.encode(), f"{version.file_stem}.txt")


def get_public_version_or_404(number: int) -> DeclarationVersion:
    declaration = Declaration.objects.public().first()
    if declaration is None:
        raise Http404
    public = DeclarationVersion.objects.in_force(timezone.localdate()).select_related("declaration")
    return get_object_or_404(public, declaration=declaration, number=number)


@require_safe
@signing_session.signing_page
def receipt_json(request: HttpRequest) -> HttpResponse:
    """Send the receipt in the format that `verify.py` reads."""
    entry = session_signature(request)
    return file_response(receipts.receipt_as_json(entry), f"receipt-{entry.seq}.json")


@require_safe
@signing_session.signing_page
def receipt_pdf(request: HttpRequest) -> HttpResponse:
    """Send the receipt as a PDF, sealed like the one that was mailed."""
    entry = session_signature(request)
    return file_response(seal.seal_if_configured(pdf.render_receipt_pdf(entry)), f"receipt-{entry.seq}.pdf")


def session_signature(request: HttpRequest) -> Entry:
    """The register entry whose receipt this browser may see; raises InvalidLink if its link is not for one."""
    entry = signing_session.require_session_token(request, SigningLinkPurpose.RECEIPT).invitation.entry
    if entry is None:
        raise InvalidLink
    return entry
