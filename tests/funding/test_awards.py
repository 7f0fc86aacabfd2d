"""Money on the pages of other apps: an initiative's, an organisation's, home, and the list of all pages."""

import re
from decimal import Decimal

import pytest
import time_machine

from tests.support.crawler import Elements
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    ContactPointFactory,
    ContributorFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PassageFactory,
    PaymentFactory,
    UnitFactory,
    UserFactory,
    YearFactory,
)
from vru_portal.ledger.append_only.recording import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    """A day on which what the factories make has happened."""
    with time_machine.travel("2031-09-01 12:00:00+01:00", tick=False):
        yield


def text(client, address):
    page = client.get(address)
    assert page.status_code == 200
    content = re.sub(r'<span class="number">(.*?)</span>', r"\1", page.content.decode())  # a year, kept on one line
    return " ".join(content.split())


@pytest.fixture
def ledger():
    """Two years; the first with two sources, one initiative and two bodies."""
    ContactPointFactory(unit=UnitFactory())
    first, second = YearFactory(first_year=2031), YearFactory(first_year=2032)
    chest = FundingSourceFactory(year=first, name="Chest", slug="chest", amount=Decimal(9000))
    purse = FundingSourceFactory(year=first, name="Purse", slug="purse", amount=Decimal(1000))
    later = FundingSourceFactory(year=second, name="Later chest", slug="chest", amount=Decimal(500))
    walk = InitiativeFactory(name="Night walk", slug="walk")
    club, council = OrganisationFactory(name="Club", slug="club"), OrganisationFactory(name="Council", slug="council")
    assessment = AssessmentDecisionFactory(
        assessment__initiative=walk, assessment__need="Walkers <b>stumble</b>."
    ).assessment
    made = {"initiative": walk, "recipient": club, "awarded_by": council, "assessment": assessment}
    rows = [
        AllocationFactory(funding_source=chest, amount=Decimal("600.50"), purpose="Lanterns & oil.", **made),
        AllocationFactory(funding_source=purse, amount=Decimal(300), **made),
        AllocationFactory(funding_source=later, amount=Decimal(70), **made),
    ]
    PaymentFactory(allocation=rows[0], amount=Decimal("100.25"))
    return rows


def words_of(page):
    return " ".join(Elements(page).text.split())


def test_an_initiative_shows_what_it_got_and_why(client, ledger):
    page = text(client, "/initiatives/walk/")
    assert "£900.50 has been allocated for 2031-32. £100.25 has been paid so far." in words_of(page)
    assert "£70 has been allocated for 2032-33. £0 has been paid so far." in words_of(page)
    assert page.index("2032-33") < page.index("2031-32")
    key = ledger[0].public_id
    link = f'<a href="/funding/allocations/{key}/"><span data-sum="award:{key}">£600.50</span> from Chest</a>'
    assert link in page
    assert '<a href="/partners/club/">Club</a>' in page
    assert "Lanterns &amp; oil." in page
    assert "Walkers &lt;b&gt;stumble&lt;/b&gt;." in page
    assert "was approved on 6 May 2031" in page
    assert "The count is sound." in page
    assert "Sum not stated" not in page
    assert "colleague" not in page  # who wrote and who decided is nobody's business


def test_what_is_reversed_is_not_what_it_got(client, ledger):
    reverse(ledger[1], by=UserFactory(), reason="Another body.")
    page = text(client, "/initiatives/walk/")
    assert "£600.50 has been allocated for 2031-32" in words_of(page)
    assert ledger[1].public_id not in page


def test_of_many_allocations_the_first_of_each_year_are_shown_and_the_sums_are_of_all(client, ledger):
    made = {name: getattr(ledger[0], name) for name in ("initiative", "recipient", "awarded_by", "assessment")}
    for number in range(5):
        AllocationFactory(funding_source=ledger[0].funding_source, purpose=f"Lantern {number}.", **made)
    page = text(client, "/initiatives/walk/")
    assert "£1,400.50 has been allocated for 2031-32. £100.25 has been paid so far." in words_of(page)
    assert '<a href="/funding/2031-32/?initiative=walk">All 7 allocations of 2031-32</a>' in page
    assert "Lantern 2." in page
    assert "Lantern 3." not in page
    assert '?initiative=walk">All 1 ' not in page


