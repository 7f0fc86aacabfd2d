"""Staff pages of invitations, emails and requests to sign."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from events.declarations.choices import OPEN_INVITATION_STATES, InvitationState, MailKind
from events.declarations.models import (
    Declaration,
    Invitation,
    Mail,
    PaperSignature,
    SigningRequest,
)
from events.declarations.rules import invitations, requests
from events.declarations.rules import signing as signing_rules
from tests.events.declarations.admin.pages import bulk_action_form, page_path
from tests.support import signing
from tests.support.crawler import text_of
from vru_portal.links.models import Delivery

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_the_numbers_above_the_list_are_those_of_the_lists_that_they_lead_to(client, officer, version):
    today = timezone.localdate()
    for state in (*OPEN_INVITATION_STATES, InvitationState.DECLINED, InvitationState.EXPIRED):
        for _ in range(2 if state == InvitationState.SENT else 1):
            row = signing.invite(f"Body {Invitation.objects.count()}").invitation
            Invitation.objects.filter(pk=row.pk).update(state=state)
    later = Invitation.objects.filter(state=InvitationState.STARTED)
    later.update(decides_on=today + timedelta(days=3))
    entry = signing.invite_and_sign("Signed body")
    requests.record_request(name="Lake Council", contact_name="Ann", email="a@lake.example")
    PaperSignature.objects.create(body=entry.body, version=version, signed_on=today, recorded_by=officer, scan="x.pdf")
    response = client.get(page_path("invitation"))
    figures = {figure.label: figure for figure in response.context["counts"]}
    assert {label: figure.number for label, figure in figures.items()} == {
        "Invited": 8,
        "To chase": 1,
        "Waiting to be sent": 1,
        "Sent": 2,
        "Refused by the mail server": 1,
        "Started": 1,
        "Signed": 1,
        "Declined": 1,
        "Expired": 1,
        "Decide later": 1,
        "Paper signatures to confirm": 1,
        "Requests to sign": 1,
    }
    for label, figure in figures.items():
        assert f'href="{figure.address}"'.replace("&", "&amp;") in response.content.decode()
        assert client.get(figure.address).context["cl"].result_count == figure.number, label


def test_the_list_is_searched_and_filtered_by_what_the_mail_server_said(client, officer, version):
    for name in ("Moor Trust", "Lake Council"):
        signing.invite(name, f"post@{name.split()[0].lower()}.example")
    Mail.objects.filter(invitation__body__name="Moor Trust").update(delivery=Delivery.REFUSED)
    for query, expected in (
        ("q=lake.example", "Lake Council"),
        ("q=Moor", "Moor Trust"),
        ("mail=refused", "Moor Trust"),
        ("mail=waiting", "Lake Council"),
        ("mail=nonsense&chase=nonsense", None),
    ):
        found = client.get(f"{page_path('invitation')}?{query}").context["cl"].result_list
        names = [row.body.name for row in found]
        assert names == [expected] if expected else len(names) == 2, query


def test_each_step_of_an_invitation_does_what_it_says(client, officer, version):
    row = signing.invite("Moor Trust", "post@moor.example").invitation
    Mail.objects.update(delivery=Delivery.SENT)
    day = timezone.localdate() + timedelta(days=120)
    assert "post@moor.example" in text_of(client.get(page_path("invitation", row, "resend")))
    offered = (timezone.localdate() + timedelta(days=90)).isoformat()  # as browsers want it
    assert f'value="{offered}"' in client.get(page_path("invitation", row, "extend")).content.decode()
    steps = [
        ("resend", {}, "Waiting to be sent again"),
        ("decides-on", {"day": day}, f"They decide on {day:%-d %B %Y}"),
        ("extend", {"day": day + timedelta(days=30)}, "Can be used until"),
        ("revoke", {}, "Revoked"),
        ("invite-again", {"email": "other@moor.example"}, "Invited again"),
    ]
    for step, sent, words in steps:
        said = text_of(client.post(page_path("invitation", row, step), sent, follow=True))
        assert words in said, step
    row.refresh_from_db()
    assert (row.state, row.decides_on, row.closes_on) == (InvitationState.REVOKED, day, day + timedelta(days=30))
    newest = Invitation.objects.latest("pk")
    assert (newest.body, newest.email, newest.state) == (row.body, "other@moor.example", InvitationState.QUEUED)
    assert LogEntry.objects.filter(object_id=str(row.pk)).count() == len(steps)
    for step in ("resend", "revoke", "decides-on", "extend"):
        assert "You cannot do this with an invitation in this state." in text_of(
            client.post(page_path("invitation", row, step), {"day": day})
        ), step
    past = {"day": timezone.localdate() - timedelta(days=1)}
    assert "a year from now" in text_of(client.post(page_path("invitation", newest, "extend"), past))
    assert "between today and a year from now" in text_of(
        client.post(page_path("invitation", newest, "decides-on"), past)
    )


def test_an_invitation_shows_its_mails_and_who_has_prepared_what(client, officer, version):
    invited = signing.invite(email="clerk@moor.example")
    passed = signing.signatory(name="Chris Chair", email="chair@moor.example", prepared_by="Kim Clerk")
    signing_rules.pass_on_to_signatory(secret=invited.secret, signatory=passed)
    Mail.objects.filter(kind=MailKind.INVITATION).update(delivery=Delivery.REFUSED, error="550 mailbox unknown")
    said = text_of(client.get(page_path("invitation", invited.invitation)))
    for words in ("Chris Chair", "chair@moor.example", "Kim Clerk", "550 mailbox unknown", "Please confirm"):
        assert words in said
    assert invited.secret not in said


def test_many_are_sent_again_or_extended_only_after_a_page_that_names_them(client, officer, version):
    rows = [signing.invite(f"Body {number}").invitation for number in range(4)]
    invitations.revoke_invitation(by=None, invitation=rows[3])
    Mail.objects.exclude(invitation=rows[2]).update(delivery=Delivery.SENT)
    asked = client.post(page_path("invitation"), bulk_action_form("resend", rows))
    said = text_of(asked)
    assert "Selected, but will not change Body 3: revoked" in said
    assert "Body 0: waiting to be sent" in said
    assert Mail.objects.count() == 4
    done = client.post(page_path("invitation"), bulk_action_form("resend", rows, confirmed="yes"), follow=True)
    assert "Send again: 2 invitations changed." in text_of(done)
    assert "Body 2: An email to this organisation is already waiting to be sent." in text_of(done)
    assert Mail.objects.count() == 6
    day = timezone.localdate() + timedelta(days=150)
    assert "This field is required" in text_of(
        client.post(page_path("invitation"), bulk_action_form("extend", rows, confirmed="yes"))
    )
    client.post(page_path("invitation"), bulk_action_form("extend", rows, confirmed="yes", day=day))
    assert Invitation.objects.filter(closes_on=day).count() == 3
    refused = client.post(page_path("invitation"), bulk_action_form("resend", rows[3:]), follow=True)
    assert "This does not apply to any of the selected invitations" in text_of(refused)


def test_a_refused_mail_is_seen_with_what_the_server_said_and_tried_again(client, officer, version):
    row = signing.invite().invitation
    mail = row.mails.get()
    assert "This email was not refused. Its status is “Waiting”" in text_of(
        client.post(page_path("mail", mail, "retry"))
    )
    Mail.objects.update(delivery=Delivery.REFUSED, attempts=10, error="550 mailbox unknown")
    Invitation.objects.update(state=InvitationState.REFUSED)
    assert "550 mailbox unknown" in text_of(client.get(f"{page_path('mail')}?delivery__exact=refused"))
    assert client.post(page_path("mail", mail, "retry")).status_code == 302
    mail.refresh_from_db()
    row.refresh_from_db()
    assert (mail.delivery, mail.attempts, row.state) == (Delivery.WAITING, 0, InvitationState.QUEUED)


def test_a_request_is_approved_or_turned_down_once(client, officer, version):
    for name in ("Moor Trust", "Lake Council"):
        requests.record_request(name=name, contact_name="Ann Lee", email="post@moor.example", message="Please.")
    moor, lake = SigningRequest.objects.order_by("pk")
    assert "Email to Ann Lee, post@moor.example" in text_of(client.get(page_path("signingrequest", moor, "approve")))
    assert client.post(page_path("signingrequest", moor, "approve")).status_code == 302
    assert client.post(page_path("signingrequest", lake, "turn-down")).status_code == 302
    for row in (moor, lake):
        for step in ("approve", "turn-down"):
            assert "This request was answered on" in text_of(client.post(page_path("signingrequest", row, step)))
    assert [row.body.name for row in Invitation.objects.all()] == ["Moor Trust"]
    assert "Invited" in text_of(client.get(page_path("signingrequest", moor)))


def test_a_request_is_not_approved_while_signing_is_closed(client, officer, version):
    requests.record_request(name="Moor Trust", contact_name="Ann Lee", email="post@moor.example")
    Declaration.objects.update(paused_because="A mistake in the text.")
    row = SigningRequest.objects.get()
    said = text_of(client.post(page_path("signingrequest", row, "approve")))
    assert "Nobody can be invited yet." in said
    assert "Signing is paused: A mistake in the text." in said
    assert not Invitation.objects.exists()
