"""Asking for onward grants, and what staff decide: in words, and against the database."""

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations.documents.subject_access import records_about
from funding.choices import OnwardMailKind
from funding.models import Allocation, OnwardGrant, OnwardMail, OnwardRequest, OnwardToken, Regranting
from funding.regranting import schedule
from funding.regranting.rules import approving, asking, reporting
from funding.regranting.rules.recording import record_onward_grant
from funding.regranting.rules.requests import ONWARD_REQUESTS
from funding.regranting.tasks import deliver_onward_mail, postpone_mail
from partners.models import LegalNotice, Unit
from programmes.results.models import ReportingRules
from tests.funding.regranting.requests import Asked, approve, ask, enter, new_link, send, sums, typed
from tests.support.factories import (
    AllocationFactory,
    OnwardGrantFactory,
    RegrantingFactory,
    UserFactory,
    VariationFactory,
    reverse,
)
from tests.support.refusals import refused_by_the_database, refused_in_words, validation_messages
from vru_portal.ledger.content_version import PRIVATE_MODELS, public_tables
from vru_portal.links import personal
from vru_portal.links.answering import InvalidLink, NotOpen, find_token
from vru_portal.links.choices import DraftState, LinkPurpose, MailPurpose
from vru_portal.links.models import Delivery

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


def refusal(action) -> str:
    return " ".join(message for found in validation_messages(action).values() for message in found)


# Asking ---------------------------------------------------------------------------------------------------------------


def test_only_the_recipient_of_a_grant_that_is_awarded_on_and_stands_is_asked():
    ask()  # and the legal notice is complete
    plain, taken_back = AllocationFactory(), RegrantingFactory().allocation
    reverse(taken_back)
    for allocation, said in (
        (plain, "not recorded as one for regranting"),
        (taken_back, "a grant that was not reversed"),
    ):
        assert said in refusal(partial(ask, allocation))
    assert OnwardRequest.objects.count() == 1


def test_nobody_is_asked_before_the_legal_notice_is_complete():
    allocation = RegrantingFactory().allocation
    LegalNotice.objects.update(retention_days=None)
    said = refusal(partial(asking.ask, by=UserFactory(), allocation=allocation, email="kim@recipient.example"))
    assert "The legal notice does not say:" in said


def test_one_request_at_a_time_and_another_when_that_has_ended():
    asked = ask()
    allocation = asked.request.allocation
    assert "asked already" in refusal(partial(ask, allocation))
    again = OnwardRequest(
        allocation=allocation, email="sam@recipient.example", due_on="2031-07-01", closes_on="2031-08-01"
    )
    with pytest.raises(ValidationError, match="asked already"):
        again.full_clean()
    asking.cancel(request=asked.row)
    second = ask(allocation)
    refused_by_the_database(asked.row, state=DraftState.SENT)
    send(second)
    approve(second)
    ask(allocation)


def test_a_request_is_due_as_returns_are_unless_a_day_is_given():
    ReportingRules.objects.create(days_to_report=14, days_open=21)
    row = ask().row
    assert (row.due_on, row.closes_on) == (date(2031, 6, 15), date(2031, 7, 6))
    by = {"by": UserFactory(), "email": "kim@recipient.example"}
    allocation = RegrantingFactory().allocation
    for day in (date(2031, 5, 31), date(2032, 6, 2)):
        said = refusal(partial(asking.ask, **by, allocation=allocation, due_on=day))
        assert said == "Enter a date between today and a year from now."
    assert asking.ask(**by, allocation=allocation, due_on=date(2031, 6, 1)).due_on == date(2031, 6, 1)


@pytest.mark.parametrize("email", ["", "nobody", "a@b"])
def test_somebody_has_to_be_asked(email):
    assert "email address" in refusal(partial(ask, email=email))
    assert not OnwardRequest.objects.exists()


def test_the_database_knows_what_a_request_can_be():
    row = ask().row
    refused_by_the_database(row, state="nothing")
    refused_by_the_database(row, state=DraftState.PASSED_ON)
    refused_by_the_database(row, closes_on=row.due_on - timedelta(days=1))
    assert "A request cannot close before it is due." in refused_in_words(row, closes_on=date(2031, 6, 2))["__all__"]


