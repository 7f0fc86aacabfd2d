"""Queries that are put together once: they find what a queryset finds, with other values and in every thread."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection, connections
from django.db.models import Q
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from events.models import Event
from partners.models import Organisation
from programmes.models import Initiative, PreventionLevel
from tests.support.factories import EventFactory, InitiativeFactory, OrganisationFactory, make_everything
from vru_portal.tabular.batches import as_parameter, keys_as_rows
from vru_portal.web import prepared_queries
from vru_portal.web.prepared_queries import prepared

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture(autouse=True)
def nothing_prepared():
    vars(connections["default"]).pop("prepared_queries", None)


def test_the_rows_are_those_of_the_queryset_with_what_it_selects_counts_and_prefetches():
    make_everything(3)
    plain = PreventionLevel.objects.public().select_related("source").with_counts().prefetch_related("initiatives")
    ask = prepared(lambda: plain)
    expected = [(level, level.source, level.initiative_count, list(level.initiatives.all())) for level in plain.all()]
    for _ in range(2):
        levels = ask()
        with CaptureQueriesContext(connection) as asked:
            found = [(level, level.source, level.initiative_count, list(level.initiatives.all())) for level in levels]
        assert found == expected
        assert len(asked) == 0
    assert len({id(level) for level in (*ask(), *ask())}) == 2 * len(expected)  # nobody shares a record


def test_rows_of_one_call_share_the_related_records_that_they_name_and_calls_share_nothing():
    organisations = OrganisationFactory.create_batch(2)
    for number in range(6):
        InitiativeFactory(lead_organisation=organisations[number % 2] if number < 5 else None)
    plain = Initiative.objects.select_related("lead_organisation__source", "level").order_by("pk")
    ask = prepared(lambda: plain)
    rows, again = ask(), ask()
    assert [(row, row.lead_organisation, row.level) for row in rows] == [
        (row, row.lead_organisation, row.level) for row in plain
    ]
    assert len({id(row.lead_organisation) for row in rows if row.lead_organisation}) == 2
    sources = {(row.lead_organisation, row.lead_organisation.source) for row in rows if row.lead_organisation}
    assert sources == {(body, body.source) for body in organisations}
    assert len({id(row.lead_organisation.source) for row in rows if row.lead_organisation}) == 2
    assert not {id(row.lead_organisation) for row in rows[:5]} & {id(row.lead_organisation) for row in again}


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite locks the whole database")
def test_a_lock_outside_a_transaction_is_refused_each_time(monkeypatch):
    ask = prepared(lambda: Organisation.objects.select_for_update())
    ask()
    monkeypatch.setattr(connection, "in_atomic_block", False)
    with pytest.raises(TransactionManagementError):
        ask()


def test_each_call_has_its_own_values():
    organisations = OrganisationFactory.create_batch(3)
    for body in organisations:
        InitiativeFactory(lead_organisation=body)
    events = [EventFactory(held_on=date(2031, 5, 6) + timedelta(days=days)) for days in range(3)]
    led_by = prepared(lambda body: Initiative.objects.filter(Q(lead_organisation=body) | Q(partners=body)).distinct())
    named = prepared(
        lambda slug, state: Organisation.objects.filter(slug=slug, state=state).values_list("pk", flat=True)
    )
    held_by = prepared(lambda day: Event.objects.past(day))
    for body in organisations:
        assert [row.lead_organisation for row in led_by(body)] == [body]
        assert named(body.slug, "published") == [body.pk]
        assert named(body.slug, "draft") == []
    assert [len(held_by(event.held_on)) for event in events] == [0, 1, 2]


def test_a_list_of_keys_may_have_any_length():
    keys = [row.pk for row in InitiativeFactory.create_batch(4)]
    ask = prepared(lambda *keys: Initiative.objects.filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))
    for some in (keys, keys[:1], keys[2:], []):
        assert ask(*some) == some


def test_any_number_of_keys_can_be_one_value():
    keys = [row.pk for row in InitiativeFactory.create_batch(4)]
    built = []

    @prepared
    def ask(some):
        built.append(some)
        return Initiative.objects.filter(pk__in=keys_as_rows(some)).order_by("pk").values_list("pk", flat=True)

    absent = range(max(keys) + 1, max(keys) + 1501)
    for some in (keys, keys[:1], [], [*absent, *keys[2:]]):
        assert ask(as_parameter(some)) == [key for key in some if key in keys]
    assert len(built) == 1


def test_a_keyword_argument_makes_another_query():
    InitiativeFactory.create_batch(5)
    page = prepared(lambda *, first, last: Initiative.objects.order_by("pk")[first:last])
    everything = list(Initiative.objects.order_by("pk"))
    assert page(first=0, last=2) == everything[:2]
    assert page(first=2, last=5) == everything[2:]
    assert page(first=0, last=2) == everything[:2]


def test_it_is_built_once_for_each_connection_and_there_is_an_end_to_what_is_kept(monkeypatch):
    built = []

    def build(*, last=1):
        built.append(last)
        return Initiative.objects.all()[:last]

    ask = prepared(build)
    for _ in range(3):
        ask()
    assert built == [1]

    def in_another_thread():
        for _ in range(2):
            prepared_queries.compiled_here(build, 0, {})

    thread = threading.Thread(target=in_another_thread)
    thread.start()
    thread.join()
    assert built == [1, 1]
    monkeypatch.setattr(prepared_queries, "MAX_PREPARED", 2)
    for last in (2, 3, 4, 5):
        ask(last=last)
        assert len(vars(connections["default"])["prepared_queries"]) <= 2
