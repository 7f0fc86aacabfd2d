import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.template.base import Lexer, TokenType
from django.test import Client
from django.utils.html import escape

from partners.models import Unit
from partners.phrases import PHRASES, wording_of
from tests.support.factories import UnitFactory, make_everything
from vru_portal.publishing.workflow import publish

pytestmark = [pytest.mark.django_db, pytest.mark.once]

OWN_TEMPLATES = ("home.html", "about.html", "components/level_initiatives.html", "components/agenda_figure.html")
SAID_ALOUD = {"alt", "aria-label", "title", "placeholder"}


class Words(HTMLParser):
    """The words of a page: its texts, and the attributes that are read out."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_data(self, data):
        self.found += re.findall(r"[^\W\d_]+", data)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in SAID_ALOUD and re.search(r"[^\W\d_]", value or "")]


def words_in(source):
    """Return the words that a template writes itself: those outside tags, and those that it hands to a tag."""
    texts, handed, skipped = [], [], False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.TEXT and not skipped:
            texts.append(token.contents)
        elif token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            begins = name == "comment" or token.contents == "block masthead"  # whose text is names of classes
            skipped = begins or (skipped and name not in ("endcomment", "endblock"))
            if name == "include":
                handed += re.findall(r'(?:note|here|one|label)="([^"]+)"', token.contents)
        elif token.token_type == TokenType.VAR:
            handed += re.findall(r'default:"([^"]+)"', token.contents)
    return Words("".join(texts)).found + handed


@pytest.mark.parametrize("name", OWN_TEMPLATES)
def test_home_and_about_write_no_word_that_staff_cannot_change(name):
    source = (settings.BASE_DIR / "templates" / name).read_text(encoding="utf-8")
    assert words_in(source) == []


def test_that_test_finds_words():
    assert words_in('<p>Hello {{ x|default:"World" }}</p>{% include "a.html" with note="Bye" %}') == [
        "Hello",
        "World",
        "Bye",
    ]
    assert words_in('<a aria-label="Go">{% comment %}no{% endcomment %}</a>') == ["Go"]


def test_each_declared_phrase_is_used_and_each_used_phrase_is_declared():
    source = "".join(path.read_text(encoding="utf-8") for path in (settings.BASE_DIR / "templates").rglob("*.html"))
    source += Path(settings.BASE_DIR, "vru_portal/templatetags/portal.py").read_text(encoding="utf-8")
    used = set(re.findall(r"""phrase ["'](\w+)["']""", source)) | set(re.findall(r'"(site_\w+)"', source))
    assert used == {key for key in PHRASES if not key.endswith("_one")}
    assert {key.removesuffix("_one") for key in PHRASES if key.endswith("_one")} <= used


def test_a_phrase_is_the_units_where_it_says_one_and_fits_the_number():
    assert wording_of({}, "home_initiatives", 1) == "initiative announced so far"
    for count in (0, 2):
        assert wording_of({}, "home_initiatives", count) == "initiatives announced so far"
    assert wording_of({"home_initiatives": "schemes"}, "home_initiatives", 5) == "schemes"
    assert wording_of({}, "home_level_all", 7) == "All 7 initiatives"
    own_phrases = {"home_signed_of": "{asked} asked, {signed} signed"}
    assert wording_of(own_phrases, "home_signed_of", signed=2, asked="{signed}") == "{signed} asked, 2 signed"


@pytest.mark.parametrize(
    ("phrases", "message"),
    [
        ({"home_find": "x" * 81}, "must be 80 characters or fewer. It has 81"),
        ({"home_find": "two\nlines"}, "one line without control characters"),
        ({"home_find": "nul\0"}, "one line without control characters"),
        ({"home_find": "\u2028"}, "must not be empty"),
        ({"home_find": "a\u2028b"}, "one line without control characters"),
        ({"home_find": "  "}, "must not be empty"),
        ({"home_find": 7}, "must not be empty"),
        ({"home_find": "for {name}"}, "Use no braces."),
        ({"home_find": "for {unit.pk}"}, "Use no braces."),
        ({"home_find": "a } brace"}, "Use no braces."),
        ({"home_budget": "budget"}, "must contain {year}"),
        ({"home_budget": "budget {year} {sum}"}, "Use no braces but {year}."),
        ({"home_nothing": "x"}, "There is no phrase home_nothing"),
        (["home_find"], "a mapping of keys to texts"),
    ],
)
def test_a_phrase_that_does_not_fit_is_refused_in_the_form_and_in_fixtures(phrases, message):
    unit = UnitFactory()
    unit.phrases = phrases
    with pytest.raises(ValidationError) as error:
        unit.full_clean()
    assert message in " ".join(error.value.messages)


def test_every_phrase_can_be_said_otherwise_and_is_escaped(client):
    """Each phrase that a page shows is replaced by one that no template holds; none of the portal's own is left."""
    make_everything(1)
    unit = Unit.objects.get()
    plain = {address: client.get(address).text for address in ("/", "/about/")}
    unit.phrases = {
        key: ("Ω<" + "".join(f"{{{name}}}" for name in sorted(phrase.placeholders)) + f"{number}")[: phrase.max_length]
        for number, (key, phrase) in enumerate(PHRASES.items())
    }
    unit.full_clean()
    unit.save()
    changed = {address: client.get(address).text for address in plain}
    for address, html in changed.items():
        assert html != plain[address]
        assert "Ω<" not in html
        assert html.count("Ω&lt;") >= 15
        for key in ("home_find", "home_money_sources", "about_terms", "about_sources", "site_talk"):
            assert f">{escape(PHRASES[key].text)}<" not in html


@pytest.fixture
def staff():
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


def form_data(response):
    data = {}
    forms = [response.context["adminform"].form]
    for formset in response.context["inline_admin_formsets"]:
        forms += [formset.formset.management_form, *formset.formset.forms]
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is not None and value is not False:
                data[form[name].html_name] = "on" if value is True else value
    seen = re.search(r'name="seen" value="(\w+)"', response.text)
    return {**data, "seen": seen[1] if seen else ""}


def test_staff_change_a_phrase_in_the_form_and_publish_it(staff, client):
    unit = UnitFactory()
    address = "/admin/partners/unit/1/change/"
    before = client.get("/").content
    data = form_data(staff.get(address))
    response = staff.post(address, {**data, "phrase_home_find": "Look for help", "phrase_site_talk": "Ask us"})
    assert response.status_code == 302, response.context["errors"]
    assert client.get("/").content == before
    publish(unit, by=get_user_model().objects.get())
    assert Unit.objects.get().phrases == {"home_find": "Look for help", "site_talk": "Ask us"}
    assert "Look for help" in client.get("/").text
    assert form_data(staff.get(address))["phrase_home_find"] == "Look for help"


def test_the_form_says_what_is_wrong_at_the_field(staff):
    UnitFactory()
    address = "/admin/partners/unit/1/change/"
    data = form_data(staff.get(address))
    response = staff.post(address, {**data, "phrase_home_budget": "budget"})
    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {
        "phrase_home_budget": ["“Below the budget” must contain {year}, which the page replaces."]
    }
    assert Unit.objects.get().phrases == {}
