"""What staff see of requests for onward grants, and do to them."""

import pytest
from django.contrib.auth.models import Group

from funding.models import Allocation, OnwardGrant, OnwardRequest, Regranting
from funding.regranting.rules import approving
from partners.models import LegalNotice
from tests.funding.regranting.requests import approve, ask, enter, send, sums
from tests.support.crawler import text_of
from tests.support.factories import AllocationFactory, RegrantingFactory, UserFactory, reverse
from tests.support.signing import NOTICE
from vru_portal.links.choices import DraftState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit", "officer")]
PLACE = "/admin/funding/onwardrequest/"


@pytest.fixture
def officer(client):
    user = UserFactory()
    user.groups.set(Group.objects.filter(name="Finance"))
    client.force_login(user)
    return user


def step(client, asked, name, **answers):
    if name == "approve":  # what was read, as the page's hidden field has it
        answers = {"seen": asked.row.fingerprint} | answers
    return client.post(f"{PLACE}{asked.request.pk}/{name}/", answers, follow=True)


def test_finance_asks_on_the_page_of_the_grant(client, officer):
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE)
    allocation = RegrantingFactory().allocation
    page = f"/admin/funding/allocation/{allocation.pk}"
    assert f"{page}/ask-onward/" in client.get(f"{page}/change/").content.decode()
    wrong = client.post(f"{page}/ask-onward/", {"email": "kim@", "contact_name": "Kim", "due_on": "soon"})
    assert 'value="kim@"' in wrong.content.decode()  # nothing typed is lost
    assert not OnwardRequest.objects.exists()
    sent = {"email": "kim@recipient.example", "contact_name": "Kim", "due_on": "20 June 2031"}
    done = client.post(f"{page}/ask-onward/", sent, follow=True)
    row = OnwardRequest.objects.get()
    assert "Asked for its onward grants" in text_of(done)
    assert f"{PLACE}{row.pk}/change/" in done.content.decode()
    assert (row.asked_by, str(row.due_on), row.state) == (officer, "2031-06-20", DraftState.QUEUED)
    assert f"{page}/ask-onward/" not in client.get(f"{page}/change/").content.decode()
    assert "asked already" in text_of(client.get(f"{page}/ask-onward/"))


def test_the_page_of_the_grant_leads_to_its_source_its_request_and_its_onward_grants(client, officer):
    client.force_login(officer)
    plain = AllocationFactory()
    page = client.get(f"/admin/funding/allocation/{plain.pk}/change/")
    assert "Onward grants: -" in text_of(page)
    assert f'href="/admin/funding/fundingsource/{plain.funding_source_id}/change/"' in page.text
    allocation = RegrantingFactory().allocation
    address = f"/admin/funding/allocation/{allocation.pk}/change/"
    assert "£0 reported. Request: None" in text_of(client.get(address))
    asked = ask(allocation)
    enter(asked)
    send(asked)
    page = client.get(address)
    assert "£0 reported. Request: To check" in text_of(page)
    assert f'href="/admin/funding/onwardrequest/{asked.request.pk}/change/"' in page.text
    approve(asked)
    page = client.get(address)
    assert "£60.50 reported" in text_of(page)
    assert "Request: Approved" in text_of(page)
    listed = client.get(f"/admin/funding/onwardgrant/?q={allocation.public_id}")
    assert listed.context["cl"].result_count == 1
    assert f'href="/admin/funding/onwardgrant/?q={allocation.public_id}"' in page.text


def test_the_page_of_the_grant_says_why_nobody_can_be_asked(client):
    LegalNotice.objects.update_or_create(pk=1, defaults=NOTICE | {"controller": ""})
    plain, complete = AllocationFactory(), RegrantingFactory().allocation
    for allocation, said in (
        (plain, "not recorded as one for regranting"),
        (complete, "The legal notice does not say"),
    ):
        page = f"/admin/funding/allocation/{allocation.pk}"
        assert said in text_of(client.get(f"{page}/ask-onward/"))
        assert f"{page}/ask-onward/" not in client.get(f"{page}/change/").content.decode()


def test_finance_reads_asks_and_approves(client):
    asked = ask()
    place = {"area": "The fen", "area_code": "E05000001"}
    enter(
        asked,
        description="Forty pairs.",
        reference="360G-fen-1",
        recipient_org_id="GB-CHC-1",
        url="fen.example",
        **place,
    )
    details = [
        *("Identifier: 360G-fen-1", "Identifier of who received it: GB-CHC-1", "Where it helps: The fen"),
        *("Official code of that place: E05000001", "Address: https://fen.example"),
    ]
    send(asked)
    listed = text_of(client.get(f"{PLACE}?state=submitted"))
    assert str(asked.request.allocation.recipient) in listed
    page = text_of(client.get(f"{PLACE}{asked.request.pk}/change/"))
    for shown in (
        "Fen club",
        "£60.50",
        "Boots; Forty pairs.",
        "; ".join(details),
        "Not reported £39.50",
        "kim@recipient.example",
    ):
        assert shown in page
    assert "Sent back" in text_of(step(client, asked, "query", question="Is that all?"))
    assert asked.row.state == DraftState.QUERIED
    send(asked)
    asks = text_of(client.get(f"{PLACE}{asked.request.pk}/approve/"))
    assert f"£60.50 to Fen club, 20 May 2031. Boots. Forty pairs. {'. '.join(details)}" in asks
    assert "Approved: 1 onward grant recorded" in text_of(step(client, asked, "approve"))
    assert OnwardGrant.objects.get().recipient_name == "Fen club"
    assert "This request is “Approved”." in text_of(client.get(f"{PLACE}{asked.request.pk}/approve/"))


