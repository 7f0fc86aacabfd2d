"""A year's sums in every state, and as they were known on a day or are dated by it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from funding.models import FundingSource
from funding.year_accounts import year_accounts
from tests.support.factories import (
    AllocationFactory,
    FundingSourceFactory,
    PaymentFactory,
    PublicationFactory,
    YearFactory,
    reverse,
)
from vru_portal.ledger.cut_off import NOW, Basis, CutOff

pytestmark = pytest.mark.django_db

SUMS = ("total", "allocated", "paid", "to_pay", "over", "carried", "unallocated")


def on(day):
    """Be somewhere else in time: what is recorded there is recorded on that day, at noon."""
    return time_machine.travel(datetime.fromisoformat(f"{day}T12:00:00+00:00"), tick=False)


def sums(year, cut_off=NOW):
    """Return the year's sums; each source's add up to what it brings."""
    accounts = year_accounts(year, FundingSource.objects.filter(year=year).standing(cut_off), cut_off)
    for account in accounts.sources:
        left = account.paid + account.to_pay - account.over + account.refunded_beyond_paid
        left += account.unallocated + account.carried + account.returned
        assert left == account.source.amount
    return {name: str(value) for name in SUMS if (value := getattr(accounts, name))}


def cut_off(day, basis=Basis.KNOWN):
    return CutOff(date.fromisoformat(day), basis)


@pytest.fixture
def year():
    return YearFactory(first_year=2031)


@pytest.fixture
def source(year):
    return FundingSourceFactory(year=year, amount=Decimal("100.00"), source__published_on=date(2031, 4, 2))


def test_a_year_without_anything_has_no_sums(year):
    assert sums(year) == {}


def test_each_state_has_its_sums(year, source):
    assert sums(year) == {"total": "100.00", "unallocated": "100.00"}
    allocation = AllocationFactory(funding_source=source, amount=Decimal("60.00"))
    assert sums(year) == {"total": "100.00", "allocated": "60.00", "to_pay": "60.00", "unallocated": "40.00"}
    payment = PaymentFactory(allocation=allocation, amount=Decimal("70.00"))
    expected = {"total": "100.00", "allocated": "60.00", "paid": "70.00", "over": "10.00", "unallocated": "40.00"}
    assert sums(year) == expected
    PaymentFactory(allocation=allocation, amount=Decimal("-20.00"))
    assert sums(year) == {
        "total": "100.00", "allocated": "60.00", "paid": "50.00", "to_pay": "10.00", "unallocated": "40.00",
    }  # fmt: skip
    reverse(payment)
    assert sums(year)["paid"] == "-20.00"
    carried = FundingSourceFactory(year=YearFactory(first_year=2032), carried_from=source, amount=Decimal("40.00"))
    assert sums(year)["carried"] == "40.00"
    assert "unallocated" not in sums(year)
    assert sums(carried.year) == {"total": "40.00", "unallocated": "40.00"}
    reverse(carried)
    assert sums(year)["unallocated"] == "40.00"
    assert sums(carried.year) == {}


def test_an_allocation_over_which_more_is_paid_lends_nothing_to_another(year, source):
    first, second = (AllocationFactory(funding_source=source, amount=Decimal("50.00")) for _ in "ab")
    PaymentFactory(allocation=first, amount=Decimal("60.00"))
    assert sums(year) == {"total": "100.00", "allocated": "100.00", "paid": "60.00", "to_pay": "50.00", "over": "10.00"}
    PaymentFactory(allocation=second, amount=Decimal("50.00"))
    assert sums(year)["over"] == "10.00"


def test_a_payment_on_a_reversed_allocation_is_over_by_all_of_it(year, source):
    allocation = AllocationFactory(funding_source=source)
    reverse(allocation)
    PaymentFactory(allocation=allocation, amount=Decimal("5.00"))
    assert sums(year) == {"total": "100.00", "paid": "5.00", "over": "5.00", "unallocated": "100.00"}


def test_a_reversed_source_brings_nothing(year, source):
    reverse(source)
    assert sums(year) == {}


def test_payments_after_the_last_day_are_late_unless_reversed():
    source = FundingSourceFactory(year=YearFactory(first_year=2031, spend_by=date(2031, 9, 30)))
    allocation = AllocationFactory(funding_source=source)
    PaymentFactory(allocation=allocation, amount=Decimal("5.00"), paid_on=date(2031, 9, 30))
    PaymentFactory(allocation=allocation, amount=Decimal("7.00"), paid_on=date(2031, 10, 1))
    reverse(PaymentFactory(allocation=allocation, amount=Decimal("9.00"), paid_on=date(2031, 10, 1)))
    assert str(year_accounts(source.year, source.year.sources.standing()).late) == "7.00"


def test_pennies_add_up(year):
    source = FundingSourceFactory(year=year, amount=Decimal("0.30"))
    for amount in ("0.10", "0.20"):
        PaymentFactory(
            allocation=AllocationFactory(funding_source=source, amount=Decimal(amount)), amount=Decimal(amount)
        )
    assert sums(year) == {"total": "0.30", "allocated": "0.30", "paid": "0.30"}


def test_a_correction_leaves_what_was_known_and_changes_what_is_dated(year, source):
    """On 10 June £60 is allocated, dated 10 May. On 1 September £55 takes its place, dated 10 May too."""
    with on("2031-06-10"):
        wrong = AllocationFactory(funding_source=source, amount=Decimal("60.00"), awarded_on=date(2031, 5, 10))
    with on("2031-06-20"):
        payment = PaymentFactory(allocation=wrong, amount=Decimal("6.00"), paid_on=date(2031, 6, 15))
    with on("2031-09-01"):
        reverse(payment)
        reverse(wrong)
        right = AllocationFactory(funding_source=source, amount=Decimal("55.00"), awarded_on=date(2031, 5, 10))
        PaymentFactory(allocation=right, amount=Decimal("6.00"), paid_on=date(2031, 6, 15))

    before = {"total": "100.00", "unallocated": "100.00"}
    entered = {"total": "100.00", "allocated": "60.00", "to_pay": "60.00", "unallocated": "40.00"}
    paid = entered | {"paid": "6.00", "to_pay": "54.00"}
    corrected = {"total": "100.00", "allocated": "55.00", "paid": "6.00", "to_pay": "49.00", "unallocated": "45.00"}
    known = {
        "2031-06-09": before,
        "2031-06-10": entered,
        "2031-06-20": paid,
        "2031-08-31": paid,
        "2031-09-01": corrected,
    }
    assert {day: sums(year, cut_off(day)) for day in known} == known
    unpaid = {"total": "100.00", "allocated": "55.00", "to_pay": "55.00", "unallocated": "45.00"}
    dated = {"2031-05-09": before, "2031-05-10": unpaid, "2031-06-14": unpaid, "2031-06-15": corrected}
    assert {day: sums(year, cut_off(day, Basis.DATED)) for day in dated} == dated
    assert sums(year) == corrected


def test_a_source_is_known_once_it_is_published_and_dated_by_its_day(year):
    with on("2031-07-01"):
        published = PublicationFactory(published_on=date(2031, 6, 1))
        FundingSourceFactory(year=year, source=published, as_at=date(2031, 5, 1))
    assert [bool(sums(year, cut_off(day))) for day in ("2031-05-31", "2031-06-01")] == [False, True]
    assert [bool(sums(year, cut_off(day, Basis.DATED))) for day in ("2031-04-30", "2031-05-01")] == [False, True]


def test_what_is_recorded_in_place_of_a_source_was_not_known_before(year):
    """Both cite the same publication: the day of that does not make the second sum known from then on."""
    published = PublicationFactory(published_on=date(2031, 4, 1))
    with on("2031-04-02"):
        wrong = FundingSourceFactory(year=year, source=published, amount=Decimal("140.00"))
    with on("2031-06-01"):
        reverse(wrong)
        FundingSourceFactory(year=year, source=published, amount=Decimal("150.00"))
    assert [sums(year, cut_off(day))["total"] for day in ("2031-04-15", "2031-06-01")] == ["140.00", "150.00"]
    assert sums(year)["total"] == "150.00"


def test_a_source_counts_before_what_depends_on_it(year):
    """So that a year adds up on each day, whatever the dates of its publications."""
    with on("2031-04-20"):
        later = PublicationFactory(published_on=date(2031, 6, 1))
        source = FundingSourceFactory(year=year, source=later, as_at=date(2031, 6, 1))
        AllocationFactory(funding_source=source, awarded_on=date(2031, 4, 10))
    assert "allocated" not in sums(year, cut_off("2031-04-19"))
    for day, basis in (("2031-04-20", Basis.KNOWN), ("2031-04-10", Basis.DATED)):
        found = sums(year, cut_off(day, basis))
        assert found["total"] == str(source.amount)
        assert found["allocated"] == "100.00"


def test_a_day_ends_at_midnight_in_london(year, source):
    with time_machine.travel(datetime(2031, 6, 10, 22, 59, tzinfo=UTC)):
        AllocationFactory(funding_source=source, amount=Decimal("1.00"))
    with time_machine.travel(datetime(2031, 6, 10, 23, 1, tzinfo=UTC)):
        AllocationFactory(funding_source=source, amount=Decimal("2.00"))
    assert sums(year, cut_off("2031-06-10"))["allocated"] == "1.00"
    assert sums(year, cut_off("2031-06-11"))["allocated"] == "3.00"
    assert "allocated" not in sums(year, cut_off("2031-06-09"))


def test_before_anything_there_is_nothing(year, source):
    AllocationFactory(funding_source=source)
    for basis in Basis:
        assert sums(year, cut_off("1999-01-01", basis)) == {}


def test_a_source_reversed_later_still_brings_what_it_was_known_to_bring(year, source):
    with on("2031-07-01"):
        reverse(source)
    assert sums(year, cut_off("2031-06-30")) == {"total": "100.00", "unallocated": "100.00"}
    assert sums(year, cut_off("2031-07-01")) == {}


@pytest.mark.parametrize("rows", [1, 3])
def test_a_years_accounts_are_the_same_questions_however_many_rows(year, source, rows, django_assert_num_queries):
    for _ in range(rows):
        PaymentFactory(allocation=AllocationFactory(funding_source=FundingSourceFactory(year=year)))
    with django_assert_num_queries(7):
        sums(year)
