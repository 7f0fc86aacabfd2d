"""Two people edit what is no record, such as the draft of the declaration's text: nothing is overwritten unread."""

import pytest

from events.declarations.models import DeclarationVersion
from funding.models import DutyColumn, PublicationDuty
from partners.models import Sector
from tests.support.admin_forms import admin_url, form_data
from tests.support.crawler import text_of
from tests.support.factories import DutyFactory, SectorFactory, UserFactory, VersionFactory
from vru_portal.staff.records.edit_conflicts import EDIT_CONFLICT

pytestmark = pytest.mark.django_db
SAID = EDIT_CONFLICT.format("kim", "").partition(".")[0]  # kim saved this while you were editing


@pytest.fixture
def page_as(client, unit):
    accounts = {name: UserFactory(username=name, is_superuser=True) for name in ("ash", "kim")}

    def _page_as(name):
        client.force_login(accounts[name])
        return client

    return _page_as


@pytest.mark.parametrize(
    ("make", "field", "label"),
    [
        (lambda: VersionFactory(in_force_from=None, text="We sign."), "text", "Text"),
        (lambda: DutyFactory(name="The Order"), "name", "Name"),
        (lambda: SectorFactory(name="Faith"), "name", "Name"),
    ],
    ids=["declaration", "duty", "sector"],
)
def test_what_somebody_else_saved_meanwhile_is_replaced_only_once_it_is_said(page_as, make, field, label):
    row = make()
    model, address = type(row), admin_url(row)
    mine = form_data(page_as("ash").get(address)) | {field: "Mine"}
    theirs = form_data(page_as("kim").get(address)) | {field: "Theirs"}
    assert page_as("kim").post(address, theirs).status_code == 302
    page = page_as("ash").post(address, mine)
    assert page.status_code in (200, 422)
    assert SAID in text_of(page)
    assert f"yours replaces it in: {label}" in text_of(page)
    assert getattr(model.objects.get(), field) == "Theirs"
    again = form_data(page)
    assert again[field] == "Mine"  # what was typed is still there
    assert page_as("ash").post(address, again).status_code == 302
    assert getattr(model.objects.get(), field) == "Mine"


def test_rows_on_the_same_page_count_too(page_as):
    duty = DutyFactory()
    mine = form_data(page_as("ash").get(admin_url(duty)))
    DutyColumn.objects.create(duty=duty, list="items", field="purpose", label="Theirs")
    assert "Somebody else saved this while you were editing" in text_of(page_as("ash").post(admin_url(duty), mine))


def test_nobody_is_stopped_who_is_alone(page_as):
    for row in (VersionFactory(in_force_from=None), DutyFactory(), SectorFactory()):
        data = form_data(page_as("ash").get(admin_url(row)))
        assert data["seen"]
        assert page_as("ash").post(admin_url(row), data).status_code == 302
    assert {model.objects.count() for model in (DeclarationVersion, PublicationDuty, Sector)} == {1}
