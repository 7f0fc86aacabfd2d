"""The API: the rows of the files, page by page, as its OpenAPI description says."""

import json
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from jsonschema import Draft202012Validator
from schemathesis.checks import load_all_checks

from tests.support.factories import make_everything
from vru_portal.public.open_data.datasets import DATASETS
from vru_portal.web.limits import Limit

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NAMES = list(DATASETS)


@pytest.fixture(scope="module", autouse=True)
def furnished(standing):
    with standing():
        make_everything(3)
        yield


def get(client, address, **headers):
    response = client.get(address, headers=headers)
    assert response.status_code == 200, (address, response.text[:300])
    return response.json()


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_are_those_of_the_file_in_the_same_order(client, name):
    pages, address = [], f"/api/v1/{name}/?per_page=2"
    while address:
        page = get(client, address)
        pages.append(page)
        address = page["next"] and page["next"].removeprefix("http://localhost:8000")
    file = json.loads(client.get(f"/{name}.json").getvalue())
    assert [row for page in pages for row in page["rows"]] == file["rows"]
    assert {page["count"] for page in pages} == {file["count"]}
    assert {page.get("total") for page in pages} == {file.get("total")}
    assert [page["page"] for page in pages] == list(range(1, pages[0]["pages"] + 1))
    assert pages[-1]["previous"] is None or f"page={len(pages) - 1}" in pages[-1]["previous"]


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("nought/", 404, "/api/v1/initiatives/"),
        ("a/b/c", 404, "/api/v1/initiatives/"),
        ("initiatives/?page=99", 404, "/api/v1/initiatives/?page=1"),
        ("initiatives/?page=0", 400, "from 1 to 999999"),
        ("initiatives/?per_page=201", 400, "from 1 to 200"),
        ("initiatives/?page=1&page=2", 400, "from 1 to 999999"),
        ("initiatives/?level=nought", 400, "Use one of: first"),
        ("initiatives/?sort=age", 400, "Use one of: level, name."),
        ("initiatives/?colour=red", 400, "Use one of: q, level, audience,"),
        ("payments/?kind=gift", 400, "Use one of: grant, contract, own."),
        ("payments/?kind=", 400, "Remove empty values"),
        ("payments/?as_at=2999-01-01", 404, "in the past"),
        ("datasets/?page=2", 400, "no parameters"),
        ("initiatives/?q=%00", 404, "/api/v1/initiatives/"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(client, address, status, said):
    response = client.get(f"/api/v1/{address}")
    assert (response.status_code, response["Content-Type"]) == (status, "application/json; charset=utf-8")
    assert said in response.text
    assert response["Access-Control-Allow-Origin"] == "*"


def test_an_answer_that_is_known_is_not_sent_again(client):
    response = client.get("/api/v1/partners/")
    known = client.get("/api/v1/partners/", headers={"if-none-match": response["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_scripts_of_other_sites_may_ask_and_nobody_may_write(client):
    asked = client.options("/api/v1/partners/", headers={"access-control-request-headers": "if-none-match"})
    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (204, "*")
    assert "If-None-Match" in asked["Access-Control-Allow-Headers"]
    assert client.post("/api/v1/partners/").status_code == 405
    head = client.head("/api/v1/partners/")
    assert (head.status_code, head.content) == (200, b"")


def test_it_asks_as_often_for_many_rows_as_for_few(client, django_assert_max_num_queries):
    for name in NAMES:
        get(client, f"/api/v1/{name}/")
        with django_assert_max_num_queries(35):
            get(client, f"/api/v1/{name}/")


def test_its_page_documents_every_list_under_the_policy_of_all_pages(client):
    response = client.get("/api/v1/")
    assert "script" not in response["Content-Security-Policy"].replace("default-src", "")
    for name in NAMES:
        assert f'href="/api/v1/{name}/"' in response.text
    assert "<script src" not in response.text


def test_its_description_holds_an_example_that_is_valid(client):
    document = get(client, "/api/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    for name in NAMES:
        operation = document["paths"][f"/api/v1/{name}/"]["get"]
        content = operation["responses"]["200"]["content"]["application/json"]
        schema = content["schema"] | {"components": document["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(content["example"])
        assert len(operation["parameters"]) >= 2  # the pages; most have filters, too


def test_its_description_says_which_values_each_parameter_takes(client):
    paths = get(client, "/api/v1/openapi.json")["paths"]
    for path in paths:
        for parameter in paths[path]["get"].get("parameters", []):
            schema = parameter["schema"].get("items", parameter["schema"])
            limits = {"enum", "format", "maximum", "maxLength", "pattern"}
            assert limits & {*schema}, f"{path}?{parameter['name']}"


@contextmanager
def same_connection():
    """A request of no test client would close the connection, and what is in it; that client connects these again."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.both
def test_whatever_is_asked_within_the_description_or_beyond_is_answered_as_it_says(client, monkeypatch):
    monkeypatch.setattr(Limit, "count", lambda *_: None)
    load_all_checks()
    document = get(client, "/api/v1/openapi.json")
    schema = schemathesis.openapi.from_dict(document)
    application = get_wsgi_application()
    schema.app = application
    asked = []

    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        strategy = operation.as_strategy()
        beyond = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @hypothesis.settings(
            max_examples=12, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        @hypothesis.given(case=strategy | beyond)
        def ask(case):
            response = case.call_and_validate(
                app=application, headers={"host": "localhost:8000", "accept-encoding": "identity"}
            )
            asked.append(response.status_code)

        with same_connection():
            ask()
    assert {200, 400} <= set(asked)
    assert settings.PORTAL_URL == "http://localhost:8000"
