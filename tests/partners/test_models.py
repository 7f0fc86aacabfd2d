from datetime import date

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from partners.choices import Seat
from partners.models import ContactPoint, Organisation, Person, Post, Statement, Unit
from partners.validators import contrast
from tests.support.factories import (
    ContactPointFactory,
    OrganisationFactory,
    PersonFactory,
    PostFactory,
    PublicationFactory,
    SectorFactory,
    StatementFactory,
    UnitFactory,
)
from tests.support.refusals import refused_by_the_database, refused_in_words

pytestmark = pytest.mark.django_db


def test_there_is_one_unit():
    unit = UnitFactory()
    refused_by_the_database(unit, id=2)
    second = UnitFactory.build(organisation=OrganisationFactory(), source=unit.source)
    assert refused_in_words(second)["id"] == ["Unit with this Id already exists."]


def test_a_slogans_emphasis_is_a_part_of_it():
    unit = UnitFactory(slogan="Paths are made by walking", slogan_emphasis="made")
    unit.full_clean()
    assert unit.slogan_parts == ("Paths are", "made", "by walking")
    assert UnitFactory.build(slogan_emphasis="").slogan_parts == ("Paths are made by walking", "", "")
    said = refused_in_words(unit, slogan_emphasis="Made")
    assert said == {"slogan_emphasis": ["The emphasis must be a part of the slogan. Copy it exactly from there."]}


@pytest.mark.parametrize(
    ("ink", "accent", "field", "said"),
    [
        ("#001122", "", "colour_accent", "Enter both colours or neither"),
        ("", "#ffd166", "colour_accent", "Enter both colours or neither"),
        ("#001122", "#223344", "colour_accent", "needs 4.5:1"),
        ("#777777", "#ffffff", "colour_ink", "text needs 7:1"),
        ("navy", "#ffffff", "colour_ink", "# and six hexadecimal digits"),
        ("#00112", "#ffffff", "colour_ink", "# and six hexadecimal digits"),
        ("#001122", "#fff;}x", "colour_accent", "# and six hexadecimal digits"),
        ("#00112\n", "#ffffff", "colour_ink", "# and six hexadecimal digits"),
    ],
)
def test_colours_that_cannot_be_read_on_one_another_are_refused(ink, accent, field, said):
    messages = refused_in_words(UnitFactory(), colour_ink=ink, colour_accent=accent)
    assert any(said in message for message in messages[field]), messages


def test_a_line_break_in_a_colour_cannot_reach_the_style_sheet():
    unit = UnitFactory.build(colour_ink="#001122", colour_accent="#ffffff\n")
    unit.clean_fields(exclude=["organisation", "source"])
    assert unit.colour_accent == "#ffffff"
    assert "colour_accent" in refused_in_words(UnitFactory(), colour_ink="#001122", colour_accent="#fff\nfff")


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast_is_that_of_wcag(first, second, ratio):
    assert contrast(first, second) == pytest.approx(ratio, abs=0.01)


def test_a_contact_point_is_of_a_known_kind_and_there_once():
    UnitFactory()
    point = ContactPointFactory(value="desk@moor.example.org")
    refused_by_the_database(point, kind="fax")
    assert "kind" in refused_in_words(ContactPoint.objects.get(), kind="fax")
    twin = ContactPointFactory.build(unit=point.unit, source=point.source, value=point.value)
    assert "already exists" in str(refused_in_words(twin))
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactPoint.objects.bulk_create([twin])


@pytest.mark.parametrize(
    ("fields", "href", "shown"),
    [
        ({"kind": "email", "value": "a@moor.example.org"}, "mailto:a@moor.example.org", "Email: a@moor.example.org"),
        ({"kind": "phone", "value": "+44 (0)1632 960-001"}, "tel:+4401632960001", "Telephone: +44 (0)1632 960-001"),
        (
            {"kind": "social", "label": "Mastodon", "value": "@moor", "url": "https://moor.example.org/@m"},
            "https://moor.example.org/@m",
            "Mastodon: @moor",
        ),
        ({"kind": "post", "value": "Moor House\nThe Moor"}, "", "Postal address: Moor House"),
    ],
)
def test_a_contact_point_opens_what_it_is(fields, href, shown):
    point = ContactPointFactory.build(unit=None, **fields)
    assert (point.href, str(point)) == (href, shown)


def test_a_post_says_something():
    post = PostFactory(title="Warden", organisation=None)
    refused_by_the_database(post, title="")
    assert refused_in_words(Post.objects.get(), title="") == {
        "__all__": ["A post needs a title, an organisation or both."]
    }


def test_an_executive_sits_for_a_body():
    post = PostFactory(organisation=None)
    refused_by_the_database(post, seat="executive")
    said = refused_in_words(Post.objects.get(), seat="executive")
    assert said == {"__all__": ["Select the organisation that this executive sits for."]}


def test_a_post_and_a_seat_end_after_they_begin():
    post = PostFactory()
    for name in ("held", "seat"):
        wrong = {f"{name}_from": date(2031, 5, 7), f"{name}_until": date(2031, 5, 6)}
        refused_by_the_database(post, **wrong)
        assert "before it begins" in str(refused_in_words(Post.objects.get(), **wrong))


