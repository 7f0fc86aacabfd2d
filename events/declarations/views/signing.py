"""Signing: read the text, enter details, check and sign; or pass it on, decide later, or decline.

All pages work without JavaScript. Opening a page never writes to the database: mail scanners follow every link, and
some press the buttons too. That is why signing needs a box that was ticked in the same browser.
"""

import re

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from events.declarations import tokens
from events.declarations.choices import SIGNING_PURPOSES, InvitationState, SigningLinkPurpose
from events.declarations.documents.comparison import comparison_html
from events.declarations.forms import DecisionDateForm, DeclineForm, DetailsForm, RequestToSignForm
from events.declarations.models import DeclarationVersion, Invitation, Preparation, Token
from events.declarations.rules import availability, requests
from events.declarations.rules import signing as signing_rules
from events.declarations.views import limits
from events.declarations.views.signing_session import (
    PAGE_FOR_PURPOSE,
    SESSION,
    require_form_for_invitation,
    require_session_token,
    require_token_for_page,
    signing_page,
    signing_page_context,
)
from partners.models import LegalNotice
from vru_portal.links.answering import InvalidLink
from vru_portal.links.secrets import secret_in
from vru_portal.links.session import allow_form_methods, redirect_see_other


@csrf_exempt  # it changes nothing, and Django would write the secret to a log if it refused a request
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Move the secret from the address into the signing session. The database is neither read nor written."""
    return SESSION.store(redirect_see_other("declarations:read"), secret=secret_in(secret))


@require_safe
@signing_page
def read_text(request: HttpRequest) -> HttpResponse:
    """Show the text, and remember in the session which one was shown: only that one can be signed."""
    token = require_session_token(request, *SIGNING_PURPOSES)
    version = availability.require_signing_open(availability.version_in_force())
    if is_passed_on(token, preparation_for(token)):
        return redirect_see_other("declarations:passed_on")
    session = SESSION.read(request)
    next_page = "declarations:check" if "checked" in session else "declarations:details"
    context = signing_page_context(token, version=version, step=1, next_url=resolve_url(next_page))
    response = render(request, "events/declaration/sign_read.html", context)
    return SESSION.store(response, **session | {"read": version.sha256})


@allow_form_methods
@signing_page
def enter_details(request: HttpRequest) -> HttpResponse:
    """Ask who signs, in what role and by what authority."""
    token, secret = require_session_token(request, *SIGNING_PURPOSES), SESSION.secret(request)
    version = availability.require_signing_open(availability.version_in_force())
    preparation = preparation_for(token)
    form = DetailsForm(
        request.POST if request.method == "POST" else None,
        organisation=token.invitation.body,
        is_confirming=token.purpose == SigningLinkPurpose.CONFIRM,
        initial=DetailsForm.initial_from(preparation),
    )
    if request.method == "POST":
        limits.count_form(secret)
        if form.is_valid():
            try:
                return save_details(request, secret, form)
            except ValidationError as error:
                form.add_rule_error(error)
    context = signing_page_context(
        token,
        version=version,
        step=2,
        form=form,
        preparation=preparation,
        is_passed_on=is_passed_on(token, preparation),
        answers_have_changed="changed" in request.GET,
    )
    return render(request, "events/declaration/sign_details.html", context)


def save_details(request: HttpRequest, secret: str, form: DetailsForm) -> HttpResponse:
    """Save the answers. Continue to the check, or ask the person who is to sign to confirm them."""
    if form.cleaned_data.get("who") and form.is_for_another_person:
        signing_rules.pass_on_to_signatory(secret=secret, signatory=form.signatory)
        return redirect_see_other("declarations:passed_on")
    preparation = signing_rules.prepare_signature(secret=secret, signatory=form.signatory)
    checked = signing_rules.Signatory.from_preparation(preparation).fingerprint
    return SESSION.store(redirect_see_other("declarations:check"), **SESSION.read(request) | {"checked": checked})


@allow_form_methods
@signing_page
def check_and_sign(request: HttpRequest) -> HttpResponse:
    """Show the answers once more, and sign."""
    if request.method == "POST":
        return sign(request)
    token = require_session_token(request, *SIGNING_PURPOSES)
    version = availability.require_signing_open(availability.version_in_force())
    preparation, session = preparation_for(token), SESSION.read(request)
    if is_passed_on(token, preparation):
        return redirect_see_other("declarations:passed_on")
    # Only the browser in which the box was ticked can sign. A mail scanner that follows the same link ticked none.
    if preparation is None or "checked" not in session:
        return redirect_see_other("declarations:details")
    signatory = signing_rules.Signatory.from_preparation(preparation)
    if session["checked"] != signatory.fingerprint:
        return redirect_see_other("declarations:details", "?changed")
    if "read" not in session:
        return redirect_see_other("declarations:read")
    if session["read"] != version.sha256:
        return render_text_changed(request, token, version, shown_sha256=session["read"], status=200)
    context = signing_page_context(
        token,
        version=version,
        step=3,
        signatory=signatory,
        preparation=preparation,
        statement=signatory.statement,
    )
    return render(request, "events/declaration/sign_check.html", context)


def sign(request: HttpRequest) -> HttpResponse:
    """Sign, and go to the receipt. A form that is sent twice leads to the same receipt."""
    secret, session = SESSION.secret(request), SESSION.read(request)
    checked, text_sha256 = posted_sha256(request, "checked"), posted_sha256(request, "text_sha256")
    token = tokens.find_usable_token(secret, *PAGE_FOR_PURPOSE)
    if token:
        # The token is not looked up again: the same form, sent twice, may have used it to sign in the meantime.
        require_token_for_page(request, token, *SIGNING_PURPOSES)
        limits.require_forms_left(secret)
        if not checked or checked != session.get("checked"):
            limits.count_form(secret)
            return redirect_see_other("declarations:details")
    elif again := signing_rules.find_entry_of_repeat(secret=secret, checked=checked):
        limits.count_form(secret)
        require_form_for_invitation(request, again.invitation)
    try:
        with transaction.atomic():  # one commit for the signature and the link to its receipt
            entry = signing_rules.sign(secret=secret, checked=checked, text_sha256=text_sha256)
            receipt = tokens.issue_secret(invitation=entry.invitation, purpose=SigningLinkPurpose.RECEIPT)
    except availability.StaleText:
        limits.count_form(secret)
        if token is None:
            raise InvalidLink from None
        version = availability.require_signing_open(availability.version_in_force())
        if text_sha256 != version.sha256:
            return render_text_changed(request, token, version, shown_sha256=text_sha256, status=409)
        return redirect_see_other("declarations:details", "?changed")
    # The session now holds a new link, which opens the receipt; the one that signed is used up.
    return SESSION.store(redirect_see_other("declarations:receipt"), secret=receipt)


def posted_sha256(request: HttpRequest, name: str) -> str:
    """A SHA-256 from a form; an empty string for anything else, so that no query ever gets hostile text."""
    value = request.POST.get(name, "")
    return value if re.fullmatch("[0-9a-f]{64}", value) else ""


def render_text_changed(
    request: HttpRequest, token: Token, version: DeclarationVersion, *, shown_sha256: str, status: int
) -> HttpResponse:
    """Show the text in force and how it differs from the one that the visitor read. Nothing is signed."""
    before = None
    if shown_sha256:
        before = version.declaration.versions.filter(sha256=shown_sha256).exclude(in_force_from=None).first()
    difference = comparison_html(before.text, version.text) if before else ""
    context = signing_page_context(token, version=version, before=before, difference=difference, step=1)
    response = render(request, "events/declaration/sign_changed.html", context, status=status)
    return SESSION.store(response, **SESSION.read(request) | {"read": version.sha256})


@require_safe
@signing_page
def show_passed_on(request: HttpRequest) -> HttpResponse:
    """Say who was asked to confirm, and how to change that."""
    token = require_session_token(request, *SIGNING_PURPOSES)
    preparation = preparation_for(token)
    if preparation is None or not is_passed_on(token, preparation):
        return redirect_see_other("declarations:read")
    context = signing_page_context(token, preparation=preparation)
    return render(request, "events/declaration/sign_passed_on.html", context)


@allow_form_methods
@signing_page
def decline(request: HttpRequest) -> HttpResponse:
    """Ask why the organisation will not sign. Afterwards, confirm that it has declined."""
    session = SESSION.read(request)
    if request.method != "POST" and "declined" in session:
        # The link no longer works, so the session names the invitation instead.
        declined = Invitation.objects.filter(pk=session["declined"], state=InvitationState.DECLINED)
        if invitation := declined.select_related("body").first():
            return render(request, "events/declaration/sign_declined.html", {"organisation": invitation.body})
    token, secret = require_session_token(request, *SIGNING_PURPOSES), SESSION.secret(request)
    form = DeclineForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        limits.count_form(secret)
        if form.is_valid():
            signing_rules.decline_invitation(secret=secret, reason=form.cleaned_data["reason"])
            return SESSION.store(redirect_see_other("declarations:decline"), declined=token.invitation_id)
    return render(request, "events/declaration/sign_decline.html", signing_page_context(token, form=form))


@allow_form_methods
@signing_page
def set_decision_date(request: HttpRequest) -> HttpResponse:
    """Ask when the organisation decides. Afterwards, confirm that there is no reminder before then."""
    token, secret = require_session_token(request, *SIGNING_PURPOSES), SESSION.secret(request)
    invitation = token.invitation
    if request.method != "POST" and "noted" in request.GET and invitation.decides_on:
        return render(request, "events/declaration/sign_noted.html", signing_page_context(token))
    form = DecisionDateForm(request.POST if request.method == "POST" else None, initial={"day": invitation.decides_on})
    if request.method == "POST":
        limits.count_form(secret)
        if form.is_valid():
            try:
                signing_rules.announce_decision_date(secret=secret, day=form.cleaned_data["day"])
            except ValidationError as error:
                form.add_rule_error(error)
            else:
                return redirect_see_other("declarations:decide", "?noted")
    return render(request, "events/declaration/sign_decide.html", signing_page_context(token, form=form))


@allow_form_methods
@signing_page
def request_to_sign(request: HttpRequest) -> HttpResponse:
    """Take a request to sign from an organisation that was not invited."""
    if request.method != "POST" and "sent" in request.GET:
        return render(request, "events/declaration/request_sent.html")
    availability.require_signing_open(availability.version_in_force())
    form = RequestToSignForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        limits.count_signing_request(request)
        try:
            requests.record_request(**form.cleaned_data)
        except ValidationError as error:
            form.add_rule_error(error)
        else:
            return redirect_see_other("declarations:ask", "?sent")
    context = {"form": form, "legal_notice": LegalNotice.current()}
    return render(request, "events/declaration/request_to_sign.html", context)


def preparation_for(token: Token) -> Preparation | None:
    """The answers saved for this token's invitation, if there are any."""
    return Preparation.objects.filter(invitation=token.invitation).first()


def is_passed_on(token: Token, preparation: Preparation | None) -> bool:
    """Whether the person with this link asked someone else to sign. They cannot sign unless they take it back."""
    return bool(preparation and preparation.passed_on_at and token.purpose == SigningLinkPurpose.SIGN)
