"""No box cuts off what is typed or pasted without a word."""

import pytest
from django.conf import settings

from tests.support.crawler import text_of
from tests.support.factories import InitiativeFactory, UnitFactory, UserFactory
from vru_portal.staff.base_admin import MAX_SEARCH_CHARACTERS
from vru_portal.web.filters import MAX_LENGTH

PACKAGES = ("vru_portal", "partners", "programmes", "funding", "events")
LONG = "heron " * 60


def test_no_box_has_a_greatest_length_of_the_browser():
    files = [*(settings.BASE_DIR / "templates").rglob("*.html")]
    files += [path for package in PACKAGES for path in (settings.BASE_DIR / package).rglob("*.py")]
    named = {str(path.relative_to(settings.BASE_DIR)) for path in files if "maxlength" in path.read_text()}
    assert named == {"vru_portal/text/form_fields.py"}  # which takes it away


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/initiatives/", "/partners/", "/declaration/register/", "/events/?q=x"])
def test_a_list_says_how_long_its_words_may_be(client, path):
    UnitFactory()
    InitiativeFactory()
    page = client.get(path.partition("?")[0], {"q": LONG})
    assert f"Search for up to {MAX_LENGTH} characters." in text_of(page)
    assert "maxlength" not in page.text


@pytest.mark.django_db
def test_the_searches_of_staff_say_what_of_a_long_text_they_used(client):
    UnitFactory()
    client.force_login(UserFactory(is_superuser=True))
    for path in ("/admin/search/", "/admin/programmes/story/"):
        page = client.get(path, {"q": LONG})
        assert f"The search used only the first {MAX_SEARCH_CHARACTERS} characters." in text_of(page), path
        assert "maxlength" not in page.text
        assert "The search used" not in text_of(client.get(path, {"q": "heron"}))
