from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from funding.models import Contributor, FinancialYear, FundingSource, Payment
from funding.rules.sources import check_budget
from funding.templatetags.awards import money_of
from funding.validators import make_public_id, parse_year_label, public_id_validator, year_label
from tests.support.factories import (
    AllocationFactory,
    AssessmentDecisionFactory,
    ColumnFactory,
    ContributorFactory,
    DutyFactory,
    FundingSourceFactory,
    OrganisationFactory,
    PaymentFactory,
    PostFactory,
    YearFactory,
    reverse,
)
from tests.support.refusals import insert, refused_by_the_database, refused_in_words

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
    assert parse_year_label(label) == first
    if first:
        assert year_label(first) == label


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
    assert said["stated_total"] == ["Enter an amount of at least £0.01."]


def test_money_cannot_be_due_before_its_year_begins():
    year = YearFactory(first_year=2031)
    assert (year.starts_on, year.ends_on, year.label) == (date(2031, 4, 1), date(2032, 3, 31), "2031-32")
    year.spend_by = date(2031, 4, 1)
    year.full_clean()
    said = refused_in_words(year, spend_by=date(2031, 3, 31))
    assert said == {"spend_by": ["The deadline of 2031-32 cannot be before 1 April 2031."]}


@pytest.mark.parametrize(
    ("factory", "amount", "said"),
    [
        (FundingSourceFactory, "0.00", "A sum must not be £0.00."),
        (FundingSourceFactory, "-5.00", "Enter an amount of at least £0.01."),
        (AllocationFactory, "0.00", "A sum must not be £0.00."),
        (AllocationFactory, "-0.01", "Enter an amount of at least £0.01."),
        (PaymentFactory, "0.00", "A sum must not be £0.00."),
    ],
)
def test_what_is_recorded_is_money(factory, amount, said):
    row = factory.unsaved(amount=Decimal(amount))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(row)
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert said in caught.value.message_dict["amount"]


def test_a_refund_is_a_payment():
    with time_machine.travel(datetime(2031, 6, 1, tzinfo=UTC)):
        row = PaymentFactory.unsaved(amount=Decimal("-0.01"))
        row.full_clean()
    insert(row)


@pytest.mark.parametrize(
    ("amount", "vat", "kept"),
    [
        ("12.00", None, True),
        ("12.00", "0.00", True),
        ("12.00", "12.00", True),
        ("12.00", "12.01", False),
        ("12.00", "-0.01", False),
        ("-12.00", "-2.00", True),
        ("-12.00", "2.00", False),
        ("-12.00", "-12.01", False),
    ],
)
def test_vat_that_cannot_be_recovered_is_a_part_of_the_sum(amount, vat, kept):
    row = PaymentFactory.unsaved(amount=Decimal(amount), irrecoverable_vat=vat and Decimal(vat))
    assert row.net == (None if vat is None else Decimal(amount) - Decimal(vat))
    if kept:
        insert(row)
        assert reverse(Payment.objects.get(reference=row.reference)).irrecoverable_vat == (vat and -Decimal(vat))
        return
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(row)
    with pytest.raises(ValidationError, match="VAT that cannot be recovered must be between £0 and the amount"):
        row.full_clean()


@pytest.mark.parametrize(
    ("factory", "field"),
    [(AllocationFactory, "awarded_on"), (PaymentFactory, "paid_on"), (AssessmentDecisionFactory, "decided_on")],
)
def test_nothing_is_recorded_before_its_day(factory, field):
    row = factory.unsaved()
    with time_machine.travel(datetime(2031, 5, 5, 22, 59, tzinfo=UTC)):
        assert "The date must be today or in the past" in refused_in_words(row)[field][0]
    with time_machine.travel(datetime(2031, 5, 5, 23, 0, tzinfo=UTC)):  # midnight in London
        row.full_clean()


def test_only_a_reversal_has_a_reason():
    for row in (FundingSourceFactory.unsaved(), AllocationFactory.unsaved(), PaymentFactory.unsaved()):
        row.reason = "Why"
        with pytest.raises(IntegrityError), transaction.atomic():
            insert(row)
    reversal = PaymentFactory().build_reversal()
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(reversal)
    assert refused_in_words(reversal)["__all__"] == ["A reversal needs a reason, and only a reversal has one."]


def test_work_ends_after_it_starts():
    row = AllocationFactory.unsaved(starts_on=date(2031, 5, 2), ends_on=date(2031, 5, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(row)
    with pytest.raises(ValidationError, match="The end date must not be before the start date"):
        row.full_clean()
    insert(AllocationFactory.unsaved(starts_on=date(2031, 5, 1), ends_on=date(2031, 5, 1)))


def test_a_public_id_is_random_and_easily_read_aloud():
    ids = {make_public_id() for _ in range(1000)}
    assert len(ids) == 1000
    for one in ids:
        public_id_validator(one)
    assert not set("".join(ids)) & set("01ilo")
    with pytest.raises(ValidationError):
        AllocationFactory.unsaved(public_id="0123456789").clean_fields()


def test_there_is_one_duty():
    DutyFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        DutyFactory(pk=2)
    with pytest.raises(ValidationError, match="Enter both the name and the address of the licence, or neither"):
        DutyFactory.unsaved(licence_name="Open").clean()


def test_a_column_is_in_a_list_once():
    column = ColumnFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        ColumnFactory(duty=column.duty)
    refused_by_the_database(column, list="gifts")
    refused_by_the_database(column, field="colour")
    assert (str(column), str(ColumnFactory.unsaved(duty=column.duty, label="Spent on"))) == ("Purpose", "Spent on")


def test_a_source_is_named_once_a_year():
    source = FundingSourceFactory(slug="chest")
    twin = FundingSourceFactory.unsaved(year=source.year, slug="chest")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(twin)
    assert "already exists" in str(refused_in_words(twin))
    FundingSourceFactory(slug="chest")  # another year's


def test_a_contributor_is_a_body_or_a_post():
    contributor = ContributorFactory()
    post = PostFactory()
    refused_by_the_database(contributor, post=post)
    refused_by_the_database(contributor, organisation=None)
    expected = {"__all__": ["Choose either an organisation or a post."]}
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
    reverse(FundingSourceFactory(year=year))
    left = FundingSourceFactory(year=YearFactory(first_year=2030))
    FundingSourceFactory(year=year, carried_from=left, amount=Decimal("5.00"))
    check_budget(year=year)
    FundingSourceFactory(year=year, amount=Decimal("0.01"))
    with pytest.raises(
        ValidationError, match=r"The sources of 2031-32 add up to £0\.31, but the stated budget is £0\.30"
    ):
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


def test_a_body_gives_itself_or_through_the_holder_of_its_post():
    body = OrganisationFactory()
    own = ContributorFactory(organisation=body).funding_source
    through = ContributorFactory(organisation=None, post=PostFactory(organisation=body)).funding_source
    ContributorFactory(funding_source=own, organisation=None, post=PostFactory(organisation=body))
    ContributorFactory()
    found = money_of(body).contributions
    assert set(found) == {own, through}
    assert len(found) == 2


def test_natural_keys_lead_back_to_their_records():
    source = FundingSourceFactory(year__first_year=2031, slug="chest")
    assert (source.year.natural_key(), source.natural_key()) == ((2031,), (2031, "chest"))
    assert FinancialYear.objects.get_by_natural_key(2031) == source.year
    assert FundingSource.objects.get_by_natural_key(2031, "chest") == source
