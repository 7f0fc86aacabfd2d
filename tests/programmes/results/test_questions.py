"""What staff have asked about figures that were sent, and who is told that they might ask."""

import html

import pytest

from programmes.results.rules import approving, reporting
from tests.programmes.results.returns import ask, count_people, new_link, report
from tests.support.crawler import text_of
from tests.support.factories import UserFactory
from vru_portal.links import personal
from vru_portal.links.choices import LinkPurpose

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "unit")]
PAGES = "/results/return/"
TO_ME = "they will send you a question and this link will work again."


def test_only_the_first_person_is_told_that_a_question_would_come_to_them(client):
    asked = ask(*count_people())
    reporting.save_answers(secret=asked.secret, typed=asked.typed(20), before={})
    client.get(f"{PAGES}{asked.secret}/")
    assert "they will ask you." in text_of(client.get(f"{PAGES}check/"))
    passed = {"prepared_by": "Robin", "confirm_name": "Sam", "confirm_email": "sam@reporter.example"}
    reporting.pass_on(secret=asked.secret, **passed)
    theirs = new_link(asked.row, LinkPurpose.CONFIRM)
    client.get(f"{PAGES}{theirs}/")
    assert "they will ask Robin" in text_of(client.get(f"{PAGES}check/"))
    reporting.submit(secret=theirs, name="Sam")
    page = text_of(client.get(f"{PAGES}sent/"))
    assert "they will send a question to Robin" in page
    assert "whose link will work again. Yours will not." in page
    assert TO_ME not in page
    client.get(f"{PAGES}{asked.secret}/")
    assert TO_ME in text_of(client.get(f"{PAGES}sent/"))
    approving.query(row=asked.row, question="All?")
    assert client.get(PAGES).status_code == 200
    client.get(f"{PAGES}{theirs}/")
    assert client.get(PAGES).status_code == 404


def test_each_box_whose_text_is_published_says_so(client):
    asked = ask(*count_people())
    client.get(f"{PAGES}{asked.secret}/")
    assert text_of(client.get(f"{PAGES}words/")).count("It is published") == 3


def test_what_was_asked_is_still_there_for_both_once_it_is_answered_and_is_erased_with_the_rest(client, clock):
    asked = ask(*count_people())
    report(asked, 20)
    approving.query(row=asked.row, question="Is <b>that</b> all?")
    client.get(f"{PAGES}{asked.secret}/")
    check = client.get(f"{PAGES}check/").content.decode()
    assert "We asked:" in check
    assert "Is &lt;b&gt;that&lt;/b&gt; all?" in check
    clock.move_to("2031-07-12 12:00+01:00", tick=False)
    reporting.submit(secret=asked.secret, name="Robin")
    client.force_login(UserFactory(is_superuser=True))
    for page in ("change", "approve"):
        shown = text_of(client.get(f"/admin/results/return/{asked.row.pk}/{page}/"))
        assert "We asked on 10 July 2031" in shown
        assert "Is <b>that</b> all?" in html.unescape(shown)
    personal.erase_early(asked.draft)
    assert "We asked" not in text_of(client.get(f"/admin/results/return/{asked.row.pk}/change/"))


def test_of_a_question_that_was_not_emailed_no_day_is_told(client):
    asked = ask(*count_people())
    report(asked, 20)
    approving.query(row=asked.row, question="Is that all?")
    asked.draft.mails.all().delete()  # as if the return had no email address
    reporting.submit(secret=asked.secret, name="Robin")
    client.force_login(UserFactory(is_superuser=True))
    assert "We asked Is that all?" in text_of(client.get(f"/admin/results/return/{asked.row.pk}/approve/"))
