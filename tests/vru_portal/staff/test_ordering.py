"""An order that is edited: rows are swapped, inserted and removed in one save, in every list with an order."""

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from events.models import AgendaItem
from funding.choices import DutyField, DutyList
from funding.models import DutyColumn
from partners.models import Statement
from programmes.models import Initiative, Predecessor, PreventionLevel, SuccessCondition
from programmes.results.models import Breakdown
from tests.support.admin_forms import admin_list_url, admin_url, form_data, submit_changes
from tests.support.crawler import text_of
from tests.support.factories import (
    AgendaItemFactory,
    AppearanceFactory,
    BreakdownFactory,
    ContactPointFactory,
    DutyFactory,
    EventFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    PersonFactory,
    PostFactory,
    PredecessorFactory,
    PublicationFactory,
    StatementFactory,
    SuccessConditionFactory,
)
from vru_portal.models import ProposedOrder
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State
from vru_portal.staff.daily_email import queue_daily_emails
from vru_portal.staff.ordering.page import OrderPageMixin
from vru_portal.staff.ordering.rows import POSITION, OrderedFormSet, Place, new_numbers
from vru_portal.staff.tasks import send_daily_email

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def agenda(event):
    return [(item.position, item.title) for item in AgendaItem.objects.filter(event=event).order_by("position")]


@pytest.fixture(params=[State.DRAFT, State.PUBLISHED])
def event(request):
    event = EventFactory(state=request.param)
    for number, title in enumerate(("Welcome", "Song", "Supper"), start=1):
        AgendaItemFactory(event=event, position=number, title=title, source=event.source)
    return event


def save(staff, event, **changes):
    page = submit_changes(staff, event, **changes)
    assert page.redirect_chain, page.context["errors"]
    if event.is_public:
        workflow.publish(event, by=None)


def new_row(event, index, **values):
    row = {"kind": "talk", "source": event.source_id, "as_at": event.as_at, "event": event.pk, **values}
    return {"items-TOTAL_FORMS": index + 1} | {f"items-{index}-{name}": value for name, value in row.items()}


def test_two_rows_change_places_in_one_save(staff, event):
    save(staff, event, **{"items-0-position": 2, "items-1-position": 1})
    assert agenda(event) == [(1, "Song"), (2, "Welcome"), (3, "Supper")]


@pytest.mark.parametrize(
    ("moved", "becomes"),
    [
        ({"items-2-position": 1}, ["Supper", "Welcome", "Song"]),
        ({"items-0-position": 2}, ["Song", "Welcome", "Supper"]),
        ({"items-0-position": 9}, ["Song", "Supper", "Welcome"]),
        ({"items-0-position": 3, "items-1-position": 1, "items-2-position": 2}, ["Song", "Supper", "Welcome"]),
    ],
)
def test_the_rows_that_are_passed_make_room(staff, event, moved, becomes):
    save(staff, event, **moved)
    assert agenda(event) == list(enumerate(becomes, start=1))


def test_a_row_is_inserted_in_one_save(staff, event):
    save(staff, event, **new_row(event, 3, title="Prayer", position=2))
    assert agenda(event) == [(1, "Welcome"), (2, "Prayer"), (3, "Song"), (4, "Supper")]


def test_a_new_row_without_a_number_comes_last(staff, event):
    save(staff, event, **new_row(event, 3, title="Prayer", position=""))
    assert agenda(event)[-1] == (4, "Prayer")


def test_a_row_is_removed_replaced_and_another_moved_in_one_save(staff, event):
    gone = {"items-0-DELETE": "on", "items-1-position": 3, "items-2-position": 2}
    save(staff, event, **gone, **new_row(event, 3, title="Prayer", position=1))
    assert agenda(event) == [(1, "Prayer"), (2, "Supper"), (3, "Song")]


def test_the_others_close_up_when_a_row_is_removed(staff, event):
    save(staff, event, **{"items-0-DELETE": "on"})
    assert agenda(event) == [(1, "Song"), (2, "Supper")]


def test_history_has_one_entry_for_each_row_that_moved(staff, event):
    before = {item.pk: item.history.count() for item in event.items.all()}
    save(staff, event, **{"items-0-position": 2, "items-1-position": 1})
    after = {item.pk: item.history.count() for item in event.items.all()}
    assert [after[pk] - before[pk] for pk in sorted(after)] == [1, 1, 0]


