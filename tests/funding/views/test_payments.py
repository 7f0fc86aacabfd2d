"""The payments of a year, and what is irregular about them."""

from decimal import Decimal

import pytest

from funding.models import PublicationDuty
from tests.funding.views.reading import sums, text_of
from tests.support.factories import ColumnFactory, ExplanationFactory, PaymentFactory
from vru_portal.ledger.append_only.recording import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_payments_show_exceptions_with_the_units_explanation(client, allocation):
    silent = PaymentFactory(allocation=allocation, amount=Decimal("700.00"))
    assert "£100 over its allocation of £600." in text_of(client.get("/funding/2031-32/payments/"))
    assert "No explanation published yet" in text_of(client.get("/funding/2031-32/payments/?exceptions=1"))
    ExplanationFactory(payment=silent, text="The <b>oil</b> cost more.")
    for path in ("/funding/2031-32/payments/", allocation.get_absolute_url()):
        response = client.get(path)
        assert "The unit explains: The <b>oil</b> cost more." in text_of(response).replace("&lt;", "<")
        assert "<b>oil</b>" not in response.text


def test_an_explanation_stays_with_its_payment_when_that_is_no_exception_any_more(client, allocation):
    silent = PaymentFactory(allocation=allocation, amount=Decimal("700.00"))
    ExplanationFactory(payment=silent, text="The oil cost more.")
    ExplanationFactory(payment=silent, text="The price fell again.")
    reverse(silent, by=None, reason="Entered twice.")
    shown = "No longer an exception. The unit explains: The oil cost more. The unit explains: The price fell again."
    for path in ("/funding/2031-32/payments/", allocation.get_absolute_url()):
        text = text_of(client.get(path))
        assert (text.count(shown), text.count("Exception.")) == (1, 0)
    [row, _] = client.get("/api/v1/payments/").json()["rows"]  # as in the files
    assert (row["exceptions"], row["explanation"]) == (None, "The oil cost more.; The price fell again.")


def test_refunds_and_reversals_are_distinguished(client, allocation):
    wrong = PaymentFactory(allocation=allocation, amount=Decimal("50.00"), reference="FIN-X")
    reverse(wrong, by=None, reason="Entered twice.")
    PaymentFactory(allocation=allocation, amount=Decimal("-1.00"))
    for path in ("/funding/2031-32/payments/", allocation.get_absolute_url()):
        text = text_of(client.get(path))
        assert "Reversed on 10 January 2032: Entered twice." in text
        assert "Reverses payment FIN-X: Entered twice." in text
        assert "Refund: money paid back" in text
    response = client.get("/funding/2031-32/payments/")
    assert sums(response, "payment") == ["£50", "-£50", "-£1"]
    assert sums(response, "payments-total") == ["-£1"]


def test_the_list_that_the_duty_asks_for_has_its_columns_in_its_words(client, allocation):
    duty = PublicationDuty.objects.get()
    ColumnFactory(duty=duty, list="items", field="merchant_category", label="Trade", position=2)
    ColumnFactory(duty=duty, list="items", field="value_for_money", label="Worth it because", position=1)
    ColumnFactory(duty=duty, list="grants", field="purpose", label="Not of this list", position=0)
    PaymentFactory(allocation=allocation, amount=Decimal("500.01"), value_for_money="Three quotes.")
    PaymentFactory(allocation=allocation, amount=Decimal("500.00"))
    text = text_of(client.get("/funding/2031-32/payments/?duty=items"))
    assert "1 payment £500.01 in total" in text
    assert "Worth it because Three quotes. Trade Not stated" in text
    assert "Not of this list" not in text


def test_before_anything_is_paid_the_lists_lead_to_the_budget(client):

    for address in ("/payments/", "/payments/totals/", "/payments/totals/?by=month"):
        assert 'href="/funding/"' in client.get(address).text.partition("<main")[2]


def test_before_anything_is_paid_there_is_nothing_to_filter(client, allocation):
    for address in ("/payments/", "/payments/totals/", "/funding/2031-32/payments/"):
        text = client.get(address).text
        assert "Filters</h2>" not in text
        assert "#filters" not in text
        assert "Filters</h2>" in client.get(f"{address}?q=boots").text
        assert "Filters</h2>" in client.get(f"{address}?min=many").text


def test_a_filter_without_a_choice_is_left_out(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("50.00"))
    text = client.get("/payments/?q=nothing-like-it").text
    assert "At least £" in text
    assert "Financial year" not in text


def test_what_a_list_is_filtered_by_is_shown_as_people_write_it(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("50.00"))
    links = client.get("/payments/?from=2031-06-01&to=first&min=1234567.5&max=-2000").context["removal_links"]
    assert [link.label for link in links] == [
        "Paid from: 1 June 2031", "Paid until: first", "At least £: 1,234,567.50", "At most £: -2,000",
    ]  # fmt: skip


def test_the_totals_of_a_list_are_at_their_own_address(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("50.00"))
    assert 'href="/payments/totals/?by=recipient"' in client.get("/payments/").text
    assert 'href="/payments/totals/?year=2031-32&amp;by=month"' in client.get("/funding/2031-32/payments/").text
