"""The content: that the launch unit's facts arrive whole, and that none of them stands anywhere but in `fixtures/`.

The facts are written out here once more, on purpose: whoever changes one in `fixtures/` must mean it.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
import yaml
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models, transaction
from django.test import Client

from events.choices import ItemKind
from events.declarations.models import Declaration, DeclarationVersion
from events.models import AgendaItem, Appearance, Event
from funding.models import Contributor, FinancialYear, FundingSource
from partners.models import ContactPoint, Organisation, Person, Post, Publication, Sector, Statement, Unit
from partners.provenance import Sourced
from programmes.choices import Slot
from programmes.models import (
    Audience,
    Initiative,
    Passage,
    Predecessor,
    PreventionLevel,
    Setting,
    SuccessCondition,
    Term,
    Uploaded,
)
from vru_portal.money import pounds, pounds_in_words
from vru_portal.publishing import Publishable, State

ROOT = Path(settings.BASE_DIR)
LAUNCH_UNIT = ROOT / "fixtures"
RIVERSIDE = ROOT / "tests" / "units" / "riverside"
BROCHURE = ROOT.parent / "shared" / "seed" / "brochure.txt"
APPS = ("partners", "programmes", "funding", "events", "declarations")
LAUNCH_DAY = date(2019, 10, 2)
NEVER_PRINTED = ("TBC", "TBA", "00:00", "£0", "unknown", "N/A", "lorem")
CANARY = "canary"


@contextmanager
def loaded(folder: Path, blocker: Any) -> Iterator[None]:
    """Hold a unit's content in the test database, and take it out again.

    Who uses it is marked `django_db` too: without the mark pytest-django makes no test database.
    """
    with blocker.unblock(), transaction.atomic():
        call_command("load_unit", str(folder), verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="class")
def launch_unit(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with loaded(LAUNCH_UNIT, django_db_blocker):
        yield


@pytest.fixture(scope="class")
def riverside(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with loaded(RIVERSIDE, django_db_blocker):
        yield


# What the files hold --------------------------------------------------------------------------------------------------


def records(folder: Path) -> list[dict[str, Any]]:
    """Return every record of a unit's files."""
    return [entry for name in APPS for entry in yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))]


def values(folder: Path, model: str, *fields: str) -> list[str]:
    """Return the texts that records of a model have in these fields, line by line."""
    return [
        line.strip()
        for entry in records(folder)
        if entry["model"] == model
        for field in fields
        for line in str(entry["fields"].get(field, "")).splitlines()
        if line.strip()
    ]


# Words of the launch unit that the portal itself may use.
GENERAL = {"Local authorities", "Launch brochure", "Violence Reduction Unit", "VRU", "Police and Crime Commissioner"}


def distinctive_words() -> list[str]:
    """Return what gives the launch unit away wherever it stands: names, sums, sentences, ways to reach it."""
    amounts = [Decimal(a) for a in values(LAUNCH_UNIT, "funding.fundingsource", "amount")]
    amounts += [Decimal(a) for a in values(LAUNCH_UNIT, "funding.financialyear", "stated_total")]
    words = {
        *values(LAUNCH_UNIT, "partners.organisation", "name", "other_names", "summary"),
        *values(LAUNCH_UNIT, "partners.person", "name", "other_names"),
        *values(LAUNCH_UNIT, "partners.publication", "title"),
        *values(LAUNCH_UNIT, "partners.unit", "region", "slogan", "vision", "description"),
        *values(LAUNCH_UNIT, "partners.contactpoint", "value", "url"),
        *values(LAUNCH_UNIT, "partners.statement", "quote", "summary"),
        *values(LAUNCH_UNIT, "programmes.preventionlevel", "summary", "definition"),
        *values(LAUNCH_UNIT, "programmes.successcondition", "text"),
        *values(LAUNCH_UNIT, "programmes.initiative", "name", "summary", "funded_period"),
        *values(LAUNCH_UNIT, "programmes.predecessor", "title"),
        *values(LAUNCH_UNIT, "programmes.term", "definition"),
        *values(LAUNCH_UNIT, "programmes.passage", "body"),
        *values(LAUNCH_UNIT, "funding.financialyear", "stated_as", "spend_by_stated", "purpose", "gate"),
        *values(LAUNCH_UNIT, "funding.fundingsource", "name", "stated_as", "wording"),
        *values(LAUNCH_UNIT, "events.event", "title", "venue", "place", "summary"),
        *(pounds(amount) for amount in amounts),
        *(pounds_in_words(amount) for amount in amounts),
        *(f"{amount:.0f}" for amount in amounts),
        *(f"{amount:,.0f}" for amount in amounts),
        *(f"{int(amount):_}" for amount in amounts),
        *(f"{amount / 1_000_000:.3f}" for amount in amounts if amount >= 1_000_000),
    }
    return sorted(words - GENERAL, key=str.lower)


