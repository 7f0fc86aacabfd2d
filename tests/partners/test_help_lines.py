"""The help lines that a unit states: beside safety notices, on the contact page and by search; nowhere until then."""

import pytest
from django.contrib.auth.models import Group
from django.test import RequestFactory

from partners.models import Unit
from programmes.worklist import help_line_items
from tests.support.factories import InitiativeFactory, UnitFactory
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LINES = "Moor watch: **01632 960 001**, day and night."


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def shelter():
    UnitFactory()
    return InitiativeFactory(name="Shelter", slug="shelter", sensitive_topic="storms", safety_notice="Stay inside.")


def state_them():
    unit = Unit.objects.get()
    unit.help_lines = LINES
    unit.save()


PLACES = ("/initiatives/shelter/", "/contact/", "/search/?q=zephyr", "/search/?q=emergency")


@pytest.mark.usefixtures("shelter")
@pytest.mark.parametrize("address", PLACES)
def test_help_lines_are_shown_once_the_unit_has_stated_some(client, address):
    assert "elp lines" not in client.get(address).text
    state_them()
    assert "elp lines" in client.get(address).text


@pytest.mark.usefixtures("shelter")
def test_they_are_shown_as_stated_where_somebody_may_be_in_danger(client):
    state_them()
    calm = InitiativeFactory(name="Walks", slug="walks")
    for address in ("/initiatives/shelter/", "/contact/"):
        assert "Moor watch: <strong>01632 960 001</strong>, day and night." in client.get(address).text
    assert "Moor watch" not in client.get(calm.get_absolute_url()).text
    assert 'href="/contact/#help"' in client.get("/search/?q=I+need+help+now").text


def test_the_start_page_warns_while_a_sensitive_page_has_none(shelter, admin_user):
    request = RequestFactory().get("/admin/")
    request.user = admin_user
    (item,) = help_line_items(request)
    assert "Shelter" in item.explanation
    assert item.links[0].url == "/admin/partners/unit/1/change/"
    shelter.state = State.DRAFT
    shelter.save()
    assert help_line_items(request) == [], "nothing sensitive is published"
    shelter.state = State.PUBLISHED
    shelter.save()
    state_them()
    assert help_line_items(request) == []


@pytest.mark.usefixtures("shelter")
@pytest.mark.parametrize(("role", "is_asked"), [("Finance", False), ("Editor", True)])
def test_who_may_not_change_the_unit_is_not_asked_for_its_help_lines(django_user_model, role, is_asked):
    """Finance may read the unit's page, but has nothing to do there."""
    request = RequestFactory().get("/admin/")
    somebody = request.user = django_user_model.objects.create_user("somebody", is_staff=True)
    somebody.groups.add(Group.objects.get(name=role))
    assert bool(help_line_items(request)) == is_asked
