"""Publications: a list, and a page each with its files and everything that the portal takes from it."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from events.declarations.models import LiveSignature
from funding.choices import CostKind
from partners.choices import PublicationKind
from partners.models import Publication, Unit
from tests.support.factories import (
    DocumentFactory,
    FulfilmentFactory,
    FundingSourceFactory,
    InitiativeFactory,
    OrganisationFactory,
    PassageFactory,
    PersonFactory,
    PostFactory,
    PublicationFactory,
    SourceConditionFactory,
    UnitFactory,
    make_everything,
)
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything():
    """One row of everything, a unit included."""
    make_everything(1)


@pytest.fixture(autouse=True)
def unit(request):
    if "everything" not in request.fixturenames:
        UnitFactory()


def page(client, row):
    response = client.get(row.get_absolute_url())
    assert response.status_code == 200
    return response.text


def test_the_list_has_kinds_with_counts_and_leads_to_each(client):
    PublicationFactory(title="Walks", kind=PublicationKind.STRATEGY)
    PublicationFactory(title="Paths", kind=PublicationKind.MINUTES)
    PublicationFactory(title="Hidden", kind=PublicationKind.MINUTES, state=State.DRAFT)
    everything = client.get(reverse("partners:publications")).text
    assert "Walks" in everything
    assert "Hidden" not in everything
    minutes = client.get(reverse("partners:publications"), {"kind": "minutes"}).text
    assert "1 publication<" in minutes
    assert "Paths" in minutes
    assert "Walks" not in minutes
    assert "No publications match" in client.get(reverse("partners:publications"), {"q": "zzz"}).text


def test_the_units_own_brochure_leads_to_the_one_made_from_its_facts(client):
    own = Unit.objects.get().organisation
    assert reverse("brochure_pdf") in page(client, PublicationFactory(kind=PublicationKind.BROCHURE, issued_by=own))
    for other in (
        PublicationFactory(kind=PublicationKind.BROCHURE, issued_by=OrganisationFactory()),
        PublicationFactory(kind=PublicationKind.STRATEGY, issued_by=own),
    ):
        assert reverse("brochure_pdf") not in page(client, other)


def test_a_text_of_a_page_is_named_with_its_place_on_it(client):
    source = PublicationFactory()
    PassageFactory(slot="about_approach", source=source, source_location="Page 2")
    assert f'href="{reverse("about")}#approach"' in page(client, source)


def test_an_empty_list_leads_on(client):
    Publication.objects.update(state=State.DRAFT)
    assert "No publications yet" in client.get(reverse("partners:publications")).text


def test_a_page_states_what_is_known_and_nothing_else(client):
    author, hidden = PersonFactory(name="Ada Light"), PersonFactory(name="Ben Dark", state=State.DRAFT)
    plan = PublicationFactory(title="Plan", period="1901 to 1902", area="The moor", issued_by=OrganisationFactory())
    plan.authors.add(author, hidden)
    text = page(client, plan)
    for shown in (
        "1901 to 1902",
        "The moor",
        "Ada Light",
        plan.issued_by.name,
        "Other publication",
        "We have not published the file",
    ):
        assert shown in text
    assert "Ben Dark" not in text
    bare = page(client, PublicationFactory())
    assert "Period covered" not in bare
    assert "Area covered" not in bare


def test_a_draft_has_no_page(client):
    draft = PublicationFactory(state=State.DRAFT)
    assert client.get(draft.get_absolute_url()).status_code == 404


def test_its_files_are_listed_in_order_without_drafts(client):
    plan = PublicationFactory()
    DocumentFactory(title="Numbers", publication=plan, role="data")
    DocumentFactory(title="For all", publication=plan, role="accessible")
    DocumentFactory(title="The plan", publication=plan)
    DocumentFactory(title="Not yet", publication=plan, state=State.DRAFT)
    DocumentFactory(title="Of another", publication=PublicationFactory())
    text = page(client, plan)
    assert re.findall(r"The plan|For all|Numbers|Not yet|Of another", text) == ["The plan", "For all", "Numbers"]
    assert "an accessible version of it" in text


def test_facts_are_under_their_sections_and_source_notes_link_to_them(client):
    plan = PublicationFactory(title="Plan")
    walk = InitiativeFactory(name="Moor walk", source=plan, source_location="Chapter 1; Page 7")
    InitiativeFactory(name="Hidden walk", source=plan, source_location="Chapter 1", state=State.DRAFT)
    note = page(client, walk)
    assert f'<a href="{plan.get_absolute_url()}#section-chapter-1" dir="auto">Plan, “Chapter 1”</a>' in note
    assert f'<a href="{plan.get_absolute_url()}#section-page-7" dir="auto">“Page 7”</a>' in note
    text = page(client, plan)
    assert text.count("Moor walk") == 2
    assert "Hidden walk" not in text
    for anchor in ("section-chapter-1", "section-page-7"):
        assert f'id="{anchor}"' in text


def test_facts_without_a_section_have_a_heading_only_beside_sections(client):
    plan = PublicationFactory()
    InitiativeFactory(name="Moor walk", source=plan, source_location="")
    assert "Other facts" not in page(client, plan)
    InitiativeFactory(name="Mill walk", source=plan, source_location="Chapter 1")
    assert "Other facts" in page(client, plan)


def test_conditions_of_one_source_are_told_apart_by_what_they_ask(client):
    plan = PublicationFactory()
    source = FundingSourceFactory(name="Chest")
    SourceConditionFactory(funding_source=source, source=plan)
    staff = {"cost_kind": CostKind.STAFF, "share": None, "sum": Decimal("500.00")}
    SourceConditionFactory(funding_source=source, source=plan, **staff)
    FulfilmentFactory(condition__funding_source=source, source=plan, organisation__name="Mill")
    text = page(client, plan)
    label = source.year.label
    assert f"At least 20% of the source for Interventions: Chest, {label}</a>" in text
    assert f"At least £500 for Staff: Chest, {label}</a>" in text
    assert "Mill, £25 on " in text


@pytest.mark.usefixtures("everything")
def test_each_source_note_of_each_page_leads_to_a_section_that_exists(client):
    pages: dict[str, str] = {}
    missing = []
    for address in ("/", "/about/", "/initiatives/", "/partners/", "/contact/", "/events/opening/"):
        for link in re.findall(r'href="(/publications/[^"]+)"', client.get(address).text):
            path, _, anchor = link.partition("#")
            text = pages.setdefault(path, client.get(path).text)
            if anchor and f'id="{anchor}"' not in text:
                missing.append((address, link))
    assert pages
    assert missing == []


def test_a_page_that_names_something_sensitive_has_the_way_out(client):
    plan = PublicationFactory()
    assert "govuk-exit-this-page" not in page(client, plan)
    InitiativeFactory(source=plan, sensitive_topic="storms", safety_notice="Stay inside.")
    assert "govuk-exit-this-page" in page(client, plan)


def test_an_organisation_shows_its_seat_and_who_represents_it(client):
    group = OrganisationFactory(name="All councils", is_group=True)
    council = OrganisationFactory(name="One council", represents=group)
    PostFactory(organisation=council, seat="executive", person=PersonFactory(name="Ada Light"))
    assert "Represented by" in page(client, group)
    assert "One council" in page(client, group)
    text = page(client, council)
    assert "On the executive team, which leads the unit" in text
    assert "All councils" in text


@pytest.mark.usefixtures("everything")
def test_an_organisation_shows_its_signature(client):
    signature = LiveSignature.objects.select_related("body", "entry")[0]
    organisation = OrganisationFactory(name="Signatory")
    assert "Signed" not in page(client, organisation)
    signature.body.organisation = organisation
    signature.body.save()
    assert reverse("declarations:entry", args=[signature.entry.seq]) in page(client, organisation)