def found_in(text: str, words: list[str]) -> list[str]:
    """Return those of the words that stand in a text, as whole words; an acronym counts in capitals only."""
    text = " ".join(text.split())
    lower = text.lower()
    return [
        word
        for word in words
        if word.lower() in lower
        and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, 0 if word.isupper() else re.IGNORECASE)
    ]


# The launch unit ------------------------------------------------------------------------------------------------------


def own_models() -> list[type[models.Model]]:
    """Return the portal's models, without the tables of their history."""
    return [m for label in APPS for m in apps.get_app_config(label).get_models() if not hasattr(m, "instance_type")]


def rows() -> Iterator[models.Model]:
    """Return every row of content."""
    for model in own_models():
        yield from model._default_manager.all()


def texts(row: models.Model) -> Iterator[tuple[str, str]]:
    """Return a row's texts with the names of their fields."""
    for field in row._meta.concrete_fields:
        if isinstance(field, models.CharField | models.TextField) and (text := getattr(row, field.attname)):
            yield field.name, text


@pytest.mark.django_db
@pytest.mark.usefixtures("launch_unit")
class TestLaunchUnit:
    def test_counts(self):
        assert {m.__name__: n for m in own_models() if (n := m._default_manager.count())} == {
            "Sector": 5,
            "Publication": 2,
            "Organisation": 17,
            "Unit": 1,
            "ContactPoint": 5,
            "Person": 19,
            "Post": 18,
            "Statement": 3,
            "PreventionLevel": 3,
            "SuccessCondition": 6,
            "Audience": 3,
            "Setting": 4,
            "Initiative": 7,
            "Predecessor": 3,
            "Term": 4,
            "Passage": 16,
            "FinancialYear": 1,
            "FundingSource": 3,
            "Contributor": 4,
            "PublicationDuty": 1,
            "DutyColumn": 16,
            "Event": 1,
            "AgendaItem": 17,
            "Appearance": 15,
            "Declaration": 1,
            "DeclarationVersion": 1,
        }

    def test_everything_that_can_be_published_is(self):
        assert [str(row) for row in rows() if isinstance(row, Publishable) and row.state != State.PUBLISHED] == []

    def test_the_declaration_is_a_draft(self):
        version = DeclarationVersion.objects.get()
        assert (version.number, version.in_force_from) == (1, None)
        assert not DeclarationVersion.objects.in_force(date.max).exists()
        assert version.note.endswith("The wording signed at the launch is not stated.")
        assert Declaration.objects.get().event == Event.objects.get()
        assert len(re.findall(r"^\d\. ", version.text, re.MULTILINE)) == 6

    def test_each_fact_names_the_brochure_and_its_day(self):
        facts = [row for row in rows() if isinstance(row, Sourced)]
        assert {(row.source.slug, row.as_at, row.checked_on) for row in facts} == {
            ("launch-brochure", LAUNCH_DAY, None)
        }
        assert [str(row) for row in facts if not row.source_location] == []

    def test_each_row_begins_its_history_once(self):
        for model in own_models():
            if history := getattr(model, "history", None):
                key = model._meta.pk.attname
                begun = sorted(history.values_list(key, "history_type"))
                assert begun == sorted((row.pk, "+") for row in model._default_manager.all()), model

    def test_nothing_is_filled_in_for_what_is_not_stated(self):
        assert [
            (str(row), name, word)
            for row in rows()
            for name, text in texts(row)
            for word in NEVER_PRINTED
            if word.lower() in text.lower()
        ] == []

    def test_what_the_brochure_leaves_open_stays_open(self):
        assert not Organisation.objects.exclude(sector=None).exists()
        assert not Organisation.objects.exclude(website="").exists()
        assert not Person.objects.exclude(biography="").exists()
        for initiative in Initiative.objects.all():
            stated = (initiative.lead_organisation, list(initiative.partners.all()), list(initiative.areas.all()))
            assert stated == (None, [], []), initiative
            assert initiative.area_text + initiative.eligibility + initiative.referral + initiative.contact == ""

    def test_unit(self):
        unit = Unit.objects.get()
        assert unit.name == "West Midlands Violence Reduction Unit"
        assert str(unit.host) == "Office of the Police and Crime Commissioner"
        assert unit.region == "West Midlands"
        assert unit.slogan == "Violence is preventable, not inevitable"
        assert unit.slogan_parts == ("Violence is", "preventable,", "not inevitable")
        assert (unit.colour_ink, unit.colour_accent) == ("", "")

    def test_contact(self):
        assert list(ContactPoint.objects.values_list("kind", "label", "value", "url", "note")) == [
            ("email", "", "VRU@west-midlands.pnn.police.uk", "", ""),
            ("phone", "", "0121 626 5322", "", "Ask for the VRU team"),
            ("social", "Twitter", "@WestMidsVRU", "https://twitter.com/WestMidsVRU", ""),
            ("social", "Facebook", "@WestMidsVRU", "https://www.facebook.com/WestMidsVRU", ""),
            (
                "post",
                "",
                "Violence Reduction Unit\nWest Midlands Police and Crime Commissioner's office\nLloyd House\n"
                "Colmore Circus Queensway\nBirmingham\nB4 6NQ",
                "",
                "",
            ),
        ]

    def test_publications(self):
        assert [
            (p.title, p.published_on, str(p.issued_by), [a.name for a in p.authors.all()])
            for p in Publication.objects.order_by("-published_on")
        ] == [
            ("Launch brochure", LAUNCH_DAY, "West Midlands Violence Reduction Unit", []),
            (
                "Gangs and Violence: Uniting to Improve Safety",
                date(2017, 12, 7),
                "West Midlands Gangs and Violence Commission",
                ["Carver Anderson"],
            ),
        ]

    def test_sectors(self):
        assert set(Sector.objects.values_list("name", flat=True)) == {
            "Community",
            "Statutory",
            "Voluntary",
            "Business",
            "Faith",
        }

    def test_organisations_are_one_each_whatever_their_spelling(self):
        assert {o.name: o.other_name_list for o in Organisation.objects.all()} == {
            "West Midlands Violence Reduction Unit": ["Violence Reduction Unit", "VRU", "West Midlands VRU"],
            "West Midlands Police": [],
            "Office of the Police and Crime Commissioner": [
                "Office of Police and Crime Commissioner",
                "West Midlands Police and Crime Commissioner's office",
            ],
            "Birmingham City Council": [],
            "City of Wolverhampton Council": [],
            "West Midlands Combined Authority": [],
            "Public Health England West Midlands": ["Public Health England"],
            "Birmingham and Solihull Clinical Commissioning Group": [],
            "Home Office": [],
            "Youth Justice Board": [],
            "Scottish Violence Reduction Unit": [],
            "St Giles Trust": [],
            "The James Brindley Foundation": [],
            "University of Birmingham": [],
            "West Midlands Gangs and Violence Commission": ["Gangs and Violence Commission"],
            "World Health Organisation": [],
            "Local authorities in the West Midlands": ["Local authorities"],
        }

    def test_one_council_represents_the_one_group(self):
        group = Organisation.objects.get(is_group=True)
        assert group.name == "Local authorities in the West Midlands"
        assert [o.name for o in group.represented_by.all()] == ["Birmingham City Council"]

    def test_people_and_their_posts(self):
        office = "Office of the Police and Crime Commissioner"
        assert [
            (person.full_name, [post.described for post in person.posts.all()])
            for person in Person.objects.order_by("family_name", "name")
        ] == [
            ("Rev Dr Carver Anderson", ["Author of the West Midlands Gangs and Violence Commission report"]),
            ("Ashley Bertie", ["Deputy Police and Crime Commissioner"]),
            ("Sarah Boycott", ["Assistant Chief Constable, West Midlands Police"]),
            ("Mark Brindley", ["The James Brindley Foundation"]),
            ("Cllr Ian Brookfield", ["Leader, City of Wolverhampton Council"]),
            ("Hezron Brown", []),
            ("Claire Dhami", ["Head of Implementation, West Midlands Violence Reduction Unit"]),
            ("Clive Heaphy", ["Interim Chief Executive, Birmingham City Council"]),
            ("Dr Sue Ibbotson", ["Centre Director, Public Health England West Midlands"]),
            ("David Jamieson", ["West Midlands Police and Crime Commissioner"]),
            ("Jonathan Jardine", [f"Chief Executive, {office}"]),
            ("Vanessa Jardine", ["Assistant Chief Constable, West Midlands Police"]),
            ("Phil Johns", ["Deputy Chief Executive, Birmingham and Solihull Clinical Commissioning Group"]),
            ("Dr Henry Kippin", ["Director of Public Service Reform, West Midlands Combined Authority"]),
            ("Sibongile Mkoba", ["Artist"]),
            (
                "Professor Simon Pemberton",
                ["Department of Social Policy, Sociology and Criminology, University of Birmingham"],
            ),
            ("Niven Rennie", ["Director, Scottish Violence Reduction Unit"]),
            ("Rt Hon Jacqui Smith", ["Former Home Secretary"]),
            ("Charlie Taylor", ["Chair, Youth Justice Board"]),
        ]
        assert {p.name: p.other_name_list for p in Person.objects.exclude(other_names="")} == {
            "Carver Anderson": ["Rev Dr. Carver Anderson", "Rev. Dr Carver L Anderson"]
        }

    def test_the_executive_team_in_the_order_of_its_captions(self):
        seats = Post.objects.public().executive().order_by("position")
        assert [post.person.name for post in seats] == [
            "Clive Heaphy",
            "Vanessa Jardine",
            "Sarah Boycott",
            "Sue Ibbotson",
            "Henry Kippin",
            "Jonathan Jardine",
            "Phil Johns",
        ]
        assert [o.name for o in Organisation.objects.leading()] == [
            "Birmingham City Council",
            "Birmingham and Solihull Clinical Commissioning Group",
            "Office of the Police and Crime Commissioner",
            "Public Health England West Midlands",
            "West Midlands Combined Authority",
            "West Midlands Police",
        ]
        assert [post.person.name for post in Post.objects.filter(seat="team")] == ["Claire Dhami"]

    def test_messages(self):
        assert [(s.title, s.attributed_to) for s in Statement.objects.order_by("title")] == [
            ("Carver Anderson's message", "Rev Dr Carver Anderson"),
            ("The Commissioner's message", "David Jamieson"),
            ("The Executive Team's message", "The Executive Team"),
        ]

    def test_levels_with_their_conditions_and_initiatives(self):
        assert [
            (
                level.full_name,
                level.mark,
                level.moment,
                list(level.conditions.values_list("number", flat=True)),
                list(level.initiatives.order_by("position").values_list("name", flat=True)),
            )
            for level in PreventionLevel.objects.order_by("position")
        ] == [
            (
                "Primary prevention",
                "circle",
                "Before it starts",
                [2],
                ["Mentors in Violence Prevention", "School Engagement Officers", "Specialist mentoring"],
            ),
            ("Secondary prevention", "triangle", "At the first signs", [3], ["IRIS", "Behavioural Change Campaign"]),
            (
                "Tertiary prevention",
                "square",
                "After harm",
                [4],
                ["A&E Interventions", "Intensive support for people leaving gangs"],
            ),
        ]

    def test_six_conditions_for_success(self):
        assert list(SuccessCondition.objects.order_by("number").values_list("number", "title")) == [
            (1, "Strong foundations"),
            (2, "Stopping violence before it starts"),
            (3, "Stopping the progression of violence"),
            (4, "Supporting victims and stopping things getting worse"),
            (5, "Preventing further violence"),
            (6, "Changing attitudes and social norms"),
        ]

    def test_initiatives_say_for_whom_and_where_only_as_stated(self):
        young, schools = "Children and young people", "Schools"
        assert {
            i.name: ([a.name for a in i.audiences.all()], [s.name for s in i.settings.all()])
            for i in Initiative.objects.all()
        } == {
            "Mentors in Violence Prevention": ([young], [schools]),
            "School Engagement Officers": ([young], [schools]),
            "Specialist mentoring": ([young], []),
            "IRIS": (["People affected by domestic abuse"], ["GP practices"]),
            "Behavioural Change Campaign": ([], []),
            "A&E Interventions": ([young], ["A&E units"]),
            "Intensive support for people leaving gangs": (["Adults leaving gangs", young], ["After custody"]),
        }
        assert set(Initiative.objects.values_list("funded_period", flat=True)) == {
            "Between 2 October 2019 and April 2020"
        }
        assert "10 to 18" in Initiative.objects.get(slug="specialist-mentoring").audience_text
        assert not Audience.objects.filter(initiatives=None).exists()
        assert not Setting.objects.filter(initiatives=None).exists()

    def test_the_sensitive_initiative_has_a_notice_without_made_up_advice(self):
        sensitive = Initiative.objects.exclude(sensitive_topic="")
        assert list(sensitive.values_list("name", "sensitive_topic")) == [("IRIS", "domestic abuse")]
        notice = sensitive.get().safety_notice
        assert "can't clear your browser's history" in notice
        assert "gives no safety advice" in notice
        assert not re.search(r"\d|http|www", notice), "no telephone number or address is stated"

    def test_predecessors(self):
        assert [
            (p.title, str(p.organisation or ""), str(p.publication or ""))
            for p in Predecessor.objects.order_by("position")
        ] == [
            ("Violence Prevention Alliance", "", ""),
            (
                "Gangs and Violence Commission",
                "West Midlands Gangs and Violence Commission",
                "Gangs and Violence: Uniting to Improve Safety",
            ),
            ("Preventing Violence against Vulnerable People programme", "", ""),
        ]

    def test_terms(self):
        assert [(t.name, str(t.defined_by or ""), str(t.level or "")) for t in Term.objects.order_by("name")] == [
            ("Primary prevention", "", "Primary prevention"),
            ("Secondary prevention", "", "Secondary prevention"),
            ("Tertiary prevention", "", "Tertiary prevention"),
            ("Violence", "World Health Organisation", ""),
        ]

    def test_each_slot_has_its_passage_and_those_of_the_home_page_are_short(self):
        passages = {p.slot: p.body for p in Passage.objects.all()}
        assert set(passages) == set(Slot.values)
        for slot, body in passages.items():
            if slot.startswith("home_"):
                assert len(re.findall(r"[.!?](?:\s|$)", body)) <= 2, slot
        assert len(passages["home_lead"].split()) <= 40

    def test_budget_adds_up_to_the_penny(self):
        year = FinancialYear.objects.get()
        assert (year.label, year.stated_total, year.stated_as) == ("2019-20", Decimal("4034000.00"), "£4.034 million")
        assert (year.spend_by, year.spend_by_stated) == (date(2020, 3, 31), "by April 2020")
        assert "derived" in year.label_note
        assert list(FundingSource.objects.values_list("name", "nature", "amount", "stated_as")) == [
            ("Home Office", "", Decimal("3370000.00"), "£3.37 million"),
            ("Police and Crime Commissioner", "grant", Decimal("524000.00"), "£524,000"),
            ("Local authorities and West Midlands Police", "joint contribution", Decimal("140000.00"), "£140,000"),
        ]
        assert sum(source.amount for source in FundingSource.objects.all()) == year.stated_total

    def test_contributors(self):
        commissioner = Post.objects.get(person__slug="david-jamieson")
        assert [
            (c.funding_source.position, c.organisation and c.organisation.name, c.post)
            for c in Contributor.objects.order_by("funding_source__position", "organisation__name")
        ] == [
            (1, "Home Office", None),
            (2, None, commissioner),
            (3, "Local authorities in the West Midlands", None),
            (3, "West Midlands Police", None),
        ]
        assert FundingSource.objects.get(position=3).note == "How it splits between them is not stated."

    def test_launch(self):
        event = Event.objects.get()
        assert (event.short_title, event.slug, event.held_on) == ("Launch", "launch", LAUNCH_DAY)
        assert event.location == "Grand Station, Wolverhampton"

    def test_agenda_with_who_appears(self):
        def who(appearance: Appearance) -> tuple[str, str]:
            return str(appearance), appearance.description or (appearance.post.title if appearance.post else "")

        commissioner = ("David Jamieson", "West Midlands Police and Crime Commissioner")
        assert [
            (item.position, item.title, item.kind, [who(a) for a in item.appearances.all()])
            for item in AgendaItem.objects.order_by("position")
        ] == [
            (1, "Guest arrival", "pause", []),
            (2, "Welcome", "talk", [("Cllr Ian Brookfield", "Leader")]),
            (3, "Introduction", "talk", [("Rt Hon Jacqui Smith", "Former Home Secretary"), ("Hezron Brown", "")]),
            (4, "The Commissioner's message", "talk", [commissioner]),
            (5, "The impact of violence", "talk", [("Mark Brindley", "")]),
            (
                6,
                "Opportunities to reduce violence",
                "talk",
                [("Sarah Boycott", "Assistant Chief Constable"), ("Dr Sue Ibbotson", "Centre Director")],
            ),
            (7, "Working with young people", "talk", [("Charlie Taylor", "Chair")]),
            (8, "Break", "pause", []),
            (9, "Learning from the Scottish model", "talk", [("Niven Rennie", "Director")]),
            (10, "Intervening in violence", "talk", [("St Giles Trust", "A&E intervention programme")]),
            (11, "Public health approach", "talk", [("Professor Simon Pemberton", "")]),
            (
                12,
                "Solid foundations",
                "talk",
                [("Rev Dr Carver Anderson", "Author of the West Midlands Gangs and Violence Commission report")],
            ),
            (13, "Spoken word", "talk", [("Sibongile Mkoba", "Artist")]),
            (14, "Conclusion", "talk", [commissioner, ("Ashley Bertie", "Deputy Police and Crime Commissioner")]),
            (15, "Binding commitment", "ceremony", []),
            (16, "Lunch", "pause", []),
            (17, "Afternoon session", ItemKind.CLOSED, []),
        ]
        assert AgendaItem.objects.get(position=15).text == "Signing of the declaration."
        assert set(AgendaItem.objects.exclude(text="").values_list("position", flat=True)) == {15, 17}

    def test_speakers_appear_in_the_posts_that_they_hold(self):
        speakers = Appearance.objects.exclude(person=None)
        assert [str(a) for a in speakers if a.post and a.post.person != a.person] == []
        assert [str(a) for a in speakers if not a.post] == ["Hezron Brown"]
        assert sorted(str(a) for a in speakers if a.post and a.post.seat) == ["Dr Sue Ibbotson", "Sarah Boycott"]