def test_reminders_come_in_the_same_measure_as_those_of_returns(clock):
    asked = ask()  # due on 1 July
    deliver_onward_mail.call(OnwardMail.objects.get().pk)
    counts = []
    for day in range(1, 100):
        clock.move_to(timezone.now() + timedelta(days=1), tick=False)
        if asking.remind_due():
            counts.append(day)
            deliver_onward_mail.call(OnwardMail.objects.latest("pk").pk)
    assert counts == [20, 30, 40]
    assert asked.row.reminders == 3


def test_an_email_names_what_is_left_of_a_grant_that_was_changed(mailoutbox):
    asked = ask()
    VariationFactory(allocation=asked.request.allocation, amount=Decimal("40.00"))
    deliver_onward_mail.call(OnwardMail.objects.get().pk)
    body = " ".join(mailoutbox[0].body.split())
    assert re.search(r"We awarded .* £100 for .* on .*\. The grant is now £60\.", body)
    enter(asked)
    send(asked)
    deliver_onward_mail.call(OnwardMail.objects.latest("pk").pk)
    body = " ".join(mailoutbox[1].body.split())
    assert "has made from our grant of £60 for" in body
    assert "£100" not in body


@pytest.mark.parametrize("model", [Regranting, Allocation])
def test_nobody_is_reminded_of_a_grant_that_was_taken_back(clock, mailoutbox, model):
    asked = ask()
    deliver_onward_mail.call(OnwardMail.objects.get().pk)
    reminder = ONWARD_REQUESTS.queue_mail(MailPurpose.REMINDER, asked.row)
    reverse(model.objects.get())
    deliver_onward_mail.call(reminder.pk)
    assert OnwardMail.objects.get(pk=reminder.pk).delivery == Delivery.DROPPED
    clock.move_to("2031-06-25 12:00Z", tick=False)
    assert asking.remind_due() == 0
    assert len(mailoutbox) == 1
    assert "Cancel this request." in refusal(
        partial(asking.send_again, request=asked.row, email="sam@recipient.example")
    )


def test_the_emails_of_every_kind_can_be_written_and_their_links_open(client, mailoutbox):
    asked = ask()
    kinds = {
        "request": "sent", "reminder": "sent", "query": "queried", "confirm": "passed_on", "received": "submitted",
        "approved": "approved", "cancel": "cancelled",
    }  # fmt: skip
    assert {*kinds} == {*OnwardMailKind.values} == {*MailPurpose}
    for kind, state in kinds.items():
        OnwardRequest.objects.update(
            state=state, confirm_email="kim@recipient.example", confirm_name="Sam", question="Why?"
        )
        mail = ONWARD_REQUESTS.queue_mail(kind, asked.row)
        deliver_onward_mail.call(mail.pk)
        assert OnwardMail.objects.get(pk=mail.pk).delivery == "sent", OnwardMail.objects.get(pk=mail.pk).error
        message = mailoutbox[-1]
        assert str(asked.request.allocation.subject) in message.subject
        assert Unit.objects.get().name in message.body
        assert ("/onward-grants/report/" in message.body) == (kind not in ("received", "approved", "cancel"))
        for written in (message.body, str(message.alternatives[0][0])):
            assert "{{" not in written
            assert "{%" not in written
            assert "£100" in written


def test_an_email_that_goes_out_late_does_not_ask_for_it_by_a_day_in_the_past(clock, mailoutbox):
    ask()
    clock.move_to("2031-07-10 12:00Z", tick=False)
    deliver_onward_mail.call(OnwardMail.objects.get().pk)
    body = " ".join(mailoutbox[0].body.split())
    assert "They were due by 1 July 2031." in body
    assert "Please send them by" not in body


# What was typed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"amount": "0"}, "must not be £0.00"),
        ({"amount": "-5"}, "at least £0.01"),
        ({"amount": "€5"}, "another currency"),
        ({"awarded_on": "2 June 2031"}, "today or in the past"),
        ({"awarded_on": "03/2031"}, "has no day"),
        ({"recipient": "x" * 201}, "Shorten this to 200 characters"),
        ({"area_code": "x" * 21}, "Shorten this to 20 characters"),
        ({"url": "nowhere"}, "Enter a web address"),
    ],
)
def test_what_cannot_be_recorded_cannot_be_sent(texts, said):
    asked = ask()
    enter(asked, **texts)
    assert said in refusal(partial(send, asked))
    assert asked.row.state == DraftState.STARTED


