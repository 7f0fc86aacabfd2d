"""Help inside the admin: each subject has a page, which the search finds and the fields that it explains link to."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test.utils import CaptureQueriesContext

from tests.support.admin_forms import admin_list_url
from tests.support.factories import AgendaItemFactory
from vru_portal.accounts import roles
from vru_portal.staff.help import subjects

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LINKED_FROM = {
    "programmes.story": {"pictures", "publishing", "sources", "writing"},
    "programmes.picture": {"publishing", "pictures"},
    "programmes.initiative": {"publishing", "sources"},
    "programmes.evidenceassessment": {"evidence"},
    "programmes.toolkitapproach": {"evidence", "publishing"},
    "programmes.synonym": {"search"},
    "partners.publication": {"publications", "publishing"},
    "funding.fundingsource": {"money", "sources"},
    "funding.allocation": {"money"},
    "declarations.invitation": {"declaration"},
}


def linked(page):
    return set(re.findall(r'href="/admin/help/([-\w]+)/"', page.text))


def test_each_subject_has_a_page(staff):
    assert len(subjects()) >= 8
    for slug, subject in subjects().items():
        page = staff.get(f"/admin/help/{slug}/")
        assert page.status_code == 200
        assert f"<h1>{subject.title}</h1>" in page.text
        assert "**" not in page.text
    assert linked(staff.get("/admin/help/")) == set(subjects())
    assert staff.get("/admin/help/nothing/").status_code == 404


@pytest.mark.parametrize("label", LINKED_FROM)
def test_forms_link_to_what_explains_them(staff, label):
    from django.apps import apps

    assert linked(staff.get(admin_list_url(apps.get_model(label), "add"))) == LINKED_FROM[label]


def test_every_subject_is_linked_from_somewhere_else_than_its_index(staff):
    item = AgendaItemFactory()
    more = (
        "/admin/programmes/preventionlevel/order/",
        "/admin/partners/legalnotice/1/change/",
        "/admin/results/measure/add/",
        f"/admin/auth/user/{get_user_model().objects.get().pk}/change/",
        f"/admin/events/agendaitem/{item.pk}/change/",
    )
    from partners.models import LegalNotice

    LegalNotice.objects.get_or_create(pk=1)
    found = set().union(*LINKED_FROM.values(), *(linked(staff.get(address)) for address in more))
    assert found == set(subjects())


def test_the_search_finds_the_subject_that_explains_a_word(staff):
    page = staff.get("/admin/search/", {"q": "lawful basis"})
    assert [subject.slug for subject in page.context["help_subjects"]] == ["personal-data"]
    assert "/admin/help/personal-data/" in page.text


def test_help_says_what_each_role_is_for():
    for role in roles.ROLES:
        assert f"**{role.name}**. {role.sentence}" in subjects()["roles"].text


def test_only_staff_read_it_and_it_costs_no_queries_of_its_own(client, staff):
    from django.db import connection

    with CaptureQueriesContext(
        connection,
    ) as start:
        staff.get("/admin/help/")
    with CaptureQueriesContext(connection) as page:
        staff.get("/admin/help/money/")
    assert len(page) == len(start) <= 8
    client.logout()
    assert client.get("/admin/help/money/").status_code == 302
