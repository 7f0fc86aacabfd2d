"""Staff's start page: each line counts exactly what its list shows, for everybody who may see that list."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.declarations.choices import InvitationState
from events.declarations.models import DeclarationVersion, Invitation
from funding.models import FinancialYear
from partners.models import LegalNotice, Organisation
from tests.support import factories
from tests.support.factories import make_everything
from vru_portal.links.choices import DraftState
from vru_portal.links.models import Delivery
from vru_portal.models import Pending
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State

pytestmark = pytest.mark.django_db

MAX_QUERIES = 42


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
    make_everything(2)
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
    # asked twice, and refused both times: still one return to ask for again
    unanswered = factories.ReturnDraftFactory(state=DraftState.REFUSED)
    factories.ReturnMailFactory.create_batch(2, draft=unanswered, delivery=Delivery.REFUSED)
    factories.ReturnDraftFactory(state=DraftState.SUBMITTED)

    def edit():
        body.summary = "Other words."
        body.save()

    assert workflow.propose(body, by=boss, edit=edit)
    workflow.publish(factories.StoryFactory(state=State.DRAFT), by=boss, at=timezone.now() + timedelta(days=1))
    Pending.objects.exclude(object_id=body.pk).update(fault="Its source is a draft.")
    return boss


def worklist(response):
    return {item.heading: item for item in response.context["worklist"]}


def test_each_worklist_item_counts_exactly_what_its_list_shows(client, busy):
    response = client.get("/admin/")
    found = worklist(response)
    assert set(found) >= {
        "Drafts are not published",
        "Facts that nobody has checked for a year",
        "Changes are not published",
        "Changes could not be published on schedule",
        "Invitations not started",
        "Invitations declined",
        "Emails that could not be delivered",
        "Requests to sign",
        "Evidence assessments are waiting for a decision",
        "Figures to check",
        "Requests for figures that the mail server refused",
    }
    wrong = []
    for heading, item in found.items():
        for link in item.links:
            if link.count is not None:
                shown = client.get(link.url)
                assert shown.status_code == 200, link.url
                if shown.context["cl"].result_count != link.count:
                    wrong.append((heading, link.url, link.count, shown.context["cl"].result_count))
    assert wrong == []
    assert found["Drafts are not published"].count == 4
    assert found["Invitations not started"].count == 2


def test_nothing_to_do_says_so(client):
    client.force_login(staff_with())
    response = client.get("/admin/")
    assert response.context["worklist"] == []
    assert "You have nothing to do." in response.content.decode()
    assert response.context["changes"] == []


def test_a_worklist_item_is_shown_only_to_people_who_can_view_its_list(client, busy):
    client.force_login(staff_with("programmes.view_story"))
    response = client.get("/admin/")
    found = worklist(response)
    assert set(found) == {"Drafts are not published", "Facts that nobody has checked for a year"}
    assert [link.label for link in found["Drafts are not published"].links] == ["3 stories"]
    assert response.context["money"] == []
    assert response.context["progress"] is None
    assert {change.model.__name__ for change in response.context["changes"]} <= {"Story"}


def test_the_reason_why_signing_is_closed_is_shown(client, boss):
    make_everything(1)
    LegalNotice.objects.update(controller="")
    assert "controller" in worklist(client.get("/admin/"))["Signing is closed"].explanation
    assert "No declaration is in force" not in worklist(client.get("/admin/"))


def test_it_says_that_no_declaration_is_in_force(client, boss):
    factories.UnitFactory()
    assert "No declaration is in force" in worklist(client.get("/admin/"))


def test_the_number_of_queries_does_not_grow_with_the_records(client, boss):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/").status_code == 200
        return len(queries)

    make_everything(1)
    asked()
    one = asked()
    factories.StoryFactory.create_batch(3, state=State.DRAFT)
    year = FinancialYear.objects.filter(sources__allocations__isnull=False)[
        0
    ]  # another year would have its own account
    for _ in range(2):
        factories.AllocationFactory(funding_source=factories.FundingSourceFactory(year=year))
        factories.StatementFactory()
    more = asked()
    assert one == more
    assert one <= MAX_QUERIES


def test_recent_changes_name_who_did_what_once(client, boss):
    make_everything(1)
    story = factories.StoryFactory(state=State.DRAFT, title="A new day")
    address = f"/admin/programmes/story/{story.pk}/publish/"
    form = client.get(address).context["form"]
    client.post(address, {"publish_at_0": "", "publish_at_1": "", "seen": form["seen"].value()})
    found = [change for change in client.get("/admin/").context["changes"] if change.key == str(story.pk)]
    assert [(change.user, change.record_name, change.action) for change in found] == [
        ("boss", "A new day", "Published")
    ]
    assert found[0].url == f"/admin/programmes/story/{story.pk}/change/"


def test_a_change_made_outside_the_admin_is_shown_too(client, boss):
    make_everything(1)
    story = factories.StoryFactory()
    story.title = "By the shell"
    story._history_user = boss
    story.save()
    found = client.get("/admin/").context["changes"]
    assert [(one.user, one.record_name, one.action) for one in found if one.key == str(story.pk)] == [
        ("boss", "By the shell", "Changed.")
    ]


def test_the_page_of_changes_shows_more_than_the_start_page(client, boss):
    make_everything(1)
    for number in range(12):
        story = factories.StoryFactory(title=f"Story {number}")
        story.summary, story._history_user = "By the shell.", boss
        story.save()
    assert len(client.get("/admin/").context["changes"]) == 10
    page = client.get("/admin/changes/")
    assert {f"Story {number}" for number in range(12)} <= {change.record_name for change in page.context["changes"]}
    client.force_login(staff_with())
    page = client.get("/admin/changes/")
    assert (page.status_code, page.context["changes"]) == (200, [])


@pytest.mark.parametrize(
    ("stated", "checked", "asks"),
    [(0, None, False), (366, None, True), (366, 300, False), (800, 366, True), (0, 366, True)],
)
def test_a_fact_is_due_for_a_check_a_year_after_its_source_or_last_check(client, boss, stated, checked, asks):
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
    heading = "Evidence assessments are waiting for a decision"
    assert worklist(client.get("/admin/"))[heading].links[0].label == "Review"
    client.force_login(staff_with("programmes.view_evidenceassessment"))
    assert worklist(client.get("/admin/"))[heading].links[0].label == "View"


def test_the_page_of_an_app_lists_its_models_without_a_worklist(client, boss):
    factories.UnitFactory()
    page = client.get("/admin/programmes/").content.decode()
    assert "<h1>Programmes</h1>" in page
    assert "/admin/programmes/story/add/" in page
    assert "/admin/partners/person/" not in page
    assert "You have nothing to do" not in page
    assert client.get("/admin/nothing/").status_code == 404


def test_pending_changes_can_be_filtered_by_the_kinds_that_have_some(client, busy):
    page = client.get("/admin/vru_portal/pending/")
    kinds = page.context["cl"].filter_specs[1].lookup_choices
    assert [name for _, name in kinds] == ["Organisation", "Story"]
    assert "Programmes | " not in page.text
    shown = client.get("/admin/vru_portal/pending/", {"kind": kinds[0][0]}).context["cl"].queryset
    assert [str(row) for row in shown] == [str(Organisation.objects.order_by("pk")[0])]
    assert client.get("/admin/vru_portal/pending/", {"kind": "'"}).status_code == 200
