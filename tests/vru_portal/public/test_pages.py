"""What holds of every public page, with little content, with much and with none."""

import re
from html import unescape
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.urls import reverse

from programmes.models import PreventionLevel
from tests.support.canaries import RECORDS, insert_canaries
from tests.support.crawler import Elements, crawl, pages, sitemap
from tests.support.factories import (
    ContactPointFactory,
    EventFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    StatementFactory,
    StoryFactory,
    UnitFactory,
    make_everything,
)
from vru_portal.publishing import snapshots
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.xdist_group("crawls")]

LISTS = ("/", "/about/", "/initiatives/", "/funding/", "/partners/", "/events/", "/declaration/", "/news/", "/contact/")
FORMS = {"/declaration/ask/"}  # linked for people, not for search engines
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def policy(value):
    return {part.strip() for part in value.split(";")}


def test_each_page_leads_to_where_a_mistake_is_reported(client):
    make_everything(1)
    for address in (*LISTS, "/search/", "/nope/", "/data/", "/publications/"):
        text = client.get(address, follow=True).text
        assert f'href="{reverse("partners:contact")}#mistake"' in text, address


def test_an_email_about_a_mistake_names_the_page(client):
    unit = UnitFactory()
    address = InitiativeFactory(slug="night-bus").get_absolute_url()
    assert ">Email us" not in client.get(address).text, "before the unit has an email address"
    ContactPointFactory(unit=unit, kind="email", value="a@moor.example.org")
    for page in (address, "/", "/payments/?q=bus", "/nope/"):
        text = client.get(page).text
        text = text.replace('<span class="govuk-visually-hidden">', "")  # in the foot, the rest is for screen readers
        links = re.findall(r'href="(mailto:a@moor\.example\.org\?[^"]*)">Email us about this page<', text)
        assert len(links) == (2 if page == address else 1)
        for link in links:
            named = parse_qs(urlsplit(unescape(link)).query)
            here = settings.PORTAL_URL + page.partition("?")[0]
            assert (named["subject"], named["body"]) == ([f"Something wrong on {here}"], [f"Page: {here}\n\n"])


def test_on_paper_a_filtered_list_says_what_it_was_filtered_by(client):
    make_everything(1)
    level = PreventionLevel.objects.get(slug="first")
    text = client.get(f"/initiatives/?level={level.slug}&sort=name&q=&utm=x").text
    assert f'class="printed">http://localhost:8000/initiatives/?level={level.slug}&amp;sort=name, as it was' in text
    assert 'rel="canonical" href="http://localhost:8000/initiatives/"' in text
    assert f"for “{level.name}”" in client.get("/search/", {"q": level.name}).text


# No unit at all ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [*LISTS, "/nope/", "/initiatives/nope/", "/news/nope/"])
def test_an_empty_portal_says_that_it_is_empty_and_how_to_fill_it(client, address):
    response = client.get(address)
    assert response.status_code == 503
    text = Elements(response.text).text
    assert "No unit has been loaded yet" in text
    assert "manage.py load_unit" in text


@pytest.mark.parametrize("address", ["/healthz", "/robots.txt"])
def test_an_empty_portal_still_answers_machines(client, address):
    assert client.get(address).status_code == 200


def test_staff_can_sign_in_to_an_empty_portal(client):
    assert client.get("/admin/login/").status_code == 200


# A unit and nothing else ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "missing"),
    [
        ("/", "No budget has been published yet."),
        ("/about/", ""),
        ("/initiatives/", "No initiatives have been published yet"),
        ("/funding/", "No budget has been published yet"),
        ("/partners/", "Not stated"),
        ("/events/", "No events have been published yet"),
        ("/declaration/", "The text has not been published."),
        ("/news/", "No news yet"),
        ("/contact/", "Not stated"),
    ],
)
def test_a_page_without_content_says_what_is_missing_and_makes_nothing_up(client, address, missing):
    UnitFactory()
    response = client.get(address)
    assert response.status_code == 200
    text = Elements(response.text).text
    assert missing in text
    assert not re.search(
        r"£0|\bNone\b(?! (is )?published| yet| recorded)|\bTBC\b|\bTBA\b|00:00|\bnull\b|\bnan\b|1970|Lorem", text
    )


