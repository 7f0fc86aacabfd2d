"""The pages of headings and decisions, and variations and conditions on the pages of a year and an allocation."""

import csv
import io
import re
from datetime import date
from decimal import Decimal

import pytest

from funding.choices import AllocationKind, ConditionKind, CostKind, VariationKind
from tests.funding.views.reading import sums, text_of
from tests.support.factories import (
    AllocationFactory,
    DecisionFactory,
    FundingSourceFactory,
    HeadingFactory,
    InitiativeFactory,
    LevelFactory,
    OrganisationFactory,
    OvercommitmentFactory,
    PaymentFactory,
    SourceConditionFactory,
    VariationFactory,
    YearFactory,
)

pytestmark = pytest.mark.django_db
YEAR = "/funding/2031-32/"


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to("2031-07-01")


@pytest.fixture
def source():
    return FundingSourceFactory(
        year=YearFactory(first_year=2031), name="Chest", slug="chest", amount=Decimal("1000.00")
    )


@pytest.fixture
def team(source):
    """£300 for the team, of which £120.50 is paid."""
    heading = HeadingFactory(name="Lamplighters", slug="lamplighters")
    row = AllocationFactory(funding_source=source, heading=heading, kind=AllocationKind.OWN, amount=Decimal("300.00"))
    PaymentFactory(allocation=row, amount=Decimal("120.50"))
    return row


def test_a_heading_has_a_page_with_its_money_year_by_year(client, team):
    page = text_of(client.get("/funding/headings/lamplighters/"))
    assert "Kind of cost: staff" in page
    assert "£300 has been allocated for 2031-32. £120.50 has been paid so far" in page
    assert client.get("/funding/headings/nothing/").status_code == 404
    HeadingFactory(name="Draft", slug="draft", state="draft")
    assert client.get("/funding/headings/draft/").status_code == 404


def test_a_heading_is_beside_initiatives_on_the_page_of_the_year(client, source, team):
    AllocationFactory(funding_source=source, initiative=InitiativeFactory(level=LevelFactory()))
    response = client.get(YEAR)
    page = text_of(response)
    assert "Budget headings £300 £120.50" in page
    assert sums(response, "allocation") == ["£300", "£100"]
    assert "Lamplighters" in text_of(client.get(f"{YEAR}?heading=lamplighters"))
    assert "1 allocation" in text_of(client.get(f"{YEAR}?heading=lamplighters"))
    assert "1 payment" in text_of(client.get(f"{YEAR}payments/?heading=lamplighters"))
    assert "Budget headings" in text_of(client.get("/payments/totals/?by=level"))


def test_an_allocation_to_a_heading_shows_its_decision_instead_of_an_assessment(client, team):
    page = text_of(client.get(team.get_absolute_url()))
    assert "£300 for Lamplighters" in page
    assert "Decision" in page
    assert team.decision.reference in page
    assert "evidence assessment" not in page


def test_what_changed_is_shown_as_its_own_part(client, source, team):
    VariationFactory(allocation=team, amount=Decimal("50.00"))
    VariationFactory(allocation=None, funding_source=source, amount=Decimal("70.07"))
    page = text_of(client.get(YEAR))
    assert "£70.07 has been returned to the funder." in page
    assert "Released £50" in page
    assert "£70.07 returned to the funder" in page  # the key of the bar
    assert "£250 has been allocated" in page
    own = text_of(client.get(team.get_absolute_url()))
    assert "£50 of this was released, moved or returned, which leaves £250 allocated" in own
    assert "Fewer nights were dark." in own
    earlier = text_of(client.get(f"{YEAR}?as_at=2031-05-05&basis=dated"))
    assert "returned to the funder" not in earlier


def test_a_move_leads_from_one_allocation_to_the_other_and_back(client, source, team):
    move = VariationFactory(allocation=team, kind=VariationKind.MOVE)
    into = AllocationFactory(
        funding_source=source, heading=HeadingFactory(), amount=move.amount, decision=move.decision, moved_from=move
    )
    assert f'href="{into.get_absolute_url()}"' in client.get(team.get_absolute_url()).text
    assert f'href="{team.get_absolute_url()}"' in client.get(into.get_absolute_url()).text


def test_conditions_are_shown_with_their_arithmetic(client, source, team):
    SourceConditionFactory(
        funding_source=source, kind=ConditionKind.AT_MOST, share=Decimal("25.00"), cost_kind=CostKind.STAFF
    )
    page = text_of(client.get(YEAR))
    assert "Chest: At most 25% of the source for Staff £250 £300 Missed" in page
    assert "Allowed: 25% of £1,000 = £250. Allocated: £300. £50 too much." in page


