"""One rule for what an address may be, and a proposal for every title."""

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from partners.models import Organisation
from programmes.models import Story
from tests.support.factories import EventFactory, StoryFactory, UnitFactory
from vru_portal.publishing.addresses import MAX_LENGTH, proposed_slug, slug_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Upper_Case", "upper-case"),
        ("O’Neill’s day – 50% more", "oneills-day-50-more"),
        ("مبادرة السلام", "mbdrh-lslm"),
        ("さくら計画", "sakurajihua"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full-width"),
        ("Ärger & Übermut", "arger-ubermut"),
        ("Annual_Report – 2031", "annual-report-2031"),
        ("– A day", "a-day"),
        ("½ price: 50% off", "1-2-price-50-off"),
        ("word " * 40, "-".join(["word"] * 16)),
        ("x" * 200, "x" * MAX_LENGTH),
        ("…", ""),
    ],
)
def test_a_title_in_any_script_becomes_an_address(title, slug):
    assert slug_of(title) == slug


@pytest.mark.parametrize("slug", ["Upper_Case", "a_b", "-a", "a-", "a--b", "ä", "a b", "مبادرة"])
def test_an_address_has_only_lower_case_letters_numbers_and_hyphens(slug):
    with pytest.raises(ValidationError) as refused:
        Organisation(name="A", slug=slug).clean_fields(exclude={"as_at", "source"})
    assert refused.value.message_dict["slug"] == [
        f"Use only lower-case letters, numbers and hyphens, such as {slug_of(slug)}."
    ]


@pytest.fixture
def staff(client):
    UnitFactory()
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


def add_story(staff, title, slug=""):
    data = {
        "title": title,
        "slug": slug,
        "published_on": "2031-05-05",
        "summary": "A.",
        "body": "A.",
        "as_at": "2031-05-05",
    }
    return staff.post("/admin/programmes/story/add/", data)


def test_the_form_proposes_an_address_for_every_title(staff):
    StoryFactory(slug="sakura")
    for title in ("さくら", "さくら", "…"):
        assert add_story(staff, title).status_code == 302
    assert sorted(Story.objects.exclude(slug="sakura").values_list("slug", flat=True)) == [
        "sakura-2",
        "sakura-3",
        "story-1",
    ]


def test_no_script_proposes_another_address_than_the_portal_would(staff):
    assert staff.get("/admin/programmes/story/add/").context["adminform"].prepopulated_fields == []
    event = EventFactory.build(slug="", title="Launch of the Moor Partnership", short_title="Launch")
    assert proposed_slug(event) == "launch"


def test_the_form_says_what_an_address_may_be_and_refuses_another(staff):
    page = add_story(staff, "A", "Upper_Case").text
    assert "Use only lower-case letters, numbers and hyphens, such as upper-case." in page
    assert "lower-case letters, numbers and hyphens" in page
    assert not Story.objects.exists()