@pytest.mark.parametrize(
    ("dates", "held", "seated"),
    [
        ({}, True, True),
        ({"held_from": date(2031, 5, 6), "held_until": date(2031, 5, 6)}, True, True),
        ({"held_from": date(2031, 5, 7)}, False, False),
        ({"held_until": date(2031, 5, 5)}, False, False),
        ({"seat_until": date(2031, 5, 5)}, True, False),
        ({"seat_from": date(2031, 5, 7)}, True, False),
    ],
)
def test_a_post_is_held_from_its_first_day_to_its_last_and_so_is_its_seat(dates, held, seated):
    post = PostFactory(seat=Seat.EXECUTIVE, **dates)
    day = date(2031, 5, 6)
    with time_machine.travel("2031-05-06 12:00", tick=False):
        assert (post.is_held_on(day), post.has_seat_on(day)) == (held, seated)
        assert Post.objects.held_on(day).exists() is held
        assert Post.objects.executive().exists() is seated


def test_a_seat_is_one_of_those_there_are():
    post = PostFactory()
    refused_by_the_database(post, seat="throne")
    assert "seat" in refused_in_words(Post.objects.get(), seat="throne")


def test_nobody_holds_a_post_of_one_title_twice_at_one_body_or_at_none():
    for body in (OrganisationFactory(), None):
        post = PostFactory(title="Warden", organisation=body)
        twin = PostFactory.build(person=post.person, title="Warden", organisation=body, source=post.source)
        assert refused_in_words(twin)["__all__"]
        other = PostFactory(person=post.person, title="Clerk", organisation=body)
        refused_by_the_database(other, title="Warden")
    PostFactory(person=post.person, title="Warden")  # at another body


def test_a_body_does_not_represent_itself():
    body = OrganisationFactory()
    refused_by_the_database(body, represents=body)
    assert refused_in_words(body, represents=body) == {"__all__": ["An organisation represents others, not itself."]}


@pytest.mark.parametrize(
    ("fields", "described"),
    [
        ({"title": "Warden", "department": "Paths"}, "Warden, Paths, Moor"),
        ({"title": "", "department": ""}, "Moor"),
        ({"title": "Artist", "organisation": None}, "Artist"),
    ],
)
def test_a_post_is_described_as_far_as_it_is_stated(fields, described):
    fields = {"organisation": Organisation(name="Moor"), "department": ""} | fields
    assert Post(**fields).described == described


def test_a_message_has_one_voice():
    message = StatementFactory()
    refused_by_the_database(message, body_name="The team")
    refused_by_the_database(message, speaker=None)
    expected = "A message is from one person or from one group. Fill in only one of the two fields."
    assert refused_in_words(Statement.objects.get(), body_name="The team") == {"__all__": [expected]}
    assert refused_in_words(Statement.objects.get(), speaker=None) == {"__all__": [expected]}
    assert StatementFactory(speaker=None, body_name="The team").attributed_to == "The team"


@pytest.mark.parametrize(
    "factory", [SectorFactory, PublicationFactory, OrganisationFactory, PersonFactory, StatementFactory]
)
def test_a_slug_names_one_record(factory):
    first, second = factory(), factory()
    refused_by_the_database(second, slug=first.slug)
    assert "already exists" in refused_in_words(type(second).objects.get(pk=second.pk), slug=first.slug)["slug"][0]


@pytest.mark.parametrize("factory", [OrganisationFactory, PersonFactory, StatementFactory])
def test_there_is_no_third_state(factory):
    row = factory()
    refused_by_the_database(row, state="hidden")
    assert "state" in refused_in_words(row, state="hidden")


def test_what_others_rest_on_cannot_be_deleted():
    unit = UnitFactory()
    for row in (unit.organisation, unit.source):
        with pytest.raises(ProtectedError):
            row.delete()
    assert Unit.objects.get() == unit


def test_other_spellings_are_one_a_line():
    assert Organisation(other_names="One\n\n  Two \r\nThree").other_name_list == ["One", "Two", "Three"]
    assert Person(other_names="").other_name_list == []


def test_a_name_is_shown_with_its_honorific():
    assert Person(name="Robin Vale", honorific="Rev Dr").full_name == "Rev Dr Robin Vale"
    assert Person(name="Robin Vale").full_name == "Robin Vale"


def test_every_fact_names_its_source_and_day():
    body = OrganisationFactory()
    refused_by_the_database(body, source=None)
    refused_by_the_database(body, as_at=None)
    said = refused_in_words(OrganisationFactory.build(source=None, as_at=None))
    assert {"source", "as_at"} <= set(said)


@pytest.mark.usefixtures("history")
def test_each_edit_keeps_its_history_with_who_made_it(admin_user):
    body = OrganisationFactory(name="Moor")
    body.name = "Fen"
    body._history_user = admin_user
    body.save()
    rows = list(body.history.order_by("history_id").values_list("history_type", "name", "history_user"))
    assert rows == [("+", "Moor", None), ("~", "Fen", admin_user.pk)]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (lambda: SectorFactory(slug="x"), ("x",)),
        (lambda: PublicationFactory(slug="x"), ("x",)),
        (lambda: OrganisationFactory(slug="x"), ("x",)),
        (lambda: PersonFactory(slug="x"), ("x",)),
        (lambda: PostFactory(person__slug="x", title="W", organisation__slug="b"), ("x", "W", "b")),
        (lambda: StatementFactory(slug="x"), ("x",)),
    ],
)
def test_a_natural_key_leads_back_to_its_record(row, key):
    made = row()
    assert made.natural_key() == key
    assert type(made).objects.get_by_natural_key(*key) == made


def test_a_wrong_web_address_is_refused():
    with pytest.raises(ValidationError, match="website"):
        OrganisationFactory.build(source=PublicationFactory(), website="javascript:alert(1)").full_clean()