def test_an_over_commitment_names_its_decision(client, source):
    allowed = OvercommitmentFactory(funding_source=source)
    assert f"Decision {allowed.decision.reference} allows 10% of Chest" in text_of(client.get(YEAR))


def test_decisions_are_listed_with_what_was_made_of_them(client, source, team):
    decision = team.decision
    VariationFactory(allocation=team, decision=decision)
    other = DecisionFactory(year=source.year, notice_url="", reference="OTHER 1", decided_on=date(2031, 6, 1))
    response = client.get(f"{YEAR}decisions/")
    page = text_of(response)
    assert "2 decisions" in page
    assert "£300 for Lamplighters" in page
    assert "Released: £10" in page
    assert "OTHER 1 No notice published" in page
    assert page.index("OTHER 1") < page.index(decision.reference)
    one = text_of(client.get(decision.get_absolute_url()))
    assert "1 decision" in one
    assert "OTHER 1" not in one
    assert other.get_absolute_url().endswith("?reference=OTHER+1")


def test_decisions_can_be_searched_and_sorted_and_their_file_is_the_list(client, source):
    for number, (title, reasons) in enumerate(
        (("Lamps", "It is dark."), ("Bridges", "Lamps fell."), ("Paths", "Mud."))
    ):
        DecisionFactory(year=source.year, title=title, reasons=reasons, decided_on=date(2031, 5, 6 + number))
    for query, titles in {
        "": ["Paths", "Bridges", "Lamps"],
        "?sort=oldest": ["Lamps", "Bridges", "Paths"],
        "?sort=title": ["Bridges", "Lamps", "Paths"],
        "?q=lamps": ["Bridges", "Lamps"],
        "?q=LAMPS+dark&sort=title": ["Lamps"],
        "?q=nothing": [],
    }.items():
        response = client.get(f"{YEAR}decisions/{query}")
        assert [part["decision"].title for part in response.context["decisions"]] == titles, query
        content = client.get(f"{YEAR}decisions.csv{query}").getvalue().decode("utf-8-sig")
        assert [row["title"] for row in csv.DictReader(io.StringIO(content))] == titles, query
    page = client.get(f"{YEAR}decisions/?q=lamps")
    assert ('name="q"' in page.text, "Remove: Words: lamps" in text_of(page)) == (True, True)
    assert 'href="?q=lamps&amp;sort=oldest"' in page.text
    assert "No decision matches" in text_of(client.get(f"{YEAR}decisions/?q=nothing"))


def test_who_decided_is_shown_only_if_the_person_and_the_organisation_are_published(client, source):
    decision = DecisionFactory(year=source.year)
    person = str(decision.decided_by.person)
    assert person in text_of(client.get(f"{YEAR}decisions/"))
    hidden = OrganisationFactory(state="draft")
    type(decision.decided_by).objects.filter(pk=decision.decided_by_id).update(organisation=hidden)
    page = text_of(client.get(f"{YEAR}decisions/"))
    assert person not in page
    assert hidden.name not in page
    assert hidden.name not in client.get(f"{YEAR}decisions.csv").getvalue().decode()


def test_a_year_without_money_has_no_decisions(client):
    assert client.get("/funding/2033-34/decisions/").status_code == 404


def test_very_many_allocations_by_one_decision_are_spread_over_pages(client, source):
    decision = DecisionFactory(year=source.year)
    level = LevelFactory()
    recipients = [OrganisationFactory(name=f"The Company of Lamplighters of {n}") for n in range(3)]
    initiatives = [InitiativeFactory(level=level, name=f"Lanterns along the road to Moor {n}") for n in range(3)]
    for n in range(410):
        AllocationFactory(
            funding_source=source,
            initiative=initiatives[n % 3],
            recipient=recipients[n % 3],
            amount=Decimal("1.00"),
            decision=decision,
        )
    addresses: list[str] = []
    for number, title in ((1, "1 decision"), (2, "continued")):
        response = client.get(f"{YEAR}decisions/", {"page": number})
        assert len(response.content) < 300_000
        assert title in text_of(response)
        addresses += re.findall(r'href="(/funding/allocations/[^"]+)"', response.content.decode())
    assert len(addresses) == len(set(addresses)) == 410
    assert client.get(f"{YEAR}decisions/", {"page": 3}).status_code == 302
