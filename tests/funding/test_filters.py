from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import QueryDict

from funding.filters import AllocationFilters, PaymentFilters
from funding.missing_disclosures import all_missing_disclosures
from funding.models import Allocation, Payment
from funding.year_accounts import contract_copies_by_allocation, year_accounts
from tests.support.crawler import text_of
from tests.support.factories import (
    AllocationFactory,
    ContractCopyFactory,
    DutyFactory,
    FundingSourceFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    VariationFactory,
    YearFactory,
)
from vru_portal.ledger.append_only.recording import reverse
from vru_portal.ledger.cut_off import NOW, Basis, CutOff
from vru_portal.web.cut_off import read_cut_off

pytestmark = pytest.mark.django_db
LONDON = ZoneInfo("Europe/London")


def on(day):
    """Be at noon of a day."""
    return time_machine.travel(datetime(day.year, day.month, day.day, 12, tzinfo=LONDON), tick=False)


@pytest.fixture(autouse=True)
def later():
    """Everything that these tests record has happened."""
    with on(date(2033, 1, 1)):
        yield


@pytest.fixture
def year():
    return YearFactory(first_year=2031, spend_by=date(2032, 3, 31))


def source_of(year, **facts):
    return FundingSourceFactory(year=year, amount=Decimal("100000.00"), **facts)


def allocations(year, query, cut_off=NOW):
    sources = year.sources.standing(cut_off)
    return AllocationFilters(year, QueryDict(query), year_accounts(year, sources, cut_off))


def payments(year, query):
    return PaymentFilters(year, QueryDict(query))


@pytest.mark.parametrize(
    ("query", "cut_off"),
    [
        ("", NOW),
        ("as_at=", NOW),
        ("basis=dated", NOW),
        ("as_at=2031-12-01", CutOff(date(2031, 12, 1))),
        ("as_at=2031-12-01&basis=dated", CutOff(date(2031, 12, 1), Basis.DATED)),
        ("as_at=2032-02-29", CutOff(date(2032, 2, 29))),
        *(
            (f"as_at={typed}", CutOff(date(2031, 12, 1)))
            for typed in ("1 December 2031", "20311201", "2031-12-01T00:00")
        ),
        ("as_at=2033-01-01", CutOff(date(2033, 1, 1))),
        ("as_at=0001-01-01", CutOff(date(1, 1, 1))),
    ],
)
def test_a_day_is_read(query, cut_off):
    assert read_cut_off(QueryDict(query)) == (cut_off, {})


@pytest.mark.parametrize(
    "query",
    [
        *("as_at=2031-02-29", "as_at=2031-13-01", "as_at=31 November 2031", "as_at=2031-W01-1"),
        *("as_at=%00", "as_at=" + "9" * 10_000),
        *("as_at=2033-01-02", "as_at=9999-12-31", "as_at=0000-00-00"),
    ],
)
def test_an_invalid_or_future_date_is_an_error_of_its_field(query):
    cut_off, errors = read_cut_off(QueryDict(query))
    assert (cut_off, list(errors)) == (NOW, ["as_at"])


def test_an_unknown_basis_is_an_error(year):
    assert list(read_cut_off(QueryDict("as_at=2031-12-01&basis=guessed"))[1]) == ["basis"]
    AllocationFactory(funding_source=source_of(year))
    filters = allocations(year, "basis=guessed")
    assert (list(filters.rows), filters.count, filters.total) == ([], 0, 0)


