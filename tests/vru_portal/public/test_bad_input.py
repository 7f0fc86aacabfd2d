"""Whatever is in an address, the answer is a helpful page, never an error."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partners.models import Organisation
from programmes.models import Initiative
from tests.support.crawler import Elements
from tests.support.factories import make_everything
from tests.vru_portal.test_queries import IN_ADMIN, place, slugs

pytestmark = pytest.mark.django_db

PARAMETERS = ("q", "level", "audience", "setting", "area", "partner", "sort", "page")
HOSTILE = {
    "a NUL": "%00",
    "a NUL among letters": "wa%00lk",
    "10,000 characters": "x" * 10_000,
    "10,000 digits": "9" * 10_000,
    "10,000 spaces and letters": "a+" * 5_000,
    "invalid UTF-8": "%ff%fe",
    "half a character": "%e2%82",
    "a surrogate": "%ed%a0%80",
    "an emoji": "%F0%9F%9A%B6",
    "a letter beyond Unicode's first plane and a combining one": "%F0%9F%8F%B4%F3%A0%81%A7%CC%81",
    "right to left": "%E2%80%AE%D9%A1",
    "SQL": "'%20OR%201=1;--",
    "SQL wildcards": "%25_%5C",
    "a script": "%3Cscript%3Ealert(1)%3C/script%3E",
    "a template": "{{%207*7%20}}{%25%20load%20x%20%25}",
    "a path": "../../etc/passwd",
    "line breaks": "%0d%0aSet-Cookie:%20a=b",
    "brackets": "[]{}()",
    "nothing": "",
    "a number": "-1",
    "a percent sign": "%",
}
# SQLite takes any text: what it could choke on are large numbers, and patterns that are too long or have a NUL.
FOR_SQLITE = ("a NUL", "10,000 characters", "10,000 digits", "10,000 spaces and letters", "a number")
HOSTILE_HERE = HOSTILE if connection.vendor == "postgresql" else {name: HOSTILE[name] for name in FOR_SQLITE}


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        make_everything(1)
        yield


def helps(response, address):
    """Whether the answer is a page of ours, that leads on."""
    assert response.status_code in (200, 404), f"{address[:80]}: {response.status_code}"
    assert f'<a href="{reverse("programmes:initiatives")}"' in response.text, address[:80]
    assert "<script>alert(1)</script>" not in response.text
    return response.status_code


@pytest.mark.parametrize("value", HOSTILE_HERE.values(), ids=HOSTILE_HERE)
def test_no_parameter_of_any_list_can_break_it(client, furnished, value):
    for parameter in (*PARAMETERS, "nonsense"):
        helps(client.get(f"/initiatives/?{parameter}={value}"), parameter)
    for path in ("/", "/prevention/first/", "/news/", "/partners/", "/events/", "/funding/2031-32/"):
        helps(client.get(f"{path}?page={value}&as_at={value}"), path)
    assert client.get(f"/sitemap.xml?p={value}").status_code in (200, 404)


@pytest.mark.parametrize("value", HOSTILE_HERE.values(), ids=HOSTILE_HERE)
def test_no_path_can_break_a_page(client, furnished, value):
    for path in ("initiatives", "prevention", "news", "funding", "partners", "people", "messages", "events", "nope"):
        response = client.get(f"/{path}/{value}/")
        assert response.status_code in (404, 301) or (value == "" and response.status_code in (200, 302))
        if response.status_code == 404:
            helps(response, path)


@pytest.mark.parametrize(
    "path",
    [
        "/initiatives/no-such/",
        "/prevention/no-such/",
        "/news/no-such/",
        "/partners/no-such/",
        "/people/no-such/",
        "/messages/no-such/",
        "/events/no-such/",
        "/funding/2019-21/",
        "/funding/abcd/",
        "/funding/2031/",
        "/funding/2031-33/",
        "/funding/2099-00/",
        "/funding/1999-00/",
        "/funding/2031-32/../",
        "/funding/٢٠٣١-٣٢/",
        "/funding/2031-32%0a/",
        "/funding/2031%E2%80%9332/",
        "/initiatives/UPPER%20CASE/",
        "/initiatives/a/b/c/",
    ],
)
def test_what_is_not_there_is_a_404_that_helps(client, furnished, path):
    assert helps(client.get(path), path) == 404


LISTS = ["/initiatives/", "/prevention/first/", "/news/", "/partners/", "/events/"]


@pytest.mark.once
@pytest.mark.parametrize("page", ["0", "-1", "abc", "1" + "0" * 60, "1.5", "", "1e1", "٢"])
@pytest.mark.parametrize("path", LISTS)
def test_a_page_that_a_list_does_not_have_is_a_404_that_helps(client, furnished, path, page):
    assert helps(client.get(path, {"page": page}), path) == 404


@pytest.mark.once
@pytest.mark.parametrize("path", LISTS)
def test_a_page_past_the_end_leads_to_the_last(client, furnished, path):
    for page in ("2", "999999", "1" + "0" * 30):
        response = client.get(path, {"sort": "name", "page": page})
        assert (response.status_code, response.headers["Location"]) == (302, f"{path}?sort=name"), page


@pytest.mark.parametrize(
    ("question", "explained"),
    [
        ("level=no-such", "no-such"),
        ("audience=no-such", "no-such"),
        ("setting=no-such", "no-such"),
        ("area=no-such", "no-such"),
        ("partner=no-such", "no-such"),
        ("q=zzznothing", "zzznothing"),
        ("q=" + "x" * 201, "200 characters"),
        ("level=first&level=no-such", "no-such"),
    ],
)
def test_a_search_that_finds_nothing_says_why_and_what_to_try(client, furnished, question, explained):
    response = client.get(f"/initiatives/?{question}")
    assert response.status_code == 200
    page = Elements(response.text)
    assert "No initiatives match these filters" in page.text
    assert explained in page.text
    assert "/initiatives/" in page.links("/initiatives/")


@pytest.mark.parametrize("question", ["sort=backwards", "sort=", "nonsense=1", "sort=%F0%9F%9A%B6"])
def test_an_unknown_order_or_parameter_never_claims_that_nothing_is_published(client, furnished, question):
    response = client.get(f"/initiatives/?{question}")
    assert response.status_code == 200
    assert "No initiatives have been published yet" not in response.text


def test_parameters_may_be_repeated(client, furnished):
    for parameter in PARAMETERS[:-1]:
        helps(client.get("/initiatives/?" + "&".join(f"{parameter}=value-{n}" for n in range(100))), parameter)
    helps(client.get("/initiatives/?page=1&page=1"), "page")
    helps(client.get("/initiatives/?q=a&q=walk"), "q")


def test_more_parameters_than_anybody_asks_are_refused_with_a_page(furnished):
    client = Client(raise_request_exception=False)
    response = client.get("/initiatives/?" + "&".join(f"level=value-{n}" for n in range(5_000)))
    assert response.status_code == 400
    assert "There is a problem with this request" in response.text


def test_as_many_words_as_a_search_takes_are_searched_for(client, furnished):
    response = client.get("/initiatives/", {"q": " ".join("abcdefghij" * 10)})
    assert response.status_code == 200


def test_wildcards_are_letters_like_any_other(client, furnished):
    for words in ("%", "_", "\\", "%25", "' OR 1=1 --"):
        text = Elements(client.get("/initiatives/", {"q": words}).text).text
        assert "No initiatives match these filters" in text, words


text = st.text(max_size=40) | st.sampled_from(["first", "name", "1", "2", "walk", "\0", "-1", "audience-0"])
questions = st.lists(st.tuples(st.sampled_from([*PARAMETERS, "x"]) | text, text), max_size=6)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(questions)
def test_no_question_that_can_be_asked_breaks_the_catalogue(client, furnished, question):
    from urllib.parse import urlencode

    address = "/initiatives/?" + urlencode(question, errors="surrogatepass")
    helps(client.get(address), address)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.binary(max_size=60))
def test_no_bytes_in_a_question_break_the_catalogue(client, furnished, raw):
    quoted = "".join(f"%{byte:02x}" for byte in raw)
    helps(client.get(f"/initiatives/?q={quoted}&level={quoted}"), quoted)


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


@pytest.mark.parametrize("value", HOSTILE_HERE.values(), ids=HOSTILE_HERE)
def test_no_search_breaks_a_list_of_the_admin(staff, furnished, value):
    everywhere = "%00" in value or len(value) > 1_000
    for model in IN_ADMIN if everywhere else (Initiative, Organisation):
        address = place(model, "changelist")
        # an address as long as that of no list is refused
        assert staff.get(f"{address}?q={value}").status_code in (200, 302, 400, 404), address
    assert staff.get(f"/admin/programmes/initiative/?state__exact={value}").status_code in (200, 302, 400, 404)
    assert staff.get(f"/admin/programmes/initiative/{value}/change/").status_code in (301, 302, 404)
    autocomplete = "/admin/autocomplete/?app_label=programmes&model_name=initiative&field_name=level&term="
    assert staff.get(autocomplete + value).status_code in (200, 404)


def test_the_rows_that_these_tests_use_are_there(client, furnished):
    for name, slug in slugs().items():
        folder = {"organisation": "partners", "person": "people", "publication": "publications"}
        folder |= {"statement": "messages", "story": "news", "heading": "funding/headings"}
        assert client.get(f"/{folder.get(name, 'initiatives')}/{slug}/").status_code == 200
