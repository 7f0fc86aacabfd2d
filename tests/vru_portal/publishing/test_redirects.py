"""Links keep working after a rename, however it was made. The addresses of drafts reveal nothing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Event
from partners.models import Person
from programmes.models import Initiative
from tests.support.factories import (
    EventFactory,
    InitiativeFactory,
    LevelFactory,
    PersonFactory,
    UnitFactory,
)
from vru_portal.models import OldAddress
from vru_portal.publishing.state import State
from vru_portal.publishing.workflow import propose, publish, unpublish

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


def test_the_old_address_redirects_to_the_new_one_with_its_query(client, walk):
    rename(walk, "stroll")
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")
    assert where(client, "/initiatives/walk/?page=2&q=a%20b") == (301, "/initiatives/stroll/?page=2&q=a%20b")
    assert client.get("/initiatives/walk/", follow=True).status_code == 200
    assert client.head("/initiatives/walk/").status_code == 301
    assert client.post("/initiatives/walk/").status_code in (404, 405)
    assert client.get("/initiatives/walk/")["Cache-Control"] == "public, max-age=300"


def test_after_several_renames_each_old_address_redirects_once(client, walk):
    for slug in ("stroll", "amble", "hike"):
        rename(walk, slug)
    for slug in ("walk", "stroll", "amble"):
        assert where(client, f"/initiatives/{slug}/") == (301, "/initiatives/hike/")


def test_renaming_back_makes_no_redirect_loop(client, walk):
    rename(walk, "stroll")
    rename(walk, "walk")
    assert client.get("/initiatives/walk/").status_code == 200
    assert where(client, "/initiatives/stroll/") == (301, "/initiatives/walk/")
    assert [old.path for old in OldAddress.objects.all()] == ["/initiatives/stroll/"]


def test_a_record_with_the_old_address_has_precedence(client, walk):
    rename(walk, "stroll")
    other = InitiativeFactory(slug="walk")
    assert client.get("/initiatives/walk/").context["initiative"] == other
    rename(other, "march")
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/march/")


def test_two_records_that_swap_addresses_make_no_redirect_loop(client, walk):
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


def test_a_pending_change_moves_the_page_only_once_it_is_published(client, walk):
    propose(walk, by=None, edit=lambda: rename(walk, "stroll"))
    assert client.get("/initiatives/walk/").status_code == 200
    assert not OldAddress.objects.exists()
    publish(Initiative.objects.get(), by=None)
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")


def test_the_old_address_of_a_draft_does_not_redirect(client, walk):
    draft = InitiativeFactory(slug="secret-plan", state=State.DRAFT)
    rename(draft, "plan")
    publish(draft, by=None)
    never = client.get("/initiatives/secret-plam/").content.replace(b"plam", b"plan")
    response = client.get("/initiatives/secret-plan/")
    assert (response.status_code, response.content) == (404, never)


def test_an_old_address_does_not_reveal_an_unpublished_record(client, walk):
    rename(walk, "stroll")
    unpublish(walk, by=None)
    never = client.get("/initiatives/wall/").content.replace(b"wall", b"walk")
    response = client.get("/initiatives/walk/")
    assert (response.status_code, response.content) == (404, never)
    publish(Initiative.objects.get(), by=None)
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")


def test_a_record_renamed_while_unpublished_is_found_again(client, walk):
    walk.save()  # its history begins
    unpublish(walk, by=None)
    rename(Initiative.objects.get(), "stroll")
    publish(Initiative.objects.get(), by=None)
    assert where(client, "/initiatives/walk/") == (301, "/initiatives/stroll/")


def test_a_record_that_is_public_only_with_another_counts_as_a_draft(client, walk):
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
def test_every_kind_of_page_moves_with_what_is_below_it(client, factory, before, after):
    UnitFactory()
    record = factory(slug="old")
    rename(record, "new")
    assert where(client, before) == (301, after)
    assert where(client, f"{before}agenda.ics") == (301, f"{after}agenda.ics")
    assert where(client, before.rstrip("/")) == (301, before)


def test_saving_without_a_rename_remembers_nothing(walk):
    walk.summary = "Walking."
    walk.save()
    assert not OldAddress.objects.exists()


def test_the_address_of_a_deleted_record_does_not_redirect(client):
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


def test_the_rest_of_the_path_cannot_lead_off_the_site(client, walk):
    rename(walk, "stroll")
    status, location = where(client, "/initiatives/walk//evil.example.org/%0d%0aSet-Cookie:x")
    assert (status, location) == (301, "/initiatives/stroll//evil.example.org/%0D%0ASet-Cookie%3Ax")


def test_a_missing_page_costs_one_query_more_and_only_where_a_record_could_be(client, walk):
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
