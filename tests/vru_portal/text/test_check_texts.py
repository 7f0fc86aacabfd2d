import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from partners.models import Organisation
from tests.support.factories import EventFactory, OrganisationFactory, TargetFactory, YearFactory


def said(capsys):
    call_command("check_texts")
    return capsys.readouterr().out


@pytest.mark.django_db
def test_stored_texts_that_could_not_be_entered_today_are_listed_and_left_alone(capsys):
    organisation = OrganisationFactory(name="Moor Trust", summary="Fine.")
    assert said(capsys) == "All texts, dates, times and sums are valid.\n"
    with connection.cursor() as cursor:  # as it was stored before there was a rule
        cursor.execute("UPDATE partners_organisation SET name = %s, as_at = '0024-05-01'", ["Moor\u200b Trust"])
    listed = said(capsys)
    assert f"organisation {organisation.pk}, name: 'Moor\\u200b Trust' has invisible characters" in listed
    assert f"organisation {organisation.pk}, as at: Check the year of 1 May 0024" in listed
    assert listed.endswith("\n2 to correct.\n")
    assert Organisation.objects.get().name == "Moor\u200b Trust"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("factory", "field", "stored", "said_of_it"),
    [
        (OrganisationFactory, "website", "https://moor.example/\u200b", "'https://moor.example/\\u200b' has invisible"),
        (OrganisationFactory, "website", "javascript:x", "Enter a web address, such as"),
        (EventFactory, "starts_at", "09:30:15", "Leave out the seconds"),
        (YearFactory, "stated_total", "0.00", "Enter an amount of at least £0.01."),
        (TargetFactory, "count", 0, "greater than or equal to 1"),
    ],
)
def test_web_addresses_times_sums_and_counts_are_checked_too(capsys, factory, field, stored, said_of_it):
    row = factory()
    assert said(capsys) == "All texts, dates, times and sums are valid.\n"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 1")
        try:
            cursor.execute(f"UPDATE {row._meta.db_table} SET {field} = %s", [stored])  # noqa: S608 - a field's name
        except IntegrityError:
            pytest.skip("This database has a rule of its own.")
        finally:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = 0")
    listed = said(capsys)
    assert said_of_it in listed
    assert listed.endswith("\n1 to correct.\n")