def test_a_new_row_is_proposed_its_records_source_and_day(staff, event):
    (inline,) = staff.get(admin_url(event)).context["inline_admin_formsets"]
    empty = inline.formset.empty_form
    assert (empty["source"].value(), empty["as_at"].value()) == (event.source_id, event.as_at)
    assert empty["position"].value() is None


@pytest.mark.parametrize(
    ("make_owner", "make_row", "prefix"),
    [
        (lambda: AgendaItemFactory(event__state=State.DRAFT), AppearanceFactory, "appearances"),
        (lambda: PersonFactory(state=State.DRAFT), PostFactory, "posts"),
    ],
)
def test_every_inline_with_an_order_swaps_in_one_save(staff, make_owner, make_row, prefix):
    owner = make_owner()
    relation = {"appearances": "item", "posts": "person"}[prefix]
    first, second = (make_row(**{relation: owner}, position=number) for number in (1, 2))
    assert submit_changes(staff, owner, **{f"{prefix}-0-position": 2, f"{prefix}-1-position": 1}).redirect_chain
    assert list(getattr(owner, prefix).all()) == [second, first]


def test_the_ways_to_reach_the_unit_swap_in_one_save(staff, unit):
    first, second = (ContactPointFactory(unit=unit, position=number) for number in (1, 2))
    changes = {"contact_points-0-position": 2, "contact_points-1-position": 1}
    assert submit_changes(staff, unit, **changes).redirect_chain
    workflow.publish(unit, by=None)
    assert list(unit.contact_points.all()) == [second, first]


def test_the_fields_of_one_list_move_and_those_of_another_stay(staff, unit):
    duty = DutyFactory()
    DutyColumn.objects.all().delete()
    for kind in (DutyList.GRANTS, DutyList.ITEMS):
        for position, field in enumerate(DutyField.values[:3]):
            DutyColumn.objects.create(duty=duty, list=kind, field=field, position=position)
    assert submit_changes(staff, duty, **{"columns-0-position": 2}).redirect_chain
    fields = DutyField.values[:3]
    found = {kind: list(duty.columns.filter(list=kind).values_list("field", flat=True)) for kind in ("grants", "items")}
    assert found == {"grants": [fields[1], fields[0], fields[2]], "items": fields} or found == {
        "grants": [fields[1], fields[2], fields[0]],
        "items": fields,
    }


# Records with an order of their own -----------------------------------------------------------------------------------

ORDERED = [
    (PreventionLevel, LevelFactory, "position"),
    (SuccessCondition, SuccessConditionFactory, "number"),
    (Predecessor, PredecessorFactory, "position"),
    (Statement, StatementFactory, "position"),
    (Initiative, InitiativeFactory, "position"),
]


@pytest.mark.parametrize("state", [State.DRAFT, State.PUBLISHED])
@pytest.mark.parametrize(("model", "make", "name"), ORDERED)
def test_two_records_change_places_in_one_save(staff, model, make, name, state):
    together = {"level": LevelFactory()} if model is Initiative else {}
    first, second = (make(state=state, **{name: number}, **together) for number in (1, 2))
    address = admin_list_url(model, "order")
    assert staff.post(address, {str(first.pk): 2, str(second.pk): 1}, follow=True).redirect_chain
    numbers = dict(model.objects.filter(pk__in=(first.pk, second.pk)).values_list("pk", name))
    assert numbers[second.pk] < numbers[first.pk]
    assert first.history.first().history_change_reason == "Order changed"


# Numbers that are no order, and why.
NO_ORDER = {
    "declarations.DeclarationVersion.number": "the number by which a version is cited",
    "funding.FinancialYear.first_year": "a year",
    "vru_portal.MissedWord.count": "how often somebody searched for it",
}
PACKAGES = ("vru_portal", "partners", "programmes", "funding", "events")