@pytest.fixture
def several(year):
    """Allocations that differ in everything that can be filtered."""
    first, second = source_of(year, slug="one"), source_of(year, slug="two")
    low, high = LevelFactory(slug="low"), LevelFactory(slug="high")
    walk, talk = InitiativeFactory(level=low, slug="walk"), InitiativeFactory(level=high, slug="talk")
    mill, inn = (OrganisationFactory(name=name.title(), slug=name) for name in ("mill", "inn"))
    DutyFactory(contracts_over=Decimal("10000.00"))
    for source, initiative, recipient, kind, amount in (
        (first, walk, mill, "grant", "100.00"),
        (second, walk, inn, "contract", "10000.00"),
        (first, talk, mill, "contract", "10000.01"),
        (second, talk, inn, "grant", "0.01"),
    ):
        row = AllocationFactory(
            funding_source=source, initiative=initiative, recipient=recipient, kind=kind, amount=Decimal(amount)
        )
        PaymentFactory(allocation=row, amount=Decimal("0.01"))
    reverse(AllocationFactory(funding_source=first, initiative=walk), by=None, reason="A slip.")
    return year


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("", ["100.00", "10000.00", "10000.01", "0.01"]),
        ("source=one", ["100.00", "10000.01"]),
        ("source=one&source=two", ["100.00", "10000.00", "10000.01", "0.01"]),
        ("level=high&source=two", ["0.01"]),
        ("initiative=walk", ["100.00", "10000.00"]),
        ("recipient=inn", ["10000.00", "0.01"]),
        ("kind=contract", ["10000.00", "10000.01"]),
        ("duty=grants", ["100.00", "0.01"]),
        ("duty=contracts", ["10000.01"]),
        ("duty=contracts&kind=grant", []),
        ("kind=&duty=&source=", ["100.00", "10000.00", "10000.01", "0.01"]),
        ("initiative=nobody", []),
        ("initiative=walk&initiative=%00", ["100.00", "10000.00"]),
        ("initiative=walk&source=%00", []),
        ("source=" + "x" * 10_000, []),
        ("kind=gift", []),
        ("duty=items", []),
        ("sort=newest", ["0.01", "10000.01", "10000.00", "100.00"]),
        ("sort=largest", ["10000.01", "10000.00", "100.00", "0.01"]),
        ("sort=largest&kind=grant", ["100.00", "0.01"]),
        ("sort=recipient", ["10000.00", "0.01", "100.00", "10000.01"]),
        ("sort=size", ["100.00", "10000.00", "10000.01", "0.01"]),
    ],
)
def test_rows_and_sums_answer_the_same_question(several, query, amounts):
    filters = allocations(several, query)
    assert [str(row.amount) for row in filters.rows] == amounts
    assert (filters.count, filters.total) == (len(amounts), sum(map(Decimal, amounts)))
    assert filters.paid == sum((row.paid for row in filters.rows.with_paid()), Decimal(0))
    assert [row.pk for row in filters.rows] == [balance.pk for balance in filters.balances]


def test_a_contract_over_two_years_counts_with_both(several):
    first = Allocation.objects.get(amount=Decimal("10000.00"), reverses=None)
    following = source_of(YearFactory(first_year=2032))
    AllocationFactory(
        funding_source=following,
        **{name: getattr(first, name) for name in ("initiative", "recipient", "kind", "assessment")},
        continues=first,
        amount=Decimal("0.01"),
        awarded_on=first.awarded_on,
    )
    filters = allocations(several, "duty=contracts")
    assert (filters.count, len(filters.rows)) == (2, 2)


def test_a_contract_with_money_taken_back_stays_on_the_legal_list(year, client):
    """Its value is what was agreed: £12,000, of which £5,000 was then released, is a contract over £10,000."""
    UnitFactory()
    DutyFactory(contracts_over=Decimal("10000.00"))
    contract = AllocationFactory(funding_source=source_of(year), kind="contract", amount=Decimal("12000.00"))
    VariationFactory(allocation=contract, amount=Decimal("5000.00"))
    listed = allocations(year, "duty=contracts")
    assert (listed.count, list(listed.rows)) == (1, [contract])
    assert [balance.allocated for balance in listed.balances] == [Decimal("7000.00")]
    assert any(contract.public_id in omission for omission in all_missing_disclosures(None))
    assert "Copy missing" in text_of(client.get(contract.get_absolute_url()))