def test_optional_facts_that_are_not_stated_leave_no_trace_of_a_default(client):
    unit = UnitFactory()
    LevelFactory(slug="first")
    InitiativeFactory(slug="walk", level__slug="second")
    PostFactory(person=PersonFactory(slug="vale"), organisation=OrganisationFactory(slug="body", summary=""))
    EventFactory(slug="day")
    FundingSourceFactory(year__first_year=2031)
    StatementFactory(slug="word", speaker=None, body_name="The team")
    StoryFactory(slug="news")
    assert unit.host is None
    found = pages(crawl(client))
    assert "null" in found.pop("/api/v1/").text  # which explains what JSON has for what is not stated
    for address, page in found.items():
        assert not re.search(
            r"£0|\bNone\b(?! (is )?published| yet| recorded)|\bTBC\b|00:00|\bnull\b|1970", page.text
        ), address


# Everything ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(standing):
    """What the site map of a unit with three of everything lists, and every public address of it, asked once."""
    with standing():
        make_everything(3)
        StoryFactory(slug="draft-story", state=State.DRAFT)
        client = Client()
        listed = sitemap(client)
        found = crawl(client, "/nope/", "/initiatives/?q=nothing&level=x", "/initiatives/?sort=name")
    return listed, found


@pytest.fixture
def answers(everything):
    return everything[1]


def test_every_link_on_every_page_leads_somewhere(answers):
    assert {a: r.status_code for a, r in answers.items() if r.status_code not in (200, 302)} == {"/nope/": 404}
    assert len(answers) > 50
    ids = {
        address: {attributes["id"] for _, attributes in page.elements if attributes.get("id")}
        for address, page in pages(answers).items()
    }
    for address, page in pages(answers).items():
        assert len(ids[address]) == sum(bool(a.get("id")) for _, a in page.elements), f"{address}: an id twice"
        for tag, attributes in page.elements:
            target, _, fragment = (attributes.get("href") or "").partition("#")
            if tag == "a" and fragment and (target or address) in ids:
                assert fragment in ids[target or address], f"{address} links to {attributes['href']}"


def test_every_element_of_every_page_is_closed_where_it_ends(answers):
    """A browser ends a paragraph at a block inside it, and shows what follows in another style."""
    assert {address: page.misplaced for address, page in pages(answers).items() if page.misplaced} == {}


def test_no_public_page_sets_a_cookie_or_breaks_the_policy_on_styles_and_scripts(answers):
    for address, response in answers.items():
        if address in FORMS:  # against forgery, as the page on cookies says
            assert list(response.cookies) == ["csrftoken"], address
            continue
        assert not response.cookies, address
        assert "Set-Cookie" not in response.headers, address
        assert "Cookie" not in response.headers.get("Vary", ""), address
    for address, page in pages(answers).items():
        for tag, attributes in page.elements:
            assert "style" not in attributes, address
            assert tag != "style", address
            assert not [name for name in attributes if name.startswith("on")], address
            if tag == "script":
                assert attributes.get("src") or attributes["type"] == "application/ld+json", address


def test_every_page_has_one_main_heading_a_title_of_its_own_and_a_language(answers):
    titles: dict[str, list[str]] = {}
    for address, page in pages(answers).items():
        tags = [tag for tag, _ in page.elements]
        head = tags[: tags.index("body")]  # a drawing has a title of its own
        assert (tags.count("h1"), tags.count("main"), head.count("title")) == (1, 1, 1), address
        assert ("html", {"lang": "en-GB"}) in page.elements, address
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels)), address
        titles.setdefault(page.text[: page.text.index("|")], []).append(address.partition("?")[0])
    assert {title: set(found) for title, found in titles.items() if len(set(found)) > 1} == {}


