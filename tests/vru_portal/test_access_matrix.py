"""Every address, as every role: the access matrix says who may open it, and an address that it does not name fails."""

import pytest
from django.apps import apps
from django.contrib import auth
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.http import HttpResponseForbidden
from django.template.backends.django import Template

from tests.support.access_matrix import (
    DELETE,
    MODEL_ACCESS,
    NAMED_ADDRESSES,
    ROLE_LETTERS,
    SHARED_PAGES,
    SINGLE_MODEL_PAGES,
)
from tests.support.addresses import (
    ACTORS,
    ANONYMOUS,
    access_outcome,
    client_of,
    clients,
    fill_in_address,
    model_of,
    model_pages,
    public_addresses,
    request_and_roll_back,
    row_of,
    table_contents,
    url_patterns,
)
from tests.support.factories import make_everything
from vru_portal.models import FileJob, Pending, Submission
from vru_portal.staff.help import subjects
from vru_portal.staff.site import StaffSite

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("quiet")]

# Right answers although nobody gets anything: the page, and what does not exist for anybody.
SCAN = ("declarations.papersignature", "<int:pk>/scan/")


@pytest.fixture
def bare_pages(monkeypatch):
    """Only access is tested: nothing is rendered, neither a page nor a refusal."""
    subjects()  # rendered once for each process: before rendering is switched off
    monkeypatch.setattr(Template, "render", lambda *_, **__: "")
    monkeypatch.setattr(StaffSite, "each_context", lambda *_: {})
    monkeypatch.setattr(StaffSite, "forbidden", lambda *_: HttpResponseForbidden())


@pytest.fixture
def known(monkeypatch):
    """A user who makes a thousand requests is looked up once, with their permissions; sessions are still read."""
    look_up, people = auth.get_user, {}

    def get_user(request):
        number = request.session.get(auth.SESSION_KEY)
        if number not in people:
            people[number] = look_up(request)
        return people[number]

    monkeypatch.setattr(auth, "get_user", get_user)


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        make_everything(1)
        somebody = get_user_model().objects.create_user("somebody")
        LogEntry.objects.create(user=somebody, action_flag=2, object_repr="Path")
        FileJob.objects.create(resource="funding.resources.PaymentResource", name="x.csv", stored="x", by=somebody)
        kind, person = ContentType.objects.get_for_model(apps.get_model("partners.person")), row_of("partners.person")
        Pending.objects.create(content_type=kind, object_id=person.pk, changes={}, by=somebody)
        Submission.objects.create(content_type=kind, object_id=person.pk, state="ready", by=somebody)
        yield


@pytest.fixture(scope="module")
def addresses_of_models(furnished):
    """The model, the page and the address of each page of a model, which are the same for everybody."""
    return [(model, page, fill_in_address(address, row_of(model))) for model, page, address in model_pages()]


def declared(model: str, page: str) -> tuple[str, str] | None:
    """Return who may GET and who may POST."""
    if own := SINGLE_MODEL_PAGES.get((model, page)):
        return own
    if model not in MODEL_ACCESS or page not in SHARED_PAGES:
        return None
    get, post = (MODEL_ACCESS[model][who] if isinstance(who, int) else who for who in SHARED_PAGES[page])
    return get, post


# The matrix is complete -----------------------------------------------------------------------------------------------


def test_every_page_of_a_model_is_declared():
    assert [f"{model} {page}" for model, page, _ in model_pages() if declared(model, page) is None] == []


def test_every_other_address_is_declared():
    names = {name for address, name in url_patterns() if not model_of(address) and name}
    assert names - NAMED_ADDRESSES.keys() - ELSEWHERE == set()


def test_nothing_is_declared_that_does_not_exist():
    there = {(model, page) for model, page, _ in model_pages()}
    names = {name for _, name in url_patterns()}
    assert set(SINGLE_MODEL_PAGES) - there == set()
    assert set(MODEL_ACCESS) == {model for model, _ in there}
    assert set(SHARED_PAGES) - {page for _, page in there} == set()
    assert (NAMED_ADDRESSES.keys() | ELSEWHERE) - names == set()
    assert set(ROLE_LETTERS) == set(ACTORS)


# Requested with parameters, or by scripts: each has tests of its own, which check who gets an answer.
ELSEWHERE = {
    "card",
    "staff_search",
    "staff_help_subject",
    "admin_markdown",
    "admin_link",
    "autocomplete",
    "view_on_site",
    "app_list",
    "unknown",  # of the API: whatever it has not
}


