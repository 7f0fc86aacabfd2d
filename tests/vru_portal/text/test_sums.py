"""Sums as people and finance systems write them: what is understood, and what is refused with advice."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from vru_portal.text.sums import parse_sum


@pytest.mark.parametrize(
    ("typed", "pounds"),
    [
        ("1234.5", "1234.50"),
        ("£1,234.56", "1234.56"),
        ("£ 1,234.56", "1234.56"),
        ("GBP 1,234.56", "1234.56"),
        ("1234.56 gbp", "1234.56"),
        ("1 234 567.00", "1234567.00"),
        ("1\u00a0234", "1234.00"),
        ("１２", "12.00"),
        (".5", "0.50"),
        ("12.500", "12.50"),
        ("(978.00)", "-978.00"),
        ("(£978.00)", "-978.00"),
        ("£(978.00)", "-978.00"),
        ("−1,234.56", "-1234.56"),
        ("–1,234.56", "-1234.56"),
        ("-£12.50", "-12.50"),
        ("£-12.50", "-12.50"),
        ("12.50-", "-12.50"),
        ("1,234.56 –", "-1234.56"),
        ("12.50 +", "12.50"),
        ("£1,234.56 CR", "-1234.56"),
        ("Cr £500", "-500.00"),
        ("DR 1,234.56", "1234.56"),
        ("£1,234.", "1234.00"),
        ("£1,234.56 DR", "1234.56"),
        ("1234.5600000000002", "1234.56"),
        ("0.30000000000000004", "0.30"),
        ("1233.9999999999998", "1234.00"),
        ("999999999999.99", "999999999999.99"),
        ("-0", "0.00"),
        ("+12.50", "12.50"),
        ("12.50+", "12.50"),
        ("+£1,234.5", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1’234’567.50", "1234567.50"),
        ("£1·50", "1.50"),
        ("٤٢٫٥٠", "42.50"),
        ("'1234.50", "1234.50"),
        ("1,234.50 pounds", "1234.50"),
        ("1234.50 £", "1234.50"),
        ("1,234.50 credit", "-1234.50"),
        ("Debit 1,234.50", "1234.50"),
        ("1,234.50 DB", "1234.50"),
        ("£ - 1,234.50", "-1234.50"),
        ("STG 5.00", "5.00"),
    ],
)
def test_a_sum_is_understood_however_it_is_written(typed, pounds):
    assert str(parse_sum(typed)) == pounds


@given(st.decimals("-9999999.99", "9999999.99", places=2))
def test_what_a_spreadsheet_stores_for_a_sum_is_that_sum(amount):
    assert parse_sum(format(Decimal(float(amount)), ".12f")) == amount


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("1234.567", "fractions of a penny"),
        ("0.005", "fractions of a penny"),
        ("1,25", "full stop before the pence"),
        ("1.234,56", "full stop before the pence"),
        ("1.23E+05", "shortened by a spreadsheet"),
        ("£4.034m", "whole sum in figures"),
        ("£4.034 million", "whole sum in figures"),
        ("€12", "another currency"),
        ("12 USD", "another currency"),
        ("12 euros", "another currency"),
        ("₹1,200", "another currency"),
        ("CHF 1'234.50", "another currency"),
        ("£500²", "is not a sum"),  # the mark of a footnote is no digit
        ("£2½", "is not a sum"),
        ("TBD", "could mean zero"),
        ("not known", "could mean zero"),
        ("-(12)", "is not a sum"),
        ("-12 CR", "more than one sign"),
        ("(1,234.56) CR", "more than one sign"),
        ("£-1,234.56-", "more than one sign"),
        ("12 50", "is not a sum"),
        ("1,2,3", "Check the commas"),
        ("1,23,456.00", "Check the commas"),
        ("1000,000", "Check the commas"),
        ("1 234,56", "full stop before the pence"),
        ("£1.234,56-", "full stop before the pence"),
        ("9999999999999", "too large"),
        pytest.param("1," * 20_000, "is too long to be a sum", id="a book"),
        ("1,234,567,890,123.00", "too large"),
        ("50p", "Enter the sum in pounds: 0.50"),
        ("5p", "Enter the sum in pounds: 0.05"),
        ("12k", "whole sum in figures"),
        ("£1,234.56 (net)", "is not a sum"),
        ("1,234.56 *", "is not a sum"),
        ("+-12", "more than one sign"),
        ("(+12)", "more than one sign"),
        ("twelve", "is not a sum"),
        ("-", "could mean zero"),
        (" £-   ", "could mean zero"),
        ("nil", "could mean zero"),
        ("1.234.567", "a full stop before the pence"),
        ("£5-£10", "is more than one sum"),
        ("500 to 1,000", "is more than one sum"),
        ("£1,234.56 / £2,000", "is more than one sum"),
        ("Rs 500", "is in another currency"),
        ("5 zł", "is in another currency"),
        ("N/A", "could mean zero"),
        ("", "is not a sum"),
    ],
)
def test_an_unclear_sum_is_refused_with_advice(typed, advice):
    with pytest.raises(ValidationError, match=advice):
        parse_sum(typed)