def test_an_initiative_without_money_says_so_and_one_that_is_only_assessed_says_why_it_may_get_some(client):
    ContactPointFactory(unit=UnitFactory())
    InitiativeFactory(slug="bare")
    AssessmentDecisionFactory(assessment__initiative=InitiativeFactory(slug="assessed"))
    bare, assessed = text(client, "/initiatives/bare/"), text(client, "/initiatives/assessed/")
    assert "Sum not stated" in bare
    assert "evidence assessment was approved" not in bare
    assert "Sum not stated" in assessed
    assert "evidence assessment was approved" in assessed
    assert "£" not in bare + assessed


def test_a_body_shows_what_it_receives_by_source_and_what_it_awards_by_year(client, ledger):
    club, council = text(client, "/partners/club/"), text(client, "/partners/council/")
    assert '?recipient=club&amp;source=chest">£600.50 from Chest, 2031-32</a>' in club
    assert '?recipient=club&amp;source=purse">£300 from Purse, 2031-32</a>' in club
    assert '<a href="/funding/2031-32/?recipient=club">£900.50 in total, 2031-32</a>' in club
    assert "£70 in total" not in club
    assert "<dt>Awards</dt>" not in club
    assert '<a href="/funding/2031-32/">£900.50 for 2031-32</a>' in council
    assert '<a href="/funding/2032-33/">£70 for 2032-33</a>' in council
    assert "<dt>Receives</dt>" not in council
    assert "<dt>Money in the budget</dt>" not in council


def test_a_body_that_gives_and_receives_shows_both_and_a_reversed_sum_counts_for_neither(client, ledger):
    ContributorFactory(funding_source=ledger[1].funding_source, organisation=ledger[0].recipient)
    reverse(ledger[1], by=UserFactory(), reason="Another body.")
    club = text(client, "/partners/club/")
    assert "<dt>Money in the budget</dt>" in club
    assert '<a href="/funding/2031-32/">Purse, 2031-32</a>: £1,000' in club
    assert "from Purse" not in club
    assert "£600.50 from Chest" in club


def test_home_says_how_much_is_allocated_and_paid_once_something_is(client, ledger):
    later = ledger[2].funding_source
    page = text(client, "/")
    assert "£70 has been allocated, and £0 has been paid. £430 has not been allocated yet." in page
    assert "sums for initiatives are not stated" not in page
    reverse(ledger[2], by=UserFactory(), reason="Another body.")
    page = text(client, "/")
    assert "sums for initiatives are not stated" in page
    assert "allocated to initiatives" not in page
    assert later.year.label in page


def test_home_shows_the_latest_year_that_has_money_of_its_own(client, ledger):
    source = ledger[0].funding_source
    reverse(ledger[2], by=UserFactory(), reason="Another body.")
    reverse(ledger[2].funding_source, by=UserFactory(), reason="Withdrawn.")
    FundingSourceFactory(
        year=ledger[2].funding_source.year, carried_from=source, amount=Decimal(99), source=source.source
    )
    PassageFactory()
    page = text(client, "/")
    assert "budget for 2031-32" in page
    assert "£900.50 has been allocated, and £100.25 has been paid." in page
    assert "£99 has been carried forward to the next year. £9,000.50 has not been allocated yet." in page


def test_the_site_map_lists_allocations_and_the_payments_of_each_year(client, ledger):
    reverse(ledger[1], by=UserFactory(), reason="Another body.")
    page = text(client, "/sitemap.xml")
    for row in ledger:
        assert f"/funding/allocations/{row.public_id}/</loc>" in page
    assert page.count("/funding/allocations/") == 3
    assert "/funding/2031-32/payments/</loc>" in page
    assert "/funding/2032-33/</loc>" in page
    assert "/funding/2032-33/payments/</loc>" in page  # which says that there are none
