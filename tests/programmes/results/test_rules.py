"""Asking, answering, approving and correcting: what is refused, what is kept, and what becomes public."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from programmes.results.choices import ReturnMailKind
from programmes.results.models import ApprovedFigure, ApprovedPart, ApprovedReturn, Mail, Return, ReturnDraft
from programmes.results.rules import approving, asking, reporting
from programmes.results.rules.answers import same_answers
from programmes.results.rules.requests import RETURN_REQUESTS
from programmes.results.tasks import deliver
from tests.programmes.results.returns import approve, ask, count_people, new_link, publish, report
from tests.support.factories import (
    AreaFactory,
    InitiativeFactory,
    MeasureFactory,
    OrganisationFactory,
    PopulationFactory,
    ReporterFactory,
    RulesFactory,
    UserFactory,
)
from vru_portal.links.answering import ChangedMeanwhile, InvalidLink, NotOpen
from vru_portal.links.choices import MAX_REMINDERS, DraftState, LinkPurpose, MailPurpose
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def messages(error) -> str:
    return " ".join(error.value.messages)


# Asking ---------------------------------------------------------------------------------------------------------------


def test_a_return_is_due_and_closes_as_the_rules_say_and_one_email_is_queued():
    RulesFactory(days_to_report=20, days_open=10)
    asked = ask(*count_people())
    assert (asked.row.due_on, asked.row.closes_on) == (date(2031, 7, 20), date(2031, 7, 30))
    assert [(mail.kind, mail.to) for mail in Mail.objects.all()] == [(ReturnMailKind.REQUEST, "robin@reporter.example")]


def test_a_late_request_gives_as_many_days_and_no_immediate_reminder(clock):
    RulesFactory(days_to_report=20, days_open=10)
    clock.move_to("2032-02-01 12:00Z", tick=False)
    asked = ask(*count_people())
    assert (asked.row.due_on, asked.row.closes_on) == (date(2032, 2, 21), date(2032, 3, 2))
    ReturnDraft.objects.update(state=DraftState.SENT, sent_at="2032-02-01T12:00Z")
    sent = []
    for day in range(1, 29):
        clock.move_to(f"2032-02-{day:02} 12:00Z", tick=False)
        sent += [day] * (asking.remind_due() + asking.remind_due())  # the timer runs more than once a day
    assert sent == [11, 21]


def test_a_reminder_follows_the_request_after_ten_days_however_late_that_was(clock):
    clock.move_to("2031-08-10 12:00Z", tick=False)
    ask(*count_people(), due_on=date(2031, 8, 1), closes_on=date(2031, 9, 28))
    ReturnDraft.objects.update(state=DraftState.SENT, sent_at="2031-08-10T12:00Z")
    sent = []
    for day in range(10, 32):
        clock.move_to(f"2031-08-{day} 12:00Z", tick=False)
        sent += [day] * (asking.remind_due() + asking.remind_due())
    assert sent == [20, 30]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"due_on": date(2031, 7, 1), "closes_on": date(2031, 7, 2)}, "This day has passed"),
        ({"quarter": date(2031, 7, 1)}, "has not ended yet"),
        ({"quarter": date(2031, 5, 1)}, "A quarter begins on 1 April"),
        ({"due_on": date(2031, 9, 1), "closes_on": date(2031, 8, 1)}, "cannot close before it is due"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(wrong, said):
    with pytest.raises(ValidationError) as refused:
        ask(*count_people(), **wrong)
    assert said in messages(refused)
    assert not Return.objects.exists()


def test_nobody_is_asked_for_a_draft_or_twice_or_before_the_legal_notice_is_complete():
    with pytest.raises(ValidationError, match="legal notice"):
        ask(MeasureFactory())
    measure, _ = count_people()
    with pytest.raises(ValidationError, match="not published"):
        ask(measure, initiative=InitiativeFactory(state=State.DRAFT))
    asked = ask(measure)
    with pytest.raises(ValidationError, match="already been asked"):
        ask(measure, initiative=asked.row.initiative, organisation=asked.row.organisation)


def test_those_who_report_every_quarter_are_asked_once_for_the_one_that_has_ended():
    count_people()
    ReporterFactory()
    ReporterFactory(last_quarter=date(2031, 4, 1))
    ReporterFactory(first_quarter=date(2031, 7, 1))
    ReporterFactory(initiative=InitiativeFactory(state=State.DRAFT))
    assert (asking.ask_reporters(), asking.ask_reporters()) == (2, 0)


def test_three_reminders_are_sent_and_none_after_reporting(clock):
    asked, other = ask(*count_people()), None
    other = ask(asked.measure)
    report(other, 12)
    ReturnDraft.objects.filter(state=DraftState.QUEUED).update(state=DraftState.SENT)
    ReturnDraft.objects.update(sent_at="2031-07-10T12:00Z")
    sent = []
    for day in range(1, 31):
        clock.move_to(f"2031-08-{day:02} 12:00Z", tick=False)
        sent += [day] * asking.remind_due()
    assert len(sent) == MAX_REMINDERS
    assert {mail.draft_id for mail in Mail.objects.filter(kind=ReturnMailKind.REMINDER)} == {asked.draft.pk}


# Answering ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["twelve"], "“twelve” is not a number. Enter a whole number, such as 12."),
        (
            ["approx 20"],
            "“approx 20” is an estimate. If 20 were counted, enter 20. If nobody counted, leave this empty.",
        ),
        (["~1,250"], "If 1,250 were counted, enter 1,250."),
        (["20+"], "“20+” is an estimate."),
        (["20 or so"], "“20 or so” is an estimate."),
        (["20-25"], "“20-25” is two numbers. Enter the one that was counted, such as 12."),
        (["-3"], "“-3” is below zero."),
        (["\u22123"], "below zero"),
        (["12.5"], "“12.5” is not a whole number."),
        (["1,25"], "“1,25” is not a number."),
        (["99999999999"], "“99999999999” is not a number."),
        (["20", "9", "10"], "By age the numbers add up to 19, but the total is 20."),
        (["20", "9", ""], "Enter a number for “Older”. Enter 0 if there were none."),
        (["", "9", "11"], "Enter the total of “Walkers”."),
        (["12²"], "is not a number"),  # a footnote, and not 122
        (["5①"], "is not a number"),
        (["1" * 101], "is too long to be a number"),
        ([""], "Enter at least one figure. If there was nothing to count, enter 0."),
        (["50001", "50000", "1"], "50,001 is more than the 50,000 people who live in the area"),
    ],
)
def test_what_cannot_be_a_figure_is_kept_as_typed_and_refused_with_what_to_do(typed, said):
    asked = ask(*count_people("Younger", "Older"))
    area = AreaFactory()
    PopulationFactory(area=area)
    asked.row.initiative.areas.add(area)
    with pytest.raises(ValidationError) as refused:
        report(asked, *typed)
    assert said in messages(refused)
    assert {key: text for key, text in asked.draft.answers.items() if text} == {
        key: text for key, text in asked.typed(*typed).items() if text
    }
    assert asked.draft.state == DraftState.STARTED
    assert not ApprovedReturn.objects.exists()


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        *(("1,250", 1250), (" 12 ", 12), ("\uff11\uff12", 12), ("1 250", 1250), ("0", 0)),
        *(("12.00", 12), ("1,250.0", 1250), ("٣٤", 34), ("'12", 12)),
    ],
)
def test_numbers_are_read_as_people_type_them(typed, count):
    asked = ask(*count_people())
    publish(asked, typed)
    assert ApprovedFigure.objects.get().count == count


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        *(("£1,250.00", True), ("1 250", True), ("1250 ", True), ("GBP 1,250", True)),
        *(("-1250", False), ("12,50", False), ("1250p", False), ("about 1250", False)),
    ],
)
def test_two_answers_are_the_same_if_they_are_read_as_the_same_number(typed, same):
    assert same_answers({"spend": "1250"}, {"spend": typed}) is same


def test_a_population_that_is_not_known_of_every_area_refuses_nothing():
    asked = ask(*count_people())
    known, unknown = AreaFactory(), AreaFactory()
    PopulationFactory(area=known, people=10)
    asked.row.initiative.areas.add(known, unknown)
    publish(asked, 20)


def test_answers_that_somebody_else_has_changed_meanwhile_are_not_overwritten():
    asked = ask(*count_people())
    name = next(iter(asked.typed()))
    reporting.save_answers(secret=asked.secret, typed={name: "20"}, before={name: ""})
    with pytest.raises(ChangedMeanwhile) as refused:
        reporting.save_answers(secret=asked.secret, typed={name: "30"}, before={name: ""})
    assert refused.value.saved == {name: "20"}
    assert asked.draft.answers[name] == "20"
    reporting.save_answers(secret=asked.secret, typed={name: "30"}, before={name: "20"})  # once they have seen it
    reporting.save_answers(secret=asked.secret, typed={name: "30"}, before={name: ""})  # the same form, sent twice
    assert asked.draft.answers[name] == "30"


@pytest.mark.parametrize("what", ["initiative", "organisation"])
def test_nobody_is_reminded_of_a_return_that_was_withdrawn(clock, mailoutbox, what):
    asked = ask(*count_people())
    ReturnDraft.objects.update(state=DraftState.SENT, sent_at="2031-07-10T12:00Z")
    clock.move_to("2031-08-20 12:00Z", tick=False)
    reminder = RETURN_REQUESTS.queue_mail(MailPurpose.REMINDER, asked.draft)
    type(getattr(asked.row, what)).objects.update(state=State.DRAFT)
    deliver.call(reminder.pk)
    assert mailoutbox == []
    clock.move_to("2031-09-10 12:00Z", tick=False)
    assert asking.remind_due() == 0
    with pytest.raises(ValidationError) as error:
        asking.send_again(row=asked.row, email="sam@reporter.example")
    assert "Publish it first." in messages(error)
    type(getattr(asked.row, what)).objects.update(state=State.PUBLISHED)
    assert asking.remind_due() == 1


@pytest.mark.parametrize("what", ["closed", "cancelled", "withdrawn", "submitted", "approved"])
def test_nothing_can_be_changed_with_a_link_that_is_over_and_what_was_saved_is_kept(what, clock):
    asked = ask(*count_people())
    report(asked, 20) if what in ("submitted", "approved") else reporting.save_answers(
        secret=asked.secret, typed=asked.typed(), before={}
    )
    match what:
        case "closed":
            clock.move_to("2031-12-01 12:00Z", tick=False)
        case "cancelled":
            asking.cancel(row=asked.row)
        case "withdrawn":
            type(asked.row.initiative).objects.update(state=State.DRAFT)
        case "approved":
            approve(asked)
    for change in (
        lambda: reporting.save_answers(secret=asked.secret, typed=asked.typed(99), before=asked.typed()),
        lambda: reporting.submit(secret=asked.secret, name="Robin"),
    ):
        with pytest.raises(NotOpen) as refused:
            change()
        assert refused.value.reason == what
    assert asked.draft.answers == asked.typed()
    assert ApprovedFigure.objects.filter(count=99).count() == 0


def test_a_closed_return_opens_again_with_the_same_link(clock):
    asked = ask(*count_people())
    clock.move_to("2031-12-01 12:00Z", tick=False)
    with pytest.raises(ValidationError, match="between today and a year from now"):
        asking.extend(row=asked.row, closes_on=date(2031, 11, 1))
    asking.extend(row=asked.row, closes_on=date(2031, 12, 24))
    report(asked, 20)


def test_a_link_of_another_or_of_nobody_opens_nothing():
    measure, _ = count_people()
    first, second = ask(measure), ask(measure)
    report(first, 20)
    assert second.draft.answers == {}
    for secret in ("", "x" * 43, first.secret[:-1]):
        with pytest.raises(InvalidLink):
            reporting.save_answers(secret=secret, typed={}, before={})


def test_only_the_second_person_can_send_what_was_passed_on_and_it_can_be_taken_back():
    asked = ask(*count_people())
    reporting.save_answers(secret=asked.secret, typed=asked.typed(), before={})
    passed = {"prepared_by": "Robin", "confirm_name": "Sam", "confirm_email": "sam@reporter.example"}
    reporting.pass_on(secret=asked.secret, **passed)
    theirs = new_link(asked.row, LinkPurpose.CONFIRM)
    with pytest.raises(NotOpen):
        reporting.submit(secret=asked.secret, name="Robin")
    reporting.take_back(secret=asked.secret)
    with pytest.raises(InvalidLink):
        reporting.submit(secret=theirs, name="Sam")
    reporting.pass_on(secret=asked.secret, **passed)
    reporting.submit(secret=new_link(asked.row, LinkPurpose.CONFIRM), name="Sam")
    draft = asked.draft
    assert (draft.state, draft.prepared_by, draft.confirmed_by) == (DraftState.SUBMITTED, "Robin", "Sam")


# Approving and correcting ---------------------------------------------------------------------------------------------


def test_figures_are_sent_back_with_a_question_and_sent_again_with_the_same_link():
    asked = ask(*count_people())
    with pytest.raises(ValidationError, match="Only figures that were sent can be approved"):
        approve(asked)
    report(asked, 20)
    with pytest.raises(ValidationError, match="Enter your question"):
        approving.query(row=asked.row, question=" ")
    approving.query(row=asked.row, question="Is that all?")
    assert Mail.objects.filter(kind=ReturnMailKind.QUERY).count() == 1
    report(asked, 25)
    approve(asked)
    assert ApprovedFigure.objects.get().count == 25


def test_a_correction_keeps_the_earlier_figure_with_its_date(clock):
    asked = ask(*count_people())
    publish(asked, 20)
    clock.move_to("2031-08-01 12:00Z", tick=False)
    approving.ask_for_correction(row=asked.row, question="Please count again.")
    report(asked, 30)
    with pytest.raises(ValidationError, match="Say why the figures are corrected"):
        approve(asked)
    approve(asked, "Two groups were left out.")
    assert [figure.count for figure in ApprovedFigure.objects.all()] == [20, 30]
    assert [figure.count for figure in ApprovedFigure.objects.current()] == [30]
    from vru_portal.ledger.cut_off import CutOff

    then = CutOff(date(2031, 7, 31)).known_before
    assert [figure.count for figure in ApprovedFigure.objects.current(then)] == [20]


def test_small_numbers_are_suppressed_with_what_gives_them_away():
    asked = ask(*count_people("Younger", "Older", "Not known"))
    publish(asked, 40, 3, 17, 20)
    assert ApprovedFigure.objects.get().published_count == 40
    assert [part.published_count for part in ApprovedPart.objects.order_by("pk")] == [None, None, None]
    small = ask(asked.measure, asked.groups)
    publish(small, 4, 0, 4, 0)
    assert ApprovedFigure.objects.get(approved__return_of_figures=small.row).published_count is None


def test_the_units_own_threshold_applies_to_later_approvals():
    first = ask(*count_people())
    publish(first, 8)
    RulesFactory(threshold=10)
    second = ask(first.measure)
    publish(second, 8)
    assert [figure.published_count for figure in ApprovedFigure.objects.order_by("pk")] == [8, None]


def test_a_measure_keeps_its_meaning_once_figures_are_published():
    asked = ask(*count_people())
    publish(asked, 20)
    asked.measure.unit = "visits"
    with pytest.raises(ValidationError, match="Add another measure instead"):
        asked.measure.full_clean()


# The database ---------------------------------------------------------------------------------------------------------


def refused_by_database(change) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        change()
    return str(refused.value)


def test_what_is_approved_can_be_neither_changed_nor_removed():
    asked = ask(*count_people("Younger", "Older"))
    publish(asked, 20, 12, 8)
    for model, change in ((ApprovedReturn, {"spend": 1}), (ApprovedFigure, {"count": 1}), (ApprovedPart, {"count": 1})):
        assert "cannot be changed or removed" in refused_by_database(lambda m=model, c=change: m.objects.update(**c))
        with connection.cursor() as cursor:
            sql = f"DELETE FROM {model._meta.db_table}"  # noqa: S608 - the name of a model's table
            assert "cannot be changed or removed" in refused_by_database(lambda s=sql, c=cursor: c.execute(s))


def test_a_small_number_cannot_be_stored_as_published():
    approved = publish(ask(*count_people("Younger", "Older")), 20, 12, 8)
    made = {"recorded_by": UserFactory()}
    other = MeasureFactory()
    small = ApprovedFigure(approved=approved, measure=other, count=4, threshold=5, **made)
    assert "results_small_figure_suppressed" in refused_by_database(small.save)
    hidden = ApprovedFigure.objects.create(
        approved=approved, measure=other, count=4, threshold=5, is_suppressed=True, **made
    )
    group = ApprovedPart.objects.order_by("pk")[0].group
    part = ApprovedPart(figure=hidden, group=group, count=9, **made)
    assert "must be suppressed" in refused_by_database(part.save)


def test_a_correction_cannot_skip_a_number_or_be_dated_before_what_it_corrects(clock):
    approved = publish(ask(*count_people()), 20)
    same = {name: getattr(approved, name) for name in ("initiative", "organisation", "quarter")}
    made = {**same, "correction": "Wrong.", "recorded_by": UserFactory()}
    assert "may have approved these figures at the same time" in refused_by_database(
        ApprovedReturn(**made, number=3).save
    )
    clock.move_to("2031-07-01 12:00Z", tick=False)
    assert "may have approved these figures at the same time" in refused_by_database(
        ApprovedReturn(**made, number=2).save
    )


def test_the_initiative_and_organisation_of_published_figures_stay_published():
    asked = ask(*count_people())
    publish(asked, 20)
    for row in (asked.row.initiative, asked.row.organisation):
        assert row.unpublishing_blocker()
    assert not OrganisationFactory().unpublishing_blocker()
