"""What cells name: organisations, initiatives, sources and allocations, by address, id or name; and payments twice."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from funding.models import Allocation, Payment
from funding.resources import AllocationResource, PaymentResource
from funding.rules.payments import pay
from programmes.models import Initiative
from tests.funding.resources.files import BOTH_IMPORTS, allocation, as_csv, payment, run
from tests.support.factories import AllocationFactory, OrganisationFactory, PaymentFactory
from tests.support.money.ledger import fill, year_with_everything
from tests.support.spreadsheets import through_uk_excel
from vru_portal.ledger.append_only.recording import reverse
from vru_portal.ledger.money import format_pounds
from vru_portal.tabular.readers import CSV, XLSX
from vru_portal.text.dates import format_date

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "cell",
    [
        "Example: Community trust",
        "example: community  TRUST",
        "example-community-trust",
        "https://portal.example/partners/example-community-trust/",
        "/partners/example-community-trust/",
    ],
)
def test_a_payee_is_found_by_name_or_address(cell, officer, source):
    on = AllocationFactory(funding_source=source)
    body = OrganisationFactory(name="Example: Community trust", slug="example-community-trust")
    assert run(PaymentResource, as_csv([payment(on, payee=cell)]), officer).problems == []
    assert Payment.objects.get().payee == body


def test_a_name_that_several_have_is_refused_with_their_addresses(officer, source):
    on = AllocationFactory(funding_source=source)
    for name, slug in (("O\u2019Neill Trust", "oneill"), ("O\u2018NEILL Trust", "o-neill")):
        OrganisationFactory(name=name, slug=slug)
    assert run(PaymentResource, as_csv([payment(on, payee="O'Neill Trust")]), officer).problems == [
        'Row 2, payee: More than one organisation is called "O\'Neill Trust". Enter one of o-neill and oneill instead.'
    ]


def test_an_allocation_is_found_by_its_id_or_by_what_describes_no_other(officer, source):
    on, other = (AllocationFactory(funding_source=source) for _ in range(2))
    same = AllocationFactory(funding_source=source, initiative=other.initiative, recipient=on.recipient)
    cells = [
        str(on),
        f"{on.initiative}, {on.recipient}",
        on.initiative.slug,
        on.public_id.upper(),
        str(other.recipient),
    ]
    rows = [payment(on, reference=f"FIN-{n}", allocation=cell) for n, cell in enumerate(cells)]
    assert run(PaymentResource, as_csv(rows), officer).problems == []
    assert [row.allocation for row in Payment.objects.order_by("pk")] == [on] * 4 + [other]
    ambiguous = run(PaymentResource, as_csv([payment(on, reference="F", allocation=str(other.initiative))]), officer)
    assert ambiguous.problems == [
        f"Row 2, allocation: More than one allocation is called '{other.initiative}'. "
        f"Enter one of {' and '.join(sorted(map(described, [other, same])))} instead."
    ]


def described(row):
    """An allocation as a message names it among others of the same name: its id alone says nothing to most people."""
    sum_, day = format_pounds(row.amount), format_date(row.awarded_on)
    return f"{row.public_id} ({sum_} for {row.initiative}, {row.recipient}, {day})"


def test_an_allocation_names_source_initiative_and_recipient(officer, source):
    row = allocation(source)
    recipient = OrganisationFactory(name="Lamp Trust")
    initiative = Initiative.objects.get(slug=row["initiative"])
    row |= {"source": "CHEST", "initiative": initiative.name, "recipient": "lamp trust", "kind": "Grant"}
    assert run(AllocationResource, as_csv([row]), officer).problems == []
    assert Allocation.objects.get().recipient == recipient


@pytest.mark.parametrize("made", [lambda content: content, through_uk_excel], ids=["as it is", "through Excel"])
def test_the_published_lists_come_back_in_without_a_change(made, client, officer, time_machine):
    time_machine.move_to(date(2032, 5, 6))
    full = fill(year_with_everything())
    PaymentFactory(allocation=full, reference="000123", purpose="=1+1", paid_on=date(2031, 6, 1), department="2011-12")
    for name, resource in (("payments", PaymentResource), ("allocations", AllocationResource)):
        for form, kind in (("csv", CSV), ("xlsx", XLSX)):
            content = client.get(f"/funding/2031-32/{name}.{form}").getvalue()
            result = run(resource, made(content) if form == "csv" else content, officer, form=kind)
            assert (result.problems, len(result.new)) == ([], 0), (name, form)
            assert result.unchanged == len(result.rows) > 1
            assert any(sentence.startswith("Columns that were ignored: ") for sentence in result.reading)


def test_a_reference_that_was_recorded_with_an_apostrophe_is_the_same_payment(officer, source):
    """Earlier versions kept it."""
    on = AllocationFactory(funding_source=source)
    PaymentFactory(allocation=on, reference="'EXAMPLE-00001", paid_on=date(2031, 5, 19), amount=Decimal(7))
    for reference in ("EXAMPLE-00001", "'example-00001"):
        result = run(PaymentResource, as_csv([payment(on, reference=reference)]), officer)
        assert "is already recorded" in " ".join(map(str, result.problems)), reference


@BOTH_IMPORTS
@pytest.mark.parametrize(
    "reference", ["example-00001", "EXAMPLE\u201000001", "Example-00001 ", "'EXAMPLE-00001", "\uff25XAMPLE-00001"]
)
def test_references_that_look_alike_are_one_payment(import_file, reference, client, officer, source, tmp_path):
    on = AllocationFactory(funding_source=source)
    PaymentFactory(allocation=on, reference="EXAMPLE-00001", paid_on=date(2031, 5, 19), amount=Decimal(7))
    output = import_file("pay", as_csv([payment(on, reference=reference)]), client, tmp_path)
    assert "is already recorded" in output
    assert Payment.objects.count() == 1
    with pytest.raises(ValidationError, match="already recorded"):
        pay(
            by=officer,
            payment=Payment(reference=reference, allocation=on, paid_on=date(2031, 5, 20), amount=Decimal(7)),
        )


def test_the_database_takes_no_reference_twice(source):
    on = AllocationFactory(funding_source=source)
    first = PaymentFactory(allocation=on, reference="EXAMPLE-00001")
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentFactory(allocation=on, reference="example-00001")
    if connection.vendor == "sqlite":  # REPLACE would remove the row that has the key
        names = [f.attname for f in Payment._meta.concrete_fields if not f.primary_key and f.name != "reference"]
        columns = ", ".join(names)
        with pytest.raises(IntegrityError, match="already recorded"), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT OR REPLACE INTO funding_payment (reference, {columns}) "  # noqa: S608 - names of columns
                f"SELECT 'example-00001', {columns} FROM funding_payment"
            )
    assert Payment.objects.get() == first


def test_the_same_reference_twice_in_a_file_is_refused_with_the_other_row(officer, source):
    on = AllocationFactory(funding_source=source)
    rows = [payment(on, reference="FIN-1"), payment(on, reference="fin\u20131", net="3")]
    assert run(PaymentResource, as_csv(rows), officer).problems == ["Row 3, reference: Row 2 has the same reference."]


def test_what_may_be_a_payment_twice_is_a_note(officer, source, tmp_path):
    on = AllocationFactory(funding_source=source)
    PaymentFactory(allocation=on, reference="OLD-1", paid_on=date(2031, 5, 20), amount=Decimal(12))
    taken_back = PaymentFactory(allocation=on, reference="OLD-2", paid_on=date(2031, 5, 21), amount=Decimal(12))
    reverse(taken_back, by=officer, reason="Wrong")
    days = ("20/5/2031", "20 May 2031", "21/5/2031")
    rows = [payment(on, reference=f"NEW-{n}", paid_on=day) for n, day in enumerate(days, 1)]
    path = tmp_path / "file.csv"
    path.write_bytes(as_csv(rows))
    said = io.StringIO()
    call_command("pay", str(path), by="officer", dry_run=True, stdout=said)
    notes = [line for line in said.getvalue().splitlines() if line.startswith("Check: ")]
    assert notes == [
        "Check: Row 2: Same allocation, day and sum as OLD-1. Check that it is another payment.",
        "Check: Row 3: Same allocation, day and sum as NEW-1. Check that it is another payment.",
    ]


def test_a_number_that_a_spreadsheet_shortened_is_no_reference(officer, source):
    on = AllocationFactory(funding_source=source)
    (problem,) = run(PaymentResource, as_csv([payment(on, reference="1.23457E+15")]), officer).problems
    assert "“1.23457E+15” was shortened by a spreadsheet. Format the column as text and try again." in problem


def test_the_trial_shows_each_value_as_it_was_understood(officer, source):
    on = AllocationFactory(funding_source=source)
    body = OrganisationFactory(name="Lamp Trust", slug="lamp")
    rows = [
        payment(on, payee="LAMP", paid_on="20/05/2031", net="(978.00)", irrecoverable_vat="0"),
        payment(on, reference="FIN-2", net="£1,234.56 CR", irrecoverable_vat="0"),
    ]
    first, second = run(PaymentResource, as_csv(rows), officer, dry_run=True).new
    assert first.cells == ("FIN-1", str(on), "20 May 2031", "-£978 (refund)", "£0", body.name, "Oil.")
    assert second.cells[3] == "-£1,234.56 (refund)"
