"""Somebody asks for an erasure before its time: the data is gone everywhere, also from what a backup brings back."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction

from events.declarations.documents.subject_access import records_about
from events.declarations.rules.erasure import reapply_erasures
from funding.models import OnwardGrant, OnwardRequest
from funding.regranting import schedule as onward_schedule
from funding.regranting.rules import asking as onward_asking
from funding.regranting.rules.requests import ONWARD_REQUESTS
from programmes.results import schedule as results_schedule
from programmes.results.choices import ReturnStatus
from programmes.results.models import ApprovedFigure, Return, ReturnDraft
from programmes.results.rules import approving, asking
from programmes.results.rules.answers import total_name
from programmes.results.rules.recording import record_answers
from programmes.results.rules.requests import RETURN_REQUESTS
from tests.funding.regranting import requests as onward
from tests.programmes.results import returns
from tests.support.crawler import text_of
from tests.support.factories import InitiativeFactory, OrganisationFactory, UnitFactory, UserFactory
from vru_portal.ledger import erasures
from vru_portal.links import delivery, mailing, personal
from vru_portal.links.answering import InvalidLink, issue_secret
from vru_portal.links.choices import DraftState, LinkPurpose
from vru_portal.links.models import LinkDraft
from vru_portal.links.requests import Requests

pytestmark = pytest.mark.django_db
CANARIES = ("canary@body.example", "second@body.example", "Canary Person", "Second Person", "Canary said so", "Canary?")
SECOND = {"confirm_name": "Second Person", "confirm_email": "second@body.example"}


@dataclass
class Case:
    """A request about somebody, with answers, a question, a second person, emails and links."""

    draft: Any
    secret: str
    requests: Requests
    submit: Any

    @property
    def row(self) -> Any:
        return type(self.draft).objects.get(pk=self.draft.pk)

    @property
    def page(self) -> str:
        row = self.row.staff_row
        return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/"


def a_return() -> Case:
    asked = returns.ask(*returns.count_people())
    asking.send_again(row=asked.row, email="canary@body.example", contact_name="Canary Person")
    returns.report(asked, 20, went_well="Canary said so")
    approving.query(row=asked.row, question="Canary?")
    return Case(asked.draft, asked.secret, RETURN_REQUESTS, lambda: returns.report(asked, 21))


def a_list() -> Case:
    asked = onward.ask(email="canary@body.example")
    OnwardRequest.objects.update(contact_name="Canary Person", question="Canary?")
    onward.enter(asked, description="Canary said so")
    return Case(asked.row, asked.secret, ONWARD_REQUESTS, lambda: onward.send(asked))


@pytest.fixture(autouse=True)
def _today(time_machine):
    UnitFactory()
    time_machine.move_to(datetime(2031, 7, 10, 11, tzinfo=UTC), tick=False)


@pytest.fixture(params=[a_return, a_list], ids=["return", "onward grants"])
def case(request) -> Case:
    made: Case = request.param()
    made.requests.pass_on(secret=made.secret, prepared_by="Canary Person", **SECOND)
    return made


def left() -> set[str]:
    """Return which canaries any table or file holds, whatever it is for."""
    stored = [repr(list(model._base_manager.values())) for model in apps.get_models(include_auto_created=True)]
    stored.append(erasures.erasures_file().read_text() if erasures.erasures_file().is_file() else "")
    return {canary for canary in CANARIES if canary in "".join(stored)}


def officer(client, role="Information governance"):
    user = UserFactory()
    user.groups.set(Group.objects.filter(name=role))
    client.force_login(user)
    return user


def test_what_is_erased_early_is_nowhere(case):
    assert left() == set(CANARIES)
    personal.erase_early(case.draft)
    assert left() == set()
    assert not case.row.mails.exists()
    assert not case.row.tokens.exists()
    assert case.row.erased_at == datetime(2031, 7, 10, 11, tzinfo=UTC)
    assert records_about("canary@body.example") == records_about("Canary Person") == []
    with pytest.raises(InvalidLink):
        case.requests.pass_on(secret=case.secret, prepared_by="Kim", **SECOND)
    with pytest.raises(ValidationError, match="no personal data any more"):
        personal.erase_early(case.draft)


def test_what_a_restored_backup_brings_back_is_erased_again(case):
    before = transaction.savepoint()
    personal.erase_early(case.draft)
    transaction.savepoint_rollback(before)
    assert left() == set(CANARIES)
    assert reapply_erasures() == 1
    assert left() == set()
    assert reapply_erasures() == 0


def test_a_request_that_was_erased_twice_is_erased_again_and_counted_once(time_machine):
    case = a_return()
    before = transaction.savepoint()
    personal.erase_early(case.draft)
    time_machine.move_to(datetime(2031, 7, 11, tzinfo=UTC), tick=False)
    asking.send_again(row=case.draft.return_of_figures, email="sam@body.example")
    personal.erase_early(case.draft)
    transaction.savepoint_rollback(before)
    assert reapply_erasures() == 1
    assert case.row.erased_at == datetime(2031, 7, 11, tzinfo=UTC)
    assert left() == set()


def test_an_erasure_that_fails_is_noted_and_then_done_at_the_next_start(case, monkeypatch):
    def fail(*args: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(personal, "clear", fail)
        with pytest.raises(RuntimeError):
            personal.erase_early(case.draft)
    assert reapply_erasures() == 1
    assert left() == set()


def test_somebody_else_who_is_asked_afterwards_is_not_erased_at_the_next_start():
    case = a_return()
    personal.erase_early(case.draft)
    asking.send_again(row=case.draft.return_of_figures, email="sam@body.example")
    assert reapply_erasures() == 0
    assert case.row.email == "sam@body.example"


def test_a_later_request_with_the_number_of_an_erased_one_stays(time_machine):
    before = transaction.savepoint()
    case = a_list()
    personal.erase_early(case.draft)
    transaction.savepoint_rollback(before)
    time_machine.move_to(datetime(2031, 7, 11, tzinfo=UTC), tick=False)
    again = a_list().draft
    again.mails.all().delete()
    again.tokens.all().delete()
    OnwardRequest.objects.filter(pk=again.pk).update(id=case.draft.pk)
    assert reapply_erasures() == 0
    assert "canary@body.example" in left()


# What is under way meanwhile ------------------------------------------------------------------------------------------


def test_what_is_sent_while_it_is_erased_is_not_stored_again(case):
    def drafts() -> Any:
        personal.erase_early(case.draft)  # after the link was found, and before its request is locked
        return case.requests.drafts()

    during = replace(case.requests, drafts=drafts)
    with pytest.raises(InvalidLink):
        during.locked_open_token(case.secret)
    assert left() == set()


def test_an_email_that_a_worker_has_claimed_is_not_sent_once_it_is_erased(case, mailoutbox, monkeypatch):
    mail = case.draft.mails.filter(kind="confirm").get()
    claim = delivery.claim

    def claim_and_erase(*args: Any) -> Any:
        claimed = claim(*args)
        personal.erase_early(case.draft)
        return claimed

    monkeypatch.setattr(delivery, "claim", claim_and_erase)
    case.requests.deliver.call(mail.pk)
    assert (mailoutbox, left(), case.row.tokens.exists()) == ([], set(), False)


def test_an_email_that_was_leaving_while_it_was_erased_does_not_make_a_request_sent(case, monkeypatch):
    mail = case.draft.mails.filter(kind="request").latest("pk")
    before = case.row.sent_at
    monkeypatch.setattr(EmailMessage, "send", lambda message: personal.erase_early(case.draft))
    case.requests.deliver.call(mail.pk)
    assert before is None
    assert case.row.sent_at is None
    assert not case.row.mails.exists()


def test_a_link_that_an_erasure_left_is_erased_in_time(case, time_machine):
    personal.erase_early(case.draft)
    issue_secret(draft=case.row, purpose=LinkPurpose.FILL_IN)
    time_machine.move_to(datetime(2041, 7, 10, tzinfo=UTC), tick=False)
    assert results_schedule.erase_expired_personal_data() + onward_schedule.erase_expired_personal_data() == 1
    assert not case.row.tokens.exists()


# What becomes of it ---------------------------------------------------------------------------------------------------


def test_answers_that_nobody_approved_count_as_not_reported_and_somebody_else_can_be_asked():
    case = a_return()
    case.submit()
    assert Return.objects.get().status_while_unpublished == ReturnStatus.CHECKING
    personal.erase_early(case.draft)
    assert (case.row.state, Return.objects.get().reported_at) == (DraftState.STARTED, None)
    assert Return.objects.get().status_while_unpublished == ReturnStatus.DUE
    asking.send_again(row=Return.objects.get(), email="sam@body.example")


def test_somebody_else_who_is_asked_afterwards_is_reminded_and_staff_see_if_the_email_is_refused(time_machine):
    case = a_return()
    ReturnDraft.objects.update(reminders=3, sent_at=datetime(2031, 7, 1, tzinfo=UTC))
    personal.erase_early(case.draft)
    asking.send_again(row=Return.objects.get(), email="sam@body.example")
    assert (case.row.state, case.row.reminders, case.row.sent_at) == (DraftState.QUEUED, 0, None)
    mail = case.row.mails.get()
    mailing.postpone(
        mail, SMTPRecipientsRefused({"sam@body.example": (550, b"no such mailbox")}), RETURN_REQUESTS.deliver
    )
    assert case.row.state == DraftState.REFUSED
    asking.send_again(row=Return.objects.get(), email="kim@body.example")
    case.requests.deliver.call(case.row.mails.latest("pk").pk)
    assert case.row.state == DraftState.SENT
    time_machine.move_to(datetime(2031, 7, 25, 11, tzinfo=UTC), tick=False)
    assert asking.remind_due() == 1


def test_an_open_question_stays_one_if_somebody_else_is_asked():
    asked = returns.ask(*returns.count_people())
    returns.publish(asked, 20)
    personal.erase_early(asked.draft)
    approving.ask_for_correction(row=Return.objects.get(), question="All?")
    asking.send_again(row=Return.objects.get(), email="sam@body.example")
    assert asked.draft.state == DraftState.QUERIED


def test_published_figures_and_grants_stay_and_are_still_said_to_be_reported():
    asked = returns.ask(*returns.count_people())
    returns.publish(asked, 20)
    approving.ask_for_correction(row=Return.objects.get(), question="All?")
    personal.erase_early(asked.draft)
    assert (asked.draft.state, ApprovedFigure.objects.get().count) == (DraftState.APPROVED, 20)
    assert Return.objects.get().reported_at
    listed = onward.ask()
    onward.enter(listed)
    onward.send(listed)
    onward.approve(listed)
    personal.erase_early(listed.row)
    assert (listed.row.state, OnwardGrant.objects.count()) == (DraftState.APPROVED, 1)


def test_a_list_that_was_not_approved_is_over_and_the_recipient_can_be_asked_again():
    case = a_list()
    case.submit()
    personal.erase_early(case.draft)
    assert case.row.state == DraftState.CANCELLED
    assert not onward_asking.why_not_asked(case.draft.allocation)


def test_answers_from_a_file_are_erased_too():
    measure, _ = returns.count_people()
    row = record_answers(
        by=UserFactory(),
        initiative=InitiativeFactory(),
        organisation=OrganisationFactory(),
        quarter=returns.QUARTER,
        typed={total_name(measure): "20", "went_well": "Canary said so"},
        measures=[measure],
    )
    assert row
    personal.erase_early(row.draft)
    assert left() == set()
    assert ReturnDraft.objects.get().state == DraftState.STARTED


# What staff do --------------------------------------------------------------------------------------------------------


def test_information_governance_erases_it_and_the_history_says_why(client, case):
    user = officer(client)
    disclosed = client.post("/admin/declarations/entry/disclose/", {"person": "canary@body.example"})
    assert f'href="{case.page}erase/"' in disclosed.content.decode()
    asks = text_of(client.get(f"{case.page}erase/"))
    assert "This permanently erases" in asks
    for incomplete in ({"reason": "Case 12"}, {"confirmed": "on"}, {"confirmed": "on", "reason": " "}):
        client.post(f"{case.page}erase/", incomplete)
        assert left() == set(CANARIES)
    done = client.post(f"{case.page}erase/", {"confirmed": "on", "reason": "Case 12"}, follow=True)
    assert "Personal data erased" in text_of(done)
    assert left() == set()
    entry = LogEntry.objects.get()
    assert (entry.user, "Case 12" in entry.change_message) == (user, True)
    assert "This holds no personal data any more." in text_of(client.get(f"{case.page}erase/"))
    assert f"{case.page}erase/" not in client.get(f"{case.page}change/").content.decode()


@pytest.mark.parametrize("role", ["Editor", "Publisher", "Finance", "Auditor", "Declaration manager", "Administrator"])
def test_nobody_else_erases(client, case, role):
    officer(client, role)
    assert client.post(f"{case.page}erase/", {"confirmed": "on", "reason": "Case 12"}).status_code == 403
    assert left() == set(CANARIES)


def test_every_kind_of_request_is_tried_here():
    kinds = {a_return().draft.__class__, a_list().draft.__class__}
    assert kinds == {*personal.draft_models()}
    assert all(issubclass(kind, LinkDraft) for kind in kinds)
