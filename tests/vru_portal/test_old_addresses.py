"""Links keep working after a rename, whichever door it came by; and a draft's addresses tell nothing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Event
from partners.models import Person
from programmes.models import Initiative
from tests.factories import (
    EventFactory,
    InitiativeFactory,
    LevelFactory,
    PersonFactory,
    PublicationFactory,
    UnitFactory,
)
from vru_portal.drafts import propose, publish, unpublish
from vru_portal.models import OldAddress
from vru_portal.publishing import State

pytestmark = pytest.mark.django_db


def rename(record, slug):
    record.slug = slug
    record.save()


@pytest.fixture
def walk():
    UnitFactory()
    return InitiativeFactory(slug="walk")


def where(client, address, **headers):
    response = client.get(address, headers=headers)
    return response.status_code, response.headers.get("Location")


def test_the_old_address_leads_to_the_new_one_with_its_question(client, walk):
    rename(walk, "stroll")
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")
    assert where(client, "/initiatives/walk/?page=2&q=a%20b") == (301, "/initiatives/stroll/?page=2&q=a%20b")
    assert client.get("/initiatives/walk/", follow=True).status_code == 200
    assert client.head("/initiatives/walk/").status_code == 301
    assert client.post("/initiatives/walk/").status_code in (404, 405)
    assert client.get("/initiatives/walk/")["Cache-Control"] == "public, max-age=300"


def test_after_several_renames_each_address_leads_there_in_one_step(client, walk):
    for slug in ("stroll", "amble", "hike"):
        rename(walk, slug)
    for slug in ("walk", "stroll", "amble"):
        assert where(client, f"/initiatives/{slug}/") == (301, "/initiatives/hike/")


def test_renamed_back_it_leads_nowhere_in_a_circle(client, walk):
    rename(walk, "stroll")
    rename(walk, "walk")
    assert client.get("/initiatives/walk/").status_code == 200
    assert where(client, "/initiatives/stroll/") == (301, "/initiatives/walk/")
    assert [old.path for old in OldAddress.objects.all()] == ["/initiatives/stroll/"]


def test_a_record_that_takes_the_address_goes_before(client, walk):
    rename(walk, "stroll")
    other = InitiativeFactory(slug="walk")
    assert client.get("/initiatives/walk/").context["initiative"] == other
    rename(other, "march")
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/march/")


def test_two_records_that_swap_their_addresses_never_lead_in_a_circle(client, walk):
    other = InitiativeFactory(slug="run")
    rename(walk, "between")
    rename(other, "walk")
    rename(walk, "run")
    assert client.get("/initiatives/walk/").context["initiative"] == other
    assert client.get("/initiatives/run/").context["initiative"] == walk
    unpublish(other, by=None)
    for address in ("/initiatives/walk/", "/initiatives/run/", "/initiatives/between/"):
        response = client.get(address, follow=True)
        assert len(response.redirect_chain) <= 1


def test_a_change_that_waits_moves_the_page_only_once_it_is_published(client, walk):
    propose(walk, by=None, edit=lambda: rename(walk, "stroll"))
    assert client.get("/initiatives/walk/").status_code == 200
    assert not OldAddress.objects.exists()
    publish(Initiative.objects.get(), by=None)
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")


def test_a_drafts_address_was_never_public_and_leads_nowhere(client, walk):
    draft = InitiativeFactory(slug="secret-plan", state=State.DRAFT)
    rename(draft, "plan")
    publish(draft, by=None)
    never = client.get("/initiatives/secret-plam/").content.replace(b"plam", b"plan")
    response = client.get("/initiatives/secret-plan/")
    assert (response.status_code, response.content) == (404, never)


def test_an_unpublished_record_is_not_betrayed_by_its_old_address(client, walk):
    rename(walk, "stroll")
    unpublish(walk, by=None)
    never = client.get("/initiatives/wall/").content.replace(b"wall", b"walk")
    response = client.get("/initiatives/walk/")
    assert (response.status_code, response.content) == (404, never)
    publish(Initiative.objects.get(), by=None)
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")


def test_one_renamed_while_it_was_unpublished_is_found_again(client, walk):
    walk.save()  # its history begins
    unpublish(walk, by=None)
    rename(Initiative.objects.get(), "stroll")
    publish(Initiative.objects.get(), by=None)
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")


def test_what_is_public_only_with_another_record_counts_as_a_draft(client, walk):
    rename(walk, "stroll")
    type(walk.level).objects.update(state=State.DRAFT)
    assert client.get("/initiatives/walk/").status_code == 404


@pytest.mark.parametrize(
    ("factory", "before", "after"),
    [
        (PersonFactory, "/people/old/", "/people/new/"),
        (LevelFactory, "/prevention/old/", "/prevention/new/"),
        (EventFactory, "/events/old/", "/events/new/"),
    ],
)
def test_every_kind_of_page_and_what_lies_below_it_moves(client, factory, before, after):
    UnitFactory()
    record = factory(slug="old")
    rename(record, "new")
    assert where(client, before) == (301, after)
    assert where(client, f"{before}agenda.ics") == (301, f"{after}agenda.ics")
    assert where(client, before.rstrip("/")) == (301, before)


def test_what_stands_on_anothers_page_has_no_address_to_remember():
    rename(PublicationFactory(slug="old"), "new")
    assert not OldAddress.objects.exists()


def test_saving_without_a_rename_remembers_nothing(walk):
    walk.summary = "Walking."
    walk.save()
    assert not OldAddress.objects.exists()


def test_a_deleted_record_leads_nowhere(client):
    UnitFactory()
    person = PersonFactory(slug="old")
    rename(person, "new")
    Person.objects.all().delete()
    assert client.get("/people/old/").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/initiatives/%00/",
        "/initiatives/walk%00/",
        "/initiatives/" + "x" * 300 + "/",
        "//evil.example.org/x/",
        "/a/%ff/%2f/",
    ],
)
def test_odd_addresses_are_simply_not_found(client, walk, address):
    assert client.get(address).status_code == 404


def test_what_lies_below_cannot_lead_off_the_site(client, walk):
    rename(walk, "stroll")
    status, location = where(client, "/initiatives/walk//evil.example.org/%0d%0aSet-Cookie:x")
    assert (status, location) == (301, "/initiatives/stroll//evil.example.org/%0D%0ASet-Cookie%3Ax")


def test_a_page_that_is_not_here_asks_one_question_more_and_only_where_a_record_could_be(client, walk):
    def asked(address):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return sum("oldaddress" in query["sql"] for query in queries)

    assert (asked("/nope/"), asked("/initiatives/nope/"), asked("/initiatives/walk/")) == (0, 1, 0)


def test_an_event_renamed_in_the_shell_is_found(client):
    UnitFactory()
    EventFactory(slug="opening")
    rename(Event.objects.get(slug="opening"), "launch")
    assert where(client, "/events/opening/") == (301, "/events/launch/")
