"""What `manage.py reconcile` proves of a ledger."""

import re
from decimal import Decimal

import pytest
from django.db import connection, transaction

from funding.models import Allocation, Payment
from funding.reconcile import outputs
from tests.support.factories import (
    ContractCopyFactory,
    FundingSourceFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    YearFactory,
)
from tests.support.money.ledger import ask_for_reasons, award, fill, irregularity, pay, reconciled, year_with_everything
from vru_portal.ledger.append_only.database import DatabaseTriggers
from vru_portal.ledger.append_only.recording import reverse
from vru_portal.ledger.money import format_pounds as pounds

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("year_is_over")]
PENNY = Decimal("0.01")


@pytest.mark.both
def test_a_clean_ledger_agrees_in_every_output():
    fill(year_with_everything())
    code, said = reconciled()
    assert (code, "Differences: none" in said) == (0, True), said
    for output in ("Database, in SQL", "Page", "CSV", "JSON", "XLSX"):
        assert re.search(rf"{output} +£3,000.50 +£1,623.95 +£1,100.51 +£1,100.51\n", said), said
    assert re.search(r"All +£1,100.51 +£523.44 +£0 +£1,376.55 +£0 +£3,000.50", said), said
    for output in ("Database, in SQL", "JSON", "XLSX"):
        assert re.search(rf"{output} +£1,500.50 +£1,100.50\n", said), said


def test_before_anything_is_allocated_all_is_well():
    year_with_everything()
    code, said = reconciled()
    assert code == 0, said
    assert "no grants have been recorded" in said


def test_before_any_source_is_known_all_is_well():
    UnitFactory()
    assert reconciled()[0] == 0


@pytest.mark.both
def test_carried_money_is_counted_once():
    year = year_with_everything()
    first = year.sources.first()
    FundingSourceFactory(year=YearFactory(first_year=2032), amount=Decimal("400.00"), carried_from=first)
    code, said = reconciled()
    assert code == 0, said
    assert re.search(r"Chest 0 +£0 +£0 +£0 +£600 +£400 +£1,000", said), said


@pytest.mark.parametrize("count", [1, 21, 321])
def test_a_list_of_any_length_agrees_with_the_database(count):
    """Sources and totals are on each page of a long list, and count once."""
    year = year_with_everything()
    first, second = year.sources.order_by("position")
    allocation = award(first, "1.25")
    pay(allocation, "1.00")
    copies = [copied(allocation, public_id=f"{allocation.public_id}-{n}") for n in range(1, count)]
    Allocation.objects.bulk_create(copies)
    pay(award(second, "5.00"), "5.00")
    payment = pay(allocation, "0.10")
    payments = [copied(payment, reference=f"MANY-{n}", allocation=copies[n]) for n in range(min(count - 1, 120))]
    Payment.objects.bulk_create(payments)
    code, said = reconciled()
    assert code == 0, said
    assert re.search(rf"Page +£3,000.50 +{re.escape(pounds(Decimal('1.25') * count + 5))} ", said), said


def copied(row, **values):
    """Return another row like one that is there."""
    made = type(row).objects.get(pk=row.pk)
    made.pk = None
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def recording(monkeypatch):
    """Somebody records a payment of a penny after the first file of payments was read, as often as is said."""

    def _recording(allocation, times):
        left, fetch = [*range(times)], outputs.fetch

        def _fetch(path):
            content = fetch(path)
            if path.endswith("payments.csv") and left:
                pay(allocation, f"0.0{1 + left.pop()}")
            return content

        monkeypatch.setattr(outputs, "fetch", _fetch)

    return _recording


def test_what_is_recorded_during_a_check_makes_no_difference(recording):
    """A control that could not be true: the payment was in the files read after it, and not in the sums before it."""
    allocation = award(year_with_everything().sources.first(), "10.00")
    pay(allocation, "1.00")
    recording(allocation, times=1)
    code, said = reconciled()
    assert (code, "Differences: none" in said) == (0, True), said