def test_no_page_names_anything_outside_that_a_browser_would_fetch(answers):
    for address, page in pages(answers).items():
        for tag, attributes in page.elements:
            if tag in ("script", "img", "link", "iframe", "source", "video", "audio", "object", "embed", "form"):
                for name in ("src", "href", "srcset", "data", "action"):
                    value = attributes.get(name) or ""
                    own = tag == "link" and attributes.get("rel") == "canonical"
                    assert own or not re.match(r"(https?:)?//", value), f"{address}: {value}"


def test_no_text_of_any_record_is_markup_on_any_page(client):
    make_everything(1)
    written = 0
    for model in RECORDS:
        for root in [row for row in model._default_manager.order_by("pk") if row.is_public]:
            for row in snapshots.record_and_parts(root):
                written += len(insert_canaries(row, canary="<u>canary</u>"))
                row.save()
    assert written > 60
    html = {
        address: response.text
        for address, response in crawl(client).items()
        if response.headers["Content-Type"].startswith("text/html")
    }
    assert len([address for address, text in html.items() if "&lt;u&gt;canary" in text]) > 20
    assert [address for address, text in html.items() if "<u>canary" in text] == []


def test_names_of_two_hundred_characters_are_shown_whole(client):
    long = "Wanderwegweiserkommission " * 7 + "der sieben Moore"
    unit = UnitFactory(organisation__name=long)
    name = long[:-9] + "Initiative"
    level = LevelFactory(name="W" * 60)
    InitiativeFactory(slug="walk", name=name[:160], level=level)
    body = OrganisationFactory(name="X" * 200)
    person = PersonFactory(name="Y" * 120, honorific="Professor")
    PostFactory(person=person, organisation=body, seat="executive", title="T" * 160)
    assert len(long) > 190
    for address, page in pages(crawl(client)).items():
        assert unit.name in page.text, address
    assert "X" * 200 in client.get("/partners/").text
    assert "Y" * 120 in client.get("/partners/").text
    assert name[:160] in client.get("/initiatives/").text


# Addresses for machines ------------------------------------------------------------------------------------------


def test_the_site_map_lists_every_public_address_once_and_no_other(everything):
    listed, answers = everything
    assert len(listed) == len(set(listed))
    reached = {
        address
        for address, response in answers.items()
        if response.status_code == 200
        and response.headers["Content-Type"].startswith("text/html")
        and "?" not in address
    }
    entries = {address for address in reached if re.fullmatch(r"/declaration/register/\d+/", address)}
    assert entries  # the register lists them: there may be a million
    assert set(listed) == reached - entries - FORMS - {"/search/"}
    assert "/news/draft-story/" not in listed


