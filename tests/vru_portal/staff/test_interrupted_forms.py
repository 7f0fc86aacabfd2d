"""Forms sent with an expired session: offered to their author after signing in, and sent only if they say so."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from partners.models import Sector
from tests.support.factories import UnitFactory
from vru_portal.staff.interrupted_forms import DISCARD_FIELD, MAX_CHARACTERS, SESSION_ENTRY

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAGE = "/admin/partners/sector/add/?_popup=0"
TYPED = {"name": "Fishing\r\nand boats", "slug": "fishing", "csrfmiddlewaretoken": "t", "password1": "secret"}


@pytest.fixture(autouse=True)
def _unit():
    UnitFactory()


@pytest.fixture
def ada():
    return get_user_model().objects.create_superuser("ada")


@pytest.fixture
def over(client, ada):
    """A visitor whose session has ended."""
    client.force_login(ada)
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    return client


def test_a_form_is_offered_to_its_author_and_sent_when_they_say_so(over, ada):
    answer = over.post(PAGE, TYPED)
    assert answer.headers["Location"].startswith("/admin/login/?next=/admin/partners/sector/add/")
    assert not Sector.objects.filter(slug="fishing").exists()
    over.force_login(ada)
    page = over.get(PAGE)
    assert "You were signed out before this was saved" in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert "Fishing" in page.text
    assert "secret" not in page.text
    assert 'name="slug" value="fishing"' in page.text
    assert "Send it now" not in over.get("/admin/partners/sector/").text
    sent = over.post(PAGE, {"name": "Fishing", "slug": "fishing"})
    assert sent.status_code == 302
    assert Sector.objects.filter(slug="fishing").count() == 1
    assert "signed out before" not in over.get(PAGE).text


def test_nothing_is_sent_by_itself_and_it_can_be_discarded(over, ada):
    over.post(PAGE, TYPED)
    over.force_login(ada)
    for _ in range(2):
        assert "Send it now" in over.get(PAGE).text
    assert not Sector.objects.filter(slug="fishing").exists()
    answer = over.post(PAGE, {DISCARD_FIELD: "Discard it"}, follow=True)
    assert "has been discarded" in answer.text
    assert "Send it now" not in answer.text
    assert not Sector.objects.filter(slug="fishing").exists()


def test_another_person_never_sees_it(over):
    over.post(PAGE, TYPED)
    bea = get_user_model().objects.create_superuser("bea")
    over.force_login(bea)
    assert "Fishing" not in over.get(PAGE).text
    over.post(PAGE, {})
    assert SESSION_ENTRY not in over.session


def test_nothing_is_stored_without_an_expired_session(client, ada):
    for cookie in (None, "x" * 32):
        if cookie:
            client.cookies["sessionid"] = cookie
        client.post(PAGE, TYPED)
        assert SESSION_ENTRY not in client.session
    nobody = Session.objects.create(session_key="n" * 32, session_data="", expire_date=timezone.now() - timedelta(1))
    client.cookies["sessionid"] = nobody.pk
    client.post(PAGE, TYPED)
    assert SESSION_ENTRY not in client.session


def test_passwords_tokens_and_files_are_never_stored(over):
    over.post(PAGE, TYPED | {"file": SimpleUploadedFile("a.txt", b"text of a file")})
    kept = over.session[SESSION_ENTRY]
    assert dict(kept["fields"]) == {"name": ["Fishing\r\nand boats"], "slug": ["fishing"]}
    assert kept["files"] is True


@pytest.mark.parametrize(("length", "is_kept"), [(MAX_CHARACTERS - 4, True), (MAX_CHARACTERS - 3, False)])
def test_the_size_of_a_stored_form_is_limited(over, length, is_kept):
    over.post(PAGE, {"name": "x" * length})
    assert (SESSION_ENTRY in over.session) is is_kept


def test_a_script_s_request_is_not_stored(over):
    over.post(PAGE, TYPED, headers={"Sec-Fetch-Dest": "empty"})
    assert SESSION_ENTRY not in over.session


def test_a_forged_request_stores_nothing(ada):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    assert strict.post(PAGE, TYPED).status_code == 403
    assert SESSION_ENTRY not in strict.session


def test_sending_a_stored_form_needs_a_token_of_the_new_session(over, ada):
    over.post(PAGE, TYPED)
    over.force_login(ada)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = over.cookies
    page = strict.get(PAGE)
    assert strict.post(PAGE, {"name": "Fishing", "slug": "fishing"}).status_code == 403
    token = page.context["csrf_token"]
    data = {"name": "Fishing", "slug": "fishing", "csrfmiddlewaretoken": str(token)}
    assert strict.post(PAGE, data).status_code == 302


def test_fields_of_a_stored_form_have_readable_labels(over, ada):
    over.post(PAGE, {"posts-0-title": "Warden", "posts-TOTAL_FORMS": "1", "seen": "5ee7", "_save": "Save"})
    over.force_login(ada)
    page = over.get(PAGE).text
    assert "<dt>Posts 1 title</dt>" in page
    assert "TOTAL FORMS" not in page
    assert "<dt>Seen</dt>" not in page  # nobody has typed it
    assert 'name="seen" value="5ee7"' in page
    assert 'name="_save" value="Save"' in page
