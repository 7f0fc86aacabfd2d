"""Pictures beside shared links, the icon, and the days of the sitemap."""

import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
import time_machine
from django.conf import settings
from PIL import Image

from events.models import Event
from partners.models import Organisation
from tests.support.factories import (
    AgendaItemFactory,
    AllocationFactory,
    AssessmentDecisionFactory,
    EventFactory,
    HeadingFactory,
    InitiativeFactory,
    MeasureFactory,
    OrganisationFactory,
    PaymentFactory,
    PersonFactory,
    PostFactory,
    ReturnFactory,
    SuccessConditionFactory,
    TargetFactory,
    UnitFactory,
)
from vru_portal.public import social_cards
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def card(client, address):
    """Return the bytes of the picture that a page names, once it is seen to be one."""
    named = re.search(r'<meta property="og:image" content="([^"]*)">', client.get(address).text)
    assert named, address
    response = client.get(named[1].removeprefix(settings.PORTAL_URL))
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    content = response.getvalue()
    response.close()
    with Image.open(BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 630))
    return content


def test_each_page_has_a_picture_of_its_own(client):
    body = OrganisationFactory(name="Moor Rangers")
    person = PersonFactory(name="Robin Vale")
    found = [card(client, address) for address in ("/", "/about/", body.get_absolute_url(), person.get_absolute_url())]
    assert len(set(found)) == len(found)
    Organisation.objects.filter(pk=body.pk).update(name="Fen Rangers")
    assert card(client, body.get_absolute_url()) != found[2]


@pytest.mark.parametrize(
    "name",
    ["王小明 বাংলা தமிழ் العربية", "Moor" * 50, "#set page(fill: red) \\ [*_$", "A&E “wall” <b>", "😀", "x"],
)
def test_a_picture_takes_any_title_as_words(client, name):
    card(client, OrganisationFactory(name=name[:200]).get_absolute_url())


def test_a_small_picture_is_light(client):
    assert len(card(client, "/")) < 60_000


@pytest.mark.parametrize(
    "address", ["admin/", "nope/", "declaration/sign/x/", "partners/hidden/", "robots.txt", "cards/card.png", "//x/"]
)
def test_only_public_pages_have_a_picture(client, address):
    OrganisationFactory(slug="hidden", state=State.DRAFT)
    assert client.get(f"/cards/{address}card.png").status_code == 404
    assert "og:image" not in client.get("/declaration/sign/x/").text


def test_what_only_programs_read_has_no_picture_and_is_not_made_to_look_for_a_title(client, monkeypatch):
    asked = []
    monkeypatch.setattr(social_cards, "draw", lambda *_: b"")
    monkeypatch.setattr(social_cards, "title_of", lambda *arguments: asked.append(arguments))
    for address in ("api/v1/payments/", "api/v1/nope/", "api/v1/a/b/"):
        assert client.get(f"/cards/{address}card.png").status_code == 404
    assert not asked
    client.get("/cards/api/v1/card.png").close()  # of the page for people
    assert asked


def test_browsers_find_an_icon_at_the_top(client):
    response = client.get("/favicon.ico")
    assert response.status_code == 200
    content = response.getvalue()
    response.close()
    with Image.open(BytesIO(content)) as icon:
        assert icon.format == "ICO"
        assert {(16, 16), (32, 32), (48, 48)} <= icon.info["sizes"]


# The sitemap ----------------------------------------------------------------------------------------------------------


def days(client):
    """Return the day of each address of the sitemap that has one."""
    xml = client.get("/sitemap.xml").text
    found = re.findall(r"<loc>([^<]*)</loc>(?:<lastmod>([^<]*)</lastmod>)?", xml)
    return {address.removeprefix(settings.PORTAL_URL): day for address, day in found}


