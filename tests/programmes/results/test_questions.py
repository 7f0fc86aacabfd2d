"""What staff have asked about figures that were sent, and who is told that they might ask."""

import pytest

from programmes.results.rules import approving, reporting
from tests.programmes.results.returns import ask, count_people, new_link
from tests.support.crawler import text_of
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