# Word for word, and not -----------------------------------------------------------------------------------------------


def brochure() -> str:
    """Return the only source as one line, without the marks of its typography."""
    if not BROCHURE.is_file():
        pytest.skip(f"the source of the quotations, {BROCHURE}, is not here")
    return " ".join(BROCHURE.read_text(encoding="utf-8").replace("**", "").split())


@pytest.mark.once
@pytest.mark.parametrize("quoted", values(LAUNCH_UNIT, "partners.statement", "quote"))
def test_quoted_sentences_are_whole_and_word_for_word(quoted):
    assert re.search(rf"(?:^|[.?!] ){re.escape(quoted)}(?: |$)", brochure())


@pytest.mark.once
@pytest.mark.parametrize(
    "exact",
    [
        *values(LAUNCH_UNIT, "partners.unit", "slogan"),
        *values(LAUNCH_UNIT, "funding.fundingsource", "wording", "stated_as"),
        *values(LAUNCH_UNIT, "funding.financialyear", "stated_as", "spend_by_stated"),
        *(
            e["fields"]["definition"]
            for e in records(LAUNCH_UNIT)
            if e["model"] == "programmes.term" and "defined_by" in e["fields"]
        ),
    ],
)
def test_what_must_be_exact_is_word_for_word(exact):
    assert exact in brochure()


