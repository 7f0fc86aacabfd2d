"""Files of payments: by the admin and by the commands, with the same rules and the same words."""

from datetime import date
from decimal import Decimal

import pytest

from funding.models import Payment
from funding.resources import PaymentResource
from tests.funding.resources.files import BOTH_IMPORTS, as_csv, as_xlsx, payment, run
from tests.support.factories import AllocationFactory, OrganisationFactory, PaymentFactory

pytestmark = pytest.mark.django_db


@BOTH_IMPORTS
@pytest.mark.parametrize(("suffix", "made"), [("csv", as_csv), ("xlsx", as_xlsx)])
def test_payments_are_recorded_with_each_exception(import_file, suffix, made, client, officer, source, tmp_path):
    on, other = (AllocationFactory(funding_source=source) for _ in range(2))
    payee = OrganisationFactory()
    rows = [
        payment(on, payee=payee.slug),
        payment(on, reference="FIN-2", net="88.01", irrecoverable_vat="0"),
        payment(other, reference="FIN-3", paid_on="2031-05-05"),
        payment(other, reference="FIN-4", paid_on="2031-05-31"),
        payment(other, reference="FIN-5", paid_on="2031-03-31"),
        payment(other, reference="FIN-6", net="-1", irrecoverable_vat="-0.20"),
    ]
    output = import_file("pay", made(rows), client, tmp_path, suffix)
    assert "Recorded: 6 payments, £134.81 together." in output
    for sentence in (
        "Row 3, FIN-2: £0.01 over its allocation of £100.",
        "Row 4, FIN-3: Paid before its evidence assessment was approved on 6 May 2031.",
        "Row 5, FIN-4: Paid after 30 May 2031, the deadline for spending the money.",
        "Paid outside the financial year 2031-32.",
    ):
        assert sentence in output, output
    assert "Row 2," not in output
    first = Payment.objects.get(reference="FIN-1")
    assert (first.amount, first.net, first.payee, first.recorded_by) == (
        Decimal("12.00"),
        Decimal("10.00"),
        payee,
        officer,
    )
    assert Payment.objects.get(reference="FIN-2").payee == on.recipient
    output = import_file("pay", made(rows), client, tmp_path, suffix)
    assert Payment.objects.count() == 6
    assert "Nothing was recorded" not in output


@BOTH_IMPORTS
def test_a_payment_that_is_recorded_otherwise_is_refused_with_the_way_out(
    import_file, client, officer, source, tmp_path
):
    on = AllocationFactory(funding_source=source)
    PaymentFactory(allocation=on, reference="FIN-1", paid_on=date(2031, 5, 20), amount=Decimal("12.00"), purpose="Oil.")
    output = import_file("pay", as_csv([payment(on, net="10.01"), payment(on, reference="FIN-2")]), client, tmp_path)
    assert "Row 2: FIN-1 is already recorded, with other values:" in output
    assert "amount is £12, not £12.01" in output
    assert "Reverse it, then record the correct payment under a new reference." in output
    assert Payment.objects.count() == 1


@BOTH_IMPORTS
def test_what_is_no_payment_is_refused_in_plain_words(import_file, client, officer, source, tmp_path):
    on = AllocationFactory(funding_source=source)
    draft = OrganisationFactory(state="draft")
    cases = [
        ({"allocation": "nothinghere"}, "Row {}, allocation: There is no allocation 'nothinghere'."),
        ({"allocation": ""}, "Row {}, allocation: This cell is empty. Fill it in."),
        ({"payee": "nobody"}, "Row {}, payee: There is no organisation 'nobody'."),
        ({"payee": draft.slug}, "is a draft. Publish it first: payments are public immediately."),
        ({"paid_on": "20/05/31"}, "Row {}, paid_on: Enter the year with four digits: 2031, for example, not 31."),
        ({"paid_on": "57849"}, "Row {}, paid_on: “57849” is how a spreadsheet stores 19 May 2058."),
        ({"paid_on": "2031-06-02"}, "Row {}, paid_on: The date must be today or in the past"),
        ({"net": "10.005"}, "Row {}, net: “10.005” has fractions of a penny"),
        ({"net": "1,00"}, "Row {}, net: Enter a full stop before the pence of “1,00”"),
        (
            {"irrecoverable_vat": ""},
            "Row {}, irrecoverable_vat: Enter the VAT that cannot be recovered beside the net amount",
        ),
        ({"net": "0", "irrecoverable_vat": "0"}, "£0.00"),
        ({"reference": ""}, "Row {}, reference: This cell is empty. Fill it in."),
    ]
    rows = [payment(on, reference=f"FIN-{number}") | change for number, (change, _) in enumerate(cases)]
    output = import_file("pay", as_csv(rows), client, tmp_path)
    for number, (_, sentence) in enumerate(cases, 2):
        assert sentence.format(number) in output, (sentence, output)
    assert not Payment.objects.exists()


def test_a_sum_without_net_states_no_vat_and_empty_rows_are_skipped(officer, source):
    on = AllocationFactory(funding_source=source)
    row = {"reference": "FIN-1", "allocation": on.public_id, "paid_on": "2031-05-20", "amount": "£1,012.50"}
    result = run(PaymentResource, as_csv([row, dict.fromkeys(row, "")]), officer)
    assert (result.problems, len(result.new), result.unchanged) == ([], 1, 0)
    recorded = Payment.objects.get()
    assert (recorded.amount, recorded.irrecoverable_vat) == (Decimal("1012.50"), None)


@BOTH_IMPORTS
def test_control_characters_are_refused_in_a_sentence_and_lines_and_tabs_are_not(
    import_file, client, officer, source, tmp_path
):
    on = AllocationFactory(funding_source=source)
    rows = [
        payment(on, reference="R\x001"),
        payment(on, reference="R2", purpose="a\x1b[31mb"),
        payment(on, reference="R3", allocation="\x00A"),
    ]
    output = import_file("pay", as_csv([{"purpose": ""} | row for row in rows]), client, tmp_path)
    assert "Row 2, reference: Delete the control character U+0000, which is not visible." in output
    assert "Row 3, purpose: Delete the control character U+001B" in output
    assert "Row 4, allocation: Delete the control character U+0000" in output
    assert not Payment.objects.exists()
    import_file("pay", as_csv([payment(on, purpose="One\r\ntwo\tthree\x0bfour")]), client, tmp_path)
    assert Payment.objects.get().purpose == "One\ntwo\tthree\nfour"


def test_a_file_of_payments_asks_few_questions_of_each_row(officer, source, django_assert_max_num_queries):
    on = AllocationFactory(funding_source=source)
    rows = [payment(on, reference=f"FIN-{number}") for number in range(20)]
    with django_assert_max_num_queries(20 * 16 + 15):
        assert not run(PaymentResource, as_csv(rows), officer).problems