def test_where_somebody_always_records_meanwhile_differences_are_said_to_be_uncertain(recording):
    allocation = award(year_with_everything().sources.first(), "10.00")
    recording(allocation, times=9)
    code, said = reconciled()
    assert (code, "Something was recorded each time while this was checked" in said) == (1, True), said


@pytest.mark.both
def test_a_sum_may_be_larger_than_any_payment():
    year = year_with_everything()
    for number in range(2):
        source = FundingSourceFactory(year=year, slug=f"big-{number}", amount=Decimal("999999999999.99"))
        allocation = award(source, "999999999999.99", kind="contract")
        ContractCopyFactory(allocation=allocation)
        pay(allocation, "999999999999.99")
    code, said = reconciled()
    assert code == 0, said
    assert "£1,999,999,999,999.98" in said


def test_a_reference_may_look_like_a_formula_or_begin_with_an_apostrophe():
    allocation = award(year_with_everything().sources.first(), "10.00")
    for reference in ("'0042", "=1+1", "-77", "@8", "'=9", "''7", "+44"):
        PaymentFactory(allocation=allocation, amount=Decimal("20.00"), reference=reference)
    code, said = reconciled()
    assert (code, "Differences: none" in said) == (2, True), said


def test_a_total_of_more_figures_than_a_spreadsheet_keeps_is_exact_to_the_penny():
    year = year_with_everything()
    allocation = award(year.sources.first(), "10.00", kind="contract")
    ContractCopyFactory(allocation=allocation)
    for _ in range(321):
        pay(allocation, "999999999999.99")
    assert "Differences: none" in reconciled()[1]


# What is served, and wrong --------------------------------------------------------------------------------------------

YEAR = "/funding/2031-32/"


def test_a_page_that_fails_is_a_difference(monkeypatch):
    fill(year_with_everything())
    monkeypatch.setattr("vru_portal.tabular.downloads.csv_parts", lambda table: 1 / 0)
    code, said = reconciled()
    assert (code, "payments.csv returned status 500" in said) == (1, True), said


# A penny in the database, past the triggers ---------------------------------------------------------------------------


@pytest.mark.both
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE funding_allocation SET amount = amount + 0.01 WHERE amount = 1000", "1000.01 is allocated"),
        ("UPDATE funding_fundingsource SET amount = amount - 0.01 WHERE amount = 1000", "brings 999.99"),
        ("UPDATE funding_fundingsource SET amount = amount + 0.01 WHERE amount = 1000", "add up to 3000.51"),
        ("UPDATE funding_payment SET amount = amount + 0.01 WHERE amount < -1", "does not reverse the full amount"),
        ("UPDATE funding_allocation SET amount = amount - 0.01 WHERE amount < 0", "does not reverse the full amount"),
        ("UPDATE programmes_assessmentdecision SET decided_on = '2031-05-07'", "no assessment that somebody else"),
    ],
)
def test_a_penny_in_the_rows_is_found_with_the_missing_triggers(sql, said):
    fill(year_with_everything(stated_total=Decimal("3000.50")))
    with transaction.atomic():
        DatabaseTriggers(connection).remove()
        with connection.cursor() as cursor:
            cursor.execute(sql)
            assert cursor.rowcount
        code, report = reconciled()
        DatabaseTriggers(connection).install()
    assert code == 1
    assert said in report, report
    assert "The database is missing a trigger: funding_payment_no_update" in report


# Exceptions and omissions ---------------------------------------------------------------------------------------------


def test_exceptions_are_listed_with_their_reasons_and_have_a_code_of_their_own():
    irregularity(fill(year_with_everything()))
    code, said = reconciled()
    assert code == 2, said
    assert "Differences: none" in said
    line = next(line for line in said.splitlines() if "LATE-1" in line)
    for words in ("£5,000", "over its allocation", "Paid after 31 March 2032", "outside the financial year"):
        assert words in line, line
    assert line.endswith("The oil came late.")


