"""What staff have asked about a list of onward grants, and who is told that they might ask."""

import pytest

from funding.regranting.rules import approving, reporting
from tests.funding.regranting.requests import PLACE, ask, enter, new_link, opened, send
from tests.support.crawler import text_of
from tests.support.factories import UserFactory
from vru_portal.links.choices import LinkPurpose

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]


def test_only_the_first_person_is_told_that_a_question_would_come_to_them(client):
    asked = ask()
    enter(asked)
    passed = {"prepared_by": "Kim", "confirm_name": "Sam", "confirm_email": "sam@recipient.example"}
    reporting.pass_on(secret=asked.secret, **passed)
    theirs = new_link(asked.request, LinkPurpose.CONFIRM, "sam@recipient.example")
    opened(client, theirs)
    assert "they will ask Kim" in text_of(client.get(f"{PLACE}check/"))
    reporting.submit(secret=theirs, name="Sam")
    page = text_of(client.get(f"{PLACE}sent/"))
    assert "they will send a question to Kim" in page
    assert "whose link will work again. Yours will not." in page
    opened(client, asked.secret)
    said = "they will send you a question and this link will work again."
    assert said in text_of(client.get(f"{PLACE}sent/"))


def test_what_was_asked_is_still_there_for_both_once_it_is_answered(client):
    asked = ask()
    enter(asked)
    send(asked)
    approving.query(request=asked.row, question="Is that all?")
    opened(client, asked.secret)
    assert "We asked: Is that all?" in text_of(client.get(f"{PLACE}check/"))
    send(asked)
    client.force_login(UserFactory(is_superuser=True))
    for page in ("change", "approve"):
        shown = text_of(client.get(f"/admin/funding/onwardrequest/{asked.request.pk}/{page}/"))
        assert "We asked on 1 June 2031" in shown
        assert "Is that all?" in shown
