"""What happens after signing: each change is an entry, and the register stays intact."""

import pytest
from django.core.exceptions import ValidationError

from events.declarations.choices import CorrectionReason, InvitationState, MailKind, SigningLinkPurpose
from events.declarations.models import (
    Entry,
    Invitation,
    LiveSignature,
    Mail,
    SignatoryBody,
)
from events.declarations.register import audit
from events.declarations.rules import corrections, erasure, invitations, signing
from tests.support.factories import SectorFactory
from tests.support.signing import invite, new_link, open_signing, sign, signatory
from vru_portal.links.answering import InvalidLink

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_open_in_may")]


# After signing: each is an entry, and the register stays whole --------------------------------------------------------


def kinds():
    assert list(audit.find_faults()) == []
    return [entry.kind for entry in Entry.objects.order_by("seq")]


def shown(seq):
    return Entry.objects.with_status().with_names().get(pk=seq).public_signatory


def test_withdrawing_and_signing_again():
    entry = sign(invite("A body"))
    receipt = new_link(entry.invitation, SigningLinkPurpose.RECEIPT)
    with pytest.raises(InvalidLink):
        corrections.withdraw_signature(secret=receipt)  # a forwarded receipt withdraws nothing
    corrections.send_withdrawal_link(secret=receipt)
    corrections.send_withdrawal_link(secret=receipt)
    assert [mail.to for mail in Mail.objects.filter(kind=MailKind.WITHDRAW)] == ["post@body.example"]
    secret = new_link(entry.invitation, SigningLinkPurpose.WITHDRAW)
    assert corrections.withdraw_signature(secret=secret) == corrections.withdraw_signature(secret=secret)
    assert kinds() == ["signed", "withdrawn"]
    assert LiveSignature.objects.count() == 0
    assert invitations.invite(by=None, organisation="A body", email="post@body.example") is None
    again = sign(invite("A body", again=True))
    assert kinds() == ["signed", "withdrawn", "signed"]
    assert LiveSignature.objects.get().entry == again
    erasure.erase_personal_data(entry=entry)
    assert kinds()[-1] == "erased"
    assert again.personal.values["name"]


def test_a_later_version_takes_the_place_of_the_earlier_signature():
    first = sign(invite("A body"))
    declaration = first.version.declaration
    second = open_signing(declaration=declaration, text="We keep the paths, and light them.")
    invitation = Invitation.objects.get(version=second)
    assert (invitation.email, invitation.state) == ("post@body.example", InvitationState.QUEUED)
    assert LiveSignature.objects.get().entry == first  # it counts until the later one is there
    secret = new_link(invitation)
    preparation = signing.prepare_signature(secret=secret, signatory=signatory())
    checked = signing.Signatory.from_preparation(preparation).fingerprint
    later = signing.sign(secret=secret, checked=checked, text_sha256=second.sha256)
    assert kinds() == ["signed", "signed", "superseded"]
    assert LiveSignature.objects.get().entry == later


def test_a_name_is_shown_by_consent_and_no_longer_once_it_is_taken_back():
    entry = sign(invite("A body"), name="Sam Example", role="Chair", name_is_public=True)
    receipt = new_link(entry.invitation, SigningLinkPurpose.RECEIPT)
    assert shown(entry.pk) == {"name": "Sam Example", "role": "Chair"}
    corrections.hide_signatory_name(secret=receipt)
    assert shown(entry.pk) == {}
    corrections.hide_signatory_name(secret=receipt)  # whoever was forwarded the receipt cannot fill the register
    assert kinds() == ["signed", "corrected"]
    erasure.erase_personal_data(entry=entry)
    assert shown(entry.pk) == {}
    assert kinds()[-1] == "erased"


def test_a_name_is_shown_no_longer_once_the_signature_is_withdrawn():
    entry = sign(invite("A body"), name_is_public=True)
    assert shown(entry.pk)
    corrections.withdraw_signature(secret=new_link(entry.invitation, SigningLinkPurpose.WITHDRAW))
    assert shown(entry.pk) == {}
    assert kinds() == ["signed", "withdrawn"]


def test_a_correction_is_an_entry_and_the_audit_knows_the_new_name():
    entry, sector = sign(invite("A boddy")), SectorFactory()
    corrections.correct_entry(by=None, entry=entry, name="A body", sector=sector, reason=CorrectionReason.MISSPELT)
    assert kinds() == ["signed", "corrected"]
    assert Entry.objects.get(pk=2).leaf_values["body"] == "A body"
    assert Entry.objects.get(pk=1).leaf_values["body"] == "A boddy"
    with pytest.raises(ValidationError):
        corrections.correct_entry(by=None, entry=entry, name="A body", sector=sector, reason=CorrectionReason.MISSPELT)
    SignatoryBody.objects.update(name="Changed behind the register's back")
    assert list(audit.find_faults()) != []
