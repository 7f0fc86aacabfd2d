"""What staff do with decisions, headings and money that will not be spent, by the forms of the admin."""

from decimal import Decimal

import pytest

from funding.choices import ConditionKind, VariationKind
from funding.models import Allocation, Decision, Fulfilment, Overcommitment, SourceCondition, Variation
from tests.support.crawler import text_of
from tests.support.factories import (
    AllocationFactory,
    DecisionFactory,
    HeadingFactory,
    OrganisationFactory,
    PaymentFactory,
    PostFactory,
    PublicationFactory,
    SourceConditionFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def award(source):
    """£100 allocated, £12.50 of it paid."""
    return PaymentFactory(allocation=AllocationFactory(funding_source=source)).allocation


def step(row, name, **sent):
    model = row._meta.model_name
    typed = {"varied_on": "2031-05-20", "decision": DecisionFactory().pk, "reasons": "Fewer nights were dark."}
    return lambda client: client.post(f"/admin/funding/{model}/{row.pk}/{name}/", typed | sent)


@pytest.mark.parametrize("kind", ["release", "return"])
def test_what_is_not_paid_is_released_or_returned(client, officer, award, kind):
    asked = client.get(f"/admin/funding/allocation/{award.pk}/{kind}/")
    assert "Not paid £87.50" in text_of(asked)
    assert "All of it: £87.50." in text_of(asked)
    assert asked.context["adminform"].form["amount"].value() is None
    said = text_of(step(award, kind, amount="87.51")(client))
    assert "£87.51 is £0.01 too much" in said
    assert step(award, kind, amount="80.00")(client).status_code == 302
    row = Variation.objects.get()
    assert (row.kind, row.amount, row.recorded_by) == (kind, Decimal("80.00"), officer)
    page = text_of(client.get(f"/admin/funding/allocation/{award.pk}/change/"))
    assert "£80. Not paid after this: £7.50" in page


def test_an_award_is_ended_and_its_end_taken_back(client, officer, award):
    assert step(award, "end")(client).status_code == 302
    row = Variation.objects.get()
    assert (row.kind, row.amount) == (VariationKind.END, Decimal("87.50"))
    blocked = text_of(client.get(f"/admin/funding/allocation/{award.pk}/release/"))
    assert "There is nothing left to release, move or return" in blocked
    client.post(f"/admin/funding/variation/{row.pk}/reverse/", {"reason": "Too early"})
    assert Allocation.objects.with_varied().get(pk=award.pk).allocated == Decimal("100.00")


def test_money_is_moved_to_a_heading_of_another_recipient(client, officer, award):
    heading, body = HeadingFactory(), OrganisationFactory()
    sent = {"recipient": body.pk, "initiative": "", "heading": heading.pk, "kind": "grant", "purpose": "Torches."}
    sent |= {"conditions": "Lit.", "value_for_money": "", "amount": "50"}
    assert step(award, "move", **sent)(client).status_code == 302
    into = Allocation.objects.get(moved_from__allocation=award)
    assert (into.heading, into.recipient, into.amount) == (heading, body, Decimal("50.00"))


def test_a_move_that_a_rule_refuses_says_why_and_records_nothing(client, officer, award):
    sent = {"recipient": award.recipient_id, "initiative": "", "heading": "", "kind": "grant", "purpose": "Torches."}
    said = text_of(step(award, "move", **sent, amount="50")(client))
    assert "Choose either an initiative or a budget heading." in said
    assert not Variation.objects.exists()


def test_money_that_no_allocation_holds_is_returned_from_its_source(client, officer, source, award):
    assert "£1,150.50 is left" in text_of(client.get(f"/admin/funding/fundingsource/{source.pk}/return/"))
    assert step(source, "return", amount="1150.00")(client).status_code == 302
    assert "£1,150. Left in the source: £0.50" in text_of(client.get("/admin/"))
    assert Variation.objects.get().allocation is None


def test_a_source_is_over_committed_by_a_published_decision(client, officer, source):
    address = f"/admin/funding/fundingsource/{source.pk}/overcommit/"
    sent = {"share": "10", "allowed_on": "2031-05-20", "decision": DecisionFactory(notice_url="").pk}
    assert client.post(address, sent).status_code == 200
    sent["decision"] = DecisionFactory().pk
    assert client.post(address, sent).status_code == 302
    assert Overcommitment.objects.get().share == Decimal("10.00")


def test_a_decision_is_recorded_and_only_its_notice_added_later(client, officer, source):
    sent = {"year": source.year_id, "reference": "04/2031", "decided_on": "2031-05-01", "title": "Lanterns"}
    sent |= {"decided_by": PostFactory().pk, "reasons": "It is dark.", "notice_url": ""}
    assert client.post("/admin/funding/decision/add/", sent).status_code == 302
    row = Decision.objects.get()
    assert "already recorded" in text_of(client.post("/admin/funding/decision/add/", sent))
    address = f"/admin/funding/decision/{row.pk}/change/"
    client.post(address, sent | {"notice_url": "https://moor.example.org/4", "title": "Torches"})
    row.refresh_from_db()
    assert (row.notice_url, row.title) == ("https://moor.example.org/4", "Lanterns")


def test_a_condition_is_recorded_and_match_funding_towards_it(client, officer, source):
    sent = {"funding_source": source.pk, "kind": "match", "share": "10", "sum": "", "share_of": "", "heading": ""}
    sent |= {"level": "", "cost_kind": "", "by_day": "", "wording": "", "source": PublicationFactory().pk}
    sent |= {"source_location": "", "as_at": "2031-05-01"}
    wrong = text_of(client.post("/admin/funding/sourcecondition/add/", sent | {"sum": "5"}))
    assert "Enter either a share or a sum" in wrong
    assert client.post("/admin/funding/sourcecondition/add/", sent).status_code == 302
    row = SourceCondition.objects.get()
    gift = {"organisation": OrganisationFactory().pk, "amount": "25", "happened_on": "2031-05-20", "note": ""}
    gift |= {"source": PublicationFactory().pk, "as_at": "2031-05-20"}
    address = f"/admin/funding/sourcecondition/{row.pk}/fulfil/"
    assert client.post(address, gift | {"organisation": ""}).status_code == 200
    assert client.post(address, gift).status_code == 302
    assert Fulfilment.objects.get().amount == Decimal("25.00")


def test_what_the_ledger_shows_is_not_recorded_towards_a_condition(client, officer, source):
    row = SourceConditionFactory(funding_source=source, kind=ConditionKind.AT_LEAST)
    said = text_of(client.get(f"/admin/funding/sourcecondition/{row.pk}/fulfil/"))
    assert "Only match funding and claims are recorded" in said


def test_the_form_of_a_decision_says_that_it_becomes_public(client, officer):
    form = text_of(client.get("/admin/funding/decision/add/"))
    assert "A decision is public as soon as it is recorded. It cannot be changed after that" in form
