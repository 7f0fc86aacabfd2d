import pytest

from tests.support.crawler import Elements
from tests.support.factories import (
    AreaFactory,
    AudienceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    StoryFactory,
    SuccessConditionFactory,
    TermFactory,
    UnitFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def unit():
    return UnitFactory()


def test_an_initiative_shows_everything_stated_about_it_with_the_source(client):
    initiative = InitiativeFactory(
        name="Night walks",
        audience_text="Walkers",
        setting_text="Paths",
        area_text="The moor",
        funded_period="Until the thaw",
        eligibility="Anybody over 16.",
        referral="Come along.",
        contact="walks@moor.example.org",
        lead_organisation=OrganisationFactory(name="Moor Rangers"),
        source__title="The moor plan",
    )
    initiative.partners.add(OrganisationFactory(name="Fen Rangers"))
    initiative.audiences.add(AudienceFactory(name="Walking people", slug="walking"))
    initiative.areas.add(AreaFactory(name="Upper moor", slug="upper"))
    page = Elements(client.get(initiative.get_absolute_url()).text)
    for words in (
        "Night walks",
        "A walk every Friday.",
        "Walkers",
        "Paths",
        "The moor",
        "Until the thaw",
        "Anybody over 16.",
        "Come along.",
        "walks@moor.example.org",
        "Moor Rangers",
        "Fen Rangers",
        "The moor plan",
        "Chapter 7",
        "6 May 2031",
    ):
        assert words in page.text, words


def test_words_that_initiatives_share_are_stated_too_and_lead_to_those_that_share_them(client):
    initiative = InitiativeFactory(name="Night walks")
    initiative.audiences.add(AudienceFactory(name="Walking people", slug="walking"))
    initiative.areas.add(AreaFactory(name="Upper moor", slug="upper"))
    page = Elements(client.get(initiative.get_absolute_url()).text)
    assert "Who it is for Walking people" in page.text
    assert "Where Upper moor" in page.text
    for address in ("/initiatives/?audience=walking", "/initiatives/?area=upper"):
        assert address in page.links(initiative.get_absolute_url())
        assert "Night walks" in client.get(address).text
    # a list has no room for the words, so it leaves the question out: it does not say that nothing is stated
    assert "Not stated" not in Elements(client.get("/initiatives/").text).text


def test_what_is_not_stated_of_an_initiative_is_said_to_be_so(client):
    text = Elements(client.get(InitiativeFactory().get_absolute_url()).text).text
    questions = (
        "Who it is for",
        "Where",
        "Funded",
        "How to be referred",
        "Who to ask",
        "Who delivers it",
    )
    for question in questions:
        assert f"{question} Not stated" in text
    for absent in ("Who can join", "Exit this page"):
        assert absent not in text


def test_near_ones_say_what_they_have_in_common(client):
    level = LevelFactory(name="First")
    this, sibling = InitiativeFactory(level=level), InitiativeFactory(level=level, name="Sibling")
    cousin = InitiativeFactory(name="Cousin")
    shared = AudienceFactory(name="Young walkers")
    for initiative in (this, cousin):
        initiative.audiences.add(shared)
    cousin.audiences.add(AudienceFactory(name="Adult walkers"))
    InitiativeFactory(name="Stranger")
    text = Elements(client.get(this.get_absolute_url()).text).text
    near = text[text.index("Similar initiatives") :]
    assert near.index(sibling.name) < near.index("Also first prevention.") < near.index(cousin.name)
    assert near.index(cousin.name) < near.index("Also for young walkers.")
    assert "Stranger" not in near


def test_exit_this_page_is_offered_wherever_something_sensitive_shows(client, settings):
    settings.EXIT_URL = "https://weather.example.org/"
    level = LevelFactory(slug="first")
    calm = InitiativeFactory(slug="calm", level__slug="second")
    InitiativeFactory(slug="storm", level=level, sensitive_topic="storms", safety_notice="Stay **inside**.")
    for address in ("/initiatives/", "/initiatives/storm/", "/prevention/first/"):
        text = client.get(address).text
        assert text.count('href="https://weather.example.org/"') == 2, address
        assert "Exit this page" in text
    assert "Stay <strong>inside</strong>." in client.get("/initiatives/storm/").text
    for address in (calm.get_absolute_url(), "/prevention/second/", "/initiatives/?level=second", "/"):
        assert "weather.example.org" not in client.get(address).text, address


def test_a_level_tells_what_it_means_its_conditions_and_initiatives(client):
    level = LevelFactory(slug="first", definition="Work that begins **early**.")
    SuccessConditionFactory(level=level, title="Everybody walks")
    SuccessConditionFactory(title="Somebody else's")
    InitiativeFactory(level=level, name="Night walks")
    InitiativeFactory(name="Day walks")
    text = Elements(client.get("/prevention/first/").text).text
    for words in ("Work that begins early.", "Everybody walks", "Night walks", "1 initiative"):
        assert words in text
    assert "Somebody else's" not in text
    assert "Day walks" not in text


def test_a_quoted_definition_is_word_for_word_with_its_author(client):
    body = OrganisationFactory(name="House of Words")
    TermFactory(name="Storm", definition="wind *above* ten", defined_by=body, defines_violence=True)
    page = Elements(client.get("/about/").text)
    assert "“wind *above* ten”" in page.text
    assert "House of Words" in page.text
    assert body.get_absolute_url() in page.links("/about/")


def test_news_is_listed_latest_first(client):
    StoryFactory(title="Older", published_on="2031-01-01")
    StoryFactory(title="Newer", published_on="2031-02-01", slug="newer")
    text = Elements(client.get("/news/").text).text
    assert text.index("Newer") < text.index("Older")
    assert "It was <strong>long</strong>." in client.get("/news/newer/").text
