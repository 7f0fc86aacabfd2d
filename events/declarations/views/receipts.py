"""After signing: the receipt, and what can still be changed from it."""

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods

from events.declarations import limits, receipts, rules
from events.declarations.choices import Kind, Purpose
from events.declarations.forms import SureForm
from events.declarations.models import Entry, Token
from events.declarations.views.links import journey, secret_of, see_other, shown_to, token_of

form_view = require_http_methods(["GET", "HEAD", "POST"])


@form_view
@journey
def receipt(request: HttpRequest) -> HttpResponse:
    """Show the receipt; take back a consent, and the wish for the link that withdraws."""
    token, secret = token_of(request, Purpose.RECEIPT), secret_of(request)
    entry = entry_of(token)
    what = request.POST.get("what")
    hide_form = SureForm(
        request.POST if what == "name" else None,
        label="Yes, show the organisation only",
        asked="Tick the box if your name and role are to be taken off the register",
        auto_id="hide-%s",
    )
    ask_form = SureForm(
        request.POST if what == "withdraw" else None,
        label=f"Yes, {entry.body} wants to withdraw its signature",
        asked="Tick the box if you want the link that withdraws the signature",
        auto_id="withdraw-%s",
    )
    if request.method == "POST" and not entry.is_live:
        return see_other("declarations:receipt")
    if what == "name" and hide_form.is_valid():
        limits.answering(secret)
        rules.hide_name(secret=secret)
        return see_other("declarations:receipt", "?saved#changes")
    if what == "withdraw" and ask_form.is_valid():
        limits.withdrawing(secret)
        rules.ask_to_withdraw(secret=secret)
        return see_other("declarations:receipt", "?sent#changes")
    paper = receipts.of(entry)
    context = shown_to(
        request,
        token,
        entry=entry,
        ended=entry_that_ended(entry),
        paper=paper,
        address_in_words=paper.address.split("://")[1].rstrip("/"),
        qr=qr_code(paper.address),
        hide_form=hide_form,
        ask_form=ask_form,
        form=next((form for form in (hide_form, ask_form) if form.errors), None),
        was_saved="saved" in request.GET,
        was_sent="sent" in request.GET,
    )
    return render(request, "events/declaration/sign_receipt.html", context)


@form_view
@journey
def withdraw(request: HttpRequest) -> HttpResponse:
    """Ask once more, then withdraw; afterwards, say so. The link stays good for this page."""
    token, secret = token_of(request, Purpose.WITHDRAW), secret_of(request)
    entry = entry_of(token)
    if not entry.is_live:
        context = shown_to(request, token, entry=entry, ended=entry_that_ended(entry))
        return render(request, "events/declaration/sign_withdrawn.html", context)
    form = SureForm(
        request.POST if request.method == "POST" else None,
        label=f"{entry.body} withdraws its signature",
        asked="Tick the box to withdraw the signature",
    )
    if request.method == "POST":
        limits.answering(secret)
        if form.is_valid():
            rules.withdraw(secret=secret)
            return see_other("declarations:withdraw")
    return render(request, "events/declaration/sign_withdraw.html", shown_to(request, token, entry=entry, form=form))


def entry_of(token: Token) -> Entry:
    """Return the signature that a receipt is for, with its status."""
    entry = Entry.objects.with_status().with_names().filter(invitation=token.invitation).first()
    if entry is None:
        raise rules.InvalidLink
    return entry


def entry_that_ended(entry: Entry) -> Entry | None:
    """Return the entry by which a signature was withdrawn or replaced."""
    return entry.followed_by.filter(kind__in=[Kind.WITHDRAWN, Kind.SUPERSEDED]).first()


def qr_code(address: str) -> SafeString:
    """Draw an address, to be scanned from a screen or from paper. Its quiet edge is the style sheet's."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, border=0)
    return mark_safe(drawn)  # noqa: S308 - numbers, made of our own address