@pytest.mark.usefixtures("history")
def test_the_sitemap_has_the_day_of_the_last_change_that_the_public_sees(client):
    with time_machine.travel(datetime(2031, 3, 1, 12, tzinfo=UTC), tick=True):
        event = EventFactory(state=State.PUBLISHED)
        other = EventFactory(state=State.PUBLISHED)
    with time_machine.travel(datetime(2031, 3, 2, 12, tzinfo=UTC), tick=True):
        AgendaItemFactory(event=event)
    found = days(client)
    assert found[event.get_absolute_url()][:10] == "2031-03-02"
    assert found[other.get_absolute_url()][:10] == "2031-03-01"
    assert found["/events/"][:10] == found["/"][:10] == "2031-03-02"
    with time_machine.travel(datetime(2031, 3, 4, 12, tzinfo=UTC), tick=True):
        hidden = EventFactory(state=State.DRAFT)
        hidden.save()
    assert hidden.get_absolute_url() not in days(client)
    assert days(client)["/events/"][:10] == "2031-03-02"


def later_changes():
    """Return, by its name, each change of a page that does not change its record: the record, and what changes it."""
    initiative, heading = InitiativeFactory(), HeadingFactory()
    allocation = AllocationFactory(initiative=initiative)
    of_heading = AllocationFactory(initiative=None, heading=heading)
    return {
        "a payment": (initiative, lambda: PaymentFactory(allocation=allocation)),
        "an allocation": (initiative, lambda: AllocationFactory(initiative=initiative)),
        "an assessment": (initiative, lambda: AssessmentDecisionFactory(assessment__initiative=initiative)),
        "a target": (initiative, lambda: TargetFactory(initiative=initiative)),
        "a return that is asked for": (initiative, lambda: ReturnFactory(initiative=initiative)),
        "a payment of a heading": (heading, lambda: PaymentFactory(allocation=of_heading)),
        "an initiative of a level": (initiative.level, lambda: InitiativeFactory(level=initiative.level)),
        "money of an initiative of a level": (initiative.level, lambda: PaymentFactory(allocation=allocation)),
        "a condition of a level": (initiative.level, lambda: SuccessConditionFactory(level=initiative.level)),
    }


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    "change",
    [
        "a payment",
        "an allocation",
        "an assessment",
        "a target",
        "a return that is asked for",
        "a payment of a heading",
        "an initiative of a level",
        "money of an initiative of a level",
        "a condition of a level",
    ],
)
def test_a_page_has_the_day_on_which_anything_that_it_shows_changed(client, change):
    with time_machine.travel(datetime(2031, 3, 1, 12, tzinfo=UTC), tick=True):
        MeasureFactory()
        other = InitiativeFactory()
        record, make = later_changes()[change]
    assert days(client)[record.get_absolute_url()][:10] == "2031-03-01"
    with time_machine.travel(datetime(2031, 3, 2, 12, tzinfo=UTC), tick=True):
        make()
    found = days(client)
    assert found[record.get_absolute_url()][:10] == "2031-03-02"
    assert found[other.get_absolute_url()][:10] == "2031-03-01", "of which nothing has changed"


@pytest.mark.usefixtures("history")
def test_no_day_is_stated_for_what_brings_together_too_much_to_know_it(client):
    with time_machine.travel(datetime(2031, 3, 1, 12, tzinfo=UTC), tick=True):
        post = PostFactory()
    found = days(client)
    for record in (post.person, post.organisation, post.person.source):
        assert found[record.get_absolute_url()] == ""
    assert found["/partners/"][:10] == found["/publications/"][:10] == found["/"][:10] == "2031-03-01"
    with time_machine.travel(datetime(2031, 3, 2, 12, tzinfo=UTC), tick=True):
        PostFactory(person=post.person)
    assert days(client)["/partners/"][:10] == "2031-03-02"
    assert days(client)["/publications/"][:10] == "2031-03-02", "a post has a source of its own"


def test_where_nothing_says_when_the_sitemap_has_no_day(client):
    event = EventFactory()
    assert not Event.history.exists()
    assert days(client)[event.get_absolute_url()] == ""
