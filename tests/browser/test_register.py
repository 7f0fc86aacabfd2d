"""The declaration and its register as a browser shows them: signed, compared, filtered, checked."""

import re
import subprocess
import sys

import pytest

from tests.support.browser import faults, visit, visitor
from tests.support.processes.databases import run_python
from tests.support.processes.portal_process import free_port, portal

# What staff and signatories do, on the portal that is being served.
SIGNED = """
import django
django.setup()
from django.db import transaction
from events.declarations.rules import corrections, versions
from events.declarations.models import DeclarationVersion, Entry, Invitation
from events.declarations.register import log
from partners.models import LegalNotice, Sector
from tests.support import signing
LegalNotice.objects.update_or_create(pk=1, defaults=signing.NOTICE)
first = DeclarationVersion.objects.get()
versions.publish_version(by=None, version=first)
sectors = list(Sector.objects.all())
names = ["Example Community Trust", "Sample Primary Care Federation of the Northern Boroughs", "A Body"]
for n, name in enumerate(names):
    invited = signing.invite(name, f"post@{n}.example", sector=sectors[n])
    signing.sign(invited, name_is_public=n == 0)
with transaction.atomic():
    log.lock_head()
    corrections.end_signature(entry=Entry.objects.get(seq=2))
second = DeclarationVersion.objects.create(
    declaration=first.declaration, number=2, source=first.source, as_at=first.as_at,
    text=first.text.replace("share data", "share evidence") + "\\n7. **Report.** Publish what was done.",
)
versions.publish_version(by=None, version=second)
invitation = Invitation.objects.filter(version=second).first()
signing.sign(signing.Invited(invitation, signing.new_link(invitation)))
"""
STATES = (
    "/declaration/",
    "/declaration/versions/1/",
    "/declaration/versions/2/",
    "/declaration/register/",
    "/declaration/register/?status=withdrawn&version=1&q=sample",
    "/declaration/register/?status=signed&q=nobody",
    "/declaration/register/?status=nonsense",
    "/declaration/register/1/",
    "/declaration/register/4/",
    "/",
)


@pytest.fixture(scope="module")
def signed_portal(tmp_path_factory, template):
    """A portal with signatures of two versions."""
    folder, port = tmp_path_factory.mktemp("register") / "var", free_port()
    template.put_unit(folder)
    with portal(folder, PORT=port, WORKERS=1) as served:
        served.wait_until_ready()
        done = run_python({"VAR_DIR": str(folder), "PORT": str(port)}, "-c", SIGNED)
        assert done.returncode == 0, done.stderr
        yield served


@pytest.fixture
def page(chromium, signed_portal):
    found = visitor(chromium, signed_portal)
    yield found
    found.context.close()


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(page):
    found, complaints = {}, []
    page.on("console", lambda message: complaints.append(message.text))
    for address in STATES:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        visit(page, address)
        page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        wrong = faults(page, 1280, 320)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        if wrong := [*wrong, *faults(page, 768)]:
            found[address] = wrong
    assert (found, complaints) == ({}, [])


def test_a_visitor_filters_by_keyboard_and_finds_the_entry_and_its_proof(page):
    page.goto("/declaration/")
    page.get_by_role("link", name="The public register").click()
    page.get_by_label(re.compile("^Withdrawn")).check()
    page.get_by_label("Organisation name").fill("primary care")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("#results").text_content() == "1 entry"
    page.get_by_role("link", name="Sample Primary Care").press("Enter")
    assert page.locator("h1").text_content() == "Entry 2"
    assert "Entry 4" in page.locator("main").text_content()
    page.get_by_text("The leaf, as it is hashed").press("Enter")
    assert '"seq":2' in page.locator("details[open]").text_content()


def test_what_was_added_and_taken_out_shows_without_colour(page):
    page.goto("/declaration/versions/2/")
    line = "element => getComputedStyle(element).textDecorationLine"
    assert page.locator(".deed del").first.evaluate(line) == "line-through"
    assert page.locator(".deed ins").first.evaluate(line) == "underline"


def test_a_visitor_downloads_the_files_and_checks_them_without_a_network(page, tmp_path):
    page.goto("/declaration/register/")
    how = page.locator("#how").locator("xpath=ancestor::section")
    for name in ("verify.py", "key.txt", "checkpoint.txt", "register.json"):
        with page.expect_download() as started:
            how.get_by_role("link", name=name, exact=True).click()
        assert started.value.suggested_filename == name
        started.value.save_as(tmp_path / name)
    command = [sys.executable, "-I", "verify.py", "key.txt", "register", "register.json", "checkpoint.txt"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[6:] == [
        "The register is complete: 6 entries, 2 signatures in force.",
        "It extends checkpoint.txt (6 entries).",
    ]
