"""Writing in the admin: the field, its preview, its links; and that nothing which is written can run, on any page."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from programmes.models import Initiative, Picture
from tests.support.factories import (
    EventFactory,
    InitiativeFactory,
    OrganisationFactory,
    PersonFactory,
    StatementFactory,
    StoryFactory,
    UnitFactory,
    make_everything,
)
from vru_portal.publishing.state import State
from vru_portal.staff.markdown_field import GUIDE, MarkdownWidget
from vru_portal.text.markdown import MAX_CHARACTERS, is_markdown, render

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def staff():
    client = Client()
    client.force_login(get_user_model().objects.create_user("staff", is_staff=True))
    return client


@pytest.fixture
def chief():
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("chief"))
    return client


# The field ------------------------------------------------------------------------------------------------------------

MARKDOWN = [
    (model, field) for model in apps.get_models() for field in model._meta.concrete_fields if is_markdown(field)
]


def test_every_field_that_says_markdown_has_the_guide_and_the_preview(rf, chief):
    make_everything(1)
    request = rf.get("/")
    request.user = get_user_model().objects.get(username="chief")
    shown = []
    for model, field in MARKDOWN:
        model_admin = admin.site._registry.get(model)
        if model_admin is None or not hasattr(model_admin, "fieldsets"):
            continue
        shown_field = model_admin.formfield_for_dbfield(field, request)
        assert isinstance(shown_field and shown_field.widget, MarkdownWidget), (model, field)
        shown.append(f"{model._meta.model_name}.{field.name}")
    assert len(shown) >= 10, shown


def test_the_form_works_without_a_script_and_has_none_inside(chief):
    UnitFactory()
    page = chief.get("/admin/programmes/initiative/add/").text
    assert '<textarea name="description"' in page
    assert "How to write headings, lists and links" in page
    assert '<script src="/static/js/markdown.js"></script>' in page
    assert not re.search(r"<script(?![^>]*(src|type=\"application/json\"))[^>]*>", page)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", page)


def test_the_guide_shows_what_really_becomes_of_it(chief):
    UnitFactory()
    page = chief.get("/admin/programmes/initiative/add/").text
    for _, text in GUIDE:
        assert render(text) in page
        assert render(text) != f"<p>{text}</p>\n"


# The preview ----------------------------------------------------------------------------------------------------------


def test_the_preview_is_what_the_page_will_show(staff):
    response = staff.post("/admin/markdown/", {"text": "Two *words*\n\n<script>alert(1)</script>"})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert response.text == render("Two *words*\n\n<script>alert(1)</script>")
    assert staff.post("/admin/markdown/", {}).text == ""
    assert staff.post("/admin/markdown/", {"text": "a\0b"}).status_code == 200


def test_the_preview_shows_what_would_be_stored_and_names_what_is_left_out(staff):
    response = staff.post("/admin/markdown/", {"text": "•\tone\r\n•\ttwo\r\n\r\n![](/pictures/a/)"})
    assert response.text.startswith("<ul>\n<li>one</li>\n<li>two</li>\n</ul>")
    assert "Not shown:</p><ul><li>The picture /pictures/a/ has no alternative text." in response.text


def test_a_form_refuses_a_text_that_would_lose_something(chief):
    UnitFactory()
    page = chief.post("/admin/programmes/story/add/", {"body": "![](/pictures/a/)"}).text
    assert "The picture /pictures/a/ has no alternative text. Write what it shows" in page


def test_the_preview_refuses_what_the_form_would(staff):
    assert staff.post("/admin/markdown/", {"text": "é" * MAX_CHARACTERS}).status_code == 200
    refused = staff.post("/admin/markdown/", {"text": "x" * (MAX_CHARACTERS + 1)})
    assert refused.status_code == 413
    assert refused.text == "This text has 100,001 characters. Shorten it to 100,000, or upload a document.\n"


@pytest.mark.parametrize(("model", "field"), [pair for pair in MARKDOWN if not hasattr(pair[0], "history_date")])
def test_every_markdown_field_refuses_what_could_not_be_shown(model, field):
    def told(text):
        try:
            model(**{field.name: text}).clean_fields()
        except ValidationError as error:
            return error.message_dict.get(field.name)

    assert told("[" * 10_001) == [
        "This text has 10,001 line breaks, brackets, asterisks and other marks. Keep to 10,000."
    ]
    assert told("[" * 10_000) is None


def test_only_staff_ask_for_either_and_the_preview_wants_its_token():
    UnitFactory()
    user = get_user_model().objects.create_user("visitor")
    visitor = Client()
    visitor.force_login(user)
    for client in (Client(), visitor):
        assert client.post("/admin/markdown/", {"text": "x"}).status_code == 302
        assert client.get("/admin/link/?q=x").status_code == 302
    strict = Client(enforce_csrf_checks=True)
    user.is_staff = True
    user.save()
    strict.force_login(user)
    assert strict.post("/admin/markdown/", {"text": "x"}).status_code == 403


def test_each_answers_one_method(staff):
    assert staff.get("/admin/markdown/").status_code == 405
    assert staff.post("/admin/link/").status_code == 405


# Links ----------------------------------------------------------------------------------------------------------------


def found(client, words):
    return [
        (one["kind"], one["name"], one["address"]) for one in client.get("/admin/link/", {"q": words}).json()["results"]
    ]


def test_a_link_leads_to_what_the_public_can_read(staff, client):
    make_everything(2)
    unit_words = "moor", "walk", "robin", "body", "opening", "declaration", "funding", "initiative", "message", "about"
    addresses = {address for words in unit_words for _, _, address in found(staff, words)}
    assert len(addresses) > 15
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_a_mark_alone_finds_no_link(staff):
    make_everything(1)
    assert found(staff, "'") == []


def test_no_draft_is_offered(staff):
    UnitFactory()
    for factory in (
        InitiativeFactory,
        PersonFactory,
        EventFactory,
        StoryFactory,
        StatementFactory,
        OrganisationFactory,
    ):
        name = "name" if factory in (InitiativeFactory, PersonFactory, OrganisationFactory) else "title"
        factory(state=State.DRAFT, **{name: "Canary hidden"})
        factory(**{name: "Canary shown"})
    InitiativeFactory(name="Canary of a draft level", level__state=State.DRAFT)
    Picture.objects.create(title="Canary picture", slug="c", sha256="x", file="pictures/x.jpg")
    names = [name for _, name, _ in found(staff, "canary")]
    assert len(names) == 6
    assert all("shown" in name for name in names)


def test_odd_questions_find_nothing_and_break_nothing(staff):
    make_everything(1)
    for words in ("", "   ", "%", "'; --", "x" * 5000, "é\u202e"):
        assert len(found(staff, words)) <= 60


def test_a_name_with_brackets_cannot_break_the_link(staff):
    UnitFactory()
    InitiativeFactory(name="Walk] (here) [x")
    assert [name for _, name, _ in found(staff, "walk")] == ["Walk) (here) (x"]


def test_links_ask_the_same_number_of_questions_however_many_records(staff):
    make_everything(1)

    def asked():
        with CaptureQueriesContext(connection) as queries:
            found(staff, "a")
        return len(queries)

    one = asked()
    for number in range(8):
        InitiativeFactory(name=f"Alas {number}", level=Initiative.objects.all()[0].level)
        PersonFactory()
    assert asked() == one
    assert one <= 20


# Pictures, and what must not run --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("![Two walkers](/pictures/a-walk/)", '<p><img src="/pictures/a-walk/" alt="Two walkers" loading="lazy"></p>'),
        ("![](/pictures/a-walk/)", "<p></p>"),
        ("![  ](/pictures/a-walk/)", "<p></p>"),
        ("![x](/pictures/../admin/)", "<p></p>"),
        ("![x](/pictures/a-walk/?x=1)", "<p></p>"),
        ("![x](/documents/a/)", "<p></p>"),
        ("![x](//evil.example.org/pictures/a/)", "<p></p>"),
        ("![x](https://evil.example.org/pictures/a/)", "<p></p>"),
        ("![x](data:image/png;base64,AAAA)", None),
        ('![x" onerror="alert(1)](/pictures/a/ "t" )', None),
    ],
)
def test_a_picture_in_a_text_is_one_of_ours_and_says_what_it_shows(text, html):
    shown = render(text).strip()
    if html is not None:
        assert shown == html
    assert harm(shown) == []


PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example.org/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<form action='https://evil.example.org'><input name=a></form>",
    "<style>*{background:url(//evil.example.org)}</style>",
    "<link rel=stylesheet href=//evil.example.org/x.css>",
    "<base href='https://evil.example.org/'>",
    "<meta http-equiv=refresh content='0;url=//evil.example.org'>",
    "<object data='javascript:alert(1)'></object>",
    "<embed src='javascript:alert(1)'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><script>alert(1)</script>-->",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](javascript:alert(1))",
    '![x](/pictures/a/" onerror="alert(1))',
    '[x](/a "title\\" onmouseover=alert(1)")',
    "```html\n<script>alert(1)</script>\n```",
    '``` "><script>alert(1)</script>\nx\n```',
    "\\<script>alert(1)\\</script>",
]


class Harm(HTMLParser):
    """What could run in a page's HTML, or fetch from elsewhere."""

    TAGS = {"iframe", "svg", "math", "object", "embed", "style", "base", "form", "details", "noscript", "script"}

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag in self.TAGS:
            self.found.append(tag)
        for name, value in attrs:
            address = re.sub(r"\s", "", (value or "").lower())
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.found.append(f"{tag} {name}")
            if name in ("href", "src", "action") and address.startswith(("javascript:", "data:", "vbscript:", "file:")):
                self.found.append(f"{tag} {name}={value}")
            # What a page tells search engines is text.
            is_text = (tag, name) == ("meta", "content") and "http-equiv" not in dict(attrs)
            if "evil.example.org" in address and tag != "a" and not is_text:
                self.found.append(f"{tag} {name}={value}")