def test_an_award_is_what_is_left_of_it_as_at_the_day(year):
    """£10,000 is carried forward with a penny in June, and reversed in July."""
    DutyFactory(contracts_over=Decimal("10000.00"))
    with on(date(2031, 5, 10)):
        first = AllocationFactory(funding_source=source_of(year), kind="contract", amount=Decimal("10000.00"))
    with on(date(2031, 6, 1)):
        following = AllocationFactory(
            funding_source=source_of(YearFactory(first_year=2032)),
            **{name: getattr(first, name) for name in ("initiative", "recipient", "kind", "assessment")},
            continues=first,
            amount=Decimal("0.01"),
            awarded_on=date(2031, 6, 1),
        )
    with on(date(2031, 7, 1)):
        reverse(following, by=None, reason="Withdrawn.")
    for day, total in {"2031-05-31": "10000.00", "2031-06-30": "10000.01", "2031-07-01": "10000.00"}.items():
        cut_off, query = CutOff(date.fromisoformat(day)), f"as_at={day}"
        (balance,) = allocations(year, query, cut_off).balances
        assert str(balance.award) == total, day
        listed = allocations(year, f"{query}&duty=contracts", cut_off)
        assert listed.count == len(listed.rows) == (total == "10000.01"), day
    assert [str(balance.award) for balance in allocations(year, "").balances] == ["10000.00"]
    assert allocations(year, "duty=contracts").count == len(allocations(year, "duty=contracts").rows) == 0


def test_a_contract_has_the_copy_that_was_known_by_the_day(year):
    with on(date(2031, 5, 10)):
        contract = AllocationFactory(funding_source=source_of(year), kind="contract")
    with on(date(2031, 6, 1)):
        ContractCopyFactory(allocation=contract, title="Draft")
    with on(date(2031, 7, 1)):
        ContractCopyFactory(allocation=contract, title="Signed")
    titles = {"2031-05-31": None, "2031-06-01": "Draft", "2031-06-30": "Draft", "2031-07-01": "Signed"}
    for day, title in titles.items():
        cut_off = CutOff(date.fromisoformat(day))
        copy = contract_copies_by_allocation(year_accounts(year, year.sources.standing(cut_off), cut_off)).get(
            contract.pk
        )
        assert (copy and copy.title) == title, day
    assert Allocation.objects.with_latest_contract_copy().get().copy_title == "Signed"


def test_payments_are_the_whole_ledger_and_the_total_is_that_of_the_rows(several):
    allocation = Allocation.objects.standing().first()
    wrong = PaymentFactory(allocation=allocation, amount=Decimal("77.77"))
    reverse(wrong, by=None, reason="Entered twice.")
    PaymentFactory(allocation=allocation, amount=Decimal("-0.01"))
    filters = payments(several, "")
    assert filters.count == len(filters.rows) == 7
    assert filters.total == sum(row.amount for row in filters.rows) == Decimal("0.03")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("source=one", 2),
        ("recipient=inn&level=low", 1),
        ("kind=contract", 2),
        ("month=2031-05", 4),
        ("month=2031-06", 0),
        ("exceptions=1", 0),
        ("initiative=nobody", 0),
        ("recipient=%00", 0),
        ("month=2031-13", 0),
        ("month=%D9%A2031-05", 0),
        ("exceptions=yes", 0),
        ("kind=gift", 0),
        ("duty=grants", 0),
        ("as_at=yesterday", 0),
    ],
)
def test_payments_can_be_asked_for(several, query, count):
    filters = payments(several, query)
    assert (filters.count, len(filters.rows)) == (count, count)