def test_a_grant_that_is_in_the_list_twice_is_named():
    asked = ask()
    enter(asked, "aaaa")
    enter(asked, "bbbb")
    assert "Grant 2, Fen club: Grant 1 of this list is the same." in refusal(partial(send, asked))
    reporting.save_grant(secret=asked.secret, key="bbbb", typed=typed(title="Hats"), before=asked.grants[1])
    send(asked)
    assert len(approve(asked)) == 2


def test_an_address_needs_no_https_before_it():
    asked = ask()
    enter(asked, url="www.fen.example.org/grants")
    send(asked)
    approve(asked)
    assert OnwardGrant.objects.get().url == "https://www.fen.example.org/grants"


# Staff ----------------------------------------------------------------------------------------------------------------


def test_what_was_sent_is_recorded_as_typed_with_the_day_on_which_it_was_sent(clock):
    asked = ask()
    texts = {"description": "Forty pairs.", "recipient_org_id": "GB-CHC-1", "area": "The fen", "area_code": "E05000001"}
    enter(asked, reference="360G-fen-1", url="https://fen.example.org/1", **texts)
    send(asked)
    clock.move_to("2031-06-05 12:00Z", tick=False)
    (grant,) = approve(asked)
    grant.refresh_from_db()
    assert (grant.allocation, grant.reference, grant.amount) == (
        asked.request.allocation,
        "360G-fen-1",
        Decimal("60.50"),
    )
    assert (grant.recipient_name, grant.title, grant.awarded_on) == ("Fen club", "Boots", date(2031, 5, 20))
    assert (grant.reported_on, grant.recorded_at.date()) == (date(2031, 6, 1), date(2031, 6, 5))
    assert {name: getattr(grant, name) for name in texts} == texts
    assert grant.recorded_by is not None


def test_only_what_was_sent_is_approved_and_only_once():
    asked = ask()
    enter(asked)
    assert "Only grants that were sent can be approved" in refusal(partial(approve, asked))
    send(asked)
    approve(asked)
    assert "“Approved”" in refusal(partial(approve, asked))
    assert sums() == [Decimal("60.50")]


def test_all_of_a_list_is_recorded_or_none_of_it():
    asked = ask()
    enter(asked, "aaaa")
    enter(asked, "bbbb", recipient="Moor club", reference="360G-moor-1", title="Hats")
    send(asked)
    OnwardGrantFactory(reference="360G-MOOR-1")  # reported for another grant meanwhile
    said = refusal(partial(approve, asked))
    assert "Grant 2, Moor club: A grant with this identifier is already published" in said
    assert asked.row.state == DraftState.SUBMITTED
    assert not OnwardGrant.objects.filter(allocation=asked.request.allocation).exists()


def test_what_staff_have_recorded_meanwhile_is_not_recorded_twice():
    asked = ask()
    enter(asked)
    send(asked)
    same = OnwardGrant(
        allocation=asked.request.allocation,
        recipient_name="Fen club",
        amount=Decimal("60.50"),
        awarded_on=date(2031, 5, 20),
        title="Boots",
    )
    record_onward_grant(by=UserFactory(), grant=same)
    assert "The same grant is already published" in refusal(partial(approve, asked))
    assert OnwardGrant.objects.count() == 1


def test_nothing_is_recorded_for_a_grant_that_was_taken_back_since():
    asked = ask()
    enter(asked)
    send(asked)
    reverse(Regranting.objects.get())
    assert "nothing can be recorded for it" in refusal(partial(approve, asked))
    assert not OnwardGrant.objects.exists()


def test_a_question_opens_the_list_again_and_a_closed_one_is_extended_first(clock):
    asked = ask()
    enter(asked)
    send(asked)
    with pytest.raises(NotOpen):
        enter(asked, "bbbb")
    clock.move_to("2031-12-01 12:00Z", tick=False)
    query = partial(approving.query, request=asked.row, question="All?")
    assert "Extend it first" in refusal(query)
    asking.extend(request=asked.row, closes_on=date(2031, 12, 20))
    assert "Enter your question." in refusal(partial(approving.query, request=asked.row, question=" "))
    query()
    assert OnwardMail.objects.filter(kind="query").count() == 1
    enter(asked, "bbbb", title="Hats")
    send(asked)
    assert len(approve(asked)) == 2


