"""One email a day at most tells those who can act that something new waits for them; it can be turned off."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import mail
from django_tasks_db.models import DBTaskResult

from tests.support.crawler import text_of
from tests.support.factories import StoryFactory
from vru_portal.models import DailyEmail
from vru_portal.publishing import workflow
from vru_portal.publishing.state import State
from vru_portal.staff.daily_email import queue_daily_emails
from vru_portal.staff.tasks import send_daily_email

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history", "unit")]

MORNING = "2031-05-06T06:30:00Z"  # 07:30 in London


def account(name, role, email=None):
    user = get_user_model().objects.create_user(
        name, is_staff=True, email=f"{name}@unit.example" if email is None else email
    )
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture(autouse=True)
def people(time_machine):
    time_machine.move_to(MORNING, tick=False)
    return {
        name: account(name, role) for name, role in {"ash": "Editor", "robin": "Publisher", "kit": "Finance"}.items()
    }


def sent():
    """Queue what is due, let the worker send it, and return the recipients."""
    DBTaskResult.objects.all().delete()
    mail.outbox.clear()
    queue_daily_emails()
    for task in DBTaskResult.objects.all():
        send_daily_email.func(*task.args_kwargs["args"])
    return [message.to[0] for message in mail.outbox]


def ready(people, title="Rain"):
    story = StoryFactory(state=State.DRAFT, title=title)
    workflow.mark_ready(story, by=people["ash"], note="Ring Mrs Vale about it.")
    return story


def test_publishers_get_the_titles_of_what_is_ready(people, settings):
    story = ready(people)
    assert sent() == ["robin@unit.example"]
    (message,) = mail.outbox
    assert message.subject == f"1 item needs your attention at {settings.ADDRESS.host}"
    assert (
        f"Ready to publish: Story “Rain”\n{settings.PORTAL_URL}/admin/programmes/story/{story.pk}/change/"
        in message.body
    )
    assert "Vale" not in message.body
    assert f"{settings.PORTAL_URL}/admin/account/emails/" in message.body


def test_an_editor_gets_the_titles_of_what_was_sent_back(people):
    workflow.send_back(ready(people), by=people["robin"], note="No.")
    assert sent() == ["ash@unit.example"]
    assert "Sent back: Story “Rain”" in mail.outbox[0].body


def test_nobody_gets_two_emails_a_day_or_the_same_item_twice(people, time_machine):
    ready(people)
    assert sent() == ["robin@unit.example"]
    time_machine.move_to("2031-05-06T07:30:00Z", tick=False)
    ready(people, "Snow")
    assert sent() == []
    time_machine.move_to("2031-05-07T06:30:00Z", tick=False)
    assert sent() == ["robin@unit.example"]
    assert "2 items need your attention" in mail.outbox[0].subject
    time_machine.move_to("2031-05-08T06:30:00Z", tick=False)
    assert sent() == []


@pytest.mark.parametrize(("at", "number"), [("05:59", 0), ("06:00", 1), ("10:59", 1), ("11:00", 0)])
def test_it_is_sent_in_the_morning_of_the_units_own_clock(people, time_machine, at, number):
    ready(people)
    time_machine.move_to(f"2031-05-07T{at}:00Z", tick=False)
    assert len(sent()) == number


def test_accounts_without_an_address_and_those_that_are_closed_get_nothing(people):
    account("without", "Publisher", email="")
    get_user_model().objects.filter(username="robin").update(is_active=False)
    ready(people)
    assert sent() == []


def test_nothing_is_sent_of_what_was_decided_before_the_worker_came_to_it(people):
    story = ready(people)
    queue_daily_emails()
    workflow.publish(story, by=None)
    send_daily_email.func(people["robin"].pk)
    assert mail.outbox == []


def test_it_is_turned_off_and_on_on_the_page_of_the_account(people, client):
    client.force_login(people["robin"])
    page = client.get("/admin/account/emails/")
    assert "We send it to robin@unit.example." in text_of(page)
    assert "checked" in page.text
    assert not DailyEmail.objects.exists()
    assert client.post("/admin/account/emails/", {}).status_code == 302
    ready(people)
    assert sent() == []
    client.post("/admin/account/emails/", {"wanted": "on"})
    assert sent() == ["robin@unit.example"]