def test_an_exception_that_is_not_shown_as_one_is_a_difference(plant):
    irregularity(fill(year_with_everything()))
    plant(f"{YEAR}payments.csv", lambda content: re.sub(rb'"[^"]*outside the financial[^"]*"', b'""', content))
    code, said = reconciled()
    assert code == 1
    assert "2031-32, CSV of payments: LATE-1 is not shown as an exception" in said, said


def test_a_contract_without_copy_and_an_item_without_its_reasons_are_named():
    year = year_with_everything()
    source = FundingSourceFactory(year=year, amount=Decimal("20000.00"), position=9)
    contract = award(source, "10000.01", kind="contract")
    award(source, "9999.99", kind="contract")
    ask_for_reasons()
    pay(contract, "500.01", reference="ITEM-1")
    pay(contract, "500.00", reference="ITEM-2")
    code, said = reconciled()
    assert code == 2, said
    assert f"Contract {contract}" in said
    assert "no copy is published" in said
    assert "Payment ITEM-1, £500.01: “Worth it” is not stated." in said
    assert "ITEM-2" not in said
    assert "Not published yet: 2\n" in said


def test_one_year_can_be_asked_for():
    fill(year_with_everything())
    PaymentFactory(allocation=award(FundingSourceFactory(year__first_year=2033)), paid_on="2031-05-06")
    assert reconciled("--year", "2031-32")[0] == 0
    code, said = reconciled("--year", "2033-34")
    assert (code, "2031-32" in said.replace("financial year 2031-32", "")) == (2, False), said
    assert "is not a financial year" in reconciled("--year", "2031")[1]


def test_a_year_without_a_source_cannot_be_asked_for():
    fill(year_with_everything())
    YearFactory(first_year=2034)
    for label in ("2033-34", "2034-35"):
        said = f"\nNo source of money is recorded for {label}, so there is nothing to check."
        assert reconciled("--year", label) == (1, said)


@pytest.mark.both
@pytest.mark.parametrize("taken_back", [0, 1, 2])
def test_a_payment_on_what_was_taken_back_is_an_exception_and_no_difference(taken_back):
    year, by = year_with_everything(), UserFactory()
    sources = list(year.sources.order_by("position"))
    allocation = award(sources[0])
    reverse(allocation, by=by, reason="Withdrawn.")
    for source in sources[:taken_back]:
        reverse(source, by=by, reason="Never came.")
    for source in sources[taken_back:]:
        pay(award(source, "70.00"), "7.00")
    pay(allocation, "50.00", reference="TOO-LATE")
    code, said = reconciled()
    assert (code, "Differences: none" in said) == (2, True), said
    assert "Payments that are exceptions: 1\n" in said
    assert re.search(r"2031-32: TOO-LATE, £50: .*£50 over its allocation of £0", said), said
    assert bool(re.search(r"Chest 0 \(reversed\) +£50 +£0 +£50 +£0 +£0 +£0", said)) == (taken_back > 0), said
    assert reconciled("--year", "2031-32")[0] == 2


def test_a_source_that_was_taken_back_before_money_moved_is_not_listed():
    year = year_with_everything()
    reverse(year.sources.first(), by=UserFactory(), reason="Never came.")
    code, said = reconciled()
    assert (code, "Chest 0" in said, "Chest 1" in said) == (0, False, True), said


def test_more_paid_back_than_was_paid_is_an_exception():
    allocation = award(year_with_everything().sources.first())
    pay(allocation, "5.00")
    pay(allocation, "-6.00", reference="BACK-1")
    code, said = reconciled()
    assert (code, "Differences: none" in said) == (2, True), said
    assert "Payments that are exceptions: 1\n" in said
    assert "2031-32: BACK-1, -£6" in said, said