# And it holds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ACTORS)
def test_everybody_opens_the_pages_that_are_theirs_and_no_other(addresses_of_models, bare_pages, known, actor):
    client, wrong = client_of(actor), []
    for model, page, address in addresses_of_models:
        expected = declared(model, page) or ("", "")
        for method, letters in zip(("get", "post"), expected, strict=True):
            response = request_and_roll_back(client, method, address)
            # a row that is not theirs looks as if it did not exist: Django redirects to the start page
            found = "out" if response.headers.get("Location") == "/admin/" else access_outcome(response)
            right = "in" if ROLE_LETTERS[actor] in letters else "out"
            if (model, page) == SCAN and found == "404":
                found = "in"  # the furnished signature has no scan
            if found != right:
                wrong.append(f"{model} {page} {method} by {actor}: {found}, not {right}")
    assert not wrong, "\n".join(wrong)


# Nothing to show in this test's unit: links that open nothing, no prefix for 360Giving, no key of the user's own.
EMPTY = {
    *("giving", "security", "picture", "document", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_deactivate_totp"),
    *("consistency", "ask", "open", "read", "details", "check", "passed_on", "decline", "decide", "withdraw"),
    *("receipt", "receipt_json", "receipt_pdf", "mfa_view_recovery_codes", "mfa_download_recovery_codes"),
    *("return", "figure", "words", "sent", "take_back"),
    *("onward", "onward_new", "onward_grant", "onward_remove", "onward_file", "onward_check", "onward_sent"),
    *("onward_take_back", "onward_open"),
}


def test_public_pages_and_account_pages_open_only_for_their_audience(furnished, bare_pages, known):
    everybody, wrong = clients(), []
    for name, address in public_addresses().items():
        # public pages do not depend on roles: checking one signed-in role is enough
        actors = everybody if address.startswith("/admin/") else {k: everybody[k] for k in (ANONYMOUS, "Administrator")}
        for method, letters in zip(("get", "post"), NAMED_ADDRESSES[name], strict=True):
            for actor, client in actors.items():
                # a page without a form needs no token; a form that is sent without one is refused
                client.handler.enforce_csrf_checks = not letters
                found = access_outcome(request_and_roll_back(client, method, address))
                if name in EMPTY and found in ("400", "404", "410", "503"):
                    found = "in"
                right = "in" if ROLE_LETTERS[actor] in letters else "out"
                if found != right:
                    wrong.append(f"{name} {method} by {actor}: {found}, not {right} ({address})")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_in_by_any_address_of_the_admin_without_signing_in(furnished, bare_pages, client):
    sign_in_pages = ("account/", "login/")
    for address, _ in url_patterns():
        if address.startswith("admin/") and not address.startswith(tuple(f"admin/{page}" for page in sign_in_pages)):
            plain = fill_in_address(address, row_of("partners.person")).replace("<path:content_type_id>", "1")
            if "^" in plain or "(" in plain:
                plain = "/admin/partners/"
            for method in ("get", "post"):
                response = request_and_roll_back(client, method, plain)
                to = response.headers.get("Location", "")
                assert to.startswith("/admin/login/") or (plain == "/admin/logout/" and to == "/admin/"), plain


def test_an_auditor_sends_to_every_page_and_nothing_changes(furnished, bare_pages):
    auditor = client_of("Auditor")
    before = table_contents()
    for model, _, address in model_pages():
        row = row_of(model)
        data = {"post": "yes", "_save": "Save", "action": "delete_selected", "_selected_action": [row.pk if row else 1]}
        response = auditor.post(fill_in_address(address, row), data | {"name": "x", "title": "x", "reason": "x"})
        assert response.status_code in (200, 302, 403, 404, 405), address
    after = table_contents()
    assert {table for table in after if after[table] != before[table]} == set()


def test_nothing_of_a_published_unit_is_deleted_but_words_of_vocabularies():
    assert {model for model, letters in MODEL_ACCESS.items() if letters[DELETE]} == {
        "partners.sector",
        "programmes.audience",
        "programmes.setting",
        "programmes.synonym",
        "vru_portal.headingmapping",
        "programmes.area",
        *("results.measure", "results.breakdown", "results.target", "results.areapopulation"),
        "results.reporter",  # which is never published
    }
