"""Two records whose names look the same would be taken for one by whoever compares names as people do."""

import pytest
from django.apps import apps

from events.declarations.models import SignatoryBody, SigningRequest
from events.declarations.rules import requests
from partners.models import Organisation, Sector
from tests.support import signing
from tests.support.crawler import text_of
from tests.support.factories import OrganisationFactory, SectorFactory, UserFactory
from tests.support.refusals import refused_in_words
from vru_portal.text.fields import LineField
from vru_portal.text.look_alikes import DistinctNames

pytestmark = pytest.mark.django_db
NAME = "O\u2019Neill\u2013Trust"
LOOK_ALIKES = (
    "O'Neill-Trust",
    "o\u02bcneill\u2010trust",
    "\uff2f\u2019Neill\u2013Trust",
    "O\u2019NEILL\u2014TRUST\u200b",
)
MADE = {
    Organisation: lambda name: OrganisationFactory(name=name),
    Sector: lambda name: SectorFactory(name=name),
    SignatoryBody: lambda name: SignatoryBody.objects.create(name=name),
}


@pytest.mark.both
@pytest.mark.parametrize("model", MADE)
@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_that_looks_like_another_is_refused_by_the_form_with_that_one(client, model, name):
    client.force_login(UserFactory(is_superuser=True))
    MADE[model](NAME)
    opts = model._meta
    said = text_of(client.post(f"/admin/{opts.app_label}/{opts.model_name}/add/", {"name": name, "slug": "other"}))
    assert f"There is already “{NAME}”, which looks the same. Use that one, or enter a name that people" in said
    assert model.objects.filter(name=NAME).count() == model.objects.count() == 1


def test_names_that_differ_by_an_accent_a_letter_or_a_space_are_two():
    SectorFactory(name="Moor Trust")
    for name in ("Moör Trust", "Moor Trusts", "MoorTrust", "Moor, Trust", "Trust"):
        Sector(name=name, slug="other").full_clean()


def test_a_name_may_be_spelt_otherwise_and_records_that_were_alike_before_can_be_edited():
    row = OrganisationFactory(name="Moor trust")
    row.name = "Moor Trust"
    row.full_clean()
    OrganisationFactory(name="Moor  Trust"), OrganisationFactory(name="MOOR TRUST")
    other = Organisation.objects.get(name="MOOR TRUST")
    other.website = "https://moor.example/"
    other.full_clean()
    third = OrganisationFactory(name="Lake")
    assert "which looks the same" in refused_in_words(third, name="moor trust")["name"][0]


def test_every_unique_line_of_a_record_is_compared_so():
    """Except what is no name: a reference that another system gave has rules of its own."""
    unlike = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.fields
        if type(field) is LineField and field.unique and not issubclass(model, DistinctNames)
    }
    assert unlike == set()


def test_a_request_in_another_spelling_is_the_same_request():
    signing.open_signing()
    for name, email in ((NAME, "ann@moor.example"), ("O'NEILL-Trust", "Ann@Moor.example")):
        requests.record_request(name=name, contact_name="Ann Lee", email=email)
    assert SigningRequest.objects.count() == 1