def test_a_list_that_cannot_be_recorded_any_more_is_named_and_nothing_is_recorded(client):
    asked = ask()
    enter(asked)
    send(asked)
    reverse(asked.request.allocation.regrantings.get())
    assert "nothing can be recorded for it" in text_of(step(client, asked, "approve"))
    assert sums() == []


def test_an_empty_list_is_approved_as_such(client):
    asked = ask()
    send(asked)
    assert "awarded nothing more" in text_of(client.get(f"{PLACE}{asked.request.pk}/approve/"))
    assert "Approved: 0 onward grants recorded" in text_of(step(client, asked, "approve"))


def test_finance_sends_again_extends_and_cancels(client):
    asked = ask()
    assert "Sent again" in text_of(step(client, asked, "send-again", email="sam@recipient.example"))
    assert "Enter a date between today and a year from now." in text_of(step(client, asked, "extend", day="2033-01-01"))
    assert "Extended" in text_of(step(client, asked, "extend", day="2031-12-01"))
    page = text_of(client.get(f"{PLACE}{asked.request.pk}/cancel/"))
    assert "Cancel the request" in page
    assert "Go back" in page
    step(client, asked, "cancel")  # without the tick
    assert asked.row.state == DraftState.QUEUED
    assert "Cancelled" in text_of(step(client, asked, "cancel", confirmed="on"))
    assert (asked.row.state, asked.row.email) == (DraftState.CANCELLED, "sam@recipient.example")


def test_the_worklist_says_what_waits_and_counts_what_its_list_has(client, clock, officer):
    first, second = ask(), ask()
    enter(first)
    send(first)
    OnwardRequest.objects.filter(pk=second.request.pk).update(state=DraftState.SENT)
    clock.move_to("2031-07-02 12:00Z", tick=False)
    client.force_login(officer)
    start = text_of(client.get("/admin/"))
    for heading in ("Onward grants to check", "Onward grants that are late"):
        assert heading in start
    assert "1 request for onward grants" in text_of(client.get(f"{PLACE}?state=late"))
    OnwardRequest.objects.filter(pk=second.request.pk).update(state=DraftState.REFUSED)
    assert "Requests for onward grants that the mail server refused" in text_of(client.get("/admin/"))


@pytest.mark.parametrize("model", [Regranting, Allocation])
def test_a_request_about_a_grant_that_was_taken_back_waits_for_nobody(client, clock, officer, model):
    requests = [ask(), ask(), ask()]
    enter(requests[0])
    send(requests[0])
    OnwardRequest.objects.filter(pk=requests[1].request.pk).update(state=DraftState.SENT)
    OnwardRequest.objects.filter(pk=requests[2].request.pk).update(state=DraftState.REFUSED)
    clock.move_to("2031-07-02 12:00Z", tick=False)
    client.force_login(officer)
    assert text_of(client.get("/admin/")).lower().count("onward grants") > 3
    for row in model.objects.filter(reverses=None):
        reverse(row)
    assert "onward grants that" not in text_of(client.get("/admin/")).lower()
    assert "onward grants to check" not in text_of(client.get("/admin/")).lower()
    for state, count in (("submitted", 0), ("late", 0), ("refused", 0), ("withdrawn", 3)):
        shown = client.get(f"{PLACE}?state={state}")
        assert shown.context["cl"].result_count == count, state
    assert text_of(shown).count("No longer asked for") > 3  # each row, and the filter
    page = text_of(client.get(f"{PLACE}{requests[1].request.pk}/change/"))
    assert "No longer asked for" in page
    for name in ("send-again", "extend"):
        assert "Cancel this request." in text_of(client.get(f"{PLACE}{requests[1].request.pk}/{name}/")), name
    step(client, requests[1], "cancel", confirmed="on")
    assert requests[1].row.state == DraftState.CANCELLED


def test_requests_and_emails_are_seen_by_finance_and_auditors_only(client):
    asked = ask()
    for role, status in (("Finance", 200), ("Auditor", 200), ("Publisher", 403), ("Editor", 403)):
        user = UserFactory()
        user.groups.set(Group.objects.filter(name=role))
        client.force_login(user)
        for address in ("onwardrequest/", f"onwardrequest/{asked.request.pk}/change/", "onwardmail/"):
            assert client.get(f"/admin/funding/{address}").status_code == status, (role, address)
        can_approve = client.get(f"{PLACE}{asked.request.pk}/approve/").status_code
        assert can_approve == (200 if role == "Finance" else 403)


def test_a_list_that_is_another_than_the_one_that_was_read_is_not_approved(client):
    asked = ask()
    enter(asked)
    send(asked)
    address = f"{PLACE}{asked.request.pk}/approve/"
    read = client.get(address).context["form"]["seen"].value()
    approving.query(request=asked.row, question="All?")
    enter(asked, "bbbb", title="Hats")
    send(asked)
    answer = client.post(address, {"seen": read})
    assert "These answers have changed since you opened this page." in text_of(answer)
    assert "Hats" in text_of(answer)
    assert sums() == []
    client.post(address, {"seen": answer.context["form"]["seen"].value()})
    assert len(sums()) == 2
    assert client.post(address, {}).status_code == 200
