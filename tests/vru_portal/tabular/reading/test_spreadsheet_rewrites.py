"""What a spreadsheet makes of a text, and what it leaves alone."""

import pytest

from vru_portal.tabular.reading.spreadsheet_rewrites import resaved_forms


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("007", "7"),
        ("1234.50", "1234.5"),
        ("£1,234.50", "1234.5"),
        ("12345678901234567890", "1.23457E+19"),
        ("23456789e2", "2345678900"),
        ("0.30000000000000004", "0.3"),
        ("true", "TRUE"),
        ("2031-05-06", "06/05/2031"),
        ("6 May 2031", "06-May-31"),
        ("2011-12", "Dec-11"),
        ("12/2011", "Dec-11"),
        ("MAR1", "01-Mar"),  # as the names of genes have shown
        ("SEPT2", "02-Sep"),
        ("1DEC", "01-Dec"),
        ("MAR2031", "Mar-31"),
        ("DEC45", "Dec-45"),
        ("9 am", "9:00 AM"),
        ("10 PM", "10:00 PM"),
        ("25:30", "25:30:00"),
        ("1-2", "01-Feb"),
        ("3 May", "03-May"),
        ("April 2020", "Apr-20"),
        ("9:30", "09:30"),
        ("9:30 pm", "9:30 PM"),
        ("11-18", "Nov-18"),  # ages
        ("10/45", "Oct-45"),
        ("2/10/19", "02/10/2019"),
        ("2 Oct 31", "02-Oct-31"),
        ("7.5%", "7.50%"),
        ("(5)", "-5"),
        ("£1,234.5", "£1,234.50"),
        ("1,234.5", "1,234.50"),
        ("7e2", "7.00E+02"),
        ("Łódź", "?ód?"),
    ],
)
def test_texts_that_look_like_values_are_saved_as_such(text, form):
    assert form in resaved_forms(text) or not form


@pytest.mark.parametrize(
    "text", ["", "FIN-1", "Night walks", "by April 2020", "2019-20", "31-02", "+44 121 496 0000", "e5", "."]
)
def test_other_texts_are_left_alone(text):
    assert resaved_forms(text) == set()