def test_a_request_is_sent_again_to_somebody_else_and_both_are_told(mailoutbox):
    asked = ask()
    deliver_onward_mail.call(OnwardMail.objects.get().pk)
    asking.send_again(request=asked.row, email="sam@recipient.example", contact_name="Sam")
    deliver_onward_mail.call(OnwardMail.objects.latest("pk").pk)
    enter(asked)
    send(asked)
    told = OnwardMail.objects.filter(kind="received").order_by("to")
    assert [*told.values_list("to", flat=True)] == ["kim@recipient.example", "sam@recipient.example"]


def test_what_has_ended_stays_ended():
    asked = ask()
    send(asked)
    approve(asked)
    for action in (
        partial(asking.cancel, request=asked.row),
        partial(asking.extend, request=asked.row, closes_on=date(2031, 12, 1)),
        partial(asking.send_again, request=asked.row, email="sam@recipient.example"),
    ):
        assert "“Approved”" in refusal(action)


def test_a_mailbox_that_the_mail_server_refuses_is_seen_by_staff(monkeypatch):
    asked = ask()
    mail = OnwardMail.objects.select_related("draft").get()
    monkeypatch.setattr("vru_portal.links.delivery.refused_for_good", lambda error: True)
    postpone_mail(mail, OSError("no such mailbox"))
    assert asked.row.state == DraftState.REFUSED


# Two at once ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("change", ["save", "remove", "file", "send", "approve", "query", "extend", "cancel", "again"])
def test_whoever_changes_a_request_waits_for_whoever_else_does(change):
    asked = ask()
    enter(asked)
    if change in ("approve", "query"):
        send(asked)
    row, secret, by, first = asked.row, asked.secret, UserFactory(), asked.grants[0]
    changes = {
        "save": lambda: enter(asked, "bbbb"),
        "remove": lambda: reporting.remove_grant(secret=secret, key="aaaa", before=first),
        "file": lambda: reporting.add_rows(secret=secret, rows=[typed(reference="a")], replace=False),
        "send": lambda: send(asked),
        "approve": lambda: approving.approve(by=by, request=row),
        "query": lambda: approving.query(request=row, question="All?"),
        "extend": lambda: asking.extend(request=row, closes_on=row.closes_on),
        "cancel": lambda: asking.cancel(request=row),
        "again": lambda: asking.send_again(request=row, email="sam@recipient.example"),
    }
    with CaptureQueriesContext(connection) as queries:
        changes[change]()
    tables = [re.search(r'(?:FROM|INTO|UPDATE) "(funding_\w+)"', query["sql"]) for query in queries]
    read = [(found[1], "FOR UPDATE" in query["sql"]) for found, query in zip(tables, queries, strict=True) if found]
    # a token is only looked up; all that is decided is read from the locked row
    assert next(locked for table, locked in read if table == "funding_onwardrequest")


def test_a_list_that_is_taken_back_while_the_second_person_sends_it_is_not_sent(monkeypatch):
    asked = ask()
    sam = {"confirm_name": "Sam", "confirm_email": "sam@recipient.example"}
    reporting.pass_on(secret=asked.secret, prepared_by="Kim", **sam)
    theirs = new_link(asked.row, LinkPurpose.CONFIRM, "sam@recipient.example")
    token = ONWARD_REQUESTS.find_token(theirs)
    reporting.take_back(secret=asked.secret)
    found = iter([token])  # as it was before the lock, and only then
    monkeypatch.setattr("vru_portal.links.requests.find_token", lambda *now: next(found, None) or find_token(*now))
    with pytest.raises(InvalidLink):
        reporting.submit(secret=theirs, name="Sam")
    assert asked.row.state == DraftState.STARTED


# Personal data --------------------------------------------------------------------------------------------------------

