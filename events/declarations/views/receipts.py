"""After signing: the receipt, the changes that can be made from it, and withdrawing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from events.declarations.choices import EntryKind, SigningLinkPurpose
from events.declarations.documents import receipts
from events.declarations.forms import ConfirmationForm
from events.declarations.models import Entry, Token
from events.declarations.rules import corrections
from events.declarations.views import limits
from events.declarations.views.signing_session import (
    SESSION,
    require_session_token,
    signing_page,
    signing_page_context,
)
from vru_portal.links.answering import InvalidLink
from vru_portal.links.session import allow_form_methods, redirect_see_other
from vru_portal.text.typesetting import qr_code_svg


@allow_form_methods
@signing_page
def show_receipt(request: HttpRequest) -> HttpResponse:
    """Show the receipt. Its two forms take the signatory's name off the register, and send the link to withdraw."""
    token, secret = require_session_token(request, SigningLinkPurpose.RECEIPT), SESSION.secret(request)
    entry = signature_entry(token)
    sent_form = request.POST.get("form")
    hide_name_form = ConfirmationForm(
        request.POST if sent_form == "name" else None,
        label="Yes, show the organisation only",
        required_message="Tick the box to take your name and role off the register",
        auto_id="hide-%s",
    )
    withdrawal_link_form = ConfirmationForm(
        request.POST if sent_form == "withdraw" else None,
        label=f"Yes, {entry.body} wants to withdraw its signature",
        required_message="Tick the box to get the link to withdraw the signature",
        auto_id="withdraw-%s",
    )
    if request.method == "POST" and not entry.is_live:
        return redirect_see_other("declarations:receipt")
    if sent_form == "name" and hide_name_form.is_valid():
        limits.count_form(secret)
        corrections.hide_signatory_name(secret=secret)
        return redirect_see_other("declarations:receipt", "?saved#changes")
    if sent_form == "withdraw" and withdrawal_link_form.is_valid():
        limits.count_withdrawal_request(secret)
        corrections.send_withdrawal_link(secret=secret)
        return redirect_see_other("declarations:receipt", "?sent#changes")
    receipt = receipts.build_receipt(entry)
    context = signing_page_context(
        token,
        entry=entry,
        ended=ending_entry(entry),
        receipt=receipt,
        short_address=receipt.address.split("://")[1].rstrip("/"),
        qr=qr_code_svg(receipt.address),
        hide_name_form=hide_name_form,
        withdrawal_link_form=withdrawal_link_form,
        # the error summary at the top of the page lists the errors of `form`
        form=next((form for form in (hide_name_form, withdrawal_link_form) if form.errors), None),
        name_was_hidden="saved" in request.GET,
        withdrawal_link_was_sent="sent" in request.GET,
    )
    return render(request, "events/declaration/sign_receipt.html", context)


@allow_form_methods
@signing_page
def withdraw_signature(request: HttpRequest) -> HttpResponse:
    """Ask for confirmation, then withdraw. Afterwards the same link shows that the signature was withdrawn."""
    token, secret = require_session_token(request, SigningLinkPurpose.WITHDRAW), SESSION.secret(request)
    entry = signature_entry(token)
    if not entry.is_live:
        context = signing_page_context(token, entry=entry, ended=ending_entry(entry))
        return render(request, "events/declaration/sign_withdrawn.html", context)
    form = ConfirmationForm(
        request.POST if request.method == "POST" else None,
        label=f"{entry.body} withdraws its signature",
        required_message="Tick the box to withdraw the signature",
    )
    if request.method == "POST":
        limits.count_form(secret)
        if form.is_valid():
            corrections.withdraw_signature(secret=secret)
            return redirect_see_other("declarations:withdraw")
    return render(request, "events/declaration/sign_withdraw.html", signing_page_context(token, entry=entry, form=form))


def signature_entry(token: Token) -> Entry:
    """The register entry that was signed by this token's invitation, with its status; raises InvalidLink if none."""
    entry = Entry.objects.with_status().with_names().filter(invitation=token.invitation).first()
    if entry is None:
        raise InvalidLink
    return entry


def ending_entry(entry: Entry) -> Entry | None:
    """The entry that withdrew or replaced a signature, if there is one."""
    return entry.followed_by.filter(kind__in=[EntryKind.WITHDRAWN, EntryKind.SUPERSEDED]).first()
