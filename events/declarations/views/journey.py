"""Signing: read, fill in, check, sign. All of it works without JavaScript; GET by a link that works writes nothing."""

import re

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from events.declarations import limits, rules, tokens
from events.declarations.choices import SIGNING, InvitationState, Purpose
from events.declarations.comparison import compared
from events.declarations.forms import AskForm, DecideForm, DeclineForm, DetailsForm
from events.declarations.models import DeclarationVersion, Entry, Invitation, Preparation, Token
from events.declarations.views.links import (
    HOMES,
    held,
    hold,
    journey,
    require_fit,
    require_mark,
    secret_of,
    see_other,
    shown_to,
    token_of,
)
from events.declarations.views.receipts import receipt, withdraw
from partners.models import LegalNotice

__all__ = ["ask", "check", "decide", "decline", "details", "open_link", "passed_on", "read", "receipt", "withdraw"]

form_view = require_http_methods(["GET", "HEAD", "POST"])


@csrf_exempt  # it does nothing, and a refusal would write the secret into a log
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Take the secret out of the address. This writes nothing, whatever the link is and whoever follows it."""
    return hold(see_other("declarations:read"), secret=secret[: tokens.LONGEST])


@require_safe
@journey
def read(request: HttpRequest) -> HttpResponse:
    """Show the text. What was shown is noted in the browser, so that no other is signed."""
    token = token_of(request, *SIGNING)
    version = rules.require_open(rules.in_force())
    if waits_for_another(token, prepared(token)):
        return see_other("declarations:passed_on")
    kept = held(request)
    onward = "declarations:check" if "checked" in kept else "declarations:details"
    context = shown_to(request, token, version=version, step=1, onward=resolve_url(onward))
    response = render(request, "events/declaration/sign_read.html", context)
    return hold(response, **kept | {"read": version.sha256})


@form_view
@journey
def details(request: HttpRequest) -> HttpResponse:
    """Ask who signs."""
    token, secret = token_of(request, *SIGNING), secret_of(request)
    version = rules.require_open(rules.in_force())
    preparation = prepared(token)
    form = DetailsForm(
        request.POST if request.method == "POST" else None,
        body=token.invitation.body,
        confirms=token.purpose == Purpose.CONFIRM,
        initial=DetailsForm.answers_of(preparation),
    )
    if request.method == "POST":
        limits.answering(secret)
        if form.is_valid():
            try:
                return save(request, secret, form)
            except ValidationError as error:
                form.take(error)
    context = shown_to(
        request,
        token,
        version=version,
        step=2,
        form=form,
        preparation=preparation,
        passed_on=waits_for_another(token, preparation),
        was_changed="changed" in request.GET,
    )
    return render(request, "events/declaration/sign_details.html", context)


def save(request: HttpRequest, secret: str, form: DetailsForm) -> HttpResponse:
    """Keep what was filled in; lead to the check, or say that somebody else was asked to confirm."""
    if form.cleaned_data.get("who") and form.for_another:
        rules.pass_on(secret=secret, signatory=form.signatory)
        return see_other("declarations:passed_on")
    preparation = rules.prepare(secret=secret, signatory=form.signatory)
    checked = rules.Signatory.of(preparation).fingerprint
    return hold(see_other("declarations:check"), **held(request) | {"checked": checked})


@form_view
@journey
def check(request: HttpRequest) -> HttpResponse:
    """Show the answers once more; sign."""
    if request.method == "POST":
        return sign(request)
    token = token_of(request, *SIGNING)
    version = rules.require_open(rules.in_force())
    preparation, kept = prepared(token), held(request)
    if waits_for_another(token, preparation):
        return see_other("declarations:passed_on")
    # Only the browser in which the box was ticked signs: a scanner that follows the same link has ticked none.
    if preparation is None or "checked" not in kept:
        return see_other("declarations:details")
    signatory = rules.Signatory.of(preparation)
    if kept["checked"] != signatory.fingerprint:
        return see_other("declarations:details", "?changed")
    if "read" not in kept:
        return see_other("declarations:read")
    if kept["read"] != version.sha256:
        return text_changed(request, token, version, shown=kept["read"], status=200)
    context = shown_to(
        request,
        token,
        version=version,
        step=3,
        signatory=signatory,
        preparation=preparation,
        statement=signatory.statement,
    )
    return render(request, "events/declaration/sign_check.html", context)


def sign(request: HttpRequest) -> HttpResponse:
    """Sign, and lead to the receipt; sent again, lead to the same one."""
    secret, kept = secret_of(request), held(request)
    checked, text = sent_hash(request, "checked"), sent_hash(request, "text_sha256")
    token = tokens.find(secret, *HOMES)
    if token:
        require_fit(request, token, *SIGNING)  # not looked for again: the same form may sign in the meantime
        limits.require_answering(secret)
        if not checked or checked != kept.get("checked"):
            limits.answering(secret)
            return see_other("declarations:details")
    elif again := rules.entry_of_repeat(secret=secret, checked=checked):
        limits.answering(secret)
        require_mark(request, again.invitation)
    try:
        entry = rules.sign(secret=secret, checked=checked, text_sha256=text)
    except rules.StaleText:
        limits.answering(secret)
        if token is None:
            raise rules.InvalidLink from None
        version = rules.require_open(rules.in_force())
        if text != version.sha256:
            return text_changed(request, token, version, shown=text, status=409)
        return see_other("declarations:details", "?changed")
    return to_receipt(entry)


def sent_hash(request: HttpRequest, name: str) -> str:
    """Return a SHA-256 that a form brings; nothing for whatever else was sent, which no query is to meet."""
    value = request.POST.get(name, "")
    return value if re.fullmatch("[0-9a-f]{64}", value) else ""


def to_receipt(entry: Entry) -> HttpResponse:
    """Lead to the receipt, by a link of its own that this browser holds from now on."""
    secret = tokens.mint(invitation=entry.invitation, purpose=Purpose.RECEIPT)
    return hold(see_other("declarations:receipt"), secret=secret)


def text_changed(
    request: HttpRequest, token: Token, version: DeclarationVersion, *, shown: str, status: int
) -> HttpResponse:
    """Show the text in force and what is different from the one that was shown. Nothing is signed."""
    before = version.declaration.versions.filter(sha256=shown).exclude(in_force_from=None).first() if shown else None
    difference = compared(before.text, version.text) if before else ""
    context = shown_to(request, token, version=version, before=before, difference=difference, step=1)
    response = render(request, "events/declaration/sign_changed.html", context, status=status)
    return hold(response, **held(request) | {"read": version.sha256})


@require_safe
@journey
def passed_on(request: HttpRequest) -> HttpResponse:
    """Say who was asked to confirm, and how to take it back."""
    token = token_of(request, *SIGNING)
    preparation = prepared(token)
    if preparation is None or not waits_for_another(token, preparation):
        return see_other("declarations:read")
    context = shown_to(request, token, preparation=preparation)
    return render(request, "events/declaration/sign_passed_on.html", context)


@form_view
@journey
def decline(request: HttpRequest) -> HttpResponse:
    """Ask why a body will not sign; afterwards, say that this was noted."""
    kept = held(request)
    if request.method != "POST" and "declined" in kept:
        said = Invitation.objects.filter(pk=kept["declined"], state=InvitationState.DECLINED)
        if invitation := said.select_related("body").first():
            return render(request, "events/declaration/sign_declined.html", {"body": invitation.body})
    token, secret = token_of(request, *SIGNING), secret_of(request)
    form = DeclineForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        limits.answering(secret)
        if form.is_valid():
            rules.decline(secret=secret, because=form.cleaned_data["because"])
            return hold(see_other("declarations:decline"), declined=token.invitation_id)
    return render(request, "events/declaration/sign_decline.html", shown_to(request, token, form=form))


@form_view
@journey
def decide(request: HttpRequest) -> HttpResponse:
    """Ask when a body decides; afterwards, say that it is not reminded before."""
    token, secret = token_of(request, *SIGNING), secret_of(request)
    invitation = token.invitation
    if request.method != "POST" and "noted" in request.GET and invitation.decides_on:
        return render(request, "events/declaration/sign_noted.html", shown_to(request, token))
    form = DecideForm(request.POST if request.method == "POST" else None, initial={"day": invitation.decides_on})
    if request.method == "POST":
        limits.answering(secret)
        if form.is_valid():
            try:
                rules.decide_on(secret=secret, day=form.cleaned_data["day"])
            except ValidationError as error:
                form.take(error)
            else:
                return see_other("declarations:decide", "?noted")
    return render(request, "events/declaration/sign_decide.html", shown_to(request, token, form=form))


@form_view
@journey
def ask(request: HttpRequest) -> HttpResponse:
    """Take the request of a body that was not invited."""
    if request.method != "POST" and "sent" in request.GET:
        return render(request, "events/declaration/asked.html")
    rules.require_open(rules.in_force())
    form = AskForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        limits.asking(request)
        try:
            rules.ask(**form.cleaned_data)
        except ValidationError as error:
            form.take(error)
        else:
            return see_other("declarations:ask", "?sent")
    context = {"form": form, "notice": LegalNotice.current()}
    return render(request, "events/declaration/ask.html", context)


def prepared(token: Token) -> Preparation | None:
    """Return what was filled in by an invitation."""
    return Preparation.objects.filter(invitation=token.invitation).first()


def waits_for_another(token: Token, preparation: Preparation | None) -> bool:
    """Whether whoever holds this link has passed it on: they cannot sign, unless they take it back."""
    return bool(preparation and preparation.passed_on_at and token.purpose == Purpose.SIGN)
