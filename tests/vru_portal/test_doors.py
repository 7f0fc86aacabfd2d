"""Every address, as everybody: who gets through is what the table (doors.py) says, and what it does not name fails."""

import logging

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.http import HttpResponseForbidden
from django.template.response import SimpleTemplateResponse

from tests.factories import furnish
from tests.vru_portal.doors import DELETE, LETTERS, MODELS, NAMES, OWN, PAGES
from tests.vru_portal.walking import (
    ACTORS,
    ANONYMOUS,
    answer,
    client_of,
    clients,
    fingerprint,
    model_of,
    outcome,
    pages,
    patterns,
    public_addresses,
    row_of,
    written_out,
)
from vru_portal.models import FileJob, Pending
from vru_portal.staff_site import StaffSite

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# Answers that are right although nobody gets anything: the page, and what is not there for anybody.
SCAN = ("declarations.papersignature", "<int:pk>/scan/")


@pytest.fixture(autouse=True)
def _quiet():
    """Thousands of refusals, each with its traceback in the log, would take most of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def bare_pages(monkeypatch):
    """Who gets through, not what they see there: nothing is rendered, neither a page nor a refusal."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    monkeypatch.setattr(StaffSite, "each_context", lambda *_: {})
    monkeypatch.setattr(StaffSite, "forbidden", lambda *_: HttpResponseForbidden())


@pytest.fixture(scope="module")
def furnished(standing):
    with standing():
        furnish(1)
        somebody = get_user_model().objects.create_user("somebody")
        LogEntry.objects.create(user=somebody, action_flag=2, object_repr="Path")
        FileJob.objects.create(resource="funding.resources.PaymentResource", name="x.csv", stored="x", by=somebody)
        kind, person = ContentType.objects.get_for_model(apps.get_model("partners.person")), row_of("partners.person")
        Pending.objects.create(content_type=kind, object_id=person.pk, changes={}, by=somebody)
        yield


def declared(model: str, page: str) -> tuple[str, str] | None:
    """Return who gets through by GET and by POST."""
    if own := OWN.get((model, page)):
        return own
    if model not in MODELS or page not in PAGES:
        return None
    get, post = (MODELS[model][who] if isinstance(who, int) else who for who in PAGES[page])
    return get, post


# The table is whole ---------------------------------------------------------------------------------------------------


def test_every_page_of_a_model_is_declared():
    assert [f"{model} {page}" for model, page, _ in pages() if declared(model, page) is None] == []


def test_every_other_address_is_declared():
    names = {name for address, name in patterns() if not model_of(address) and name}
    assert names - NAMES.keys() - ELSEWHERE == set()


def test_nothing_is_declared_that_does_not_exist():
    there = {(model, page) for model, page, _ in pages()}
    names = {name for _, name in patterns()}
    assert set(OWN) - there == set()
    assert set(MODELS) == {model for model, _ in there}
    assert set(PAGES) - {page for _, page in there} == set()
    assert (NAMES.keys() | ELSEWHERE) - names == set()
    assert set(LETTERS) == set(ACTORS)


# Asked of with parameters, or by scripts: each has tests of its own, which say who gets an answer.
ELSEWHERE = {"staff_search", "admin_markdown", "admin_link", "autocomplete", "view_on_site", "app_list"}


# And it holds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [pytest.param(one, marks=pytest.mark.xdist_group(f"doors {one}")) for one in ACTORS])
def test_everybody_gets_through_the_doors_that_are_theirs_and_through_no_other(furnished, bare_pages, actor):
    client, wrong = client_of(actor), []
    for model, page, address in pages():
        expected = declared(model, page) or ("", "")
        for method, letters in zip(("get", "post"), expected, strict=True):
            response = answer(client, method, written_out(address, row_of(model)))
            # a row that is not theirs is like one that never was: Django leads to the start page and says so
            found = "out" if response.headers.get("Location") == "/admin/" else outcome(response)
            right = "in" if LETTERS[actor] in letters else "out"
            if (model, page) == SCAN and found == "404":
                found = "in"  # the furnished signature has no scan
            if found != right:
                wrong.append(f"{model} {page} {method} by {actor}: {found}, not {right}")
    assert not wrong, "\n".join(wrong)


# There, but with nothing to give on this unit: a link that opens nothing, no prefix for 360Giving, no key of one's own.
EMPTY = {
    *("giving", "security", "picture", "document", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_deactivate_totp"),
    *("consistency", "ask", "open", "read", "details", "check", "passed_on", "decline", "decide", "withdraw"),
    *("receipt", "receipt_json", "receipt_pdf", "mfa_view_recovery_codes", "mfa_download_recovery_codes"),
}


def test_the_public_pages_and_those_of_an_account_open_to_whom_they_are_for(furnished, bare_pages):
    everybody, wrong = clients(), []
    for name, address in public_addresses().items():
        # the public's pages know no roles: that one sees what the public sees is enough
        actors = everybody if address.startswith("/admin/") else {k: everybody[k] for k in (ANONYMOUS, "Administrator")}
        for method, letters in zip(("get", "post"), NAMES[name], strict=True):
            for actor, client in actors.items():
                # what takes nothing asks for no token, and whoever sends something without one is refused
                client.handler.enforce_csrf_checks = not letters
                found = outcome(answer(client, method, address))
                if name in EMPTY and found in ("400", "404", "410", "503"):
                    found = "in"
                right = "in" if LETTERS[actor] in letters else "out"
                if found != right:
                    wrong.append(f"{name} {method} by {actor}: {found}, not {right} ({address})")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_in_by_any_address_of_the_admin_without_signing_in(furnished, bare_pages, client):
    doors = ("account/", "login/")
    for address, _ in patterns():
        if address.startswith("admin/") and not address.startswith(tuple(f"admin/{door}" for door in doors)):
            plain = written_out(address, row_of("partners.person")).replace("<path:content_type_id>", "1")
            if "^" in plain or "(" in plain:
                plain = "/admin/partners/"
            for method in ("get", "post"):
                response = answer(client, method, plain)
                to = response.headers.get("Location", "")
                assert to.startswith("/admin/login/") or (plain == "/admin/logout/" and to == "/admin/"), plain


def test_an_auditor_sends_to_every_page_and_nothing_changes(furnished):
    auditor = client_of("Auditor")
    before = fingerprint()
    for model, _, address in pages():
        row = row_of(model)
        data = {"post": "yes", "_save": "Save", "action": "delete_selected", "_selected_action": [row.pk if row else 1]}
        response = auditor.post(written_out(address, row), data | {"name": "x", "title": "x", "reason": "x"})
        assert response.status_code in (200, 302, 403, 404, 405), address
    after = fingerprint()
    assert {table for table in after if after[table] != before[table]} == set()


def test_nothing_of_a_published_unit_is_deleted_but_words_of_vocabularies():
    assert {model for model, letters in MODELS.items() if letters[DELETE]} == {
        "partners.sector",
        "programmes.audience",
        "programmes.setting",
        "programmes.area",
    }
