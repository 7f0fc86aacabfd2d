"""Staff's start page: each line counts exactly what its list shows, for whoever may see that list."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations.choices import Delivery, InvitationState
from events.declarations.models import DeclarationVersion, Invitation
from partners.models import LegalNotice, Organisation
from tests import factories
from tests.factories import furnish
from vru_portal import drafts
from vru_portal.models import Pending
from vru_portal.publishing import State

pytestmark = pytest.mark.django_db

MOST = 30


def staff_with(*permissions):
    user = get_user_model().objects.create_user(f"staff{get_user_model().objects.count()}", is_staff=True)
    for name in permissions:
        label, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    return user


@pytest.fixture
def boss(client):
    user = get_user_model().objects.create_superuser("boss")
    client.force_login(user)
    return user


@pytest.fixture
def busy(boss):
    """Something of everything that can wait."""
    furnish(2)
    factories.AssessmentFactory()
    body = Organisation.objects.order_by("pk")[0]
    factories.InitiativeFactory(state=State.DRAFT)
    factories.StoryFactory.create_batch(2, state=State.DRAFT, as_at=timezone.localdate() - timedelta(days=366))
    version = DeclarationVersion.objects.exclude(in_force_from=None).first()
    ago = timezone.now() - timedelta(days=9)
    for state in (InvitationState.SENT, InvitationState.SENT, InvitationState.DECLINED, InvitationState.REFUSED):
        factories.InvitationFactory(version=version, state=state, sent_at=ago)
    refused = Invitation.objects.filter(state=InvitationState.REFUSED).first()
    factories.MailFactory(invitation=refused, delivery=Delivery.REFUSED)
    factories.SigningRequestFactory()

    def edit():
        body.summary = "Other words."
        body.save()

    assert drafts.propose(body, by=boss, edit=edit)
    drafts.publish(factories.StoryFactory(state=State.DRAFT), by=boss, at=timezone.now() + timedelta(days=1))
    Pending.objects.exclude(object_id=body.pk).update(fault="Its source is a draft.")
    return boss


def lines(response):
    return {line.heading: line for line in response.context["lines"]}


def test_each_line_counts_exactly_what_its_list_shows(client, busy):
    response = client.get("/admin/")
    found = lines(response)
    assert set(found) >= {
        "Drafts are not published",
        "Facts that nobody has checked for a year",
        "Changes wait to be published",
        "Changes could not be published on their day",
        "Invitations not started",
        "Invitations declined",
        "Emails failed for good",
        "Bodies ask to sign",
        "Evidence assessments wait for a second pair of eyes",
    }
    wrong = []
    for heading, line in found.items():
        for way in line.ways:
            if way.number is not None:
                shown = client.get(way.address)
                assert shown.status_code == 200, way.address
                if shown.context["cl"].result_count != way.number:
                    wrong.append((heading, way.address, way.number, shown.context["cl"].result_count))
    assert wrong == []
    assert found["Drafts are not published"].number == 4
    assert found["Invitations not started"].number == 2


def test_nothing_to_do_says_so(client):
    client.force_login(staff_with())
    response = client.get("/admin/")
    assert response.context["lines"] == []
    assert "Nothing waits for you." in response.content.decode()
    assert response.context["changes"] == []


def test_a_line_is_only_for_those_who_may_look_at_its_list(client, busy):
    client.force_login(staff_with("programmes.view_story"))
    response = client.get("/admin/")
    found = lines(response)
    assert set(found) == {"Drafts are not published", "Facts that nobody has checked for a year"}
    assert [way.label for way in found["Drafts are not published"].ways] == ["3 stories"]
    assert response.context["money"] == []
    assert response.context["progress"] is None
    assert {change.model.__name__ for change in response.context["changes"]} <= {"Story"}


def test_what_keeps_signing_closed_is_said(client, boss):
    furnish(1)
    LegalNotice.objects.update(controller="")
    assert "controller" in lines(client.get("/admin/"))["Signing is closed"].sentence
    assert "No declaration is in force" not in lines(client.get("/admin/"))


def test_it_says_that_no_declaration_is_in_force(client, boss):
    factories.UnitFactory()
    assert "No declaration is in force" in lines(client.get("/admin/"))


def test_it_asks_no_more_often_for_three_of_everything_than_for_one(client, boss):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/").status_code == 200
        return len(queries)

    furnish(1)
    asked()
    one = asked()
    factories.StoryFactory.create_batch(3, state=State.DRAFT)
    for _ in range(2):
        factories.FundingSourceFactory()
        factories.StatementFactory()
    more = asked()
    print("queries", one)
    assert one == more
    assert one <= MOST


def test_recent_changes_name_who_did_what_once(client, boss):
    furnish(1)
    story = factories.StoryFactory(state=State.DRAFT, title="A new day")
    address = f"/admin/programmes/story/{story.pk}/publish/"
    form = client.get(address).context["form"]
    client.post(address, {"publish_at_0": "", "publish_at_1": "", "read": form["read"].value()})
    found = [change for change in client.get("/admin/").context["changes"] if change.key == str(story.pk)]
    assert [(change.who, change.name, change.what) for change in found] == [("boss", "A new day", "Published")]
    assert found[0].address == f"/admin/programmes/story/{story.pk}/change/"


def test_a_change_that_came_by_another_door_is_told_of_too(client, boss):
    furnish(1)
    story = factories.StoryFactory()
    story.title = "By the shell"
    story._history_user = boss
    story.save()
    found = client.get("/admin/").context["changes"]
    assert [(one.who, one.name, one.what) for one in found if one.key == str(story.pk)] == [
        ("boss", "By the shell", "Changed.")
    ]


def test_all_changes_tell_of_more_than_the_start_page(client, boss):
    furnish(1)
    for number in range(12):
        story = factories.StoryFactory(title=f"Story {number}")
        story.summary, story._history_user = "By the shell.", boss
        story.save()
    assert len(client.get("/admin/").context["changes"]) == 10
    page = client.get("/admin/changes/")
    assert {f"Story {number}" for number in range(12)} <= {change.name for change in page.context["changes"]}
    client.force_login(staff_with())
    page = client.get("/admin/changes/")
    assert (page.status_code, page.context["changes"]) == (200, [])


@pytest.mark.parametrize(
    ("stated", "checked", "asks"),
    [(0, None, False), (366, None, True), (366, 300, False), (800, 366, True), (0, 366, True)],
)
def test_a_fact_asks_for_a_check_a_year_after_its_source_or_the_last_check(client, boss, stated, checked, asks):
    factories.UnitFactory()
    today = timezone.localdate()
    checked_on = None if checked is None else today - timedelta(days=checked)
    story = factories.StoryFactory(as_at=today - timedelta(days=stated), checked_on=checked_on)
    listed = {
        answer: list(client.get("/admin/programmes/story/", {"checked": answer}).context["cl"].queryset)
        for answer in ("yes", "no")
    }
    assert listed == {"yes": [] if asks else [story], "no": [story] if asks else []}


def test_a_link_says_only_what_its_reader_may_do(client, busy):
    heading = "Evidence assessments wait for a second pair of eyes"
    assert lines(client.get("/admin/"))[heading].ways[0].label == "Review"
    client.force_login(staff_with("programmes.view_evidenceassessment"))
    assert lines(client.get("/admin/"))[heading].ways[0].label == "See them"


def test_the_page_of_an_app_lists_its_models_and_nothing_that_waits(client, boss):
    factories.UnitFactory()
    page = client.get("/admin/programmes/").content.decode()
    assert "<h1>Programmes</h1>" in page
    assert "/admin/programmes/story/add/" in page
    assert "/admin/partners/person/" not in page
    assert "Nothing waits for you" not in page
    assert client.get("/admin/nothing/").status_code == 404


def test_changes_that_wait_are_named_and_filtered_by_the_kinds_that_have_some(client, busy):
    page = client.get("/admin/vru_portal/pending/")
    kinds = page.context["cl"].filter_specs[1].lookup_choices
    assert [name for _, name in kinds] == ["Organisation", "Story"]
    assert "Programmes | " not in page.text
    shown = client.get("/admin/vru_portal/pending/", {"kind": kinds[0][0]}).context["cl"].queryset
    assert [str(row) for row in shown] == [str(Organisation.objects.order_by("pk")[0])]
    assert client.get("/admin/vru_portal/pending/", {"kind": "'"}).status_code == 200
