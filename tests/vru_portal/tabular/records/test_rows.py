"""What becomes of the rows of a file: drafts, pending changes, and what they refer to."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.models import AgendaItem
from partners.models import ContactPoint, Organisation, Person, Post, Publication, Unit
from programmes.models import Initiative, PreventionLevel
from tests.support.factories import (
    AgendaItemFactory,
    EventFactory,
    LevelFactory,
    OrganisationFactory,
    PersonFactory,
    PublicationFactory,
    SuccessConditionFactory,
    UnitFactory,
    UserFactory,
)
from tests.vru_portal.tabular.records.files import export_records, import_content, json_file
from vru_portal.models import Pending
from vru_portal.publishing import workflow
from vru_portal.tabular.readers import CSV
from vru_portal.tabular.records.resources import RESOURCES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]


def test_a_new_record_is_a_draft_and_drafts_change_immediately(lead):
    source = PublicationFactory(slug="report")
    draft = OrganisationFactory(slug="lamps", name="Lamps", state="draft", website="")
    rows = [
        {"slug": "lamps", "name": "Lamps and Co", "source": "report", "as_at": "2031-05-06", "is_group": "no"},
        {"slug": "oil", "name": "Oil", "source": "report", "as_at": "2031-05-06", "is_group": "yes"},
    ]
    result = import_content(Organisation, json_file(*rows), lead)
    assert result.problems == []
    assert result.summary == "1 new organisation as a draft; 1 changed organisation"
    draft.refresh_from_db()
    assert (draft.name, draft.state, draft.source) == ("Lamps and Co", "draft", source)
    new = Organisation.objects.get(slug="oil")
    assert (new.state, new.is_group, new.as_at) == ("draft", True, date(2031, 5, 6))
    assert new.history.get().history_user == lead


def test_a_published_record_gets_a_pending_change_and_no_page_changes(client, furnished, lead):
    def pages():
        return [
            client.get(address).content
            for address in ("/", "/about/", "/partners/", "/initiatives/", person.get_absolute_url())
        ]

    person: Any = Person.objects.public().filter(posts__isnull=False, posts__organisation__isnull=False).first()
    initiative: Any = Initiative.objects.public().first()
    before = pages()
    post = person.posts.exclude(organisation=None).first()
    file = json_file(
        {"person": person.slug, "title": post.title, "organisation": post.organisation.slug, "department": "Leak"}
    )
    result = import_content(Post, file, lead)
    assert (result.problems, result.summary) == ([], "1 pending change")
    changed = {"slug": initiative.slug, "summary": "Leak.", "audiences": ""}
    assert import_content(Initiative, json_file(changed), lead).summary == "1 pending change"
    assert pages() == before
    assert Pending.objects.count() == 2
    workflow.publish(person, by=lead)
    workflow.publish(initiative, by=lead)
    initiative.refresh_from_db()
    assert (initiative.summary, initiative.audiences.count()) == ("Leak.", 0)
    assert person.posts.get(pk=post.pk).department == "Leak"


def test_a_file_says_whose_date_it_cancels(lead):
    robin = UserFactory(username="robin", is_superuser=True)
    person = PersonFactory(state="draft", slug="ada", name="Ada")
    workflow.publish(person, by=robin, at=timezone.now() + timedelta(days=1))
    result = import_content(Person, json_file({"slug": "ada", "biography": "New."}), lead, dry_run=True)
    (row,) = result.changed
    assert row.notes[0].startswith("This cancels the date that robin had set for “Ada”")


def test_changes_are_added_to_the_pending_change(lead):
    person = PersonFactory(state="published", slug="ada", biography="Old.")
    body = OrganisationFactory(slug="lamps")
    workflow.propose(person, by=lead, edit=lambda: Person.objects.filter(pk=person.pk).update(honorific="Dr"))
    posts = [
        {"person": "ada", "title": title, "organisation": "lamps", "source": person.source.slug, "as_at": "2031-05-06"}
        for title in ("Chair", "Clerk")
    ]
    result = import_content(Post, json_file(*posts), lead)
    assert (result.problems, result.summary) == ([], "2 pending changes")
    assert import_content(Person, json_file({"slug": "ada", "biography": "New."}), lead).problems == []
    again = import_content(Post, json_file(*posts), lead)  # its pending change has the post already
    assert again.problems == []
    assert not person.posts.exists()
    workflow.publish(person, by=lead)
    person.refresh_from_db()
    assert (person.honorific, person.biography, person.posts.count()) == ("Dr", "New.", 2)
    assert {post.organisation for post in person.posts.all()} == {body}


def test_an_empty_cell_clears_a_field_and_a_missing_column_does_not(lead):
    body = OrganisationFactory(state="draft", slug="lamps", website="https://lamps.example.org/", summary="Light.")
    assert import_content(Organisation, json_file({"slug": "lamps", "website": ""}), lead).problems == []
    body.refresh_from_db()
    assert (body.website, body.summary) == ("", "Light.")


def test_a_row_can_refer_to_a_later_row(lead):
    base = {"source": PublicationFactory(slug="report").slug, "as_at": "2031-05-06"}
    rows = [
        {"slug": "member", "name": "Member", "represents": "group", **base},
        {"slug": "group", "name": "Group", "represents": "", **base},
    ]
    assert import_content(Organisation, json_file(*rows), lead).problems == []
    assert Organisation.objects.filter(slug="member", represents__slug="group").exists()


def test_a_new_contact_point_goes_to_the_one_unit(lead):
    row = {"kind": "email", "label": "", "value": "a@example.org", "source": PublicationFactory().slug,
           "as_at": "2031-05-06"}  # fmt: skip
    said = import_content(ContactPoint, json_file(row), lead).problems
    assert said == ["Row 2: There is no unit yet that this contact point could belong to. Add the unit first."]
    unit = UnitFactory()
    assert import_content(ContactPoint, json_file(row), lead).problems == []
    again = import_content(ContactPoint, json_file(row), lead)  # the same, not another one, wherever it waits
    assert again.problems == []
    if pending := Pending.objects.first():
        workflow.publish(pending.record, by=lead)
    assert [point.value for point in Unit.objects.get(pk=unit.pk).contact_points.all()] == ["a@example.org"]


@pytest.mark.parametrize("level", ["Primary", "PRIMARY", "primary", "Before it starts", "before it STARTS"])
def test_a_record_can_be_given_by_its_slug_in_any_case_or_by_its_name(level, lead):
    LevelFactory(slug="primary", name="Before it starts")
    LevelFactory(slug="secondary", name="Primary")  # a slug comes before another's name
    result = import_content(Initiative, json_file({"slug": "walk", "name": "Walk", "level": level}), lead)
    assert [problem for problem in result.problems if "level" in problem] == []
    body = OrganisationFactory(slug="lamps", name="Lamps", state="draft", represents=OrganisationFactory(slug="Oil"))
    same = import_content(
        Organisation, json_file({"slug": "lamps", "represents": "oil", "source": body.source.title}), lead
    )
    assert (same.problems, same.unchanged) == ([], 1)


def test_lists_and_owners_can_be_given_by_name(lead):
    ada = PersonFactory(slug="ada", name="Ada Light", state="draft")
    report = PublicationFactory(slug="report", state="draft")
    assert import_content(Publication, json_file({"slug": "report", "authors": "Ada Light; ADA"}), lead).problems == []
    assert [*report.authors.all()] == [ada]
    body = OrganisationFactory(slug="lamps")
    post = {"person": "ADA", "title": "Chair", "organisation": body.name, "source": "Report", "as_at": "2031-05-06"}
    for count in ([1, 0], [0, 1]):  # the second time the post is there
        result = import_content(Post, json_file(post), lead)
        assert (result.problems, [len(result.new), result.unchanged]) == ([], count)


def test_a_name_that_two_records_share_is_refused(lead):
    for slug in ("ada", "ada-2"):
        PersonFactory(slug=slug, name="Ada Light")
    PublicationFactory(slug="report", state="draft")
    result = import_content(Publication, json_file({"slug": "report", "authors": "Ada Light"}), lead)
    assert result.problems == ["Row 2, authors: 'Ada Light' is not one of ada, ada-2."]


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_max_num_queries, lead):
    OrganisationFactory.create_batch(30, state="draft")
    content = export_records(Organisation, "csv")
    resource = RESOURCES[Organisation](by=lead)
    with django_assert_max_num_queries(130):  # two savepoints a row are django-import-export's
        resource.run(CSV().create_dataset(content), dry_run=True)


def test_conditions_are_identified_by_number(lead):
    SuccessConditionFactory(number=3, title="Trust", state="draft")
    EventFactory(slug="opening")
    number = RESOURCES[next(m for m in RESOURCES if m._meta.model_name == "successcondition")]
    assert number(by=lead).run(CSV().create_dataset(b"number,title\n3,Patience\n"), dry_run=False).problems == []


def test_drafts_change_places_and_published_records_are_told_where_to(lead):
    first, second = (LevelFactory(position=number, state="draft") for number in (1, 2))
    content = f"slug,position,moment\n{first.slug},2,Later\n{second.slug},1,{second.moment}\n".encode()
    assert import_content(PreventionLevel, content, lead, "csv").problems == []
    assert list(PreventionLevel.objects.values_list("slug", "position")) == [(second.slug, 1), (first.slug, 2)]
    PreventionLevel.objects.update(state="published")
    back = f"slug,position\n{first.slug},1\n{second.slug},2\n".encode()
    advice = "Another prevention level has this number. To change the order, use “Change the order” above the list."
    assert import_content(PreventionLevel, back, lead, "csv").problems == [
        f"Row 2, position: {advice}",
        f"Row 3, position: {advice}",
    ]


def test_items_of_a_published_agenda_change_places_in_one_pending_change(lead):
    event = EventFactory(slug="opening")
    first, second = (AgendaItemFactory(event=event, position=n, title=f"Item {n}") for n in (1, 2))
    content = b"event,position,title\nopening,1,Item 2\nopening,2,Item 1\n"
    result = import_content(AgendaItem, content, lead, "csv")
    assert (result.problems, result.summary) == ([], "2 pending changes")
    assert Pending.objects.count() == 1
    assert list(AgendaItem.objects.values_list("title", flat=True)) == ["Item 1", "Item 2"]
    workflow.publish(event, by=lead)
    assert list(AgendaItem.objects.order_by("position").values_list("title", flat=True)) == ["Item 2", "Item 1"]
    assert {first.pk, second.pk} == {*AgendaItem.objects.values_list("pk", flat=True)}
