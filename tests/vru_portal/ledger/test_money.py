import re
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from funding.models import FundingSource
from tests.support.factories import FundingSourceFactory
from vru_portal.ledger import money


@pytest.mark.parametrize(
    ("value", "pounds"),
    [
        ("£1,250,000.00", "1250000.00"),
        ("1250000", "1250000.00"),
        (" 12.5 ", "12.50"),
        ("0.01", "0.01"),
        ("-3.20", "-3.20"),
        (7, "7.00"),
        (Decimal("7.100"), "7.10"),
    ],
)
def test_sums_are_read_to_the_penny(value, pounds):
    found = money.parse_pounds(value)
    assert (found, str(found)) == (Decimal(pounds), pounds)


@pytest.mark.parametrize(
    "value", ["1.005", "twelve", "", "£", "NaN", "Infinity", None, True, [1], "1e40", "12 50", "1,25"]
)
def test_invalid_sums_are_refused(value):
    with pytest.raises(ValidationError):
        money.parse_pounds(value)


def test_a_float_is_refused_before_it_can_round():
    with pytest.raises(ValidationError, match=r"Write the sum 1234\.5 as text, such as '1234\.50'"):
        money.parse_pounds(1234.5)


@pytest.mark.parametrize(
    ("amount", "table", "prose"),
    [
        ("0.00", "£0", "£0"),
        ("12.50", "£12.50", "£12.50"),
        ("-12.50", "-£12.50", "-£12.50"),
        ("999999.99", "£999,999.99", "£999,999.99"),
        ("1000000.00", "£1,000,000", "£1 million"),
        ("1250000.00", "£1,250,000", "£1.25 million"),
        ("-1250000.00", "-£1,250,000", "-£1.25 million"),
        ("1251000.00", "£1,251,000", "£1.251 million"),
        ("1250500.00", "£1,250,500", "£1,250,500"),
        ("1250000.01", "£1,250,000.01", "£1,250,000.01"),
        ("30000000.00", "£30,000,000", "£30 million"),
    ],
)
def test_sums_are_written_exactly_in_tables_and_in_prose(amount, table, prose):
    assert money.format_pounds(Decimal(amount)) == table
    assert money.pounds_for_prose(Decimal(amount)) == prose


@settings(deadline=None)
@given(st.decimals(min_value="-999999999999.99", max_value="999999999999.99", places=2))
def test_what_is_written_reads_back_as_the_same_sum(amount):
    written = money.format_pounds(amount)
    sign, digits = ("-", written[2:]) if written.startswith("-") else ("", written[1:])
    assert money.parse_pounds(sign + digits) == amount


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda source: source.save(),
        lambda source: FundingSource.objects.update(amount=source.amount),
        lambda source: FundingSource.objects.bulk_create(
            [FundingSource(year=source.year, slug="x", amount=source.amount, source=source.source, as_at=source.as_at)]
        ),
    ],
    ids=["save", "update", "bulk_create"],
)
def test_a_float_reaches_the_database_by_no_door(write):
    source = FundingSourceFactory(amount=Decimal("5.00"))
    source.amount = 5.1
    with pytest.raises(ValidationError, match="binary fraction"), transaction.atomic():
        write(source)
    assert list(FundingSource.objects.values_list("amount", flat=True)) == [Decimal("5.00")]


@pytest.mark.parametrize(
    ("field", "amount", "said"),
    [
        (money.MoneyField(), "0.01", None),
        (money.MoneyField(), "0.00", "Enter an amount of at least £0.01."),
        (money.MoneyField(), "-0.01", "Enter an amount of at least £0.01."),
        (money.SignedMoneyField(), "0.01", None),
        (money.SignedMoneyField(), "-0.01", None),
        (money.SignedMoneyField(), "0.00", "A sum must not be £0.00."),
        (money.PoundsField(), "0.00", None),
        (money.PoundsField(), "-0.01", None),
        (money.PoundsField(), "1000000000000.00", "is too large"),
    ],
)
def test_a_field_takes_the_sums_that_it_is_for(field, amount, said):
    if said is None:
        assert field.clean(amount, None) == Decimal(amount)
        return
    with pytest.raises(ValidationError, match=re.escape(said)):
        field.clean(amount, None)


def test_what_a_database_adds_up_in_binary_is_read_to_the_penny():
    found = money.PoundsField().from_db_value(Decimal("0.30000000000000004"))
    assert str(found) == "0.30"
    assert money.PoundsField().from_db_value(None) is None


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["0", "-1.00", "0.001"])
def test_a_source_brings_at_least_a_penny(amount):
    source = FundingSourceFactory.unsaved(amount=amount)
    with pytest.raises(ValidationError) as caught:
        source.full_clean()
    assert "amount" in caught.value.message_dict
