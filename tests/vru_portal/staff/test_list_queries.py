"""The addresses of the admin's lists: their own filters, and nothing else that the database would have to answer."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection

from funding.admin.imports import LedgerImport
from programmes.models import Initiative
from tests.support.factories import LevelFactory, make_everything
from tests.vru_portal.test_queries import IN_ADMIN, ids, place
from vru_portal.staff.base_admin import MAX_FILTER_VALUES, MAX_QUERY_CHARACTERS, PortalAdmin

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PATTERN = "^(([a-zA-Z]|[a-z])+)+!$"
LOOKUPS = ("regex", "iregex", "startswith", "istartswith", "contains", "gte", "in", "range", "week_day")


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        make_everything(1)
        yield


@pytest.fixture
def staff(client, furnished):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


@pytest.fixture
def sent():
    """Everything that the database is asked, with its values."""
    asked = []

    def note(execute, sql, params, many, context):
        asked.append(f"{sql} {params}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield asked


def paths_of(model):
    """Every field of a model, and every field of the models that it is related to."""
    for field in model._meta.get_fields():
        yield field.name
        if field.is_relation and field.related_model:
            yield from (f"{field.name}__{other.name}" for other in field.related_model._meta.get_fields())


@pytest.mark.parametrize("model", IN_ADMIN, ids=ids)
def test_no_lookup_that_a_list_does_not_declare_reaches_the_database(staff, sent, quiet, model):
    address = place(model, "changelist")
    # what decides is asked for every field and lookup, and the page for some
    model_admin: Any = admin.site.get_model_admin(model)
    allowed = model_admin.filter_parameters(staff.get(address).wsgi_request)
    tried = [f"{path}__{lookup}" for path in paths_of(model) for lookup in LOOKUPS]
    declared = {"id__gte"} if isinstance(model_admin, LedgerImport) else set()  # of the rows just recorded
    assert allowed & {*tried} == declared
    tried = [name for name in tried if name not in declared]
    for name in tried[:: max(1, len(tried) // 12)]:
        assert staff.get(address, {name: PATTERN}).status_code == 400, name
    assert staff.get(address, {"pk__regex": PATTERN, "o": "1"}).status_code == 400
    staff.get(address, {"id__gte": PATTERN})
    assert not [query for query in sent if "a-zA-Z" in query]


def test_every_list_is_guarded():
    assert [model for model in IN_ADMIN if not isinstance(admin.site.get_model_admin(model), PortalAdmin)] == []


def test_a_list_answers_by_its_own_filters(staff):
    address = place(Initiative, "changelist")
    row, other = Initiative.objects.get(), LevelFactory()  # a filter of one choice is not offered
    for query, found in (
        ({"state__exact": "published"}, 1),
        ({"state__exact": "draft"}, 0),
        ({"level__id__exact": row.level_id}, 1),
        ({"level__id__exact": other.pk}, 0),
    ):
        response = staff.get(address, query)
        assert response.status_code == 200, query
        assert response.context["cl"].result_count == found, query


def test_a_filter_takes_so_many_values_and_no_more(staff, quiet):
    def ask(number):
        return staff.get(place(Initiative, "changelist") + "?" + "&".join(["level__id__exact=1"] * number)).status_code

    assert (ask(MAX_FILTER_VALUES), ask(MAX_FILTER_VALUES + 1)) == (200, 400)


@pytest.mark.parametrize("name", ["q", "o", "p", "e", "all", "_facets", "_popup", "state__exact"])
def test_a_long_address_is_refused_before_a_list_repeats_it_in_each_link(staff, quiet, name):
    address = place(Initiative, "changelist")
    assert staff.get(address, {name: "x" * 100_000}).status_code == 400
    assert staff.get(f"{address}export/csv/", {name: "x" * 100_000}).status_code == 400


def test_the_longest_search_in_any_script_is_answered(staff):
    words = "\U0001f6b6" * 200
    response = staff.get(place(Initiative, "changelist"), {"q": words})
    assert len(urlencode({"q": words})) <= MAX_QUERY_CHARACTERS
    assert (response.status_code, response.context["cl"].result_count) == (200, 0)


def test_an_order_of_hundreds_of_columns_is_answered(staff):
    assert staff.get(place(Initiative, "changelist"), {"o": ".".join(["1", "-2"] * 400)}).status_code == 200


def test_a_forms_links_repeat_the_filters_of_its_list_unless_they_are_those_of_no_list(staff):
    page = place(Initiative, "change", Initiative.objects.get().pk)
    kept = "state__exact=published&q=walk"
    assert urlencode({"_changelist_filters": kept}) in staff.get(page, {"_changelist_filters": kept}).text
    long = staff.get(page, {"_changelist_filters": "q=" + "x" * 100_000}).text
    assert "xxx" not in long


def test_other_searches_of_staff_read_the_beginning_of_what_is_typed(staff):
    for address, parameter in (
        ("/admin/search/", "q"),
        ("/admin/link/", "q"),
        ("/admin/autocomplete/?app_label=programmes&model_name=initiative&field_name=level", "term"),
    ):
        response = staff.get(f"{address}{'&' if '?' in address else '?'}{parameter}={'w' * 100_000}")
        assert response.status_code == 200, address
        assert len(response.content) < 100_000, address