def harm(html):
    parser = Harm()
    parser.feed(html)
    return parser.found


def test_that_test_sees_harm():
    assert harm("<svg onload=x><a href=' java\tscript:x'><img src=//evil.example.org>") == [
        "svg",
        "svg onload",
        "a href= java\tscript:x",
        "img src=//evil.example.org",
    ]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_is_written_can_run(payload):
    assert harm(render(payload)) == []
    assert harm(render(f"- > {payload}\n\n## {payload}")) == []


def test_nothing_runs_on_any_page_that_shows_markdown(client):
    """Every text field of every record that has one holds every payload; every page of the site map is read."""
    make_everything(1)
    everything = "\n\n".join(PAYLOADS)
    clean = {address: harm(client.get(address).text) for address in pages(client)}
    for model, field in MARKDOWN:
        if model._meta.app_label in ("partners", "programmes", "events") and not model.__name__.startswith(
            "Historical"
        ):
            model._base_manager.update(**{field.name: everything})
    shown = 0
    for address, before in clean.items():
        response = client.get(address)
        assert harm(response.text) == before, address
        shown += "alert(1)" in response.text
    assert shown >= 8


def test_headings_in_a_text_follow_those_of_any_page(client):
    """The heading before each text is one level higher, or the text's heading is of no deeper level than it."""
    make_everything(1)
    for model, field in MARKDOWN:
        if not hasattr(model, "history_date") and model._meta.model_name != "declarationversion":
            model._base_manager.update(**{field.name: "#### Written heading\n\nText"})
    shown = 0
    for address in pages(client):
        page = client.get(address).text
        levels = [
            (int(level), "Written" in text) for level, text in re.findall(r"<h(\d)[^>]*>(.*?)</h", page, re.DOTALL)
        ]
        for (above, _), (level, _) in pairwise(levels):
            assert level <= above + 1, (address, levels)
        shown += sum(written for _, written in levels)
    assert shown >= 12


def pages(client):
    return re.findall(r"<loc>https?://[^/]+([^<]*)</loc>", client.get("/sitemap.xml").text)
