"""Every list, the API and staff's searches find a name however its apostrophe, dash, case or accent is typed."""

import json
from datetime import date

import pytest

from tests.support.factories import (
    AllocationFactory,
    EntryFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PaymentFactory,
    PersonFactory,
    PostFactory,
    UnitFactory,
    UserFactory,
    YearFactory,
)

pytestmark = pytest.mark.django_db
NAME = "O\u2019Neill\u2013Müller Trust"
TYPED = ("O'Neill", "o\u02bcneill trust", "ONEILL-MULLER  trust", "O\u2019Neill\u2212Müller\u200b", "neill\u2010müller")
OTHER = "Harbour Guild"


@pytest.fixture
def content():
    UnitFactory()
    year = YearFactory(first_year=2019, spend_by=date(2020, 3, 31))
    for name in (NAME, OTHER):
        body = OrganisationFactory(name=name)
        initiative = InitiativeFactory(name=f"{name} club", lead_organisation=body)
        source = FundingSourceFactory(year=year)
        allocation = AllocationFactory(funding_source=source, initiative=initiative, recipient=body)
        PaymentFactory(allocation=allocation, payee=body, purpose=f"Rent of {name}")
        PostFactory(organisation=body, person=PersonFactory(name=f"Kim {name}"))
        entry = EntryFactory()
        entry.body.name = name
        entry.body.save()
    return year


# By address: what only a row of the list says, not a filter beside it.
PAGES = {
    "/partners/": "{}",
    "/initiatives/": "{} club",
    "/declaration/register/": "{}",
    "/funding/2019-20/payments.csv": "Rent of {}",
    "/api/v1/payments/": "Rent of {}",
}


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("path", PAGES)
def test_a_list_finds_a_name_that_looks_the_same(client, content, path, typed):
    answer = client.get(path, {"q": typed})
    assert answer.status_code == 200
    said = answer.getvalue().decode()
    said = json.dumps(json.loads(said), ensure_ascii=False) if path.startswith("/api/") else said
    assert PAGES[path].format(NAME) in said
    assert PAGES[path].format(OTHER) not in said


@pytest.mark.parametrize("typed", TYPED)
def test_the_searches_of_staff_find_a_name_that_looks_the_same(client, content, typed):
    client.force_login(UserFactory(is_superuser=True))
    for path in (
        "/admin/partners/organisation/",
        "/admin/programmes/initiative/",
        "/admin/funding/payment/",
        "/admin/declarations/signatorybody/",
        "/admin/partners/post/",
    ):
        assert client.get(path, {"q": typed}).context["cl"].result_count == 1, path
    groups = client.get("/admin/search/", {"q": typed}).context["groups"]
    assert {"organisations", "initiatives", "payments"} <= {group.title for group in groups}
    assert {group.count for group in groups} == {1}
    choices = {"app_label": "programmes", "model_name": "initiative", "field_name": "lead_organisation"}
    offered = client.get("/admin/autocomplete/", {"term": typed, **choices}).json()["results"]
    assert [one["text"] for one in offered] == [NAME]
    links = client.get("/admin/link/", {"q": typed.split()[0]}).json()["results"]
    assert NAME in [one["name"] for one in links]