@pytest.mark.once
def test_sentences_are_the_portals_own():
    """Nine words in a row that also stand in the source are a copy; names and what must be exact are exempt."""
    length = 9

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[\w£.,&]*\w", text.lower())
        return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}

    source = runs(brochure())
    exempt = {"quote", "wording", "name", "title", "value", "department", "other_names"}
    copies = [
        f"{entry['model']} {field}: {' '.join(run)}"
        for entry in records(LAUNCH_UNIT)
        for field, text in entry["fields"].items()
        if isinstance(text, str) and field not in exempt and "defined_by" not in entry["fields"]
        for run in runs(text) & source
    ]
    assert not copies, "\n".join(copies)


# Nothing of one unit in the code --------------------------------------------------------------------------------------

CODE = (".py", ".html", ".txt", ".xml", ".css", ".scss", ".js", ".mjs", ".svg", ".typ")
OTHER_FOLDERS = {".git", ".venv", "node_modules", "var", "tests", "fixtures", "docs", "requirements"}


def code_files() -> list[Path]:
    """Return the portal's code, templates and style."""
    found: list[Path] = []
    for path in sorted(ROOT.iterdir()):
        if path.is_dir() and path.name not in OTHER_FOLDERS and not path.name.startswith("."):
            found += [
                p for p in path.rglob("*") if p.suffix in CODE and not OTHER_FOLDERS & set(p.relative_to(ROOT).parts)
            ]
        elif path.suffix in CODE:
            found.append(path)
    return found


