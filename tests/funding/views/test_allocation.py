"""The page of one allocation."""

from decimal import Decimal

import pytest

from tests.funding.views.reading import text_of
from tests.support.crawler import Elements
from tests.support.factories import AllocationFactory, FundingSourceFactory, PaymentFactory, YearFactory
from vru_portal.ledger.append_only.recording import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_an_allocation_is_traced_both_ways(client, allocation):
    PaymentFactory(allocation=allocation, amount=Decimal("100.00"), reference="FIN-7")
    response = client.get(allocation.get_absolute_url())
    text = text_of(response)
    for words in ("The Mint", "Chest, 2031-32", "The Reeve", "Night walks", "Mill & Co", "FIN-7", "£100 paid so far",
                  "£500 still to pay", "Night walks were counted.", "The count is sound.", "Lanterns."):  # fmt: skip
        assert words in text, words
    assert "/funding/2031-32/?source=chest" in Elements(response.text).links("/")


def test_an_award_over_years_links_its_other_years(client, allocation):
    following = FundingSourceFactory(year=YearFactory(first_year=2032), amount=Decimal("900.00"))
    same = {name: getattr(allocation, name) for name in ("initiative", "recipient", "kind", "assessment", "awarded_on")}
    other = AllocationFactory(funding_source=following, continues=allocation, amount=Decimal("50.00"), **same)
    for one, two in ((allocation, other), (other, allocation)):
        response = client.get(one.get_absolute_url())
        assert "£650 in total" in text_of(response)
        assert two.get_absolute_url() in Elements(response.text).links("/")


def test_a_reversed_allocation_says_so_and_its_reversal_has_no_page(client, allocation):
    reversal = reverse(allocation, by=None, reason="The wrong mill.")
    text = text_of(client.get(allocation.get_absolute_url()))
    assert "This allocation was reversed" in text
    assert "Reversed on 10 January 2032: The wrong mill." in text
    assert client.get(f"/funding/allocations/{reversal.public_id}/").status_code == 404
    assert reversal.get_absolute_url() == allocation.get_absolute_url()