NOT_PERSONAL = {
    "funding.onwardrequest": {
        *(
            "id",
            "state",
            "reminders",
            "sent_at",
            "erased_at",
            "allocation",
            "due_on",
            "closes_on",
            "reported_at",
            "asked_at",
        ),
        "asked_by",
    },
    "funding.onwardtoken": {"id", "draft", "purpose", "expires_at", "burnt_at"},
    "funding.onwardmail": {"id", "draft", "kind", "delivery", "attempts", "due_at", "created_at", "sent_at"},
}


def test_every_field_is_known_to_be_personal_or_not():
    fields = personal.personal_fields(OnwardRequest)
    assert fields.keys() == NOT_PERSONAL.keys()
    for label, found in fields.items():
        model = apps.get_model(label)
        assert {*found} | NOT_PERSONAL[label] == {field.name for field in model._meta.concrete_fields}
        assert not {*found} & NOT_PERSONAL[label]
        assert model._meta.model_name in PRIVATE_MODELS
        assert model._meta.db_table not in public_tables()


@pytest.mark.parametrize("whose", ["kim@recipient.example", "KIM@recipient.example", "Kim Grants"])
def test_a_person_is_told_everything_that_is_held_about_them(whose):
    asked = ask()
    enter(asked)
    send(asked)
    found = personal.rows_about(whose)
    assert found["Request for onward grants"] == [asked.row]
    assert found["Email about onward grants"] == [*OnwardMail.objects.order_by("pk")]
    assert found["Link to report onward grants"] == [*OnwardToken.objects.all()]
    assert not any(personal.rows_about("somebody@else.example").values())
    handed_over = {record.title for record in records_about(whose)}  # with what is held about signatories
    assert handed_over == {"Request for onward grants", "Email about onward grants", "Link to report onward grants"}


def test_a_link_to_report_grants_is_not_called_one_to_a_return():
    asked = ask()
    new_link(asked.row, LinkPurpose.CONFIRM, "sam@recipient.example")
    for token in OnwardToken.objects.all():
        assert "return" not in str(token).lower()
        assert str(token).endswith(f", Onward grants of {asked.request.allocation}")


def test_who_was_asked_is_erased_in_time_even_if_a_second_person_never_answered(clock):
    asked = ask()
    enter(asked)
    ONWARD_REQUESTS.pass_on(
        secret=asked.secret, prepared_by="Kim", confirm_name="Sam", confirm_email="sam@recipient.example"
    )
    theirs = new_link(asked.row)
    last = timezone.now() + timedelta(days=90 + (LegalNotice.current().retention_days or 0))
    clock.move_to(last, tick=False)
    assert schedule.erase_expired_personal_data() == 0
    clock.move_to(last + timedelta(days=1), tick=False)
    assert schedule.erase_expired_personal_data() == 1
    assert schedule.erase_expired_personal_data() == 0
    row = asked.row
    assert (row.email, row.contact_name, row.prepared_by, row.confirm_email, row.answers) == ("", "", "", "", {})
    assert row.state == DraftState.CANCELLED  # and the recipient can be asked again
    assert not OnwardMail.objects.exists()
    with pytest.raises(InvalidLink):
        enter(Asked(row, theirs))


def test_a_list_that_nobody_has_read_is_not_approved_as_an_empty_one_once_it_is_erased(clock):
    asked = ask()
    enter(asked)
    send(asked)
    clock.move_to("2041-06-01 12:00Z", tick=False)
    assert schedule.erase_expired_personal_data() == 1
    assert "“Cancelled”" in refusal(partial(approve, asked))


def test_what_staff_extend_while_the_data_of_others_is_erased_is_left_as_it_is(clock, monkeypatch):
    asked, other = ask(), ask()
    enter(asked)
    clock.move_to("2041-06-01 12:00Z", tick=False)
    erase = personal.forget_draft

    def extended_meanwhile(due, pk):
        if pk == asked.request.pk:
            asking.extend(request=asked.row, closes_on=date(2041, 6, 20))
        return erase(due, pk)

    monkeypatch.setattr(personal, "forget_draft", extended_meanwhile)
    assert schedule.erase_expired_personal_data() == 1
    assert (asked.row.state, asked.row.email, len(asked.grants)) == (DraftState.STARTED, "kim@recipient.example", 1)
    assert (other.row.state, other.row.email) == (DraftState.CANCELLED, "")
