"""An Editor hands over, a Publisher decides: on the pages of a record, from lists and from the start page."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from programmes.models import Picture, Story
from tests.support.admin_forms import admin_list_url, admin_url, form_data, submit_changes
from tests.support.crawler import text_of
from tests.support.factories import PictureFactory, StoryFactory
from vru_portal.models import Pending, Submission
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history", "unit")]


def account(name, role):
    user = get_user_model().objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def ash():
    return account("ash", "Editor")


@pytest.fixture
def robin():
    return account("robin", "Publisher")


@pytest.fixture
def page_as(client):
    def _page_as(user):
        client.force_login(user)
        return client

    return _page_as


def worklist(client):
    return {item.heading: item for item in client.get("/admin/").context["worklist"]}


def publish_data(page, **other):
    form = page.context["form"]
    together = form["together"].value() if "together" in form.fields else []
    empty = {"publish_at_0": "", "publish_at_1": ""}
    return {"seen": form["seen"].value(), "together": together, **empty, **other}


def test_what_an_editor_marks_ready_is_on_the_start_page_of_those_who_decide(page_as, ash, robin):
    story = StoryFactory(state=State.DRAFT, title="Rain")
    editor = page_as(ash)
    data = form_data(editor.get(admin_url(story))) | {"_ready": "1"}
    assert editor.post(admin_url(story), data).headers["Location"] == admin_url(story, "ready")
    page = editor.post(admin_url(story, "ready"), {"note": "Before Friday, please."}, follow=True)
    assert "Rain. Marked ready to publish: “Before Friday, please.”" in text_of(page)
    assert "Ready to publish" not in worklist(editor)
    item = worklist(page_as(robin))["Ready to publish"]
    (row,) = item.rows
    assert (row.label, row.url) == ("Rain", admin_url(story, "publish"))
    assert row.text.startswith("ash, ")
    assert row.text.endswith(": “Before Friday, please.”")
    shown = page_as(robin).get(item.links[0].url)
    assert shown.context["cl"].result_count == item.count == 1
    assert "Before Friday, please." in text_of(page_as(robin).get(row.url))
    assert "Marked ready to publish: “Before Friday, please.”" in text_of(
        page_as(robin).get(admin_url(story, "history"))
    )


def test_what_is_sent_back_is_on_the_start_page_and_the_form_of_its_author(page_as, ash, robin):
    story = StoryFactory(state=State.DRAFT)
    workflow.mark_ready(story, by=ash)
    page = page_as(robin).post(admin_url(story, "send-back"), {"note": ""})
    assert "Nothing was saved" in text_of(page)
    page_as(robin).post(admin_url(story, "send-back"), {"note": "The date is wrong."})
    (row,) = worklist(page_as(ash))["Sent back to you"].rows
    assert row.url == admin_url(story)
    assert row.text.endswith("“The date is wrong.”")
    assert "Sent back: robin, " in text_of(page_as(ash).get(admin_url(story)))
    assert "Sent back to you" not in worklist(page_as(robin))


def test_an_editor_takes_back_that_something_is_ready(page_as, ash, robin):
    story = StoryFactory(state=State.DRAFT, title="Rain")
    assert "Not ready yet" not in dict(page_as(ash).get(admin_url(story)).context["tools"])
    workflow.mark_ready(story, by=ash)
    assert "Not ready yet" in dict(page_as(ash).get(admin_url(story)).context["tools"])
    assert "Not ready yet" not in dict(page_as(robin).get(admin_url(story)).context["tools"])
    done = page_as(ash).post(admin_url(story, "take-back"), follow=True)
    assert "Rain. No longer marked ready to publish" in text_of(done)
    assert "Ready to publish" not in worklist(page_as(robin))
    assert "This is not marked as ready to publish." in text_of(page_as(ash).get(admin_url(story, "take-back")))


def test_what_is_sent_back_to_somebody_who_has_left_waits_for_all_editors(page_as, ash, robin):
    sky = account("sky", "Editor")
    gone, left, unknown = (StoryFactory(state=State.DRAFT, title=title) for title in ("Rain", "Snow", "Hail"))
    for story in (gone, left):
        workflow.mark_ready(story, by=ash)
    workflow.send_back(left, by=robin, note="The date.")
    ash.is_active = False
    ash.save()
    for story in (gone, unknown):
        assert "Goes to All Editors" in text_of(page_as(robin).get(admin_url(story, "send-back")))
        page_as(robin).post(admin_url(story, "send-back"), {"note": "The date."})
    rows = worklist(page_as(sky))["Sent back to you"].rows
    assert sorted(row.label for row in rows) == ["Hail", "Rain", "Snow"]
    assert "Sent back to you" not in worklist(page_as(robin)), "who may not change it"


def test_a_story_and_its_draft_picture_are_published_in_three_clicks(page_as, ash, robin):
    picture = PictureFactory(state=State.DRAFT, title="A view")
    story = StoryFactory(state=State.DRAFT, picture=picture)
    workflow.mark_ready(story, by=ash)
    publisher = page_as(robin)
    (row,) = worklist(publisher)["Ready to publish"].rows
    page = publisher.get(row.url)  # the first click
    assert "Picture “A view”" in text_of(page)
    done = publisher.post(row.url, publish_data(page), follow=True)  # the second
    assert "Published, together with “Picture" not in text_of(done)
    assert "Published, together with “A view”" in text_of(done)
    assert Picture.objects.get().is_public
    assert Story.objects.get().is_public


def test_the_drafts_that_are_not_ticked_stay_drafts(page_as, robin):
    story = StoryFactory(state=State.DRAFT, picture=PictureFactory(state=State.DRAFT))
    publisher = page_as(robin)
    page = publisher.get(admin_url(story, "publish"))
    refused = publisher.post(admin_url(story, "publish"), publish_data(page, together=[]))
    assert "Publish that picture first" in text_of(refused)
    assert not Picture.objects.get().is_public


def test_links_to_drafts_that_are_published_with_it_are_not_called_dead(page_as, robin):
    PictureFactory(state=State.DRAFT, slug="walk")
    story = StoryFactory(state=State.DRAFT, body="![A walk](/pictures/walk/)")
    publisher = page_as(robin)
    page = publisher.get(admin_url(story, "publish"))
    assert "Links that do not work" not in text_of(page)
    refused = publisher.post(admin_url(story, "publish"), publish_data(page, together=[]))
    assert "Body: /pictures/walk/ leads to “View" in text_of(refused)
    assert "Correct the links, or confirm that you want to publish anyway." in text_of(refused)
    publisher.post(admin_url(story, "publish"), publish_data(page))
    assert Picture.objects.get().is_public
    assert Story.objects.get().is_public


def test_a_dead_link_of_a_draft_that_is_published_along_is_asked_about(page_as, robin):
    hidden = StoryFactory(state=State.DRAFT, title="Hail", slug="hail", body="[a](/initiatives/nope/)")
    story = StoryFactory(state=State.DRAFT, body="[a](/news/hail/)")
    page = page_as(robin).get(admin_url(story, "publish"))
    assert "“Hail”, body: /initiatives/nope/ leads nowhere." in text_of(page)
    asked = page_as(robin).post(admin_url(story, "publish"), publish_data(page))
    assert "confirm that you want to publish anyway" in text_of(asked)
    page_as(robin).post(admin_url(story, "publish"), publish_data(page, despite_warnings="on"))
    hidden.refresh_from_db()
    assert hidden.is_public


def test_changing_a_scheduled_record_warns_before_and_after_and_informs_who_set_the_date(page_as, ash, robin):
    story = StoryFactory(state=State.DRAFT, title="Rain")
    publisher = page_as(robin)
    page = publisher.get(admin_url(story, "publish"))
    data = publish_data(page, publish_at_0="2099-03-03", publish_at_1="09:00")
    assert "To be published on 3 March 2099" in text_of(publisher.post(admin_url(story, "publish"), data, follow=True))
    editor = page_as(ash)
    before = text_of(editor.get(admin_url(story)))
    assert "If you save a change, this cancels the date that robin had set for “Rain”, 3 March 2099" in before
    after = text_of(submit_changes(editor, story, title="Snow"))
    assert "This cancels the date that robin had set for “Snow”, 3 March 2099" in after
    item = worklist(page_as(robin))["Dates cancelled by a later change"]
    assert item.urgent
    assert re.search("ash made a change on .* robin had set 3 March 2099", item.rows[0].text)
    assert "Cancelled by a change" in text_of(page_as(robin).get(admin_url(story, "history")))


def test_a_date_is_cancelled_by_an_action_of_its_own(page_as, robin):
    story = StoryFactory(state=State.DRAFT)
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    publisher = page_as(robin)
    labels = [label for label, _ in publisher.get(admin_url(story)).context["tools"]]
    assert "Cancel the date" in labels
    assert "Discard pending changes" not in labels
    assert "the date that you had set" in text_of(publisher.get(admin_url(story, "cancel-date"))).lower()
    assert "Date cancelled" in text_of(publisher.post(admin_url(story, "cancel-date"), follow=True))
    assert not Pending.objects.exists()
    assert "There is no date to cancel." in text_of(publisher.get(admin_url(story, "cancel-date")))


def test_whose_pending_words_are_replaced_is_named_to_who_replaces_them_and_in_the_history(page_as, ash, robin):
    sky = account("sky", "Editor")
    story = StoryFactory(title="Rain")
    submit_changes(page_as(ash), story, title="Snow", summary="White.")
    assert "saved by ash on" in text_of(page_as(sky).get(admin_url(story)))
    told = text_of(submit_changes(page_as(sky), story, title="Hail"))
    assert "This replaces changes that ash had saved: title" in told
    assert "summary" not in told.partition("This replaces")[2][:60]
    assert "This replaces changes that ash had saved: title" in text_of(page_as(robin).get(admin_url(story, "history")))
    assert "This replaces changes that ash had saved: title" in text_of(page_as(ash).get("/admin/"))
    assert "This replaces" not in text_of(submit_changes(page_as(sky), story, title="Sleet"))


# Several at once ------------------------------------------------------------------------------------------------------


def decide(client, model, action, rows, **other):
    selected = {"action": action, "_selected_action": [row.pk for row in rows]}
    page = client.post(admin_list_url(model), selected)
    seen = dict(re.findall(r'name="(seen_\d+)" value="(\w*)"', page.text))
    return page, client.post(admin_list_url(model), selected | {"decided": "yes"} | seen | other, follow=True)


def test_several_records_are_published_together_and_each_outcome_is_shown(page_as, robin):
    good = StoryFactory(state=State.DRAFT, title="Good")
    bad = StoryFactory(state=State.DRAFT, title="Bad", picture=PictureFactory(state=State.DRAFT))
    public = StoryFactory(title="Public")
    _, done = decide(page_as(robin), Story, "publish_selected", [bad, good, public])
    told = text_of(done)
    assert "Good. Published" in told
    assert "“Bad” stays as it was. Picture: “View" in told
    assert "“Public” stays as it was." in told
    assert list(Story.objects.filter(state=State.DRAFT)) == [bad]


def test_drafts_that_selected_records_name_are_published_with_them(page_as, robin):
    picture = PictureFactory(state=State.DRAFT, title="A view", slug="view")
    one = StoryFactory(state=State.DRAFT, title="Rain", picture=picture)
    two = StoryFactory(state=State.DRAFT, title="Snow", body="![A view](/pictures/view/)")
    page, _ = decide(page_as(robin), Story, "publish_selected", [one, two])
    assert "Publish with it: Picture “A view”" in text_of(page)
    assert "Links that do not work" not in text_of(page)
    ticked = dict(re.findall(r'name="(together_\d+)" value="([^"]+)" checked', page.text))
    assert ticked.keys() == {f"together_{one.pk}", f"together_{two.pk}"}
    _, done = decide(page_as(robin), Story, "publish_selected", [one, two], **ticked)
    assert "Rain. Published, together with “A view”" in text_of(done)
    assert "Snow. Published" in text_of(done)
    assert not Story.objects.filter(state=State.DRAFT).exists()
    assert Picture.objects.get().is_public


def test_a_selected_draft_that_another_was_published_with_is_published_once(page_as, robin):
    rain = StoryFactory(state=State.DRAFT, title="Rain", body="[Snow](/news/snow/)")
    snow = StoryFactory(state=State.DRAFT, title="Snow", slug="snow")
    selected = {"action": "publish_selected", "_selected_action": [rain.pk, snow.pk]}
    page = page_as(robin).post(admin_list_url(Story), selected)
    ticked = dict(re.findall(r'name="(together_\d+)" value="([^"]+)" checked', page.text))
    assert ticked.keys() == {f"together_{rain.pk}"}
    _, done = decide(page_as(robin), Story, "publish_selected", [rain, snow], **ticked)
    told = text_of(done)
    assert "Rain. Published, together with “Snow”" in told
    assert "Snow. Published, together with “Rain”" in told
    assert "stays as it was" not in told


def test_a_record_that_was_changed_after_it_was_listed_is_not_published(page_as, robin):
    story = StoryFactory(state=State.DRAFT)
    selected = {"action": "publish_selected", "_selected_action": [story.pk], "decided": "yes"}
    told = page_as(robin).post(admin_list_url(Story), selected | {f"seen_{story.pk}": "other"}, follow=True)
    assert "Somebody else saved changes" in text_of(told)
    assert not Story.objects.get().is_public


def test_several_are_sent_back_from_the_list_of_what_is_ready(page_as, ash, robin):
    stories = [StoryFactory(state=State.DRAFT) for _ in range(2)]
    for story in stories:
        workflow.mark_ready(story, by=ash)
    rows = list(Submission.objects.all())
    page, done = decide(page_as(robin), Submission, "send_back_selected", rows, note="Not yet.")
    assert str(stories[0]) in text_of(page)
    assert text_of(done).count("Sent back: “Not yet.”") == 2
    assert {row.state for row in Submission.objects.all()} == {"sent_back"}


def test_an_editor_publishes_nothing_from_a_list(page_as, ash):
    story = StoryFactory(state=State.DRAFT)
    editor = page_as(ash)
    decide(editor, Story, "publish_selected", [story])
    decide(editor, Story, "send_back_selected", [story], note="x")
    assert not Story.objects.get().is_public
    assert not Submission.objects.exists()


# Previews -------------------------------------------------------------------------------------------------------------


def test_the_preview_shows_the_draft_picture_that_can_be_published_with_it(page_as, ash):
    picture = PictureFactory(state=State.DRAFT, title="A view", alternative_text="A path in snow")
    story = StoryFactory(state=State.DRAFT, picture=picture)
    page = page_as(ash).get(admin_url(story, "preview"))
    assert 'alt="A path in snow"' in page.text
    assert "as it will be published, together with “A view”." in text_of(page)
    assert page_as(ash).get(picture.get_absolute_url()).headers["Cache-Control"] == "no-store"
    assert not Picture.objects.get().is_public


@pytest.mark.parametrize(("name", "width"), [("phone", 375), ("tablet", 768), ("desktop", 1280)])
def test_the_preview_is_shown_in_the_width_of_a_screen_without_a_script(page_as, ash, name, width):
    story = StoryFactory(state=State.DRAFT)
    editor, address = page_as(ash), admin_url(story, "preview")
    assert f'href="?width={name}"' in editor.get(address).text
    assert f'src="?framed=1" width="{width}"' in editor.get(f"{address}?width={name}").text
    framed = editor.get(f"{address}?framed=1")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in framed.headers["Content-Security-Policy"]
    assert "?width=" not in framed.text
    alone = editor.get(address).headers
    assert (alone["X-Frame-Options"], "frame-ancestors 'none'" in alone["Content-Security-Policy"]) == ("DENY", True)


# Dates that somebody else has set -------------------------------------------------------------------------------------


@pytest.fixture
def dated(robin):
    """A draft for which robin has set a date."""
    story = StoryFactory(state=State.DRAFT, title="Rain")
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    return story


LOST = "This cancels the date that robin had set for “Rain”"


def test_whoever_publishes_or_sets_another_date_is_told_whose_it_replaces(page_as, dated):
    page = page_as(account("kim", "Publisher")).get(admin_url(dated, "publish"))
    assert "Replaces The date that robin had set for “Rain”" in text_of(page)


def test_whoever_sends_back_without_a_note_is_told_what_to_write(page_as, dated):
    page = page_as(account("kim", "Publisher")).post(admin_url(dated, "send-back"), {"note": " "})
    assert "Say what must change before it can be published." in text_of(page)


@pytest.mark.parametrize("page", ["send-back", "delete"])
def test_whoever_is_about_to_cancel_a_date_is_told_whose_it_is(page_as, dated, page):
    kim = account("kim", "Publisher")
    kim.groups.add(Group.objects.get(name="Editor"))
    assert LOST in text_of(page_as(kim).get(admin_url(dated, page)))


def test_deleting_a_draft_says_whose_date_is_cancelled(page_as, ash, dated):
    assert LOST in text_of(page_as(ash).post(admin_url(dated, "delete"), {"post": "yes"}, follow=True))
    assert not Pending.objects.exists()


def test_reverting_says_whose_date_is_cancelled(page_as, ash, dated):
    version = dated.history.earliest()
    Story.objects.filter(pk=dated.pk).update(summary="Wet.")
    address = f"{admin_url(dated, 'history')}{version.pk}/"
    assert LOST in text_of(page_as(ash).get(address))
    assert LOST in text_of(page_as(ash).post(address, follow=True))
    assert Submission.objects.get().state == Submission.State.DATE_CANCELLED


def test_discarding_pending_changes_says_whose_date_is_cancelled_and_the_notice_can_be_closed(page_as, ash, robin):
    story = StoryFactory(title="Rain")
    workflow.propose(story, by=ash, edit=lambda: Story.objects.filter(pk=story.pk).update(summary="Wet."))
    workflow.publish(story, by=robin, at=timezone.now() + timedelta(days=1))
    page = page_as(ash).get(admin_url(story, "discard"))
    assert LOST in text_of(page)
    page_as(ash).post(admin_url(story, "discard"), {"seen": page.context["form"]["seen"].value()})
    (row,) = worklist(page_as(robin))["Dates cancelled by a later change"].rows
    assert row.text.startswith("ash discarded the pending changes on ")
    assert "Close the notice" in text_of(page_as(robin).get(admin_url(story)))
    page_as(robin).post(admin_url(story, "cancel-date"))
    assert "Dates cancelled by a later change" not in worklist(page_as(robin))
