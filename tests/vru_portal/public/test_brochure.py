"""The brochure as a page and as a PDF: what it says, for whom it can be read, and how often it is made."""

from contextlib import closing
from datetime import date, timedelta
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from events.models import Event
from partners.choices import PublicationKind
from tests.support.crawler import Elements
from tests.support.factories import (
    AgendaItemFactory,
    EventFactory,
    FundingSourceFactory,
    InitiativeFactory,
    PublicationFactory,
    StatementFactory,
    TermFactory,
    UnitFactory,
    YearFactory,
    make_everything,
)
from tests.support.pdfs import links_of, tags_of, words
from vru_portal.public import views
from vru_portal.public.brochure import read_brochure
from vru_portal.text.dates import format_date
from vru_portal.web import shared_files

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOSTILE = '#eval("1+1") *b* _i_ "q" \\ $x^2$ @ref <l> // /* `raw` #import "x": y'


def brochure_pdf(client: Client) -> bytes:
    response = client.get("/brochure.pdf")
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response["Content-Disposition"] == 'inline; filename="brochure.pdf"'
    with closing(response):
        return response.getvalue()


def test_page_and_pdf_show_the_same_content(client):
    make_everything(1)
    paper, page = words(brochure_pdf(client)), client.get("/brochure/").getvalue().decode()
    brochure = read_brochure()
    facts = [
        *(item.title for item in brochure.items),
        *(initiative.name for initiative in brochure.initiatives),
        *(statement.title for statement in brochure.statements),
        *(post.person.full_name for post in brochure.posts),
        *(condition.title for condition in brochure.conditions),
        *(source.name for source in brochure.sources),
        *(point.value for point in brochure.unit.contact_list),
    ]
    assert len(facts) >= 7
    for fact in facts:
        assert fact in page, fact
        assert "".join(fact.split()) in "".join(paper.split()), fact


def test_the_notes_of_sources_are_the_same_on_paper(client):
    UnitFactory()
    source = PublicationFactory(title="Launch leaflet")
    event = EventFactory(source=source, source_location="Cover; Page 2")
    AgendaItemFactory(event=event, source=source, source_location="Page 2")
    paper = brochure_pdf(client)
    assert f"As at {format_date(event.as_at)}. Launch leaflet, “Cover”, “Page 2”." in words(paper)
    assert "#section-page-2" in "".join(links_of(paper))


def test_it_says_that_it_is_not_the_brochure_that_it_is_made_from(client):
    UnitFactory()
    source = PublicationFactory(title="Launch leaflet", kind=PublicationKind.BROCHURE)
    event = EventFactory(source=source)
    AgendaItemFactory(event=event, source=source)
    said = "It is not itself the publication “Launch leaflet”."
    assert said in Elements(client.get("/brochure/").text).text
    assert said in words(brochure_pdf(client))
    source.kind = PublicationKind.OTHER
    source.save()
    assert "It is not itself" not in Elements(client.get("/brochure/").text).text


def test_it_defines_violence_as_the_about_page_does(client):
    UnitFactory()
    TermFactory(defines_violence=True, definition="any breaking of a path")
    assert "“any breaking of a path”" in Elements(client.get("/brochure/").text).text


def test_the_pdf_can_be_read_aloud(client):
    """PDF/UA-1: tagged, titled, in a stated language, with headings, table headings and alternative texts."""
    make_everything(1)
    names = {tag.name for tag in tags_of(brochure_pdf(client))}
    assert {"H1", "H2", "H3", "P", "Table", "BlockQuote", "Link", "Figure"} <= names


def test_what_people_write_is_never_code(client):
    UnitFactory(vision=HOSTILE)
    AgendaItemFactory(title=HOSTILE)
    InitiativeFactory(name=HOSTILE, description=HOSTILE)
    StatementFactory(title=HOSTILE[:100], quote=HOSTILE)
    paper = words(brochure_pdf(client))
    assert paper.count('#eval("1+1")') >= 4
    assert "$x^2$" in paper


def test_a_unit_that_has_published_nothing_has_a_brochure(client):
    UnitFactory()
    assert client.get("/brochure/").status_code == 200
    assert "Contact" in words(brochure_pdf(client))


def test_names_of_any_length_and_script_stay_on_the_paper(client):
    UnitFactory(slogan="Ж" * 80)
    InitiativeFactory(name="L" * 150)
    AgendaItemFactory(title="محمد " * 30)
    assert len(PdfReader(BytesIO(brochure_pdf(client))).pages) >= 4


def test_it_is_the_brochure_of_the_first_event_and_its_financial_year(client):
    UnitFactory()
    launch, later = EventFactory(held_on=date(2031, 3, 31)), EventFactory(held_on=date(2032, 5, 1))
    for event in (launch, later):
        AgendaItemFactory(event=event)
    EventFactory(held_on=date(2030, 1, 1), title="Without an agenda")
    amounts = {}
    for first_year in (2030, 2031):
        year = YearFactory(first_year=first_year, stated_total=None)
        amounts[first_year] = FundingSourceFactory(year=year).amount
    found = read_brochure()
    assert (found.event, found.budget) == (launch, amounts[2030])
    Event.objects.filter(pk=launch.pk).update(held_on=date(2031, 4, 1))
    assert read_brochure().budget == amounts[2031]
    Event.objects.filter(pk=launch.pk).update(held_on=date(2020, 4, 1))
    assert read_brochure().budget == amounts[2031], "no source in that year: the latest"


def test_people_who_left_the_executive_team_are_not_in_the_brochure(client):
    make_everything(1)
    before = read_brochure().executives
    left = before[0]
    left.seat_until = timezone.localdate() - timedelta(days=1)
    left.save()
    assert read_brochure().executives == before[1:]


def test_it_offers_the_way_out_where_a_sensitive_initiative_is_described(client):
    UnitFactory()
    InitiativeFactory()
    assert b"govuk-exit-this-page" not in client.get("/brochure/").content
    InitiativeFactory(sensitive_topic="domestic abuse", safety_notice="Leave in a hurry.")
    assert b"govuk-exit-this-page" in client.get("/brochure/").content


def test_it_is_made_once_for_each_state_of_the_content(client, tmp_path, settings, monkeypatch):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(shared_files, "connection", SimpleNamespace(in_atomic_block=False))
    made = []
    monkeypatch.setattr(views, "write_brochure_pdf", lambda file: made.append(file.write(b"%PDF")))
    UnitFactory()

    def asked(**headers):
        with closing(client.get("/brochure.pdf", headers=headers)) as response:
            return response.status_code, response.getvalue(), response["ETag"]

    first = asked()
    assert first[:2] == (200, b"%PDF")
    assert asked() == first
    assert asked(**{"if-none-match": first[2]})[0] == 304
    assert len(made) == 1
    InitiativeFactory()
    assert asked(**{"if-none-match": first[2]})[0] == 200
    assert len(made) == 2
