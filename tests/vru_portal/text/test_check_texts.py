import pytest
from django.core.management import call_command
from django.db import connection

from partners.models import Organisation
from tests.support.factories import OrganisationFactory


def said(capsys):
    call_command("check_texts")
    return capsys.readouterr().out


@pytest.mark.django_db
def test_stored_texts_that_could_not_be_entered_today_are_listed_and_left_alone(capsys):
    organisation = OrganisationFactory(name="Moor Trust", summary="Fine.")
    assert said(capsys) == "All texts and dates are valid.\n"
    with connection.cursor() as cursor:  # as it was stored before there was a rule
        cursor.execute("UPDATE partners_organisation SET name = %s, as_at = '0024-05-01'", ["Moor\u200b Trust"])
    listed = said(capsys)
    assert f"organisation {organisation.pk}, name: 'Moor\\u200b Trust' has invisible characters" in listed
    assert f"organisation {organisation.pk}, as at: Check the year of 1 May 0024" in listed
    assert listed.endswith("\n2 to correct.\n")
    assert Organisation.objects.get().name == "Moor\u200b Trust"