def orders():
    """Each field of a record by which its list is ordered, or that is called so."""
    for model in apps.get_models():
        if hasattr(model, "instance_type") or not model.__module__.startswith(PACKAGES):  # history, or a library's
            continue
        for field in model._meta.concrete_fields:
            ordered = field.name in [str(name).lstrip("-") for name in model._meta.ordering or ()]
            is_number = isinstance(field, models.IntegerField) and field.editable and not field.primary_key
            if is_number and (field.name in ("position", "number", "order", "rank", "place") or ordered):
                yield model, field.name


def is_reordered_in_one_save(model, name):
    """Whether its admin has a page for the order, or it is an inline whose rows are moved."""
    own = admin.site._registry.get(model)
    if isinstance(own, OrderPageMixin) and own.order_field == name:
        return True
    inlines = [inline for one in admin.site._registry.values() for inline in one.inlines if inline.model is model]
    return any(issubclass(inline.formset, OrderedFormSet) and name == POSITION for inline in inlines)


@pytest.mark.once
def test_every_record_with_a_place_in_an_order_can_be_moved():
    found = list(orders())
    assert len(found) >= 15
    fixed = {f"{model._meta.label}.{name}" for model, name in found if not is_reordered_in_one_save(model, name)}
    assert fixed == set(NO_ORDER)


def test_breakdowns_change_places_in_one_save(staff):
    first, second = (BreakdownFactory(position=number) for number in (1, 2))
    address = admin_list_url(Breakdown, "order")
    assert staff.post(address, {str(first.pk): 2, str(second.pk): 1}, follow=True).redirect_chain
    assert list(Breakdown.objects.filter(pk__in=(first.pk, second.pk))) == [second, first]


def test_sources_of_a_year_change_places_in_one_save(staff):
    first = FundingSourceFactory(position=1)
    second = FundingSourceFactory(position=2, year=first.year)
    address = admin_list_url(type(first), "order")
    assert staff.post(address, {str(first.pk): 2, str(second.pk): 1}, follow=True).redirect_chain
    assert list(first.year.sources.all()) == [second, first]


def test_a_new_record_comes_last_and_its_form_asks_for_no_number(staff):
    last = SuccessConditionFactory(number=7)
    form = staff.get(admin_list_url(SuccessCondition, "add"))
    assert "number" not in form.context["adminform"].form.fields
    data = form_data(form) | {
        "title": "Share data",
        "text": "Partners share data.",
        "source": PublicationFactory().pk,
        "as_at": "2031-01-01",
    }
    assert staff.post(admin_list_url(SuccessCondition, "add"), data).status_code == 302
    assert SuccessCondition.objects.get(title="Share data").number == last.number + 1


@pytest.fixture
def page_as(client, unit):
    def _page_as(role):
        user, created = get_user_model().objects.get_or_create(
            username=role, is_staff=True, email=f"{role}@moor.example"
        )
        if created:
            user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        return client

    return _page_as


@pytest.fixture
def proposed(page_as):
    """Two published levels, whose order an Editor has proposed to change."""
    first, second = LevelFactory(position=1, name="First"), LevelFactory(position=2, name="Second")
    sent = {str(first.pk): 2, str(second.pk): 1}
    page = page_as("Editor").post(admin_list_url(PreventionLevel, "order"), sent, follow=True)
    assert "You have proposed this order." in text_of(page)
    return first, second


def positions(*levels):
    return [PreventionLevel.objects.get(pk=level.pk).position for level in levels]


def test_an_editor_proposes_the_order_of_what_is_published_and_a_publisher_saves_it(page_as, proposed):
    address = admin_list_url(PreventionLevel, "order")
    assert positions(*proposed) == [1, 2]
    assert "Orders proposed" not in text_of(page_as("Editor").get("/admin/"))
    publisher = page_as("Publisher")
    assert "Orders proposed Check each order, then save or discard it. Prevention levels Editor, " in text_of(
        publisher.get("/admin/")
    )
    page = publisher.get(address)
    assert "Editor proposed this order on" in text_of(page)
    assert [name for _, rows in page.context["groups"] for _, name, _ in rows] == [
        "Second prevention",
        "First prevention",
    ]
    sent = {name: page.context["form"][name].value() for name in page.context["form"].fields}
    publisher.post(address, sent)
    assert positions(*proposed) == [2, 1]
    assert "Orders proposed" not in text_of(publisher.get("/admin/"))


