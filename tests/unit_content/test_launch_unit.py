"""The facts of the launch unit arrive whole.

They are repeated here on purpose, so that nobody changes one in `fixtures/` by accident.
"""

import re
from datetime import date

import pytest

from events.declarations.models import Declaration, DeclarationVersion
from events.models import Event
from partners.models import ContactPoint, Organisation, Person, Post, Publication, Sector, Statement, Unit
from partners.provenance import Sourced
from programmes.choices import PassagePlace
from programmes.models import (
    Audience,
    Initiative,
    Passage,
    Predecessor,
    PreventionLevel,
    Setting,
    SuccessCondition,
    Term,
)
from tests.unit_content.files import (
    LAUNCH_DAY,
    NEVER_PRINTED,
)
from tests.unit_content.records import all_rows, portal_models, texts_of
from vru_portal.publishing.state import Publishable, State


@pytest.mark.django_db
@pytest.mark.usefixtures("launch_unit")
class TestLaunchUnit:
    def test_counts(self):
        assert {m.__name__: n for m in portal_models() if (n := m._default_manager.count())} == {
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
            "Synonym": 42,
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
        assert [str(row) for row in all_rows() if isinstance(row, Publishable) and row.state != State.PUBLISHED] == []

    def test_the_declaration_is_a_draft(self):
        version = DeclarationVersion.objects.get()
        assert (version.number, version.in_force_from) == (1, None)
        assert not DeclarationVersion.objects.in_force(date.max).exists()
        assert version.note.endswith("The wording signed at the launch is not stated.")
        assert Declaration.objects.get().event == Event.objects.get()
        assert len(re.findall(r"^\d\. ", version.text, re.MULTILINE)) == 6

    def test_each_fact_names_the_brochure_and_its_day(self):
        facts = [row for row in all_rows() if isinstance(row, Sourced)]
        assert {(row.source.slug, row.as_at, row.checked_on) for row in facts} == {
            ("launch-brochure", LAUNCH_DAY, None)
        }
        assert [str(row) for row in facts if not row.source_location] == []

    def test_each_row_begins_its_history_once(self):
        for model in portal_models():
            if history := getattr(model, "history", None):
                key = model._meta.pk.attname
                begun = sorted(history.values_list(key, "history_type"))
                assert begun == sorted((row.pk, "+") for row in model._default_manager.all()), model

    def test_nothing_is_filled_in_for_what_is_not_stated(self):
        assert [
            (str(row), name, word)
            for row in all_rows()
            for name, text in texts_of(row)
            for word in NEVER_PRINTED
            if re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE)  # “football” holds no TBA
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
            "West Midlands Violence Reduction Unit": ["Violence Reduction Unit", "VRU"],
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

    def test_initiatives_say_who_they_are_for_and_where_only_as_stated(self):
        young, schools = "Children and young people", "Schools"
        assert {
            i.name: ([a.name for a in i.audiences.all()], [s.name for s in i.settings.all()])
            for i in Initiative.objects.all()
        } == {
            "Mentors in Violence Prevention": ([young], [schools]),
            "School Engagement Officers": ([], [schools]),
            "Specialist mentoring": ([young], []),
            "IRIS": (["People affected by domestic abuse"], ["GP practices"]),
            "Behavioural Change Campaign": ([], []),
            "A&E Interventions": ([young], ["A&E units"]),
            "Intensive support for people leaving gangs": (["Adults leaving gangs", young], ["Leaving custody"]),
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
        assert set(passages) == set(PassagePlace.values)
        for slot, body in passages.items():
            if slot.startswith("home_"):
                assert len(re.findall(r"[.!?](?:\s|$)", body)) <= 2, slot
        assert len(passages["home_lead"].split()) <= 40
