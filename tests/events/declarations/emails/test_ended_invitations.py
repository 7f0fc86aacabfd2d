"""People whose link somebody else has ended get one email, and nobody else does."""

import pytest
from django.core.mail import EmailMultiAlternatives

from events.declarations import mails
from events.declarations.choices import MailKind, SigningLinkPurpose
from events.declarations.models import Mail
from events.declarations.rules import invitations, paper_signatures
from events.declarations.rules import signing as signing_rules
from tests.support import signing
from tests.support.factories import PaperSignatureFactory, UnitFactory, UserFactory
from vru_portal.links.models import Delivery


@pytest.fixture
def unit(db):
    signing.open_signing()
    return UnitFactory()


def passed_on():
    """An invitation whose email was sent, and whose form an assistant has passed on to the chair."""
    body = signing.invite("A body")
    Mail.objects.filter(kind=MailKind.INVITATION).update(delivery=Delivery.SENT)
    chair = signing.signatory(email="chair@body.example", prepared_by="Ash Helper")
    signing_rules.pass_on_to_signatory(secret=body.secret, signatory=chair)
    return body


def sign_on_paper(body):
    paper = PaperSignatureFactory(body=body.invitation.body, version=body.invitation.version, recorded_by=UserFactory())
    paper_signatures.confirm_paper_signature(by=UserFactory(), paper=paper)


@pytest.mark.parametrize(
    ("end", "told", "said"),
    [
        (
            lambda body: invitations.revoke_invitation(by=None, invitation=body.invitation),
            ["chair@body.example", "post@body.example"],
            "has withdrawn its invitation",
        ),
        (sign_on_paper, ["chair@body.example", "post@body.example"], "on paper"),
        (
            lambda body: signing_rules.decline_invitation(
                secret=signing.new_link(body.invitation, SigningLinkPurpose.CONFIRM), reason="We decided not to."
            ),
            ["post@body.example"],
            "it will not sign",
        ),
        (
            lambda body: signing_rules.decline_invitation(secret=body.secret, reason="We decided not to."),
            ["chair@body.example"],
            "it will not sign",
        ),
    ],
    ids=["revoked", "signed on paper", "declined by the chair", "declined by the assistant"],
)
def test_people_with_a_link_are_told_when_somebody_else_ends_it(unit, end, told, said):
    end(passed_on())
    ended = Mail.objects.filter(kind=MailKind.ENDED)
    assert sorted(mail.to for mail in ended) == told
    for mail in ended:
        message = mails.build_message(mail)
        assert isinstance(message, EmailMultiAlternatives)
        for words in (str(message.body), str(message.alternatives[0][0])):
            assert said in words
            assert "We decided not to." not in words


def test_an_invitation_that_nobody_has_received_ends_without_an_email(unit):
    invitations.revoke_invitation(by=None, invitation=signing.invite("A body").invitation)
    assert not Mail.objects.filter(kind=MailKind.ENDED).exists()