def test_robots_txt_keeps_crawlers_out_of_the_admin_and_names_the_site_map(client, settings):
    settings.PORTAL_URL = "https://moor.example.org"
    response = client.get("/robots.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text == ("User-agent: *\nDisallow: /admin/\nSitemap: https://moor.example.org/sitemap.xml\n")


def test_a_unit_has_its_own_colours_or_those_of_the_portal(client):
    unit = UnitFactory()
    assert client.get("/brand.css").status_code == 404
    assert "/brand.css" not in client.get("/").text
    unit.colour_ink, unit.colour_accent = "#0b3d2e", "#ffd166"
    unit.full_clean()
    unit.save()
    response = client.get("/brand.css")
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert response.content == b":root{--brand-ink:#0b3d2e;--brand-accent:#ffd166}"
    assert '<link rel="stylesheet" href="/brand.css">' in client.get("/").text
    assert '<meta name="theme-color" content="#0b3d2e">' in client.get("/").text


def test_pages_have_a_canonical_address_without_parameters(client, settings):
    settings.PORTAL_URL = "https://moor.example.org"
    UnitFactory()
    text = client.get("/initiatives/?q=walk").text
    assert '<link rel="canonical" href="https://moor.example.org/initiatives/">' in text


# Faults ------------------------------------------------------------------------------------------------------------


def test_the_404_page_helps_to_find_other_pages(client):
    UnitFactory()
    response = client.get("/nope/")
    assert response.status_code == 404
    page = Elements(response.text)
    assert "Page not found" in page.text
    for name in ("home", "programmes:initiatives", "partners:directory", "partners:contact"):
        assert reverse(name) in page.links("/nope/")
    assert ("meta", {"name": "robots", "content": "noindex"}) in page.elements


@pytest.mark.parametrize("name", ["400.html", "403_csrf.html", "500.html", "no_unit.html"])
def test_error_pages_need_no_database_and_no_context(name, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = Elements(render_to_string(name))
    assert [tag for tag, _ in page.elements].count("h1") == 1


def test_the_500_page_does_not_show_the_error(monkeypatch):
    UnitFactory()

    def fail(*args, **kwargs):
        raise RuntimeError("CANARY")

    monkeypatch.setattr("programmes.views.get_page_or_404", fail)
    client = Client(raise_request_exception=False)
    response = client.get("/initiatives/")
    assert response.status_code == 500
    assert "There is a problem with this site" in response.text
    assert "CANARY" not in response.text
    assert "Traceback" not in response.text


# Headers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/", "/initiatives/", "/nope/", "/initiatives/?q=%00", "/brand.css"])
def test_security_headers_are_on_every_response(client, address):
    UnitFactory()
    headers = client.get(address).headers
    assert policy(headers["Content-Security-Policy"]) == policy(HEADERS["Content-Security-Policy"])
    for name in set(HEADERS) - {"Content-Security-Policy"}:
        assert headers.get(name) == HEADERS[name], name
    assert "Server" not in headers
    assert "X-Powered-By" not in headers


def test_the_admin_has_security_headers_and_is_never_stored(admin_client):
    headers = admin_client.get("/admin/").headers
    assert policy(headers["Content-Security-Policy"]) == policy(HEADERS["Content-Security-Policy"])
    assert {name: headers[name] for name in HEADERS if name != "Content-Security-Policy"} == {
        name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"
    }
    assert "no-store" in headers["Cache-Control"]


@override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=31_536_000)
def test_the_public_is_led_to_https(client):
    response = client.get("/about/")
    assert (response.status_code, response.headers["Location"]) == (301, "https://testserver/about/")
    UnitFactory()
    assert client.get("/about/", secure=True).headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_another_host_is_refused(client):
    UnitFactory()
    response = client.get("/", headers={"host": "evil.example.org"})
    assert response.status_code == 400
    assert "There is a problem with this request" in response.text


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_pages_that_only_show_refuse_other_methods(method):
    UnitFactory()
    client = Client(enforce_csrf_checks=True)
    assert getattr(client, method)("/initiatives/").status_code in (403, 405)


def test_a_page_answers_head_and_says_when_nothing_changed(client):
    UnitFactory()
    first = client.get("/about/")
    assert client.head("/about/").content == b""
    assert first.headers["ETag"]
    assert client.get("/about/", headers={"if-none-match": first.headers["ETag"]}).status_code == 304


def test_the_admin_lets_nobody_in_who_is_not_staff(client):
    UnitFactory()
    member = get_user_model().objects.create_user("member", password="long-enough-1")  # noqa: S106
    client.force_login(member)
    for address in ("/admin/", "/admin/programmes/initiative/"):
        response = client.get(address)
        assert (response.status_code, response.headers["Location"]) == (302, f"/admin/login/?next={address}")


def test_the_site_map_names_the_portals_own_address_whatever_name_it_was_asked_by(client, settings):
    text = client.get("/sitemap.xml", headers={"host": "127.0.0.1"}).text
    assert f"<loc>{settings.PORTAL_URL}/</loc>" in text
    assert "127.0.0.1" not in text
