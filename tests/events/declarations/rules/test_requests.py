"""Requests to sign, from organisations that were not invited."""

import re
from datetime import date

import pytest
import time_machine
from django.core.exceptions import ValidationError

from events.declarations.choices import InvitationState
from events.declarations.models import Invitation, SigningRequest
from events.declarations.rules import availability, requests
from events.declarations.rules import signing as signing_rules
from tests.support import signing

pytestmark = pytest.mark.django_db
TODAY = date(2031, 6, 1)
Q = InvitationState.QUEUED


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(TODAY, tick=False) as moved:
        signing.open_signing()
        yield moved


def take(rule, **arguments):
    """Take a rule; return the words in which it refuses, or nothing."""
    try:
        rule(by=None, **arguments)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


# Asking to sign -------------------------------------------------------------------------------------------------------


def ask(name="Moor Trust", email="post@moor.example"):
    requests.record_request(name=name, contact_name="Ann Lee", email=email, message="Please.")
    return SigningRequest.objects.filter(name=name).order_by("pk").last()


def test_a_request_is_approved_once_and_becomes_an_invitation_like_any_other():
    request = ask()
    ask()
    assert SigningRequest.objects.count() == 1
    invitation = requests.approve_request(by=None, request=request)
    assert (invitation.body.name, invitation.email, invitation.contact_name) == (
        "Moor Trust",
        "post@moor.example",
        "Ann Lee",
    )
    assert invitation.state == Q
    assert "already been answered" in take(requests.approve_request, request=request)
    assert "already been answered" in take(requests.turn_down_request, request=request)
    again = ask()
    assert "Moor Trust has already been invited" in take(requests.approve_request, request=again)
    assert take(requests.turn_down_request, request=again) == ""
    assert Invitation.objects.count() == 1


def test_a_request_is_approved_for_a_body_that_had_declined_and_not_while_signing_is_closed():
    invited = signing.invite("Moor Trust")
    signing_rules.decline_invitation(secret=invited.secret, reason="Not now.")
    request = ask()
    declaration = invited.invitation.version.declaration
    declaration.paused_because = "A mistake in the text."
    declaration.save()
    assert re.search("Nobody can be invited.*A mistake in the text", take(requests.approve_request, request=request))
    with pytest.raises(availability.SigningClosed, match="A mistake in the text"):
        ask("Other Trust")
    declaration.paused_because = ""
    declaration.save()
    assert requests.approve_request(by=None, request=request).state == Q