@pytest.mark.once
def test_no_fact_of_the_launch_unit_stands_in_code_templates_or_style():
    words = distinctive_words()
    assert len(words) > 100, "the content must yield words to look for"
    assert len(code_files()) > 50, "the portal must yield files to look in"
    assert {
        str(path.relative_to(ROOT)): found
        for path in code_files()
        if (found := found_in(path.read_text(encoding="utf-8"), words))
    } == {}


@pytest.mark.once
def test_the_search_for_facts_finds_them():
    """The control of the test above: each of these would give the launch unit away."""
    words = distinctive_words()
    for slip in ("(3_370_000, 0)", "Decimal('524000.00')", "such as £4.034 million", "<p>IRIS</p>", "by\n  April 2020"):
        assert found_in(slip, words), slip
    assert found_in('fill="iris" class="home-office-of" 13370000', words) == []


@pytest.mark.once
def test_the_made_up_unit_shares_nothing_with_the_launch_unit():
    words = distinctive_words()
    for name in APPS:
        assert found_in((RIVERSIDE / f"{name}.yaml").read_text(encoding="utf-8"), words) == []


# Every public page ----------------------------------------------------------------------------------------------------

STARTS = ("/", "/sitemap.xml", "/robots.txt", "/brand.css")


class Page(HTMLParser):
    """A page's links, the ids that links can point to, and the words that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.unseen = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.links += [link for name in ("href", "src", "action") if (link := found.get(name))]
        self.unseen += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.words.append(data)


def internal(link: str, page: str) -> str | None:
    """Return where a link leads inside the portal, with its fragment; None for what is outside or not a page."""
    target = urljoin(settings.PORTAL_URL + page, link)
    parts = urlsplit(target)
    if f"{parts.scheme}://{parts.netloc}" != settings.PORTAL_URL:
        return None
    return None if parts.path.startswith(("/static/", "/admin/")) else target.removeprefix(settings.PORTAL_URL)


def walk(visit: Callable[[str, str, Any, Page], None]) -> set[str]:
    """Open every page that links lead to, from the home page on. Links of a filtered list are not followed."""
    client = Client()
    waiting = [(start, "the start") for start in STARTS]
    seen: set[str] = set()
    while waiting:
        address, found_on = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        response = client.get(address)
        if response.status_code in (301, 302, 303, 307, 308):
            links, page = [response["Location"]], Page("")
        else:
            text = response.getvalue().decode(errors="replace")
            page = Page(text if response["Content-Type"].startswith("text/html") else "")
            links = page.links + re.findall(r"<loc>(.*?)</loc>", text)
        visit(address, found_on, response, page)
        if "?" in address:
            continue
        for link in links:
            if target := internal(link, address):
                waiting.append((urldefrag(target).url, address))
    return seen


def walk_faults(words: list[str]) -> tuple[set[str], list[str]]:
    """Walk every page; return the addresses, and what is wrong with which."""
    faults: list[str] = []
    ids: dict[str, set[str]] = {}
    anchors: list[tuple[str, str, str]] = []

    def visit(address: str, found_on: str, response: Any, page: Page) -> None:
        ids[address] = page.ids
        if response.status_code >= 400 and (address, response.status_code) != ("/brand.css", 404):
            faults.append(f"{address} (linked from {found_on}) answers {response.status_code}")
        text = response.getvalue().decode(errors="replace") if hasattr(response, "getvalue") else ""
        raw = f"{text}\n{list(response.headers.items())}"
        if CANARY in raw.lower():
            faults.append(f"{address} shows a draft: {context(raw, CANARY)}")
        faults.extend(f"{address} shows “{word}”" for word in found_in(raw, words))
        seen = " ".join(" ".join(page.words).split())
        faults.extend(
            f"{address} prints {word!r}: {context(seen, word)}"
            for word in (*NEVER_PRINTED, "None", "[]", "{{", "{%")
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w|[,.]\d| published| is )", seen)
        )
        for link in page.links:
            if (target := internal(link, address)) and "#" in target:
                anchors.append((address, *urldefrag(target)))

    seen = walk(visit)
    faults.extend(
        f"{address} links to {target}#{anchor}, which has no such place"
        for address, target, anchor in anchors
        if anchor and target in ids and anchor not in ids[target]
    )
    return seen, sorted(set(faults))


def context(text: str, word: str) -> str:
    """Return a word with what stands around it."""
    at = text.lower().find(word.lower())
    return " ".join(text[max(0, at - 60) : at + 60].split())


@pytest.mark.django_db
@pytest.mark.usefixtures("launch_unit")
class TestPagesOfTheLaunchUnit:
    def test_every_page_answers_and_prints_no_default(self):
        seen, faults = walk_faults(words=[])
        assert not faults, "\n".join(faults)
        for model in (Organisation, Person, Statement, PreventionLevel, Initiative, Event):
            assert {row.get_absolute_url() for row in model.objects.all()} <= seen, f"each {model.__name__} is linked"


@pytest.mark.django_db
@pytest.mark.usefixtures("riverside")
class TestAnotherUnit:
    def test_every_page_answers_without_drafts_and_without_the_launch_unit(self):
        words = [*distinctive_words(), "Violence Reduction Unit", "VRU"]
        seen, faults = walk_faults(words)
        assert not faults, "\n".join(faults)
        assert {
            "/initiatives/evening-boat-clubs/",
            "/prevention/delta/",
            "/news/first-boat-club/",
            "/funding/2024-25/",
            "/funding/2025-26/",
            "/events/centenary-supper/",
            "/partners/joint-standing-committee/",
            "/people/wilhelmina-featherstone/",
            "/messages/from-the-director/",
        } <= seen

    def test_the_drafts_are_there_to_leak(self):
        hidden = [row for row in rows() if any(CANARY in text.lower() for _, text in texts(row))]
        kinds = {type(row).__name__ for row in hidden}
        assert kinds >= {m.__name__ for m in own_models() if issubclass(m, Publishable) and not issubclass(m, Uploaded)}
        for row in hidden:
            if isinstance(row, Publishable) and row.state == State.DRAFT:
                plain = [
                    name
                    for name, text in texts(row)
                    if CANARY not in text.lower() and name not in ("state", "mark", "slot", "kind")
                ]
                assert plain in ([], ["website"]), f"every text of {row} must hold the canary"

    def test_nobody_reaches_a_draft_by_its_address(self):
        client = Client()
        addresses = [
            row.get_absolute_url()
            for row in rows()
            if hasattr(row, "slug")
            and CANARY in row.slug
            and hasattr(row, "get_absolute_url")
            and "#" not in row.get_absolute_url()  # a publication is an entry of the about page: the walk looks there
        ]
        assert len(addresses) >= 8
        assert {address: client.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 404)

    def test_no_search_finds_a_draft(self):
        echo = "cAnArY"  # a spelling that only the echo of the question has
        hidden = {"area": "canary-area", "audience": "canary-audience", "partner": "canary-organisation"}
        for query in ({"q": echo}, *({name: value} for name, value in hidden.items())):
            text = Client().get("/initiatives/", query).getvalue().decode()
            assert "CANARY" not in text
            assert "/initiatives/canary" not in text

    def test_the_unit_wears_its_own_colours(self):
        css = Client().get("/brand.css").getvalue().decode()
        assert "#0b3d2e" in css
        assert "#ffd166" in css

    def test_names_are_as_long_as_they_get(self):
        assert max(len(name) for name in Initiative.objects.values_list("name", flat=True)) == 150
        assert max(len(name) for name in Organisation.objects.values_list("name", flat=True)) == 180
        assert max(len(name) for name in Person.objects.values_list("name", flat=True)) == 120
