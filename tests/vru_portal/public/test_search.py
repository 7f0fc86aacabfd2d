"""The search page: everything public, nothing else, marked, grouped, and helpful where nothing is found."""

from datetime import date

import pytest
from django.urls import reverse

from funding.models import Payment
from programmes.models import PreventionLevel
from tests.support import factories
from tests.support.factories import EventFactory, InitiativeFactory, SynonymFactory, make_everything
from tests.vru_portal.public.test_bad_input import HOSTILE_HERE, helps
from vru_portal.models import MissedWord
from vru_portal.publishing.state import State
from vru_portal.search import zero_results

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        make_everything(2)
        yield


def search(client, typed, **parameters):
    response = client.get(reverse("search"), {"q": typed, **parameters})
    assert response.status_code == 200
    return response


def text_of(response):
    """Return the text of a page without the marks."""
    return response.text.replace("<mark>", "").replace("</mark>", "")


@pytest.mark.usefixtures("furnished")
def test_each_kind_of_public_record_is_found():
    from vru_portal.public.search import CURRENT

    made = {entry.searchable.document.__name__ for entry in CURRENT.make().entries if entry.key is not None}
    assert made == {searchable.document.__name__ for searchable in CURRENT.searchables}


@pytest.mark.usefixtures("furnished")
def test_every_address_that_is_found_exists(client):
    from vru_portal.public.search import CURRENT

    for address in {entry.document.address for entry in CURRENT.make().entries}:
        path, _, anchor = address.partition("#")
        response = client.get(path, follow=True)
        assert response.status_code == 200, address
        if anchor and path != "/":  # home leaves out sections that have nothing to say
            assert f'id="{anchor}"' in response.text, address


DRAFTS = (
    *((factory, "name") for factory in (factories.InitiativeFactory, factories.OrganisationFactory)),
    *((factory, "name") for factory in (factories.PersonFactory, factories.TermFactory, factories.LevelFactory)),
    *((factory, "title") for factory in (factories.StatementFactory, factories.EventFactory, factories.StoryFactory)),
    *((factory, "title") for factory in (factories.PublicationFactory, factories.DocumentFactory)),
    *((factory, "title") for factory in (factories.PredecessorFactory, factories.SuccessConditionFactory)),
)


@pytest.mark.usefixtures("furnished")
def test_no_draft_is_found_until_it_is_published(client):
    rows = [factory(**{field: "Zephyr"}, state=State.DRAFT) for factory, field in DRAFTS]
    assert "No results for" in search(client, "zephyr").text
    for row in rows:
        row.state = State.PUBLISHED
        row.save()
    assert f"{len(rows)} results" in search(client, "zephyr").text


@pytest.mark.usefixtures("furnished")
def test_words_are_marked_grouped_and_counted(client):
    InitiativeFactory.create_batch(25, level=PreventionLevel.objects.order_by("pk")[0], description="Marvellous paths.")
    response = search(client, "marvellous")
    assert "25 results" in response.text
    assert "<mark>Marvellous</mark>" in response.text
    assert "22 more in Initiatives" in response.text
    listed = search(client, "marvellous", kind="initiatives", page="2")
    assert "Page 2 of 2" in listed.text
    assert 'href="?q=marvellous&amp;kind=initiatives&amp;page=1"' in listed.text
    past_the_end = client.get(reverse("search"), {"q": "marvellous", "kind": "initiatives", "page": "9"})
    assert past_the_end.headers["Location"].endswith("?q=marvellous&kind=initiatives&page=2")


@pytest.mark.usefixtures("furnished")
def test_a_result_that_is_sensitive_brings_the_way_out(client):
    assert "govuk-exit-this-page" not in search(client, "keepers").text
    InitiativeFactory(name="Zephyr shelter", sensitive_topic="storms", safety_notice="Stay inside.")
    assert "govuk-exit-this-page" in search(client, "zephyr").text


@pytest.mark.usefixtures("furnished")
def test_a_synonym_that_staff_add_works_immediately(client):
    InitiativeFactory(name="Zephyr shelter")
    assert "No results" in search(client, "windbreak").text
    SynonymFactory(typed="windbreak\nbreeze", found="shelter")
    assert "Zephyr shelter" in text_of(search(client, "breeze"))


@pytest.mark.usefixtures("furnished")
def test_a_list_that_comes_first_for_want_of_anything_better_says_so(client):
    instead = "Nothing under Events contains all of these words."
    found = search(client, "events about walks").text
    assert instead in found
    assert 'look through <a href="/events/">the whole list</a>' in found
    EventFactory(title="Zephyr day", summary="A walk.")
    assert instead not in search(client, "events about walks").text


@pytest.mark.usefixtures("furnished")
def test_the_payments_of_a_day_are_found(client):
    payment = Payment.objects.counted().order_by("paid_on")[0]
    day = payment.paid_on
    leads_to = f'href="/payments/?from={day}&amp;to={day}"'
    for typed in (f"paid on {day:%-d/%-m/%Y}", f"{day}", f"{day:%-d %B %Y}"):
        assert leads_to in search(client, typed).text
    assert "/payments/?from" not in search(client, "1/1/1999").text
    assert payment.payee.name in client.get(f"/payments/?from={day}&to={day}").text


@pytest.mark.usefixtures("furnished")
def test_an_event_is_found_by_each_of_its_days(client):
    event = EventFactory(held_on=date(2031, 5, 30), ends_on=date(2031, 6, 1))
    for typed in ("30/5/2031", "31 May 2031", "June 1st 2031"):
        assert f'href="{event.get_absolute_url()}"' in search(client, typed).text
        assert "contains all of these words" not in search(client, typed).text
    assert "No page contains all of these words" in search(client, "2/6/2031").text


@pytest.mark.usefixtures("furnished")
def test_a_word_that_is_missed_is_noted_and_its_page_is_kept_by_nobody(client):
    search(client, "xylophone")
    zero_results.count_missed_words()
    assert [*MissedWord.objects.values_list("word", "count")] == [("xylophone", 1)]


@pytest.mark.usefixtures("furnished")
def test_a_search_without_an_answer_and_an_empty_one_lead_on(client):
    for response in (search(client, "xylophone"), search(client, ""), search(client, "   "), search(client, "?!")):
        assert f'href="{reverse("partners:contact")}"' in response.text
        assert f'href="{reverse("programmes:initiatives")}"' in response.text


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize("value", HOSTILE_HERE.values(), ids=HOSTILE_HERE)
def test_whatever_is_searched_for_is_answered(client, value):
    for address in (f"/search/?q={value}", f"/search/?q=walk&kind={value}", f"/search/?q=walk&page={value}"):
        helps(client.get(address), address)


@pytest.mark.usefixtures("furnished")
def test_a_long_search_is_cut_and_says_so(client):
    assert "Only the first 200 characters" in search(client, "walk " * 100).text


@pytest.mark.usefixtures("furnished")
def test_home_and_the_404_page_search_everything(client):
    for page in ("/", "/nope/"):
        assert f'<form class="find" action="{reverse("search")}" role="search">' in client.get(page).text


@pytest.mark.usefixtures("furnished")
def test_search_engines_take_the_results_of_any_search_for_the_search_page_itself(client, settings):
    for response in (search(client, "walk"), search(client, "nothing of the sort")):
        assert f'<link rel="canonical" href="{settings.PORTAL_URL}/search/">' in response.text
        assert 'name="robots"' not in response.text