def test_a_proposed_order_is_discarded_by_its_author_or_a_publisher(page_as, proposed):
    address = admin_list_url(PreventionLevel, "order")
    other = get_user_model().objects.create_user("other", is_staff=True)
    other.groups.add(Group.objects.get(name="Editor"))
    client = page_as("Editor")
    client.force_login(other)
    assert "_discard" not in client.get(address).text
    assert page_as("Editor").post(address, {"_discard": "1"}).status_code == 302
    assert not ProposedOrder.objects.exists()
    assert positions(*proposed) == [1, 2]


def test_an_editor_changes_the_order_of_drafts_immediately(page_as):
    first, second = (LevelFactory(position=number, state=State.DRAFT) for number in (1, 2))
    page_as("Editor").post(admin_list_url(PreventionLevel, "order"), {str(first.pk): 2, str(second.pk): 1})
    assert positions(first, second) == [2, 1]


def test_a_proposed_order_is_in_the_email_of_the_morning(page_as, proposed, mailoutbox):
    page_as("Publisher")
    send_daily_email.func(get_user_model().objects.get(username="Publisher").pk)
    assert "Order proposed: Prevention levels" in mailoutbox[0].body
    assert admin_list_url(PreventionLevel, "order") in mailoutbox[0].body
    with time_machine.travel(timezone.localtime().replace(hour=8)):
        assert queue_daily_emails() == 1


# The rule -------------------------------------------------------------------------------------------------------------

PLACES = st.builds(Place, st.none() | st.integers(0, 30), st.none() | st.integers(1, 30))


@given(st.lists(PLACES, max_size=12), st.booleans())
def test_no_two_rows_get_one_number_unless_they_shared_it(places, removed):
    numbers = new_numbers(places, removed=removed)
    kept = [place.now for place in places if place.now is not None]
    if len(set(kept)) == len(kept):
        assert len(set(numbers)) == len(places)


@given(st.lists(st.integers(0, 30), unique=True, max_size=12))
def test_rows_that_nobody_moved_keep_their_numbers(kept):
    assert new_numbers([Place(number, number) for number in kept]) == kept


def test_reverting_a_record_leaves_it_in_its_place(staff):
    level = LevelFactory(position=1, state=State.DRAFT, summary="Before.")
    level.save()
    old = level.history.first()
    level.position, level.summary = 2, "After."
    level.save()
    LevelFactory(position=1)
    address = f"/admin/programmes/preventionlevel/{level.pk}/history/{old.history_id}/"
    assert staff.post(address, follow=True).redirect_chain
    level.refresh_from_db()
    assert (level.position, level.summary) == (2, "Before.")


def test_an_order_that_somebody_else_has_changed_meanwhile_is_not_overwritten_without_a_word(page_as):
    first, second, third = (LevelFactory(position=number, name=f"No {number}") for number in (1, 2, 3))
    address = admin_list_url(PreventionLevel, "order")
    publisher = page_as("Publisher")
    user = get_user_model().objects.get(username="Publisher")
    user.groups.add(Group.objects.get(name="Editor"))
    seen = publisher.get(address).context["seen"]
    publisher.post(address, {"seen": seen, str(first.pk): 2, str(second.pk): 1, str(third.pk): 3})  # in another window
    mine = {str(first.pk): 3, str(second.pk): 2, str(third.pk): 1}
    page = publisher.post(address, {"seen": seen} | mine)
    assert page.status_code == 422
    assert "Somebody else changed this list or its order while you were moving records." in text_of(page)
    assert [row.pk for _, rows in page.context["groups"] for row, _, _ in rows] == [third.pk, second.pk, first.pk]
    assert positions(first, second, third) == [2, 1, 3]
    publisher.post(address, {"seen": page.context["seen"]} | mine)  # they have read it
    assert positions(first, second, third) == [3, 2, 1]


def test_an_order_proposed_meanwhile_is_not_replaced_without_a_word(page_as, proposed):
    first, second = proposed
    sent = {"seen": "of before it was proposed", str(first.pk): 1, str(second.pk): 2}
    page = page_as("Editor").post(admin_list_url(PreventionLevel, "order"), sent)
    assert "Somebody else changed this list or its order" in text_of(page)
    assert ProposedOrder.objects.get().numbers[str(first.pk)] == 2
