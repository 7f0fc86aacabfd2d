"""The budget, the contributors and the launch of the launch unit."""

from datetime import date
from decimal import Decimal

import pytest

from events.choices import ItemKind
from events.models import AgendaItem, Appearance, Event
from funding.models import Contributor, FinancialYear, FundingSource
from partners.models import Post
from tests.unit_content.files import (
    LAUNCH_DAY,
)


@pytest.mark.django_db
@pytest.mark.usefixtures("launch_unit")
class TestMoneyAndLaunch:
    def test_budget_adds_up_to_the_penny(self):
        year = FinancialYear.objects.get()
        assert (year.label, year.stated_total, year.stated_as) == ("2019-20", Decimal("4034000.00"), "£4.034 million")
        assert (year.spend_by, year.spend_by_stated) == (date(2020, 3, 31), "by April 2020")
        assert "derived" in year.label_note
        assert list(FundingSource.objects.values_list("name", "nature", "amount", "stated_as")) == [
            ("Home Office", "", Decimal("3370000.00"), "£3.37 million"),
            ("Police and Crime Commissioner", "grant", Decimal("524000.00"), "£524,000"),
            ("Local authorities and West Midlands Police", "contribution", Decimal("140000.00"), "£140,000"),
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
        not_stated = "Which local authorities contributed, and how the sum splits, is not stated."
        assert FundingSource.objects.get(position=3).note == not_stated

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