@pytest.mark.parametrize(("amount", "listed"), [("500.00", 0), ("500.01", 1)])
def test_items_are_listed_above_the_sum_and_without_grants(year, amount, listed):
    DutyFactory(items_over=Decimal("500.00"))
    for kind in ("grant", "contract"):
        allocation = AllocationFactory(funding_source=source_of(year), kind=kind, amount=Decimal("900.00"))
        PaymentFactory(allocation=allocation, amount=Decimal(amount))
    assert payments(year, "duty=items").count == listed


@pytest.mark.parametrize(("amount", "listed"), [("-600.00", 1), ("-500.01", 1), ("-500.00", 0)])
def test_a_refund_is_listed_by_its_size(year, amount, listed):
    DutyFactory(items_over=Decimal("500.00"))
    allocation = AllocationFactory(funding_source__year=year, kind="contract")
    refund = PaymentFactory(allocation=allocation, amount=Decimal(amount))
    assert Payment.objects.non_grant_items(Decimal("500.00")).count() == listed
    reverse(refund, by=UserFactory(), reason="Wrong")
    assert Payment.objects.non_grant_items(Decimal("500.00")).count() == 2 * listed


def test_an_item_that_was_taken_back_is_listed_with_what_took_it_back(year):
    DutyFactory(items_over=Decimal("500.00"))
    paid = PaymentFactory(allocation__kind="contract", allocation__funding_source=source_of(year), amount=Decimal(600))
    reverse(paid, by=UserFactory(), reason="Twice.")
    filters = payments(year, "duty=items")
    assert (filters.count, filters.total) == (2, Decimal("0.00"))


@pytest.mark.parametrize(
    ("day", "reasons"),
    [
        (date(2031, 5, 5), ["unassessed"]),
        (date(2031, 5, 6), []),
        (date(2032, 3, 31), []),
        (date(2032, 4, 1), ["late", "outside"]),
        (date(2031, 3, 31), ["unassessed", "outside"]),
        (date(2031, 4, 1), ["unassessed"]),
    ],
)
def test_the_year_ends_on_31_march_and_the_last_day_to_spend_is_not_late(year, day, reasons):
    allocation = AllocationFactory(funding_source=source_of(year))
    PaymentFactory(allocation=allocation, paid_on=day)
    row = payments(year, "").rows.get()
    assert [name for name in ("over", "unassessed", "late", "outside") if getattr(row, name)] == reasons
    assert payments(year, "exceptions=1").count == bool(reasons)
    late = year_accounts(year, year.sources.standing()).late
    assert late == (row.amount if "late" in reasons else 0)


def test_known_by_a_day_stays_what_it_was_and_dated_by_it_learns(year):
    with on(date(2031, 5, 10)):
        source = source_of(year)
        allocation = AllocationFactory(funding_source=source, amount=Decimal("100.00"))
        wrong = PaymentFactory(allocation=allocation, amount=Decimal("60.00"), paid_on=date(2031, 5, 8))
    with on(date(2031, 7, 1)):
        reverse(wrong, by=None, reason="It was £50.")
        PaymentFactory(allocation=allocation, amount=Decimal("50.00"), paid_on=date(2031, 5, 8))
    sums = {}
    for basis in ("known", "dated"):
        for day in ("2031-05-07", "2031-05-09", "2031-05-10", "2031-06-30", "2031-07-01"):
            filters = payments(year, f"as_at={day}&basis={basis}")
            assert filters.total == sum((row.amount for row in filters.rows), Decimal(0))
            sums[basis, day] = str(filters.total)
    assert sums == {
        ("known", "2031-05-07"): "0",
        ("known", "2031-05-09"): "0",
        ("known", "2031-05-10"): "60.00",
        ("known", "2031-06-30"): "60.00",
        ("known", "2031-07-01"): "50.00",
        ("dated", "2031-05-07"): "0",
        ("dated", "2031-05-09"): "50.00",
        ("dated", "2031-05-10"): "50.00",
        ("dated", "2031-06-30"): "50.00",
        ("dated", "2031-07-01"): "50.00",
    }
    assert Payment.objects.count() == 3
