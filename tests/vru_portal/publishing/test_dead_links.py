"""Links between texts: those that lead nowhere are named before publishing, those to a page before it goes."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.utils import timezone

from tests.support.admin_forms import admin_list_url, admin_url, submit_changes
from tests.support.crawler import text_of
from tests.support.factories import (
    EventFactory,
    InitiativeFactory,
    PictureFactory,
    StoryFactory,
    UnitFactory,
    make_everything,
)
from vru_portal.public.sitemaps import PublicPages
from vru_portal.publishing import workflow
from vru_portal.publishing.dead_links import problems_with_links, texts_linking_to
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    return client


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/initiatives/nope/", "leads nowhere"),
        ("/initiatives/nope/?x=1#y", "leads nowhere"),
        ("/no/such/page/", "leads nowhere"),
        ("/initiatives/nope", "leads nowhere"),
        ("/funding/1999-00/", "leads nowhere"),
        ("/declaration/versions/77.pdf", "leads nowhere"),
        ("/documents/%00/", "leads nowhere"),
        ("initiatives/river/", "leads nowhere. An address in this portal begins with a slash: /initiatives/river/"),
        (f"{settings.PORTAL_URL}/initiatives/nope/", "leads nowhere"),
        (f"{settings.PORTAL_URL.upper()}/initiatives/nope/", "leads nowhere"),
        (f"https://{settings.PORTAL_URL.partition('//')[2]}/initiatives/nope/", "leads nowhere"),
        (
            f"https://{settings.PORTAL_URL.partition('//')[2].partition(':')[0]}:443/initiatives/nope/",
            "leads to a server that only your own network can reach",  # localhost
        ),
        ("https://%5Bmoor/initiatives/nope/", "leads nowhere"),
        ("https:///initiatives/", "leads nowhere"),
        ("http://intranet/policies/", "leads to a server that only your own network can reach"),
        ("https://files.moor.local/report.docx", "leads to a server that only your own network can reach"),
        ("http://10.1.2.3/report", "leads to a server that only your own network can reach"),
        ("http://[::1]:8000/", "leads to a server that only your own network can reach"),
        ("mailto:press%20office", "leads to no email address"),
        ("tel:01632960001", ""),
        ("https://93.184.215.14/", ""),
        ("/admin/programmes/story/", "leads to a page that only staff can open"),
        ("/news/hidden/", "leads to “Hidden”, which only staff can see. Publish that first, or remove the link"),
        ("/initiatives/of-a-draft-level/", "leads to “Dry”, which only staff can see"),
        ("/initiatives/river/", ""),
        ("/initiatives/river", ""),  # is redirected
        ("/initiatives/old-name/", ""),
        ("/initiatives/?level=river", ""),
        ("/news/linking/", ""),  # itself
        ("/about/#conditions", ""),
        ("#here", ""),
        ("/declaration/register/", ""),
        ("mailto:a@moor.example.org", ""),
        ("https://moor.example.org/initiatives/nope/", ""),
        ("//moor.example.org/initiatives/nope/", ""),
        (settings.PORTAL_URL, ""),
    ],
)
def test_a_link_that_no_visitor_can_follow_is_named(address, why):
    river = InitiativeFactory(name="River", slug="old-name")
    river.slug = "river"
    river.save()
    InitiativeFactory(name="Dry", slug="of-a-draft-level", level__state=State.DRAFT)
    StoryFactory(title="Hidden", slug="hidden", state=State.DRAFT)
    story = StoryFactory(slug="linking", state=State.DRAFT, body=f"See [this]({address}).")
    assert [line[: len(f"body: {address} {why}")] for line in problems_with_links(story)] == (
        [f"body: {address} {why}"] if why else []
    )


def test_every_page_of_the_portal_may_be_linked_to():
    make_everything(1)
    links = " ".join(f"[a]({path})" for path in PublicPages().items())
    assert problems_with_links(StoryFactory(body=links)) == []


def test_a_draft_picture_and_a_document_that_was_taken_back_are_named():
    PictureFactory(title="Walk", slug="walk", state=State.DRAFT)
    story = StoryFactory(state=State.DRAFT, body="![A walk](/pictures/walk/)\n\n[Plan](/documents/plan/)")
    first, second = problems_with_links(story)
    assert "body: /pictures/walk/ leads to “Walk”, which only staff can see." in first
    assert second == "body: /documents/plan/ leads nowhere"


def test_publishing_asks_about_links_that_lead_nowhere(staff):
    story = StoryFactory(state=State.DRAFT, body="[a](/initiatives/nope/)")
    page = staff.get(admin_url(story, "publish"))
    assert "Body: /initiatives/nope/ leads nowhere." in text_of(page)
    data = {"seen": page.context["form"]["seen"].value(), "publish_at_0": "", "publish_at_1": ""}
    refused = staff.post(admin_url(story, "publish"), data)
    assert "Correct the links, or confirm that you want to publish anyway." in text_of(refused)
    story.refresh_from_db()
    assert story.state == State.DRAFT
    staff.post(admin_url(story, "publish"), data | {"despite_warnings": "on"})
    story.refresh_from_db()
    assert story.state == State.PUBLISHED


def test_publishing_reads_the_links_of_the_pending_change(staff):
    story = StoryFactory(body="Nothing.")
    submit_changes(staff, story, body="[a](/initiatives/nope/)")
    assert workflow.review_record(story).warnings == ["body: /initiatives/nope/ leads nowhere"]


def test_what_links_to_a_page_is_listed_before_it_goes(staff):
    UnitFactory()
    event = EventFactory(title="Launch", slug="launch")
    story = StoryFactory(title="Rain", body=f"[a]({settings.PORTAL_URL}/events/launch/?x=1)")
    StoryFactory(title="Draft", state=State.DRAFT, body="[a](/events/launch/)")
    StoryFactory(title="Other", body="[a](/events/launch-two/)")
    assert [text.row for text in texts_linking_to(event)] == [story]
    assert "Linked from Rain, body" in text_of(staff.get(admin_url(event, "unpublish")))
    event.slug = "opening"
    event.save()
    assert [text.row for text in texts_linking_to(event)] == [story], "by its earlier address"
    workflow.unpublish(event, by=None)
    assert "Linked from Rain, body" in text_of(staff.get(admin_url(event, "delete")))


def test_what_names_a_record_is_listed_before_it_goes(staff):
    UnitFactory()
    picture = PictureFactory(title="View")
    StoryFactory(title="Rain", picture=picture)
    StoryFactory(title="Draft", state=State.DRAFT, picture=picture)
    said = text_of(staff.get(admin_url(picture, "unpublish")))
    assert "Named by Rain, picture" in said
    assert "Draft, picture" not in said
    level = InitiativeFactory(name="River").level
    assert "Named by River, level" in text_of(staff.get(admin_url(level, "unpublish")))
    assert "Named by" not in text_of(staff.get(admin_url(StoryFactory(), "unpublish")))


def test_what_is_to_be_published_on_a_date_is_listed_too(staff):
    UnitFactory()
    event = EventFactory(slug="launch")
    tomorrow = timezone.now() + timedelta(days=1)
    draft = StoryFactory(title="Draft", state=State.DRAFT, body="[a](/events/launch/)")
    changed = StoryFactory(title="Changed", body="Nothing.")
    submit_changes(staff, changed, body="[a](/events/launch/)")
    assert "Linked from" not in text_of(staff.get(admin_url(event, "unpublish")))
    for story in (draft, changed):
        workflow.publish(story, by=None, at=tomorrow)
    said = text_of(staff.get(admin_url(event, "unpublish")))
    assert "Draft, body, to be published on " in said
    assert "Changed, body, to be published on " in said


def test_what_links_to_pages_is_listed_before_several_go(staff):
    UnitFactory()
    first, second = (EventFactory(title=name, slug=name.lower(), state=State.DRAFT) for name in ("Launch", "Ball"))
    StoryFactory(title="Rain", body="[a](/events/ball/)")
    selected = {"action": "delete_selected", "_selected_action": [first.pk, second.pk]}
    said = text_of(staff.post(admin_list_url(type(first)), selected))
    assert "Linked from: Ball Rain, body" in said
    assert "Linked from: Launch" not in said
    staff.post(admin_list_url(type(first)), selected | {"post": "yes"})
    assert not type(first).objects.exists()


def test_links_of_each_of_several_are_confirmed_before_it_is_published(staff):
    UnitFactory()
    bad, good = (StoryFactory(state=State.DRAFT, body=f"[a](/{path}/)") for path in ("initiatives/nope", "about"))
    selected = {"action": "publish_selected", "_selected_action": [bad.pk, good.pk]}
    asked = staff.post(admin_list_url(type(bad)), selected)
    assert "Body: /initiatives/nope/ leads nowhere." in text_of(asked)
    assert f'name="despite_{good.pk}"' not in asked.text
    done = text_of(staff.post(admin_list_url(type(bad)), selected | {"decided": "yes"}, follow=True))
    assert "It has links that do not work for visitors." in done
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.DRAFT, State.PUBLISHED)
    staff.post(admin_list_url(type(bad)), selected | {"decided": "yes", f"despite_{bad.pk}": "on"})
    bad.refresh_from_db()
    assert bad.state == State.PUBLISHED


def test_the_history_of_what_was_published_on_a_date_names_links_that_have_died_since(staff):
    event = EventFactory(slug="launch")
    story = StoryFactory(state=State.DRAFT, body="[a](/events/launch/)")
    user = get_user_model().objects.get()
    workflow.publish(story, by=user, at=timezone.now() + timedelta(days=1))
    workflow.unpublish(event, by=None)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert workflow.publish_due() == 1
    said = LogEntry.objects.filter(object_id=story.pk).latest("action_time").get_change_message()
    assert "Published, with links that do not work for visitors: body: /events/launch/ leads to" in said
