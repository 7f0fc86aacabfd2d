from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from funding.models import Contributor, FinancialYear, FundingSource
from funding.rules import check_budget
from funding.validators import first_year_of, label_of
from tests.factories import (
    ContributorFactory,
    FundingSourceFactory,
    OrganisationFactory,
    PostFactory,
    YearFactory,
)
from tests.refusals import refused_by_the_database, refused_in_words

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("label", "first"),
    [
        ("2031-32", 2031),
        ("2099-00", 2099),
        ("2000-01", 2000),
        ("2031-33", None),
        ("2031", None),
        ("1999-00", None),
        ("2031-32\n", None),
        ("٢٠٣١-٣٢", None),
        ("", None),
    ],
)
def test_a_financial_year_is_named_by_its_two_years(label, first):
    assert first_year_of(label) == first
    if first:
        assert label_of(first) == label


@pytest.mark.parametrize("first_year", [1999, 2100])
def test_a_year_is_one_of_this_century(first_year):
    year = YearFactory()
    refused_by_the_database(year, first_year=first_year)
    assert "first_year" in refused_in_words(FinancialYear.objects.get(), first_year=first_year)


def test_a_year_is_there_once():
    first, second = YearFactory(), YearFactory()
    refused_by_the_database(second, first_year=first.first_year)
    assert "already exists" in refused_in_words(second, first_year=first.first_year)["first_year"][0]


def test_a_stated_budget_is_above_nought():
    year = YearFactory()
    refused_by_the_database(year, stated_total=Decimal(0))
    said = refused_in_words(FinancialYear.objects.get(), stated_total=Decimal("-1"))
    assert said["stated_total"] == ["A sum must be at least £0.01."]


def test_money_cannot_be_due_before_its_year_begins():
    year = YearFactory(first_year=2031)
    assert (year.starts_on, year.ends_on, year.label) == (date(2031, 4, 1), date(2032, 3, 31), "2031-32")
    year.spend_by = date(2031, 4, 1)
    year.full_clean()
    said = refused_in_words(year, spend_by=date(2031, 3, 31))
    assert said == {"spend_by": ["Money of 2031-32 cannot be due before 1 April 2031."]}


def test_a_source_brings_money():
    source = FundingSourceFactory()
    refused_by_the_database(source, amount=Decimal(0))
    refused_by_the_database(source, amount=Decimal("-5"))
    assert refused_in_words(FundingSource.objects.get(), amount=Decimal(0))["amount"] == [
        "A sum must be at least £0.01."
    ]


def test_a_source_is_named_once_a_year():
    source = FundingSourceFactory(slug="chest")
    twin = FundingSourceFactory(year=source.year)
    refused_by_the_database(twin, slug="chest")
    assert "already exists" in str(refused_in_words(twin, slug="chest"))
    FundingSourceFactory(slug="chest")  # another year's


def test_a_contributor_is_a_body_or_a_post():
    contributor = ContributorFactory()
    post = PostFactory()
    refused_by_the_database(contributor, post=post)
    refused_by_the_database(contributor, organisation=None)
    expected = {"__all__": ["A contributor is an organisation or a post: choose one of the two."]}
    assert refused_in_words(Contributor.objects.get(), post=post) == expected
    assert refused_in_words(Contributor.objects.get(), organisation=None) == expected


@pytest.mark.parametrize("kind", ["organisation", "post"])
def test_a_contributor_gives_to_a_source_once(kind):
    who = {"organisation": None, "post": None, kind: PostFactory() if kind == "post" else OrganisationFactory()}
    first = ContributorFactory(**who)
    twin = ContributorFactory.build(funding_source=first.funding_source, **who)
    assert "already exists" in str(refused_in_words(twin))
    with pytest.raises(IntegrityError), transaction.atomic():
        Contributor.objects.bulk_create([twin])


@pytest.mark.parametrize(
    ("body", "person", "of_post", "public"),
    [
        ("published", None, None, True),
        ("draft", None, None, False),
        (None, "published", "published", True),
        (None, "draft", "published", False),
        (None, "published", "draft", False),
        (None, "published", None, True),
    ],
)
def test_who_gives_is_shown_only_where_nothing_of_it_is_a_draft(body, person, of_post, public):
    if body:
        contributor = ContributorFactory(organisation__state=body)
    else:
        where = OrganisationFactory(state=of_post) if of_post else None
        post = PostFactory(person__state=person, organisation=where)
        contributor = ContributorFactory(organisation=None, post=post)
    assert contributor.is_public is public


def test_sources_add_up_to_the_stated_budget_to_the_penny():
    year = YearFactory(first_year=2031, stated_total=Decimal("0.30"))
    for amount in ("0.10", "0.20"):
        FundingSourceFactory(year=year, amount=Decimal(amount))
    check_budget(year=year)
    year.sources.filter(amount="0.20").update(amount=Decimal("0.21"))
    with pytest.raises(ValidationError, match=r"The sources of 2031-32 add up to £0\.31, the stated budget is £0\.30"):
        check_budget(year=year)


def test_a_budget_that_is_not_stated_holds_sources_to_nothing():
    source = FundingSourceFactory()
    check_budget(year=source.year)
    check_budget(year=YearFactory())


def test_only_years_with_a_source_have_a_page(client):
    years = [FundingSourceFactory(year__first_year=first).year for first in (2031, 2033)]
    FundingSourceFactory(year=years[0])
    YearFactory(first_year=2035)
    assert list(FinancialYear.objects.with_money()) == years[::-1]


def test_the_latest_years_sources_come_with_their_year(django_assert_num_queries):
    FundingSourceFactory(year__first_year=2031)
    year = YearFactory(first_year=2033)
    second, first = FundingSourceFactory(year=year, position=2), FundingSourceFactory(year=year, position=1)
    with django_assert_num_queries(1):
        found = list(FundingSource.objects.of_latest_year())
        assert found == [first, second]
        assert {row.year.label for row in found} == {"2033-34"}
        assert all(row.year.source.title and row.source.title for row in found)


def test_a_body_gives_itself_or_through_the_holder_of_its_post():
    body = OrganisationFactory()
    own = ContributorFactory(organisation=body).funding_source
    through = ContributorFactory(organisation=None, post=PostFactory(organisation=body)).funding_source
    ContributorFactory(funding_source=own, organisation=None, post=PostFactory(organisation=body))
    ContributorFactory()
    assert set(FundingSource.objects.from_organisation(body)) == {own, through}
    assert FundingSource.objects.from_organisation(body).count() == 2


def test_natural_keys_lead_back_to_their_records():
    source = FundingSourceFactory(year__first_year=2031, slug="chest")
    assert (source.year.natural_key(), source.natural_key()) == ((2031,), (2031, "chest"))
    assert FinancialYear.objects.get_by_natural_key(2031) == source.year
    assert FundingSource.objects.get_by_natural_key(2031, "chest") == source
